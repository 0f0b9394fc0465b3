"""Decode the items of the Directory Record Sequence into the arrays of a `FlatDirectory`.

Records with the usual first elements are decoded in columns, the others element by element. If an item does not end at
the next one, lengths are not trusted: a record ends where the next one starts, recognised by its first elements.
Every byte is read a few times at most, whatever the lengths are.
"""

from __future__ import annotations

import re
import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import compress, count, repeat
from operator import add, gt, lt, sub
from typing import Final

from fileset.dicom.elements import (
    EXPLICIT_LITTLE,
    ITEM,
    ITEM_DELIMITER,
    SEQUENCE_END,
    UNDEFINED,
    Element,
    Syntax,
    element_at,
    element_header,
    elements,
    skip_undefined_item,
)
from fileset.dicomdir.read.raw import ABSENT, FlatDirectory
from fileset.errors import FormatError
from fileset.findings import Findings
from fileset.standard import tags

# The usual start of a record: item, next offset, in-use flag, lower offset, type. "?" differs in each record; a type of
# up to 16 characters follows.
_BEGINNING: Final = (
    b"\xfe\xff\x00\xe0????"
    b"\x04\x00\x00\x14UL\x04\x00????"
    b"\x04\x00\x10\x14US\x02\x00??"
    b"\x04\x00\x20\x14UL\x04\x00????"
    b"\x04\x00\x30\x14CS??"
)
_FIXED_BYTES: Final = [(at, _BEGINNING[at : at + 1]) for at in range(len(_BEGINNING)) if _BEGINNING[at] != ord("?")]
_BEGINS: Final = re.compile(re.escape(_BEGINNING).replace(rb"\?", b"."), re.DOTALL).match
_LENGTH_AT: Final = 4
_NEXT_AT: Final = 16
_FLAG_AT: Final = 28
_LOWER_AT: Final = 38
_SIZE_AT: Final = 48
_LONGEST: Final = 16
_TYPE_AT: Final = len(_BEGINNING)
_SIZE: Final = _TYPE_AT + _LONGEST
_TYPES: Final = struct.Struct(f"{_SIZE_AT}x{2 + _LONGEST}s").iter_unpack
"""The types of all record starts, each after its length, with the following bytes if it is short."""
_FEWEST: Final = 4
_MOST: Final = 1 << 14
"""Records per batch: few after an unusual one, then twice as many each time."""

# An item that starts with an element (0004,14xx), or with the old group length (0004,0000), is a directory record:
# items in records contain other groups.
_LITTLE_RECORD: Final = re.compile(rb"\xfe\xff\x00\xe0....\x04\x00(?:.\x14|\x00\x00)", re.DOTALL)
_BIG_RECORD: Final = re.compile(rb"\xff\xfe\xe0\x00....\x00\x04(?:\x14.|\x00\x00)", re.DOTALL)


def next_record(data: bytes, at: int, syntax: Syntax) -> int:
    """Find the likely offset of the next directory record at or after `at`, -1 if there is none."""
    match = (_LITTLE_RECORD if syntax.little else _BIG_RECORD).search(data, at)
    return match.start() if match else -1


class _Area:
    """The sequence that ends at `end` (-1 if unknown); caches the last search for a record."""

    def __init__(self, flat: FlatDirectory, end: int) -> None:
        self.end = end
        self._data, self._syntax = flat.data, flat.syntax
        self._searched = self._found = 0

    def limit(self, at: int) -> int:
        """Find the latest possible end of the record at `at`: the next record, the end of the sequence or of the file."""
        if not self._searched <= at < self._found:
            found = next_record(self._data, at + 1, self._syntax)
            self._searched, self._found = at, found if found >= 0 else len(self._data)
        if self._found < len(self._data):
            return self._found
        return self.end if at < self.end <= len(self._data) else len(self._data)


class _Types:
    """Record types as indices of `flat.types`."""

    def __init__(self, flat: FlatDirectory) -> None:
        self._flat = flat
        self._known: dict[bytes, int] = {}
        self._pieces: dict[bytes, int] = {}

    def number(self, raw: bytes) -> int:
        """Return the index of an encoded type."""
        number = self._known.get(raw)
        return self._new(raw) if number is None else number

    def numbers(self, pieces: Collection[bytes]) -> Iterator[int]:
        """Return the indices of types, each preceded by its length; bytes after a short type are ignored."""
        for piece in dict.fromkeys(pieces):
            if piece not in self._pieces:
                self._pieces[piece] = self.number(piece[2 : 2 + piece[0]])
        return map(self._pieces.__getitem__, pieces)

    def _new(self, raw: bytes) -> int:
        flat, known = self._flat, self._known
        written = raw.strip(b" \0")
        plain = written.rstrip(b". ").upper()  # some writers copied "IMAGE." with the full stop from PS3.3
        if plain not in known:
            known[plain] = len(flat.types)
            flat.types.append(plain.decode("ascii", "replace"))
        if written != plain:
            flat.misspelt[known[plain]] = written.decode("ascii", "replace")
        known[raw] = known[plain]
        return known[plain]


