"""Hashes of written bytes, to compare them with the bytes read back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from xxhash import xxh3_128

COPY_SIZE: Final = 1 << 17
"""Size of a chunk in bytes: it fits into the cache of a processor, so that hashing and writing find it there."""


def xxh3() -> xxh3_128:
    """Start a new XXH3-128 hash: faster than the disk, and enough to detect every error, but not an attacker."""
    from xxhash import xxh3_128

    return xxh3_128()


class Hashed:
    """Chunks for a writer, which uses them once; afterwards `size` and `digest` (XXH3-128) are known."""

    def __init__(self, chunks: Iterable[bytes | bytearray]) -> None:
        self._chunks = chunks
        self._hash = xxh3()
        self.size = 0

    def __iter__(self) -> Iterator[bytes | bytearray]:
        for chunk in self._chunks:
            self._hash.update(chunk)
            self.size += len(chunk)
            yield chunk

    @property
    def digest(self) -> str:
        """The hash in hexadecimal, after all chunks were used."""
        return self._hash.hexdigest()


def chunks_of(file: BinaryIO) -> Iterator[bytes]:
    """Read an open file in chunks."""
    while data := file.read(COPY_SIZE):
        yield data


def digest_of(chunks: Iterable[bytes | bytearray | memoryview]) -> str:
    """Hash chunks with XXH3-128, in hexadecimal."""
    found = xxh3()
    for chunk in chunks:
        found.update(chunk)
    return found.hexdigest()
