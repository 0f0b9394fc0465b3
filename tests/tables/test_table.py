"""Tables of records: the right values, the same as by single look-ups, also in other libraries."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pydicom
import pytest

import fileset
from fileset.reader import Reader
from fileset.tables import Table, default_columns
from fileset.tables.dicom_json import attribute, dicom_json
from fileset.tables.select import TableLevel
from fileset.tables.text import cell, csv_lines
from tests.support import synthetic

SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests"
LEVELS = ("PATIENT", "STUDY", "SERIES", "IMAGE")
DICOMDIRS = sorted(path.name for path in SHIPPED.glob("DICOMDIR*"))


def looked_up(record: Any, name: str) -> Any:
    """The value of a key one look-up at a time: the record's own, else that of the nearest record above it."""
    while record is not None:
        if (value := record.get(name, ...)) is not ...:
            return "/".join(value) if name == "FileID" and isinstance(value, list) else value
        record = record.parent if name != "FileID" else None
    return None


@pytest.fixture
def reader() -> Any:
    with Reader(SHIPPED) as opened:
        yield opened


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", DICOMDIRS)
def test_every_cell_is_the_value_of_the_record_for_its_key(name: str, level: TableLevel) -> None:
    columns = ["PatientName", "PatientID", "StudyDate", "Modality", "SeriesNumber", "InstanceNumber", "SOPInstanceUID"]
    columns += ["FileID", "ImageType", "SpecificCharacterSet", "DirectoryRecordType", "IconImageSequence"]
    with Reader(SHIPPED / name) as opened:
        table = opened.table(level, columns)
        records = list(opened.find(None if level == "IMAGE" else level))
        expected = [{column: looked_up(record, column) for column in columns} for record in records]
    assert list(table) == expected


def test_text_in_other_alphabets_is_that_of_the_record(tmp_path: Path) -> None:
    charsets = ["ISO_IR 192", "ISO_IR 144", "ISO_IR 100", "ISO 2022 IR 87"]
    for number, charset in enumerate(charsets, 1):
        dataset = synthetic.instance("1.2.840.10008.5.1.4.1.1.2", patient=number, charset=charset)
        synthetic.write(dataset, tmp_path / f"F{number}")
    fileset.index(tmp_path)
    with Reader(tmp_path) as opened:
        names = opened.table("IMAGE", ["PatientName"])["PatientName"]
    assert sorted(names) == sorted(synthetic.NAMES[charset] for charset in charsets)


def test_records_below_are_counted(reader: Reader) -> None:
    table = reader.table("STUDY", ["NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances", "ModalitiesInStudy"])
    for row, study in zip(table, reader.find("STUDY"), strict=True):
        below = list(study.children)
        assert row["NumberOfStudyRelatedSeries"] == len(below)
        assert row["NumberOfStudyRelatedInstances"] == sum(len(list(series.children)) for series in below)
        modalities = row["ModalitiesInStudy"]
        assert set(modalities if isinstance(modalities, list) else [modalities]) == {one["Modality"] for one in below}


def test_the_rows_are_the_records_that_find_returns(reader: Reader) -> None:
    table = reader.table("IMAGE", ["SOPInstanceUID"], Modality="CT")
    assert table["SOPInstanceUID"] == [record.sop_instance_uid for record in reader.find(Modality="CT")]
    assert 0 < len(table) < len(reader.table())


@pytest.mark.parametrize("level", LEVELS)
def test_the_default_columns_identify_a_record(reader: Reader, level: TableLevel) -> None:
    table = reader.table(level)
    assert tuple(table.columns) == default_columns(level)
    assert all(any(value is not None for value in column) for name, column in table.columns.items() if "UID" in name)


@pytest.mark.parametrize(("level", "columns"), [("FRAME", None), ("IMAGE", ["PatientsName"])])
def test_another_level_or_column_is_refused(reader: Reader, level: str, columns: list[str] | None) -> None:
    with pytest.raises(fileset.RuleError):
        reader.table(level, columns)  # type: ignore[arg-type]


def test_a_table_is_a_sequence_of_rows(reader: Reader) -> None:
    table = reader.table("SERIES", ["PatientID", "Modality"])
    assert table[0] == {"PatientID": table["PatientID"][0], "Modality": table["Modality"][0]}
    assert isinstance(table[1:3], Table)
    assert list(table[1:3]) == list(table)[1:3]
    assert repr(table) == f"<{len(table)} rows of level SERIES: PatientID, Modality>"
    assert table._repr_html_().count("<tr>") == 1 + min(10, len(table))


def test_html_of_a_hostile_name_runs_nothing() -> None:
    table = Table("PATIENT", {"PatientName": ["<script>alert(1)</script>"]}, {"PatientName": "PN"})
    assert "<script" not in table._repr_html_()


