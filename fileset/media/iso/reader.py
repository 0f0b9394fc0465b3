"""Read the directories of ISO 9660 and Joliet (ECMA-119) without mounting, even if they are damaged.

Every value is checked before use: each length against the remaining bytes, each position against the size of the image.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final

from fileset.errors import FormatError, MediumError
from fileset.media.image.bytes import ImageBytes
from fileset.media.image.names import Entry, Notes
from fileset.media.iso.dates import recording_time
from fileset.media.iso.names import shown

SECTOR: Final = 2048
FIRST_DESCRIPTOR: Final = 16
MAX_DESCRIPTORS: Final = 64
STANDARD_ID: Final = b"CD001"

PRIMARY, SUPPLEMENTARY, TERMINATOR = 1, 2, 255
JOLIET_ESCAPES: Final = (b"%/@", b"%/C", b"%/E")

_FOLDER, _ASSOCIATED, _CONTINUED = 0x02, 0x04, 0x80
_LONG: Final = Struct("<I").unpack_from
_SHORT: Final = Struct("<H").unpack_from


def descriptors(image: ImageBytes, notes: Notes) -> Iterator[bytes]:
    """Read the volume descriptors of the first session, up to the terminator or the first sector that is not a descriptor.

    Note and skip a sector that the system cannot read.
    """
    for sector in range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + MAX_DESCRIPTORS):
        try:
            data = image.read(sector * SECTOR, SECTOR)
        except FormatError:
            return
        except MediumError as problem:
            notes.add(f"the volume descriptor in sector {sector} cannot be read: {problem.reason}")
            continue
        if data[1:6] != STANDARD_ID or data[0] == TERMINATOR:
            return
        yield data


def is_primary(descriptor: bytes) -> bool:
    """Test whether a volume descriptor describes the primary hierarchy."""
    return descriptor[0] == PRIMARY


def is_joliet(descriptor: bytes) -> bool:
    """Test whether a volume descriptor describes a Joliet hierarchy."""
    return descriptor[0] == SUPPLEMENTARY and descriptor[88:91] in JOLIET_ESCAPES


class IsoVolume:
    """The hierarchy of one volume descriptor. Raises `FormatError` for impossible values.

    `has_associated_files`: whether the folders read so far have an associated file (ECMA-119 9.1.6, bit 2); none is read.
    `revision`: "", because only UDF has revisions.
    """

    has_associated_files = False
    revision = ""

    def __init__(self, image: ImageBytes, descriptor: bytes, notes: Notes) -> None:
        self._image = image
        self._notes = notes
        self._wide = is_joliet(descriptor)
        self._block = _SHORT(descriptor, 128)[0]
        if self._block not in (512, 1024, 2048):
            raise FormatError(f"a volume with blocks of {self._block} bytes")
        self.label = self._text(descriptor[40:72]).rstrip(" \0")
        self.size = _LONG(descriptor, 80)[0] * self._block
        self.root = Entry("", folder=True, extents=(self._extent(descriptor, 156),), modified=None)

    def entries(self, folder: Entry) -> Iterator[Entry]:
        """Read the entries of a directory; note and omit impossible records."""
        pieces: list[tuple[int, int]] = []
        for record in self._records(folder):
            if record[25] & _ASSOCIATED:
                self.has_associated_files = True
                continue
            if record[33 : 33 + record[32]] in (b"\0", b"\1"):
                continue
            pieces.append(self._extent(record, 0))
            if record[25] & _CONTINUED:
                continue
            name = shown(self._text(record[33 : 33 + record[32]]))
            if record[26] or record[27]:
                self._notes.add(f"{name}: an interleaved file, which PS3.12 F does not allow; not read")
            else:
                yield Entry(name, bool(record[25] & _FOLDER), tuple(pieces), recording_time(record[18:25]))
            pieces = []

    def _records(self, folder: Entry) -> Iterator[bytes]:
        data = b"".join(self._image.read(position, size) for position, size in folder.extents)
        at = 0
        while at < len(data):
            length = data[at]
            next_sector = at - at % SECTOR + SECTOR
            if length == 0:
                at = next_sector
            elif length < 34 or at + length > min(next_sector, len(data)) or 33 + data[at + 32] > length:
                self._notes.add(f"{folder.name or 'the root'}: the directory is damaged at byte {at}")
                at = next_sector
            else:
                yield data[at : at + length]
                at += length

    def _extent(self, data: bytes, at: int) -> tuple[int, int]:
        # An Extended Attribute Record (its length in blocks is data[at + 1]) comes before the file itself.
        return (_LONG(data, at + 2)[0] + data[at + 1]) * self._block, _LONG(data, at + 10)[0]

    def _text(self, raw: bytes) -> str:
        return raw.decode("utf-16-be", "replace") if self._wide else raw.decode("utf-8", "surrogateescape")
