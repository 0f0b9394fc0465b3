"""The calls of macOS."""

from __future__ import annotations

import ctypes
import fcntl
import os
import stat
import struct
import sys
from typing import Final

from fileset.media.system import posix
from fileset.media.system.interface import Drive, VolumeFacts

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


_BLOCK_SIZE, _BLOCK_COUNT = 0x40046418, 0x40086419
"""DKIOCGETBLOCKSIZE and DKIOCGETBLOCKCOUNT of <sys/disk.h>."""


def size(descriptor: int) -> int:
    """Measure in bytes an open file, or the disc in a drive, whose end cannot be sought."""
    if not stat.S_ISBLK(os.fstat(descriptor).st_mode):
        return posix.size(descriptor)
    (block,) = struct.unpack("=I", fcntl.ioctl(descriptor, _BLOCK_SIZE, bytes(4)))
    (count,) = struct.unpack("=Q", fcntl.ioctl(descriptor, _BLOCK_COUNT, bytes(8)))
    return int(block * count)


def processors() -> int:
    """Count the processors."""
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


def _statfs(path: str) -> _Statfs:
    facts = _Statfs()
    library = ctypes.CDLL(None, use_errno=True)
    statfs = getattr(library, "statfs$INODE64", None) or library.statfs  # the first name on Intel
    if statfs(os.fsencode(path), ctypes.byref(facts)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    return facts


def drives() -> list[Drive]:
    """Return the volumes below /Volumes, without the one of the system, which is a link there."""
    found = []
    with os.scandir("/Volumes") as entries:
        for entry in entries:
            if not entry.is_symlink():
                facts = _statfs(entry.path)
                kind = facts.f_fstypename.decode("ascii", "replace")
                found.append(Drive(entry.path, os.fsdecode(facts.f_mntfromname), kind, kind in _OPTICAL_TYPES))
    return found


_OPTICAL_TYPES: Final = frozenset(("cd9660", "udf"))


def volume(path: str) -> VolumeFacts:
    """Return the volume of an existing folder. Volumes below /Volumes are taken for media that are taken out.

    `statvfs` counts in 32 bits there: volumes over 16 TB would look smaller.
    """
    facts = _statfs(path)
    root = os.fsdecode(facts.f_mntonname)
    return VolumeFacts(
        kind=facts.f_fstypename.decode("ascii", "replace"),
        root=root,
        free=facts.f_bavail * facts.f_bsize,
        capacity=facts.f_blocks * facts.f_bsize,
        block=facts.f_bsize,
        clusters=facts.f_blocks,
        free_files=facts.f_ffree or None,  # the driver of FAT always gives 0
        read_only=bool(facts.f_flags & _READ_ONLY),
        removable=root.startswith("/Volumes/"),
    )


_READ_ONLY: Final = 0x1
"""MNT_RDONLY of <sys/mount.h>."""
