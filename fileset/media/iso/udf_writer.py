"""Write the UDF 1.02 half of a bridge: descriptors, directories and File Entries for files placed by ISO 9660.

The volume has one read-only partition after the anchor; block numbers count from its start. Every file and folder has a
File Entry of one block, and every folder also has File Identifier Descriptors.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from struct import pack
from typing import Final

from fileset.media.iso.dates import timestamp
from fileset.media.iso.directories import SECTOR, Places, sectors
from fileset.media.iso.tree import ROOT, NameTree
from fileset.media.iso.udf import ANCHOR, RECOGNITION, Tag, compressed, dstring, tagged

REVISION: Final = 0x0102
PARTITION_AT: Final = ANCHOR + 1
"""The sector of block 0 of the partition."""

FIRST_BLOCK: Final = PARTITION_AT + 2
"""The first sector after the File Set Descriptor and its end."""

MAIN_SEQUENCE, RESERVE_SEQUENCE, INTEGRITY = 32, 48, 64
SEQUENCE_LENGTH: Final = 16 * SECTOR
LONGEST_EXTENT: Final = (1 << 30) - SECTOR
"""Largest size of one piece of a file in bytes: its length is a number of 30 bits."""

_FILE_PERMISSIONS, _FOLDER_PERMISSIONS = 0x1884, 0x1CA5  # as 644 and 755 (PS3.12 J.1.2)
_FOLDER_TYPE, _FILE_TYPE = 4, 5
_IS_FOLDER, _IS_PARENT = 0x02, 0x08
_CHARACTERS: Final = b"\0" + b"OSTA Compressed Unicode".ljust(63, b"\0")
_FIRST_UNIQUE: Final = 16


class UdfHierarchy:
    """The UDF structures over the nodes of a tree."""

    def __init__(self, tree: NameTree, label: str, created: datetime) -> None:
        self._tree = tree
        self._label = label or "FILESET"  # a logical volume must have an identifier (UDF 2.2.4.4)
        self._created = timestamp(created)
        self._sizes = {
            folder: 40 + sum(_name_length(tree.names[child]) for child in children)
            for folder, children in tree.children.items()
        }
        self._directory_at: dict[int, int] = {}
        self._entries = 0

    # ------------------------------------------------------------ layout

    def place(self, sector: int) -> int:
        """Lay out File Entries and directories from a sector of the partition on; return the first sector after them."""
        self._entries = sector
        sector += len(self._tree)
        for folder, size in self._sizes.items():
            self._directory_at[folder] = sector
            sector += sectors(size)
        return sector

    def _entry_block(self, node: int) -> int:
        return self._entries + node - PARTITION_AT

    def structures(self, total: int, files: Places) -> Iterator[tuple[int, bytes]]:
        """Yield sector and contents of all structures of a volume of `total` sectors; `files` has the positions of all files."""
        yield from self._descriptors(total)
        yield from self._file_entries(files)
        yield from self._directories()

    # ------------------------------------------------------------ files and folders

    def _file_entries(self, files: Places) -> Iterator[tuple[int, bytes]]:
        """Yield sector and contents of every File Entry."""
        for node in range(len(self._tree)):
            block = self._entry_block(node)
            if node in self._sizes:
                size, links = self._sizes[node], 1 + sum(child in self._sizes for child in self._tree.children[node])
                pieces = [(size, self._directory_at[node] - PARTITION_AT)]
                entry = _file_entry(_FOLDER_TYPE, links, size, pieces, self._created, node)
            else:
                size, start = files.sizes[node], files.sectors[node] - PARTITION_AT
                pieces = [
                    (min(LONGEST_EXTENT, size - at), start + at // SECTOR) for at in range(0, size, LONGEST_EXTENT)
                ]
                entry = _file_entry(_FILE_TYPE, 1, size, pieces, timestamp(files.dates[node]), node)
            yield self._entries + node, tagged(Tag.FILE, entry, block).ljust(SECTOR, b"\0")

    def _directories(self) -> Iterator[tuple[int, bytes]]:
        """Yield sector and contents of every directory."""
        tree = self._tree
        for folder, sector in self._directory_at.items():
            data = bytearray(self._name(sector, 0, _IS_FOLDER | _IS_PARENT, tree.parents[folder], b""))
            for child in tree.children[folder]:
                flags = _IS_FOLDER if child in self._sizes else 0
                data += self._name(sector, len(data), flags, child, compressed(tree.names[child]))
            yield sector, bytes(data).ljust(sectors(len(data)) * SECTOR, b"\0")

    def _name(self, sector: int, at: int, flags: int, node: int, name: bytes) -> bytes:
        """Encode a File Identifier Descriptor (ECMA-167 4/14.4)."""
        entry = _long_ad(SECTOR, self._entry_block(node), _unique(node))
        body = pack("<HBB16sH", 1, flags, len(name), entry, 0) + name
        body += bytes(-(len(body) + 16) % 4)
        return tagged(Tag.FILE_NAME, body, sector - PARTITION_AT + at // SECTOR)

    # ------------------------------------------------------------ the volume

    def _descriptors(self, total: int) -> Iterator[tuple[int, bytes]]:
        """Yield sector and contents of all descriptors of a volume of `total` sectors."""
        length = total - 1 - PARTITION_AT
        for start in (MAIN_SEQUENCE, RESERVE_SEQUENCE):
            for number, (kind, body) in enumerate(self._sequence(length)):
                yield start + number, tagged(kind, body, start + number).ljust(SECTOR, b"\0")
        yield INTEGRITY, tagged(Tag.INTEGRITY, self._integrity(length), INTEGRITY).ljust(SECTOR, b"\0")
        yield INTEGRITY + 1, tagged(Tag.TERMINATING, bytes(496), INTEGRITY + 1).ljust(SECTOR, b"\0")
        anchor = pack("<IIII", SEQUENCE_LENGTH, MAIN_SEQUENCE, SEQUENCE_LENGTH, RESERVE_SEQUENCE) + bytes(480)
        for sector in (ANCHOR, total - 1):
            yield sector, tagged(Tag.ANCHOR, anchor, sector).ljust(SECTOR, b"\0")
        yield PARTITION_AT, tagged(Tag.FILE_SET, self._file_set(), 0).ljust(SECTOR, b"\0")
        yield PARTITION_AT + 1, tagged(Tag.TERMINATING, bytes(496), 1).ljust(SECTOR, b"\0")

    def _sequence(self, length: int) -> Iterator[tuple[int, bytes]]:
        """Encode the Volume Descriptor Sequence (ECMA-167 3/8.4.2), for a partition of `length` blocks."""
        yield Tag.PRIMARY, self._primary()
        yield Tag.IMPLEMENTATION, pack("<I", 1) + _udf_id("*UDF LV Info") + self._volume_information()
        partition = pack("<IHH", 2, 1, 0) + _entity("+NSR02") + bytes(128) + pack("<III", 1, PARTITION_AT, length)
        yield Tag.PARTITION, (partition + _application()).ljust(496, b"\0")
        yield Tag.LOGICAL_VOLUME, self._logical_volume()
        yield Tag.UNALLOCATED, pack("<II", 4, 0)
        yield Tag.TERMINATING, bytes(496)

    def _primary(self) -> bytes:
        fields = (
            pack("<II", 0, 0) + dstring(self._label, 32),
            pack("<HHHHII", 1, 1, 2, 2, 1, 1),  # one volume; interchange levels 2 and 2 (PS3.12 J.1.2)
            dstring(f"{int.from_bytes(self._created[2:10], 'little'):016X}", 128),  # Volume Set Identifier
            _CHARACTERS * 2 + bytes(16) + bytes(32) + self._created + _application() + bytes(64) + bytes(6),
        )
        return b"".join(fields).ljust(496, b"\0")

    def _volume_information(self) -> bytes:
        return _CHARACTERS + dstring(self._label, 128) + dstring("", 36) * 3 + _application() + bytes(128)

    def _logical_volume(self) -> bytes:
        fields = (
            pack("<I", 3) + _CHARACTERS + dstring(self._label, 128) + pack("<I", SECTOR),
            _udf_id("*OSTA UDF Compliant"),
            _long_ad(2 * SECTOR, 0),
            pack("<II", 6, 1) + _application() + bytes(128) + pack("<II", 2 * SECTOR, INTEGRITY),
            pack("<BBHH", 1, 6, 1, 0),
        )
        return b"".join(fields)

    def _integrity(self, length: int) -> bytes:
        """Build the Logical Volume Integrity Descriptor of a closed volume (UDF 2.2.6)."""
        folders = len(self._sizes)
        counts = pack("<IIHHH", len(self._tree) - folders, folders, REVISION, REVISION, REVISION)
        fields = (
            self._created + pack("<I", 1) + bytes(8),
            pack("<Q", _unique(len(self._tree))).ljust(32, b"\0"),
            pack("<IIII", 1, 46, 0, length) + _application() + counts,
        )
        return b"".join(fields)

    def _file_set(self) -> bytes:
        fields = (
            self._created + pack("<HHIIII", 3, 3, 1, 1, 0, 0),
            _CHARACTERS + dstring(self._label, 128) + _CHARACTERS + dstring(self._label, 32) + bytes(64),
            _long_ad(SECTOR, self._entry_block(ROOT)) + _udf_id("*OSTA UDF Compliant") + bytes(16 + 48),
        )
        return b"".join(fields)


def recognition_sequence() -> Iterator[bytes]:
    """Build the sectors after the descriptors of ISO 9660 that announce UDF (ECMA-167 2/9)."""
    return (b"\0" + identifier + b"\1" + bytes(SECTOR - 7) for identifier in RECOGNITION)


def _file_entry(kind: int, links: int, size: int, pieces: list[tuple[int, int]], modified: bytes, node: int) -> bytes:
    """Encode a File Entry (ECMA-167 4/14.9), after its tag; `pieces` are lengths in bytes with their blocks."""
    extents = b"".join(pack("<II", length, block) for length, block in pieces)
    permissions = _FOLDER_PERMISSIONS if kind == _FOLDER_TYPE else _FILE_PERMISSIONS
    fields = (
        pack("<IHHHBB6sH", 0, 4, 0, 1, 0, kind, bytes(6), 0),  # ICB Tag: strategy 4, short allocation descriptors
        pack("<IIIHBBI", 0xFFFFFFFF, 0xFFFFFFFF, permissions, links, 0, 0, 0),
        pack("<QQ", size, sum(sectors(length) for length, _ in pieces)),
        modified * 3 + pack("<I", 1) + bytes(16) + _application(),
        pack("<QII", 0 if node == ROOT else _unique(node), 0, len(extents)) + extents,
    )
    return b"".join(fields)


def _unique(node: int) -> int:
    return _FIRST_UNIQUE + node


def _long_ad(length: int, block: int, unique: int = 0) -> bytes:
    return pack("<IIHHI", length, block, 0, 0, unique)


def _name_length(name: str) -> int:
    length = 38 + len(compressed(name))
    return length + -length % 4


def _entity(identifier: str, suffix: bytes = b"") -> bytes:
    """Encode an Entity Identifier (ECMA-167 1/7.4)."""
    return b"\0" + identifier.encode("ascii").ljust(23, b"\0") + suffix.ljust(8, b"\0")


def _udf_id(identifier: str) -> bytes:
    return _entity(identifier, pack("<H", REVISION))


def _application() -> bytes:
    return _entity("*FILESET")