def take_records(flat: FlatDirectory, at: int, length: int, findings: Findings) -> int:
    """Fill the arrays from the sequence whose value starts at `at`; return the offset after the last item."""
    end = at + length if length != UNDEFINED else ABSENT
    area = _Area(flat, end)
    types = _Types(flat)
    while True:
        if flat.syntax is EXPLICIT_LITTLE:
            at = _usual_records(flat, at, types)
        tag = _tag(flat, at)
        if at >= len(flat.data) or tag == SEQUENCE_END or (at >= end >= 0 and tag != ITEM):
            return at
        if tag == ITEM:
            at = _take(flat, _item(flat, at, area, findings), types, findings)
        else:
            at = _mend(flat, at, area, types, findings)


def _tag(flat: FlatDirectory, at: int) -> int:
    """Read the tag at `at`; 0 if there is none, or a delimiter with a length, which was the tag of an item."""
    try:
        tag, _, _, length = element_header(flat.data, at, flat.syntax)
    except FormatError:
        return 0
    return 0 if tag == SEQUENCE_END and length else tag


def _usual_records(flat: FlatDirectory, at: int, types: _Types) -> int:
    """Decode records with the usual start column by column; return the offset of the first other record."""
    data, most = flat.data, _FEWEST
    while _BEGINS(data, at):
        starts = _items(data, at, most)
        joined = b"".join([data[start : start + _SIZE] for start in starts[:-1]])
        joined = joined.ljust(_SIZE * (len(starts) - 1), b"\0")  # the data may end with a short record
        usual = _usual(starts, joined)
        if not usual:
            break
        del starts[usual + 1 :]
        _take_columns(flat, starts, joined[: usual * _SIZE], types)
        at = starts[-1]
        most = _FEWEST if usual < most else min(2 * most, _MOST)
    return at


def _items(data: bytes, at: int, most: int) -> list[int]:
    """Find the offsets of up to `most` items according to their lengths, and the end of the last one.

    These may not be items. Each has room for the elements before the value of the record type.
    """
    unpack, limit = EXPLICIT_LITTLE.long, len(data) - _TYPE_AT
    starts = [at]
    while len(starts) <= most and at <= limit:
        with suppress(struct.error):  # after the end of the data
            for _ in repeat(None, most + 1 - len(starts)):
                at += 8 + unpack(data, at + _LENGTH_AT)[0]
                starts.append(at)
        del starts[min(bisect_right(starts, limit), bisect_right(starts, len(data)) - 1) + 1 :]
        at = starts[-1]
        if len(starts) <= most and at <= limit:
            # Search for the next record only after a real record: the search may go far.
            is_undefined = unpack(data, at + _LENGTH_AT)[0] == UNDEFINED and _BEGINS(data, at)
            at = _end_of_undefined(data, at, len(data)) if is_undefined else ABSENT
            if at < 0:
                break
            starts.append(at)
    return starts


def _usual(starts: list[int], joined: bytes) -> int:
    """Count how many of the first records have the usual start and contain their whole type."""
    number = len(starts) - 1
    sizes, lengths = _column(joined, _SIZE_AT, "H"), _column(joined, _LENGTH_AT, "I")
    if (
        number
        and max(sizes) <= _LONGEST
        and _SIZE - 8 <= min(lengths) <= max(lengths) < UNDEFINED
        and all(joined[place::_SIZE] == byte * number for place, byte in _FIXED_BYTES)
    ):
        return number
    too_long = compress(count(), map(gt, sizes, repeat(_LONGEST)))
    too_short = compress(count(), map(lt, map(sub, starts[1:], starts), map(add, sizes, repeat(_TYPE_AT))))
    least = min(next(too_long, number), next(too_short, number))
    return min(least, *(_leading(joined[place::_SIZE], byte) for place, byte in _FIXED_BYTES))


def _leading(column: bytes, byte: bytes) -> int:
    """Count how many bytes at the start are equal to `byte`."""
    return len(column) - len(column.lstrip(byte))


def _take_columns(flat: FlatDirectory, starts: list[int], joined: bytes, types: _Types) -> None:
    """Fill the arrays from the joined starts of records."""
    offsets = array("Q", starts)
    flat.start.extend(offsets[:-1])
    flat.end.extend(offsets[1:])
    flat.next.extend(_column(joined, _NEXT_AT, "I"))
    flat.lower.extend(_column(joined, _LOWER_AT, "I"))
    flat.in_use.extend(_column(joined, _FLAG_AT, "H"))
    flat.type_of.extend(types.numbers([piece for (piece,) in _TYPES(joined)]))
    flat.next_at.extend(array("q", [_NEXT_AT]) * (len(offsets) - 1))
    flat.lower_at.extend(array("q", [_LOWER_AT]) * (len(offsets) - 1))


