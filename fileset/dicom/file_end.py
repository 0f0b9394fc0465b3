"""A quick test whether a DICOM file ends where its pixel data does (PS3.5 7.1, A.4)."""

from __future__ import annotations

from struct import Struct
from typing import Final

from fileset.dicom.elements import SEQUENCE_DELIMITER, UNDEFINED

LAST: Final = 8
"""Bytes at the end of a file that the test needs."""

_PIXEL_DATA: Final = b"\xe0\x7f\x10\x00"
_LENGTH: Final = Struct("<I").unpack_from


def is_plainly_whole(first: bytes, last: bytes, size: int) -> bool:
    """Test whether a file of `size` bytes ends exactly where its pixel data does.

    `first` are its first bytes, `last` its last 8. False means unknown: there may be elements after the pixel data, or no
    pixel data. An icon or a sequence that ends where the file was truncated gives a wrong True.
    """
    at = first.find(_PIXEL_DATA)
    if not 0 <= at <= len(first) - 12:
        return False
    value_at = at + (12 if first[at + 4 : at + 6] in (b"OB", b"OW") else 8)
    (length,) = _LENGTH(first, value_at - 4)
    return last == SEQUENCE_DELIMITER if length == UNDEFINED else bool(value_at + length == size)
