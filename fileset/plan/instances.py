"""Interfaces of records and instances: a Reader has them, and so has a scan of files without a DICOMDIR."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Generic, Protocol, TypeVar, runtime_checkable

from attrs import define, field

from fileset.file_id import FileId
from fileset.findings import Finding
from fileset.media.base import FileInfo, ReadableMedium
from fileset.report import Skipped

Level = TypeVar("Level")


class KeyHolder(Protocol):
    """A directory record, as a holder of keys."""

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value of one key, `default` if there is no such key."""


class BelowLevels(Generic[Level]):
    """An instance that finds the records above it by their type."""

    __slots__ = ()

    def _level(self, record_type: str) -> Level | None:
        raise NotImplementedError

    @property
    def patient(self) -> Level | None:
        """The PATIENT record above, or this one."""
        return self._level("PATIENT")

    @property
    def study(self) -> Level | None:
        """The STUDY record above, or this one."""
        return self._level("STUDY")

    @property
    def series(self) -> Level | None:
        """The SERIES record above, or this one."""
        return self._level("SERIES")


class InstanceRecord(KeyHolder, Protocol):
    """The record of an instance; a `Record` of the Reader has all this."""

    @property
    def file_id(self) -> FileId | None:
        """Referenced File ID."""

    @property
    def record_type(self) -> str:
        """Directory Record Type, such as IMAGE."""

    @property
    def sop_instance_uid(self) -> str:
        """Referenced SOP Instance UID in File."""

    @property
    def patient(self) -> KeyHolder | None:
        """The PATIENT record above."""

    @property
    def study(self) -> KeyHolder | None:
        """The STUDY record above."""

    @property
    def series(self) -> KeyHolder | None:
        """The SERIES record above."""

    def open(self) -> BinaryIO:
        """Open the file for reading (M-READ)."""

    def inquire(self) -> FileInfo:
        """Look up size and date of the file (M-INQUIRE FILE)."""


class RecordView(BelowLevels[KeyHolder]):
    """An instance that answers as its `record` does; a subclass overrides the answers that differ."""

    __slots__ = ()
    record: InstanceRecord

    @property
    def file_id(self) -> FileId | None:
        """Referenced File ID."""
        return self.record.file_id

    @property
    def record_type(self) -> str:
        """Directory Record Type."""
        return self.record.record_type

    @property
    def sop_instance_uid(self) -> str:
        """SOP Instance UID."""
        return self.record.sop_instance_uid

    def _level(self, record_type: str) -> KeyHolder | None:
        level: KeyHolder | None = getattr(self.record, record_type.lower())
        return level

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value of one key of the record, `default` if there is no such key."""
        return self.record.get(keyword, default)

    def open(self) -> BinaryIO:
        """Open the file (M-READ)."""
        return self.record.open()

    def inquire(self) -> FileInfo:
        """Return size and date of the file (M-INQUIRE FILE)."""
        return self.record.inquire()


class Finder(Protocol):
    """Finds instances; the Reader does."""

    def find(self, level: str | None = None, **keys: object) -> Iterable[InstanceRecord]:
        """Find the instances that match all keys."""


@define
class Beside:
    """The files of a medium that are beside the records of its DICOMDIR.

    `findings` name the DICOM files without a record, or in another place than in their record. `skipped` are files that are
    not DICOM. `left_behind` counts DICOM files that were left out because only those with a record are wanted.
    """

    findings: list[Finding] = field(factory=list)
    skipped: list[Skipped] = field(factory=list)
    left_behind: int = 0


@runtime_checkable
class FileFinder(Finder, Protocol):
    """Finds instances by looking into files, too."""

    @property
    def beside(self) -> Beside:
        """The files beside the records; known after `find`."""


class Instances(Protocol):
    """The instances of a medium."""

    @property
    def medium(self) -> ReadableMedium:
        """The medium, whose root is the folder of the DICOMDIR."""

    @property
    def instances(self) -> Iterable[InstanceRecord]:
        """All instances that have a record or, without a DICOMDIR, a file."""


@runtime_checkable
class RecordFinder(Finder, Instances, Protocol):
    """The records of a medium; a Reader has all this."""

    @property
    def given(self) -> str:
        """The path that the user gave; the DICOMDIR may be in a folder below it."""

    @property
    def file_set_id(self) -> str:
        """File-set ID."""

    @property
    def file_set_uid(self) -> str:
        """File-set UID."""

    @property
    def findings(self) -> list[Finding]:
        """The faults of the DICOMDIR."""

    def paths(self) -> Iterator[str]:
        """List the paths of their files, "/" between components."""

    def absent(self, keywords: Iterable[str]) -> dict[str, int]:
        """Find the keywords whose key no record has, each with its tag."""

    def close(self) -> None:
        """Release the medium."""
