"""Structures that the writer and the reader of UDF share: descriptor tags and CS0 names (ECMA-167, OSTA UDF 1.02).

A DVD has ISO 9660, UDF, or both over the same files, called a bridge (PS3.12 P.2); DVD-RAM and BD have only UDF (J, X).
"""

from __future__ import annotations

from binascii import crc_hqx
from enum import IntEnum
from struct import Struct, unpack_from
from typing import Final

from fileset.errors import FormatError, RuleError

BLOCK: Final = 2048
ANCHOR: Final = 256
"""The sector of the first Anchor Volume Descriptor Pointer."""

RECOGNITION: Final = (b"BEA01", b"NSR02", b"TEA01")
"""Standard Identifiers of the Volume Recognition Sequence, after the descriptors of ISO 9660."""

LONGEST_NAME: Final = 254
"""Largest size of a name in bytes after its compression code; characters have 8 bits if all are Latin-1, else 16."""

_TAG: Final = Struct("<HHBBHHHI")


class Tag(IntEnum):
    """The kinds of descriptors, by the identifier in their tag (ECMA-167 3/7.2.1, 4/7.2.1)."""

    PRIMARY = 1
    ANCHOR = 2
    IMPLEMENTATION = 4
    PARTITION = 5
    LOGICAL_VOLUME = 6
    UNALLOCATED = 7
    TERMINATING = 8
    INTEGRITY = 9
    FILE_SET = 256
    FILE_NAME = 257
    FILE = 261
    EXTENDED_FILE = 266


def tagged(kind: int, body: bytes, location: int) -> bytes:
    """Build a descriptor: the tag (ECMA-167 3/7.2), with its checksum and the CRC of `body`, and `body`."""
    tag = bytearray(_TAG.pack(kind, 2, 0, 0, 0, crc_hqx(body, 0), len(body), location))
    tag[4] = sum(tag) % 256
    return bytes(tag) + body


def tag_of(data: bytes, at: int = 0) -> int:
    """Read the kind of descriptor at a position. Raises `FormatError` if there is none."""
    tag = data[at : at + _TAG.size]
    if len(tag) < _TAG.size or (sum(tag) - tag[4]) % 256 != tag[4]:
        raise FormatError("a UDF descriptor is damaged")
    kind: int = unpack_from("<H", tag)[0]
    return kind


def compressed(name: str) -> bytes:
    """Encode a name in OSTA Compressed Unicode (UDF 2.1.1). Raises `RuleError` for one that is too long."""
    wide = any(ord(character) > 0xFF for character in name)
    data = b"\x10" + name.encode("utf-16-be", "replace") if wide else b"\x08" + name.encode("latin-1")
    if len(data) > LONGEST_NAME:
        raise RuleError(f"{name!r} is longer than the {LONGEST_NAME} bytes of a UDF name. Shorten the name")
    return data


def expanded(data: bytes) -> str:
    """Decode the name in OSTA Compressed Unicode bytes; "" if it is not valid."""
    return data[1:].decode("utf-16-be" if data[:1] in (b"\x10", b"\xff") else "latin-1", "replace")


def dstring(text: str, size: int) -> bytes:
    """Build a field of fixed size with a text and, in its last byte, the length of the text (ECMA-167 1/7.2.12)."""
    data = compressed(text)[: size - 1] if text else b""
    return data.ljust(size - 1, b"\0") + bytes((len(data),))
