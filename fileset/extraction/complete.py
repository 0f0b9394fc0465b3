"""Find all instances on a medium with a DICOMDIR, with and without a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO

from attrs import define, field, frozen

from fileset.extraction.scanned import Scanned, ScannedInstance
from fileset.file_id import FileId
from fileset.findings import RULES, Finding, Where
from fileset.media.base import FileInfo, ReadableMedium
from fileset.plan.instances import Beside, InstanceRecord, RecordFinder, RecordView
from fileset.plan.presence import Presence, presence_of
from fileset.report import Skipped


@frozen
class Moved(RecordView):
    """The record of an instance whose file is elsewhere on the medium."""

    record: InstanceRecord
    found: ScannedInstance

    @property
    def file_id(self) -> FileId:
        """The name of the found file."""
        return self.found.file_id

    @property
    def record_type(self) -> str:
        """Directory Record Type that the file should have."""
        return self.found.record_type

    def open(self) -> BinaryIO:
        """Open the file that was found (M-READ)."""
        return self.found.open()

    def inquire(self) -> FileInfo:
        """Return size and date of the file that was found (M-INQUIRE FILE)."""
        return self.found.inquire()


@define
class Complete(AbstractContextManager["Complete"]):
    """The instances of a file-set, and the DICOM files on its medium that no record references, unless `listed_only`."""

    reader: RecordFinder
    listed_only: bool = False
    beside: Beside = field(factory=Beside)

    def __exit__(self, *_: object) -> None:
        self.reader.close()

    @property
    def medium(self) -> ReadableMedium:
        """The medium of the DICOMDIR."""
        return self.reader.medium

    @property
    def file_set_id(self) -> str:
        """File-set ID (0004,1130)."""
        return self.reader.file_set_id

    @property
    def file_set_uid(self) -> str:
        """File-set UID."""
        return self.reader.file_set_uid

    @property
    def findings(self) -> list[Finding]:
        """The findings about the DICOMDIR, then the findings about unlisted files."""
        return [*self.reader.findings, *self.beside.findings]

    @property
    def instances(self) -> Iterator[InstanceRecord]:
        """All instances."""
        return self.find()

    def absent(self, keywords: Iterable[str]) -> dict[str, int]:
        """Find the keywords that no record has, each with its tag."""
        return self.reader.absent(keywords)

    def find(self, level: str | None = None, **keys: object) -> Iterator[InstanceRecord]:
        """Find the instances that match all `keys`; instances with a record come first."""
        presence = presence_of(self.reader)
        prefix = presence.prefix
        if self.listed_only:
            self.beside = _only_listed(presence)
            yield from self.reader.find(level, **keys)
            return
        others = [name for name in presence.dicomdirs if name.rpartition("/")[0] != prefix.rstrip("/")]
        rest = Scanned(presence.medium, names=presence.extra, dicomdirs=others)
        self.beside = rest.beside
        missing = frozenset(presence.missing)
        moved: dict[str, ScannedInstance] = {}
        if missing or presence.nameless:
            moved = {one.sop_instance_uid: one for one in reversed(rest.instances) if one.sop_instance_uid}
        taken: set[FileId] = set()
        for record in self.reader.find(level, **keys):
            path = prefix + record.file_id.path if record.file_id else ""
            found = moved.get(record.sop_instance_uid) if not path or path in missing else None
            if found is None:
                yield record
                continue
            taken.add(found.file_id)
            message = f"the record references {path or 'no file'}: its file was found here by its SOP Instance UID"
            self.beside.findings.append(Finding("FS-FILE-MOVED", message, Where(found.file_id.path)))
            yield Moved(record, found)
        for one in rest.find(level, **keys):
            if one.file_id not in taken:
                message = "no record of the DICOMDIR references it: it was found by its contents"
                self.beside.findings.append(Finding("FS-FILE-UNLISTED", message, Where(one.file_id.path)))
                yield one
        self.beside.findings += rest.findings


def _only_listed(presence: Presence) -> Beside:
    unlisted = frozenset(presence.unlisted)
    rule = "FS-FILE-NOT-DICOM"
    skipped = [Skipped(name, rule, RULES[rule].title) for name in presence.extra if name not in unlisted]
    return Beside(skipped=skipped, left_behind=len(unlisted))
