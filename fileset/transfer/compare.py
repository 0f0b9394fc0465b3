"""Compare the patient and instance of a record and its file, because the wrong patient is the worst fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fileset.dicomdir.read.directory import Conditions
from fileset.media.system.walk import same_bytes
from fileset.plan.record_agreement import Get, not_asked_for, other_person, recorded_identity
from fileset.standard.dictionary import tag_of
from fileset.transfer.payload import PayloadSource, UnsendableError


def disagreement(record: Any, identity: Mapping[int, str]) -> str:
    """Describe each UID, and Patient ID, that differs between a record and its file; "" if none does.

    A file without a Patient ID contradicts no record: the ID of the record may be invented (`--missing invent`). If the IDs
    agree but the file names another person, the sentence is about the person. Nothing contradicts a file without a record.
    """
    if not hasattr(record, "patient"):
        return ""
    differences = [
        f"{row.keyword} is {ours!r}, in the file {identity[row.tag]!r}"
        for row, ours in recorded_identity(record)
        if ours != identity[row.tag] and (identity[row.tag] or row.level != "PATIENT")
    ]
    if differences:
        return f"in the DICOMDIR {'; '.join(differences)}"
    return other_person(record.patient.get, _values(identity)) if record.patient else ""


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
    reason = not_asked_for(record, _values(identity), conditions)
    if reason:
        raise UnsendableError(reason)


def is_same_file(one: PayloadSource, other: PayloadSource) -> bool:
    """Check whether two files hold the same bytes."""
    with one.open() as first, other.open() as second:
        return same_bytes(first, second)


def _values(identity: Mapping[int, str]) -> Get:
    """Return a function that looks up the value of a keyword in a file."""
    return lambda keyword: identity.get(tag_of(keyword) or 0)
