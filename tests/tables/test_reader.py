"""A Reader at a prompt and in a notebook: sequences, paths, media without a DICOMDIR, and their display."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import fileset
from fileset.reader import Reader
from tests.support import synthetic


def test_patients_and_others_are_sequences(disc: Path) -> None:
    with Reader(disc) as reader:
        assert len(reader.patients) == 2
        assert len(reader.instances) == 12
        assert reader.studies[-1] == list(reader.studies)[-1]
        assert list(reader.series[1:3]) == list(reader.series)[1:3]
        assert repr(reader.instances) == "<12 instances>"
        assert reader.patients[0].children[0] in reader.studies
        assert next(reader.instances) == reader.instances[0]
        assert reader.instances
        assert not reader.patients[0].patient.children[0].children[0].children[0].children  # type: ignore[union-attr]


def test_a_record_shows_its_type_and_its_keys(disc: Path) -> None:
    with Reader(disc) as reader:
        patient = reader.patients[0]
        assert "PatientID='P1'" in repr(patient)
        assert "PatientID" in patient
        assert "Modality" not in patient
        assert list(patient) == list(patient.keys())
        assert patient._ipython_key_completions_() == list(patient.keys())
        assert "<td>P1</td>" in patient._repr_html_()


def test_a_record_has_the_path_of_its_file(disc: Path, tmp_path: Path) -> None:
    fileset_image = tmp_path / "A.zip"
    with fileset.Creator(fileset_image) as creator:
        creator.add(disc)
    with Reader(disc) as reader:
        record = reader.instances[0]
        assert record.path is not None
        assert str(record.dataset().SOPInstanceUID).encode() in Path(record.path).read_bytes()
        assert reader.patients[0].path is None
    with Reader(fileset_image) as reader:
        assert reader.instances[0].path is None


def test_a_reader_shows_its_counts(disc: Path) -> None:
    with Reader(disc) as reader:
        assert repr(reader) == f"<Reader of {disc}: 2 patients, 4 studies, 4 series, 12 instances>"
        assert reader._repr_html_().count("<tr>") == 5


@pytest.fixture
def loose(tmp_path: Path) -> Path:
    """Files under names that no File ID may have, and one that is no DICOM file."""
    folder = tmp_path / "any folder"
    for number, path in enumerate(synthetic.ct_series(tmp_path / "made", 2, 1, 2, 3)):
        target = folder / f"série {number % 3}" / f"long image name {number}.dcm"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    (folder / "notes.txt").write_text("not DICOM")
    return folder


def test_a_folder_without_a_dicomdir_is_read_by_its_files(loose: Path) -> None:
    with Reader(loose, scan=True) as reader:
        assert len(reader.instances) == 12
        assert [row["NumberOfSeriesRelatedInstances"] for row in reader.table("SERIES")] == [3] * 4
        assert {record["PatientID"] for record in reader.patients} == {"P1", "P2"}
        paths = {record.path for record in reader.find()}
        assert paths == {str(path) for path in loose.rglob("*.dcm")}
        for record in reader.instances:
            assert record.dataset().SOPInstanceUID == record.sop_instance_uid
        assert reader.findings == []


def test_a_scan_does_not_believe_the_dicomdir(disc: Path) -> None:
    (disc / "DICOMDIR").write_bytes(b"not a DICOMDIR")
    with Reader(disc, scan=True) as reader:
        assert len(reader.instances) == 12


def test_a_scan_names_files_that_have_no_record(loose: Path) -> None:
    (loose / "broken.dcm").write_bytes(synthetic.ct()[:400])
    with Reader(loose, scan=True) as reader:
        assert [finding.where.file for finding in reader.findings] == ["broken.dcm"]


def test_a_scan_of_a_folder_without_dicom_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("nothing")
    with pytest.raises(fileset.FormatError, match="no DICOM file"):
        Reader(tmp_path, scan=True)


def test_a_report_shows_its_counts_and_the_files_that_were_left_out(disc: Path, tmp_path: Path) -> None:
    (disc / "notes&b").write_text("not DICOM")
    with fileset.Creator(tmp_path / "NEW") as creator:
        creator.add(disc)
    assert repr(creator.report).startswith(f"<Report on {tmp_path / 'NEW'}: 12 added, 1 skipped")
    assert "notes&amp;b" in creator.report._repr_html_()
