"""Records like one that was found right: told at once, without taking them apart.

Writers make all records of a kind alike. Where every element header of a record is that of one which was right, only
the values are left to be looked at, and most of these have a form that one regular expression tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Final, NamedTuple

from attrs import define, field

from fileset.check.dicomdir.conditions import ALLOWED
from fileset.check.dicomdir.datasets import DataSet
from fileset.check.dicomdir.keys import OnceOnly
from fileset.check.dicomdir.references import References
from fileset.check.places import Collector
from fileset.dicom.elements import EXPLICIT_LITTLE
from fileset.records.levels import LEVELS
from fileset.standard import tags

MOST: Final = 4096
"""Shapes that are remembered."""

_PLAIN: Final[dict[bytes, Callable[[bytes], object]]] = {
    b"UI": re.compile(rb"(?=.{2,64}\Z)(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))*\0?", re.DOTALL).fullmatch,
    b"IS": re.compile(rb"-?\d{1,9} ?").fullmatch,
    b"CS": re.compile(rb"[A-Z0-9_]{1,16} ?").fullmatch,
    b"SH": re.compile(rb"[!-[\]-~]{1,16} ?").fullmatch,
    b"LO": re.compile(rb"[!-[\]-~]{1,64} ?").fullmatch,
}
"""VR -> whether a value, with its padding, is certainly right; what is not may be so all the same."""
_FILE_ID_IS_PLAIN: Final = re.compile(rb"[A-Z0-9_]{1,8}(?:\\[A-Z0-9_]{1,8}){0,7} ?").fullmatch
_SEEN_TO: Final = frozenset((tags.NEXT_RECORD, tags.RECORD_IN_USE, tags.LOWER_LEVEL_ENTITY))
"""Whose values the decoder and the linker look at."""
_SAME: Final = frozenset((tags.SPECIFIC_CHARACTER_SET, tags.RECORD_TYPE))
"""Whose values are the same in all records of one shape: character set, and type, as it is written."""


class Shape(NamedTuple):
    """The headers of a record, and the values that are to be looked at: a slice of the record, and what tells."""

    headers: Callable[[bytes], tuple[bytes, ...]]
    expected: tuple[bytes, ...]
    values: tuple[tuple[slice, Callable[[bytes], object]], ...]
    file_id: slice
    tail_at: int
    uid: slice


@define
class PlainRecords:
    """Remembers shapes by type and length of the record."""

    to: Collector
    references: References
    once: OnceOnly
    _shapes: dict[tuple[int, int], Shape] = field(factory=dict)

    def passes(self, index: int) -> bool:
        """Whether nothing is wrong with a record; what is to be remembered of it is then remembered."""
        flat = self.to.flat
        start, end = flat.start[index], flat.end[index]
        shape = self._shapes.get((flat.type_of[index], end - start))
        if shape is None:
            return False
        body = flat.data[start:end]
        if shape.headers(body) != shape.expected:
            return False
        for place, is_plain in shape.values:
            if not is_plain(body[place]):
                return False
        path = body[shape.file_id].decode("ascii").rstrip(" ").replace("\\", "/")
        uid = body[shape.uid].rstrip(b"\0")
        instances = self.once.instances
        if path in self.references.index_of or uid in instances or path == "DICOMDIR":
            return False
        self.references.index_of[path] = index
        self.references.tail_at[index] = start + shape.tail_at
        instances[uid] = index
        return True

    def learn(self, record: DataSet) -> None:
        """Remember the shape of a record in which nothing is wrong."""
        flat = self.to.flat
        start, end = flat.start[record.record], flat.end[record.record]
        if flat.syntax is not EXPLICIT_LITTLE or not _is_simple(self.to.contents.type_name(record.record), record):
            return
        parts = [(part.tag, part.vr, part.at - start, part.value_at - start, part.end - start) for part in record.parts]
        fixed = [slice(0, 8), *(slice(at, end if tag in _SAME else value) for tag, _, at, value, end in parts)]
        values = [
            (slice(value, end), _FILE_ID_IS_PLAIN if tag == tags.REFERENCED_FILE_ID else _PLAIN[vr])
            for tag, vr, _, value, end in parts
            if tag not in _SEEN_TO and tag not in _SAME and value < end
        ]
        places = {tag: (value, end) for tag, _, _, value, end in parts}
        headers: Callable[[bytes], tuple[bytes, ...]] = itemgetter(*fixed)
        if len(self._shapes) >= MOST:
            self._shapes.clear()
        self._shapes[flat.type_of[record.record], end - start] = Shape(
            headers,
            headers(flat.data[start:end]),
            tuple(values),
            slice(*places[tags.REFERENCED_FILE_ID]),
            places[tags.REFERENCED_FILE_ID][1],
            slice(*places[tags.REFERENCED_SOP_INSTANCE_UID]),
        )


def _is_simple(kind: str, record: DataSet) -> bool:
    """Whether a record references a file, and its keys are such that their headers and `_PLAIN` tell all."""
    return (
        kind not in LEVELS
        and tags.REFERENCED_FILE_ID in record.values
        and tags.REFERENCED_SOP_INSTANCE_UID in record.values
        and not record.table.conditional
        and all(part.tag in _SEEN_TO or part.vr in _PLAIN for part in record.parts)
        and not any(part.tag in ALLOWED or part.tag & 0x10000 for part in record.parts)
    )
