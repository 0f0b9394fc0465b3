"""The file system that a folder or an image lies on: its name, its limits, and what PS3.12 says of it.

Linux tells the type of a mounted file system; elsewhere only what `statvfs` gives is known.
"""

from __future__ import annotations

import ctypes
import os
import re
from typing import Final

from attrs import frozen

from fileset.media.base import FileSetInfo
from fileset.media.system.files import named

KILOBYTE: Final = 1024
GIGABYTE: Final = 1 << 30

_MEDIA: Final = "PS3.12 knows FAT16 and FAT32 on sticks and cards (R, S), ISO 9660 and UDF on discs (F, J, P, X)"


@frozen
class FileSystem:
    """What is known of one file system: bytes that a file can have, None where that does not matter, and a caveat."""

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
    "iso9660": FileSystem("ISO 9660", 4 * GIGABYTE - 1),
    "fuse.fuseiso": FileSystem("ISO 9660", 4 * GIGABYTE - 1),
    "udf": FileSystem("UDF"),
}
"""By the type that Linux gives. What is not here has the name Linux gives it, and no limits that matter."""

FAT_TYPES: Final = frozenset(("vfat", "msdos", "umsdos", "fuse.fusefat"))
STICK_TYPES: Final = FAT_TYPES | {"exfat", "fuse.exfat"}
"""File systems that hardly anybody has on a disk that stays."""

_FAT12_CLUSTERS, _FAT16_CLUSTERS = 4085, 65525
"""A FAT is of 12 or 16 bits below this number of clusters: this alone decides."""


@frozen
class Mount:
    """A mounted file system: where, of which type, on which device (as "major:minor")."""

    place: str
    kind: str
    device: str


def file_system(kind: str, clusters: int) -> FileSystem:
    """The file system of a type that Linux names, with its number of clusters."""
    if kind in FAT_TYPES:
        return FAT12 if clusters < _FAT12_CLUSTERS else FAT16 if clusters < _FAT16_CLUSTERS else FAT32
    return FILE_SYSTEMS.get(kind) or FileSystem(kind)


def mount_of(path: str, table: str) -> Mount | None:
    """The mount that `path`, absolute and without links, lies on, by a table in the form of /proc/self/mountinfo."""
    best: Mount | None = None
    for line in table.splitlines():
        before, separator, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if not separator or len(fields) < 5:
            continue
        place = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4])
        below = path == place or path.startswith(place.rstrip("/") + "/")
        if below and (
            best is None or len(place) >= len(best.place)
        ):  # the last of several on one place hides the others
            best = Mount(place, kinds[0], fields[2])
    return best


def inquire_volume(path: str) -> FileSetInfo:
    """M-INQUIRE FILE-SET of the volume that holds `path`, or will: it need not exist. Raises `MediumError`."""
    wanted = place = os.path.realpath(path)
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    with named(place):
        found = os.statvfs(place)
    mount = _mount(place)
    system = file_system(mount.kind, found.f_blocks) if mount else FileSystem("")
    removable = mount is not None and (mount.kind in STICK_TYPES or _is_removable(mount.device))
    is_medium = removable or (mount is not None and mount.place == wanted)
    return FileSetInfo(
        found.f_bavail * found.f_frsize,
        found.f_blocks * found.f_frsize,
        system.name,
        read_only=bool(found.f_flag & os.ST_RDONLY),
        largest_file=system.largest_file,
        block=found.f_frsize,
        free_files=found.f_favail if found.f_files else None,
        removable=removable,
        caveat=system.caveat if is_medium or system == EXFAT else "",
    )


def _mount(path: str) -> Mount | None:
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
            return mount_of(path, table.read())
    except OSError:
        return None  # not Linux


def _is_removable(device: str) -> bool:
    """Whether Linux calls a block device, or the one that it is a partition of, removable."""
    for above in ("", "/.."):
        try:
            with open(f"/sys/dev/block/{device}{above}/removable", encoding="ascii") as file:
                return file.read(1) == "1"
        except OSError:
            continue
    return False


def flush_volume(path: str) -> None:
    """Return when all that was written to the volume of `path` is on the device, so that it may be taken out."""
    with named(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            try:
                failed = ctypes.CDLL(None, use_errno=True).syncfs(descriptor)
            except (AttributeError, OSError):  # not Linux
                os.sync()
                return
            if failed:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
        finally:
            os.close(descriptor)
