"""The imports of a module, anywhere in its code."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def imports(tree: ast.AST, package: str = "") -> Iterator[str]:
    """Yield the full names of all imports in a module of `package`; `from a import b` is a.b."""
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements below a node; skip their expressions, which are ten times as many nodes."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for node in getattr(tree, field, ()):
            yield node
            yield from _statements(node)
