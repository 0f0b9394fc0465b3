"""A file-set in a folder of an image, for example if several discs were copied into one image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from fileset.file_id import FileId
from fileset.media.base import FileInfo, FileSetInfo, ReadableMedium, RefusedName
from fileset.media.image.opened import ImageAnswers


class Below(ImageAnswers):
    """The files below `subfolder` ("/" between components) of another medium, which is closed with this one."""

    def __init__(self, medium: ReadableMedium, subfolder: str) -> None:
        self._medium = medium
        self.subfolder = subfolder
        self._prefix = subfolder + "/"

    def is_busy(self) -> bool:
        """Check whether a writer is changing the whole medium."""
        return self._medium.is_busy()

    @property
    def form(self) -> str:
        """The form of the whole medium."""
        return self._medium.form

    @property
    def around(self) -> ReadableMedium:
        """The medium that holds the folder."""
        return self._medium

    @property
    def name(self) -> str:
        """The medium as the user named it, and the folder."""
        return f"{self._medium.name}/{self.subfolder}"

    def open(self, file_id: FileId) -> BinaryIO:
        """Open a file for reading."""
        return self._medium.open(self._whole(file_id))

    def position(self, file_id: FileId) -> int:
        """Find the byte of the image at which a file begins, 0 if unknown."""
        return self._medium.position(self._whole(file_id))

    def inquire_file(self, file_id: FileId) -> FileInfo:
        """Look up size and date of a file."""
        return self._medium.inquire_file(self._whole(file_id))

    def _whole(self, file_id: FileId) -> FileId:
        return FileId.tolerant(self._prefix + file_id.path)

    def inquire_file_set(self) -> FileSetInfo:
        """Look up the sizes of the whole medium."""
        return self._medium.inquire_file_set()

    def names(self) -> Iterator[str]:
        """List the files below the folder."""
        return (name.removeprefix(self._prefix) for name in self._medium.names() if name.startswith(self._prefix))

    def refused(self) -> Sequence[RefusedName]:
        """Return the refused files of the whole medium."""
        return self._medium.refused()

    def damage(self) -> Sequence[str]:
        """Return the faults of the whole medium."""
        return self._medium.damage()

    def close(self) -> None:
        """Release the medium."""
        self._medium.close()
