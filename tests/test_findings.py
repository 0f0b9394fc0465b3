"""The catalogue of rules: whatever can be found is found by a test."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from fileset.findings import ERROR, INFO, RULES, WARNING, Rule

HERE: Final = Path(__file__)
TESTS: Final = "\n".join(path.read_text(encoding="utf-8") for path in HERE.parent.rglob("test_*.py") if path != HERE)

NOT_IN_THE_STANDARD: Final = frozenset(rule for rule in RULES if rule.startswith("FS-HASH-"))
"""Those about a manifest."""


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_met_by_a_test(rule: str) -> None:
    assert f'"{rule}"' in TESTS


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_every_rule_has_a_title_a_severity_and_a_section(rule: Rule) -> None:
    assert re.fullmatch("(FS|PR)(-[A-Z0-9]+)+", rule.id)
    assert rule.severity in (ERROR, WARNING, INFO)
    assert rule.title
    assert re.match(r"PS3\.\d+|IHE RAD TF-", rule.section) or rule.id in NOT_IN_THE_STANDARD
