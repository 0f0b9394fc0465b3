"""What copying needs to know of instances: as much as a Reader's records tell, or the headers of files alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO, Protocol

from fileset.file_id import FileId
from fileset.media.base import FileInfo


class Keys(Protocol):
    """A directory record, as a holder of keys."""

    def get(self, keyword: str, default: Any = None) -> Any:
        """The value of one key, `default` if there is no such key."""
        ...


class Instance(Keys, Protocol):
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
    def patient(self) -> Keys | None:
        """The PATIENT record above."""
        ...

    @property
    def study(self) -> Keys | None:
        """The STUDY record above."""
        ...

    @property
    def series(self) -> Keys | None:
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

    def find(self, level: str | None = None, **keys: object) -> Iterable[Instance]:
        """The instances that match all keys."""
        ...
