"""Whether JPEG frames are in Interchange Format: each with the tables that a decoder needs (ISO/IEC 10918-1 B.2)."""

from __future__ import annotations

from typing import Final

from fileset.dicom.elements import EXPLICIT_LITTLE
from fileset.dicom.header import Reading
from fileset.errors import FormatError
from fileset.part10.data_set import DataSetWalk, FileWindow
from fileset.part10.file_meta import check_meta
from fileset.part10.jpeg import START, segments

LARGEST_HEADER: Final = 1 << 16
"""Bytes of a frame that are searched for its tables: they come before the scan, which they precede by a few hundred."""
_HUFFMAN, _ARITHMETIC, _QUANTISATION = 0xC4, 0xCC, 0xDB
_LOSSLESS_FRAMES: Final = frozenset((0xC3, 0xC7, 0xCB, 0xCF))


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
    return sum(head.startswith(START) and not has_tables(head) for head in heads)


def has_tables(frame: bytes) -> bool:
    """Check whether a JPEG bit stream defines its Huffman tables and, unless it is lossless, quantisation tables."""
    seen = {marker for marker, _ in segments(frame)}
    coding = _HUFFMAN in seen or _ARITHMETIC in seen
    return coding and (_QUANTISATION in seen or not _LOSSLESS_FRAMES.isdisjoint(seen))
