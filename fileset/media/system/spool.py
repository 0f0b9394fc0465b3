"""Keep bytes that will be written later in a temporary file without a name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from threading import Lock
from typing import IO, NamedTuple

from fileset.errors import MediumError
from fileset.media.system.files import named

_STEP = 1 << 20


class SpoolRange(NamedTuple):
    """The position and number of bytes in the spool."""

    at: int
    size: int


class Spool:
    """A temporary file beside `medium`, or in the usual folder for temporary files.

    The file has no name if the system allows that, and vanishes when the program ends in any way.
    """

    def __init__(self, medium: str) -> None:
        self._folder = os.path.dirname(os.path.abspath(medium))
        self._file: IO[bytes] | None = None
        self._end = 0
        self._turn = Lock()  # files of a medium may be written by several threads

    def add(self, data: bytes) -> SpoolRange:
        """Keep some bytes. Raises `MediumError` if the disk is full."""
        with named(self._folder), self._turn:
            file = self._opened()
            file.seek(self._end)
            file.write(data)
        piece = SpoolRange(self._end, len(data))
        self._end += len(data)
        return piece

    def chunks(self, piece: SpoolRange) -> Iterator[bytes]:
        """Read the bytes of a piece. Raises `MediumError` if they cannot be read."""
        for at in range(piece.at, piece.at + piece.size, _STEP):
            wanted = min(_STEP, piece.at + piece.size - at)
            with named(self._folder), self._turn:
                file = self._opened()
                file.seek(at)
                data = file.read(wanted)
            if len(data) != wanted:
                raise MediumError("a temporary file was cut off", path=self._folder)
            yield data

    def close(self) -> None:
        """Remove the file."""
        if self._file is not None:
            self._file.close()
            self._file, self._end = None, 0

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            folder = self._folder if os.access(self._folder, os.W_OK) else None
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by `close`
        return self._file
