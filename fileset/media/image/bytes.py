"""Random access to the bytes of an image; nothing more is read than requested."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from fileset.errors import FormatError, MediumError, RuleError
from fileset.media.seekable import SeekableFile
from fileset.media.system.calls import system
from fileset.media.system.files import is_pipe, named

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER: Final = 16 << 10
LARGEST_READ: Final = 1 << 30
"""Bytes of one call: systems read at most 2 to 4 GiB at once."""
_IN_TIME: Final = "Read its files before that, inside the `with` block of the `Reader`"


def first_bytes(path: str, size: int) -> bytes:
    """Read at most `size` bytes from the start of the file at `path`, none if it is no file or cannot be read."""
    if not os.path.isfile(path):
        return b""
    with suppress(OSError), open(path, "rb", buffering=0) as file:
        return file.read(size)
    return b""


class ImageBytes:
    """An image, or a disc drive, open for reading: its size in bytes, and the stated size if that is larger."""

    def __init__(self, path: str) -> None:
        if is_pipe(path):
            raise MediumError(
                "a pipe, but reading an image needs random access", advice="Save it as a file first", path=path
            )
        if os.path.isdir(path):  # asked by path: Windows has no status of an open raw drive
            raise FormatError("is a folder, not the image of a disc or a ZIP archive", path=path)
        with named(path):
            self._descriptor = system.open_descriptor(path, os.O_RDONLY)
            self.size = system.size(self._descriptor)
        self._path = path
        self.whole = self.size

    @property
    def cut(self) -> str:
        """The message that the image is cut off, with its sizes; "" if it is complete as far as known."""
        return f"the image is cut off: {self.size} of {self.whole} bytes are there" if self.size < self.whole else ""

    def check(self, extents: Iterable[tuple[int, int]]) -> None:
        """Raise `FormatError` unless all pieces, as (position, length), are in the image, `RuleError` if it is closed."""
        if self._descriptor < 0:
            raise RuleError("is closed", path=self._path, advice=_IN_TIME)
        total = 0
        for at, size in extents:
            if at + size > self.size:
                reason = self.cut or f"the image ends at {self.size}; it is cut off, or its directory is wrong"
                raise FormatError(f"bytes {at} to {at + size} are missing: {reason}")
            total += size
            if total > self.size:
                raise FormatError("its pieces overlap: together they are larger than the whole image")

    def read(self, at: int, size: int) -> bytes:
        """Read exactly `size` bytes from position `at`. Raises `FormatError` if the image ends before that."""
        self.check([(at, size)])
        with named(self._path):
            data = system.read_at(self._descriptor, size, at)
        if len(data) != size:
            raise FormatError(f"the image gave {len(data)} of {size} bytes at {at}")
        return data

    def open(self, extents: Sequence[tuple[int, int]], name: str) -> BinaryIO:
        """Open pieces, given as (position, length), as one file called `name`. Raises as `read`."""
        self.check(extents)
        with named(self._path):
            raw = ExtentFile(os.dup(self._descriptor), extents, f"{self._path}/{name}")
        return cast("BinaryIO", io.BufferedReader(raw, BUFFER))

    def close(self) -> None:
        """Release the image; open files stay open."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            with suppress(OSError):  # nothing was written
                os.close(descriptor)


class ExtentFile(SeekableFile):
    """A file made of pieces of an open file, whose descriptor it closes in the end."""

    def __init__(self, descriptor: int, extents: Sequence[tuple[int, int]], name: str) -> None:
        self.name = name
        self._descriptor = descriptor
        self._extents = extents
        self._starts = [0, *accumulate(size for _, size in extents)]
        self._size = self._starts[-1]

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read up to the end of a piece. Raises `MediumError` if that fails, or the image has become shorter."""
        piece = bisect_right(self._starts, self._at) - 1
        if piece >= len(self._extents):
            return 0
        position, length = self._extents[piece]
        skip = self._at - self._starts[piece]
        view = memoryview(buffer).cast("B")[: length - skip]
        with named(self.name):
            read = system.read_into(self._descriptor, view, position + skip)
        if read == 0 and len(view):
            raise MediumError("the image ends inside the file", path=self.name)
        self._at += read
        return read

    def readall(self) -> bytes:
        """Read the rest of the file in large steps."""
        parts = []
        for start, (position, length) in zip(self._starts, self._extents, strict=False):
            skip = max(self._at - start, 0)
            for at in range(skip, length, LARGEST_READ):
                with named(self.name):
                    parts.append(system.read_at(self._descriptor, min(LARGEST_READ, length - at), position + at))
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        if len(data) < self._starts[-1] - self._at:
            raise MediumError("the image ends inside the file", path=self.name)
        self._at += len(data)
        return data

    def close(self) -> None:
        """Close the descriptor."""
        if not self.closed:
            with suppress(OSError):  # nothing was written
                os.close(self._descriptor)
        super().close()
