"""Read the size that a compressed frame states before decoding it: a decoder would reserve memory for any size."""

from __future__ import annotations

from struct import error, unpack_from
from typing import Final

_SIZED: Final = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7))
"""Start of Frame markers of JPEG (ISO/IEC 10918-1 B.2.2) and of JPEG-LS."""
_ALONE: Final = frozenset((0x01, *range(0xD0, 0xD9)))
"""Markers without a length."""
_J2K: Final = b"\xff\x4f\xff\x51"
_CODESTREAM: Final = b"jp2c"


def stated_size(data: bytes) -> tuple[int, int] | None:
    """Read the rows and columns at the start of a JPEG, JPEG-LS or JPEG 2000 stream, None if it does not state them."""
    try:
        if data[:2] == b"\xff\xd8":
            return _of_jpeg(data)
        at = 0 if data.startswith(_J2K) else data.find(_J2K, data.find(_CODESTREAM))
        return _of_jpeg_2000(data, at) if at >= 0 else None
    except error:
        return None


def _of_jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while data[at] == 0xFF if at + 1 < len(data) else False:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _SIZED:
            rows, columns = unpack_from(">HH", data, at + 5)
            return rows, columns
        else:
            at += 2 + unpack_from(">H", data, at + 2)[0]
    return None


def _of_jpeg_2000(data: bytes, at: int) -> tuple[int, int]:
    """Read the SIZ marker segment (ISO/IEC 15444-1 A.5.1): the reference grid without its offset."""
    columns, rows, left, top = unpack_from(">IIII", data, at + 8)
    return rows - top, columns - left
