"""The common parts of files with a position: images, members of archives, remote and encrypted files."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

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


class ForwardFile(SeekableFile):
    """A file that is computed piece by piece from a `packed` one, which is closed with it; a subclass implements `_next`.

    Reading computes pieces up to the requested byte. Only the last piece is kept, so going back starts again.
    """

    def __init__(self, packed: BinaryIO, size: int) -> None:
        self._packed, self._size = packed, size
        self._restart()

    def _restart(self) -> None:
        """Go back to the start."""
        self._packed.seek(0)
        self._piece, self._piece_at = b"", 0

    def _next(self) -> bytes:
        """Compute the next bytes, at least one, which begin at `_piece_at`; called only before the end."""
        raise NotImplementedError

    def _advance(self) -> bytes:
        self._piece_at += len(self._piece)
        try:
            self._piece = self._next()
        except BaseException:
            self._restart()  # so that another attempt fails in the same way
            raise
        return self._piece

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read up to the end of a piece."""
        view = memoryview(buffer).cast("B")
        if self._at >= self._size or not view:
            return 0
        if self._at < self._piece_at:
            self._restart()
        while self._at >= self._piece_at + len(self._piece):
            self._advance()
        data = memoryview(self._piece)[self._at - self._piece_at :][: len(view)]
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Close the packed file."""
        self._packed.close()
        super().close()


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
