"""The conformance statement is generated, and its copy in the documentation is the one that the program prints."""

from __future__ import annotations

from pathlib import Path

import pytest

import fileset
from fileset.errors import RuleError
from fileset.standard.profiles import PROFILES
from tests.support.command import Runs

COPY = Path(fileset.__file__).parent.parent / "docs" / "conformance.md"


def test_the_copy_in_the_documentation_is_current(run: Runs) -> None:
    """`fileset conformance > docs/conformance.md` renews it."""
    if not COPY.exists():
        pytest.skip("the documentation is not beside the package")
    assert COPY.read_text(encoding="utf-8") == run("conformance").stdout


def test_the_statement_claims_the_profiles_that_create_takes_and_no_others(run: Runs, tmp_path: Path) -> None:
    table = next(one["table"] for one in run("conformance", "--json").document["sections"] if one["number"] == "4")
    claimed = {row[0] for row in table[1:] if row[2] == "yes"}
    taken = set()
    security = fileset.Security(password="pass phrase")  # noqa: S106  # a test needs one
    for profile in PROFILES.values():
        try:
            name = {"zip": "A.zip", "folder": "A"}[profile.medium.writes[0]]
            fileset.Creator(tmp_path / name, profile=profile.id, security=security if profile.secure else None)
        except RuleError:
            continue
        taken.add(profile.id)
    assert claimed == taken
    assert len(table) == 1 + len(PROFILES)


def test_html_has_the_same_sections(run: Runs) -> None:
    headings = [line for line in run("conformance", "--html").stdout.splitlines() if line.startswith("<h2>")]
    assert len(headings) == run("conformance").stdout.count("\n## ")
