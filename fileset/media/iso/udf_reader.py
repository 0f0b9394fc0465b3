"""Read the directories of UDF (ECMA-167, OSTA UDF 1.02 to 2.60), for discs without ISO 9660 (PS3.12 J, P, X).

It reads volumes with one plain, sparable or metadata partition. A volume with a Virtual Allocation Table (packet writing)
is refused with the advice to mount it. Every value is checked before use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from struct import pack, unpack_from
from typing import Final

from fileset.errors import FormatError, MediumError
from fileset.media.image.bytes import ImageBytes
from fileset.media.image.names import Entry, Notes
from fileset.media.iso.dates import time_of
from fileset.media.iso.udf import ANCHOR, BLOCK, Tag, expanded, tag_of

Extents = list[tuple[int, int]]
Partition = Callable[[int, int], Extents]
"""Return the pieces of the image that hold a number of bytes from a block of a partition on."""

_LONGEST_SEQUENCE: Final = 64
_MOST_PIECES: Final = 1 << 16
_FOLDER_TYPES: Final = frozenset((4,))
_FILE_TYPES: Final = frozenset((0, 5, 249))  # unspecified, random access, and real-time files (UDF 2.2.9)
_FOLDER, _DELETED, _PARENT = 0x02, 0x04, 0x08
_SHORT, _LONG, _EMBEDDED = 0, 1, 3
_WIDTHS: Final = {_SHORT: 8, _LONG: 16}
_RECORDED, _CONTINUED = 0, 3
_LENGTH: Final = 0x3FFFFFFF
_DOMAIN: Final = b"*OSTA UDF Compliant"
_REVISION_AT: Final = 240
"""Position in the Logical Volume Descriptor of the suffix of the Domain Identifier, two digits before and after the point."""
_LAYOUTS: Final[dict[int, tuple[int, int, int]]] = {Tag.FILE: (84, 168, 176), Tag.EXTENDED_FILE: (92, 208, 216)}
"""Positions of the date of modification, the two lengths, and the areas with these lengths."""


def has_udf(image: ImageBytes) -> bool:
    """Test whether the Volume Recognition Sequence announces UDF."""
    for sector in range(16, 32):
        try:
            if image.read(sector * BLOCK + 1, 5) in (b"NSR02", b"NSR03"):
                return True
        except FormatError:
            return False
        except MediumError:  # a sector of other data may be unreadable here
            continue
    return False


class UdfVolume:
    """The file set of a UDF volume. Raises `FormatError` if there is none, or it cannot be read."""

    def __init__(self, image: ImageBytes, notes: Notes) -> None:
        self._image = image
        self._notes = notes
        partition, volume = self._descriptors()
        self._start, length = unpack_from("<II", partition, 188)
        self.size = (self._start + length) * BLOCK
        if unpack_from("<I", volume, 212)[0] != BLOCK:
            raise FormatError(f"a UDF volume whose blocks are not of {BLOCK} bytes")
        self.label = expanded(volume[84 : 84 + volume[211]])
        self.revision = _revision(volume)
        self._partitions: list[Partition] = []
        for name, location in _partition_maps(volume):
            self._partitions.append(self._metadata(location) if name == b"*UDF Metadata Partition" else self._plain)
        self.root = self._root(volume)

    # ------------------------------------------------------------ the volume

    def _descriptors(self) -> tuple[bytes, bytes]:
        """Read the Partition and Logical Volume Descriptors, from the main sequence or the reserve sequence."""
        last = self._image.size // BLOCK - 1
        for sector in (ANCHOR, last, last - ANCHOR):
            for at in (16, 24):
                try:
                    anchor = self._image.read(max(sector, 0) * BLOCK, BLOCK)
                    if tag_of(anchor) == Tag.ANCHOR:
                        return self._sequence(*unpack_from("<II", anchor, at))
                except FormatError:
                    continue
        raise FormatError("no UDF volume that can be read: no anchor leads to its descriptors")

    def _sequence(self, size: int, first: int) -> tuple[bytes, bytes]:
        found: dict[int, bytes] = {}
        for sector in range(first, first + min(size // BLOCK, _LONGEST_SEQUENCE)):
            data = self._image.read(sector * BLOCK, BLOCK)
            if found.setdefault(tag_of(data), data)[:2] == pack("<H", Tag.TERMINATING):
                break
        if Tag.PARTITION not in found or Tag.LOGICAL_VOLUME not in found:
            raise FormatError("the descriptors of the UDF volume are damaged")
        return found[Tag.PARTITION], found[Tag.LOGICAL_VOLUME]

    def _plain(self, block: int, size: int) -> Extents:
        return [((self._start + block) * BLOCK, size)]

    def _metadata(self, location: int) -> Partition:
        """Make a partition whose blocks are the blocks of a file (UDF 2.2.10)."""
        _, pieces, _ = self._file(self._plain(location, BLOCK), self._plain)
        return lambda block, size: _cut(pieces, block * BLOCK, size)

    def _partition(self, reference: int) -> Partition:
        if reference >= len(self._partitions):
            raise FormatError(f"partition {reference} of {len(self._partitions)}")
        return self._partitions[reference]

    def _root(self, volume: bytes) -> Entry:
        _, block, reference = unpack_from("<IIH", volume, 248)
        file_set = self._bytes(self._partition(reference)(block, BLOCK))
        if tag_of(file_set) != Tag.FILE_SET:
            raise FormatError("no UDF File Set Descriptor")
        return self._entry("", *unpack_from("<IH", file_set, 404))

    # ------------------------------------------------------------ files and folders

    def entries(self, folder: Entry) -> Iterator[Entry]:
        """Read the entries of a directory; note and omit impossible ones."""
        for name, block, reference in self._names(folder):
            try:
                yield self._entry(name, block, reference)
            except FormatError as problem:
                self._notes.add(f"{name}: {problem}")

    def _names(self, folder: Entry) -> Iterator[tuple[str, int, int]]:
        """Read the File Identifier Descriptors of a directory (ECMA-167 4/14.4), without deleted files."""
        data = self._bytes(folder.extents)
        at = 0
        while at < len(data):
            if len(data) - at < 38 or tag_of(data, at) != Tag.FILE_NAME:
                raise FormatError(f"the directory is damaged at byte {at}")
            flags, length = data[at + 18], data[at + 19]
            block, reference = unpack_from("<IH", data, at + 24)
            name_at = at + 38 + unpack_from("<H", data, at + 36)[0]
            if not flags & (_DELETED | _PARENT):
                yield expanded(data[name_at : name_at + length]), block, reference
            at = name_at + length
            at += -at % 4

    def _entry(self, name: str, block: int, reference: int) -> Entry:
        partition = self._partition(reference)
        kind, pieces, modified = self._file(partition(block, BLOCK), partition)
        if kind not in _FILE_TYPES | _FOLDER_TYPES:
            raise FormatError(f"neither file nor folder, but of type {kind}; not read")
        return Entry(name, kind in _FOLDER_TYPES, tuple(pieces), modified)

    def _file(self, place: Extents, partition: Partition) -> tuple[int, Extents, datetime | None]:
        """Read type, pieces and date of a file from its File Entry (ECMA-167 4/14.9) or Extended File Entry (4/14.17)."""
        entry = self._bytes(place)
        kind = tag_of(entry)
        if kind not in _LAYOUTS:
            raise FormatError("its File Entry is damaged")
        modified_at, lengths_at, body_at = _LAYOUTS[kind]
        size = unpack_from("<Q", entry, 56)[0]
        skipped, length = unpack_from("<II", entry, lengths_at)
        at = body_at + skipped
        if at + length > len(entry):
            raise FormatError("its File Entry is damaged")
        form = entry[34] & 0x07
        if form == _EMBEDDED:
            pieces = _cut(place, at, min(length, size))
        else:
            pieces = _cut(self._allocated(entry[at : at + length], form, partition), 0, size)
        return entry[27], pieces, time_of(entry, modified_at)

    def _allocated(self, descriptors: bytes, form: int, partition: Partition) -> Extents:
        """Decode the pieces in the Allocation Descriptors (ECMA-167 4/14.14)."""
        if form not in _WIDTHS:
            raise FormatError("allocated in a way that is not read")
        pieces: Extents = []
        width, at = _WIDTHS[form], 0
        for _ in range(_MOST_PIECES):
            if at + width > len(descriptors):
                return pieces
            length, block = unpack_from("<II", descriptors, at)
            place = self._partition(unpack_from("<H", descriptors, at + 8)[0]) if form == _LONG else partition
            at += width
            if length & _LENGTH == 0:
                return pieces
            if length >> 30 == _CONTINUED:
                more = self._bytes(place(block, BLOCK))
                descriptors, at = more[24 : 24 + unpack_from("<I", more, 20)[0]], 0
            elif length >> 30 == _RECORDED:
                pieces += place(block, length & _LENGTH)
            else:
                raise FormatError("a file with holes; not read")
        raise FormatError("in more pieces than can be true")

    def _bytes(self, extents: Iterable[tuple[int, int]]) -> bytes:
        return b"".join(self._image.read(position, size) for position, size in extents)


def _revision(volume: bytes) -> str:
    """Decode the revision of UDF, such as "1.02", from the Domain Identifier of the volume (UDF 2.1.5.3), else ""."""
    (found,) = unpack_from("<H", volume, _REVISION_AT)
    return f"{found >> 8:x}.{found & 0xFF:02x}" if volume[217:].startswith(_DOMAIN) and found else ""


def _partition_maps(volume: bytes) -> Iterator[tuple[bytes, int]]:
    """Read the name ("" for a plain partition) and the location of the metadata of each partition map (ECMA-167 3/10.7)."""
    at = 440
    for _ in range(min(unpack_from("<I", volume, 268)[0], 4)):
        name = volume[at + 5 : at + 28].rstrip(b"\0") if volume[at] == 2 else b""
        if name == b"*UDF Virtual Partition":
            raise FormatError(
                "a UDF volume with a Virtual Allocation Table", advice="Mount it, and name the mount point"
            )
        yield name, unpack_from("<I", volume, at + 40)[0]
        at += max(volume[at + 1], 6)


def _cut(pieces: Extents, start: int, size: int) -> Extents:
    """Cut out the part of pieces that begins at byte `start` and has `size` bytes. Raises `FormatError` if it is missing."""
    found: Extents = []
    for position, length in pieces:
        if start < length and size > 0:
            taken = min(length - start, size)
            found.append((position + start, taken))
            size -= taken
        start = max(start - length, 0)
    if size > 0:
        raise FormatError(f"{size} of its bytes have no place")
    return found
