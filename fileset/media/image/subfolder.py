"""A file-set in a folder of an image, for example if several discs were copied into one image."""

from __future__ import annotations

from collections.abc import Iterator

from fileset.file_id import FileId
from fileset.media.base import ReadableMedium, RefusedName
from fileset.media.layer import MediumLayer


class Below(MediumLayer):
    """The files below `subfolder` ("/" between components) of another medium, which is closed with this one."""

    def __init__(self, medium: ReadableMedium, subfolder: str) -> None:
        self.around = medium
        self.subfolder = subfolder
        self._prefix = subfolder + "/"

    @property
    def name(self) -> str:
        """The medium as the user named it, and the folder."""
        return f"{self.around.name}/{self.subfolder}"

    def _below(self, file_id: FileId) -> FileId:
        return FileId.tolerant(self._prefix + file_id.path)

    def names(self) -> Iterator[str]:
        """List the files below the folder."""
        return (name.removeprefix(self._prefix) for name in self.around.names() if name.startswith(self._prefix))

    def refused(self) -> list[RefusedName]:
        """List the files below the folder that cannot be opened safely."""
        return [
            RefusedName(one.name.removeprefix(self._prefix), one.reason)
            for one in self.around.refused()
            if one.name.startswith(self._prefix)
        ]