# ---------------------------------------------------------------- Arrow


def test_pandas_polars_pyarrow_and_duckdb_take_a_table_with_the_right_types(reader: Reader) -> None:
    pa, polars = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    pandas, duckdb = pytest.importorskip("pandas"), pytest.importorskip("duckdb")
    rows = reader.table("IMAGE", ["PatientID", "StudyDate", "StudyTime", "InstanceNumber"])
    arrow = pa.table(rows)
    assert arrow.schema.types == [pa.string(), pa.date32(), pa.time64("us"), pa.int64()]
    assert arrow.column("StudyDate")[0].as_py().strftime("%Y%m%d") == rows[0]["StudyDate"]
    assert polars.DataFrame(rows).height == len(rows)
    assert len(pandas.DataFrame.from_arrow(rows)) == len(rows)
    assert duckdb.sql("select count(distinct PatientID) from rows").fetchall() == [(len(set(rows["PatientID"])),)]
    assert duckdb.sql("select max(InstanceNumber) from rows").fetchall() == [(max(rows["InstanceNumber"]),)]


def test_parquet_reads_back_as_it_was(reader: Reader, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    duckdb = pytest.importorskip("duckdb")
    import pyarrow.parquet

    from fileset.tables.arrow import write_parquet

    table = reader.table("IMAGE")
    write_parquet(table, str(tmp_path / "all.parquet"))
    assert pyarrow.parquet.read_table(tmp_path / "all.parquet").equals(table.to_arrow())
    file = duckdb.read_parquet(str(tmp_path / "all.parquet"))
    rows = file.query("file", "select typeof(StudyDate), typeof(InstanceNumber) from file limit 1")
    assert rows.fetchall() == [("DATE", "BIGINT")]


def test_a_value_that_is_no_date_makes_a_column_of_text_and_is_not_lost() -> None:
    pa = pytest.importorskip("pyarrow")
    table = Table("STUDY", {"StudyDate": ["20260101", "last week", None]}, {"StudyDate": "DA"})
    arrow = pa.table(table)
    assert arrow.column("StudyDate").to_pylist() == ["20260101", "last week", None]


def test_an_attribute_of_several_values_is_a_list() -> None:
    pa = pytest.importorskip("pyarrow")
    table = Table("IMAGE", {"ImageType": [["ORIGINAL", "PRIMARY"], "DERIVED", None]}, {"ImageType": "CS"})
    assert pa.table(table).column("ImageType").to_pylist() == [["ORIGINAL", "PRIMARY"], ["DERIVED"], None]


# ---------------------------------------------------------------- text


def test_csv_reads_back_as_it_was(reader: Reader) -> None:
    table = reader.table("IMAGE", ["PatientName", "InstanceNumber", "FileID"])
    rows = list(csv.DictReader(io.StringIO("\r\n".join(csv_lines(table)))))
    assert [row["InstanceNumber"] for row in rows] == [str(number) for number in table["InstanceNumber"]]
    assert [row["FileID"] for row in rows] == table["FileID"]


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-cmd|' /C calc'!A0", "@x", "\t=1", "\uff1d1"])
def test_a_cell_is_no_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "text"), [(-5, "-5"), (-1.5, "-1.5"), ("-3.0", "-3.0"), ("Doe^J", "Doe^J"), (None, "")]
)
def test_a_number_stays_a_number(value: object, text: str) -> None:
    assert cell(value) == text


# ---------------------------------------------------------------- DICOM JSON


def test_dicom_json_reads_back_in_pydicom(reader: Reader) -> None:
    documents = list(dicom_json(reader.contents))
    for document, record in zip(documents, reader.find(), strict=True):
        dataset = pydicom.Dataset.from_json(document)
        assert dataset.SOPInstanceUID == record.sop_instance_uid
        assert dataset.PatientID == (record.patient.get("PatientID") or "" if record.patient else "")
        assert dataset.InstanceNumber == record["InstanceNumber"]
        assert list(document) == sorted(document)


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        (
            "PN",
            "Yamada^Tarou=山田^太郎",
            {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}]},
        ),
        ("IS", 5, {"vr": "IS", "Value": [5]}),
        ("DS", [1.5, None], {"vr": "DS", "Value": [1.5, None]}),
        ("OB", b"\0\1", {"vr": "OB", "InlineBinary": "AAE="}),
        ("LO", None, {"vr": "LO"}),
        ("SQ", [{"CodeValue": "1"}], {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["1"]}}]}),
    ],
)
def test_a_value_has_the_form_of_its_vr(vr: str, value: object, expected: object) -> None:
    assert attribute(vr, value) == expected
