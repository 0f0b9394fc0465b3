"""Calls that Linux and macOS have in common."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

assert sys.platform != "win32"  # noqa: S101  # for the type checker, which then knows the functions of the system

MOVES_OPEN_FILES: Final[bool] = True
WORK_FOLDER_MODE: Final = 0o700

_NO_DIRECTORY_SYNC: Final = frozenset((errno.EINVAL, errno.ENOTSUP))


def open_descriptor(path: str, flags: int, *, follow: bool = True) -> int:
    """Open a file without waiting for the other end of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW))


def create(path: str, mode: int) -> int:
    """Create a file for reading and writing, with permissions; never one that exists."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)


def is_link(entry: os.DirEntry[str]) -> bool:
    """Test whether an entry of a folder is a symbolic link."""
    return entry.is_symlink()


def long_path(path: str) -> str:
    """Return the path: these systems have no other form of it."""
    return path


def listed_path(path: str) -> str:
    """Return the path: every listed name can be opened."""
    return path


def read_at(descriptor: int, size: int, at: int) -> bytes:
    """Read up to `size` bytes from position `at`."""
    return os.pread(descriptor, size, at)


def read_into(descriptor: int, view: memoryview, at: int) -> int:
    """Fill a buffer from position `at`."""
    return os.preadv(descriptor, [view], at)


def size(descriptor: int) -> int:
    """Measure an open file, or the disc in a drive, in bytes."""
    return os.lseek(descriptor, 0, os.SEEK_END)


def lock(descriptor: int) -> None:
    """Lock a file until it is closed; the lock ends with the process, so that it is never stale."""
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def replace(source: str, target: str) -> None:
    """Rename a file over another one."""
    os.replace(source, target)


def patiently(action: Callable[[], None], path: str) -> None:  # noqa: ARG001  # files that are open can be renamed and removed
    """Rename or remove the file at `path`."""
    action()


def clear_read_only(path: str) -> bool:  # noqa: ARG001  # the permissions of the folder count
    """Return False: no attribute of a file forbids its removal."""
    return False


def sync_directory(path: str, sync: Callable[[int], None]) -> None:
    """Sync the names in a folder; file systems that cannot are left alone, and so are folders that may not be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        return
    try:
        sync(descriptor)
    except OSError as problem:
        if problem.errno not in _NO_DIRECTORY_SYNC:
            raise
    finally:
        os.close(descriptor)


def advise(descriptor: int, advice: int) -> None:
    """Advise the system about the use of a file. Not every file system accepts advice."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, advice)
