"""A cache of record shapes: check a record without decoding it if a record of the same shape was correct.

Writers encode all records of a type in the same way. If every element header equals that of a correct record, only the
values differ, and one regular expression per value decides most of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Final, NamedTuple

from attrs import define, field

from fileset.dicom.elements import EXPLICIT_LITTLE
from fileset.dicomdir.check.collector import Collector
from fileset.dicomdir.check.identities import Identities
from fileset.dicomdir.check.references import References
from fileset.records.conditions import ALLOWED
from fileset.records.data_sets import DataSet
from fileset.records.levels import LEVELS
from fileset.standard import tags

MOST: Final = 4096
"""Limit of the cache."""

_CORRECT: Final[dict[bytes, Callable[[bytes], object]]] = {
    b"UI": re.compile(rb"(?=.{2,64}\Z)(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))*\0?", re.DOTALL).fullmatch,
    b"IS": re.compile(rb"-?\d{1,9} ?").fullmatch,
    b"CS": re.compile(rb"[A-Z0-9_]{1,16} ?").fullmatch,
    b"SH": re.compile(rb"[!-[\]-~]{1,16} ?").fullmatch,
    b"LO": re.compile(rb"[!-[\]-~]{1,64} ?").fullmatch,
}
"""VR -> whether a padded value is certainly correct. A value that does not match may still be correct."""
_IS_FILE_ID: Final = re.compile(rb"[A-Z0-9_]{1,8}(?:\\[A-Z0-9_]{1,8}){0,7} ?").fullmatch
_CHECKED_ELSEWHERE: Final = frozenset((tags.NEXT_RECORD, tags.RECORD_IN_USE, tags.LOWER_LEVEL_ENTITY))
"""Elements whose values the decoder and the linker check."""
_PART_OF_SHAPE: Final = frozenset((tags.SPECIFIC_CHARACTER_SET, tags.RECORD_TYPE))
"""Elements whose values belong to the shape: character set and record type."""


class Shape(NamedTuple):
    """The element headers of a record, and for each value its slice and the test that it must pass."""

    headers: Callable[[bytes], tuple[bytes, ...]]
    expected: tuple[bytes, ...]
    values: tuple[tuple[slice, Callable[[bytes], object]], ...]
    file_id: slice
    tail_at: int
    uid: slice


@define
class RecordShapes:
    """The shapes of correct records, by record type and length."""

    collector: Collector
    references: References
    identities: Identities
    _shapes: dict[tuple[int, int], Shape] = field(factory=dict)

    def is_correct(self, index: int) -> bool:
        """Whether a record is certainly correct; its reference and identity are then remembered."""
        flat = self.collector.flat
        start, end = flat.start[index], flat.end[index]
        shape = self._shapes.get((flat.type_of[index], end - start))
        if shape is None:
            return False
        body = flat.data[start:end]
        if shape.headers(body) != shape.expected:
            return False
        for value, is_correct in shape.values:
            if not is_correct(body[value]):
                return False
        path = body[shape.file_id].decode("ascii").rstrip(" ").replace("\\", "/")
        uid = body[shape.uid].rstrip(b"\0")
        instances = self.identities.instances
        if path in self.references.index_of or uid in instances or path == "DICOMDIR":
            return False
        self.references.index_of[path] = index
        self.references.tail_at[index] = start + shape.tail_at
        instances[uid] = index
        return True

    def learn(self, index: int, record: DataSet) -> None:
        """Remember the shape of a correct record."""
        flat = self.collector.flat
        start, end = flat.start[index], flat.end[index]
        if flat.syntax is not EXPLICIT_LITTLE or not _is_simple(self.collector.contents.type_name(index), record):
            return
        parts = [(part.tag, part.vr, part.at - start, part.value_at - start, part.end - start) for part in record.parts]
        fixed = [slice(0, 8), *(slice(at, end if tag in _PART_OF_SHAPE else value) for tag, _, at, value, end in parts)]
        values = [
            (slice(value, end), _IS_FILE_ID if tag == tags.REFERENCED_FILE_ID else _CORRECT[vr])
            for tag, vr, _, value, end in parts
            if tag not in _CHECKED_ELSEWHERE and tag not in _PART_OF_SHAPE and value < end
        ]
        spans = {tag: (value, end) for tag, _, _, value, end in parts}
        headers: Callable[[bytes], tuple[bytes, ...]] = itemgetter(*fixed)
        if len(self._shapes) >= MOST:
            self._shapes.clear()
        self._shapes[flat.type_of[index], end - start] = Shape(
            headers,
            headers(flat.data[start:end]),
            tuple(values),
            slice(*spans[tags.REFERENCED_FILE_ID]),
            spans[tags.REFERENCED_FILE_ID][1],
            slice(*spans[tags.REFERENCED_SOP_INSTANCE_UID]),
        )


def _is_simple(kind: str, record: DataSet) -> bool:
    """Whether a record references a file, and its headers and `_CORRECT` decide all of its keys."""
    return (
        kind not in LEVELS
        and tags.REFERENCED_FILE_ID in record.values
        and tags.REFERENCED_SOP_INSTANCE_UID in record.values
        and not record.table.conditional
        and all(part.tag in _CHECKED_ELSEWHERE or part.vr in _CORRECT for part in record.parts)
        and not any(part.tag in ALLOWED or part.tag & 0x10000 for part in record.parts)
    )
