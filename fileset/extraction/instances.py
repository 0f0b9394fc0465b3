"""The facts about instances that copying needs, from the records of a Reader or from the headers of files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Protocol, runtime_checkable

from fileset.file_id import FileId
from fileset.findings import Finding
from fileset.media.base import FileInfo, ReadableMedium


class RecordKeys(Protocol):
    """A directory record, as a holder of keys."""

    def get(self, keyword: str, default: Any = None) -> Any:
        """The value of one key, `default` if there is no such key."""
        ...


class InstanceRecord(RecordKeys, Protocol):
    """The record of an instance; a `Record` of the Reader has all this."""

    @property
    def file_id(self) -> FileId | None:
        """Referenced File ID."""
        ...

    @property
    def sop_instance_uid(self) -> str:
        """Referenced SOP Instance UID in File."""
        ...

    @property
    def patient(self) -> RecordKeys | None:
        """The PATIENT record above."""
        ...

    @property
    def study(self) -> RecordKeys | None:
        """The STUDY record above."""
        ...

    @property
    def series(self) -> RecordKeys | None:
        """The SERIES record above."""
        ...

    def open(self) -> BinaryIO:
        """M-READ."""
        ...

    def inquire(self) -> FileInfo:
        """M-INQUIRE FILE."""
        ...


class Finder(Protocol):
    """What finds instances; the Reader does."""

    def find(self, level: str | None = None, **keys: object) -> Iterable[InstanceRecord]:
        """The instances that match all keys."""
        ...


@runtime_checkable
class RecordFinder(Finder, Protocol):
    """The records of a medium; a Reader has all this."""

    @property
    def given(self) -> str:
        """The path that the user gave; the DICOMDIR may be in a folder below it."""
        ...

    @property
    def medium(self) -> ReadableMedium:
        """The medium of the instances."""
        ...

    @property
    def file_set_id(self) -> str:
        """File-set ID."""
        ...

    @property
    def file_set_uid(self) -> str:
        """File-set UID."""
        ...

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with the DICOMDIR."""
        ...

    @property
    def instances(self) -> Iterable[InstanceRecord]:
        """All that have a record."""
        ...

    def paths(self) -> Iterator[str]:
        """The paths of their files, "/" between components."""
        ...

    def absent(self, keywords: Iterable[str]) -> dict[str, int]:
        """Those keywords that stand for a key which no record has, each with its tag."""
        ...

    def close(self) -> None:
        """Release the medium."""
        ...