def _column(joined: bytes, at: int, kind: str) -> array[int]:
    """Decode the Little Endian numbers at one position of each record start."""
    numbers = array(kind)
    width = numbers.itemsize
    raw = bytearray(len(joined) // _SIZE * width)
    for byte in range(width):
        raw[byte::width] = joined[at + byte :: _SIZE]
    numbers.frombytes(raw)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _end_of_undefined(data: bytes, at: int, bound: int) -> int:
    """Find the end of the record of undefined length at `at`, -1 if it has none before the next record."""
    following = _LITTLE_RECORD.search(data, at + 8)
    if following:
        bound = following.start()
        if data[bound - 8 : bound] == ITEM_DELIMITER:
            return bound
    try:
        return skip_undefined_item(data, at + 8, bound, EXPLICIT_LITTLE)[1]
    except FormatError:
        return -1


def _take(flat: FlatDirectory, record: Element, types: _Types, findings: Findings) -> int:
    """Decode one record element by element, in any order; return the offset after it."""
    numbers = {
        tags.NEXT_RECORD: (0, ABSENT),
        tags.LOWER_LEVEL_ENTITY: (0, ABSENT),
        tags.RECORD_IN_USE: (0xFFFF, ABSENT),
    }
    raw = b""
    try:
        for part in elements(flat.data, record.value_at, record.value_end, flat.syntax):
            if part.tag in numbers:
                short = part.tag == tags.RECORD_IN_USE
                if part.value_end - part.value_at == (2 if short else 4):
                    unpack = flat.syntax.short if short else flat.syntax.long
                    numbers[part.tag] = unpack(flat.data, part.value_at)[0], part.value_at - record.at
            elif part.tag == tags.RECORD_TYPE and not raw:  # of several, the first, as everywhere
                raw = flat.data[part.value_at : part.value_end]
    except FormatError as problem:
        findings.add("FS-RECORD-MALFORMED", problem.text(known_offset=record.at), offset=record.at)
    (following, next_at), (lower, lower_at), (in_use, _) = numbers.values()
    row = (record.at, record.end, following, lower, next_at, lower_at, in_use, types.number(raw))
    for column, value in zip(flat.columns, row, strict=True):
        column.append(value)
    return record.end


# ---------------------------------------------------------------- damage


def _item(flat: FlatDirectory, at: int, area: _Area, findings: Findings) -> Element:
    """Read the item at `at`; if its length is wrong, it ends where the next record starts."""
    limit = area.limit(at)
    try:
        return element_at(flat.data, at, limit, flat.syntax)
    except FormatError as problem:
        rule = "FS-RECORD-MALFORMED" if limit < len(flat.data) else "FS-DICOMDIR-TRUNCATED"
        findings.add(rule, f"{problem.text(known_offset=at)}; the end of the record is assumed at {limit}", offset=at)
        flat.mended.add(len(flat))
        return Element(ITEM, b"", at, at + 8, max(limit, at + 8), max(limit, at + 8))


def _mend(flat: FlatDirectory, at: int, area: _Area, types: _Types, findings: Findings) -> int:
    """Continue at `at`, where an item should start but does not; return the offset of the next record.

    If the length of the previous record is wrong, decode that record again up to the next one. Otherwise skip the bytes.
    """
    if len(flat) and len(flat) - 1 not in flat.mended and not _ends_at(flat, at, area):
        start = flat.start[-1]
        limit = area.limit(start)
        message = f"its length is wrong: no record starts at {at}; its end is assumed at {limit}"
        findings.add("FS-RECORD-MALFORMED", message, offset=start)
        flat.forget_last()
        flat.mended.add(len(flat))
        return _take(flat, Element(ITEM, b"", start, start + 8, limit, limit), types, findings)
    limit = area.limit(at)
    findings.add("FS-RECORD-MALFORMED", f"no record starts here: {limit - at} bytes are skipped", offset=at)
    return limit


def _ends_at(flat: FlatDirectory, at: int, area: _Area) -> bool:
    """Check whether the last record ends at `at` by its elements, and these do not continue to the next record."""
    start = flat.start[-1]
    if flat.syntax.long(flat.data, start + 4)[0] == UNDEFINED:
        return True  # its delimiter was found
    met = False
    try:
        for part in elements(flat.data, start + 8, area.limit(start), flat.syntax):
            if part.tag >> 16 == 0xFFFE:
                return met
            met = met or part.end == at
    except FormatError:
        return met
    return False
