"""Structures of the headers of a ZIP archive (PKWARE APPNOTE 4.3 to 4.5)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, IntEnum
from struct import Struct, pack, unpack_from
from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    import zipfile

LOCAL: Final = Struct("<4s5H3I2H")
"""Local file header: signature, version, flags, method, time, date, CRC-32, sizes, lengths of name and extra field."""
CENTRAL: Final = Struct("<4s6H3I5H2I")
"""Central directory header: as the local one, with its position."""

HEADERS_SIZE: Final = LOCAL.size + CENTRAL.size + 2 * (71 + 9) + 20 + 28
"""Size in bytes of both headers of a member with the longest File ID and every extra field."""
END_SIZE: Final = 22 + 56 + 20
"""Size in bytes of the end of the central directory, including the end of ZIP64."""

UNIX: Final = 3
"""The system of archives that have the permissions of files (APPNOTE 4.4.2)."""
REGULAR_FILE: Final = 0o100644 << 16
"""The attributes of a member that has none of its own."""
FOLDER: Final = 0o040755 << 16 | 0x10
"""The attributes of a folder."""
LARGEST_EXTRA: Final = 0xF000
"""Largest size in bytes of the kept extra fields of a member; they share 64 KiB with the new ones."""


class Signature(bytes, Enum):
    """The first bytes of the structures of an archive."""

    LOCAL = b"PK\3\4"
    CENTRAL = b"PK\1\2"
    END = b"PK\5\6"
    DESCRIPTOR = b"PK\7\x08"


class Flag(IntEnum):
    """General purpose flags (APPNOTE 4.4.4)."""

    ENCRYPTED = 0x0001
    SIZES_FOLLOW = 0x0008
    UTF_8 = 0x0800


class Method(IntEnum):
    """Compression methods (APPNOTE 4.4.5). The extra field of a member with `AES` encryption has its real method."""

    STORED = 0
    DEFLATED = 8
    AES = 99


class ExtraField(IntEnum):
    """Extra fields that the writer makes itself: sizes, date, encryption, and names and comments in Unicode."""

    ZIP64 = 0x0001
    TIMESTAMP = 0x5455
    AES = 0x9901
    UNICODE_NAME = 0x7075
    UNICODE_COMMENT = 0x6375


_FIXED_EXTRA: Final = frozenset(ExtraField)


@frozen
class Keepsake:
    """The facts of a member besides name, date and contents: attributes with permissions, extra fields, and a comment."""

    attributes: int = REGULAR_FILE
    extra: bytes = b""
    comment: bytes = b""

    @classmethod
    def of(cls, info: zipfile.ZipInfo) -> Keepsake:
        """Collect these facts of a member or folder; attributes of another system than Unix have no permissions."""
        attributes = info.external_attr
        if info.create_system != UNIX or not attributes >> 16:
            attributes = attributes & 0xFF | (FOLDER if is_folder(info.orig_filename) else REGULAR_FILE)
        extra = other_extra(info.extra)
        return cls(attributes, extra if len(extra) <= LARGEST_EXTRA else b"", info.comment)


def is_folder(name: str) -> bool:
    """Test whether a member is a folder, by its name."""
    return name.endswith(("/", "\\"))


def other_extra(extra: bytes) -> bytes:
    """Collect the extra fields that another program wrote, such as the owner of a file; broken ones are left out."""
    kept = (pack("<2H", kind, len(value)) + value for kind, value in extra_fields(extra) if kind not in _FIXED_EXTRA)
    return b"".join(kept)


def extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and value of each extra field that is whole (APPNOTE 4.5)."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = unpack_from("<2H", extra, at)
        at += 4 + length
        if at <= len(extra):
            yield kind, extra[at - length : at]
