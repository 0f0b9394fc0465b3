"""Patients, studies and series while the tree of a directory is built: their keys, their values, and their order."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Final

from fileset.dicom.character_sets import decode
from fileset.dicom.values import identifier_of, number_of
from fileset.records.arranged import Order
from fileset.records.levels import Field
from fileset.records.person import Person

PERSON: Final = "\0person "
"""Separator in keys of the tree, between a Patient ID and the number of a further person with this ID."""
APART: Final = b"\0below "
"""Separator in keys of the tree, between the UID of a study or series and the key of its patient.

Used if the old directory has the study or series below another patient, or twice."""


class OldRecords:
    """The old records of a directory to which instances are added. This base class has none, for a new file-set."""

    def patient_of(self, study_uid: bytes) -> bytes | str | None:  # noqa: ARG002
        """Return the decoded Patient ID of a study, the study's own UID if the patient has none, None if it is new."""
        return None

    def patients_of(self, study_uid: bytes) -> list[bytes | str]:  # noqa: ARG002
        """Return the same for each record of a study: some writers put a study below two patients."""
        return []

    def study_of(self, series_uid: bytes) -> bytes | None:  # noqa: ARG002
        """Return the Study Instance UID that a series belongs to, None if it is new."""
        return None

    def texts(self, level: str, key: bytes | str, optional: Iterable[Field]) -> Mapping[str, str] | None:  # noqa: ARG002
        """Return the decoded keys, by field, of the record of a patient, study or series; None if it is new.

        `optional`: the keys that count only if the record has them.
        """
        return None

    def persons(self, key: bytes | str) -> list[Person]:  # noqa: ARG002
        """Return the person of each record with a Patient ID."""
        return []

    def holds(self, level: str, key: bytes | str) -> bool:  # noqa: ARG002
        """Return whether there is a record of a patient, study or series."""
        return False

    def stays(self, level: str, key: bytes | str) -> bool:  # noqa: ARG002
        """Return whether the record of a patient, study or series is correct and can stay byte for byte."""
        return True

    def confirms(self, level: str, key: bytes | str, field: Field) -> bool:  # noqa: ARG002
        """Return whether a kept file confirms the value of a field in the record of a patient, study or series."""
        return False

    def is_renewed(self, level: str, key: bytes | str) -> bool:  # noqa: ARG002
        """Return whether all files below a patient, study or series are read again, so that no value stays that they lack."""
        return False

    def series_numbers(self, study_uid: bytes) -> set[bytes]:  # noqa: ARG002
        """Return the Series Numbers that are taken in a study."""
        return set()

    def instance_numbers(self, series_uid: bytes) -> set[int]:  # noqa: ARG002
        """Return the Instance Numbers that are taken in a series."""
        return set()


class Entity:
    """A patient, study or series, and the records below it."""

    __slots__ = ("children", "extra", "instances", "key", "others", "record_type", "source", "values")

    def __init__(self, record_type: str, key: bytes | str, source: int) -> None:
        self.record_type = record_type
        self.key = key
        self.source = source
        self.children: dict[bytes | str, Entity] = {}
        self.instances = array("I")  # by their indexes in the columns
        self.values: dict[str, tuple[bytes, str]] = {}  # field -> value and its character set
        self.extra: dict[int, Field] = {}  # optional keys by tag
        self.others: dict[str, set[str]] = {}  # field -> further values that contradict the first

    def text(self, name: str, vr: str = "") -> str:
        """Decode the value of a field of this VR, "" if it has none."""
        value, character_set = self.values.get(name, (b"", ""))
        return decode(value, character_set, vr)


def patient_id_of(key: bytes | str) -> bytes | str:
    """Return the Patient ID in the key of a patient."""
    return key.partition(PERSON)[0] if isinstance(key, str) else key


def uid_of(key: bytes | str) -> str:
    """Return the UID in the key of a study or series."""
    return key_bytes(key).partition(APART)[0].decode("ascii", "replace")


def shown_key(key: bytes | str) -> str:
    """Format a Patient ID for a message, "none" for a patient without one."""
    return repr(key) if isinstance(key, str) else "none"


def invented_patient_id(key: bytes | str) -> bytes:
    """Derive a Patient ID for a patient without one, from the UID of the study."""
    return b"NOID" + identifier_of(key_bytes(key), 12)


def key_bytes(key: bytes | str) -> bytes:
    """Encode a key."""
    return key if isinstance(key, bytes) else key.encode()


# ---------------------------------------------------------------- the order among siblings


def by_patient_id(patient: Entity) -> tuple[int, str]:
    """Return the place of a patient among the others."""
    return 0, patient.text("patient_id") or _patient_id_without_files(patient.key)


def _patient_id_without_files(key: bytes | str) -> str:
    """Find the Patient ID of the old record to which files without one belong, or invent one."""
    known = patient_id_of(key)
    return known if isinstance(known, str) else invented_patient_id(known).decode("ascii")


def by_date(study: Entity) -> Order:
    """Return the place of a study among those of its patient: by date and time, then by UID."""
    values = study.values
    date = values.get("study_date") or values.get("fallback_study_date") or (b"", "")
    time = values.get("study_time") or values.get("fallback_study_time") or (b"", "")
    return 0, date[0], time[0], study.key


def by_number(series: Entity) -> Order:
    """Return the place of a series in its study: by number, then by UID."""
    value = series.values.get("series_number")
    return 0, int(value[0]) if value else number_of(key_bytes(series.key)), series.key
