"""The work folder `FILESET_` at the root of a file-set: it holds all temporary files of a change.

All its names are File ID Components. It holds a lock; a journal of the names that the change adds and removes; unfinished
files; and, while the DICOMDIR is replaced, the new DICOMDIR, the old one, and a seal: the hashes of both, written when both
are on disk. If the DICOMDIR at the root matches neither hash, it is damaged, and the work folder has a whole one.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, suppress
from itertools import count
from typing import BinaryIO, Final

from fileset.errors import MediumError, RefusedError
from fileset.file_id import DICOMDIR
from fileset.media.folder.journal import JournalEntry, read_entries, whole_lines
from fileset.media.system.calls import system
from fileset.media.system.files import (
    append_file,
    blamed_on,
    blocks,
    named,
    open_locked,
    remove_file,
    remove_folder,
    sync_directory,
    write_file,
)
from fileset.media.system.hashing import digest_of
from fileset.media.system.walk import JOURNAL, LOCK, LOCK_OLD, MARKS, SEAL, WORK

JOURNAL_NEW: Final = "JOURN_NW"
NEW: Final = "NEW"
OLD: Final = "OLD"

_COPY: Final = r"T\d{7}"
"""The temporary names of new files."""
_TEMPORARY: Final = re.compile(rf"{JOURNAL_NEW}|{LOCK_OLD}|{_COPY}").fullmatch
is_unfinished: Final = re.compile(rf"{WORK}/{_COPY}").fullmatch
"""Tests whether a path is that of a new file which has no final name yet."""
_SEALED: Final = re.compile(rf"([0-9a-f]{{32}})  ({NEW}|{OLD})\n")


class WorkFolder:
    """The work folder of the file-set at `root`, locked between `take` and `release`."""

    def __init__(self, root: str) -> None:
        self.path = os.path.join(root, WORK)
        self._root = root
        self.released = False
        self._lock: BinaryIO | None = None
        self._temporary = count()

    def file(self, name: str) -> str:
        """Return the path of a file in the folder."""
        return os.path.join(self.path, name)

    def temporary(self) -> str:
        """Return the path for the next file that is written."""
        return self.file(f"T{next(self._temporary) % 10**7:07d}")

    # ------------------------------------------------------------ one writer

    def take(self) -> None:
        """Make the folder and lock it.

        Raises `MediumError` if another writer has it, and `RefusedError` if it holds files that do not come from a writer.
        """
        with named(self._root):
            while self._lock is None:
                self._make()
                self._refuse_foreign()
                with suppress(FileNotFoundError):  # the other writer has just finished
                    self._lock = open_locked(self.file(LOCK))
            sync_directory(self.path)  # the lock proves that later files are of a writer

    def _refuse_foreign(self) -> None:
        """Raise `RefusedError` if a user made this folder and its files have names of temporary files."""
        with suppress(FileNotFoundError):
            names = os.listdir(self.path)
            ours = [name for name in names if name in (NEW, OLD) or _TEMPORARY(name)]
            if ours and MARKS.isdisjoint(names):
                raise RefusedError(
                    f"has a file named {ours[0]}, which looks like a temporary file of fileset, but fileset did not make this folder",
                    path=self.path,
                    advice="Move the folder elsewhere, or rename it",
                )

    def sync_volume(self) -> None:
        """Wait until everything that was written to this file system since `take` is on the medium.

        The lock file serves, because it is open from the start: Linux reports a failed write to those that had a file open
        at that time.
        """
        if self._lock is not None:
            system.sync_volume(self._lock.fileno())

    @property
    def taken(self) -> bool:
        """Whether this writer has the folder."""
        return self._lock is not None

    def _make(self) -> None:
        with (
            blamed_on(self._root),
            suppress(FileExistsError),
        ):  # errors name the file-set, because users do not know this folder
            os.mkdir(self.path, system.WORK_FOLDER_MODE)
        if not stat.S_ISDIR(os.lstat(self.path).st_mode):
            raise MediumError(
                "is not a folder, but a writer needs one of this name", advice="Remove it", path=self.path
            )

    def sweep(self) -> None:
        """Remove unfinished files of this package; other files stay."""
        with named(self.path):
            for name in filter(_TEMPORARY, os.listdir(self.path)):
                if not stat.S_ISDIR(os.lstat(self.file(name)).st_mode):
                    _unlink(self.file(name))

    def unseal(self) -> None:
        """Remove the copies of the DICOMDIR and the seal; the seal first."""
        with named(self.path):
            for name in (SEAL, OLD, NEW):
                _unlink(self.file(name))

    def release(self, *, journal: bool) -> None:
        """Release the lock. The folder may belong to another writer from now on, so only `vanish` may follow.

        The lock file is renamed first: some systems keep an open file under a hidden name after its removal, and the folder
        would not be empty.
        """
        with named(self.path):
            if not journal:
                _unlink(self.file(JOURNAL))
            with suppress(MediumError):  # files that were removed must not outlive the lock that proves whose they are
                sync_directory(self.path)
            self.released = True  # before it is true: an interruption may come right after
            if system.MOVES_OPEN_FILES:
                os.replace(self.file(LOCK), self.file(LOCK_OLD))
                self.unlock()
            else:
                self.unlock()
                with suppress(PermissionError):  # another writer has it by now
                    _unlink(self.file(LOCK))

    def vanish(self) -> None:
        """Remove the folder if it is empty, or holds only remains of the lock."""
        with named(self.path):
            _unlink(self.file(LOCK_OLD))
            remove_folder(self.path)

    def unlock(self) -> None:
        """Release the lock without a look at the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # ------------------------------------------------------------ journal

    def begin_journal(self, entries: Iterable[JournalEntry]) -> None:
        """Write a new journal and sync it to disk."""
        path = self.file(JOURNAL_NEW)
        with named(path):
            write_file(path, (entry.line() for entry in entries))
            system.replace(path, self.file(JOURNAL))
        sync_directory(self.path)
        sync_directory(self._root)

    def append_to_journal(self, entries: Iterable[JournalEntry]) -> None:
        """Add lines to the journal and sync them to disk."""
        path = self.file(JOURNAL)
        with blamed_on(self._root):
            append_file(path, b"".join(entry.line() for entry in entries))

    # ------------------------------------------------------------ seal

    def seal(self, new: str, former: str) -> str:
        """Keep a copy of the DICOMDIR at `former`, if any, beside the one with the hash `new`, and seal both.

        Returns the hash of the copy, "" if there is none.
        """
        old = _copy(former, self.file(OLD)) if former else ""
        if old:
            write_file(self.file(SEAL), [f"{new}  {NEW}\n{old}  {OLD}\n".encode()])
        sync_directory(self.path)
        return old

    def restore(self, dicomdir: str, kept: str) -> None:
        """Copy the `kept` DICOMDIR back to the root; this folder keeps it too."""
        temporary = self.temporary()
        with named(dicomdir):
            write_file(temporary, blocks(kept))
            system.replace(temporary, dicomdir)
        sync_directory(self._root)


