"""Change a folder so that a crash at any moment leaves the old or the new file-set, complete.

1. The transaction writes new files in the work folder. It syncs them in batches, because a sync for each file takes many
   times as long, and then renames them to their final names. The journal lists them first.
2. It renames the new DICOMDIR over the old one. No record references the new files before that. The work folder keeps
   the old DICOMDIR until the new one is on disk, because a rename on FAT consists of several writes.
3. After a crash, the next writer, or `repair`, removes the files that the journal lists.

Ctrl-C undoes the change; a second Ctrl-C does not stop the undoing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from stat import S_ISLNK
from typing import Final, Self

from fileset.errors import FilesetError, FormatError, MediumError
from fileset.file_id import DICOMDIR, SEPARATOR, FileId
from fileset.media.base import Chunks, Counter, FileInfo, Written, uncounted
from fileset.media.folder.journal import ADDED, JournalEntry, removal
from fileset.media.folder.work_folder import NEW, WorkFolder, read_journal, replaced, standing_in
from fileset.media.system.calls import system
from fileset.media.system.files import (
    blamed_on,
    blocks,
    give_name,
    make_folders,
    named,
    read_back,
    remove_file,
    remove_folder,
    restricted,
    set_mode,
    sync_directory,
    sync_file,
    uninterrupted,
    unmake_folders,
    write_file,
)
from fileset.media.system.hashing import digest_of

_JUNCTION: Final = 0xA0000003
"""The reparse tag of a mount point: IO_REPARSE_TAG_MOUNT_POINT."""


class FolderTransaction:
    """One change of the folder `root`, which is made if necessary. Leaving the context unpublished undoes everything.

    `find` returns the path of the file with a File ID, "" if there is none; `forget` is called when its earlier answers
    may be wrong.
    """

    batch_files: Final = 4096
    batch_bytes: Final = 4 << 30
    """Largest batch of files that are synced and renamed together: a folder of FAT holds only some 65,000 names."""

    def __init__(self, root: str, find: Callable[[FileId], str], forget: Callable[[], None]) -> None:
        self._root = root
        self._find = find
        self._forget = forget
        self._work = WorkFolder(root)
        self._dicomdir = os.path.join(root, DICOMDIR.value)
        self._made_root: list[str] = []
        self._unnamed: list[tuple[str, JournalEntry]] = []  # the temporary name of each
        self._unnamed_bytes = 0
        self._mode = 0o666  # of a new DICOMDIR: no more than all files allow
        self._written: list[str] = []
        self._folders: dict[str, bool] = {}  # where names were added -> made by us
        self._thinned: set[str] = set()  # where names were removed
        self._whole = False  # the DICOMDIR that is there
        self._announced = False
        self._removals: dict[FileId, None] = {}  # what is still to be removed, in order
        self._recorded: dict[FileId, JournalEntry] = {}  # what an interrupted change left
        self._stuck: list[JournalEntry] = []  # what could not be deleted of that
        self._former: str | None = None  # hash of the DICOMDIR before, "" if there was none
        self._new = ""  # hash of the one to come, from the moment of replacement on
        self._on_disk = False  # the new DICOMDIR, for certain

    def __enter__(self) -> Self:
        try:
            make_folders(self._root, self._made_root)
            self._work.take()
            self._forget()
            self._restore()
        except BaseException:
            self._end(MediumError)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._end(kind)

    def _restore(self) -> None:
        """Finish an interrupted replacement of the DICOMDIR, and remove unfinished files."""
        self._work.sweep()
        with named(self._dicomdir):
            kept = standing_in(self._root, self._find(DICOMDIR))
        if kept:
            self._work.restore(self._dicomdir, kept)
            self._forget()
        with named(self._dicomdir):
            for name in replaced(self._root, self._find(DICOMDIR)):
                self._remove_variant(os.path.join(self._root, name))
                self._forget()
        self._whole = True
        self._work.unseal()

    def _place(self, file_id: FileId) -> str:
        """Find the path of a file on this medium, "" if it is absent."""
        with suppress(FormatError):  # a link leads out of the medium
            return self._find(file_id)
        return ""

    def _own(self, file_id: FileId) -> str:
        """Find the path as `_place`, but "" if a folder in it is a link: such a file has a second name, and stays."""
        path = folder = self._place(file_id)
        for _ in file_id.components[1:]:
            folder = os.path.dirname(folder)
            if _is_link(folder):
                return ""
        return path

    # ------------------------------------------------------------ before anything is written

    def leftovers(self) -> list[FileId]:
        """Find the files that an interrupted change left, as far as its journal proves it.

        Files that the change was to remove are leftovers only if its DICOMDIR is in place. The list also has files that no
        longer exist, because their empty folders may remain.
        """
        dicomdir = self._find(DICOMDIR)
        with named(self._dicomdir):
            replaced = bool(dicomdir or standing_in(self._root, dicomdir))
        entries = (entry for entry in read_journal(self._root) if entry.kind == ADDED or replaced)
        self._recorded = {entry.file_id: entry for entry in entries if self._proves(entry)}
        return list(self._recorded)

    def _proves(self, entry: JournalEntry) -> bool:
        """Test whether a file is gone, or is the one that an entry describes, under a name without a link."""
        path = self._place(entry.file_id)
        return not path or (path == self._own(entry.file_id) and entry.describes(path))

    def announce(self, added: Iterable[FileId], removed: Iterable[FileId]) -> None:  # noqa: ARG002
        """Begin the journal with the files that this change removes; added files follow when they are written.

        A file that cannot be read has no line, because after an interruption nothing would prove which file it is.
        """
        self._sync_thinned()
        self._removals = dict.fromkeys(removed)
        entries = list(self._stuck)
        for file_id in self._removals:
            with suppress(OSError):
                if path := self._own(file_id):
                    entries.append(removal(file_id, path))
        with named(self._root):
            self._work.begin_journal(entries)
        self._announced = True

    def _sync_thinned(self) -> None:
        for folder in sorted(filter(os.path.isdir, self._thinned)):
            sync_directory(folder)

    # ------------------------------------------------------------ M-WRITE

    def write(self, file_id: FileId, chunks: Chunks, info: FileInfo | None = None) -> Written:
        """Write a file under a temporary name; it gets its final name when it is on disk. Its date is the current time.

        Raises `MediumError` if the name of this file, or of a file written before, is taken.
        """
        temporary = self._work.temporary()
        mode = restricted(0o666, info.mode if info else None)
        with blamed_on(self._path(file_id)):
            entry = JournalEntry(ADDED, *write_file(temporary, chunks, sync=False, mode=mode), file_id)
        self._mode &= mode
        self._unnamed.append((temporary, entry))
        self._unnamed_bytes += entry.size
        if len(self._unnamed) >= self.batch_files or self._unnamed_bytes >= self.batch_bytes:
            self._complete()
        return Written(file_id, entry.size)

    def _complete(self) -> None:
        """Sync the files of the batch, and give them their final names."""
        batch, self._unnamed, self._unnamed_bytes = self._unnamed, [], 0
        if not batch:
            return
        self._work.append_to_journal(entry for _, entry in batch)
        self._sync(batch)
        for temporary, entry in batch:
            with blamed_on(self._path(entry.file_id)):
                self._name(temporary, entry.file_id)

    def _sync(self, batch: Sequence[tuple[str, JournalEntry]]) -> None:
        if system.HAS_SYNC_VOLUME and len(batch) > 1:
            with blamed_on(self._root):
                self._work.sync_volume()
            return
        for temporary, entry in batch:
            with blamed_on(self._path(entry.file_id)):
                sync_file(temporary)

    def _path(self, file_id: FileId) -> str:
        return os.path.join(self._root, *file_id.components)

    def _name(self, temporary: str, file_id: FileId) -> None:
        final = self._path(file_id)
        if os.path.dirname(final) not in self._folders:
            self._make_folders(file_id)
        taken = os.path.lexists(final)
        if not taken:
            # Recorded before the rename, so that an interruption in between still finds the name to undo.
            self._written.append(final)
            try:
                give_name(temporary, final)
            except FileExistsError:
                taken = bool(self._written.pop())
        if taken:
            raise MediumError("a file of this name already exists; nothing is overwritten", path=file_id)

    def _make_folders(self, file_id: FileId) -> None:
        """Make the folders for a new file, never through a symbolic link."""
        folder = self._root
        for component in file_id.components[:-1]:
            folder = os.path.join(folder, component)
            if folder not in self._folders:
                self._make_folder(folder)

    def _make_folder(self, folder: str) -> None:
        there = os.path.lexists(folder)
        if there and not stat.S_ISDIR(os.lstat(folder).st_mode):
            raise MediumError("is not a folder, and nothing is written through a link", path=folder)
        self._folders[folder] = not there
        if not there:
            os.mkdir(folder)

    def settle(self) -> None:
        """Complete the last files, and fsync every folder that has new names."""
        self._complete()
        for folder in sorted({self._root, *self._folders}):
            sync_directory(folder)

    # ------------------------------------------------------------ the moment that counts

    def publish(self, dicomdir: Chunks, verify: Callable[[bytes], None], count: Counter = uncounted) -> Written:  # noqa: ARG002
        """Write the DICOMDIR beside the old one, read it back, verify it, and put it in the old one's place."""
        new = self._work.file(NEW)
        with blamed_on(self._dicomdir):
            size, digest = write_file(new, dicomdir, mode=self._mode)
            data, found = read_back(new)
            if found != digest:
                raise MediumError(
                    "reads back different from the written data; the old one is kept", path=self._dicomdir
                )
            verify(data)
            del data
            former = self._find(DICOMDIR)
            if former:
                set_mode(new, stat.S_IMODE(os.stat(former).st_mode))
            self._former = self._work.seal(digest, former)
            self._new = digest
            system.replace(new, self._dicomdir)
            sync_directory(self._root)
            if os.path.basename(former) not in ("", DICOMDIR.value):
                self._remove_variant(former)
        self._on_disk = True
        self._work.unseal()
        return Written(DICOMDIR, size)

    def _remove_variant(self, former: str) -> None:
        """Remove a DICOMDIR under another form of the name, unless both names lead to the same file."""
        with suppress(FileNotFoundError):
            if not os.path.samefile(former, self._dicomdir):
                remove_file(former)
                sync_directory(self._root)

    def delete(self, file_id: FileId) -> None:
        """Remove a file, if it exists, and the folders that become empty; never through a link."""
        try:
            if path := self._own(file_id):
                with named(path), suppress(FileNotFoundError):
                    remove_file(path)
            self._prune(file_id)
        except MediumError:
            self._stuck += filter(None, [self._recorded.get(file_id)])
            raise
        self._removals.pop(file_id, None)

    def _prune(self, file_id: FileId) -> None:
        """Remove the empty folders of a file, also folders that an interrupted change made."""
        components = file_id.components
        for depth in range(len(components) - 1, 0, -1):
            folder = self._own(FileId.tolerant(SEPARATOR.join(components[:depth])))
            if _is_link(folder):
                return
            with named(folder):
                if folder and not remove_folder(folder):
                    self._thinned.add(folder)
                    return
        self._thinned.add(self._root)

    # ------------------------------------------------------------ the end

    def _end(self, kind: type[BaseException] | None) -> None:
        try:
            uninterrupted(lambda: self._close(kind))
        finally:
            self._work.unlock()
            self._forget()

    def _close(self, kind: type[BaseException] | None) -> None:
        if not self._work.released:
            self._finish_or_undo(kind)
        if self._work.released:
            with suppress(*([FilesetError] if kind else [])):  # an error would hide the one that led here
                self._work.vanish()
        unmake_folders(self._made_root)

    @property
    def done(self) -> bool:
        """Whether the new DICOMDIR is in place."""
        return self._on_disk

    def _finish_or_undo(self, kind: type[BaseException] | None) -> None:
        published = self._published()
        self._on_disk = bool(published)
        if published is False:
            self._undo()
        elif published and (kind is None or not issubclass(kind, Exception)):
            self._finish()
        else:
            # Half done, and not to be undone: the next writer finds all it needs to finish it.
            self._work.release(journal=True)

    def _published(self) -> bool | None:
        """Decide whether the new DICOMDIR is in place; None if unknown.

        Look at the medium: the rename may succeed and report an error.
        """
        if self._on_disk or not self._new:
            return self._on_disk
        self._forget()
        try:
            found = self._find(DICOMDIR)
            counts = digest_of(blocks(found)) if found else ""
        except (OSError, FilesetError):
            return None
        return counts == self._new or (False if counts == self._former else None)

    def _finish(self) -> None:
        for file_id in list(self._removals):
            with suppress(MediumError):
                self.delete(file_id)
        self._sync_thinned()
        self._work.sweep()
        self._work.unseal()
        self._work.release(journal=bool(self._removals or self._stuck))

    def _undo(self) -> None:
        """Remove the written files; files that cannot be removed stay in the journal."""
        self._written = [path for path in self._written if not _removed(remove_file, path)]
        made = sorted((path for path, ours in self._folders.items() if ours), key=len, reverse=True)
        left = [path for path in made if not _removed(os.rmdir, path)]
        if self._work.taken:
            swept = False
            with suppress(FilesetError):
                self._work.sweep()
                if self._whole:
                    self._work.unseal()
                swept = True
            # Without the journal, nothing would prove that remaining files are temporary.
            keeps = bool(self._written or left or self._stuck or not self._announced or not swept)
            with suppress(FilesetError):
                self._work.release(journal=keeps)


def _is_link(folder: str) -> bool:
    """Test whether a folder is a symbolic link, or a junction of Windows; not if it is absent."""
    with named(folder):
        try:
            status = os.lstat(folder)
        except (FileNotFoundError, NotADirectoryError):
            return False
    return S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) == _JUNCTION


def _removed(how: Callable[[str], None], path: str) -> bool:
    """Try to remove `path`, and test whether it is gone."""
    with suppress(OSError):
        how(path)
    return not os.path.lexists(path)
