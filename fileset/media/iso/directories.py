"""One hierarchy of directories of an ISO 9660 volume: its path tables and directory records (ECMA-119 9.1, 9.4).

A volume with Joliet has two hierarchies over the same files; they differ only in the names.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain
from struct import Struct
from typing import Any, Final

from fileset.errors import RuleError
from fileset.media.iso.dates import recording_date
from fileset.media.iso.names import Shortener, joliet, level_1, level_1_key
from fileset.media.iso.tree import ROOT, NameTree

SECTOR: Final = 2048
"""Bytes of a logical sector and of a logical block."""

MAX_FOLDERS: Final = 0xFFFF
"""Largest number of folders that a path table can number."""

_RECORD: Final = Struct("<BBIIII7sBBBHH").pack
"""A Directory Record up to its identifier; the caller swaps the bytes of the big-endian halves."""
_FOLDER_FLAG: Final = 0x02
_HERE: Final = b"\0"
_ABOVE: Final = b"\1"


class Places:
    """Positions of files, by node: first sector, length in bytes, date; shared by all hierarchies."""

    def __init__(self, nodes: int, created: datetime) -> None:
        self.sectors = array("L", bytes(nodes * array("L").itemsize))
        self.sizes = array("L", bytes(nodes * array("L").itemsize))
        self.dates = [created] * nodes

    def put(self, node: int, sector: int, size: int, date: datetime) -> None:
        """Note the position of a file."""
        self.sectors[node], self.sizes[node], self.dates[node] = sector, size, date


class Hierarchy:
    """The directories of a volume. `identifiers` has the identifier of each node, `key` is their order in a directory."""

    def __init__(self, tree: NameTree, identifiers: list[bytes], key: Callable[[bytes], Any]) -> None:
        self._tree = tree
        self._identifiers = identifiers
        self._children = {
            folder: array("l", sorted(children, key=lambda child: key(self._identifiers[child])))
            for folder, children in tree.children.items()
        }
        self._order = list(self._folders())
        if len(self._order) > MAX_FOLDERS:
            raise RuleError(f"{len(self._order)} folders: ISO 9660 numbers {MAX_FOLDERS} at most")
        self._extents: dict[int, tuple[int, int]] = {}
        self.path_table_size = sum(8 + _even(len(self._identifiers[folder])) for folder in self._order)
        self.path_tables = (0, 0)

    def _folders(self) -> Iterator[int]:
        """List all folders in the order of a path table: by level, by parent, by identifier."""
        level = [ROOT]
        while level:
            yield from level
            level = [child for folder in level for child in self._children[folder] if child in self._children]

    def place(self, sector: int) -> int:
        """Lay out path tables and directories from a sector on; return the first sector after them."""
        each = sectors(self.path_table_size)
        self.path_tables = (sector, sector + each)
        sector += 2 * each
        for folder in self._order:
            size = self._size(folder)
            self._extents[folder] = sector, size
            sector += size // SECTOR
        return sector

    def _size(self, folder: int) -> int:
        used = 2 * 34
        for child in self._children[folder]:
            length = _record_length(self._identifiers[child])
            left = SECTOR - used % SECTOR
            used += length if length <= left else left + length  # no record crosses the end of a sector
        return sectors(used) * SECTOR

    def root(self, date: bytes) -> bytes:
        """Build the Directory Record of the root for a volume descriptor."""
        return _record(_HERE, *self._extents[ROOT], date, _FOLDER_FLAG)

    def structures(self, files: Places, date: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield sector and contents of every directory and path table; `files` has the positions of all files."""
        yield from self._directories(files, date)
        for sector, order in zip(self.path_tables, "<>", strict=True):
            yield sector, self._path_table(order)

    def _path_table(self, order: str) -> bytes:
        """Encode the path table, with numbers in little-endian ("<") or big-endian (">") order."""
        entry = Struct(f"{order}BBIH").pack
        numbers = {folder: number for number, folder in enumerate(self._order, 1)}
        parts = []
        for folder in self._order:
            identifier = self._identifiers[folder]
            above = numbers[self._tree.parents[folder]]
            parts.append(entry(len(identifier), 0, self._extents[folder][0], above))
            parts.append(identifier.ljust(_even(len(identifier)), b"\0"))
        return b"".join(parts)

    def _directories(self, files: Places, date: bytes) -> Iterator[tuple[int, bytes]]:
        for folder in self._order:
            here, above = self._extents[folder], self._extents[self._tree.parents[folder]]
            data = bytearray(_record(_HERE, *here, date, _FOLDER_FLAG) + _record(_ABOVE, *above, date, _FOLDER_FLAG))
            for child in self._children[folder]:
                record = self._child(child, files, date)
                left = SECTOR - len(data) % SECTOR
                data += record if len(record) <= left else bytes(left) + record
            yield here[0], bytes(data).ljust(here[1], b"\0")

    def _child(self, node: int, files: Places, date: bytes) -> bytes:
        identifier = self._identifiers[node]
        if node in self._children:
            return _record(identifier, *self._extents[node], date, _FOLDER_FLAG)
        return _record(identifier, files.sectors[node], files.sizes[node], recording_date(files.dates[node]), 0)


def primary_hierarchy(tree: NameTree, *, invent: bool) -> Hierarchy:
    """Build the hierarchy of the primary volume descriptor, with Level 1 names (PS3.12 F.1).

    Raises `RuleError` for other names, or invents an identifier if another hierarchy holds the real name.
    """
    identifiers = [_HERE] * len(tree)
    for children in tree.children.values():
        taken: dict[bytes, int] = {}
        for child in children:
            identifier = level_1(tree.names[child], folder=tree.is_folder(child))
            if identifier and identifier not in taken:
                taken[identifier] = child
                identifiers[child] = identifier
        others = [child for child in children if identifiers[child] == _HERE]
        if others and not invent:
            raise RuleError(
                "not a name of ISO 9660 Level 1, which is 8.3 of A-Z, 0-9 and _ (PS3.12 F.1)",
                advice="Rename the file, or use --joliet, which keeps long names",
                path=tree.path(others[0]),
            )
        shorten = Shortener(taken)
        for child in others:
            identifiers[child] = shorten(tree.names[child], folder=tree.is_folder(child))
    return Hierarchy(tree, identifiers, level_1_key)


def joliet_hierarchy(tree: NameTree) -> Hierarchy:
    """Build the hierarchy of the supplementary volume descriptor, with names of up to 64 UCS-2 characters."""
    identifiers = [_HERE] * len(tree)
    for child in chain.from_iterable(tree.children.values()):
        identifiers[child] = joliet(tree.names[child])
    return Hierarchy(tree, identifiers, bytes)


def sectors(size: int) -> int:
    """Count the sectors for `size` bytes."""
    return -(-size // SECTOR)


def _record(identifier: bytes, sector: int, size: int, date: bytes, flags: int) -> bytes:
    length = _record_length(identifier)
    head = _RECORD(length, 0, sector, _swapped(sector), size, _swapped(size), date, flags, 0, 0, 1, 0x0100)
    return (head + bytes((len(identifier),)) + identifier).ljust(length, b"\0")


def _record_length(identifier: bytes) -> int:
    return _even(33 + len(identifier))


def _even(length: int) -> int:
    return length + length % 2


def _swapped(number: int) -> int:
    return int.from_bytes(number.to_bytes(4, "little"), "big")
