"""Write an ISO 9660 Level 1 image (ECMA-119; PS3.12 F and P) from front to back, with Joliet and a UDF bridge on request.

All names are known before the first byte of a file arrives. So the directories are placed before the files and filled in at
the end. Memory holds only the position of each file and does not grow with the data; a file may be any stream. (pycdlib
allows one level of folders less than PS3.10 8.2, needs the size of each file in advance, reads files twice to hash them, and
takes three times the memory.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from struct import pack
from types import MappingProxyType
from typing import BinaryIO, Final

from attrs import frozen

from fileset.errors import RuleError
from fileset.file_id import FileId
from fileset.media.base import Chunks, FileInfo
from fileset.media.iso.dates import recording_date
from fileset.media.iso.directories import SECTOR, Hierarchy, Places, joliet_hierarchy, primary_hierarchy, sectors
from fileset.media.iso.tree import NameTree
from fileset.media.iso.udf_writer import FIRST_BLOCK, UdfHierarchy, recognition_sequence

LARGEST_FILE: Final = 0xFFFFFFFF
"""Largest size of a file in bytes: in Level 1 each file is one extent, whose length is a 32-bit number."""

FIRST_DESCRIPTOR: Final = 16
PADDING: Final = 150
"""Padding sectors at the end: the last sectors of a CD written track-at-once may be unreadable."""

APPLICATION: Final = "FILESET"
TEXTS: Final = slice(190, 813)
"""Position of the texts in a volume descriptor: volume set, publisher, preparer, application and files about the disc."""

_JOLIET_LEVEL_3: Final = b"%/E"


@frozen
class IsoOptions:
    """The options of an image: volume identifier, date of creation, Joliet, UDF bridge.

    From a former image: the `TEXTS` of its descriptors, such as the publisher, by type, and the paths of its empty folders.
    """

    label: str
    created: datetime
    joliet: bool = False
    udf: bool = False
    texts: Mapping[int, bytes] = MappingProxyType({})
    empty_folders: Sequence[str] = ()


class IsoBuilder:
    """Writes an image into `file`, which is empty and open for reading and writing."""

    def __init__(self, file: BinaryIO, options: IsoOptions) -> None:
        self._file = file
        self._options = options
        self._date = recording_date(options.created)

    def announce(self, names: Sequence[FileId]) -> None:
        """Lay out the directories. Raises `RuleError` for a name that the image cannot hold."""
        self._tree = NameTree(names, self._options.empty_folders)
        self._hierarchies = [primary_hierarchy(self._tree, invent=self._options.joliet or self._options.udf)]
        if self._options.joliet:
            self._hierarchies.append(joliet_hierarchy(self._tree))
        self._awaited = zip(names, self._tree.files, strict=True)
        self._places = Places(len(self._tree), self._options.created)
        self._next = FIRST_DESCRIPTOR + len(self._hierarchies) + 1
        self._udf = UdfHierarchy(self._tree, self._options.label, self._options.created) if self._options.udf else None
        if self._udf:
            self._next = self._udf.place(FIRST_BLOCK)
        for hierarchy in self._hierarchies:
            self._next = hierarchy.place(self._next)
        self._file.seek(self._next * SECTOR)

    def add(self, file_id: FileId, chunks: Chunks, info: FileInfo | None = None) -> None:
        """Write a file into the next free sectors."""
        announced, node = next(self._awaited, (None, 0))
        if file_id != announced:
            raise RuleError(f"comes where {announced or 'no file'} was announced", path=file_id)
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > LARGEST_FILE:
                raise RuleError(f"an ISO 9660 image takes files of {LARGEST_FILE} bytes at most", path=file_id)
            self._file.write(chunk)
        used = max(sectors(size), 1)  # an empty file has a position of its own too: readers distinguish files by it
        self._file.write(bytes(used * SECTOR - size))
        date = info.modified if info and info.modified else self._options.created
        self._places.put(node, self._next, size, date)
        self._next += used

    def finish(self) -> None:
        """Fill in the directories, the path tables and, last, the volume descriptors."""
        total = self._next + PADDING
        self._put(total - 1, bytes(SECTOR))  # sets the final size: not every driver for FAT extends a file otherwise
        udf = self._udf.structures(total, self._places) if self._udf else ()
        hierarchies = (hierarchy.structures(self._places, self._date) for hierarchy in self._hierarchies)
        descriptors = enumerate(self._descriptors(total), FIRST_DESCRIPTOR)
        for sector, data in chain(udf, *hierarchies, descriptors):
            self._put(sector, data)

    def _put(self, sector: int, data: bytes) -> None:
        self._file.seek(sector * SECTOR)
        self._file.write(data)

    def _descriptors(self, total: int) -> Iterator[bytes]:
        primary, *others = self._hierarchies
        yield volume_descriptor(1, b"", primary, total, self._options, self._date)
        for hierarchy in others:
            yield volume_descriptor(2, _JOLIET_LEVEL_3, hierarchy, total, self._options, self._date)
        yield b"\xffCD001\1".ljust(SECTOR, b"\0")
        if self._udf:
            yield from recognition_sequence()


def volume_descriptor(
    kind: int, escapes: bytes, hierarchy: Hierarchy, total: int, options: IsoOptions, date: bytes
) -> bytes:
    """Encode a Primary (1) or Supplementary (2) Volume Descriptor; the volume has `total` sectors (ECMA-119 8.4, 8.5)."""

    def text(value: str, size: int) -> bytes:
        if not escapes:
            return value.encode("ascii", "replace")[:size].ljust(size, b" ")
        wide = value.encode("utf-16-be", "replace")[: size & ~1]
        return wide + (b"\0 " * size)[: (size & ~1) - len(wide)] + bytes(size % 2)

    created = options.created.strftime("%Y%m%d%H%M%S00").encode("ascii") + b"\0"
    never = b"0" * 16 + b"\0"
    little, big = hierarchy.path_tables
    fields = (
        bytes((kind,)) + b"CD001\1\0",
        text("", 32),  # System Identifier: spaces (PS3.12 F.2.2.1)
        text(options.label, 32),  # Volume Identifier: the File-set ID (PS3.12 F.1.1)
        bytes(8),
        _both("I", total),
        escapes.ljust(32, b"\0"),
        _both("HHH", 1, 1, SECTOR),
        _both("I", hierarchy.path_table_size),
        pack("<II", little, 0) + pack(">II", big, 0),
        hierarchy.root(date),
        options.texts.get(kind) or _own_texts(text),
        created * 2 + never * 2,
        b"\1",
    )
    return b"".join(fields).ljust(SECTOR, b"\0")


def _own_texts(text: Callable[[str, int], bytes]) -> bytes:
    """Build the `TEXTS` of a new image: nothing but the application."""
    # volume set, publisher, data preparer; application; copyright, abstract, bibliographic file
    return text("", 128) * 3 + text(APPLICATION, 128) + text("", 37) * 3


def _both(form: str, *numbers: int) -> bytes:
    """Encode numbers, each in little-endian and then in big-endian order (ECMA-119 7.2.3, 7.3.3)."""
    return b"".join(pack(order + kind, number) for kind, number in zip(form, numbers, strict=True) for order in "<>")
