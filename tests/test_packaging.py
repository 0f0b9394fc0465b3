"""The version, the extras and the changelog agree in all files that name them; `.ci/package` tries the wheel itself."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import fileset

ROOT = Path(__file__).parents[1]
EXTRAS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
FOR_USERS = sorted(EXTRAS.keys() - {"test", "all"})


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_changelog_begins_with_this_version() -> None:
    first = re.search(r"^## \[(.+?)\] - (?:unreleased|\d{4}-\d\d-\d\d)$", text("CHANGELOG.md"), re.MULTILINE)
    assert first is not None
    assert first[1] == fileset.__version__


def test_the_conformance_statement_is_of_this_version() -> None:
    assert f"fileset {fileset.__version__}" in text("docs/conformance.md").splitlines()[0]


def test_all_is_the_sum_of_the_extras_for_users() -> None:
    (line,) = EXTRAS["all"]
    assert line == f"dicom-fileset[{','.join(FOR_USERS)}]"


@pytest.mark.parametrize("extra", [*FOR_USERS, "all"])
def test_the_readme_names_each_extra(extra: str) -> None:
    assert f"| `[{extra}]` |" in text("README.md")


@pytest.mark.parametrize("extra", FOR_USERS)
def test_the_readme_names_the_libraries_of_each_extra(extra: str) -> None:
    row = re.search(rf"^\| `\[{extra}\]` \|.*$", text("README.md"), re.MULTILINE)
    assert row is not None
    assert [line for line in EXTRAS[extra] if re.split(r"[\[<>=~]", line)[0] not in row[0]] == []


@pytest.mark.parametrize("extra", re.findall(r"dicom-fileset\[(\w+)\]", text("README.md")))
def test_the_readme_names_only_existing_extras(extra: str) -> None:
    assert extra in EXTRAS
