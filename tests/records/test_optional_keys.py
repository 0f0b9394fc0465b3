"""Optional keys of records: the usual ones, keys that a user adds, and wrong values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import dcmread
from pydicom.uid import UID

import fileset
from fileset.check import check_file_set
from fileset.dicom.header import read_header
from fileset.dicom.header_cache import Layouts
from fileset.errors import RuleError
from fileset.records.describe import Describer, Instance, Policy
from fileset.records.key_choice import MINIMAL, USUAL, key_set, parse_keys
from fileset.records.record_cache import OWN, Template
from fileset.standard.record_types import RECORD_TYPES
from fileset.standard.usual_keys import USUAL_KEYS, VARYING
from tests.benchmarks.corpus import Shape, files
from tests.support import synthetic

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

USUAL_VALUES: dict[str, Any] = {
    "PatientBirthDate": "19700101", "PatientSex": "F", "OtherPatientIDs": ["A", "B"], "ReferringPhysicianName": "Ray^X",
    "SeriesDate": "20240101", "SeriesTime": "101500", "InstitutionName": "Clinic", "StationName": "ROOM1",
    "SeriesDescription": "Axial thin", "PerformingPhysicianName": "Doe^J", "BodyPartExamined": "HEAD",
    "ProtocolName": "Routine", "Laterality": "L", "ImageType": ["ORIGINAL", "PRIMARY"], "ContentDate": "20240102",
    "ContentTime": "101600.5", "AcquisitionNumber": 3, "ImagePositionPatient": [0.5, 1, 2],
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "FrameOfReferenceUID": "1.2.3.9", "SliceLocation": 4.5,
    "NumberOfFrames": 1, "PixelSpacing": [0.5, 0.5], "WindowCenter": 40, "WindowWidth": 400,
}  # fmt: skip


def records(folder: Path) -> dict[str, Dataset]:
    found = dcmread(folder / "DICOMDIR").DirectoryRecordSequence
    return {record.DirectoryRecordType: record for record in found}


def indexed(folder: Path, dataset: Dataset, keys: str = "usual") -> fileset.Report:
    synthetic.write(dataset, folder / "IM1")
    return fileset.index(folder, keys=keys, replace=True)


def full() -> Dataset:
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    for keyword, value in USUAL_VALUES.items():
        setattr(dataset, keyword, value)
    return dataset


def test_every_usual_key_that_a_file_has_is_in_the_record_of_its_level(tmp_path: Path) -> None:
    dataset = full()
    assert not indexed(tmp_path, dataset).findings
    found = records(tmp_path)
    for level, keys in USUAL_KEYS.items():
        for key in keys:
            assert found[level or "IMAGE"][key.tag].value == dataset[key.tag].value, key.keyword
    assert check_file_set(tmp_path).findings == []


def test_minimal_records_have_only_the_keys_of_the_standard(tmp_path: Path) -> None:
    indexed(tmp_path, full(), "minimal")
    found = records(tmp_path)
    for level, keys in USUAL_KEYS.items():
        assert not [key.keyword for key in keys if key.tag in found[level or "IMAGE"]]
    assert check_file_set(tmp_path).findings == []


def test_added_keywords_go_to_the_record_that_they_belong_to(tmp_path: Path) -> None:
    dataset = full()
    dataset.PatientComments, dataset.PatientWeight, dataset.KVP = "afraid of needles", 70.5, 120
    indexed(tmp_path, dataset, "minimal,+PatientComments,+PatientWeight,+KVP,+SeriesDescription")
    found = records(tmp_path)
    assert found["PATIENT"].PatientComments == "afraid of needles"
    assert found["STUDY"].PatientWeight == dataset.PatientWeight
    assert found["SERIES"].SeriesDescription == "Axial thin"
    assert found["IMAGE"].KVP == 120
    assert "StationName" not in found["SERIES"]
    assert check_file_set(tmp_path).findings == []


@pytest.mark.parametrize("text", ["", "all", "usual,minimal", "+NoSuchKeyword", "+PixelData", "+TransferSyntaxUID"])
def test_a_choice_that_means_nothing_is_an_error(text: str) -> None:
    with pytest.raises(RuleError, match="keys"):
        parse_keys(text)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("keyword", "value"),
    [("SeriesDescription", "x" * 65), ("SeriesDate", "1.1.2024"), ("SliceLocation", "four"), ("PatientSex", "f-m")],
)
def test_a_wrong_value_is_left_out_and_reported(tmp_path: Path, keyword: str, value: str) -> None:
    dataset = full()
    element = dataset[keyword]
    dataset.add_new(element.tag, "LO", value)
    tag = element.tag.group.to_bytes(2, "little") + element.tag.element.to_bytes(2, "little")
    data = synthetic.encode(dataset).replace(tag + b"LO", tag + element.VR.encode())
    (tmp_path / "IM1").write_bytes(data)
    findings = fileset.index(tmp_path).findings
    assert [(finding.rule, keyword in finding.message) for finding in findings] == [("FS-KEY-LEFT-OUT", True)]
    assert "optional key is left out" in findings[0].message
    assert not [name for name, record in records(tmp_path).items() if keyword in record]
    assert not [finding for finding in check_file_set(tmp_path).findings if finding.severity == "error"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("keyword", "value"),
    [("ImagePositionPatient", [0.5, 1]), ("PixelSpacing", [0.5]), ("SliceLocation", [1, 2]), ("Rows", [16, 16])],
)
def test_a_wrong_number_of_values_is_left_out_and_reported(tmp_path: Path, keyword: str, value: Any) -> None:
    """Also in the fifth file of a series, whose records are filled in from a template."""
    for number in range(1, 6):
        dataset = full()
        dataset.InstanceNumber = number
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"1.2.3.{number}")
        if number == 5:
            setattr(dataset, keyword, value)
        synthetic.write(dataset, tmp_path / f"IM{number}")
    (finding,) = fileset.index(tmp_path).findings
    assert (finding.rule, finding.where.file) == ("FS-KEY-LEFT-OUT", "IM5")
    assert f"{len(value)} values, allowed:" in finding.message
    last = dcmread(tmp_path / "DICOMDIR").DirectoryRecordSequence[-1]
    assert (last.InstanceNumber, keyword in last) == (5, False)
    assert check_file_set(tmp_path).findings == []


def test_a_record_that_differs_from_its_file_is_found(tmp_path: Path) -> None:
    """Law 4: the keys of a record have the values of the file."""
    indexed(tmp_path, full())
    path = tmp_path / "DICOMDIR"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"Axial thin", b"Axial fat ").replace(b"0.5\\1", b"0.6\\1"))
    rules = [(finding.rule, finding.where.tag) for finding in check_file_set(tmp_path).findings]
    assert rules == [("FS-KEY-DIFFERS", 0x00200032), ("FS-KEY-DIFFERS", 0x0008103E)]


def test_list_finds_a_series_by_its_description(tmp_path: Path) -> None:
    indexed(tmp_path, full())
    with fileset.Reader(tmp_path) as reader:
        assert len(list(reader.find(SeriesDescription="Axial*"))) == 1
        assert not list(reader.find(SeriesDescription="Sagittal*"))


def test_files_of_one_series_fill_one_template_with_their_own_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual keys are cheap: a record from a template equals the record made the long way."""
    filled = []
    fill = Template.filled

    def noting(self: Template, own: tuple[bytes, ...]) -> Instance | None:
        filled.append(fill(self, own))
        return filled[-1]

    monkeypatch.setattr(Template, "filled", noting)
    keys = key_set(USUAL)
    layouts = Layouts(OWN, keys.apart, tuple(key.tag for key in VARYING))
    policy = Policy(keys=USUAL)
    templates, plain = Describer(policy), Describer(policy)
    shape = Shape(400, per_series=40)
    for _, header, tail in files(shape):
        data = header + tail

        def read(at: int, size: int, data: bytes = data) -> bytes:
            return data[at : at + size]

        known = templates.describe(read_header(read, keys.wanted, layouts), invent=False)
        assert known == plain.describe(read_header(read, keys.wanted), invent=False)
    assert sum(one is not None for one in filled) > 0.6 * shape.files


@pytest.mark.parametrize("record_type", key_set(USUAL).leaf)
def test_a_record_with_the_mandatory_keys_alone_lacks_no_key_that_a_type_of_record_has(record_type: str) -> None:
    usual, minimal = ({key.tag for key in key_set(choice).leaf[record_type]} for choice in (USUAL, MINIMAL))
    assert (usual - minimal).isdisjoint(key.tag for key in RECORD_TYPES[record_type].keys)
