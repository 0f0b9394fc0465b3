"""The documents in `docs/` are current."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import fileset
from fileset.cli.verbs import SHORTHAND, VERBS
from fileset.findings import RULES
from tests.support import synthetic
from tests.support.command import Runs

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


COMING_FROM = (DOCS / "coming-from.md").read_text(encoding="utf-8")
COMMANDS = [words for words in re.findall(r"`(fileset [^`]+)`", COMING_FROM) if len(words.split()) > 2]
SNIPPETS = [
    snippet
    for row in re.findall(r"^\| `[^|]*\| ([^|]+) \|$", COMING_FROM.partition("## dcmmkdir")[0], re.MULTILINE)
    for snippet in re.findall(r"`([^`]+)`", row)
]


@pytest.fixture
def medium(disc: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the file-set DISC, also as DIR, DISC.iso and SET.zip, and the file NEW/IM1."""
    monkeypatch.chdir(disc.parent)
    shutil.copytree(disc, "DIR")
    for name in ("DISC.iso", "SET.zip"):
        with fileset.Creator(name) as creator:
            creator.add(disc)
    Path("NEW").mkdir()
    Path("NEW/IM1").write_bytes(synthetic.ct(9))
    return disc.parent


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_for_users_of_other_tools_does_its_work(
    words: str, medium: Path, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = fileset.Reader("DIR").instances[0].sop_instance_uid
    arguments = [word.replace("UID=UID", f"UID={uid}") for word in words.split()[1:]]
    if "." in arguments:
        monkeypatch.chdir("DIR")
    if "NEW/IM1" in arguments:
        shutil.copytree(medium / "NEW", "NEW")
    replaces = ["--replace"] if arguments[0] in ("create", "index") else []
    run(*(word if word != "FILE" else "NEW/IM1" for word in arguments), *replaces)


def test_python_for_users_of_pydicom_does_its_work(medium: Path) -> None:
    reader = fileset.Reader("DISC")
    names: dict[str, Any] = {
        **{name: getattr(fileset, name) for name in ("Creator", "Reader", "Updater")},
        "reader": reader,
        "record": reader.instances[0],
        "path": str(medium / "NEW"),
    }
    for snippet in SNIPPETS:
        code = snippet.replace('SOPInstanceUID="1.2.3"', f'SOPInstanceUID="{reader.instances[0].sop_instance_uid}"')
        try:
            value = eval(code, names)  # noqa: S307  the text is ours
        except SyntaxError:
            exec(code, names)  # noqa: S102
            continue
        if hasattr(value, "close"):
            value.close()
    assert len(SNIPPETS) > 8
    assert len(fileset.Reader("OUT").instances) == 1


@pytest.mark.parametrize("page", [ROOT / "CONTRIBUTING.md", DOCS / "architecture.md"], ids=lambda page: page.name)
def test_every_module_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"`([\w/]+(?:\.py|/))`", page.read_text(encoding="utf-8"))
    package = ROOT / "fileset"
    places = (ROOT, package, package / "dicomdir", ROOT / "docs")
    assert named
    assert [name for name in named if "NAME" not in name and not any((place / name).exists() for place in places)] == []


def test_every_rule_and_function_is_in_the_module_that_the_documents_name_for_it() -> None:
    pages = (DOCS / "architecture.md", ROOT / "CONTRIBUTING.md")
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    pairs = re.findall(r"`?([A-Z]{2}-[A-Z-]+|(?<=`)\w+(?:\(\))?(?=`))`? (?:in|of) `(?:fileset/)?([\w/]+\.py)`", text)
    assert len(pairs) > 8
    source = {module: _module(module).read_text(encoding="utf-8") for _, module in pairs}
    assert [pair for pair in pairs if pair[0].removesuffix("()") not in source[pair[1]]] == []


def _module(name: str) -> Path:
    places = (ROOT / "fileset", ROOT / "fileset" / "dicomdir", ROOT)
    return next(place / name for place in places if (place / name).exists())


def test_the_schema_of_errors_knows_every_kind() -> None:
    schema = json.loads((DOCS / "schemas" / "error.json").read_text(encoding="utf-8"))
    known = set(schema["properties"]["error"]["properties"]["kind"]["enum"])
    kinds = {
        kind
        for path in (ROOT / "fileset").rglob("*.py")
        for kind in re.findall(r'^    kind = "([\w-]+)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert "secure" in kinds
    assert kinds - known == set()
    text = (DOCS / "json.md").read_text(encoding="utf-8")
    assert [kind for kind in known if not re.search(rf"`kind` is one of [^.]*\b{kind}\b", text)] == []


def test_every_room_is_explained() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rooms = [path.parent.name for path in (ROOT / "fileset").glob("*/__init__.py")]
    assert [room for room in rooms if f"`{room}/`" not in text] == []
