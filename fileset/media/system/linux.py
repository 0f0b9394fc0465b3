"""The calls of Linux."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from functools import cache
from typing import Any, Final

from attrs import frozen

from fileset.media.system import posix
from fileset.media.system.interface import VolumeFacts

assert sys.platform == "linux"  # noqa: S101  # for the type checker, which then knows the functions of the system

MOVES_OPEN_FILES = posix.MOVES_OPEN_FILES
create = posix.create
is_link = posix.is_link
lock = posix.lock
long_path = posix.long_path
open_descriptor = posix.open_descriptor
read_at = posix.read_at
read_into = posix.read_into
replace = posix.replace
sync_directory = posix.sync_directory

HAS_SYNC_VOLUME: Final[bool] = True

_WRITE: Final = 2
"""SYNC_FILE_RANGE_WRITE: begin to write all pages that are not being written yet."""
STICK_TYPES: Final = frozenset(("vfat", "msdos", "umsdos", "fuse.fusefat", "exfat", "fuse.exfat"))
"""File systems that are almost only used on media that are taken out."""


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


def sync_volume(path: str) -> None:
    """Sync the whole file system of `path`: one wait for any number of files."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _checked(_library().syncfs(descriptor), path)
    finally:
        os.close(descriptor)


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


# ---------------------------------------------------------------- volumes


@frozen
class Mount:
    """A mounted file system: where, of which type, on which device (as "major:minor")."""

    place: str
    kind: str
    device: str


def mount_of(path: str, table: str) -> Mount | None:
    """Return the mount of `path`, absolute and without links, by a table in the form of /proc/self/mountinfo."""
    best: Mount | None = None
    for line in table.splitlines():
        before, separator, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if not separator or len(fields) < 5:
            continue
        place = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4])
        below = path == place or path.startswith(place.rstrip("/") + "/")
        # The last of several mounts on one place hides the others.
        if below and (best is None or len(place) >= len(best.place)):
            best = Mount(place, kinds[0], fields[2])
    return best


def volume(path: str) -> VolumeFacts:
    """Return the volume of an existing folder."""
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
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
            return mount_of(path, table.read())
    except OSError:
        return None  # /proc is not mounted


def _is_removable(device: str) -> bool:
    """Return whether Linux calls a block device, or the device of a partition, removable."""
    for above in ("", "/.."):
        try:
            with open(f"/sys/dev/block/{device}{above}/removable", encoding="ascii") as file:
                return file.read(1) == "1"
        except OSError:
            continue
    return False
