"""Explicit VR Little Endian elements for the corpus (PS3.5 7.1.2).

This is not the encoder of `fileset`, because a corpus written with the code under test would share its mistakes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

LONG_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
NUL_PADDED_VRS = LONG_VRS - {"UC", "UR", "UT"} | {"UI"}
BINARY_VRS = {"US": "<H", "SS": "<h", "UL": "<I", "SL": "<i", "FL": "<f", "FD": "<d"}

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

Value = bytes | str | int | float | Sequence[float]


def element(tag: int, vr: str, value: Value, charset: str = "latin-1") -> bytes:
    """Encode a data element; text with the Python codec ``charset``."""
    return framed(tag, vr, padded(vr, value_bytes(vr, value, charset)))


def value_bytes(vr: str, value: Value, charset: str) -> bytes:
    """Encode a value field without padding."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode(charset)
    numbers = value if isinstance(value, Sequence) else [value]
    code = BINARY_VRS[vr]
    return b"".join(struct.pack(code, number) for number in numbers)


def padded(vr: str, value: bytes) -> bytes:
    """Pad a value field to an even length (PS3.5 6.2)."""
    if len(value) % 2 == 0:
        return value
    return value + (b"\0" if vr in NUL_PADDED_VRS else b" ")


def framed(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """Encode the header of an element before its value field; ``length`` replaces the length."""
    size = len(value) if length is None else length
    code = "<HH2s2xI" if vr in LONG_VRS else "<HH2sH"
    return struct.pack(code, tag >> 16, tag & 0xFFFF, vr.encode(), size) + value


def sequence(tag: int, items: Iterable[bytes], *, open_sequence: bool, open_items: bool) -> bytes:
    """Encode a sequence of encoded items, with defined or undefined ("open") lengths (PS3.5 7.5)."""
    body = b"".join(item(content, undefined=open_items) for content in items)
    if not open_sequence:
        return framed(tag, "SQ", body)
    return framed(tag, "SQ", body + delimiter(SEQUENCE_END), UNDEFINED)


def item(content: bytes, *, undefined: bool) -> bytes:
    """Encode an item of a sequence."""
    length = UNDEFINED if undefined else len(content)
    head = struct.pack("<HHI", ITEM >> 16, ITEM & 0xFFFF, length)
    return head + content + (delimiter(ITEM_END) if undefined else b"")


def delimiter(tag: int) -> bytes:
    """Encode an Item Delimitation or Sequence Delimitation Item."""
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, 0)
