"""What a file says of its patient, study and series: the values of three records (PS3.3 F.5.1 to F.5.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from fileset.dicom.character_sets import guess, is_known, needs_character_set
from fileset.dicom.header import HeaderError
from fileset.dicom.values import FALLBACK_TAGS, canonical, fallback_date, fallback_time, noted
from fileset.standard import tags

Notes = tuple[tuple[str, str], ...]
"""(rule, message) of what was made good on the way."""


class Chain(NamedTuple):
    """The values as records hold them, without padding; b"" where the file has none.

    `character_set` is b"" when no text needs one. `fallback_date` and `fallback_time` stand in for those of a
    study that has none, and are b"" otherwise.
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
        return f"{self.keyword} ({self.tag >> 16:04X},{self.tag & 0xFFFF:04X})"


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
"""What the records above the instances hold, in order of tag (PS3.3 F.5.1 to F.5.3)."""

LEVELS: Final = ("PATIENT", "STUDY", "SERIES")
_OF_NAME: Final = {field.name: field for level in LEVELS for field in FIELDS[level]}
_IN_ORDER: Final = tuple(_OF_NAME[name] for name in Chain._fields[:11])
_TAGS: Final = (*(field.tag for field in _IN_ORDER), tags.SPECIFIC_CHARACTER_SET)

CHAIN_TAGS: Final = frozenset(_TAGS) | FALLBACK_TAGS
_UIDS: Final = {
    "STUDY": ("study_uid", "Study Instance UID (0020,000D)"),
    "SERIES": ("series_uid", "Series Instance UID (0020,000E)"),
}


class ChainReader:
    """Makes chains, one for all the files that say the same.

    `complete`: every Type 1 key must have a value. `valid_uids`: UIDs must keep the rules of PS3.5 9.1.
    """

    def __init__(self, *, complete: bool, valid_uids: bool) -> None:
        self._complete = complete
        self._valid_uids = valid_uids
        self._known: dict[tuple[bytes | None, ...], Chain] = {}

    def chain(self, values: dict[int, bytes], level: str) -> Chain:
        """The chain down to `level`, one of `LEVELS`.

        Raises `HeaderError` if a UID that identifies the study or the series is missing or not allowed.
        """
        raw = (level, *map(values.get, _TAGS))
        known = self._known.get(raw)  # type: ignore[arg-type]
        if known is None:
            known = _chain(values, level)
            if self._complete:
                require_complete(known, level)
            if self._valid_uids:
                for field, name in _UIDS.values():
                    require_valid_uid(name, getattr(known, field))
            if not known.fallback_date and not known.fallback_time:
                self._known[raw] = known  # type: ignore[index]
        return known


def _chain(values: dict[int, bytes], level: str) -> Chain:
    depth = LEVELS.index(level)
    declared = canonical("CS", values.get(tags.SPECIFIC_CHARACTER_SET, b""))
    held, said = _held(values, depth, declared.decode("ascii"))
    chain = Chain(*held)  # type: ignore[arg-type]
    if depth < 2:
        chain = chain._replace(series_uid=b"", modality=b"", series_number=b"")
    if depth < 1:
        chain = chain._replace(**dict.fromkeys(Chain._fields[2:8], b""))  # type: ignore[arg-type]
    for wanted in LEVELS[1 : depth + 1]:
        field, name = _UIDS[wanted]
        if not getattr(chain, field):
            raise HeaderError("FS-KEY-UID-MISSING", f"no valid {name}")
    text = (chain.patient_id, chain.patient_name, chain.study_description, chain.study_id, chain.accession_number)
    character_set, notes = record_character_set(declared, text)
    return chain._replace(
        character_set=character_set,
        fallback_date=b"" if chain.study_date or not depth else fallback_date(values),
        fallback_time=b"" if chain.study_time or not depth else fallback_time(values),
        notes=said + notes,
    )


def _held(values: dict[int, bytes], depth: int, character_set: str) -> tuple[list[bytes], Notes]:
    """The values of a chain in order, and what there is to say of those down to `depth`."""
    wanted = {field.name for level in LEVELS[: depth + 1] for field in FIELDS[level]}
    held, notes = [], []
    for field in _IN_ORDER:
        value, note = noted(field.label, field.vr, values.get(field.tag, b""), character_set)
        held.append(value)
        if note is None or field.name not in wanted:
            continue
        if field.name == "patient_id" and note[0] == "FS-KEY-NORMALISED":
            # What is taken away could be what tells two people apart.
            raise HeaderError("FS-KEY-FORM", f"{field.label} holds control characters")
        notes.append(note)
    return held, tuple(notes)


def record_character_set(declared: bytes, text: Sequence[bytes]) -> tuple[bytes, Notes]:
    """The Specific Character Set that a record with these text values must name: the file's own, b"" if none is
    needed, a guess where the file names none or one that does not exist (PS3.5 6.1.2, PS3.3 F.5).
    """
    beyond = [value for value in text if needs_character_set(value)]
    if not beyond:
        return b"", ()
    if declared and is_known(declared.decode("ascii", "replace")):
        return declared, ()
    guessed = guess(b"".join(beyond))
    said = f"unknown character set {declared.decode('ascii', 'replace')!r}" if declared else "no character set declared"
    return guessed.encode("ascii"), (("FS-CHARSET-GUESSED", f"{said}: text taken as {guessed}"),)


UID_FORM: Final = rb"(?:0\.[0-59]|1\.[0-3]|2\.(?:0|[1-9]\d*))(?:\.(?:0|[1-9]\d*))*"
"""A regular expression for the numbers of a UID (PS3.5 9.1), which may be no more than 64 bytes."""
_VALID_UID: Final = re.compile(rb"(?=.{1,64}\Z)" + UID_FORM).fullmatch


def require_valid_uid(name: str, uid: bytes) -> None:
    """Raise `HeaderError` if `uid` is there but breaks the rules of PS3.5 9.1: numbers without leading zeros, at
    most 64 characters, under an arc that exists (ISO/IEC 9834-1: 0.0 to 0.5, 0.9, 1.0 to 1.3, or 2).
    """
    if uid and not _VALID_UID(uid):
        shown = uid.decode("ascii", "replace")
        raise HeaderError(
            "FS-UID-INVALID", f"{name} {shown} is no valid UID (PS3.5 9.1); --invalid-uid accept takes it"
        )


def require_complete(chain: Chain, level: str) -> None:
    """Raise `HeaderError` if a Type 1 key of a record down to `level` has no value."""
    for above in LEVELS[: LEVELS.index(level) + 1]:
        for field in FIELDS[above]:
            if field.type == "1" and not getattr(chain, field.name):
                raise HeaderError(
                    "FS-KEY-TYPE1-MISSING", f"Type 1 key {field.label} of the {above} record has no value"
                )
