"""Whether JPEG frames are in Interchange Format: each with the tables that a decoder needs (ISO/IEC 10918-1 B.2)."""

from __future__ import annotations

from typing import Final

from fileset.dicom.elements import EXPLICIT_LITTLE
from fileset.dicom.header import Reading
from fileset.errors import FormatError
from fileset.part10.data_set import DataSetWalk, FileWindow
from fileset.part10.file_meta import check_meta

LARGEST_HEADER: Final = 1 << 16
"""Bytes of a frame that are searched for its tables: they come before the scan, which they precede by a few hundred."""
_HUFFMAN, _ARITHMETIC, _QUANTISATION, _SCAN, _START = 0xC4, 0xCC, 0xDB, 0xDA, 0xD8
_LOSSLESS_FRAMES: Final = frozenset((0xC3, 0xC7, 0xCB, 0xCF))
_ALONE: Final = frozenset((0x01, *range(0xD0, 0xD9)))
"""Markers without a length."""


def frames_without_tables(read: Reading, size: int) -> int | None:
    """Count the frames of a JPEG file that lack their tables; None if the pixel data is not encapsulated or damaged."""
    first = read(0, 1 << 20)
    meta = check_meta(first)
    walk = DataSetWalk(FileWindow(read, size, first), EXPLICIT_LITTLE)
    try:
        walk.walk(meta.data_set_at)
    except FormatError:
        return None
    if walk.fragments is None:
        return None
    starts = (start + 8 for start in walk.fragments.starts)
    heads = (read(at, min(length, LARGEST_HEADER)) for at, length in zip(starts, walk.fragments.lengths, strict=True))
    # A fragment that does not begin with SOI continues the frame before it (PS3.5 A.4).
    return sum(head[:2] == b"\xff\xd8" and not has_tables(head) for head in heads)


def has_tables(frame: bytes) -> bool:
    """Check whether a JPEG bit stream defines its Huffman tables and, unless it is lossless, quantisation tables."""
    seen, at = set(), 2
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        seen.add(marker)
        if marker == _SCAN:
            break
        at += 2 if marker in _ALONE else 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    coding = _HUFFMAN in seen or _ARITHMETIC in seen
    return coding and (_QUANTISATION in seen or not _LOSSLESS_FRAMES.isdisjoint(seen))
