"""The calls of macOS."""

from __future__ import annotations

import ctypes
import errno
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
replace = posix.replace

HAS_SYNC_VOLUME: Final[bool] = True


def read_into(descriptor: int, view: memoryview, at: int) -> int:
    """Fill a buffer from position `at`. macOS before 11 has no `preadv`."""
    data = os.pread(descriptor, len(view), at)
    view[: len(data)] = data
    return len(data)


def start_write_back(descriptor: int) -> None:
    """Move the bytes of a file to the drive, which may keep them in its cache until `sync_volume`."""
    os.fsync(descriptor)


def forget_cached(descriptor: int) -> None:
    """Do nothing: macOS has no such call."""


_NO_FULL_SYNC: Final = frozenset((errno.EINVAL, errno.ENOTSUP, errno.ENOTTY, errno.ENODEV))
"""Errors of file systems without F_FULLFSYNC, such as network volumes."""


def sync_file(descriptor: int) -> None:
    """Sync a file down to the medium itself: fsync alone leaves the bytes in the cache of the drive.

    fsync comes first, because on network volumes F_FULLFSYNC may succeed without writing anything.
    """
    os.fsync(descriptor)
    sync_volume(descriptor)


def sync_directory(path: str) -> None:
    """Sync the names in a folder down to the medium itself."""
    posix.sync_directory(path, sync_file)


def sync_volume(descriptor: int) -> None:
    """Empty the cache of the drive, which has the bytes of every file of the volume for which fsync was called."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    except OSError as problem:
        if problem.errno not in _NO_FULL_SYNC:
            raise


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


class Statfs(ctypes.Structure):
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


def statfs_of(path: str) -> Statfs:
    """Ask macOS about the volume of a path."""
    facts = Statfs()
    library = ctypes.CDLL(None, use_errno=True)
    statfs = getattr(library, "statfs$INODE64", None) or library.statfs  # the first name on Intel
    if statfs(os.fsencode(path), ctypes.byref(facts)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    return facts


def drives() -> list[Drive]:
    """List the volumes of this machine below /Volumes. The one of the system is a link there."""
    found = []
    with os.scandir("/Volumes") as entries:
        for entry in entries:
            facts = statfs_of(entry.path)
            if _is_removable(facts) and os.fsdecode(facts.f_mntonname) == entry.path:  # else a folder, not a volume
                kind = facts.f_fstypename.decode("ascii", "replace")
                found.append(Drive(entry.path, os.fsdecode(facts.f_mntfromname), kind, kind in _OPTICAL_TYPES))
    return found


def _is_removable(facts: Statfs) -> bool:
    """Test whether a volume is below /Volumes, where media are mounted that can be taken out, and not of the network."""
    return facts.f_mntonname.startswith(b"/Volumes/") and bool(facts.f_flags & _LOCAL)


_OPTICAL_TYPES: Final = frozenset(("cd9660", "udf"))


def volume(path: str) -> VolumeFacts:
    """Look up the volume of an existing folder.

    `statvfs` counts in 32 bits there: volumes over 16 TB would look smaller.
    """
    facts = statfs_of(path)
    return VolumeFacts(
        kind=facts.f_fstypename.decode("ascii", "replace"),
        root=os.fsdecode(facts.f_mntonname),
        free=facts.f_bavail * facts.f_bsize,
        capacity=facts.f_blocks * facts.f_bsize,
        block=facts.f_bsize,
        clusters=facts.f_blocks,
        free_files=facts.f_ffree or None,  # the driver of FAT always gives 0
        read_only=bool(facts.f_flags & _READ_ONLY),
        removable=_is_removable(facts),
    )


_READ_ONLY, _LOCAL = 0x1, 0x1000
"""MNT_RDONLY and MNT_LOCAL of <sys/mount.h>."""
