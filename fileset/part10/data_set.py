"""Rules for the data set of a DICOM file, walked from its first element to the last byte of the file (PS3.5 7, A.4).

The walk skips values: it costs some microseconds per kilobyte of header, and nothing for native pixels.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from struct import error
from typing import Final, NamedTuple

from fileset.dicom.elements import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM,
    ITEM_END,
    ITEM_TAG,
    LONG_VRS,
    MAX_DEPTH,
    SEQUENCE_END,
    SHORT_VRS,
    UNDEFINED,
    Syntax,
    element_header,
)
from fileset.dicom.header import DEFLATED, PIXEL_DATA, Reading, syntax_of
from fileset.dicom.header_cache import FIRST_READ
from fileset.dicom.header_layout import FIRST_OF_BLOCKS
from fileset.errors import FormatError
from fileset.part10.faults import Fault
from fileset.part10.pixels import TABLE_VRS, TABLES, Fragments, read_fragments, table_faults
from fileset.part10.private_elements import private_fault
from fileset.part10.structures import Span
from fileset.standard import tags
from fileset.standard.dictionary import KEY_VRS, named, vr_of

LARGEST_TABLE: Final = 1 << 26
"""Longest offset table that is checked, in bytes."""
MOST_INFLATED: Final = 1 << 28
"""Limit for inflating a deflated data set, in bytes, against decompression bombs."""
NOT_IN_DATA_SETS: Final = frozenset((0, 1, 2, 3, 5, 6, 7, 0xFFFF))
"""Groups that are not allowed in the data set of a file or in its items (PS3.5 7.1, 7.5.1, 7.8.1)."""
_FIRST_GROUP: Final = 0x00080000
_LAST_GROUP: Final = 0xFFFE0000
_ITEMS: Final = _LAST_GROUP >> 16
_MARGIN: Final = 12
_INTEREST: Final = frozenset((tags.NUMBER_OF_FRAMES, tags.DATA_SET_TRAILING_PADDING, *TABLES, *PIXEL_DATA))
_CREATOR_VRS: Final = frozenset((b"", b"LO", b"UN"))


class _EndError(FormatError):
    """The file ends inside a data element."""


class FileWindow:
    """A part of a file of `size` bytes: `data` starts at offset `base`; zeros pad the end of the file.

    `headers` are the spans of the element headers that were read.
    """

    def __init__(self, read: Reading, size: int, first: bytes) -> None:
        self._read = read
        self.size = size
        self.headers: list[Span] = []
        self.base = 0
        self.data = first if len(first) < size else first + bytes(_MARGIN)

    def move(self, at: int, length: int = FIRST_READ) -> bytes:
        """Move the window to `at` and read its `length` bytes, or fewer at the end of the file."""
        data = self._read(at, length)
        self.base = at
        self.data = data if at + len(data) < self.size else data + bytes(_MARGIN)
        return self.data

    def header(self, at: int, syntax: Syntax) -> tuple[int, bytes, int, int]:
        """Decode (tag, VR, offset of the value, length) of the element at `at`. Raise `FormatError` if there is none."""
        if at > self.size:
            raise _EndError(f"the previous element should end at {at}, the file ends at {self.size}")
        if at + 8 > self.size:
            raise _EndError(f"offset {at}: the file ends inside the header of a data element")
        if not self.base <= at <= self.base + len(self.data) - _MARGIN:
            self.move(at, 512)
        tag, vr, value_at, length = element_header(self.data, at - self.base, syntax)
        value_at += self.base
        self.headers.append((at, value_at - at))
        return tag, vr, value_at, length

    def value(self, at: int, length: int) -> bytes:
        """Read the bytes of a value."""
        return self._read(at, length)


class DataSetWalk:
    """A walk over one data set; collects its `faults`, and the values that the pixel data rules need."""

    def __init__(self, window: FileWindow, syntax: Syntax) -> None:
        self.window = window
        self.syntax = syntax
        self.faults: list[Fault] = []
        self.values: dict[int, bytes] = {}
        self.fragments: Fragments | None = None
        self.creators: set[int] = set()

    def walk(self, start: int) -> None:
        """Walk from the first element at `start` to the end of the file."""
        window, syntax, size = self.window, self.syntax, self.window.size
        head, long, explicit = syntax.header, syntax.long, syntax.explicit
        data, base, met = window.data, window.base, window.headers.append
        limit, at, previous = len(data) - _MARGIN, start - base, 0
        vr, vrs, creators = b"", KEY_VRS if explicit else {}, self.creators
        while base + at < size:
            if at > limit:
                data, base, at = window.move(base + at), base + at, 0
                limit = len(data) - _MARGIN
            if explicit:
                group, number, vr, length = head(data, at)
                value = at + 8
                if vr not in SHORT_VRS:
                    length = long(data, value)[0] if vr in LONG_VRS else UNDEFINED
                    value += 4
            else:
                group, number, length = head(data, at)
                value = at + 8
            tag = group << 16 | number
            met((base + at, value - at))
            nested = vr == b"SQ" if explicit else data[value : value + 4] == ITEM_TAG
            usual = _FIRST_GROUP <= tag < _LAST_GROUP and tag > previous and not (nested or length & 1)
            if (
                not usual  # UNDEFINED is odd
                or tag in _INTEREST
                or (tag in vrs and vr not in vrs[tag])
                or (group & 1 and (number < FIRST_OF_BLOCKS or group << 16 | number >> 8 not in creators))
            ):
                stop = self._unusual(base + at, tag, previous, vr, base + value, length)
                if stop < size and not window.base <= stop < window.base + len(window.data):
                    window.move(stop)
                data, base = window.data, window.base
                limit, at = len(data) - _MARGIN, stop - base
            else:
                at = value + length
            previous = tag
        if base + at > size:
            message = f"the last element should end at {base + at}, the file ends at {size}"
            self.faults.append(Fault("FS-FILE-TRUNCATED", message, size, previous))

    def _unusual(self, at: int, tag: int, previous: int, vr: bytes, value_at: int, length: int) -> int:
        """Check an unusual element; return the offset of the next one, or the end of the file if the walk must stop."""
        if tag >> 16 == _ITEMS:
            return self._no_element(at, previous)
        if self.syntax.explicit and vr not in SHORT_VRS and vr not in LONG_VRS:
            if not (vr.isalpha() and vr.isupper()):
                return self._no_element(at, previous)
            length = self.window.header(at, self.syntax)[3]
        if tag <= previous:
            if not tag:
                return self._no_element(at, previous)
            self.faults.append(Fault("FS-ELEMENT-ORDER", _order_message(tag, previous), at, tag))
        if tag >> 16 in NOT_IN_DATA_SETS or tag >> 16 == 4:
            self.faults.append(Fault("FS-ELEMENT-GROUP", f"{tags.text(tag)} in the data set of a file", at, tag))
        self.faults += _tag_faults(tag, vr, length, at, self.creators)
        if length == UNDEFINED:
            return self._nested(tag, vr, value_at, None)
        if _is_sequence(self.window, self.syntax, tag, vr, value_at, length) and value_at + length <= self.window.size:
            return self._nested(tag, vr, value_at, value_at + length)
        if length & 1:
            self.faults.append(Fault("FS-ELEMENT-LENGTH", f"an odd length, {length}", at, tag))
        if tag in PIXEL_DATA:
            self.values[tag] = b""
        elif tag in _INTEREST and length <= LARGEST_TABLE:
            if vr and tag in TABLE_VRS and vr != TABLE_VRS[tag]:
                self.faults.append(_vr_fault(tag, vr, TABLE_VRS[tag].decode("ascii"), at))
            self.values[tag] = self.window.value(value_at, length)
        return value_at + length

    def _nested(self, tag: int, vr: bytes, value_at: int, end: int | None) -> int:
        """Check a sequence or encapsulated pixel data; return the offset of the next element."""
        try:
            if tag == tags.PIXEL_DATA and vr not in (b"", b"OB"):
                self.faults.append(_vr_fault(tag, vr, "OB", value_at))
            if tag not in PIXEL_DATA:
                inner = IMPLICIT_LITTLE if vr == b"UN" else self.syntax
                return check_items(self.window, value_at, end, inner, self.faults)
            self.fragments = read_fragments(self.window, value_at, self.syntax)
            self.values[tag] = b""
        except FormatError as problem:
            rule = "FS-FILE-TRUNCATED" if isinstance(problem, _EndError) else "FS-FILE-BAD-HEADER"
            self.faults.append(Fault(rule, problem.text(known_offset=value_at), value_at, tag))
            return self.window.size if end is None else end
        return self.fragments.end

    def _no_element(self, at: int, previous: int) -> int:
        """Report the bytes at `at`, which are not a data element; return the end of the file."""
        left = self.window.size - at
        rest = self.window.value(at, min(left, FIRST_READ))
        if previous >= min(PIXEL_DATA) or not any(rest):
            self.faults.append(Fault("FS-FILE-TRAILING", f"{left} bytes after the data set", at))
        elif left < _MARGIN:
            self.faults.append(Fault("FS-FILE-TRUNCATED", "the file ends inside the header of a data element", at))
        else:
            self.faults.append(Fault("FS-FILE-BAD-HEADER", "not a data element", at))
        return self.window.size


class _OpenElement(NamedTuple):
    """A sequence, or an item in it, that is being checked; `end` is None for undefined length.

    `fragments`: whether the items of the sequence are fragments of pixel data instead of data sets. `creators`: the blocks
    of private elements that an item reserves.
    """

    is_sequence: bool
    syntax: Syntax
    end: int | None
    fragments: bool
    creators: set[int]


def check_items(window: FileWindow, at: int, end: int | None, syntax: Syntax, faults: list[Fault]) -> int:
    """Check the items of a sequence whose value starts at `at`, and find the offset after it (PS3.5 7.5).

    `end` is the end of its value, None for undefined length. Raises `FormatError` if the items cannot be decoded.
    """
    stack = [_OpenElement(is_sequence=True, syntax=syntax, end=end, fragments=False, creators=set())]
    previous = [0]
    while stack:
        level = stack[-1]
        if level.end is not None and at >= level.end:
            if at > level.end:
                raise FormatError("an element exceeds its sequence or item", offset=level.end)
            stack.pop()
            previous.pop()
            continue
        tag, vr, value_at, length = window.header(at, level.syntax)
        if level.end is None and tag == (SEQUENCE_END if level.is_sequence else ITEM_END):
            stack.pop()
            previous.pop()
            at = value_at
            continue
        if (tag == ITEM) is not level.is_sequence or tag in (ITEM_END, SEQUENCE_END):
            raise FormatError(f"{tags.text(tag)} is not allowed here", offset=at)
        if not level.is_sequence:
            faults += _nested_faults(tag, previous[-1], length, at)
            faults += _tag_faults(tag, vr, length, at, level.creators)
            previous[-1] = tag
        inner_end = None if length == UNDEFINED else value_at + length
        if level.fragments or not (level.is_sequence or _is_sequence(window, level.syntax, tag, vr, value_at, length)):
            at = value_at + length
            continue
        inner = IMPLICIT_LITTLE if vr == b"UN" else level.syntax
        stack.append(_OpenElement(not level.is_sequence, inner, inner_end, vr in (b"OB", b"OW"), set()))
        previous.append(0)
        if len(stack) > 2 * MAX_DEPTH:
            raise FormatError(f"sequences nested more than {MAX_DEPTH} deep", offset=at)
        at = value_at
    return at


def _is_sequence(window: FileWindow, syntax: Syntax, tag: int, vr: bytes, value_at: int, length: int) -> bool:
    """Decide whether an element is a sequence; Implicit VR needs the data dictionary for that."""
    if length == UNDEFINED or vr == b"SQ":
        return True
    return not syntax.explicit and length >= 8 and window.value(value_at, 4) == ITEM_TAG and vr_of(tag) == "SQ"


def _nested_faults(tag: int, previous: int, length: int, at: int) -> list[Fault]:
    """Find the faults of an element of an item: its group, order and length (PS3.5 7.1, 7.5.1, 7.8.1)."""
    faults = []
    if tag >> 16 in NOT_IN_DATA_SETS or tag >> 16 == 4:
        faults.append(Fault("FS-ELEMENT-GROUP", f"{tags.text(tag)} in an item", at, tag))
    if tag <= previous:
        faults.append(Fault("FS-ELEMENT-ORDER", _order_message(tag, previous), at, tag))
    if length & 1 and length != UNDEFINED:
        faults.append(Fault("FS-ELEMENT-LENGTH", f"an odd length, {length}", at, tag))
    return faults


def _tag_faults(tag: int, vr: bytes, length: int, at: int, creators: set[int]) -> Iterator[Fault]:
    """Find the faults of the VR of a key, and of a private element without its creator (PS3.6 6, PS3.5 7.8.1).

    `creators` are the blocks that creators have reserved so far; each missing one is reported once.
    """
    if vr and vr not in KEY_VRS.get(tag, (vr,)):
        yield _vr_fault(tag, vr, " or ".join(sorted(allowed.decode("ascii") for allowed in KEY_VRS[tag] - {b"UN"})), at)
    group, number = tag >> 16, tag & 0xFFFF
    if not group & 1 or group in NOT_IN_DATA_SETS:
        return
    if problem := private_fault(tag, length, creators):
        yield Fault("FS-FILE-PRIVATE", problem, at, tag)
    elif number < FIRST_OF_BLOCKS and number and vr not in _CREATOR_VRS:
        yield _vr_fault(tag, vr, "LO", at)


def _vr_fault(tag: int, vr: bytes, expected: str, at: int) -> Fault:
    return Fault("FS-ELEMENT-VR", f"{named(tag)} has VR {vr.decode('ascii', 'replace')} instead of {expected}", at, tag)


def _order_message(tag: int, previous: int) -> str:
    return f"{tags.text(tag)} after {tags.text(previous)}"


def sequence_faults(value: bytes) -> list[Fault]:
    """Find the faults of the value of a sequence in Explicit VR Little Endian."""
    faults: list[Fault] = []
    window = FileWindow(lambda at, size: value[at : at + size], len(value), value)
    try:
        check_items(window, 0, len(value), EXPLICIT_LITTLE, faults)
    except FormatError as problem:
        faults.append(Fault("FS-FILE-BAD-HEADER", problem.reason))
    return faults


def content_faults(
    read: Reading, size: int, first: bytes, at: int, transfer_syntax: bytes
) -> tuple[list[Fault], list[Span]]:
    """Find the faults of the data set at `at` in a file of `size` bytes that starts with `first`.

    If there is none, also list the spans of its element headers; none if these alone do not decide.
    """
    if at >= size:
        return [Fault("FS-FILE-TRUNCATED", "no data set after the File Meta Information", at)], []
    if transfer_syntax in DEFLATED:
        return _deflated_faults(read, size, at), []
    walk = DataSetWalk(FileWindow(read, size, first), syntax_of(transfer_syntax))
    try:
        walk.walk(at)
    except (FormatError, error) as problem:
        walk.faults.append(Fault("FS-FILE-BAD-HEADER", str(problem)))
    faults = [*walk.faults, *table_faults(walk.values, walk.fragments, transfer_syntax)]
    is_decided = not faults and walk.fragments is None and TABLES.isdisjoint(walk.values)
    return faults, walk.window.headers if is_decided else []


def _deflated_faults(read: Reading, size: int, at: int) -> list[Fault]:
    """Check that a deflated data set is complete (PS3.5 A.5); its elements are not checked."""
    inflater, inflated, start = zlib.decompressobj(-zlib.MAX_WBITS), 0, at
    try:
        while not inflater.eof and inflated < MOST_INFLATED:
            packed = inflater.unconsumed_tail or read(at, FIRST_READ)
            if not packed:
                return [Fault("FS-FILE-TRUNCATED", "the file ends inside the deflated data set", size)]
            if not inflater.unconsumed_tail:
                at += len(packed)
            inflated += len(inflater.decompress(packed, MOST_INFLATED))
    except zlib.error as problem:
        return [Fault("FS-FILE-BAD-HEADER", f"the deflated data set is damaged: {problem}", start)]
    excess = size - at + len(inflater.unused_data)
    # PS3.5 A.5: one NUL makes the length even.
    if inflater.eof and excess > 1:
        return [Fault("FS-FILE-TRAILING", f"{excess} bytes after the deflated data set", size - excess)]
    return []
