"""The preamble of a DICOM file: 128 bytes that may start a second format (PS3.10 7.1, 7.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

PREAMBLE: Final = bytes(128)
_PREFIX: Final = b"DICM"
NEEDED: Final = len(PREAMBLE) + len(_PREFIX)
"""Bytes of preamble and prefix together."""
_TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_DUAL_FORMAT: Final = _PREFIX + bytes(124)
"""A preamble that an updater may write if it cannot keep the original one correct (PS3.10 8.3 note 3)."""


def is_known(preamble: bytes) -> bool:
    """Check whether a preamble is zero or starts a TIFF file."""
    return preamble in (PREAMBLE, _DUAL_FORMAT) or preamble[:4] in _TIFF


def needs_clearing(data: bytes) -> bool:
    """Test whether a file starts with an unknown preamble, which could even be a program."""
    return data[len(PREAMBLE) :].startswith(_PREFIX) and not is_known(data[: len(PREAMBLE)])


def cleared(chunks: Iterable[bytes | bytearray]) -> Iterator[bytes | bytearray]:
    """Zero the preamble in the chunks of a file. The first chunk must contain the whole preamble."""
    parts = iter(chunks)
    yield PREAMBLE + next(parts)[len(PREAMBLE) :]
    yield from parts


def is_part_10(data: bytes) -> bool:
    """Test whether a file starts with a preamble and the DICM prefix (PS3.10 7.1)."""
    return data[len(PREAMBLE) : NEEDED] == _PREFIX


def misplaced_prefix(data: bytes) -> int | None:
    """Find the DICM prefix of a file whose preamble was cut: it comes before offset 128. None if there is none."""
    at = data.find(_PREFIX + b"\x02\0", 0, NEEDED + 1)
    return None if at < 0 else at


_ENVELOPED: Final = bytes.fromhex("06092a864886f70d010703")
"""The encoded identifier of EnvelopedData (RFC 5652 6), which is near the first byte of every Secure DICOM File."""


def is_secure(first: bytes) -> bool:
    """Test whether a file that begins with `first`, 64 bytes or more, is a Secure DICOM File (PS3.10 7.4)."""
    return first[:1] == b"0" and _ENVELOPED in first[:64]
