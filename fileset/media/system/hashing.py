"""SHA-256 of what is written and of what is read back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO

from fileset.media.system.walk import COPY_SIZE


class Hashed:
    """Chunks on their way to whoever uses them, once; when all have been used, `size` and `sha256` are known."""

    def __init__(self, chunks: Iterable[bytes | bytearray]) -> None:
        self._chunks = self._hashing(chunks)
        self._digest = hashlib.sha256()
        self.size = 0

    @classmethod
    def of(cls, chunks: Iterable[bytes | bytearray]) -> Hashed:
        """These chunks, unless they are hashed already."""
        return chunks if isinstance(chunks, Hashed) else cls(chunks)

    def _hashing(self, chunks: Iterable[bytes | bytearray]) -> Iterator[bytes | bytearray]:
        for chunk in chunks:
            self._digest.update(chunk)
            self.size += len(chunk)
            yield chunk

    def fetch(self, size: int) -> None:
        """Get the first `size` bytes now, and keep them until they are used: all, unless there are more than expected."""
        fetched = []
        for chunk in self._chunks:
            fetched.append(chunk)
            if self.size > size:
                break
        self._chunks = chain(fetched, self._chunks)

    def __iter__(self) -> Iterator[bytes | bytearray]:
        return self._chunks

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
