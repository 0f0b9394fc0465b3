"""The file system of a folder or an image: its name, its limits, and its section of PS3.12."""

from __future__ import annotations

import os
from typing import Final

from attrs import frozen

from fileset.media.base import FileSetInfo
from fileset.media.system.calls import system
from fileset.media.system.files import closing_descriptor, named, not_found, real_path, upwards

GIGABYTE: Final = 1 << 30

_MEDIA: Final = "PS3.12 knows FAT16 and FAT32 on sticks and cards (R, S), ISO 9660 and UDF on discs (F, J, P, X)"


@frozen
class FileSystem:
    """The facts about a file system: the largest size of a file in bytes, None if irrelevant, and a caveat."""

    name: str
    largest_file: int | None = None
    caveat: str = ""


def _unknown_to_the_standard(name: str) -> FileSystem:
    return FileSystem(name, None, f"{name}: a reader need not understand it. {_MEDIA}")


FAT12: Final = FileSystem("FAT12", 2 * GIGABYTE - 1)
FAT16: Final = FileSystem("FAT16", 2 * GIGABYTE - 1)
FAT32: Final = FileSystem("FAT32", 4 * GIGABYTE - 1)
EXFAT: Final = _unknown_to_the_standard("exFAT")
NTFS: Final = _unknown_to_the_standard("NTFS")
HFS_PLUS: Final = _unknown_to_the_standard("HFS+")

FILE_SYSTEMS: Final = {
    "exfat": EXFAT,
    "fuse.exfat": EXFAT,
    "ntfs": NTFS,
    "ntfs3": NTFS,
    "fuse.ntfs-3g": NTFS,
    "hfsplus": HFS_PLUS,
    "hfs": HFS_PLUS,
    "iso9660": FileSystem("ISO 9660", 4 * GIGABYTE - 1),
    "cd9660": FileSystem("ISO 9660", 4 * GIGABYTE - 1),
    "cdfs": FileSystem("ISO 9660", 4 * GIGABYTE - 1),
    "fuse.fuseiso": FileSystem("ISO 9660", 4 * GIGABYTE - 1),
    "udf": FileSystem("UDF"),
}
"""File systems by the types of Linux, macOS and Windows, in lower case. Other types keep their names, and have no limits."""

_OF_MEDIA: Final = frozenset((FAT12.name, FAT16.name, FAT32.name, "ISO 9660", "UDF"))
"""A volume with one of these is a medium, even if the system does not call it removable."""

FAT_TYPES: Final = frozenset(("vfat", "msdos", "umsdos", "fuse.fusefat", "FAT", "FAT32"))

_FAT12_CLUSTERS, _FAT16_CLUSTERS = 4085, 65525
"""A FAT with fewer clusters has 12 or 16 bits; only the number of clusters decides."""


def file_system(kind: str, clusters: int) -> FileSystem:
    """Look up the file system for a type of the operating system; the number of clusters tells FAT12, FAT16 and FAT32 apart."""
    if kind in FAT_TYPES:
        return FAT12 if clusters < _FAT12_CLUSTERS else FAT16 if clusters < _FAT16_CLUSTERS else FAT32
    return FILE_SYSTEMS.get(kind.lower()) or FileSystem(kind)


def inquire_volume(path: str) -> FileSetInfo:
    """Collect the facts about the volume that holds `path`, or will hold it. Raises `MediumError`."""
    wanted = real_path(path)
    place = next(filter(os.path.isdir, upwards(wanted)), "")
    if not place:
        raise not_found(path)
    with named(place):
        found = system.volume(place)
    known = file_system(found.kind, found.clusters)
    is_root = found.root == wanted
    is_medium = found.removable or is_root
    return FileSetInfo(
        found.free,
        found.capacity,
        known.name,
        read_only=found.read_only,
        largest_file=known.largest_file,
        block=found.block,
        free_files=found.free_files,
        removable=found.removable,
        caveat=known.caveat if is_medium or known == EXFAT else "",
        file_systems=(known.name,) if is_root and (found.removable or known.name in _OF_MEDIA) else (),
    )


def flush_volume(path: str) -> None:
    """Wait until everything written to the volume of the folder `path` is on the device, so that the user may remove it."""
    if not system.HAS_SYNC_VOLUME:
        return  # each file was synced
    with named(path), closing_descriptor(os.open(path, os.O_RDONLY)) as descriptor:
        system.sync_volume(descriptor)
