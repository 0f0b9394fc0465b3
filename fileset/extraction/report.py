"""The result of an extraction: every file in the folder, and every file that could not be copied."""

from __future__ import annotations

from collections import Counter
from typing import Final

from attrs import define, field, frozen

from fileset.findings import Finding
from fileset.plan.instances import InstanceRecord, KeyHolder
from fileset.report import Skipped

_FOUND_ALL_THE_SAME: Final = frozenset(("FS-FILE-UNLISTED", "FS-FILE-MOVED"))
"""Findings about files without a record that were copied."""


@frozen
class Lost:
    """An instance that could not be copied: its identifiers, and the reason. Unknown values are ""."""

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
    """A file in the folder.

    It has its File ID on the medium, its `path` below the folder with "/", its size in bytes, its SHA-256 in hexadecimal, and
    whether it was already there. `beside`: it has another name than the template gives, because another file has that name.
    """

    file_id: str
    path: str
    size: int
    sha256: str
    already_there: bool = False
    beside: bool = False


@define
class ExtractReport:
    """The outcome: the numbers of copied and existing files, and each instance that could not be copied.

    `missing`: instances whose files are not on the medium. `failed`: instances whose files cannot be read, or whose File IDs
    are hostile. `size`: the number of copied bytes. `files`: all files in the folder. `findings`: about files of another
    instance than their record, files that end too early, and files without a record. `skipped`: files that are not DICOM.
    `left_behind`: number of DICOM files left out by `listed_only`. `shortened`: number of paths that were too long.
    `lacking`: number of copies without a value for a keyword of the template.
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
        """Whether every matching instance is in the folder, complete and in agreement with its record.

        A file that only claims to be DICOM counts as lost; a viewer or a document does not.
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

    def __repr__(self) -> str:
        numbers = {"copied": self.copied, "already there": self.already_there}
        numbers |= {name: len(getattr(self, name)) for name in ("missing", "failed", "skipped", "findings")}
        counts = ", ".join(f"{number:,} {name}" for name, number in numbers.items() if number)
        return f"<extracted to {self.folder}: {counts or 'nothing'}>"

    def add(self, copy: Copy) -> None:
        """Add a file of the folder."""
        self.files.append(copy)
        if copy.already_there:
            self.already_there += 1
        else:
            self.copied += 1
            self.size += copy.size


def lost(record: InstanceRecord, reason: str) -> Lost:
    """Collect the known facts about an instance that was not copied."""
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
