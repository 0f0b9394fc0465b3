"""Default answers of media that are one file of the operating system, such as an image or archive."""

from __future__ import annotations

from collections.abc import Sequence

from fileset.file_id import FileId
from fileset.media.base import RefusedName


class ImageAnswers:
    """Base class of media that are one file and are never changed in place."""

    folder = ""

    @property
    def form(self) -> str:
        """Return "folder"; a format that application profiles name overrides this."""
        return "folder"

    def path(self, file_id: FileId) -> str:  # noqa: ARG002  # the answer is the same for every file
        """Return "": the files of an image have no path in the operating system."""
        return ""

    def position(self, file_id: FileId) -> int:  # noqa: ARG002  # the answer is the same for every file
        """Return 0 for unknown; a format with positions overrides this."""
        return 0

    def refused(self) -> Sequence[RefusedName]:
        """Return nothing; a format that refuses names overrides this."""
        return ()

    def leftovers(self) -> list[str]:
        """Return nothing: a change is prepared beside the image."""
        return []

    def is_busy(self) -> bool:
        """Return False: a writer replaces the image as a whole, and the open one stays unchanged."""
        return False

    def announced(self) -> frozenset[str]:
        """Return nothing: an image has no journal."""
        return frozenset()
