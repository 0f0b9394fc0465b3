"""Verify the file of a record before it is used: is it DICOM, is it complete, is it the instance of the record?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import field, frozen

from fileset.dicom.header import HeaderError
from fileset.dicomdir.read.directory import Conditions
from fileset.errors import RefusedError
from fileset.findings import Finding, Where
from fileset.media.system.walk import random_access
from fileset.part10.whole_file import FileChecker
from fileset.plan.header_values import HeaderValues, wanted_tags
from fileset.plan.instances import InstanceRecord, KeyHolder, RecordView
from fileset.plan.record_agreement import IDENTIFYING, absences, disagreements, not_asked_for, other_person
from fileset.standard.dictionary import tag_of
from fileset.standard.record_types import HL7_DOCUMENT


@frozen
class Checked(RecordView):
    """An instance whose keys come from its record, else from its file.

    If both disagree about a key of `IDENTITY`, the value of the file is used, unless the user trusts the record: the copy
    must not get the name of another patient.
    """

    record: InstanceRecord
    file: HeaderValues
    differs: bool = field(kw_only=True, default=False)
    other_instance: bool = field(kw_only=True, default=False)

    @property
    def sop_instance_uid(self) -> str:
        """SOP Instance UID."""
        by_file = self.differs or self.other_instance
        return str(self.file.get("SOPInstanceUID") or "") if by_file else self.record.sop_instance_uid

    def _level(self, record_type: str) -> KeyHolder | None:
        """Return a record above, unless the file disagrees with it."""
        return None if self.differs else super()._level(record_type)

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value of a key of the record, else of the file."""
        value = default if self.differs else self.record.get(keyword, default)
        return self.file.get(keyword, value) if value is default or value is None else value


class Verifier:
    """Reads the files of records for their identity and for the `keywords` of a template.

    With `trusts_dicomdir`, the values of a record are used instead of its file, except the SOP Instance UID. Otherwise the
    file, too, must meet the `conditions` that found its record.
    """

    def __init__(
        self, keywords: tuple[str, ...], *, trusts_dicomdir: bool = False, conditions: Conditions = ()
    ) -> None:
        self._trusts_dicomdir = trusts_dicomdir
        self._conditions = () if trusts_dicomdir else conditions
        self._wanted = wanted_tags(filter(None, map(tag_of, (*IDENTIFYING, *keywords))))
        self._checker = FileChecker()

    def identify(self, record: InstanceRecord) -> tuple[Checked, list[Finding]]:
        """Read the instance with the values of its file, and findings about the file.

        Raises the error of the medium if the file cannot be read, `RefusedError` if it does not meet the conditions.
        """
        name = record.file_id.path if record.file_id else ""
        with record.open() as file:
            read, size = random_access(file)
            if record.record_type == HL7_DOCUMENT and size:
                return Checked(record, HeaderValues({})), []
            try:
                holder = HeaderValues.read(read, self._wanted)
            except HeaderError as problem:
                reason = problem.reason if size else "the file is empty"
                finding = Finding("FS-REFERENCE-NOT-DICOM", reason, Where(name))
                return Checked(record, HeaderValues({})), [finding]
        if reason := not_asked_for(record, holder.get, self._conditions):
            raise RefusedError(f"{name}: {reason}")
        rows = list(disagreements(record, holder.get))
        said = [
            (row.rule, row.level, f"{row.keyword} is {one} in the record and {two} in the file")
            for row, one, two in rows
        ]
        if not rows and record.patient and (other := other_person(record.patient.get, holder.get)):
            said.append(("FS-PATIENT-CONFLICT", "PATIENT", other))
        differs = bool(said) and not self._trusts_dicomdir
        other_instance = any(not row.level for row, _, _ in rows)
        findings = _absences(record, holder, name)
        for rule, level, message in said:
            by = "record" if level and not differs else "file"
            findings.append(Finding(rule, f"{message}: the copy is named after the {by}", Where(name)))
        return Checked(record, holder, differs=differs, other_instance=other_instance), findings

    def cut_off(self, record: InstanceRecord) -> Iterator[Finding]:
        """Report the file if it ends too early."""
        name = record.file_id.path if record.file_id else ""
        with record.open() as file:
            read, size = random_access(file)
            for fault in self._checker.faults(read, size):
                if fault.rule == "FS-FILE-TRUNCATED":
                    yield Finding(fault.rule, f"{fault.message}; it is copied unchanged", Where(name))


def _absences(record: InstanceRecord, holder: HeaderValues, name: str) -> list[Finding]:
    """Return a finding if the file lacks UIDs that the record has."""
    lacking = ", ".join(row.keyword for row in absences(record, holder.get))
    message = f"the file has no {lacking}: it may be cut off; it is copied unchanged"
    return [Finding("FS-KEY-UID-MISSING", message, Where(name))] if lacking else []
