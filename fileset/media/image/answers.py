"""Answers that all media have in common that are one file of the operating system, such as an image or archive."""

from __future__ import annotations

from collections.abc import Sequence

from fileset.file_id import FileId
from fileset.media.base import RefusedName


class ImageAnswers:
    """Base class of media whose files are no files of the operating system, and which are never changed in place."""

    folder = ""

    @property
    def form(self) -> str:
        """Return "folder", unless application profiles know the format."""
        return "folder"

    def path(self, file_id: FileId) -> str:  # noqa: ARG002  # the answer is the same for every file
        """Return "": the operating system does not know the files of an image."""
        return ""

    def position(self, file_id: FileId) -> int:  # noqa: ARG002  # the answer is the same for every file
        """Return 0: unknown, unless the format has the positions of files."""
        return 0

    def refused(self) -> Sequence[RefusedName]:
        """Return nothing, unless the format can refuse names."""
        return ()

    def leftovers(self) -> list[str]:
        """Return nothing: a change is prepared beside the image."""
        return []

    def is_busy(self) -> bool:
        """Return False: an image is replaced as a whole, and the one that is open stays as it is."""
        return False

    def announced(self) -> frozenset[str]:
        """Return nothing: an image has no journal."""
        return frozenset()
