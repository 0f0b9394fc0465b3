"""Random access to data in pieces, plain or encrypted with AES or Triple-DES."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable

from fileset.secure.ber import Reading
from fileset.secure.errors import DIGEST, SecureError, damaged


class Spliced:
    """Pieces of a file, accessed as one run of `size` bytes."""

    def __init__(self, read: Reading, pieces: Iterable[tuple[int, int]]) -> None:
        self._read = read
        self._positions, self._starts = array("Q"), array("Q")
        self.size = 0
        for at, length in pieces:
            if length:
                self._positions.append(at)
                self._starts.append(self.size)
                self.size += length

    def __call__(self, at: int, size: int) -> bytes:
        """Read up to `size` bytes from position `at`. Raises `SecureError` if the file has become shorter."""
        if at >= self.size:
            return b""
        end = min(at + size, self.size)
        number = bisect_right(self._starts, at) - 1
        parts = []
        while at < end:
            start = self._starts[number]
            after = self._starts[number + 1] if number + 1 < len(self._starts) else self.size
            length = min(after, end) - at
            parts.append(self._read(self._positions[number] + at - start, length))
            if len(parts[-1]) != length:
                raise damaged("it is cut off")
            at += length
            number += 1
        return parts[0] if len(parts) == 1 else b"".join(parts)


Decrypt = Callable[[bytes, bytes], bytes]
"""A cipher in CBC mode: it needs the block before the data, or the initial vector, and the data."""


class Decrypted:
    """The plain bytes of an encrypted run: `size` of them, without the padding (RFC 5652 6.3)."""

    def __init__(self, encrypted: Spliced, decrypt: Decrypt, iv: bytes) -> None:
        block = len(iv)
        if not encrypted.size or encrypted.size % block:
            raise damaged("the encrypted content is cut off")
        self._encrypted, self._decrypt, self._iv = encrypted, decrypt, iv
        self.size = encrypted.size
        last = self(encrypted.size - block, block)
        padding = last[-1]
        if not 1 <= padding <= block or last[-padding:] != bytes((padding,)) * padding:
            raise SecureError("the content was changed, or the key is wrong", rule=DIGEST)
        self.size -= padding

    def __call__(self, at: int, size: int) -> bytes:
        """Decrypt up to `size` bytes from position `at`."""
        size = min(size, self.size - at)
        if size <= 0:
            return b""
        block = len(self._iv)
        begin = at // block * block
        end = -(-(at + size) // block) * block
        first = max(begin - block, 0)
        data = self._encrypted(first, end - first)
        before, data = (data[:block], data[block:]) if begin else (self._iv, data)
        plain = self._decrypt(before, data)
        return plain if len(plain) == size else plain[at - begin : at - begin + size]
