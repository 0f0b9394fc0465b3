"""Choose the rows and columns of a table from the records of a DICOMDIR."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from fileset.dicomdir.read.directory import Contents, conditions
from fileset.dicomdir.read.query import ALIASES, COUNTS, MODALITIES, attribute
from fileset.errors import require_one_of
from fileset.records.levels import LEVELS
from fileset.standard.dictionary import vr_of
from fileset.tables.columns import Column, decode_columns
from fileset.tables.table import Table

IMAGE: Final = "IMAGE"
"""The level of all records that reference a file, whatever their type."""
TableLevel = Literal["PATIENT", "STUDY", "SERIES", "IMAGE"]
TABLE_LEVELS: Final = (*LEVELS, IMAGE)

_PATIENT: Final = ("PatientID", "PatientName")
_STUDY: Final = ("StudyInstanceUID", "StudyDate", "StudyTime", "StudyDescription", "AccessionNumber", "StudyID")
_SERIES: Final = ("SeriesInstanceUID", "Modality", "SeriesNumber")
_DEFAULTS: Final[dict[str, tuple[str, ...]]] = {
    "PATIENT": (*_PATIENT, "NumberOfPatientRelatedStudies", "NumberOfPatientRelatedInstances"),
    "STUDY": (*_PATIENT, *_STUDY, "ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"),
    "SERIES": (*_PATIENT, *_STUDY, *_SERIES, "NumberOfSeriesRelatedInstances"),
    IMAGE: (
        *_PATIENT,
        *_STUDY,
        *_SERIES,
        "InstanceNumber",
        "SOPClassUID",
        "SOPInstanceUID",
        "TransferSyntaxUID",
        "FileID",
    ),
}


def default_columns(level: str) -> tuple[str, ...]:
    """Return the default columns of a table of `level`."""
    return _DEFAULTS[level]


def select(
    contents: Contents,
    level: str = IMAGE,
    columns: Sequence[str] | None = None,
    keys: Mapping[str, object] | None = None,
) -> Table:
    """Make a table of the records of `level` that match `keys`, as `Reader.find` matches them.

    Raises `RuleError` for an unknown level, a column that is not an attribute, and as `Reader.find`.
    """
    require_one_of("level", level, TABLE_LEVELS)
    names = tuple(dict.fromkeys(default_columns(level) if columns is None else columns))
    tag_of = {name: attribute(name) for name in names}
    wanted = None if level == IMAGE else level
    records = list(contents.holding(wanted, conditions(keys or {})))
    plain = [name for name in names if name not in COUNTS and name != MODALITIES]
    found = dict(zip(plain, decode_columns(contents, records, [tag_of[name] for name in plain]), strict=True))
    for name in names:
        if name not in found:
            found[name] = _computed(contents, records, name)
    return Table(level, {name: found[name] for name in names}, {name: _vr(name, tag_of[name]) for name in names})


def _vr(name: str, tag: int) -> str:
    return "UT" if tag == ALIASES["FileID"] else "IS" if name in COUNTS else vr_of(tag)


def _computed(contents: Contents, records: Sequence[int], name: str) -> Column:
    """Compute a column: the number of records below each record, or the modalities of each study."""
    if name == MODALITIES:
        values = _modalities(contents)
        return [values.get(contents.at_level(index, "STUDY")) for index in records]
    holder, counted = COUNTS[name]
    counts = Counter(contents.at_level(index, holder) for index in contents.find(counted, ()))
    return [counts[contents.at_level(index, holder)] for index in records]


def _modalities(contents: Contents) -> dict[int, Any]:
    series = list(contents.find("SERIES", ()))
    (column,) = decode_columns(contents, series, [attribute("Modality")])
    found: dict[int, dict[str, None]] = {}
    for index, modality in zip(series, column, strict=True):
        if modality:
            found.setdefault(contents.at_level(index, "STUDY"), {})[str(modality)] = None
    return {study: sorted(names) if len(names) > 1 else next(iter(names)) for study, names in found.items()}
