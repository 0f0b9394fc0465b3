"""Changing a folder so that a crash at any moment leaves the old or the new file-set, complete.

All that is temporary lies in one work folder at the root, `FILESET_`, whose name is a File ID component: a lock that
dies with its process, a journal of the names that the change adds and removes, and files being written. New files
get their final names only when whole; nothing references them before the new DICOMDIR is renamed over the old one,
which is kept in the work folder until the new one is on disk (a FAT rename over a name is several writes). What a
crash leaves behind is in the journal, so that the next writer, or `repair`, can remove it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from fileset.errors import MediumError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import Chunks, Written
from fileset.media.system import lock, named, sync_directory

WORK: Final = "FILESET_"
LOCK: Final = "LOCK"
JOURNAL: Final = "JOURNAL"
NEW: Final = "NEW"
OLD: Final = "OLD"
"""In the work folder: the new DICOMDIR before, the old one after the moment of replacement."""

_SYNC_THREADS: Final = 8
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class FolderTransaction:
    """One change of the folder `root`, which must exist. A context: leaving it unpublished undoes everything."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._work = os.path.join(root, WORK)
        self._lock = -1
        self._count = 0
        self._written: list[str] = []
        self._folders: dict[str, bool] = {}  # path -> made by us
        self._published = False

    def __enter__(self) -> Self:
        self._lock = _take_lock(self._root, self._work)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._published:
                self._undo()
            if kind is None or not self._published:
                # After a failure behind publish, the journal stays: it says what is still to be deleted.
                shutil.rmtree(self._work, ignore_errors=True)
        finally:
            os.close(self._lock)

    # ------------------------------------------------------------ before anything is written

    def leftovers(self) -> list[FileId]:
        """What an interrupted change may have left behind: the names in its journal."""
        return read_journal(self._root)

    def announce(self, added: Iterable[FileId], removed: Iterable[FileId]) -> None:
        """Write down the names that this change adds and removes, before it does."""
        path = os.path.join(self._work, JOURNAL)
        with named(path):
            with suppress(FileNotFoundError):
                os.unlink(path)
            descriptor = os.open(path, _WRITE, 0o600)
            try:
                _write_all(descriptor, "".join(f"{name.value}\n" for name in (*added, *removed)).encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            sync_directory(self._work)

    # ------------------------------------------------------------ M-WRITE

    def write(self, file_id: FileId, chunks: Chunks) -> Written:
        """Write a file whole under a temporary name, then give it its own. `MediumError` if that name is taken."""
        final = os.path.join(self._root, *file_id.components)
        temporary = os.path.join(self._work, f"T{self._count:07d}")
        self._count += 1
        with named(str(file_id)):
            size, digest = _write_file(temporary, chunks)
            self._make_folder(os.path.dirname(final))
            if os.path.lexists(final):
                raise MediumError(f"{file_id}: there is such a file already; nothing is overwritten")
            os.rename(temporary, final)
        self._written.append(final)
        return Written(file_id, size, digest)

    def _make_folder(self, path: str) -> None:
        missing = []
        while path not in self._folders and not os.path.isdir(path):
            missing.append(path)
            path = os.path.dirname(path)
        self._folders.setdefault(path, False)
        for folder in reversed(missing):
            os.mkdir(folder)
            self._folders[folder] = True

    def settle(self) -> None:
        """Fsync every new file, then every folder that has new names."""
        with named(self._root), ThreadPoolExecutor(_SYNC_THREADS) as pool:
            for _ in pool.map(_sync_file, self._written):
                pass
        for folder in self._folders:
            sync_directory(folder)
        if self._folders:
            sync_directory(self._root)

    # ------------------------------------------------------------ the moment that counts

    def publish(self, dicomdir: Chunks, verify: Callable[[bytes], None]) -> Written:
        """Write the DICOMDIR beside the old one, read it back, verify it, and put it in the old one's place."""
        new = os.path.join(self._work, NEW)
        final = os.path.join(self._root, DICOMDIR.value)
        with named(final):
            with suppress(FileNotFoundError):
                os.unlink(new)
            size, digest = _write_file(new, dicomdir)
            _sync_file(new)
            with open(new, "rb") as file:
                data = file.read()
            if hashlib.sha256(data).hexdigest() != digest:
                raise MediumError(f"{final}: reads back different from what was written; the old one is kept")
            verify(data)
            del data
            former = _existing(self._root)
            if former:
                _keep(former, os.path.join(self._work, OLD))
            sync_directory(self._work)
            os.replace(new, final)
            self._published = True
            if former and os.path.basename(former) != DICOMDIR.value and not _same(former, final):
                os.unlink(former)
            sync_directory(self._root)
        return Written(DICOMDIR, size, digest)

    def delete(self, file_id: FileId) -> None:
        """Remove a file, and the folders that it leaves empty. A file that is not there is fine."""
        path = os.path.join(self._root, *file_id.components)
        with named(str(file_id)):
            with suppress(FileNotFoundError):
                os.unlink(path)
            self._prune(os.path.dirname(path))

    def _prune(self, folder: str) -> None:
        while folder != self._root:
            try:
                os.rmdir(folder)
            except OSError:
                return
            folder = os.path.dirname(folder)

    def _undo(self) -> None:
        for path in self._written:
            with suppress(OSError):
                os.unlink(path)
        for folder in sorted((path for path, ours in self._folders.items() if ours), key=len, reverse=True):
            with suppress(OSError):
                os.rmdir(folder)


def read_journal(root: str) -> list[FileId]:
    """The names in the journal of an interrupted change, none if there was none."""
    try:
        with open(os.path.join(root, WORK, JOURNAL), encoding="ascii", errors="replace") as file:
            return [FileId.tolerant(line.rstrip("\n")) for line in file if line.endswith("\n")]
    except OSError:
        return []


def _sync_file(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_file(path: str, chunks: Chunks) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(path, _WRITE, 0o666)
    try:
        for chunk in chunks:
            _write_all(descriptor, chunk)
            digest.update(chunk)
            size += len(chunk)
    finally:
        os.close(descriptor)
    return size, digest.hexdigest()


def _write_all(descriptor: int, data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _existing(root: str) -> str:
    with os.scandir(root) as entries:
        found = {entry.name: entry.path for entry in entries if entry.name.upper().rstrip(".") == DICOMDIR.value}
    return found.get(DICOMDIR.value) or next(iter(found.values()), "")


def _keep(path: str, copy: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(copy)
    try:
        os.link(path, copy)
    except OSError:  # FAT has no links
        shutil.copyfile(path, copy)
        _sync_file(copy)


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except FileNotFoundError:
        return True


# ---------------------------------------------------------------- the lock


def _take_lock(root: str, work: str) -> int:
    with named(root):
        while True:
            with suppress(FileExistsError):
                os.mkdir(work, 0o700)
            path = os.path.join(work, LOCK)
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            except FileNotFoundError:
                continue  # the other writer has just finished
            if not lock(descriptor):
                os.close(descriptor)
                raise MediumError(f"{root}: another writer is at work (lock {path})")
            try:
                if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    return descriptor
            except FileNotFoundError:
                pass
            os.close(descriptor)
