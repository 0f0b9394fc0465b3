"""The common part of images and archives that are open for reading."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import evolve

from fileset.errors import FormatError
from fileset.media.base import FileSetInfo, ReadableMedium, RefusedName
from fileset.media.image.bytes import ImageBytes
from fileset.media.image.names import Notes
from fileset.media.system.file_systems import inquire_volume


class OpenImage(ReadableMedium):
    """Base class of an image at `path` that is open for reading: its bytes, and notes about its damage.

    The bytes are those of the file at `unpacked`, if one is given.
    """

    def __init__(self, path: str, unpacked: str = "") -> None:
        self._path = path
        self._image = ImageBytes(unpacked or path)
        self._notes = Notes()

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
