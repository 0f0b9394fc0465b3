"""SHA-256 of what is written and of what is read back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from fileset.media.host import COPY_SIZE


class Hashed:
    """Chunks on their way to whoever uses them; when all have been used, `size` and `sha256` are known."""

    def __init__(self, chunks: Iterable[bytes | bytearray]) -> None:
        self._chunks = chunks
        self._digest = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes | bytearray]:
        for chunk in self._chunks:
            self._digest.update(chunk)
            self.size += len(chunk)
            yield chunk

    @property
    def sha256(self) -> str:
        """In hexadecimal, when all chunks have been used."""
        return self._digest.hexdigest()


def chunks_of(file: BinaryIO) -> Iterator[bytes]:
    """The bytes of an open file in parts."""
    while data := file.read(COPY_SIZE):
        yield data


def sha256_of(file: BinaryIO) -> str:
    """The hash of an open file, in hexadecimal."""
    digest = hashlib.sha256()
    for data in chunks_of(file):
        digest.update(data)
    return digest.hexdigest()
