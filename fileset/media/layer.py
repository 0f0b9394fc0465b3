"""A medium over another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from fileset.file_id import FileId
from fileset.media.base import FileInfo, FileSetInfo, ReadableMedium, RefusedName


class MediumLayer(ReadableMedium):
    """A medium that reads as the medium `around` it does; a subclass overrides the answers that differ."""

    around: ReadableMedium

    @property
    def name(self) -> str:
        """The medium as the user named it."""
        return self.around.name

    @property
    def form(self) -> str:
        """The form of the medium."""
        return self.around.form

    def open(self, file_id: FileId) -> BinaryIO:
        """Open a file for reading."""
        return self.around.open(self._below(file_id))

    def position(self, file_id: FileId) -> int:
        """Find the offset of a file on the medium in bytes, 0 if unknown."""
        return self.around.position(self._below(file_id))

    def inquire_file(self, file_id: FileId) -> FileInfo:
        """Look up size and date of a file."""
        return self.around.inquire_file(self._below(file_id))

    def _below(self, file_id: FileId) -> FileId:
        """Translate the name of a file into its name on the medium below; the same, unless a subclass overrides this."""
        return file_id

    def inquire_file_set(self) -> FileSetInfo:
        """Look up the sizes of the medium."""
        return self.around.inquire_file_set()

    def names(self) -> Iterator[str]:
        """List the paths of all files."""
        return self.around.names()

    def refused(self) -> Sequence[RefusedName]:
        """List the files that cannot be opened safely."""
        return self.around.refused()

    def leftovers(self) -> list[str]:
        """List the temporary files of a change."""
        return self.around.leftovers()

    def is_busy(self) -> bool:
        """Check whether a writer is changing the file-set."""
        return self.around.is_busy()

    def announced(self) -> frozenset[str]:
        """List the names in the journal of a change."""
        return self.around.announced()

    def damage(self) -> Sequence[str]:
        """List the faults of the medium itself."""
        return self.around.damage()

    def close(self) -> None:
        """Release the medium."""
        self.around.close()
