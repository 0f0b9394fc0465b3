"""The marker segments at the start of a JPEG or JPEG-LS stream (ISO/IEC 10918-1 B.1.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

START: Final = b"\xff\xd8"
"""The marker SOI, with which a stream begins."""
_SCAN: Final = 0xDA
_ALONE: Final = frozenset((0x01, *range(0xD0, 0xD9)))
"""Markers without a length."""


def segments(stream: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker after SOI up to the first scan, and the position of its segment, which begins with a length."""
    at = len(START)
    while at + 4 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        yield marker, at + 2
        if marker == _SCAN:
            return
        at += 2 if marker in _ALONE else 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
