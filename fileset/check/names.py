"""Match File IDs with the names on the medium, and report names that clash (PS3.10 8.2, PS3.12 F.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fileset.dicomdir.check.collector import Collector
from fileset.media.names import device_faults, enlist, form_of, may_name_devices

NameTree = dict[str, Any]
"""Name -> the tree of a folder, or the path of a file; contains every form of a name that `form_of` knows."""


def name_tree(names: Iterable[str]) -> NameTree:
    """Build the tree of all names of a medium."""
    root: NameTree = {}
    for name in names:
        tree = root
        *folders, last = name.split("/")
        for folder in folders:
            if not isinstance(tree.get(folder), dict):
                enlist(tree, folder, {})
            tree = tree[folder]
        enlist(tree, last, name)
    return root


def find(path: str, root: NameTree) -> str | None:
    """Find the name under which the medium holds the file with this File ID path; None if it has none."""
    found: Any = root
    for component in path.split("/"):
        found = form_of(component, found) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None


def check_names(names: Sequence[str], collector: Collector) -> None:
    """Report names that Windows cannot open, and those that differ only in case: it can reach only one of them."""
    if may_name_devices("\n".join(names).upper().encode("utf-8", "surrogatepass")):
        for name, message in device_faults(names):
            collector.add_at_file("FS-NAME-DEVICE", message, name)
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.upper(), name)
        if other != name:
            collector.add_at_file("FS-NAME-CLASH", f"differs only in case from {other}", name)
