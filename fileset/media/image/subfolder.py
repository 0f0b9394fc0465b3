"""A file-set whose root is not the root of its image, as where several discs were copied into one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from fileset.file_id import FileId
from fileset.media.base import FileInfo, FileSetInfo, ReadableMedium


class Below:
    """What lies below `folder`, "/" between its components, of another medium, which is closed with this one."""

    def __init__(self, medium: ReadableMedium, folder: str) -> None:
        self._medium = medium
        self._prefix = folder + "/"

    @property
    def around(self) -> ReadableMedium:
        """The medium that holds the folder."""
        return self._medium

    @property
    def folder(self) -> str:
        """The folder, "/" between its components."""
        return self._prefix[:-1]

    @property
    def name(self) -> str:
        """The medium as the user named it, and the folder."""
        return f"{self._medium.name}/{self._prefix[:-1]}"

    def open(self, file_id: FileId) -> BinaryIO:
        """M-READ."""
        return self._medium.open(self._whole(file_id))

    def inquire_file(self, file_id: FileId) -> FileInfo:
        """M-INQUIRE FILE."""
        return self._medium.inquire_file(self._whole(file_id))

    def _whole(self, file_id: FileId) -> FileId:
        return FileId.tolerant(self._prefix + file_id.path)

    def inquire_file_set(self) -> FileSetInfo:
        """M-INQUIRE FILE-SET of the whole medium."""
        return self._medium.inquire_file_set()

    def names(self) -> Iterator[str]:
        """The files below the folder."""
        return (name.removeprefix(self._prefix) for name in self._medium.names() if name.startswith(self._prefix))

    def damage(self) -> Sequence[str]:
        """What is wrong with the whole medium."""
        return self._medium.damage()

    def close(self) -> None:
        """Release the medium."""
        self._medium.close()
