"""The sources of a Creator or Updater by their index: their names, and how their bytes are read, replaced and compared."""

from __future__ import annotations

import os
import weakref
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from fileset.dicom.header import Reading
from fileset.dicom.preamble import NEEDED, cleared, needs_clearing
from fileset.errors import FilesetError, MediumError, RefusedError
from fileset.file_id import FileId
from fileset.media.base import FileInfo, ReadableMedium
from fileset.media.system.files import named
from fileset.media.system.hashing import chunks_of, digest_of
from fileset.media.system.walk import NO_STAMP, OpenFile, Stamp, contents, inquire, same_contents, stamp_of
from fileset.plan.dataset_source import encode_dataset
from fileset.plan.secured import view_of
from fileset.records.packed import PackedTexts

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Result = TypeVar("Result")


class LostSourceError(MediumError):
    """A part of a source cannot be read: a bad sector, a wrong checksum, an image that was cut off."""


class SourceFiles:
    """An ordered collection of sources, by index; kept as columns because there may be a million."""

    def __init__(self) -> None:
        self.paths = PackedTexts()
        self._relative_at = array("I")  # where in each path the part below the named source begins
        self._stamps = array("q")  # two numbers for each path that was stamped
        self._contents: dict[int, bytes] = {}
        self._numbers: dict[int, int] = {}  # of the data sets, from 1
        self._members: dict[int, tuple[ReadableMedium, FileId, str]] = {}
        self._named = 0  # how many sources the user named
        self._cleared: set[int] = set()
        self._replaced: dict[int, str] = {}  # paths of the files that replace sources
        self._spool = ""
        self.lost: dict[int, str] = {}  # with reasons

    def __len__(self) -> int:
        return len(self.paths)

    def add_file(self, path: str, relative: str) -> int:
        """Add a file with its name, and return its index."""
        self.paths.append(path)
        self._relative_at.append(len(path) - len(relative))
        return len(self.paths) - 1

    def add_member(self, medium: ReadableMedium, file_id: FileId, relative: str = "") -> int:
        """Add a file of a medium that is not a file of the operating system, with its name, and return its index."""
        self._members[len(self.paths)] = medium, file_id, relative or file_id.path
        return self.add_file("", "")

    def add_dataset(self, dataset: Dataset) -> None:
        """Encode a pydicom data set and add it. Raises `RuleError` if that is impossible, `TypeError` for any other object."""
        if not hasattr(dataset, "to_json_dict"):  # pydicom is not loaded to look
            raise TypeError(f"a source is a path or a pydicom data set, not {type(dataset).__name__}")
        self._contents[len(self.paths)] = encode_dataset(dataset)
        self._numbers[len(self.paths)] = len(self._contents)
        self.paths.append("")
        self._relative_at.append(0)

    def in_reading_order(self, items: Iterable[Result], source: Callable[[Result], int]) -> list[Result]:
        """Sort items in the order in which their sources lie on an image, so that a drive reads forward; else unchanged."""
        return sorted(items, key=source) if self._members else list(items)

    def without_lost(self, write: Callable[[], Result], *, again: bool) -> Result:
        """Return the result of `write`; after a `LostSourceError`, call it again without the sources that are unreadable.

        Raises `LostSourceError` unless `again`, or if the second call finds no further source to leave out.
        """
        while True:
            known = len(self.lost)
            try:
                return write()
            except LostSourceError:
                if not again or len(self.lost) == known:
                    raise

    def relative(self, index: int) -> str:
        """Return the path of a file relative to the source that the user named; "" for a data set."""
        path = self.paths[index]
        if not path:
            return self._members[index][2] if index in self._members else ""
        relative = path[self._relative_at[index] :]
        return relative if os.sep == "/" else relative.replace(os.sep, "/")

    def relatives(self, indexes: Sequence[int]) -> Iterator[str]:
        """Yield the same for several sources; faster than one by one."""
        if self._members or self._contents or os.sep != "/":
            return map(self.relative, indexes)
        paths = zip(self.paths.take(indexes), map(self._relative_at.__getitem__, indexes), strict=True)
        return (path[at:] for path, at in paths)

    def name(self, index: int) -> str:
        """Name a source for messages: the full path if the user named several sources, else the relative one."""
        if self._named > 1 and index not in self._contents:
            member = self._members.get(index)
            return f"{member[0].name}/{member[1].path}" if member else self.paths[index]
        return self.relative(index) or f"data set {self._numbers[index]}"

    def replace(self, index: int, data: bytes) -> None:
        """Replace the bytes of a source by other bytes, kept in a temporary file; the name of the source stays."""
        write_spooled(self.spooled(index), (data,))
        self.use_spooled(index)

    def spooled(self, index: int) -> str:
        """Return the path of the temporary file for the bytes that replace a source."""
        self._refuse_decrypted(index)
        if not self._spool:
            import shutil
            import tempfile

            self._spool = tempfile.mkdtemp(prefix="fileset-")
            weakref.finalize(self, shutil.rmtree, self._spool, ignore_errors=True)
        return os.path.join(self._spool, f"{index}.dcm")

    def _refuse_decrypted(self, index: int) -> None:
        """Raise `RefusedError` for an encrypted source, because its decrypted bytes must not be in a temporary file."""
        medium, file_id, _ = self._members.get(index, (None, None, ""))
        view = view_of(medium)
        if view is not None and file_id is not None and view.is_secure_file(file_id):
            raise RefusedError(
                "is encrypted, and a temporary file would hold its changed copy without encryption",
                path=self.name(index),
                advice="Extract the files first, and change the copies",
            )

    def use_spooled(self, index: int) -> None:
        """Replace the bytes of a source by the bytes of its temporary file."""
        self._replaced[index] = self.spooled(index)

    def is_replaced(self, index: int) -> bool:
        """Return whether other bytes replace a source."""
        return index in self._replaced

    def read_paths(self) -> Sequence[str]:
        """List the path of each source that is a file of the operating system, as it is to be read; "" for others."""
        if not self._replaced:
            return self.paths
        return [self._replaced.get(index, path) for index, path in enumerate(self.paths)]

    def path(self, index: int) -> str:
        """Return the path of the file that a source is read from, "" if it is none of the operating system."""
        return self._replaced.get(index) or self.paths[index]

    def place(self, index: int) -> str:
        """Return the path of a source, or that of its medium and its name there; "" for a data set."""
        if index in self._members:
            medium, file_id, _ = self._members[index]
            return f"{medium.name}/{file_id.path}"
        return self.paths[index]

    def is_file(self, index: int) -> bool:
        """Return whether a source is a file of the operating system, which any process can read."""
        return bool(self.path(index))

    def are_files(self) -> bool:
        """Return whether all sources are files of the operating system, which any process can read."""
        return self._replaced.keys() >= self._contents.keys() | self._members.keys()

    @contextmanager
    def opened(self, index: int, *, original: bool = False) -> Iterator[Reading]:
        """Open a source for random access; with `original`, as it was before it was replaced."""
        data = self._contents.get(index)
        replaced = "" if original else self._replaced.get(index, "")
        if data is not None and not replaced:
            yield lambda at, size: data[at : at + size]
            return
        path = replaced or self.paths[index]
        if path:
            with OpenFile(path) as read:
                yield read
            return
        medium, file_id, _ = self._members[index]
        with medium.open(file_id) as file:
            yield lambda at, size: file.read(size) if file.seek(at) == at else b""

    def stamp(self) -> None:
        """Note size and modification time of all files before the scan; copying a file that changes afterwards is an error.

        Otherwise the record would describe another state of the file than the copy.
        """
        self._stamps = array("q")  # a second look, as after a dry run, sees the current files
        for path in self.paths:
            self._stamps.extend(stamp_of(path) if path else NO_STAMP)

    def _stamp(self, index: int) -> Stamp:
        if index in self._replaced:
            return NO_STAMP
        stamp = self._stamps[2 * index : 2 * index + 2]
        return (stamp[0], stamp[1]) if stamp else NO_STAMP

    def inquire(self, index: int) -> FileInfo:
        """Look up size and date of a source. Raises `MediumError` if the file has vanished."""
        if self.is_file(index):
            return inquire(self.path(index))
        if index in self._contents:
            return FileInfo(len(self._contents[index]), None)
        medium, file_id, _ = self._members[index]
        return medium.inquire_file(file_id)

    def clear_preambles(self, indexes: Iterable[int]) -> None:
        """Replace preambles that are neither zero nor TIFF by zeros when these sources are read."""
        self._cleared.update(filter(self._needs_clearing, indexes))

    def is_cleared(self, index: int) -> bool:
        """Return whether zeros replace a preamble of a source that is not zero."""
        return index in self._cleared

    def _needs_clearing(self, index: int) -> bool:
        with named(self.name(index)), self.opened(index) as read:
            return needs_clearing(read(0, NEEDED))

    def chunks(self, index: int) -> Iterator[bytes | bytearray]:
        """Read the bytes of a source in chunks. A chunk is valid only until the next one, which may reuse its memory."""
        return cleared(self._chunks(index)) if index in self._cleared else self._chunks(index)

    def _chunks(self, index: int) -> Iterator[bytes | bytearray]:
        """Read the bytes of a source. If a part is unreadable, note the source in `lost` and raise `LostSourceError`."""
        try:
            yield from self._read_chunks(index)
        except FilesetError as problem:
            if self.is_file(index) and not isinstance(problem.__cause__, OSError):
                raise  # the file is being changed by another program, so a second try would not help
            self.lost[index] = problem.text(known_path=self.name(index))
            raise LostSourceError(self.lost[index], path=self.name(index)) from problem

    def _read_chunks(self, index: int) -> Iterator[bytes | bytearray]:
        if self.is_file(index):
            return contents(self.path(index), self._stamp(index))
        return iter((self._contents[index],)) if index in self._contents else _chunks(*self._members[index][:2])

    def same(self, one: int, other: int) -> bool:
        """Check whether two sources hold the same bytes."""
        if self.is_file(one) and self.is_file(other):
            return same_contents(self.path(one), self.path(other))
        return self._digest(one) == self._digest(other)

    def _digest(self, index: int) -> str:
        return digest_of(self.chunks(index))

    def is_on(self, medium: ReadableMedium, file_id: FileId, index: int) -> bool:
        """Check whether a file of `medium` has the bytes of a source. Raises `FilesetError` if it cannot be read."""
        if medium.inquire_file(file_id).size != self.inquire(index).size:
            return False
        with named(file_id.path), medium.open(file_id) as file:
            return all(chunk == file.read(len(chunk)) for chunk in self.chunks(index)) and not file.read(1)


def _chunks(medium: ReadableMedium, file_id: FileId) -> Iterator[bytes]:
    with named(file_id.path), medium.open(file_id) as file:
        yield from chunks_of(file)


def write_spooled(path: str, chunks: Iterable[bytes]) -> None:
    """Write a temporary file in our own folder. It replaces the former one, because a source may be changed twice."""
    with open(f"{path}.new", "wb") as file:
        file.writelines(chunks)
    os.replace(f"{path}.new", path)
