"""A folder, mounted volume or USB stick as a medium.

Reading finds names as they really lie on discs: in any case, with a trailing "." or ";1" or ".dcm". A name is
resolved component by component in listings of the folder, and a symbolic link is followed only if it stays inside.
Writing is strict, and safe at every moment: see `folder_transaction`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import BinaryIO, Final

from attrs import frozen

from fileset.errors import FormatError, MediumError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import FileInfo, FileSetInfo, Transaction
from fileset.media.folder_transaction import WORK, FolderTransaction
from fileset.media.host import walk
from fileset.media.system import sync_directory


class FolderMedium:
    """A folder that is, or becomes, the root of a file-set.

    Listings of folders are kept as long as the medium is open.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.fspath(root)
        self._listings: dict[str, dict[str, os.DirEntry[str]]] = {}

    @property
    def name(self) -> str:
        """The folder as the user named it."""
        return self.root

    def close(self) -> None:
        """Forget the listings."""
        self._listings.clear()

    # ------------------------------------------------------------ M-READ, M-INQUIRE FILE

    def open(self, file_id: FileId) -> BinaryIO:
        """Open a file of the file-set for reading."""
        path = self.resolve(file_id)
        try:
            return open(path, "rb")
        except OSError as problem:
            raise MediumError(f"{path}: {problem.strerror or problem}") from problem

    def inquire_file(self, file_id: FileId) -> FileInfo:
        """Size, and date and time of last update."""
        path = self.resolve(file_id)
        try:
            found = os.stat(path)
        except OSError as problem:
            raise MediumError(f"{path}: {problem.strerror or problem}") from problem
        return FileInfo(found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def names(self) -> Iterator[str]:
        """All files below the folder, but for the work folder of a writer."""
        return (file.relative for file in walk(self.root, skip=frozenset((WORK,))))

    def resolve(self, file_id: FileId) -> str:
        """The path that a File ID names here.

        Raises `MediumError` if there is none, `FormatError` if it leads out of the folder through a symbolic link.
        """
        path = self.root
        for component in file_id.components:
            entry = self._entry(path, component)
            if entry is None:
                raise MediumError(f"{file_id}: not on the medium {self.root} (PS3.10 8.2)")
            path = entry.path
            if entry.is_symlink() and not self._inside(path):
                raise FormatError(f"{file_id}: a symbolic link leads out of the file-set; not followed")
        return path

    def _entry(self, folder: str, component: str) -> os.DirEntry[str] | None:
        listing = self._listing(folder)
        exact = listing.get(component)
        if exact is not None:
            return exact
        key = component.upper()
        # The forms in which operating systems show the names of ISO 9660, and users' additions.
        return next((listing[form] for tail in _TAILS if (form := "\0" + key + tail) in listing), None)

    def _listing(self, folder: str) -> dict[str, os.DirEntry[str]]:
        listing = self._listings.get(folder)
        if listing is None:
            listing = {}
            try:
                with os.scandir(folder) as entries:
                    for entry in sorted(entries, key=lambda e: e.name):
                        listing[entry.name] = entry
                        listing.setdefault("\0" + entry.name.upper(), entry)  # no name holds a NUL
            except NotADirectoryError:
                pass
            except OSError as problem:
                raise MediumError(f"{folder}: {problem.strerror or problem}") from problem
            self._listings[folder] = listing
        return listing

    def _inside(self, path: str) -> bool:
        root = os.path.realpath(self.root)
        return os.path.commonpath((root, os.path.realpath(path))) == root

    # ------------------------------------------------------------ M-INQUIRE FILE-SET, M-WRITE, M-DELETE

    def inquire_file_set(self) -> FileSetInfo:
        """Free space and capacity of the volume that holds the folder, or will hold it."""
        place = os.path.abspath(self.root)
        while not os.path.isdir(place):
            place = os.path.dirname(place)
        try:
            found = os.statvfs(place)
        except OSError as problem:
            raise MediumError(f"{place}: {problem.strerror or problem}") from problem
        read_only = bool(found.f_flag & os.ST_RDONLY)
        return FileSetInfo(
            found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize, "folder", read_only=read_only
        )

    def damage(self) -> tuple[()]:
        """Nothing: the operating system looks after a folder."""
        return ()

    def exists(self) -> bool:
        """Whether the folder is there."""
        return os.path.isdir(self.root)

    def not_sources(self) -> frozenset[str]:
        """Names at the root that are no sources of an index: the work folder, and the DICOMDIR that is replaced."""
        dicomdir = self._entry(self.root, DICOMDIR.value) if self.exists() else None
        return frozenset((WORK, dicomdir.name if dicomdir else DICOMDIR.value))

    def has_dicomdir(self) -> bool:
        """Whether there is a DICOMDIR in the folder, under whatever form of its name."""
        return os.path.isdir(self.root) and self._entry(self.root, DICOMDIR.value) is not None

    def occupied(self) -> bool:
        """Whether there is a file-set: other files in the folder are left alone."""
        return self.has_dicomdir()

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Lock the folder, made if it does not exist, and begin a change."""
        self._make_root()
        self.close()
        return FolderTransaction(self.root)

    def _make_root(self) -> None:
        if os.path.isdir(self.root):
            return
        try:
            os.makedirs(self.root)
            sync_directory(os.path.dirname(os.path.abspath(self.root)))
        except OSError as problem:
            if problem.errno == errno.EEXIST:
                raise MediumError(f"{self.root}: exists and is not a folder") from problem
            raise MediumError(f"{self.root}: {problem.strerror or problem}") from problem


@frozen
class Folder:
    """The format of a file-set in a folder, on a mounted volume, or on a stick (PS3.12 A, R-U)."""

    name = "folder"
    suffix = ""

    def recognises(self, path: str) -> bool:
        """Any folder."""
        return os.path.isdir(path)

    def readable(self, path: str) -> FolderMedium:
        """The folder at `path`."""
        if not os.path.isdir(path):
            raise MediumError(f"{path}: no such folder")
        return FolderMedium(path)

    def writable(self, path: str, label: str) -> FolderMedium:  # noqa: ARG002  # a folder has no name of its own
        """The folder at `path`, which need not exist yet."""
        return FolderMedium(path)

    def updatable(self, path: str) -> FolderMedium:
        """The folder at `path`."""
        return self.readable(path)


_TAILS: Final = ("", ".", ";1", ".;1", ".DCM", ".DCM;1")
