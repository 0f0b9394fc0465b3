"""The calls of macOS."""

from __future__ import annotations

import ctypes
import fcntl
import os
import sys
from typing import Final

from fileset.media.system import posix
from fileset.media.system.interface import VolumeFacts

assert sys.platform == "darwin"  # noqa: S101  # for the type checker, which then knows the functions of the system

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

HAS_SYNC_VOLUME: Final[bool] = False


def start_write_back(descriptor: int) -> None:
    """Do nothing: macOS has no such call."""


def forget_cached(descriptor: int) -> None:
    """Do nothing: macOS has no such call."""


def sync_file(descriptor: int) -> None:
    """Sync a file down to the medium itself: fsync alone leaves the bytes in the cache of the drive."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    except OSError:  # network volumes and some FAT drivers have no such request
        os.fsync(descriptor)


def sync_volume(path: str) -> None:  # noqa: ARG001  # macOS syncs all volumes at once
    """Sync all volumes."""
    os.sync()


def processors() -> int:
    """Return the number of processors."""
    return os.cpu_count() or 1


class _Statfs(ctypes.Structure):
    """`struct statfs` of <sys/mount.h> with 64-bit inode numbers."""

    _fields_ = (
        ("f_bsize", ctypes.c_uint32),
        ("f_iosize", ctypes.c_int32),
        ("f_blocks", ctypes.c_uint64),
        ("f_bfree", ctypes.c_uint64),
        ("f_bavail", ctypes.c_uint64),
        ("f_files", ctypes.c_uint64),
        ("f_ffree", ctypes.c_uint64),
        ("f_fsid", ctypes.c_int32 * 2),
        ("f_owner", ctypes.c_uint32),
        ("f_type", ctypes.c_uint32),
        ("f_flags", ctypes.c_uint32),
        ("f_fssubtype", ctypes.c_uint32),
        ("f_fstypename", ctypes.c_char * 16),
        ("f_mntonname", ctypes.c_char * 1024),
        ("f_mntfromname", ctypes.c_char * 1024),
        ("f_reserved", ctypes.c_uint32 * 8),
    )


def volume(path: str) -> VolumeFacts:
    """Return the volume of an existing folder. Volumes below /Volumes are taken for media that are taken out."""
    found = os.statvfs(path)
    facts = _Statfs()
    library = ctypes.CDLL(None, use_errno=True)
    statfs = getattr(library, "statfs$INODE64", None) or library.statfs  # the first name on Intel
    if statfs(os.fsencode(path), ctypes.byref(facts)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    root = os.fsdecode(facts.f_mntonname)
    return VolumeFacts(
        kind=facts.f_fstypename.decode("ascii", "replace"),
        root=root,
        free=found.f_bavail * found.f_frsize,
        capacity=found.f_blocks * found.f_frsize,
        block=found.f_frsize,
        clusters=found.f_blocks,
        free_files=found.f_favail if found.f_files else None,
        read_only=bool(found.f_flag & os.ST_RDONLY),
        removable=root.startswith("/Volumes/"),
    )
