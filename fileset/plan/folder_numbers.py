"""Places for the files of new instances in an existing file-set: beside their series, study and patient.

The counter scheme names folders by position. A patient, study or series with files in folders of that scheme
keeps them; every other one gets the next free number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from typing import Final

from fileset.dicomdir.write.kept import Kept
from fileset.dicomdir.write.layout import NONE
from fileset.dicomdir.write.merge import Growth
from fileset.plan.names import FOLDER_PREFIXES, Occupation, Place, folder_of
from fileset.records.arranged import Node

_FOLDERS: Final = tuple(
    re.compile("".join(rf"{prefix}(\d{{6}})\\" for prefix in FOLDER_PREFIXES[:depth])).match
    for depth in range(len(FOLDER_PREFIXES) + 1)
)
"""Match the File IDs of files in folders of the counter scheme, by the number of these folders."""

Path = tuple[int, ...]
"""The numbers of the folders of a patient, study and series."""


class Placing:
    """Chooses places for the new instances of `growth`; `occupation` returns the kind of a name on the medium."""

    def __init__(self, growth: Growth, occupation: Occupation) -> None:
        self._growth = growth
        self._occupation = occupation
        self._parents = growth.parents()
        self._paths: dict[int, Path] = {NONE: ()}
        self._next: dict[Path, Iterator[int]] = {}

    def place(self, reference: int, node: Node, source: str) -> Place:
        """Choose the place of one new instance; `source` is its relative path there, "" if it has none."""
        return Place.of(node, self._path(self._parents[reference]), source)

    def _path(self, reference: int) -> Path:
        if reference not in self._paths:
            former = self._growth.former.get(reference, reference)
            kept = self._growth.kept
            path = existing_path(kept, former) if former < len(kept.flat) else None
            if path is None:
                above = self._path(self._parents[reference] if reference in self._parents else kept.tree.parent[former])
                paths = ((*above, number) for number in self._next.setdefault(above, count()))
                path = next(one for one in paths if not self._occupation(folder_of(one)))
            self._paths[reference] = path
        return self._paths[reference]


def existing_path(kept: Kept, index: int) -> Path | None:
    """Find the folders of the counter scheme that have files of a record, None if they are elsewhere."""
    depth = 1 + sum(1 for _ in kept.tree.above(index))
    file_ids = (kept.contents.file_id(below) for below in kept.below(index) if depth < len(_FOLDERS))
    match = next(filter(None, (_FOLDERS[depth](file_id.value) for file_id in file_ids if file_id)), None)
    return tuple(map(int, match.groups())) if match else None
