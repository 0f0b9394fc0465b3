"""Law 2 for `extract`: every DICOM file on the medium counts, and each copy is examined."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

import fileset
from fileset.extraction import extract
from tests.support import synthetic
from tests.support.command import Runs

FIRST = "P001/T001/S001/I000001"


def copied(folder: Path) -> set[str]:
    """Return the SOP Instance UIDs in the names of the copies."""
    return {path.stem for path in folder.rglob("*.dcm")}


def rules(document: dict[str, list[dict[str, str]]]) -> Counter[str]:
    return Counter(row["rule"] for row in document["findings"])


def test_files_that_no_record_references_are_copied_and_named(run: Runs, disc: Path, tmp_path: Path) -> None:
    (disc / "MORE").mkdir()
    (disc / "MORE" / "extra.dcm").write_bytes(synthetic.ct(7))
    (disc / "README.TXT").write_text("hello")
    done = run("extract", disc, "-o", tmp_path / "OUT")
    assert "MORE/extra.dcm: no record of the DICOMDIR references it" in done.stderr
    assert len(copied(tmp_path / "OUT")) == 13
    document = run("extract", disc, "-o", tmp_path / "LISTED", "--listed-only", "--json", code=3).document
    assert (document["copied"], document["unlisted_left_behind"]) == (12, 1)


def test_a_file_outside_the_place_of_its_record_is_found_by_its_uid(run: Runs, disc: Path, tmp_path: Path) -> None:
    (disc / FIRST).rename(disc / "ELSEWHER")
    document = run("extract", disc, "-o", tmp_path / "OUT", "--json").document
    assert (document["copied"], document["missing"]) == (12, [])
    assert rules(document) == {"FS-FILE-MOVED": 1}


def test_a_dicomdir_one_folder_off_its_files_costs_nothing(run: Runs, disc: Path, tmp_path: Path) -> None:
    (disc / "INDEX").mkdir()
    (disc / "DICOMDIR").rename(disc / "INDEX" / "DICOMDIR")
    document = run("extract", disc, "-o", tmp_path / "OUT", "--json").document
    assert (document["copied"], rules(document)) == (12, {"FS-FILE-MOVED": 12})


def test_a_dicomdir_of_another_disc_is_no_reason_to_copy_nothing(run: Runs, disc: Path, tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "OTHER", patients=3, studies=1, series=1, instances=1)
    for path in tmp_path.joinpath("OTHER").rglob("*"):
        if path.is_file() and path.read_bytes() == synthetic.ct(3, 1, 1, 1):
            shutil.copy(path, disc / "OTHER")
    shutil.rmtree(disc / "P001")
    document = run("extract", disc, "-o", tmp_path / "OUT", "--json", code=3).document
    assert (document["copied"], len(document["missing"])) == (7, 6)


def test_inactive_records_hide_no_file(run: Runs, disc: Path, tmp_path: Path) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    in_use = b"\x04\x00\x10\x14US\x02\x00"
    (disc / "DICOMDIR").write_bytes(data.replace(in_use + b"\xff\xff", in_use + b"\0\0"))
    document = run("extract", disc, "-o", tmp_path / "OUT", "--json").document
    assert (document["copied"], rules(document)["FS-FILE-UNLISTED"]) == (12, 12)


def before_the_study(data: bytes) -> bytes:
    """The file, cut off where an element begins: nothing in it shows that more should follow."""
    return data[: data.index(b"\x20\0\x0d\0UI")]


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (lambda _: b"", "FS-REFERENCE-NOT-DICOM"),
        (lambda data: bytes(len(data)), "FS-REFERENCE-NOT-DICOM"),
        (lambda data: data[:-2], "FS-FILE-TRUNCATED"),
        (before_the_study, "FS-KEY-UID-MISSING"),
        (lambda _: synthetic.ct(5), "FS-KEY-DIFFERS"),
        (lambda _: synthetic.ct(1, 1, 1, 9), "FS-UID-DIFFERS"),
    ],
    ids=["empty", "not DICOM", "cut off", "cut off between two elements", "another patient", "another instance"],
)
def test_a_copy_that_differs_from_its_record_is_named(
    damage: object, rule: str, run: Runs, disc: Path, tmp_path: Path
) -> None:
    assert callable(damage)
    (disc / FIRST).write_bytes(damage((disc / FIRST).read_bytes()))
    document = run("extract", disc, "-o", tmp_path / "OUT", "--json", code=3).document
    assert rule in rules(document)
    assert {row["where"]["file"] for row in document["findings"]} == {FIRST}
    assert document["copied"] == 12


def test_the_file_of_another_patient_is_not_named_after_the_patient_of_the_record(
    run: Runs, disc: Path, tmp_path: Path
) -> None:
    (disc / FIRST).write_bytes(synthetic.ct(5))
    run("extract", disc, "-o", tmp_path / "OUT", code=3)
    assert len(list((tmp_path / "OUT" / "P5").rglob("*.dcm"))) == 1
    assert len(list((tmp_path / "OUT" / "P1").rglob("*.dcm"))) == 5


def test_a_key_that_the_dicomdir_lacks_is_read_from_the_file(run: Runs, disc: Path, tmp_path: Path) -> None:
    done = run(
        "extract", disc, "-o", tmp_path / "OUT", "--template", "{Rows}x{Columns}/{EchoTime}/{SOPInstanceUID}.dcm"
    )
    assert "12 files have no EchoTime: left out of the names" in done.stderr
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    assert {path.parent.name for path in (tmp_path / "OUT").rglob("*.dcm")} == {f"{dataset.Rows}x{dataset.Columns}"}


def test_the_structure_of_the_medium_is_kept_if_that_is_wanted(run: Runs, disc: Path, tmp_path: Path) -> None:
    run("extract", disc, "-o", tmp_path / "OUT", "--keep-structure", "PatientID=P1")
    assert (tmp_path / "OUT" / FIRST).read_bytes() == (disc / FIRST).read_bytes()
    run("extract", disc, "-o", tmp_path / "OUT", "--keep-structure", "--template", "{PatientID}", code=2)


def test_a_template_without_field_is_a_usage_error(run: Runs, disc: Path, tmp_path: Path) -> None:
    assert "no field" in run("extract", disc, "-o", tmp_path / "OUT", "--template", "all.dcm", code=2).stderr


def test_long_paths_are_shortened_and_reported(run: Runs, disc: Path, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 80)
    done = run("extract", disc, "-o", deep)
    assert "12 paths were longer than 240 characters: shortened" in done.stderr
    assert max(len(str(path)) for path in deep.rglob("*.dcm")) <= 240
    assert len(list(deep.rglob("*.dcm"))) == 12
    assert run("extract", disc, "-o", deep, "--json").document["already_there"] == 12


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_in_the_place_of_a_copy_hangs_nothing(run: Runs, disc: Path, tmp_path: Path) -> None:
    run("extract", disc, "-o", tmp_path / "OUT")
    copy = min((tmp_path / "OUT").rglob("*.dcm"))
    copy.unlink()
    os.mkfifo(copy)
    run("extract", disc, "-o", tmp_path / "OUT")
    assert sum(path.is_file() for path in (tmp_path / "OUT").rglob("*.dcm")) == 12


def test_the_library_copies_unlisted_files_too(disc: Path, tmp_path: Path) -> None:
    (disc / "EXTRA").write_bytes(synthetic.ct(7))
    with fileset.Reader(disc) as reader:
        report = extract(reader, tmp_path / "OUT")
        assert (report.copied, report.complete) == (13, True)
        report = extract(reader, tmp_path / "LISTED", listed_only=True)
    assert (report.copied, report.left_behind, report.complete) == (12, 1, False)


def test_scanning_a_medium_without_dicom_files_is_not_done(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "DISC").mkdir()
    (tmp_path / "DISC" / "SECURE").write_bytes(b"0\x82\x10\0\x06\x09*\x86H\x86\xf7\x0d\x01\x07\x03" + bytes(500))
    done = run("extract", tmp_path / "DISC", "-o", tmp_path / "OUT", "--scan", code=3)
    assert "its files are encrypted (a Secure DICOM File" in done.stderr
    assert "--key" in done.stderr


def test_files_of_an_image_are_read_in_the_order_of_their_extents(run: Runs, disc: Path, tmp_path: Path) -> None:
    image = tmp_path / "D.iso"
    run("create", disc, "-o", image, "--naming", "uid")  # the order of these names is not that of the records
    with fileset.Reader(image) as reader:
        positions = {
            one.sop_instance_uid: reader.medium.position(one.file_id) for one in reader.instances if one.file_id
        }
        report = extract(reader, tmp_path / "OUT")
    read = [positions[Path(copy.path).stem] for copy in report.files]
    assert len(set(read)) == 12
    assert read == sorted(read)
