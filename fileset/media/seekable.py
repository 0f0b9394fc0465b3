"""The common part of all files with a position: images, members of archives, remote and encrypted files."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class SeekableFile(io.RawIOBase):
    """A file of `_size` bytes, open for reading at position `_at`; a subclass implements `readinto`."""

    _size: int
    _at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in bytes from the start."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position, which may be after the end. Raises `OSError` for a position before the start."""
        at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence] + offset
        if at < 0:
            raise OSError(errno.EINVAL, "a position before the file")
        self._at = at
        return self._at


class PositionalFile(SeekableFile):
    """A file over a function that reads bytes at a position; closing it leaves the file below open."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read, self._size = read, size

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read bytes from the position on."""
        target = memoryview(buffer).cast("B")
        data = self._read(self._at, len(target))
        target[: len(data)] = data
        self._at += len(data)
        return len(data)
