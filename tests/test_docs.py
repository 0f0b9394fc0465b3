"""The documents in `docs/` are current."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from fileset.cli.verbs import SHORTHAND, VERBS
from fileset.findings import RULES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])


def script(name: str) -> ModuleType:
    """Load a script of `docs/`."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_rules_is_current() -> None:
    expected: str = script("make_check_rules").text()
    current = (DOCS / "check-rules.md").read_text(encoding="utf-8")
    assert current == expected, "run: python docs/make_check_rules.py"


def test_every_rule_has_a_cause_and_a_cure() -> None:
    causes = script("make_check_rules")
    assert all(all(causes.cause_and_cure(rule)) for rule in RULES)
    assert {known for known in causes.CAUSES if not any(rule.startswith(known) for rule in RULES)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_documents_lead_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_names_every_verb() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [verb for verb in VERBS if verb not in SHORTHAND and f"`{verb}" not in text] == []


def test_the_readme_has_two_commands_for_ci() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- ci:begin -->\n```bash\n(.*?)```\n<!-- ci:end -->", text, re.DOTALL)
    assert [len(block.splitlines()) for block in blocks] == [1, 1]
