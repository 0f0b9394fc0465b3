"""Columns from the files, and the document for OHIF."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from fileset.creator import index
from fileset.errors import FormatError
from fileset.reader import Reader
from fileset.tables.files import complete
from fileset.tables.ohif import ohif
from tests.support import synthetic

jsonschema = pytest.importorskip("jsonschema")
SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests"

NUMBER, TEXT, LIST = {"type": "number"}, {"type": "string"}, {"type": "array", "items": {"type": "number"}}
METADATA = {
    "type": "object",
    "required": [
        "Columns",
        "Rows",
        "SOPClassUID",
        "SOPInstanceUID",
        "SeriesInstanceUID",
        "StudyInstanceUID",
        "Modality",
    ],
    "properties": {
        **dict.fromkeys(("Columns", "Rows", "InstanceNumber", "BitsAllocated", "BitsStored", "HighBit"), NUMBER),
        **dict.fromkeys(("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "PhotometricInterpretation"), TEXT),
        **dict.fromkeys(("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient"), LIST),
    },
}
INSTANCE = {
    "type": "object",
    "required": ["metadata", "url"],
    "properties": {"metadata": METADATA, "url": {"type": "string", "pattern": "^dicomweb:https?://"}},
}
SERIES = {
    "type": "object",
    "required": ["SeriesInstanceUID", "Modality", "instances"],
    "properties": {"instances": {"type": "array", "items": INSTANCE, "minItems": 1}, "SeriesNumber": NUMBER},
}
STUDY = {
    "type": "object",
    "required": ["StudyInstanceUID", "PatientID", "NumInstances", "Modalities", "series"],
    "properties": {"series": {"type": "array", "items": SERIES, "minItems": 1}, "PatientName": TEXT, "PatientID": TEXT},
}
SCHEMA = {"type": "object", "required": ["studies"], "properties": {"studies": {"type": "array", "items": STUDY}}}
"""The fields that OHIF documents for its `dicomjson` data source."""


def test_columns_come_from_the_files_where_the_dicomdir_has_none() -> None:
    problems: list[str] = []
    with Reader(SHIPPED) as reader:
        names = ["PatientID", "Manufacturer", "Rows", "ImageType", "FileID"]
        records = list(reader.find(Modality="CT"))
        table = complete(reader.table("IMAGE", names, Modality="CT"), records, names, problems)
        assert not problems
        for row, record in zip(table, records, strict=True):
            dataset = record.dataset()
            assert row["Manufacturer"] == (dataset.get("Manufacturer") or None)
            assert row["Rows"] == dataset.Rows
            assert row["ImageType"] == list(dataset.ImageType)
            assert row["FileID"] == record.file_id.path if record.file_id else None


def test_a_file_that_is_missing_is_a_problem_and_its_row_stays(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes((SHIPPED / "DICOMDIR").read_bytes())
    problems: list[str] = []
    with Reader(tmp_path) as reader:
        records = list(reader.find())
        table = complete(reader.table("IMAGE", ["PatientID", "Rows"]), records, ["PatientID", "Rows"], problems)
    assert len(problems) == len(table) == 31
    assert None not in table["PatientID"]


def test_a_file_that_is_no_dicom_file_is_named_without_advice_for_programmers(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes((SHIPPED / "DICOMDIR").read_bytes())
    with Reader(tmp_path) as reader:
        file_id = next(record.file_id for record in reader.find() if record.file_id)
    (tmp_path / file_id.path).parent.mkdir(parents=True)
    (tmp_path / file_id.path).write_bytes(b"a letter")
    problems: list[str] = []
    with Reader(tmp_path) as reader:
        records = [record for record in reader.find() if record.file_id == file_id]
        complete(reader.table("IMAGE", ["Rows"])[:1], records, ["Rows"], problems)
        assert problems == [f"{file_id}: not a DICOM file"]
        with pytest.raises(FormatError, match=r"not a DICOM file$"):
            records[0].dataset()


def test_the_document_for_ohif_has_the_documented_fields() -> None:
    problems: list[str] = []
    with Reader(SHIPPED) as reader:
        document = ohif(reader.instances, "https://example.org/disc/", problems)
        expected = {record.sop_instance_uid for record in reader.instances}
    jsonschema.validate(document, SCHEMA)
    instances = [one for study in document["studies"] for series in study["series"] for one in series["instances"]]
    assert {one["metadata"]["SOPInstanceUID"] for one in instances} == expected
    assert sum(study["NumInstances"] for study in document["studies"]) == len(instances)
    assert instances[0]["url"].startswith("dicomweb:https://example.org/disc/")
    assert not problems


def test_ohif_shows_an_image_with_a_damaged_number_of_frames_once(tmp_path: Path) -> None:
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    dataset.add_new(0x00280008, "LO", "many")
    synthetic.write(dataset, tmp_path / "I1")
    index(tmp_path)
    with Reader(tmp_path) as reader:
        (study,) = ohif(reader.instances, "https://example.org", [])["studies"]
    assert [one["url"] for one in study["series"][0]["instances"]] == ["dicomweb:https://example.org/I1"]
