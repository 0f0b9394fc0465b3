"""Values from the DICOM files, for columns that a DICOMDIR does not have."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fileset.errors import FilesetError
from fileset.plan.instances import InstanceRecord
from fileset.plan.record_agreement import IDENTIFYING, disagreements, other_person
from fileset.standard.dictionary import tag_of
from fileset.tables.table import Table

if TYPE_CHECKING:
    from pydicom import Dataset


def complete(
    table: Table, records: Sequence[InstanceRecord | None], names: Iterable[str], problems: list[str]
) -> Table:
    """Fill the columns `names` of a table from the files of its rows; `records` has one record for each row.

    The value of the DICOMDIR stays if a file lacks the attribute or cannot be read. `problems` receives a sentence for
    each file that cannot be read, or names another patient or instance than its record.
    """
    wanted = [name for name in names if name in table.columns and _in_files(name)]
    columns = {name: list(column) for name, column in table.columns.items()}
    for row, record in enumerate(records):
        header = None if record is None else header_of(record, problems, [*wanted, *IDENTIFYING])
        if record is None or header is None:
            continue
        problems += _contradictions(record, header)
        for name in wanted:
            if name in header:
                columns[name][row] = plain(header[name].value)
    return Table(table.level, columns, table.vrs)


def _contradictions(record: InstanceRecord, header: Dataset) -> Iterator[str]:
    """Describe each key in which a file names another patient, study, series or instance than its record."""
    differing = list(disagreements(record, header.get))
    for row, in_record, in_file in differing:
        yield f"{record.file_id}: {row.keyword} is {in_record} in the record, {in_file} in the file: the file is shown"
    if not differing and record.patient and (problem := other_person(record.patient.get, header.get)):
        yield f"{record.file_id}: {problem}: the file is shown"


def _in_files(name: str) -> bool:
    """Check whether files have this attribute, and not only directory records."""
    tag = tag_of(name)
    return tag is not None and tag >> 16 != 0x0004


def header_of(record: InstanceRecord, problems: list[str], names: Sequence[str]) -> Dataset | None:
    """Read the attributes `names` of a file, without its pixels; None if it cannot be read."""
    import pydicom

    try:
        with record.open() as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tags = list(filter(None, map(tag_of, names)))
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=tags)
            header.decode()
            return header
    except FilesetError as problem:
        problems.append(str(problem))
    except pydicom.errors.InvalidDicomError:  # its message advises an option of pydicom
        problems.append(f"{record.file_id}: not a DICOM file")
    except Exception as problem:  # noqa: BLE001  # pydicom raises nearly anything on damaged input
        problems.append(f"{record.file_id}: not readable as DICOM: {problem}")
    return None


def plain(value: Any) -> Any:
    """Convert a value of pydicom to the form of `Record.get`: str, int, float, bytes, a list of these, or None."""
    from pydicom.dataset import Dataset
    from pydicom.valuerep import PersonName

    if isinstance(value, Dataset):
        return {_name(element): plain(element.value) for element in value}
    if value is None or isinstance(value, bytes):
        return value or None
    if isinstance(value, str | PersonName) or not hasattr(value, "__iter__"):
        return _number(value)
    values = [plain(one) for one in value]
    return None if not values else values[0] if len(values) == 1 and not isinstance(values[0], dict) else values


def _number(value: Any) -> Any:
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value)
    return str(value) or None


def _name(element: Any) -> str:
    return element.keyword or f"{int(element.tag):08X}"
