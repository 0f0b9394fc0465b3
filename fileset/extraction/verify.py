"""Look at the file of a record before it is handed on: is it DICOM, is it whole, is it the instance of the record?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from attrs import field, frozen

from fileset.dicom.header import HeaderError
from fileset.file_id import FileId
from fileset.findings import Finding, Where
from fileset.media.base import FileInfo
from fileset.media.system.walk import random_access
from fileset.part10.whole_file import FileChecker
from fileset.plan.header_values import HeaderValues, wanted_tags
from fileset.plan.instances import InstanceRecord, KeyHolder
from fileset.records.levels import IDENTITY
from fileset.standard.dictionary import tag_of


@frozen
class Checked:
    """An instance whose keys come from its record and, where the record has none, from its file.

    If both disagree about a key of `IDENTITY`, the file counts: the copy must not get the name of another patient.
    """

    record: InstanceRecord
    file: HeaderValues
    differs: bool = field(kw_only=True)

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
        return str(self.file.get("SOPInstanceUID") or "") if self.differs else self.record.sop_instance_uid

    @property
    def patient(self) -> KeyHolder | None:
        """The PATIENT record above, unless the file disagrees with it."""
        return None if self.differs else self.record.patient

    @property
    def study(self) -> KeyHolder | None:
        """The STUDY record above, unless the file disagrees with it."""
        return None if self.differs else self.record.study

    @property
    def series(self) -> KeyHolder | None:
        """The SERIES record above, unless the file disagrees with it."""
        return None if self.differs else self.record.series

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value of a key of the record, else of the file."""
        value = default if self.differs else self.record.get(keyword, default)
        return self.file.get(keyword, value) if value is default or value is None else value

    def open(self) -> BinaryIO:
        """Open the file (M-READ)."""
        return self.record.open()

    def inquire(self) -> FileInfo:
        """Return size and date of the file (M-INQUIRE FILE)."""
        return self.record.inquire()


_DOCUMENT: Final = "HL7 STRUC DOC"
"""Records of native HL7 documents, which are no DICOM files (PS3.10-2011 Annex B)."""


class Verifier:
    """Looks at the files of records, for their identity and the `keywords` of a template."""

    def __init__(self, keywords: tuple[str, ...]) -> None:
        self._wanted = wanted_tags((*(row.tag for row in IDENTITY), *filter(None, map(tag_of, keywords))))
        self._checker = FileChecker()

    def identify(self, record: InstanceRecord) -> tuple[Checked, list[Finding]]:
        """Return the instance with the values of its file, and findings about the file.

        Raises the error of the medium if the file cannot be read.
        """
        name = record.file_id.path if record.file_id else ""
        with record.open() as file:
            read, size = random_access(file)
            if record.record_type == _DOCUMENT and size:
                return Checked(record, HeaderValues({}), differs=False), []
            try:
                holder = HeaderValues.read(read, self._wanted)
            except HeaderError as problem:
                reason = problem.reason if size else "the file is empty"
                return Checked(record, HeaderValues({}), differs=False), [
                    Finding("FS-REFERENCE-NOT-DICOM", reason, Where(name))
                ]
        found = list(_disagreements(record, holder, name))
        return Checked(record, holder, differs=bool(found)), found

    def cut_off(self, record: InstanceRecord) -> Iterator[Finding]:
        """Yield a finding if the file ends too early."""
        name = record.file_id.path if record.file_id else ""
        with record.open() as file:
            read, size = random_access(file)
            for fault in self._checker.faults(read, size):
                if fault.rule == "FS-FILE-TRUNCATED":
                    yield Finding(fault.rule, f"{fault.message}; it is copied as it is", Where(name))


def _disagreements(record: InstanceRecord, file: HeaderValues, name: str) -> Iterator[Finding]:
    holders = {"PATIENT": record.patient, "STUDY": record.study, "SERIES": record.series}
    for _, level, keyword, tag, rule in IDENTITY:
        holder = holders.get(level)
        in_record = (holder.get(keyword) if holder else None) if level else record.sop_instance_uid
        in_file = file.value(tag)
        if in_record and in_file and str(in_record).strip() != str(in_file).strip():
            message = (
                f"{keyword} is {in_record} in the record and {in_file} in the file: the copy is named after the file"
            )
            yield Finding(rule, message, Where(name))
