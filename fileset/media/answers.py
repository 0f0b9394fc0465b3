"""The answers that several kinds of media give alike: defaults, and those of another medium."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import FileInfo, FileSetInfo, ReadableMedium, RefusedName


class MediumAnswers:
    """Base class of media, with the answers of a sound medium whose files the operating system does not know."""

    folder = ""

    @property
    def form(self) -> str:
        """The form "folder"; a format that application profiles name overrides this."""
        return "folder"

    def path(self, file_id: FileId) -> str:  # noqa: ARG002  # the answer is the same for every file
        """Return "": the files have no path in the operating system."""
        return ""

    def position(self, file_id: FileId) -> int:  # noqa: ARG002  # the answer is the same for every file
        """Return 0 for unknown; a format with positions overrides this."""
        return 0

    def refused(self) -> Sequence[RefusedName]:
        """Return nothing; a format that refuses names overrides this."""
        return ()

    def damage(self) -> Sequence[str]:
        """Return nothing; a format that can be damaged overrides this."""
        return ()

    def leftovers(self) -> list[str]:
        """Return nothing: a change is prepared elsewhere."""
        return []

    def is_busy(self) -> bool:
        """Return False: a writer replaces the medium as a whole, and the open one stays unchanged."""
        return False

    def announced(self) -> frozenset[str]:
        """Return nothing: there is no journal."""
        return frozenset()

    # ------------------------------------------------------------ before and after a change

    def interrupted(self) -> bool:
        """Return False: the next change starts again from the beginning."""
        return False

    def hide(self, file_ids: Iterable[FileId]) -> None:
        """Do nothing: there are no files of an interrupted change."""

    def not_sources(self) -> frozenset[str]:
        """Return the DICOMDIR."""
        return frozenset((DICOMDIR.value,))

    def lasting_damage(self) -> Sequence[str]:
        """Return all damage: a change cannot restore lost bytes."""
        return self.damage()

    def not_carried_over(self) -> Sequence[str]:
        """Return nothing: a change keeps everything."""
        return ()

    def entitle(self, label: str) -> None:
        """Do nothing; a format with a name for the medium overrides this."""

    def flush(self) -> None:
        """Do nothing: everything is stored when a change ends."""


class MediumLayer(MediumAnswers):
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
        return self.around.open(file_id)

    def position(self, file_id: FileId) -> int:
        """Find the offset of a file on the medium in bytes, 0 if unknown."""
        return self.around.position(file_id)

    def inquire_file(self, file_id: FileId) -> FileInfo:
        """Look up size and date of a file."""
        return self.around.inquire_file(file_id)

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
