"""The 128 bytes before the prefix of a DICOM file, in which a second format may begin (PS3.10 7.1, 7.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

PREAMBLE: Final = bytes(128)
_PREFIX: Final = b"DICM"
NEEDED: Final = len(PREAMBLE) + len(_PREFIX)
"""Bytes at the beginning of a file that tell whether it has a preamble, and which."""
_TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_DUAL_FORMAT: Final = _PREFIX + bytes(124)
"""What an updater may write that cannot keep a preamble right (PS3.10 8.3 note 3)."""


def is_known(preamble: bytes) -> bool:
    """Whether a preamble is zero, or tells of a second format that is known: TIFF."""
    return preamble in (PREAMBLE, _DUAL_FORMAT) or preamble[:4] in _TIFF


def needs_clearing(data: bytes) -> bool:
    """Whether the beginning of a file is that of a DICOM file with a preamble that may be anything, even a program."""
    return data[len(PREAMBLE) :].startswith(_PREFIX) and not is_known(data[: len(PREAMBLE)])


def cleared(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a file with zeros for its preamble, which is all in the first of `chunks`."""
    parts = iter(chunks)
    yield PREAMBLE + next(parts)[len(PREAMBLE) :]
    yield from parts
