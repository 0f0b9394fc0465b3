"""Media that are one file, such as an ISO 9660 image or a ZIP archive.

An image is never changed in place: `ImageTransaction` writes a new one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import BinaryIO, NoReturn

from attrs import Factory, define, evolve, field

from fileset.errors import MediumError
from fileset.file_id import SEPARATOR, FileId, folders_above
from fileset.media.base import Builder, FileSetInfo, Footprint, ReadableMedium, Transaction, UpdatableMedium
from fileset.media.image.transaction import Identity, ImageTransaction, identity
from fileset.media.layer import MediumLayer
from fileset.media.names import DEVICE_NAMES
from fileset.media.system.file_systems import inquire_volume
from fileset.media.system.files import check_writable, real_path


@define(eq=False, repr=False)
class NoImage(ReadableMedium):
    """The contents of an image that does not exist yet: nothing."""

    name: str

    def open(self, file_id: FileId) -> NoReturn:
        """Raise `MediumError`: there is no file."""
        raise MediumError(f"not on the medium {self.name}, which is still to be written", path=file_id)

    def inquire_file(self, file_id: FileId) -> NoReturn:
        """Raise `MediumError`: there is no file."""
        self.open(file_id)

    def inquire_file_set(self) -> FileSetInfo:
        """Return facts without values: nothing is known yet."""
        return FileSetInfo(None, None)

    def names(self) -> Iterator[str]:
        """Yield nothing."""
        return iter(())

    def close(self) -> None:
        """Do nothing: no file is open."""


@define(slots=False, eq=False, repr=False)
class Image(MediumLayer, UpdatableMedium):
    """An image at `path`. A transaction writes a new one from the files of `around` and the added files.

    `build` makes the `Builder` for an open file and a `label`, the name of the medium if the format has one; `read` opens an
    image. `format_name`, `largest_file` (in bytes) and `footprint` answer M-INQUIRE FILE-SET; `losses` returns the features of
    `around` that `build` does not write.
    """

    _path: str
    around: ReadableMedium
    _build: Callable[[BinaryIO, str], Builder] = field(kw_only=True)
    _read: Callable[[str], ReadableMedium] = field(kw_only=True)
    _format: str = field(kw_only=True, alias="format_name")
    _label: str = field(default="", kw_only=True)
    _largest_file: int | None = field(default=None, kw_only=True)
    _footprint: Footprint | None = field(default=None, kw_only=True)
    _losses: Callable[[], Sequence[str]] = field(default=tuple, kw_only=True)
    _seen: Identity = field(default=Factory(lambda self: identity(self._path), takes_self=True), init=False)

    def not_carried_over(self) -> Sequence[str]:
        """Return the features of the old image that the new one cannot have."""
        return self._losses()

    def exists(self) -> bool:
        """Return whether there is an old image."""
        return not isinstance(self.around, NoImage)

    def occupied(self) -> bool:
        """Check whether anything exists at the path, because a new image replaces it as a whole."""
        return os.path.lexists(self._path)

    # ------------------------------------------------------------ names in use

    @cached_property
    def _names_in_use(self) -> dict[str, str]:
        """Name in upper case -> name on the medium, for files; "" for folders."""
        files = {name.upper().replace("/", SEPARATOR): name for name in self.names()}
        return {folder: "" for name in files for folder in folders_above(name)} | files

    def actual(self, file_id: FileId) -> FileId | None:
        """Find the actual name of a file in the old image, None if it is absent."""
        try:
            self.inquire_file(file_id)
        except MediumError:
            return None
        return FileId.tolerant(self._names_in_use.get(file_id.value.upper()) or file_id.path)

    def occupation(self, value: str) -> str:
        """Return "folder" or "file" if one has this File ID value, else ""."""
        name = "file" if not DEVICE_NAMES.isdisjoint(value.split(SEPARATOR)) else self._names_in_use.get(value)
        return "" if name is None else "file" if name else "folder"

    # ------------------------------------------------------------ M-INQUIRE FILE-SET, M-WRITE, M-DELETE

    def inquire_file_set(self) -> FileSetInfo:
        """Measure free space and capacity of the file system that holds the image."""
        volume = inquire_volume(os.path.dirname(os.path.abspath(self._path)))
        limits = [limit for limit in (volume.largest_file, self._largest_file) if limit is not None]
        former = self.around.inquire_file_set()
        return evolve(
            volume,
            format=self._format,
            largest_file=min(limits, default=None),
            largest_image=volume.largest_file if self._largest_file else None,  # an archive may be compressed
            reserve=former.used or 0,  # all of it may be carried over
            caveat="",
            file_systems=former.file_systems,
            footprint=self._footprint,
        )

    def check_writable(self) -> None:
        """Raise `MediumError` if this user may not write in the folder of the image, or make that folder."""
        path = real_path(self._path)
        check_writable(os.path.dirname(path), path)

    def transaction(self) -> Transaction:
        """Lock the image and begin to write a new one."""
        return ImageTransaction(
            self._path, self._seen, self.around, lambda file: self._build(file, self._label), self._read
        )

    def entitle(self, label: str) -> None:
        """Give the next image another label."""
        self._label = label
