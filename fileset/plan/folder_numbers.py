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
from fileset.file_id import SEPARATOR
from fileset.plan.names import FOLDER_PREFIXES, Occupation, Place
from fileset.records.arranged import Node

_FOLDERS: Final = tuple(re.compile(rf"{prefix}(\d{{6}})").fullmatch for prefix in FOLDER_PREFIXES)

Path = tuple[int, ...]
"""The numbers of the folders of a patient, study and series."""


class Placing:
    """Chooses places for the new instances of `growth`; `occupation` returns the kind of a name on the medium."""

    def __init__(self, growth: Growth, occupation: Occupation) -> None:
        self._growth = growth
        self._occupation = occupation
        self._parents = {child: parent for parent, children in growth.below.items() for child in children}
        self._paths: dict[int, Path] = {NONE: ()}
        self._next: dict[Path, Iterator[int]] = {}

    def place(self, reference: int, node: Node, source: str) -> Place:
        """Choose the place of one new instance; `source` is its relative path there, "" if it has none."""
        return Place.of(node, self._path(self._parents[reference]), source)

    def _path(self, reference: int) -> Path:
        path = self._paths.get(reference)
        if path is None:
            former = self._growth.former.get(reference, reference)
            kept = self._growth.kept
            path = existing_path(kept, former) if former < len(kept.flat) else None
            if path is None:
                above = self._path(self._parents[reference] if reference in self._parents else kept.parent(former))
                path = (*above, self._free_number(above))
            self._paths[reference] = path
        return path

    def _free_number(self, above: Path) -> int:
        numbers = self._next.setdefault(above, count())
        return next(number for number in numbers if not self._occupation(folder_of((*above, number))))


def folder_of(path: Path) -> str:
    """Format the File ID value of a folder of the counter scheme."""
    return SEPARATOR.join(f"{prefix}{number:06d}" for prefix, number in zip(FOLDER_PREFIXES, path, strict=False))


def existing_path(kept: Kept, index: int) -> Path | None:
    """Find the folders of the counter scheme that have files of a record, None if they are elsewhere."""
    depth = 1 + sum(1 for _ in kept.above(index))
    for below in kept.below(index):
        file_id = kept.contents.file_id(below)
        components = file_id.components if file_id else ()
        found = [matches(name) for matches, name in zip(_FOLDERS[:depth], components[:-1], strict=False)]
        numbers = tuple(int(match[1]) for match in found if match)
        if len(numbers) == depth:
            return numbers
    return None
