"""Instances with the new values of a reconciliation, for `extract`, which copies files instead of sending them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Final, cast

from attrs import define

from fileset.dicom.header import Reading
from fileset.dicomdir.read.query import attribute
from fileset.errors import FilesetError, FormatError, RefusedError
from fileset.media.base import FileInfo, ReadableMedium
from fileset.plan.instances import Beside, FileFinder, Finder, InstanceRecord, KeyHolder, RecordView
from fileset.standard import tags
from fileset.standard.dictionary import keyword_of
from fileset.standard.uids import DIRECTORY_CLASS
from fileset.transfer.compare import require_agreement
from fileset.transfer.payload import OpenSource, Payload, UnsendableError, payload
from fileset.transfer.reconciliation import Reconciliation

_IN_MEMORY: Final = 64 << 20


@define
class Reconciled:
    """The instances that `source` finds, each with its new values."""

    source: Finder
    rules: Reconciliation

    def find(self, level: str | None = None, **keys: object) -> Iterator[ReconciledInstance]:
        """Yield the instances whose old values match all `keys`."""
        return (ReconciledInstance(record, self.rules) for record in self.source.find(level, **keys))

    @property
    def medium(self) -> ReadableMedium | None:
        """The medium of the instances, None if it is unknown."""
        return getattr(self.source, "medium", None)

    @property
    def beside(self) -> Beside:
        """The files beside the records, if `source` looks for any."""
        return self.source.beside if isinstance(self.source, FileFinder) else Beside()


@define
class _NewKeys:
    """The keys of a record, with new values for the keys whose old values equal the values of the file."""

    holder: KeyHolder
    values: dict[str, tuple[str, str]]

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value of one key."""
        value = self.holder.get(keyword, default)
        old, new = self.values.get(keyword_of(attribute(keyword)), ("", ""))
        return new if new and str(value or "").strip() == old.strip() else value


class ReconciledInstance(RecordView):
    """An instance with new values of patient and order; `open` makes the changed file."""

    def __init__(self, record: InstanceRecord, rules: Reconciliation) -> None:
        self.record = record
        self._rules = rules

    @cached_property
    def _item(self) -> Payload:
        """The changed file. Raises `FilesetError` if it cannot be changed, so that it is not copied."""
        try:
            item = payload(self.record)
            require_agreement(self.record, item.identity)
            return self._rules.change(item)
        except UnsendableError as problem:
            raise FormatError(f"{self.file_id}: {problem}") from problem

    @property
    def _values(self) -> dict[str, tuple[str, str]]:
        """The new values. There are none if the file cannot be changed, so that a report about it shows the old values."""
        try:
            return self._item.values
        except (FilesetError, OSError):
            return {}

    def _level(self, record_type: str) -> _NewKeys | None:
        holder = super()._level(record_type)
        return None if holder is None else _NewKeys(holder, self._values)

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value of one key of the record."""
        return _NewKeys(self.record, self._values).get(keyword, default)

    def open(self) -> BinaryIO:
        """Open the changed file, or the file on the medium if nothing changes."""
        item = self._item
        if not item.values:
            return super().open()
        file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # the caller closes it
        for chunk in item.whole():
            file.write(chunk)
        file.seek(0)
        return cast("BinaryIO", file)

    def inquire(self) -> FileInfo:
        """Return the size of the changed file, and the date of the old one."""
        info = super().inquire()
        item = self._item
        return FileInfo(len(item.meta) + item.length, info.modified) if item.values else info


def rewritten(rules: Reconciliation, read: Reading, size: int) -> Iterator[bytes] | None:
    """Return the chunks of a DICOM file with the new values, None if it stays as it is.

    Raises `RefusedError` for a second patient if one value is set for all files, `UnsendableError` if the file cannot be
    changed.
    """
    item = payload(OpenSource(read, size))
    if item.sop_class_uid == DIRECTORY_CLASS.decode("ascii"):
        return None
    rules.require_patient(item.identity[tags.PATIENT_ID], RefusedError)
    changed = rules.change(item)
    return changed.whole() if changed.values else None
