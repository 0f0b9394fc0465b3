"""Change an image so that a crash at any moment leaves the old or the new one, complete.

A change builds a new image beside the old one, carries over the files that stay, syncs it, reads all of it back and
compares hashes. Only then does it rename the new image over the old one. The file of the new image is also the lock. After
a crash, the next writer overwrites it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing, suppress
from datetime import datetime
from typing import BinaryIO, Final, Self

from attrs import define, field

from fileset.errors import FormatError, MediumError, RefusedError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import Builder, Chunks, Counter, FileInfo, ReadableMedium, Transaction, Written, uncounted
from fileset.media.system.calls import system
from fileset.media.system.files import (
    blamed_on,
    creation_time,
    make_folders,
    named,
    open_locked,
    real_path,
    remove_file,
    restricted,
    set_mode,
    sync_directory,
    uninterrupted,
    unmake_folders,
)
from fileset.media.system.hashing import Hashed, chunks_of, digest_of

WORK_SUFFIX: Final = ".FILESET_"
"""Suffixes to the name of an image: the new image while it is being written, and the lock that excludes other writers."""

WRITE_BACK_EVERY: Final = 16 << 20
"""Bytes after which the system starts to write its buffers to the disk, while more data comes."""


Identity = tuple[int, int, int, int] | None
"""Identity of a file, which differs from a file that replaced it; None for no file."""


@define(slots=False, eq=False, repr=False)
class ImageTransaction(Transaction):
    """One change of an image, whose identity was `seen` before; its folder is made if necessary.

    Leaving the context unpublished keeps the old image, if there was one, and removes the folders that were made.
    """

    _path: str = field(converter=real_path)
    _seen: Identity
    _former: ReadableMedium
    _build: Callable[[BinaryIO], Builder]
    _read: Callable[[str], ReadableMedium]
    _written: list[tuple[FileId, str]] = field(factory=list, init=False)  # with hashes
    _mode: int = field(default=0o666, init=False)  # no more than all sources allow
    _made: list[str] = field(factory=list, init=False)  # folders for it
    _latest: datetime = field(factory=creation_time, init=False)
    _waiting: int = field(default=0, init=False)  # bytes since the last write-back
    done = False

    @property
    def _new(self) -> str:
        return self._path + WORK_SUFFIX

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self._unmake_folders)
            self._lock()
            undo.callback(self._discard)
            self._begin()
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _lock(self) -> None:
        make_folders(os.path.dirname(self._path), self._made)
        with blamed_on(self._path):
            if os.path.lexists(self._path) and not stat.S_ISREG(os.stat(self._path).st_mode):
                raise MediumError("exists and is not a file", path=self._path)
            self._file = open_locked(self._new)

    def _begin(self) -> None:
        if identity(self._path) != self._seen:
            raise RefusedError(
                "another writer has changed it in the meantime", advice="Look at it again", path=self._path
            )
        with blamed_on(self._path):
            self._file.truncate(0)
        self._builder = self._build(self._file)

    def _discard(self) -> None:
        """Remove the new image, unless it is published, and close it."""
        try:
            if not self.done:
                if not system.MOVES_OPEN_FILES:
                    self._file.close()
                with suppress(OSError):
                    remove_file(self._new)
        finally:
            with suppress(OSError):  # nothing of the file counts any more, or all of it is on disk
                self._file.close()

    def _unmake_folders(self) -> None:
        if not self.done:
            uninterrupted(lambda: unmake_folders(self._made))

    def announce(self, added: Iterable[FileId], removed: Iterable[FileId]) -> None:
        """Carry over the files of the old image that are neither replaced nor removed."""
        added = list(added)
        gone = frozenset(map(_key, (*removed, DICOMDIR)))
        kept = [name for name in map(FileId.tolerant, self._former.names()) if _key(name) not in gone]
        if damage := self._former.damage():
            raise FormatError(
                f"{damage[0]}; its files cannot be carried over", advice="Extract them first", path=self._path
            )
        present = set(map(_key, kept))
        for file_id in added:
            if _key(file_id) in present:
                raise MediumError("a file of this name already exists; nothing is overwritten", path=file_id)
        with blamed_on(self._path):
            self._builder.announce([*kept, *added, DICOMDIR])
        for file_id in kept:
            self._carry_over(file_id)

    def _carry_over(self, file_id: FileId) -> None:
        info = self._former.inquire_file(file_id)
        with self._former.open(file_id) as file:
            written = self.write(file_id, chunks_of(file), info)
        if written.size != info.size:
            raise FormatError(f"has {written.size} bytes, not the {info.size} stated in the image", path=file_id)

    def write(self, file_id: FileId, chunks: Chunks, info: FileInfo | None = None) -> Written:
        """Write a file into the new image."""
        hashed = Hashed(chunks)
        self._mode = restricted(self._mode, info.mode if info else None)
        with named(str(file_id)):
            self._builder.add(file_id, hashed, info and info.not_after(self._latest))
        self._written.append((file_id, hashed.digest))
        self._waiting += hashed.size
        if self._waiting >= WRITE_BACK_EVERY:
            self._waiting = 0
            system.start_write_back(self._file.fileno())
        return Written(file_id, hashed.size)

    def publish(self, dicomdir: Chunks, verify: Callable[[bytes], None], count: Counter = uncounted) -> Written:
        """Finish the image, sync it, read all of it back, and rename it over the old one."""
        written = self.write(DICOMDIR, dicomdir)
        with blamed_on(self._path):
            self._builder.finish()
            del self._builder  # its notes on every file are not needed any more
            self._file.flush()
            system.sync_file(self._file.fileno())
            self._compare(verify, count)
            set_mode(self._new, _mode(self._path, self._mode))
            if not system.MOVES_OPEN_FILES:
                self._file.close()
                self._former.close()
            system.replace(self._new, self._path)
            self.done = True
            sync_directory(os.path.dirname(self._path))
        return written

    def _compare(self, verify: Callable[[bytes], None], count: Counter) -> None:
        """Read the whole image back, front to back, and compare every file with the written data."""
        with closing(self._read(self._new)) as image:
            if sum(1 for _ in image.names()) != len(self._written):
                raise MediumError("other files are read back than were written; nothing was changed", path=self._path)
            for done, (file_id, digest) in enumerate(self._written, 1):
                with image.open(file_id) as file:
                    if digest_of(chunks_of(file)) != digest:
                        raise MediumError(f"{file_id} reads back different from the written data", path=self._path)
                count(done, len(self._written))
            if damage := image.damage():
                raise MediumError(f"reads back damaged: {damage[0]}; nothing was changed", path=self._path)
            with image.open(DICOMDIR) as file:
                verify(file.read())


def identity(path: str) -> Identity:
    """Look up the identity of the file at `path`, None if there is none."""
    with suppress(OSError):
        found = os.stat(path)
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
    return None


def _key(file_id: FileId) -> str:
    return file_id.path.upper()


def _mode(path: str, new: int) -> int:
    """Choose the permissions of the replaced file, else `new` without the bits that the mask of the user forbids."""
    with suppress(FileNotFoundError):
        return stat.S_IMODE(os.stat(path).st_mode)
    mask = os.umask(0o077)
    os.umask(mask)
    return new & ~mask
