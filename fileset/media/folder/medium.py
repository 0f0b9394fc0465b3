"""A folder, mounted volume or USB stick as a medium.

Reading accepts names as discs have them: in any case, with a trailing "." or ";1" or ".dcm". A name is resolved component
by component in listings of the folder, and a symbolic link is followed only if it stays inside. Writing uses exact names,
and an interruption at any moment is safe: see `transaction`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO, Final

from attrs import evolve, frozen

from fileset.errors import MediumError, RefusedError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import FileInfo, FileSetInfo, Footprint, LinkError, RefusedName, Transaction, UpdatableMedium
from fileset.media.folder.transaction import FolderTransaction
from fileset.media.folder.work_folder import read_journal, replaced, standing_in
from fileset.media.names import DEVICE_NAMES, enlist, form_of
from fileset.media.system.calls import system
from fileset.media.system.file_systems import flush_volume, inquire_volume
from fileset.media.system.files import check_writable, named, open_locked, path_of
from fileset.media.system.walk import (
    LOCK,
    WORK,
    entries_of,
    inquire_regular,
    is_work_folder,
    leads_out,
    open_regular,
    walk,
)

CLUSTER: Final = 4096
"""Block size in bytes for the space that files need: at least a sector of a disc, and a cluster of most sticks."""


class FolderMedium(UpdatableMedium):
    """A folder that is, or becomes, the root of a file-set.

    Listings of folders are kept as long as the medium is open.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = self.folder = path_of(root)
        self._listings: dict[str, dict[str, os.DirEntry[str]]] = {}
        self._unlistable: dict[str, RefusedName] = {}
        # Paths of the files that a dry run would delete, and of the folders that it would empty.
        self._hidden: set[str] = set()
        self.irregular: set[str] = set()
        """The names that `names` has found so far of symbolic links, pipes, sockets and devices."""

    @property
    def name(self) -> str:
        """The folder as the user named it."""
        return self.root

    def refused(self) -> tuple[RefusedName, ...]:
        """Return the folders that could not be listed so far."""
        return tuple(self._unlistable.values())

    def lasting_damage(self) -> tuple[str, ...]:
        """Return the folders that cannot be listed; the next change finishes or undoes an interrupted one."""
        return tuple(f"{one.name}: {one.reason}" for one in self._unlistable.values())

    def close(self) -> None:
        """Forget the listings."""
        self._listings.clear()

    # ------------------------------------------------------------ M-READ, M-INQUIRE FILE

    def open(self, file_id: FileId) -> BinaryIO:
        """Open a file of the file-set for reading."""
        path = self.path(file_id)
        with named(path):
            return open_regular(path)

    def inquire_file(self, file_id: FileId) -> FileInfo:
        """Look up size, and date and time of the last update. Raises `MediumError` for a folder or a special file."""
        return inquire_regular(self.path(file_id))

    def names(self) -> Iterator[str]:
        """List all files below the folder, except the work folder of a writer."""
        for file in walk(self.root, skip=self.hidden(), unlistable=self._note_unlistable):
            if not file.regular:
                self.irregular.add(file.relative)
            yield file.relative

    def _note_unlistable(self, folder: str, reason: str) -> None:
        self._unlistable[folder] = RefusedName(folder, reason)

    def leftovers(self) -> list[str]:
        """List the files in the work folder, and an old DICOMDIR, of a write that is running or was interrupted."""
        work = os.path.join(self.root, WORK)
        if os.path.islink(work) or not os.path.isdir(work):
            return [WORK] if os.path.lexists(work) else []
        if not is_work_folder(work):
            return []
        files = [f"{WORK}/{file.relative}" for file in walk(work)]
        with suppress(OSError):
            files += replaced(self.root, self._dicomdir())
        return files

    def is_busy(self) -> bool:
        """Test whether a writer holds the lock."""
        lock = os.path.join(self.root, WORK, LOCK)
        if not os.path.isfile(lock) or os.path.islink(lock):
            return False
        try:
            open_locked(lock).close()
        except MediumError:
            return True
        except OSError:  # a read-only medium: nobody writes
            return False
        return False

    def announced(self) -> frozenset[str]:
        """List the files that an interrupted or running change adds or removes, as far as its journal proves it."""
        entries = read_journal(self.root)
        return frozenset(entry.file_id.path for entry in entries if entry.describes(self._place(entry.file_id)))

    def path(self, file_id: FileId) -> str:
        """Find the path of the file with a File ID.

        Raises `MediumError` if there is none, `LinkError` if a symbolic link leads out of the folder.
        """
        path = self.find(file_id) if file_id != DICOMDIR else self._dicomdir()
        if not path:
            raise MediumError(f"not on the medium {self.root} (PS3.10 8.2)", path=file_id)
        return path

    def _dicomdir(self) -> str:
        """Find the path of the valid DICOMDIR: in the work folder if a change was interrupted while replacing it."""
        path = self.find(DICOMDIR)
        with suppress(OSError):  # unknown, or no permission: the existing one is good enough to be read
            return standing_in(self.root, path) or path
        return path

    def find(self, file_id: FileId) -> str:
        """Find the path of a file under any form of its name, "" if it is absent.

        Raises `MediumError` if that is unknown, `LinkError` if a symbolic link leads out of the folder.
        """
        path = self.root
        for component in file_id.components:
            entry = self._entry(path, component)
            if entry is None or (file_id == DICOMDIR and entry.is_dir()):  # a folder of this name is a folder
                return ""
            path = entry.path
            if system.is_link(entry) and leads_out(path, self.root):
                raise LinkError("a symbolic link leads out of the file-set; not followed", path=file_id)
        return path

    def _place(self, file_id: FileId) -> str:
        """Find the path of a file as `find`, but "" also if a link in it leads out of the folder."""
        with suppress(LinkError):
            return self.find(file_id)
        return ""

    def actual(self, file_id: FileId) -> FileId | None:
        """Find the actual name of the file with a File ID, None if it is absent. Raises as `find`."""
        path = self.find(file_id)
        if not path or os.path.isdir(path):
            return None
        return FileId.tolerant(os.path.relpath(path, self.root).replace(os.sep, "/"))

    def occupation(self, value: str) -> str:
        """Return "folder" if a folder has exactly this File ID value, "" if nothing has it, else "file".

        A folder whose name differs in case counts as a file, so that no file is put into it or beside it.
        """
        path = self.root
        if not DEVICE_NAMES.isdisjoint(value.split("\\")):
            return "file"
        for component in value.split("\\"):
            entry = self._entry(path, component)
            if entry is None:
                return ""
            if entry.name != component or not entry.is_dir(follow_symlinks=False):
                return "file"
            path = entry.path
        return "folder"

    def _entry(self, folder: str, component: str) -> os.DirEntry[str] | None:
        return form_of(component, self._listing(folder))

    def _listing(self, folder: str) -> dict[str, os.DirEntry[str]]:
        listing = self._listings.get(folder)
        if listing is None:
            listing = {}
            with named(folder), suppress(NotADirectoryError):
                for entry in entries_of(folder):
                    if entry.path not in self._hidden:
                        enlist(listing, entry.name, entry)
            self._listings[folder] = listing
        return listing

    # ------------------------------------------------------------ M-INQUIRE FILE-SET, M-WRITE, M-DELETE

    def inquire_file_set(self) -> FileSetInfo:
        """Measure free space and capacity of the volume that holds the folder, or will hold it."""
        reserve = self.inquire_file(DICOMDIR).size if self.has_dicomdir() else 0
        return evolve(inquire_volume(self.root), reserve=reserve)

    def damage(self) -> tuple[str, ...]:
        """Return the folders that cannot be listed, and a sentence if the DICOMDIR in the work folder replaces a damaged one."""
        unlistable = self.lasting_damage()
        found = ""
        with suppress(LinkError):  # reading the DICOMDIR reports that it leads out; a scan reads only the other files
            found = self._dicomdir() if self.exists() else ""
        if os.path.dirname(found) != os.path.join(self.root, WORK):
            return unlistable
        kept = f"{WORK}/{os.path.basename(found)}"
        return (
            f"a change was interrupted: {DICOMDIR} is missing or torn, and its copy {kept} is read instead",
            *unlistable,
        )

    def exists(self) -> bool:
        """Check whether the folder exists. Raises `MediumError` if that is unknown."""
        with named(self.root), suppress(FileNotFoundError, NotADirectoryError):
            return stat.S_ISDIR(os.stat(self.root).st_mode)
        return False

    def not_sources(self) -> frozenset[str]:
        """Find the name at the root that an index does not list: the old DICOMDIR."""
        dicomdir = self._entry(self.root, DICOMDIR.value) if self.exists() else None
        if dicomdir is not None and dicomdir.is_dir():
            return frozenset()
        return frozenset((dicomdir.name if dicomdir else DICOMDIR.value,))

    def has_dicomdir(self) -> bool:
        """Check whether there is a DICOMDIR in the folder, under any form of its name."""
        return self.exists() and bool(self._dicomdir())

    def occupied(self) -> bool:
        """Check whether there is a file-set, or a file in the place of the folder."""
        return os.path.isfile(self.root) or self.has_dicomdir()

    def interrupted(self) -> bool:
        """Check whether there is a work folder."""
        return os.path.lexists(os.path.join(self.root, WORK))

    def hide(self, file_ids: Iterable[FileId]) -> None:
        """Answer from now on as if these files, and the folders that they empty, were deleted."""
        for file_id in file_ids:
            path = self._place(file_id)
            while path and path != self.root:
                self._hidden.add(path)
                path = os.path.dirname(path)
                if any(entry.path not in self._hidden for entry in entries_of(path)):
                    break
        self._listings.clear()

    def hidden(self) -> frozenset[str]:
        """Return the hidden files and folders, as `walk` names them."""
        return frozenset(os.path.relpath(path, self.root).replace(os.sep, "/") for path in self._hidden)

    def check_writable(self) -> None:
        """Raise `MediumError` if this user may not write in the folder, or make it; `RefusedError` as `transaction`."""
        self._refuse_folder()
        check_writable(self.root, self.root)

    def _refuse_folder(self) -> None:
        """Raise `RefusedError` if a folder has the name of the DICOMDIR."""
        if os.path.isdir(os.path.join(self.root, DICOMDIR.value)):
            raise RefusedError(
                f"a folder is named {DICOMDIR}, so no file of that name can be written",
                path=self.root,
                advice="Rename the folder, or create a file-set elsewhere: `fileset create`",
            )

    def transaction(self) -> Transaction:
        """Lock the folder, made if it does not exist, and begin a change."""
        self._refuse_folder()
        return FolderTransaction(self.root, self.find, self.close)

    def flush(self) -> None:
        """Wait until a removable device has stored everything; do nothing for other media."""
        if self.inquire_file_set().removable:
            flush_volume(self.root)


@frozen
class Folder:
    """The format of a file-set in a folder, on a mounted volume, or on a stick (PS3.12 A, R-U)."""

    name = form = "folder"
    suffix = ""
    footprint = Footprint(fixed=0, folder=CLUSTER, entry=64, unit=CLUSTER)

    def recognises(self, path: str) -> bool:
        """Test whether there is a folder at `path`."""
        return os.path.isdir(path)

    def readable(self, path: str) -> FolderMedium:
        """Return the folder at `path`."""
        if not os.path.isdir(path):
            raise MediumError("no such folder", path=path)
        return FolderMedium(path)

    def writable(self, path: str, label: str) -> FolderMedium:  # noqa: ARG002  # a folder has no name of its own
        """Return the folder at `path`, which need not exist yet."""
        return FolderMedium(path)

    def updatable(self, path: str) -> FolderMedium:
        """Return the folder at `path`."""
        return self.readable(path)
