"""Media that are one file, such as an ISO 9660 image or a ZIP archive.

An image is never changed in place: see `image_transaction`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO, NoReturn

from attrs import evolve

from fileset.errors import MediumError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import Builder, FileInfo, FileSetInfo, ReadableMedium, Transaction, holds
from fileset.media.image.transaction import ImageTransaction, identity
from fileset.media.system.file_systems import inquire_volume
from fileset.media.system.files import check_writable


class NoImage:
    """What is read where there is no image yet: nothing."""

    def __init__(self, path: str) -> None:
        self.name = path

    def open(self, file_id: FileId) -> NoReturn:
        """There is no file."""
        raise MediumError(f"not on the medium {self.name}, which is still to be written", path=file_id)

    def inquire_file(self, file_id: FileId) -> NoReturn:
        """There is no file."""
        self.open(file_id)

    def inquire_file_set(self) -> FileSetInfo:
        """Nothing is known."""
        return FileSetInfo(None, None)

    def names(self) -> Iterator[str]:
        """None."""
        return iter(())

    def damage(self) -> tuple[()]:
        """None."""
        return ()

    def close(self) -> None:
        """Nothing is open."""


class Image:
    """An image at `path` that is made anew, out of the files of `former` and those that a transaction brings.

    `build` makes the `Builder` for an open file, `read` opens an image; `format_name` and `largest_file` (in bytes) are
    for M-INQUIRE FILE-SET.
    """

    def __init__(
        self,
        path: str,
        former: ReadableMedium,
        *,
        build: Callable[[BinaryIO], Builder],
        read: Callable[[str], ReadableMedium],
        format_name: str,
        largest_file: int | None = None,
    ) -> None:
        self._path = path
        self._former = former
        self._seen = identity(path)
        self._build = build
        self._read = read
        self._format = format_name
        self._largest_file = largest_file

    @property
    def name(self) -> str:
        """The image as the user named it."""
        return self._path

    # ------------------------------------------------------------ the files that are there, and stay

    def open(self, file_id: FileId) -> BinaryIO:
        """M-READ of a file that is carried over."""
        return self._former.open(file_id)

    def inquire_file(self, file_id: FileId) -> FileInfo:
        """M-INQUIRE FILE of a file that is carried over."""
        return self._former.inquire_file(file_id)

    def names(self) -> Iterator[str]:
        """All files that are carried over unless they are removed."""
        return self._former.names()

    def damage(self) -> tuple[str, ...]:
        """What is wrong with the image that is there."""
        return tuple(self._former.damage())

    def close(self) -> None:
        """Release the image that is there."""
        self._former.close()

    def exists(self) -> bool:
        """Whether there is an image whose files are carried over."""
        return not isinstance(self._former, NoImage)

    def has_dicomdir(self) -> bool:
        """Whether there is a DICOMDIR among the files that are carried over."""
        return holds(self._former, DICOMDIR)

    def occupied(self) -> bool:
        """Whether there is anything at the path: an image is replaced as a whole."""
        return os.path.lexists(self._path)

    # ------------------------------------------------------------ M-INQUIRE FILE-SET, M-WRITE, M-DELETE

    def inquire_file_set(self) -> FileSetInfo:
        """Free space and capacity of the file system that the image lies on."""
        volume = inquire_volume(os.path.dirname(os.path.abspath(self._path)))
        limits = [limit for limit in (volume.largest_file, self._largest_file) if limit is not None]
        reserve = self._former.inquire_file_set().used or 0  # all of it may be carried over
        return evolve(volume, format=self._format, largest_file=min(limits, default=None), reserve=reserve, caveat="")

    def interrupted(self) -> bool:
        """No: an image that was not finished is made anew by the next change."""
        return False

    def check_writable(self) -> None:
        """Raise `MediumError` if this user may not write in the folder that the image lies in, or make it."""
        path = os.path.realpath(self._path)
        check_writable(os.path.dirname(path), path)

    def transaction(self) -> Transaction:
        """Lock the image and begin to make it anew."""
        return ImageTransaction(self._path, self._seen, self._former, self._build, self._read)

    def entitle(self, label: str) -> None:
        """Nothing, in a format that has no name for the whole."""

    def flush(self) -> None:
        """Nothing: an image is on disk before it has its name."""
