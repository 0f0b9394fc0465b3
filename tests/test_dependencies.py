"""The dependencies that `pyproject.toml` declares and those that the package imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
STUBS_ONLY = frozenset(("_typeshed",))
"""Modules that only type checkers know."""


def distribution(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(lines: list[str]) -> set[str]:
    names = {distribution(re.split(r"[\s\[<>=!~;]", line, maxsplit=1)[0]) for line in lines}
    return names - {distribution(PROJECT["name"])}


def extras() -> list[str]:
    """Return the dependencies of all extras but those of developers."""
    found = PROJECT["optional-dependencies"]
    return [line for extra in found if extra != "test" for line in found[extra]]


def imported() -> set[str]:
    """Return the distributions of the modules that the package imports, anywhere in its code."""
    modules: set[str] = set()
    for path in (ROOT / "fileset").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    known = packages_distributions()
    foreign = modules - set(sys.stdlib_module_names) - STUBS_ONLY - {"fileset"}
    return {distribution(known.get(module, [module])[0]) for module in foreign}


def test_every_import_is_a_declared_dependency() -> None:
    assert imported() - distributions([*PROJECT["dependencies"], *extras()]) == set()


def test_every_dependency_that_everybody_installs_is_imported() -> None:
    assert distributions(PROJECT["dependencies"]) - imported() == set()
