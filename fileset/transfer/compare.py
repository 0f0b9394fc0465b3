"""Compare the patient and instance of a record and its file, because the wrong patient is the worst fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fileset.dicomdir.read.directory import Conditions
from fileset.media.system.walk import same_bytes
from fileset.plan.record_agreement import PERSON, not_asked_for, other_person
from fileset.records.levels import IDENTITY
from fileset.standard import tags
from fileset.standard.dictionary import tag_of
from fileset.transfer.payload import PayloadSource, UnsendableError

_PERSON_TAGS = (tags.PATIENT_NAME, tags.PATIENT_BIRTH_DATE, tags.PATIENT_SEX)


def disagreement(record: Any, identity: Mapping[int, str]) -> str:
    """Describe each UID, and Patient ID, that differs between a record and its file; "" if none does.

    A file without a Patient ID contradicts no record: the ID of the record may be invented (`--missing invent`). If the IDs
    agree but the file names another person, the sentence is about the person.
    """
    differences = []
    for _, level, keyword, tag, _ in IDENTITY:
        holder = getattr(record, level.lower(), None) if level else None
        ours = _value(holder, keyword) if level else getattr(record, "sop_instance_uid", "")
        is_unknown = level == "PATIENT" and not identity[tag]
        if ours and not is_unknown and ours != identity[tag]:
            differences.append(f"{keyword} is {ours!r}, in the file {identity[tag]!r}")
    if differences:
        return f"in the DICOMDIR {'; '.join(differences)}"
    patient = getattr(record, "patient", None)
    in_file = {keyword: identity.get(tag) for keyword, tag in zip(PERSON, _PERSON_TAGS, strict=True)}
    return other_person(patient.get, in_file.get) if patient else ""


def require_agreement(record: Any, identity: Mapping[int, str]) -> None:
    """Raise `UnsendableError` if a record and its file disagree: new values must not go to the wrong patient."""
    difference = disagreement(record, identity)
    if difference:
        raise UnsendableError(
            f"{difference}; it may belong to another patient, so it gets no new values and is not sent or copied. "
            "With --scan, only the files count"
        )


def require_asked_for(record: Any, identity: Mapping[int, str], conditions: Conditions) -> None:
    """Raise `UnsendableError` if a record met the conditions, and its file does not: it may be of another patient."""
    reason = not_asked_for(record, lambda keyword: identity.get(tag_of(keyword) or 0), conditions)
    if reason:
        raise UnsendableError(reason)


def is_same_file(one: PayloadSource, other: PayloadSource) -> bool:
    """Check whether two files hold the same bytes."""
    with one.open() as first, other.open() as second:
        return same_bytes(first, second)


def _value(holder: Any, keyword: str) -> str:
    value = holder.get(keyword) if holder is not None else None
    return "" if value is None else str(value).strip()
