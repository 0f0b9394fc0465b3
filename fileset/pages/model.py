"""The contents of the pages: patients, their studies and series, and the instances, read from a DICOMDIR."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import inf
from typing import Any, Final

from attrs import define, field, frozen

from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.read.query import attribute
from fileset.file_id import FileId
from fileset.plan.instances import InstanceRecord
from fileset.plan.record_agreement import other_person
from fileset.records.levels import IDENTITY, LEVELS
from fileset.standard import tags

_KEYS: Final = {
    "PATIENT": {"name": "PatientName", "id": "PatientID", "birth_date": "PatientBirthDate", "sex": "PatientSex"},
    "STUDY": {"date": "StudyDate", "time": "StudyTime", "description": "StudyDescription"},
    "SERIES": {
        "modality": "Modality", "number": "SeriesNumber", "description": "SeriesDescription",
        "institution": "InstitutionName", "body_part": "BodyPartExamined",
    },
}  # fmt: skip
"""The keys that the pages show, if a record has them."""


Get = Callable[[str], Any]
"""A function that returns the value of a record for a keyword, or None."""


@frozen
class PageEntry:
    """One instance: its File ID, record type, and SOP Instance UID, "" if unknown."""

    file_id: FileId
    record_type: str
    sop_instance_uid: str = ""


@define
class Series:
    """One series and its instances in their order."""

    values: dict[str, str]
    identity: tuple[str, str, str]
    """Patient ID, Study and Series Instance UID."""
    entries: list[PageEntry] = field(factory=list)


@define
class Study:
    """One study and its series in their order."""

    values: dict[str, str]
    series: list[Series] = field(factory=list)

    @property
    def entries(self) -> Iterator[PageEntry]:
        """All instances of the study."""
        return (entry for series in self.series for entry in series.entries)


@define
class Patient:
    """One patient; the studies by date, the newest first."""

    values: dict[str, str]
    studies: list[Study] = field(factory=list)


def each_series(patients: Iterable[Patient]) -> Iterator[tuple[Patient, Study, Series]]:
    """Yield each series with its patient and study."""
    return ((patient, study, series) for patient in patients for study in patient.studies for series in study.series)


def patients_of(contents: Contents) -> list[Patient]:
    """Collect the patients in a DICOMDIR. Replace a missing level by one without values."""
    tree = _PatientTree()
    for index in contents.tree.walk():
        record_type = contents.type_name(index)
        file_id = None if record_type in LEVELS else contents.file_id(index)
        if file_id is not None:
            above = {contents.type_name(one): one for one in contents.tree.above(index)}
            path = tuple(above.get(level, -1) for level in LEVELS)
            series = tree.series(path, [partial(_key, contents, record) for record in path])
            uid = contents.reference(index, tags.REFERENCED_SOP_INSTANCE_UID)
            series.entries.append(PageEntry(file_id, record_type, uid))
    return tree.arranged()


def _key(contents: Contents, index: int, keyword: str) -> Any:
    return contents.key(index, attribute(keyword)) if index >= 0 else None


def patients_found(instances: Iterable[InstanceRecord]) -> list[Patient]:
    """Build the patients for the pages from instances on a medium, by their records or by their headers."""
    tree = _PatientTree()
    numbers: dict[FileId, float] = {}
    for instance in instances:
        if instance.file_id is None:
            continue
        levels = (instance.patient, instance.study, instance.series)
        path = tuple(_text(level.get(uid)) if level else "" for level, uid in zip(levels, _IDENTITY, strict=True))
        series = tree.series(path, [level.get if level else _nothing for level in levels])
        series.entries.append(PageEntry(instance.file_id, instance.record_type, instance.sop_instance_uid))
        numbers[instance.file_id] = _number(instance.get("InstanceNumber"))
    for series in tree.groups.values():
        series.entries.sort(key=lambda entry: numbers[entry.file_id])
    return tree.arranged()


_IDENTITY: Final = tuple(row.keyword for row in IDENTITY if row.level)


def _nothing(_: str) -> None:
    """Return no value, for instances without a record."""


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return inf


class _PatientTree:
    """Patients, studies and series, by their identifiers."""

    def __init__(self) -> None:
        self.patients: dict[Any, Patient] = {}
        self.studies: dict[Any, Study] = {}
        self.groups: dict[Any, Series] = {}

    def series(self, path: tuple[Any, ...], gets: Sequence[Get]) -> Series:
        """Find or make the series that a path of three keys identifies; `gets` read its three records."""
        if path not in self.groups:
            patient, study = path[:1], path[:2]
            if patient not in self.patients:
                self.patients[patient] = Patient(_values(gets[0], "PATIENT"))
            if study not in self.studies:
                self.studies[study] = Study(_values(gets[1], "STUDY"))
                self.patients[patient].studies.append(self.studies[study])
            patient_id, study_uid, series_uid = (_text(get(key)) for get, key in zip(gets, _IDENTITY, strict=True))
            identity = patient_id, study_uid, series_uid
            self.groups[path] = Series(_values(gets[2], "SERIES"), identity)
            self.studies[study].series.append(self.groups[path])
        return self.groups[path]

    def arranged(self) -> list[Patient]:
        """Sort the studies of each patient by date, the newest first, and their series by number."""
        for patient in self.patients.values():
            patient.studies.sort(key=lambda study: study.values["date"] + study.values["time"], reverse=True)
        for study in self.studies.values():
            study.series.sort(key=lambda series: _number(series.values["number"]))
        return list(self.patients.values())


def _values(get: Get, level: str) -> dict[str, str]:
    return {name: _text(get(keyword)) for name, keyword in _KEYS[level].items()}


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value).strip()


_FROM_FILES: Final = {
    "birth_date": "PatientBirthDate", "sex": "PatientSex", "description": "SeriesDescription",
    "body_part": "BodyPartExamined", "institution": "InstitutionName",
}  # fmt: skip


def complete(patient: Patient, series: Series, texts: Mapping[str, str]) -> None:
    """Fill in values that the records lack, from the `texts` of a file by keyword."""
    for values in (patient.values, series.values):
        for name, keyword in _FROM_FILES.items():
            if not values.get(name, "x"):
                values[name] = texts.get(keyword, "")


def contradiction(patient: Patient, identity: tuple[str, ...], texts: Mapping[str, str]) -> str:
    """Describe how a file contradicts the `identity` (a value for each key) or the person of its records; else ""."""
    for keyword, recorded in zip((row.keyword for row in IDENTITY), identity, strict=True):
        said = texts.get(keyword, "")
        if said and recorded and said != recorded:
            return f"the file says {keyword} {said}, the DICOMDIR {recorded}: it may belong to another patient"
    known = {keyword: patient.values.get(name) for name, keyword in _KEYS["PATIENT"].items()}
    return other_person(known.get, texts.get)


def evenly(count: int, limit: int) -> Iterable[int]:
    """Choose at most `limit` of `count` places, the first and the last among them, evenly spaced."""
    if count <= limit:
        return range(count)
    if limit == 1:
        return (count // 2,)
    return sorted({round(at * (count - 1) / (limit - 1)) for at in range(limit)})
