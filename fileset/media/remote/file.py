"""Read one remote file in blocks: small blocks after a jump, growing blocks while reading forward."""

from __future__ import annotations

from typing import Any, Final

from fileset.errors import MediumError
from fileset.media.remote.access import failures
from fileset.media.seekable import PositionalFile

HEAD: Final = 16 << 10
"""Bytes at the beginning of a file that are read ahead: nearly every header is shorter."""
SMALLEST_BLOCK, LARGEST_BLOCK = 256 << 10, 8 << 20
CHANGED: Final = "it has changed since its header was read"


class RemoteFile(PositionalFile):
    """A remote file of `size` bytes that begins with `head`. Each block is one ranged request.

    Reading raises `MediumError` if a request fails or returns too few bytes. The block after the head has the head once
    more: a file that was replaced meanwhile nearly always has another one.
    """

    def __init__(self, file_system: Any, key: str, size: int, head: bytes, name: str) -> None:
        self.name = name
        self._fs = file_system
        self._key = key
        self._size = size
        self._head = head
        self._block, self._block_at = b"", 0
        self._length = SMALLEST_BLOCK

    def _read(self, at: int, wanted: int) -> bytes:
        """Read up to the end of a block."""
        if at < len(self._head):
            return self._head[at : at + wanted]
        if not self._block_at <= at < self._block_at + len(self._block) and at < self._size and wanted:
            self._fetch(at, wanted)
        skip = at - self._block_at
        return self._block[skip : skip + wanted] if skip >= 0 else b""

    def _fetch(self, at: int, wanted: int) -> None:
        forward = at in (len(self._head), self._block_at + len(self._block))
        self._length = min(2 * self._length, LARGEST_BLOCK) if forward else SMALLEST_BLOCK
        start = 0 if at == len(self._head) else at
        end = min(at + max(wanted, self._length), self._size)
        with failures(self.name):
            block = self._fs.cat_file(self._key, start=start, end=end)
        if len(block) != end - start:
            raise MediumError(f"{len(block)} of {end - start} bytes came: the file has changed", path=self.name)
        if not start and block[: len(self._head)] != self._head:
            raise MediumError(CHANGED, path=self.name)
        self._block, self._block_at = block, start
