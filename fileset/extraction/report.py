"""The result of copying: every file that is in the folder now, and every one that is not."""

from __future__ import annotations

from collections import Counter
from typing import Final

from attrs import define, field, frozen

from fileset.findings import Finding
from fileset.plan.instances import InstanceRecord, KeyHolder
from fileset.report import Skipped

_FOUND_ALL_THE_SAME: Final = frozenset(("FS-FILE-UNLISTED", "FS-FILE-MOVED"))
"""Findings about files that no record leads to, but that were copied."""


@frozen
class Lost:
    """An instance that could not be copied: which one it is, and why. Unknown values are ""."""

    file_id: str
    reason: str
    patient_id: str
    patient_name: str
    study_instance_uid: str
    study_date: str
    series_instance_uid: str
    series_number: str
    modality: str
    instance_number: str
    sop_instance_uid: str


@frozen
class Copy:
    """A file that is in the folder: its File ID on the medium, its `path` below the folder with "/", its size in bytes
    and SHA-256 in hexadecimal, whether it was there already, and whether it is `beside` the name that the template gives,
    because another file has that.
    """

    file_id: str
    path: str
    size: int
    sha256: str
    already_there: bool = False
    beside: bool = False


@define
class ExtractReport:
    """The outcome: how many files were copied, or were there already, and each one that is not there now.

    `missing` are not on the medium; `failed` cannot be read, or are not named as a file can be. `size` counts the
    bytes that were copied. `files` names all that are in the folder now. `findings` are about files
    of another instance than their record, files that end too early, and files that no record references. `skipped` are
    files that are not DICOM. `left_behind` counts the DICOM files that were not copied because only listed ones were
    wanted. `shortened` counts paths that were too long, `lacking` the copies
    that have no value for a keyword of the template.
    """

    folder: str
    copied: int = 0
    already_there: int = 0
    size: int = 0
    missing: list[Lost] = field(factory=list)
    failed: list[Lost] = field(factory=list)
    files: list[Copy] = field(factory=list)
    findings: list[Finding] = field(factory=list)
    skipped: list[Skipped] = field(factory=list)
    left_behind: int = 0
    shortened: int = 0
    lacking: Counter[str] = field(factory=Counter)

    @property
    def complete(self) -> bool:
        """Whether everything that matched is in the folder, whole, and agrees with the records.

        A file that claims to be DICOM and is not counts as lost; a viewer or a document does not.
        """
        claims = any(not one.foreign for one in self.skipped)
        return not (self.missing or self.failed or self.left_behind or self.doubtful or claims)

    @property
    def doubtful(self) -> list[Finding]:
        """The findings about copied files that are damaged or of another instance."""
        return [finding for finding in self.findings if finding.rule not in _FOUND_ALL_THE_SAME]

    @property
    def beside(self) -> int:
        """How many files have another name than the template gives."""
        return sum(copy.beside for copy in self.files)

    def add(self, copy: Copy) -> None:
        """One more file that is in the folder."""
        self.files.append(copy)
        if copy.already_there:
            self.already_there += 1
        else:
            self.copied += 1
            self.size += copy.size


def lost(record: InstanceRecord, reason: str) -> Lost:
    """Return the known facts about an instance that was not copied."""
    patient, study, series = record.patient, record.study, record.series
    return Lost(
        file_id=record.file_id.path if record.file_id else "",
        reason=reason,
        patient_id=_value(patient, "PatientID"),
        patient_name=_value(patient, "PatientName"),
        study_instance_uid=_value(study, "StudyInstanceUID"),
        study_date=_value(study, "StudyDate"),
        series_instance_uid=_value(series, "SeriesInstanceUID"),
        series_number=_value(series, "SeriesNumber"),
        modality=_value(series, "Modality"),
        instance_number=_value(record, "InstanceNumber"),
        sop_instance_uid=record.sop_instance_uid,
    )


def _value(record: KeyHolder | None, keyword: str) -> str:
    value = record.get(keyword) if record else None
    return "" if value is None else str(value)