def read_journal(root: str) -> Iterator[JournalEntry]:
    """Read the entries in the journal of an interrupted change, if there is one. Raises `MediumError`."""
    entries = read_entries(_own(root, JOURNAL))
    return (entry for entry in entries if entry.file_id.components[0].upper() != WORK)


def standing_in(root: str, dicomdir: str) -> str:
    """Find the path of the DICOMDIR to use instead of the one at `dicomdir`, "" if that one is valid. Raises `OSError`.

    On a file system such as FAT, replacing a file takes several writes, so an interruption may leave no DICOMDIR or a torn
    one. A DICOMDIR modified after the seal was changed by another program, and is used.
    """
    seal = _own(root, SEAL)
    sealed = _sealed(seal)
    if not sealed or (dicomdir and _counts(dicomdir, sealed.values(), os.stat(seal).st_mtime_ns)):
        return ""
    kept = ((_own(root, name), digest) for name, digest in sealed.items())
    return next((path for path, digest in kept if _digest(path) == digest), "")


def replaced(root: str, dicomdir: str) -> list[str]:
    """Find the names of the old DICOMDIR that an interrupted change left beside the new one. Raises `OSError`.

    Such a name differs from DICOMDIR only in case. The hashes in the seal prove which file is the old one.
    """
    sealed = _sealed(_own(root, SEAL))
    names = [name for name in os.listdir(root) if name != DICOMDIR.value and name.upper() == DICOMDIR.value]
    if not sealed or not names or os.path.basename(dicomdir) != DICOMDIR.value:
        return []
    if _digest(dicomdir) != sealed.get(NEW):
        return []
    paths = {name: os.path.join(root, name) for name in names}
    return [
        name
        for name, path in paths.items()
        if stat.S_ISREG(os.lstat(path).st_mode) and _digest(path) == sealed.get(OLD)
    ]


def _sealed(seal: str) -> dict[str, str]:
    """Read the hashes in a seal by name; none if there is no complete seal."""
    return {match[2]: match[1] for line in whole_lines(seal) if (match := _SEALED.fullmatch(line))}


def _own(root: str, name: str) -> str:
    """Build the path of a file in the work folder, "" if it or the folder is a symbolic link, which this package never makes."""
    folder = os.path.join(root, WORK)
    path = os.path.join(folder, name)
    return "" if os.path.islink(folder) or os.path.islink(path) else path


def _counts(dicomdir: str, digests: Collection[str], sealed: int) -> bool:
    return os.stat(dicomdir).st_mtime_ns > sealed or _digest(dicomdir) in digests


def _digest(path: str) -> str:
    with suppress(FileNotFoundError), closing(blocks(path)) as chunks:
        return digest_of(chunks)
    return ""


def _copy(path: str, copy: str) -> str:
    """Give a file a second name, or copy it if the file system has no hard links; return its hash."""
    if os.path.islink(path):
        return write_file(copy, blocks(path))[1]
    try:
        os.link(path, copy)
    except OSError:  # a file system on which a file has one name only
        return write_file(copy, blocks(path))[1]
    return _digest(copy)


def _unlink(path: str) -> None:
    with suppress(FileNotFoundError):
        remove_file(path)
