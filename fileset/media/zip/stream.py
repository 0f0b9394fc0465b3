"""Stream a ZIP archive into a pipe: written once, from front to back, and never read."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import Builder, Chunks, Counter, FileInfo, Transaction, UpdatableMedium, Written, uncounted
from fileset.media.image.medium import NoImage
from fileset.media.system.files import creation_time, named
from fileset.media.system.hashing import Hashed

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


STANDARD_OUTPUT: Final = "standard output"


class ZipStream(NoImage, UpdatableMedium):
    """A medium for one new file-set, written into `pipe`."""

    def __init__(self, pipe: BinaryIO, build: Callable[[BinaryIO], Builder]) -> None:
        super().__init__(STANDARD_OUTPUT)
        self._pipe = pipe
        self._build = build

    def exists(self) -> bool:
        """Return False: a pipe is empty."""
        return False

    def actual(self, file_id: FileId) -> None:
        """Return None: a pipe is empty."""

    def occupation(self, value: str) -> str:  # noqa: ARG002  # the answer is the same for every name
        """Return "": a pipe is empty."""
        return ""

    def check_writable(self) -> None:
        """Do nothing: the reader of the pipe takes the data."""

    def transaction(self) -> Transaction:
        """Begin to write."""
        return StreamTransaction(self._build(cast("BinaryIO", OneWay(self._pipe))), self._pipe)


class StreamTransaction(Transaction):
    """One file-set on its way. Without `publish` the archive has no central directory, so no reader accepts it as whole."""

    done = False

    def __init__(self, builder: Builder, pipe: BinaryIO) -> None:
        self._builder = builder
        self._pipe = pipe
        self._latest = creation_time()

    def __exit__(self, *_: object) -> None:
        pass

    def announce(self, added: Iterable[FileId], removed: Iterable[FileId]) -> None:  # noqa: ARG002  # nothing is there
        """Announce the files that will come."""
        self._builder.announce([*added, DICOMDIR])

    def write(self, file_id: FileId, chunks: Chunks, info: FileInfo | None = None) -> Written:
        """Write a file."""
        hashed = Hashed(chunks)
        self._builder.add(file_id, hashed, info and info.not_after(self._latest))
        return Written(file_id, hashed.size)

    def publish(self, dicomdir: Chunks, verify: Callable[[bytes], None], count: Counter = uncounted) -> Written:  # noqa: ARG002
        """Write the DICOMDIR, verified before, and the end of the archive."""
        data = b"".join(dicomdir)
        verify(data)
        written = self.write(DICOMDIR, [data], FileInfo(len(data), None))
        self._builder.finish()
        with named(STANDARD_OUTPUT):
            self._pipe.flush()
        self.done = True
        return written


class OneWay(io.RawIOBase):
    """A pipe, or a file that is written like one: seeking is impossible."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: ReadableBuffer) -> int:
        """Write all of it. Raises `MediumError` if the reader is gone."""
        with named(STANDARD_OUTPUT):
            return self._pipe.write(data)
