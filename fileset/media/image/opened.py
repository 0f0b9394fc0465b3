"""Default answers of media that are one file of the operating system, such as an image or archive."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import evolve

from fileset.errors import FormatError
from fileset.file_id import FileId
from fileset.media.base import FileSetInfo, RefusedName
from fileset.media.image.bytes import ImageBytes
from fileset.media.image.names import Notes
from fileset.media.system.file_systems import inquire_volume


class ImageAnswers:
    """Base class of media that are one file and are never changed in place."""

    folder = ""

    @property
    def form(self) -> str:
        """The form "folder"; a format that application profiles name overrides this."""
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

    def hide(self, file_ids: Iterable[FileId]) -> None:
        """Do nothing: an interrupted change leaves no files in an image."""


class OpenImage(ImageAnswers):
    """Base class of an image at `path` that is open for reading: its bytes, and notes about its damage."""

    def __init__(self, path: str, image: ImageBytes, notes: Notes) -> None:
        self._path = path
        self._image = image
        self._notes = notes

    @contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        """Release the image if it cannot be opened; a `FormatError` names its path."""
        try:
            yield
        except FormatError as problem:
            self.close()
            raise FormatError(f"{problem}", path=self._path) from problem
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The image as the user named it."""
        return self._path

    def damage(self) -> tuple[str, ...]:
        """Return the damage of the image found so far."""
        return self._notes.everything()

    def refused(self) -> Sequence[RefusedName]:
        """Return the files that cannot be opened safely, of the folders that were listed so far."""
        return tuple(self._notes.refused.values())

    def close(self) -> None:
        """Release the image; open files stay open."""
        self._image.close()

    def _volume(self, **facts: Any) -> FileSetInfo:
        """Describe the volume that holds the image, with `facts` about the image itself."""
        return evolve(
            inquire_volume(os.path.dirname(os.path.abspath(self._path))), **{"caveat": "", "file_systems": (), **facts}
        )
