"""Rules for encapsulated pixel data and its offset tables (PS3.5 A.4, PS3.3 C.7.6.3)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from struct import error, iter_unpack
from typing import Final, Protocol

from attrs import frozen

from fileset.dicom.elements import ITEM, SEQUENCE_END, UNDEFINED, Syntax
from fileset.dicom.header import DEFLATED, EXPLICIT_VR_BIG_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from fileset.errors import FormatError
from fileset.part10.faults import Fault
from fileset.standard import tags

TABLE_VRS: Final = {
    tags.EXTENDED_OFFSET_TABLE: b"OV",
    tags.EXTENDED_OFFSET_TABLE_LENGTHS: b"OV",
    tags.ENCAPSULATED_PIXEL_DATA_TOTAL_LENGTH: b"UV",
}
"""The offset tables and the total length, with their VRs (PS3.6)."""
TABLES: Final = frozenset(TABLE_VRS)

NATIVE: Final = DEFLATED | {IMPLICIT_VR_LITTLE_ENDIAN, b"1.2.840.10008.1.2.1", EXPLICIT_VR_BIG_ENDIAN}
"""Transfer syntaxes whose pixel data has a length (PS3.5 A.1 to A.3, A.5)."""
VIDEO: Final = frozenset(
    b"1.2.840.10008.1.2.4." + suffix
    for number in (b"100", b"101", b"102", b"103", b"104", b"105", b"106", b"107", b"108")
    for suffix in (number, number + b".1")
)
"""MPEG-2, MPEG-4 and HEVC: a fragment is not a frame (PS3.5 8.2.5 to 8.2.12)."""
LARGEST_BASIC_TABLE: Final = 1 << 26


class HeaderSource(Protocol):
    """Reads element headers and values of a file."""

    def header(self, at: int, syntax: Syntax) -> tuple[int, bytes, int, int]:
        """Return (tag, VR, offset of the value, length) of the element at `at`."""

    def value(self, at: int, length: int) -> bytes:
        """Read the bytes of a value."""


@frozen
class Fragments:
    """Encapsulated pixel data: the Basic Offset Table, and the item offset and length of each fragment.

    `end` is the offset after the sequence delimiter.
    """

    table: bytes
    starts: array[int]
    lengths: array[int]
    end: int


def read_fragments(window: HeaderSource, at: int, syntax: Syntax) -> Fragments:
    """Find the fragments whose first item starts at `at`. Raise `FormatError` if the file ends inside them."""
    starts, lengths = array("Q"), array("Q")
    while True:
        tag, _, value_at, length = window.header(at, syntax)
        if tag == SEQUENCE_END:
            break
        if tag != ITEM or length == UNDEFINED:
            raise FormatError("not a fragment of pixel data", offset=at)
        starts.append(at)
        lengths.append(length)
        at = value_at + length
    table = window.value(starts[0] + 8, min(lengths[0], LARGEST_BASIC_TABLE)) if starts else b""
    return Fragments(table, starts[1:], lengths[1:], value_at)


def table_faults(values: dict[int, bytes], fragments: Fragments | None, transfer_syntax: bytes) -> Iterator[Fault]:
    """Find the faults of encapsulation and offset tables.

    `values` holds `tags.NUMBER_OF_FRAMES` and `TABLES`, and a key for each of `PIXEL_DATA` that is present.
    """
    if tags.PIXEL_DATA in values and transfer_syntax and (fragments is None) is not (transfer_syntax in NATIVE):
        form = "native" if fragments is None else "encapsulated"
        message = f"the pixel data is {form}, the transfer syntax {transfer_syntax.decode('ascii', 'replace')} is not"
        yield Fault("FS-PIXEL-SYNTAX", message, None, tags.PIXEL_DATA)
    frames = _frames(values)
    if fragments is not None:
        yield from _fragment_faults(fragments, frames, transfer_syntax)
    has_extended = tags.EXTENDED_OFFSET_TABLE in values or tags.EXTENDED_OFFSET_TABLE_LENGTHS in values
    if has_extended and (problem := _extended_fault(values, fragments, frames, transfer_syntax)):
        yield Fault("FS-OFFSET-TABLE-EXTENDED", f"Extended Offset Table: {problem}", None, tags.EXTENDED_OFFSET_TABLE)
    total = values.get(tags.ENCAPSULATED_PIXEL_DATA_TOTAL_LENGTH, b"")
    if fragments is not None and len(total) == 8 and int.from_bytes(total, "little") != sum(fragments.lengths):
        message = (
            f"total length {int.from_bytes(total, 'little')}, but the fragments have {sum(fragments.lengths)} bytes"
        )
        yield Fault("FS-PIXEL-TOTAL-LENGTH", message, None, tags.ENCAPSULATED_PIXEL_DATA_TOTAL_LENGTH)


def _frames(values: dict[int, bytes]) -> int:
    """Parse Number of Frames; 1 if absent, 0 if not a number."""
    text = values.get(tags.NUMBER_OF_FRAMES, b"1").strip(b" \0")
    return int(text) if text.isdigit() and len(text) < 12 else 0


def _fragment_faults(fragments: Fragments, frames: int, transfer_syntax: bytes) -> Iterator[Fault]:
    invalid = [length for length in fragments.lengths if length < 2 or length & 1]
    if invalid:
        message = f"{len(invalid)} fragments are empty or have an odd length, such as {invalid[0]}"
        yield Fault("FS-PIXEL-FRAGMENT", message, None, tags.PIXEL_DATA)
    video = transfer_syntax in VIDEO
    if frames > len(fragments.starts) and not video:
        message = f"{frames} frames in {len(fragments.starts)} fragments"
        yield Fault("FS-PIXEL-FRAGMENT", message, None, tags.PIXEL_DATA)
    if fragments.table:
        problem = "must be empty for this transfer syntax" if video else _basic_fault(fragments, frames)
        if problem:
            yield Fault("FS-OFFSET-TABLE-BASIC", f"Basic Offset Table: {problem}", None, tags.PIXEL_DATA)


def _basic_fault(fragments: Fragments, frames: int) -> str:
    offsets = _numbers("<I", fragments.table)
    if not offsets:
        return f"{len(fragments.table)} bytes are not a whole number of offsets"
    return _offsets_fault(offsets, fragments, frames)


def _offsets_fault(offsets: Sequence[int], fragments: Fragments, frames: int) -> str:
    if frames and len(offsets) != frames:
        return f"{len(offsets)} offsets for {frames} frames"
    first = fragments.starts[0] if fragments.starts else 0
    starts = {start - first for start in fragments.starts}
    if offsets and offsets[0]:
        return f"the first offset is {offsets[0]} instead of 0"
    stray = next((offset for offset in offsets if offset not in starts), None)
    if stray is not None:
        return f"no fragment starts at offset {stray}"
    if any(later <= earlier for earlier, later in pairwise(offsets)):
        return "the offsets do not increase"
    return ""


def _extended_fault(values: dict[int, bytes], fragments: Fragments | None, frames: int, transfer_syntax: bytes) -> str:
    tables = (tags.EXTENDED_OFFSET_TABLE, tags.EXTENDED_OFFSET_TABLE_LENGTHS)
    offsets, lengths = (_numbers("<Q", values.get(tag, b"")) for tag in tables)
    if not offsets:
        return "missing, empty, or not a whole number of offsets"
    if not lengths:
        return "its lengths (7FE0,0002) are missing, empty, or not a whole number"
    if fragments is None:
        return "there is no encapsulated pixel data"
    if transfer_syntax in VIDEO:
        return "not allowed for a transfer syntax whose fragments are not frames"
    if fragments.table:
        return "the Basic Offset Table is not empty"
    if len(fragments.starts) != len(offsets):
        return f"{len(offsets)} frames in {len(fragments.starts)} fragments: each frame must be one fragment"
    if len(lengths) != len(offsets):
        return f"{len(offsets)} offsets, but {len(lengths)} lengths"
    # A frame of odd length is padded to an even fragment.
    unlike = sum(not 0 <= whole - length <= 1 for whole, length in zip(fragments.lengths, lengths, strict=True))
    return _offsets_fault(offsets, fragments, frames) or (f"{unlike} lengths are wrong" if unlike else "")


def _numbers(form: str, raw: bytes) -> list[int]:
    """Decode the numbers of a table; none if it is empty or has other bytes after them."""
    try:
        return [number for (number,) in iter_unpack(form, raw)]
    except error:
        return []
