"""Law 3: upper records follow the files below them, and empty ones that were there before stay."""

from __future__ import annotations

from pathlib import Path

import pytest

import fileset
from fileset.dicom.elements import element
from fileset.dicomdir.write.header import Identification, new_frame
from fileset.dicomdir.write.layout import encode
from fileset.dicomdir.write.new import build
from fileset.records.arranged import Arranged, Node
from tests.support import synthetic


def ct(folder: Path, study: int, number: int = 1, **keys: str) -> Path:
    """A CT file of patient 1 whose keys are set to other values."""
    dataset = synthetic.instance(synthetic.CT_IMAGE, study=study, number=number)
    for keyword, value in keys.items():
        setattr(dataset, keyword, value)
    folder.mkdir(exist_ok=True)
    return synthetic.write(dataset, folder / f"{study}_{number}")


def changes(report: fileset.Report) -> list[str]:
    return [finding.message for finding in report.findings if finding.rule == "FS-KEY-CHANGED"]


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """Two studies of one patient, whose name was corrected between them."""
    ct(tmp_path / "IN", 1, PatientName="Wrong^Name")
    ct(tmp_path / "IN", 2, PatientName="Right^Name")
    with fileset.Creator(tmp_path / "DISC") as creator:
        creator.add(tmp_path / "IN")
    return tmp_path / "DISC"


def test_the_name_of_a_study_that_went_is_renewed_and_reported(disc: Path) -> None:
    with fileset.Updater(disc) as updater:
        updater.remove(StudyInstanceUID=synthetic.uid("study", 1, 1))
    assert changes(updater.report) == ["Wrong^Name -> Right^Name"]
    with fileset.Reader(disc) as reader:
        assert [str(patient["PatientName"]) for patient in reader.patients] == ["Right^Name"]
        assert len(list(reader.instances)) == 1
    assert fileset.check_file_set(disc).errors == 0


def test_a_name_that_a_file_still_has_stays(disc: Path) -> None:
    with fileset.Updater(disc) as updater:
        updater.remove(StudyInstanceUID=synthetic.uid("study", 1, 2))
    assert changes(updater.report) == []
    with fileset.Reader(disc) as reader:
        assert [str(patient["PatientName"]) for patient in reader.patients] == ["Wrong^Name"]


def test_an_invented_date_gives_way_to_one_that_a_new_file_knows(tmp_path: Path) -> None:
    ct(tmp_path / "IN", 1, StudyDate="", SeriesDate="", AcquisitionDate="", ContentDate="")
    with fileset.Creator(tmp_path / "DISC") as creator:
        creator.add(tmp_path / "IN")
    with fileset.Updater(tmp_path / "DISC") as updater:
        updater.add(ct(tmp_path / "NEW", 1, 2, StudyDate="20200102"))
    [change] = changes(updater.report)
    assert change.endswith(" -> 20200102")
    with fileset.Reader(tmp_path / "DISC") as reader:
        assert [study["StudyDate"] for study in reader.studies] == ["20200102"]
        assert len(list(reader.instances)) == 2


def test_a_value_that_old_files_confirm_stays_when_a_new_file_differs(tmp_path: Path) -> None:
    ct(tmp_path / "IN", 1, PatientName="First^Name")
    with fileset.Creator(tmp_path / "DISC") as creator:
        creator.add(tmp_path / "IN")
    with fileset.Updater(tmp_path / "DISC") as updater:
        updater.add(ct(tmp_path / "NEW", 1, 2, PatientName="Second^Name"))
    assert changes(updater.report) == []
    assert "FS-KEY-CONFLICT" in {finding.rule for finding in updater.report.findings}
    with fileset.Reader(tmp_path / "DISC") as reader:
        assert [str(patient["PatientName"]) for patient in reader.patients] == ["First^Name"]


def childless(disc: Path) -> None:
    """Write a DICOMDIR of a patient with a study without series, as the Standard allows (PS3.3 Annex F.4)."""
    patient = element(0x00100010, "PN", b"EMPTY") + element(0x00100020, "LO", b"E1")
    study = b"".join(
        element(tag, vr, value)
        for tag, vr, value in (
            (0x00080020, "DA", b"20200101"),
            (0x00080030, "TM", b"120000"),
            (0x00080050, "SH", b""),
            (0x00081030, "LO", b""),
            (0x0020000D, "UI", b"1.2.3"),
            (0x00200010, "SH", b"1"),
        )
    )
    nodes = [Node(0, "PATIENT", 0, patient, key="E1"), Node(1, "STUDY", 0, study, key=b"1.2.3")]
    disc.mkdir()
    directory = build(new_frame(Identification("2.25.1")), Arranged(nodes), ())
    (disc / "DICOMDIR").write_bytes(b"".join(encode(directory)))


@pytest.mark.parametrize("act", ["add", "remove", "repair"])
def test_studies_without_series_stay_through_updates(tmp_path: Path, act: str) -> None:
    disc = tmp_path / "DISC"
    childless(disc)
    with fileset.Updater(disc) as updater:
        updater.add(ct(tmp_path / "NEW", 1))
    if act == "remove":
        with fileset.Updater(disc) as updater:
            assert updater.remove(PatientID="P1") == 1
    if act == "repair":
        data = (disc / "DICOMDIR").read_bytes()
        (disc / "DICOMDIR").write_bytes(data.replace(b"P1", b"P2"))
        assert fileset.repair_file_set(disc).written
    with fileset.Reader(disc) as reader:
        assert "1.2.3" in [study["StudyInstanceUID"] for study in reader.studies]
        assert "E1" in [patient["PatientID"] for patient in reader.patients]
