"""`pyproject.toml` declares exactly the dependencies that the package imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

from tests.support.imports import imports

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = [line for extra, lines in PROJECT["optional-dependencies"].items() if extra != "test" for line in lines]
"""The dependencies of all extras but those of developers."""
STUBS_ONLY = frozenset(("_typeshed",))
"""Modules that only type checkers know."""


def modules_of(requirement: str) -> set[str]:
    """Return the top-level modules of the distribution that a requirement names."""
    name = re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]
    if name == PROJECT["name"]:
        return set()
    return {file.parts[0].removesuffix(".py") for file in metadata.files(name) or [] if file.suffix == ".py"}


@cache
def imported() -> frozenset[str]:
    """Return the top-level modules that the package imports anywhere in its code, without ours and Python's."""
    names = (name for path in (ROOT / "fileset").rglob("*.py") for name in imports(ast.parse(path.read_bytes())))
    modules = {name.partition(".")[0] for name in names}
    return frozenset(modules - set(sys.stdlib_module_names) - STUBS_ONLY - {"fileset"})


def test_every_import_is_a_declared_dependency() -> None:
    assert imported() - set().union(*map(modules_of, [*PROJECT["dependencies"], *EXTRAS])) == set()


def test_every_dependency_that_everybody_installs_is_imported() -> None:
    assert [name for name in PROJECT["dependencies"] if not modules_of(name) & imported()] == []
