"""A cache of record shapes: check a record without decoding it if a record of the same shape was checked before.

Writers encode all records of a type in the same way, with the same elements missing. If every element header equals that
of a record whose values are correct, only the values differ, and one regular expression per value decides most of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Final, NamedTuple

from attrs import define, field

from fileset.dicom.elements import EXPLICIT_LITTLE
from fileset.dicomdir.check.collector import Collector
from fileset.dicomdir.check.identities import INSTANCE_TWICE, Identities
from fileset.dicomdir.check.references import SHARED, References
from fileset.dicomdir.read.directory import PLAIN_FILE_ID
from fileset.findings import Finding
from fileset.part10.values import UID_FORM
from fileset.records.conditions import ALLOWED
from fileset.records.data_sets import DataSet
from fileset.records.levels import LEVELS
from fileset.standard import tags
from fileset.standard.dictionary import SEVERAL

MOST: Final = 4096
"""Largest number of shapes in the cache."""

_CORRECT: Final[dict[bytes, Callable[[bytes], object]]] = {
    b"UI": re.compile(rb"(?=.{2,64}\Z)" + UID_FORM + rb"\0?", re.DOTALL).fullmatch,
    b"IS": re.compile(rb"-?\d{1,9} ?").fullmatch,
    b"CS": re.compile(rb"[A-Z0-9_]{1,16} ?").fullmatch,
    b"SH": re.compile(rb"[!-[\]-~]{1,16} ?").fullmatch,
    b"LO": re.compile(rb"[!-[\]-~]{1,64} ?").fullmatch,
}
"""VR -> whether a padded value is certainly correct. A value that does not match may still be correct."""
_CHECKED_ELSEWHERE: Final = frozenset((tags.NEXT_RECORD, tags.RECORD_IN_USE, tags.LOWER_LEVEL_ENTITY))
"""Elements whose values the decoder and the linker check."""
_PART_OF_SHAPE: Final = frozenset((tags.SPECIFIC_CHARACTER_SET, tags.RECORD_TYPE))
"""Elements whose values belong to the shape: character set and record type."""
_BY_HEADERS: Final = frozenset((
    "FS-ELEMENT-GROUP", "FS-ELEMENT-LENGTH", "FS-ELEMENT-ORDER", "FS-ELEMENT-VR", "FS-KEY-TYPE1-MISSING",
    "FS-KEY-TYPE2-MISSING", "FS-RECORD-ELEMENT", "FS-RECORD-REFERENCE",
))  # fmt: skip
"""Rules that element headers decide, if every present value is correct."""
_BY_OTHERS: Final = frozenset((SHARED, INSTANCE_TWICE))
"""Rules that other records decide."""


class Shape(NamedTuple):
    """The element headers of a record, their faults, and for each value its slice and the test that it must pass."""

    headers: Callable[[bytes], tuple[bytes, ...]]
    expected: tuple[bytes, ...]
    faults: tuple[Finding, ...]
    values: tuple[tuple[slice, Callable[[bytes], object]], ...]
    file_id: slice
    tail_at: int
    uid: slice

    def accepts(self, body: bytes) -> bool:
        """Check whether a record has these element headers, and correct values."""
        return self.headers(body) == self.expected and all(is_correct(body[at]) for at, is_correct in self.values)


@define
class RecordShapes:
    """The shapes of records whose values are correct, by record type and length."""

    collector: Collector
    references: References
    identities: Identities
    _shapes: dict[tuple[int, int], Shape] = field(factory=dict)

    def is_known(self, index: int) -> bool:
        """Test whether a record has a known shape; if so, report its faults, remember its reference and identity."""
        flat = self.collector.flat
        start, end = flat.start[index], flat.end[index]
        shape = self._shapes.get((flat.type_of[index], end - start))
        if shape is None:
            return False
        body = flat.data[start:end]
        if not shape.accepts(body):
            return False
        path = body[shape.file_id].decode("ascii").rstrip(" ").replace("\\", "/")
        if path == "DICOMDIR":
            return False
        self._report(index, shape.faults)
        self.references.remember(self.collector, index, path, start + shape.tail_at)
        if uid := body[shape.uid].rstrip(b"\0"):
            self.identities.remember_instance(self.collector, index, uid)
        return True

    def _report(self, index: int, faults: tuple[Finding, ...]) -> None:
        for fault in faults:
            self.collector.add_at_record(fault.rule, fault.message, index, fault.where.tag)

    def learn(self, index: int, record: DataSet, findings: list[Finding]) -> None:
        """Remember the shape of a record, unless one of these findings about it comes from its values."""
        flat = self.collector.flat
        faults = tuple(finding for finding in findings if finding.rule not in _BY_OTHERS)
        if flat.syntax is not EXPLICIT_LITTLE or any(fault.rule not in _BY_HEADERS for fault in faults):
            return
        if index in self.references.early:
            return
        if _is_simple(self.collector.contents.type_name(index), record):
            if len(self._shapes) >= MOST:
                self._shapes.clear()
            start, end = flat.start[index], flat.end[index]
            body = flat.data[start:end]
            shape = _shape(body, start, record, faults)
            if shape.accepts(body):  # if a value is blank, the key is missing, but the element headers do not show that
                self._shapes[flat.type_of[index], end - start] = shape


def _shape(body: bytes, start: int, record: DataSet, faults: tuple[Finding, ...]) -> Shape:
    """Build the shape of a record: `body` are its bytes, `start` is their offset in the DICOMDIR."""
    parts = [(part.tag, part.vr, part.at - start, part.value_at - start, part.end - start) for part in record.parts]
    fixed = [slice(0, 8), *(slice(at, end if tag in _PART_OF_SHAPE else value) for tag, _, at, value, end in parts)]
    values = [
        (slice(value, end), PLAIN_FILE_ID if tag == tags.REFERENCED_FILE_ID else _CORRECT[vr])
        for tag, vr, _, value, end in parts
        if tag not in _CHECKED_ELSEWHERE and tag not in _PART_OF_SHAPE and value < end
    ]
    spans = {tag: (value, end) for tag, _, _, value, end in parts}
    headers: Callable[[bytes], tuple[bytes, ...]] = itemgetter(*fixed)
    return Shape(
        headers,
        headers(body),
        faults,
        tuple(values),
        slice(*spans[tags.REFERENCED_FILE_ID]),
        spans[tags.REFERENCED_FILE_ID][1],
        slice(*spans.get(tags.REFERENCED_SOP_INSTANCE_UID, (0, 0))),
    )


def _is_simple(kind: str, record: DataSet) -> bool:
    """Test whether a record references a file, and its headers and `_CORRECT` decide all of its keys."""
    return (
        kind not in LEVELS
        and bool(record.values.get(tags.REFERENCED_FILE_ID))
        and not record.table.conditional
        and all(part.tag in _CHECKED_ELSEWHERE or part.vr in _CORRECT for part in record.parts)
        and not any(part.tag in ALLOWED or part.tag in SEVERAL or part.tag & 0x10000 for part in record.parts)
    )
