"""Compare a file with the records above it: whether they name the same patient, study and series."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from fileset.dicomdir.read.directory import Conditions
from fileset.dicomdir.read.query import attribute
from fileset.plan.instances import InstanceRecord
from fileset.records.levels import IDENTITY, IdentityKey
from fileset.records.person import Person

Get = Callable[[str], Any]
"""Keyword -> value, None if there is none."""

PERSON: Final = ("PatientName", "PatientBirthDate", "PatientSex")
"""The keywords that distinguish persons with one Patient ID."""
IDENTIFYING: Final = (*(row.keyword for row in IDENTITY), *PERSON)
"""The keywords that identify the patient, study and series of a file."""
_KEYWORDS: Final = {attribute(keyword): keyword for keyword in IDENTIFYING}
"""Keyword of each tag of `IDENTIFYING` as conditions have it: records hold the SOP Instance UID under another tag."""


def disagreements(record: InstanceRecord, get: Get) -> Iterator[tuple[IdentityKey, str, str]]:
    """Find each key of `IDENTITY` that differs, and its value in the record and in the file that `get` reads."""
    for row, in_record in recorded_identity(record):
        in_file = get(row.keyword)
        if in_file and in_record != str(in_file).strip():
            yield row, in_record, str(in_file).strip()


def absences(record: InstanceRecord, get: Get) -> Iterator[IdentityKey]:
    """Find each UID of `IDENTITY` that the records have and the file lacks, as in a truncated file."""
    return (row for row, _ in recorded_identity(record) if row.level != "PATIENT" and not get(row.keyword))


def recorded_identity(record: InstanceRecord) -> Iterator[tuple[IdentityKey, str]]:
    """Read each key of `IDENTITY` that the record, or one above it, has, with its value."""
    holders = {"PATIENT": record.patient, "STUDY": record.study, "SERIES": record.series}
    for row in IDENTITY:
        holder = holders.get(row.level)
        value = record.sop_instance_uid if not row.level else holder.get(row.keyword) if holder else None
        if value:
            yield row, str(value).strip()


def other_person(in_record: Get, in_file: Get) -> str:
    """Return a sentence if the file is about another person than the record with the same Patient ID, else ""."""
    known, person = _person(in_record), _person(in_file)
    return f"the record is about {known}, the file about {person}" if person.is_other_than(known) else ""


def not_asked_for(record: InstanceRecord, get: Get, conditions: Conditions) -> str:
    """Return a sentence if `record` met the `conditions` and the file that `get` reads has another identity; else "".

    A file without the value, or with another spelling of the name, contradicts no condition.
    """
    wanted = [(_KEYWORDS[tag], meets) for tag, meets in conditions if tag in _KEYWORDS]
    if not wanted:
        return ""
    recorded = {row.keyword: value for row, value in recorded_identity(record)}
    recorded |= {keyword: str(record.patient.get(keyword) or "").strip() for keyword in PERSON if record.patient}
    for keyword, meets in wanted:
        in_record, in_file = recorded.get(keyword, ""), str(get(keyword) or "").strip()
        respelt = keyword == "PatientName" and Person(in_record).has_name_of(Person(in_file))
        if in_file and in_file != in_record and not respelt and not meets(in_file):
            return (
                f"its record says {keyword} {in_record}, the file says {in_file}: "
                f"not the {keyword} that you asked for; left out"
            )
    return ""


def _person(get: Get) -> Person:
    return Person(*(str(value).strip() if (value := get(keyword)) else "" for keyword in PERSON))
