"""Read one remote file in blocks: small blocks after a jump, growing blocks while reading forward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fileset.errors import MediumError
from fileset.media.remote.access import failures
from fileset.media.seekable import SeekableFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

HEAD: Final = 16 << 10
"""Bytes at the beginning of a file that are read ahead: nearly every header is shorter."""
SMALLEST_BLOCK, LARGEST_BLOCK = 256 << 10, 8 << 20
CHANGED: Final = "it has changed since its header was read"


class RemoteFile(SeekableFile):
    """A remote file of `size` bytes that begins with `head`. Each block is one ranged request.

    The block after the head has the head once more: a file that was replaced meanwhile nearly always has another one.
    """

    def __init__(self, file_system: Any, key: str, size: int, head: bytes, name: str) -> None:
        self.name = name
        self._fs = file_system
        self._key = key
        self._size = size
        self._head = head
        self._block, self._block_at = b"", 0
        self._length = SMALLEST_BLOCK

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read up to the end of a block. Raises `MediumError` if the request fails or returns too few bytes."""
        view = memoryview(buffer).cast("B")
        known = self._known()
        if not known and self._at < self._size and len(view):
            self._fetch(len(view))
            known = self._known()
        data = known[: len(view)]
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _known(self) -> memoryview:
        """Return the bytes from the position on that are already loaded."""
        if self._at < len(self._head):
            return memoryview(self._head)[self._at :]
        skip = self._at - self._block_at
        return memoryview(self._block)[skip:] if 0 <= skip < len(self._block) else memoryview(b"")

    def _fetch(self, wanted: int) -> None:
        forward = self._at in (len(self._head), self._block_at + len(self._block))
        self._length = min(2 * self._length, LARGEST_BLOCK) if forward else SMALLEST_BLOCK
        start = 0 if self._at == len(self._head) else self._at
        end = min(self._at + max(wanted, self._length), self._size)
        with failures(self.name):
            block = self._fs.cat_file(self._key, start=start, end=end)
        if len(block) != end - start:
            raise MediumError(f"{len(block)} of {end - start} bytes came: the file has changed", path=self.name)
        if not start and block[: len(self._head)] != self._head:
            raise MediumError(CHANGED, path=self.name)
        self._block, self._block_at = block, start
