"""The items of the Directory Record Sequence -> the arrays of a `FlatDirectory`.

Records that begin as nearly all do are taken at speed, the others by their elements. Where an item does not end at
the next one, the lengths are not trusted: a record ends where the next begins, which its first elements tell.
Every byte is walked a few times at most, whatever the lengths say.
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

# How nearly every record begins: item, next offset, in-use flag, lower offset, type; of "?" each record has its own, as
# of the type that follows, of up to 16 characters.
_BEGINNING: Final = (
    b"\xfe\xff\x00\xe0????"
    b"\x04\x00\x00\x14UL\x04\x00????"
    b"\x04\x00\x10\x14US\x02\x00??"
    b"\x04\x00\x20\x14UL\x04\x00????"
    b"\x04\x00\x30\x14CS??"
)
_SAME: Final = [(at, _BEGINNING[at : at + 1]) for at in range(len(_BEGINNING)) if _BEGINNING[at] != ord("?")]
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
"""The types of all beginnings, each behind its length, and with what follows it if it is short."""
_FEWEST: Final = 4
_MOST: Final = 1 << 14
"""So many records are looked at together: few behind one that is unusual, then more and more."""
_ITEM_DELIMITER: Final = b"\xfe\xff\x0d\xe0\0\0\0\0"

# An item that begins with an element (0004,14xx), or with the group length (0004,0000) that was customary, is a
# directory record: items within records hold other groups.
_LITTLE_RECORD: Final = re.compile(rb"\xfe\xff\x00\xe0....\x04\x00(?:.\x14|\x00\x00)", re.DOTALL)
_BIG_RECORD: Final = re.compile(rb"\xff\xfe\xe0\x00....\x00\x04(?:\x14.|\x00\x00)", re.DOTALL)


def next_record(data: bytes, at: int, syntax: Syntax) -> int:
    """Where at or behind `at` the next directory record begins, by its looks; -1 if none does."""
    found = (_LITTLE_RECORD if syntax.little else _BIG_RECORD).search(data, at)
    return found.start() if found else -1


class _Area:
    """The sequence that ends at `end`, -1 if that is not known; the records that were looked for are not again."""

    def __init__(self, flat: FlatDirectory, end: int) -> None:
        self.end = end
        self._data, self._syntax = flat.data, flat.syntax
        self._searched = self._found = 0

    def behind(self, at: int) -> int:
        """Where the record at `at` ends at the latest: at the next one, or with the sequence, or with the file."""
        if not self._searched <= at < self._found:
            found = next_record(self._data, at + 1, self._syntax)
            self._searched, self._found = at, found if found >= 0 else len(self._data)
        if self._found < len(self._data):
            return self._found
        return self.end if at < self.end <= len(self._data) else len(self._data)


class _Types:
    """The types of records, as indices of `flat.types`."""

    def __init__(self, flat: FlatDirectory) -> None:
        self._flat = flat
        self._known: dict[bytes, int] = {}
        self._pieces: dict[bytes, int] = {}

    def number(self, raw: bytes) -> int:
        """The index of a type, as its value says it."""
        found = self._known.get(raw)
        return self._new(raw) if found is None else found

    def numbers(self, pieces: Collection[bytes]) -> Iterator[int]:
        """Those of types that stand behind their lengths; what follows a short one does not count."""
        for piece in dict.fromkeys(pieces):
            if piece not in self._pieces:
                self._pieces[piece] = self.number(piece[2 : 2 + piece[0]])
        return map(self._pieces.__getitem__, pieces)

    def _new(self, raw: bytes) -> int:
        flat, known = self._flat, self._known
        said = raw.strip(b" \0")
        plain = said.rstrip(b". ").upper()  # "IMAGE.", for those who read PS3.3 with its full stops
        if plain not in known:
            known[plain] = len(flat.types)
            flat.types.append(plain.decode("ascii", "replace"))
        if said != plain:
            flat.misspelt[known[plain]] = said.decode("ascii", "replace")
        known[raw] = known[plain]
        return known[plain]


def take_records(flat: FlatDirectory, at: int, length: int, found: Findings) -> int:
    """Fill the arrays from the sequence whose value begins at `at`; the position behind the last item."""
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
            at = _take(flat, _item(flat, at, area, found), types, found)
        else:
            at = _mend(flat, at, area, types, found)


def _tag(flat: FlatDirectory, at: int) -> int:
    try:
        return element_header(flat.data, at, flat.syntax)[0]
    except FormatError:
        return 0


def _usual_records(flat: FlatDirectory, at: int, types: _Types) -> int:
    """As many records as begin in the usual way, fast; the position of the first that does not.

    Their beginnings are put together and looked at column by column.
    """
    data, most = flat.data, _FEWEST
    while _BEGINS(data, at):
        starts = _items(data, at, most)
        joined = b"".join([data[start : start + _SIZE] for start in starts[:-1]])
        joined = joined.ljust(_SIZE * (len(starts) - 1), b"\0")  # where the data ends with a short record
        usual = _usual(starts, joined)
        if not usual:
            break
        del starts[usual + 1 :]
        _take_columns(flat, starts, joined[: usual * _SIZE], types)
        at = starts[-1]
        most = _FEWEST if usual < most else min(2 * most, _MOST)
    return at


def _items(data: bytes, at: int, most: int) -> list[int]:
    """Where up to `most` items begin by their lengths, which need not be items, and where the last of them ends.

    Each item that begins there holds at least all that stands before the value of its type.
    """
    unpack, limit = EXPLICIT_LITTLE.long, len(data) - _TYPE_AT
    starts = [at]
    while len(starts) <= most and at <= limit:
        with suppress(struct.error):  # behind the end of the data
            for _ in repeat(None, most + 1 - len(starts)):
                at += 8 + unpack(data, at + _LENGTH_AT)[0]
                starts.append(at)
        del starts[min(bisect_right(starts, limit), bisect_right(starts, len(data)) - 1) + 1 :]
        at = starts[-1]
        if len(starts) <= most and at <= limit:
            # Only behind a record is the next one looked for: the search may go far, and leads to what is a record.
            is_undefined = unpack(data, at + _LENGTH_AT)[0] == UNDEFINED and _BEGINS(data, at)
            at = _end_of_undefined(data, at, len(data)) if is_undefined else ABSENT
            if at < 0:
                break
            starts.append(at)
    return starts


def _usual(starts: list[int], joined: bytes) -> int:
    """How many records at the beginning are as nearly all are, and hold the whole of their types."""
    number = len(starts) - 1
    sizes, lengths = _column(joined, _SIZE_AT, "H"), _column(joined, _LENGTH_AT, "I")
    if (
        number
        and max(sizes) <= _LONGEST
        and _SIZE - 8 <= min(lengths) <= max(lengths) < UNDEFINED
        and all(joined[place::_SIZE] == byte * number for place, byte in _SAME)
    ):
        return number
    too_long = compress(count(), map(gt, sizes, repeat(_LONGEST)))
    too_short = compress(count(), map(lt, map(sub, starts[1:], starts), map(add, sizes, repeat(_TYPE_AT))))
    least = min(next(too_long, number), next(too_short, number))
    return min(least, *(_leading(joined[place::_SIZE], byte) for place, byte in _SAME))


def _leading(column: bytes, byte: bytes) -> int:
    """How many bytes at the beginning are the same."""
    return len(column) - len(column.lstrip(byte))


def _take_columns(flat: FlatDirectory, starts: list[int], joined: bytes, types: _Types) -> None:
    """Fill the arrays from the beginnings of records, which lie one behind the other."""
    places = array("Q", starts)
    flat.start.extend(places[:-1])
    flat.end.extend(places[1:])
    flat.next.extend(_column(joined, _NEXT_AT, "I"))
    flat.lower.extend(_column(joined, _LOWER_AT, "I"))
    flat.in_use.extend(_column(joined, _FLAG_AT, "H"))
    flat.type_of.extend(types.numbers([piece for (piece,) in _TYPES(joined)]))
    flat.next_at.extend(array("q", [_NEXT_AT]) * (len(places) - 1))
    flat.lower_at.extend(array("q", [_LOWER_AT]) * (len(places) - 1))


def _column(joined: bytes, at: int, kind: str) -> array[int]:
    """The Little Endian numbers that stand at one place of each beginning."""
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
    """The end of the record of undefined length at `at`, -1 if it has none before the next record begins."""
    following = _LITTLE_RECORD.search(data, at + 8)
    if following:
        bound = following.start()
        if data[bound - 8 : bound] == _ITEM_DELIMITER:
            return bound
    try:
        return skip_undefined_item(data, at + 8, bound, EXPLICIT_LITTLE)[1]
    except FormatError:
        return -1


def _take(flat: FlatDirectory, record: Element, types: _Types, found: Findings) -> int:
    """Take one record by its elements, in whatever order they are; the position behind it."""
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
            elif part.tag == tags.RECORD_TYPE:
                raw = flat.data[part.value_at : part.value_end]
    except FormatError as problem:
        found.add("FS-RECORD-MALFORMED", problem.text(known_offset=record.at), offset=record.at)
    flat.start.append(record.at)
    flat.end.append(record.end)
    flat.next.append(numbers[tags.NEXT_RECORD][0])
    flat.next_at.append(numbers[tags.NEXT_RECORD][1])
    flat.lower.append(numbers[tags.LOWER_LEVEL_ENTITY][0])
    flat.lower_at.append(numbers[tags.LOWER_LEVEL_ENTITY][1])
    flat.in_use.append(numbers[tags.RECORD_IN_USE][0])
    flat.type_of.append(types.number(raw))
    return record.end


# ---------------------------------------------------------------- damage


def _item(flat: FlatDirectory, at: int, area: _Area, found: Findings) -> Element:
    """The item at `at`; if its length cannot be right, it ends where the next record begins."""
    behind = area.behind(at)
    try:
        return element_at(flat.data, at, behind, flat.syntax)
    except FormatError as problem:
        rule = "FS-RECORD-MALFORMED" if behind < len(flat.data) else "FS-DICOMDIR-TRUNCATED"
        found.add(rule, f"{problem.text(known_offset=at)}; the record is taken to end at {behind}", offset=at)
        flat.mended.add(len(flat))
        return Element(ITEM, b"", at, at + 8, max(behind, at + 8), max(behind, at + 8))


def _mend(flat: FlatDirectory, at: int, area: _Area, types: _Types, found: Findings) -> int:
    """Go on from `at`, where an item should begin and none does.

    Either the length of the record before is wrong, and it is taken again up to the next one, or what lies here is
    no record any more, and skipped.
    """
    if len(flat) and len(flat) - 1 not in flat.mended and not _ends_at(flat, at, area):
        start = flat.start[-1]
        behind = area.behind(start)
        message = f"its length is wrong: no record begins at {at}; it is taken to end at {behind}"
        found.add("FS-RECORD-MALFORMED", message, offset=start)
        flat.forget_last()
        flat.mended.add(len(flat))
        return _take(flat, Element(ITEM, b"", start, start + 8, behind, behind), types, found)
    behind = area.behind(at)
    found.add("FS-RECORD-MALFORMED", f"no record begins here: {behind - at} bytes are skipped", offset=at)
    return behind


def _ends_at(flat: FlatDirectory, at: int, area: _Area) -> bool:
    """Whether the last record ends at `at` by its elements, and these do not go on to the next record."""
    start = flat.start[-1]
    if flat.syntax.long(flat.data, start + 4)[0] == UNDEFINED:
        return True  # it has been delimited
    met = False
    try:
        for part in elements(flat.data, start + 8, area.behind(start), flat.syntax):
            if part.tag >> 16 == 0xFFFE:
                return met
            met = met or part.end == at
    except FormatError:
        return met
    return False
