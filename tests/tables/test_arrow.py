"""Tables as Arrow: types by VR, missing values, and no library that is not needed."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, time
from typing import Any

import pytest

from fileset.tables.table import Table

pa = pytest.importorskip("pyarrow")

VRS = {"PatientName": "PN", "StudyDate": "DA", "StudyTime": "TM", "SeriesNumber": "IS", "SliceLocation": "DS"}
COLUMNS: dict[str, list[Any]] = {
    "PatientName": ["Doe^Jane", None, "Müller^Änne", "", *["山田^太郎"] * 8],
    "StudyDate": ["20240229", None, "1969.12.31", *[None] * 9],
    "StudyTime": ["235959.000001", None, "07", "0715", *[None] * 8],
    "SeriesNumber": [-1, None, 2**40, *[7] * 9],
    "SliceLocation": [1.5, None, -0.25, 3, *[None] * 8],
}


def test_columns_have_the_types_of_their_vrs_and_null_where_there_is_no_value() -> None:
    table = Table("STUDY", COLUMNS, VRS).to_arrow()
    table.validate(full=True)
    assert list(map(str, table.schema.types)) == ["string", "date32[day]", "time64[us]", "int64", "double"]
    found = table.to_pydict()
    assert found["PatientName"] == COLUMNS["PatientName"]
    assert found["StudyDate"][:4] == [date(2024, 2, 29), None, date(1969, 12, 31), None]
    assert found["StudyTime"][:5] == [time(23, 59, 59, 1), None, time(7), time(7, 15), None]
    assert found["SeriesNumber"] == COLUMNS["SeriesNumber"]
    assert found["SliceLocation"] == COLUMNS["SliceLocation"]


@pytest.mark.parametrize(
    ("name", "value"), [("StudyDate", "20240230"), ("StudyTime", "2460"), ("SeriesNumber", 1 << 64)]
)
def test_a_column_with_a_value_that_its_type_cannot_hold_is_text(name: str, value: str | int) -> None:
    column = Table("STUDY", {name: [value, None]}, VRS).to_arrow()[name]
    assert column.to_pylist() == [str(value), None]


def test_the_conversion_needs_neither_pandas_nor_pydicom() -> None:
    code = (
        "import sys; from fileset.tables.table import Table; "
        "Table('IMAGE', {'PatientID': ['1'], 'StudyDate': ['20240101'], 'SOPClassUID': ['1.2'], 'FileID': ['A/B']}, "
        "{'PatientID': 'LO', 'StudyDate': 'DA', 'SOPClassUID': 'UI', 'FileID': 'UT'}).to_arrow(); "
        "print('pandas' in sys.modules, 'pydicom' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
