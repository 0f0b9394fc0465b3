"""The calls of Linux."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from attrs import frozen

from fileset.media.system import posix
from fileset.media.system.interface import Drive, VolumeFacts

assert sys.platform == "linux"  # noqa: S101  # for the type checker, which then knows the functions of the system

MOVES_OPEN_FILES = posix.MOVES_OPEN_FILES
WORK_FOLDER_MODE = posix.WORK_FOLDER_MODE
clear_read_only = posix.clear_read_only
create = posix.create
is_link = posix.is_link
listed_path = posix.listed_path
lock = posix.lock
long_path = posix.long_path
open_descriptor = posix.open_descriptor
patiently = posix.patiently
read_at = posix.read_at
read_into = posix.read_into
size = posix.size
replace = posix.replace

HAS_SYNC_VOLUME: Final[bool] = True

_WRITE: Final = 2
"""SYNC_FILE_RANGE_WRITE: begin to write all pages that are not being written yet."""
STICK_TYPES: Final = frozenset(("vfat", "msdos", "umsdos", "fuse.fusefat", "exfat", "fuse.exfat"))
"""File systems that are almost only used on media that are taken out."""
OPTICAL_TYPES: Final = frozenset(("iso9660", "udf", "fuse.fuseiso"))
"""File systems of discs, which may also be images that are mounted."""


@cache
def _library() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, path: str = "") -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)


def start_write_back(descriptor: int) -> None:
    """Let the kernel begin to write the file to the disk."""
    _library().sync_file_range(descriptor, ctypes.c_int64(0), ctypes.c_int64(0), _WRITE)


def forget_cached(descriptor: int) -> None:
    """Let the kernel drop its cached pages of a file that are on disk."""
    posix.advise(descriptor, os.POSIX_FADV_DONTNEED)


def sync_file(descriptor: int) -> None:
    """Sync a file."""
    os.fsync(descriptor)


def sync_directory(path: str) -> None:
    """Sync the names in a folder."""
    posix.sync_directory(path, sync_file)


def sync_volume(descriptor: int) -> None:
    """Sync the whole file system of an open file: one wait for any number of files.

    Since Linux 5.8, it raises the errors of all writes to the file system since the file was opened, each once.
    """
    _checked(_library().syncfs(descriptor))


def processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0))


# ---------------------------------------------------------------- volumes


@frozen
class Mount:
    """A mounted file system: where, of which type, on which device (as "major:minor"), and the name of the device."""

    place: str
    kind: str
    device: str
    source: str


def mount_of(path: str, table: str) -> Mount | None:
    """Find the mount of `path`, absolute and without links, by a table in the form of /proc/self/mountinfo."""
    best: Mount | None = None
    for mount in mounts_in(table):
        below = path == mount.place or path.startswith(mount.place.rstrip("/") + "/")
        # The last of several mounts on one place hides the others.
        if below and (best is None or len(mount.place) >= len(best.place)):
            best = mount
    return best


def mounts_in(table: str) -> Iterator[Mount]:
    """Parse the mounts of a table in the form of /proc/self/mountinfo."""
    for line in table.splitlines():
        before, separator, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if separator and len(fields) >= 5:
            yield Mount(_unescaped(fields[4]), kinds[0], fields[2], _unescaped(kinds[1]) if len(kinds) > 1 else "")


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text)


def drives() -> list[Drive]:
    """List the mounted discs, sticks and cards."""
    return drives_in(_mount_table(), _is_removable)


def drives_in(table: str, is_removable: Callable[[str], bool]) -> list[Drive]:
    """Find the drives of a table in the form of /proc/self/mountinfo, each once.

    `is_removable` answers for a device as "major:minor". Partitions to boot from are FAT too, and no media.
    """
    found: dict[str, Drive] = {}
    for mount in mounts_in(table):
        optical = mount.kind in OPTICAL_TYPES
        boots = mount.place.startswith(("/boot", "/efi"))
        if not boots and (optical or mount.kind in STICK_TYPES or is_removable(mount.device)):
            found[mount.place] = Drive(mount.place, mount.source, mount.kind, optical)
    return list(found.values())


def volume(path: str) -> VolumeFacts:
    """Look up the volume of an existing folder."""
    found = os.statvfs(path)
    mount = _mount(path)
    return VolumeFacts(
        kind=mount.kind if mount else "",
        root=mount.place if mount else "",
        free=found.f_bavail * found.f_frsize,
        capacity=found.f_blocks * found.f_frsize,
        block=found.f_frsize,
        clusters=found.f_blocks,
        free_files=found.f_favail if found.f_files else None,
        read_only=bool(found.f_flag & os.ST_RDONLY),
        removable=mount is not None and (mount.kind in STICK_TYPES or _is_removable(mount.device)),
    )


def _mount(path: str) -> Mount | None:
    return mount_of(path, _mount_table())


def _mount_table() -> str:
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
            return table.read()
    except OSError:
        return ""  # /proc is not mounted


def _is_removable(device: str) -> bool:
    """Ask Linux whether a block device, or the device of a partition, is removable."""
    for above in ("", "/.."):
        try:
            with open(f"/sys/dev/block/{device}{above}/removable", encoding="ascii") as file:
                return file.read(1) == "1"
        except OSError:
            continue
    return False
