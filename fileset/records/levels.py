"""The patient, study and series values of a file, for three records (PS3.3 F.5.1 to F.5.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from fileset.dicom.character_sets import TEXT_VRS, UNDECLARED, guess, is_known, needs_character_set
from fileset.dicom.header import HeaderError
from fileset.dicom.values import FALLBACK_TAGS, canonical, fallback_date, fallback_time
from fileset.part10.values import uid_fault
from fileset.records.element_rules import key_value
from fileset.standard import tags

Notes = tuple[tuple[str, str], ...]
"""(rule, message) of each finding."""


class Chain(NamedTuple):
    """Patient, study and series values in the form of records, without padding; b"" if the file has none.

    `character_set` is b"" if no text needs one. `fallback_date` and `fallback_time` replace a missing study date or time,
    and are b"" otherwise. `extra` are optional keys: the record type that holds each, and its value, b"" only for
    a Type 2 key. `birth_date` and `sex` distinguish persons with one Patient ID.
    """

    patient_id: bytes
    patient_name: bytes
    study_uid: bytes
    study_date: bytes
    study_time: bytes
    study_description: bytes
    study_id: bytes
    accession_number: bytes
    series_uid: bytes
    modality: bytes
    series_number: bytes
    character_set: bytes = b""
    fallback_date: bytes = b""
    fallback_time: bytes = b""
    notes: Notes = ()
    extra: tuple[tuple[str, Field, bytes], ...] = ()
    birth_date: bytes = b""
    sex: bytes = b""


class Field(NamedTuple):
    """One key of a PATIENT, STUDY or SERIES record; `name` is the field of `Chain` that holds its value."""

    name: str
    keyword: str
    tag: int
    vr: str
    type: str

    @property
    def label(self) -> str:
        """Keyword and tag, for messages."""
        return f"{self.keyword} {tags.text(self.tag)}"


class IdentityKey(NamedTuple):
    """A key that says whose instance a file is: the record type that holds it, and the rule for different values.

    `name` is the field of `Chain`; `level` is "" for the instance itself.
    """

    name: str
    level: str
    keyword: str
    tag: int
    rule: str


IDENTITY: Final = (
    IdentityKey("patient_id", "PATIENT", "PatientID", tags.PATIENT_ID, "FS-KEY-DIFFERS"),
    IdentityKey("study_uid", "STUDY", "StudyInstanceUID", tags.STUDY_INSTANCE_UID, "FS-UID-DIFFERS"),
    IdentityKey("series_uid", "SERIES", "SeriesInstanceUID", tags.SERIES_INSTANCE_UID, "FS-UID-DIFFERS"),
    IdentityKey("sop_instance_uid", "", "SOPInstanceUID", tags.SOP_INSTANCE_UID, "FS-UID-DIFFERS"),
)
"""Different values in record and file mean another patient, study, series or instance (PS3.3 F.5.1 to F.5.3)."""

FIELDS: Final[dict[str, tuple[Field, ...]]] = {
    "PATIENT": (
        Field("patient_name", "PatientName", tags.PATIENT_NAME, "PN", "2"),
        Field("patient_id", "PatientID", tags.PATIENT_ID, "LO", "1"),
    ),
    "STUDY": (
        Field("study_date", "StudyDate", tags.STUDY_DATE, "DA", "1"),
        Field("study_time", "StudyTime", tags.STUDY_TIME, "TM", "1"),
        Field("accession_number", "AccessionNumber", tags.ACCESSION_NUMBER, "SH", "2"),
        Field("study_description", "StudyDescription", tags.STUDY_DESCRIPTION, "LO", "2"),
        Field("study_uid", "StudyInstanceUID", tags.STUDY_INSTANCE_UID, "UI", "1"),
        Field("study_id", "StudyID", tags.STUDY_ID, "SH", "1"),
    ),
    "SERIES": (
        Field("modality", "Modality", tags.MODALITY, "CS", "1"),
        Field("series_uid", "SeriesInstanceUID", tags.SERIES_INSTANCE_UID, "UI", "1"),
        Field("series_number", "SeriesNumber", tags.SERIES_NUMBER, "IS", "1"),
    ),
}
"""The keys of the records above the instances, in order of tag (PS3.3 F.5.1 to F.5.3)."""

LEVELS: Final = ("PATIENT", "STUDY", "SERIES")
_OF_NAME: Final = {field.name: field for level in LEVELS for field in FIELDS[level]}
_IN_ORDER: Final = tuple(_OF_NAME[name] for name in Chain._fields[:11])
_TAGS: Final = (
    *(field.tag for field in _IN_ORDER),
    *(tags.SPECIFIC_CHARACTER_SET, tags.PATIENT_BIRTH_DATE, tags.PATIENT_SEX),
)

CHAIN_TAGS: Final = frozenset(_TAGS) | FALLBACK_TAGS
_UIDS: Final = {
    "STUDY": ("study_uid", "Study Instance UID (0020,000D)"),
    "SERIES": ("series_uid", "Series Instance UID (0020,000E)"),
}


MOST_CHAINS: Final = 4096
"""Limit of the cache of a reader, in series."""


class ChainReader:
    """Reads chains; files with equal values share one.

    `complete`: every Type 1 key must have a value. `valid_uids`: UIDs must be valid (PS3.5 9.1). `optional`: by record type, the keys that records
    hold beside `FIELDS`.
    """

    def __init__(self, *, complete: bool, valid_uids: bool, optional: Mapping[str, Sequence[Field]]) -> None:
        self._complete = complete
        self._valid_uids = valid_uids
        self._optional = {
            level: tuple((above, row) for above in LEVELS[: LEVELS.index(level) + 1] for row in optional.get(above, ()))
            for level in LEVELS
        }
        self._tags = (*_TAGS, *(row.tag for _, row in self._optional["SERIES"]))
        self._known: dict[tuple[bytes | None, ...], Chain] = {}

    def chain(self, values: dict[int, bytes], level: str) -> Chain:
        """Return the chain down to `level`, one of `LEVELS`.

        Raises `HeaderError` if Study or Series Instance UID is missing or not allowed.
        """
        raw = (level, *map(values.get, self._tags))
        known = self._known.get(raw)  # type: ignore[arg-type]
        if known is None:
            known = _chain(values, level, self._optional[level])
            if self._complete:
                require_complete(known, level)
            for field, name in _UIDS.values():
                if self._valid_uids:
                    require_valid_uid(name, getattr(known, field))
                known = known._replace(notes=known.notes + uid_notes(name, getattr(known, field)))
            if not known.fallback_date and not known.fallback_time:
                if len(self._known) >= MOST_CHAINS:
                    self._known.clear()
                self._known[raw] = known  # type: ignore[index]
        return known


def _chain(values: dict[int, bytes], level: str, optional: Sequence[tuple[str, Field]]) -> Chain:
    depth = LEVELS.index(level)
    declared = canonical("CS", values.get(tags.SPECIFIC_CHARACTER_SET, b""))
    held, value_notes = _canonical_values(values, depth, declared.decode("ascii"))
    chain = Chain(*held)  # type: ignore[arg-type]
    if depth < 2:
        chain = chain._replace(series_uid=b"", modality=b"", series_number=b"")
    if depth < 1:
        chain = chain._replace(**dict.fromkeys(Chain._fields[2:8], b""))  # type: ignore[arg-type]
    for wanted in LEVELS[1 : depth + 1]:
        field, name = _UIDS[wanted]
        if not getattr(chain, field):
            raise HeaderError("FS-KEY-UID-MISSING", f"no valid {name}")
    extra, left_out = _extra(values, optional, declared.decode("ascii"))
    text = [chain.patient_id, chain.patient_name, chain.study_description, chain.study_id, chain.accession_number]
    text += [value for _, row, value in extra if row.vr in TEXT_VRS]
    character_set, notes = record_character_set(declared, text)
    return chain._replace(
        character_set=character_set,
        fallback_date=b"" if chain.study_date or not depth else fallback_date(values),
        fallback_time=b"" if chain.study_time or not depth else fallback_time(values),
        notes=value_notes + left_out + notes,
        extra=extra,
        birth_date=canonical("DA", values.get(tags.PATIENT_BIRTH_DATE, b"")),
        sex=canonical("CS", values.get(tags.PATIENT_SEX, b"")),
    )


def _extra(
    values: dict[int, bytes], optional: Sequence[tuple[str, Field]], character_set: str
) -> tuple[tuple[tuple[str, Field, bytes], ...], Notes]:
    """Find the optional keys that have a value or must be there without one, and the invalid ones, which are left out."""
    found, notes = [], []
    for level, row in optional:
        value, note = key_value(row.tag, row.vr, values.get(row.tag, b""), character_set, is_optional=True)
        if value or row.type == "2":
            found.append((level, row, value))
        if note:
            notes.append(note)
    return tuple(found), tuple(notes)


def _canonical_values(values: dict[int, bytes], depth: int, character_set: str) -> tuple[list[bytes], Notes]:
    """Return the values of a chain in order, and notes on those down to `depth`."""
    wanted = {field.name for level in LEVELS[: depth + 1] for field in FIELDS[level]}
    canonical_values, notes = [], []
    for field in _IN_ORDER:
        value, note = key_value(field.tag, field.vr, values.get(field.tag, b""), character_set)
        canonical_values.append(value)
        if note is None or field.name not in wanted:
            continue
        if field.name == "patient_id" and note[0] == "FS-KEY-NORMALISED":
            # The removed characters could be the difference between two people.
            raise HeaderError("FS-KEY-FORM", f"{field.label} holds control characters")
        notes.append(note)
    return canonical_values, tuple(notes)


def record_character_set(declared: bytes, text: Sequence[bytes]) -> tuple[bytes, Notes]:
    """Choose the Specific Character Set for a record with these text values (PS3.5 6.1.2, PS3.3 F.5).

    It is that of the file, b"" if none is needed, or a guess if the file declares none or an unknown one.
    """
    extended = [value for value in text if needs_character_set(value)]
    if not extended:
        return b"", ()
    name = declared.decode("ascii", "replace")
    if name not in UNDECLARED and is_known(name):
        return declared, ()
    guessed = guess(b"".join(extended))
    reason = "no character set declared" if name in UNDECLARED else f"unknown character set {name!r}"
    return guessed.encode("ascii"), (("FS-CHARSET-GUESSED", f"{reason}: text read as {guessed}"),)


def uid_notes(name: str, uid: bytes) -> Notes:
    """Make a note on a UID that is not valid (PS3.5 9.1) but is accepted: digits and dots, at most 64 of them."""
    if not uid or not (found := uid_fault(uid)):
        return ()
    rule, problem = found
    return ((rule, f"{name} {uid.decode('ascii', 'replace')} {problem}; it is accepted"),)


def require_valid_uid(name: str, uid: bytes) -> None:
    """Raise `HeaderError` if a UID is not valid (PS3.5 9.1).

    Valid are numbers without leading zeros, at most 64 characters, under an arc that exists (ISO/IEC 9834-1: 0.0 to 0.5,
    0.9, 1.0 to 1.3, or 2). An empty UID passes.
    """
    if uid and (found := uid_fault(uid)):
        rule, problem = found
        raise HeaderError(rule, f"{name} {uid.decode('ascii', 'replace')} {problem}")


def require_complete(chain: Chain, level: str) -> None:
    """Raise `HeaderError` if a Type 1 key of a record down to `level` has no value."""
    for name in LEVELS[: LEVELS.index(level) + 1]:
        for field in FIELDS[name]:
            if field.type == "1" and not getattr(chain, field.name):
                raise HeaderError("FS-KEY-TYPE1-MISSING", f"Type 1 key {field.label} of the {name} record has no value")
