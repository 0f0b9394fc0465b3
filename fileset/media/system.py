"""What every medium asks of the operating system: names in its errors, names that are on disk, one writer at a time."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from fileset.errors import MediumError


@contextmanager
def named(path: str) -> Iterator[None]:
    """Every failure of the operating system as a `MediumError` that names the path."""
    try:
        yield
    except OSError as problem:
        raise MediumError(f"{problem.filename or path}: {problem.strerror or problem}") from problem


def sync_directory(path: str) -> None:
    """Return when the names in a folder are on disk. Systems that cannot do this for folders need not."""
    with named(path):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except PermissionError:
            return
        try:
            os.fsync(descriptor)
        except OSError as problem:
            if problem.errno not in _NO_FSYNC:
                raise
        finally:
            os.close(descriptor)


_NO_FSYNC: Final = frozenset((errno.EINVAL, errno.ENOTSUP))


def lock(descriptor: int) -> bool:
    """Take the lock of an open file: it goes when the process does, so that no lock is ever stale."""
    try:
        import fcntl
    except ImportError:  # pragma: no cover  (Windows: an open file cannot be removed by others)
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True
