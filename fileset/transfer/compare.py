"""Whether a record and its file are about the same patient and instance: the wrong patient is the worst fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fileset.standard import tags
from fileset.transfer.payload import CHUNK, PayloadSource, UnsendableError

_LEVELS: Final = (
    ("patient", "PatientID", tags.PATIENT_ID),
    ("study", "StudyInstanceUID", tags.STUDY_INSTANCE_UID),
    ("series", "SeriesInstanceUID", tags.SERIES_INSTANCE_UID),
)


def disagreement(record: Any, identity: Mapping[int, str]) -> str:
    """Return a sentence about each UID, and Patient ID, that a record and its file have differently; "" without one."""
    said = [(keyword, _value(getattr(record, level, None), keyword), identity[tag]) for level, keyword, tag in _LEVELS]
    said.append(("SOPInstanceUID", getattr(record, "sop_instance_uid", ""), identity[tags.SOP_INSTANCE_UID]))
    differences = [
        f"{keyword} is {ours!r}, in the file {theirs!r}" for keyword, ours, theirs in said if ours and ours != theirs
    ]
    return f"in the DICOMDIR {'; '.join(differences)}" if differences else ""


def require_agreement(record: Any, identity: Mapping[int, str]) -> None:
    """Raise `UnsendableError` if a record and its file disagree: new values must not go to the wrong patient."""
    difference = disagreement(record, identity)
    if difference:
        raise UnsendableError(
            f"{difference}; whose it is is unclear, so it gets no new values and stays here. --scan goes by the files alone"
        )


def same_bytes(one: PayloadSource, other: PayloadSource) -> bool:
    """Return whether two files hold the same bytes."""
    with one.open() as first, other.open() as second:
        while chunk := first.read(CHUNK):
            if second.read(CHUNK) != chunk:
                return False
        return not second.read(1)


def _value(holder: Any, keyword: str) -> str:
    value = holder.get(keyword) if holder is not None else None
    return "" if value is None else str(value).strip()
