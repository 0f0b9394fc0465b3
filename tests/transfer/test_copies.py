"""The same new values for copies: `extract` and `create` with --set and --map, and `Creator(transform=)`."""

from __future__ import annotations

import os
import tracemalloc
from functools import partial
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset

import fileset
from fileset.plan.transform import Streamed
from fileset.reader import Reader
from fileset.transfer.reconciled import rewritten
from fileset.transfer.reconciliation import Reconciliation, values_of
from tests.support import synthetic
from tests.support.command import Runs

SETTINGS = ("--set", "PatientID=LOCAL7", "--set", "PatientName=Müller^Jürgen")


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A file-set of one patient."""
    synthetic.ct_series(tmp_path / "ONE", 1, 1, 2, 2)
    fileset.index(tmp_path / "ONE")
    return tmp_path / "ONE"


def datasets(folder: Path) -> dict[str, Dataset]:
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "DICOMDIR"]
    return {str(one.SOPInstanceUID): one for one in map(pydicom.dcmread, paths)}


def check(before: dict[str, Dataset], after: dict[str, Dataset]) -> None:
    assert set(after) == set(before)
    for uid, dataset in after.items():
        assert (dataset.PatientID, str(dataset.PatientName)) == ("LOCAL7", "Müller^Jürgen")
        old = dataset.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
        assert (old.PatientID, old.PatientName) == (before[uid].PatientID, before[uid].PatientName)
        assert dataset.get("PixelData") == before[uid].get("PixelData")


def test_extract_writes_the_new_values_and_names_copies_after_them(one: Path, tmp_path: Path, run: Runs) -> None:
    done = run("extract", one, "-o", tmp_path / "copies", *SETTINGS)
    check(datasets(one), datasets(tmp_path / "copies"))
    assert os.listdir(tmp_path / "copies") == ["LOCAL7"]
    assert "PatientID 'P1' -> 'LOCAL7'" in done.stderr


def test_create_writes_the_new_values_into_files_and_records(one: Path, tmp_path: Path, run: Runs) -> None:
    run("create", one, "-o", tmp_path / "NEW", *SETTINGS)
    check(datasets(one), datasets(tmp_path / "NEW"))
    with Reader(tmp_path / "NEW") as reader:
        assert [row["PatientID"] for row in reader.table("PATIENT")] == ["LOCAL7"]
    run("check", tmp_path / "NEW")


def test_two_patients_and_one_value_are_refused_before_anything_is_written(
    disc: Path, tmp_path: Path, run: Runs
) -> None:
    for verb in ("extract", "create"):
        done = run(verb, disc, "-o", tmp_path / verb, *SETTINGS, code=6)
        assert "one value cannot be right for" in done.stderr
        assert not list((tmp_path / verb).rglob("*.dcm")) if (tmp_path / verb).exists() else True


def test_a_table_gives_each_patient_on_a_disc_its_own_values(disc: Path, tmp_path: Path, run: Runs) -> None:
    (tmp_path / "map.csv").write_text("OldPatientID,PatientID\nP1,N1\nP2,N2\n")
    run("create", disc, "-o", tmp_path / "NEW", "--map", tmp_path / "map.csv")
    with Reader(tmp_path / "NEW") as reader:
        assert [row["PatientID"] for row in reader.table("PATIENT")] == ["N1", "N2"]


def test_files_of_a_patient_outside_the_table_are_left_out(disc: Path, tmp_path: Path, run: Runs) -> None:
    (tmp_path / "map.csv").write_text("OldPatientID,PatientID\nP1,N1\n")
    done = run("create", disc, "-o", tmp_path / "NEW", "--map", tmp_path / "map.csv", code=3)
    assert "the table has no row for PatientID 'P2'" in done.stderr
    with Reader(tmp_path / "NEW") as reader:
        assert [row["PatientID"] for row in reader.table("PATIENT")] == ["N1"]


def test_without_these_options_no_byte_changes(one: Path, tmp_path: Path, run: Runs) -> None:
    run("extract", one, "-o", tmp_path / "copies")
    originals = {path.read_bytes() for path in one.rglob("*") if path.is_file() and path.name != "DICOMDIR"}
    assert {path.read_bytes() for path in (tmp_path / "copies").rglob("*.dcm")} == originals


# ---------------------------------------------------------------- Creator(transform=)


def test_a_transform_changes_files_and_records(one: Path, tmp_path: Path) -> None:
    def rename(dataset: Dataset) -> Dataset:
        dataset.PatientID = "T1"
        return dataset

    with fileset.Creator(tmp_path / "NEW", transform=rename) as creator:
        creator.add(one)
    assert {one.PatientID for one in datasets(tmp_path / "NEW").values()} == {"T1"}
    assert sum(finding.rule == "FS-TRANSFORMED" for finding in creator.report.findings) == 4
    with Reader(tmp_path / "NEW") as reader:
        assert reader.patients[0]["PatientID"] == "T1"


def test_a_transform_may_leave_files_out(one: Path, tmp_path: Path) -> None:
    with fileset.Creator(
        tmp_path / "NEW", transform=lambda dataset: dataset if dataset.SeriesNumber == 1 else None
    ) as creator:
        creator.add(one)
    assert len(creator.report.added) == 2
    assert {skipped.rule for skipped in creator.report.skipped} == {"FS-SOURCE-LEFT-OUT"}


def test_a_transform_that_fails_keeps_the_file_out(one: Path, tmp_path: Path) -> None:
    def fail(dataset: Dataset) -> Dataset:
        raise ValueError(f"cannot treat series {dataset.SeriesNumber}")

    creator = fileset.Creator(tmp_path / "NEW", transform=fail)
    creator.add(one)
    report = creator.commit()
    assert not len(report.added)
    assert {skipped.rule for skipped in report.skipped} == {"FS-TRANSFORM-FAILED"}
    assert "cannot treat series" in report.skipped[0].reason


def of_somebody_else(one: Path) -> None:
    """Give all files of a file-set another Patient ID than its records."""
    for path in one.rglob("*"):
        if path.is_file() and path.name != "DICOMDIR":
            dataset = pydicom.dcmread(path)
            dataset.PatientID = "SOMEBODY"
            dataset.save_as(path)


def test_create_reports_that_a_file_it_changes_was_of_another_patient_than_its_record(
    one: Path, tmp_path: Path, run: Runs
) -> None:
    of_somebody_else(one)
    done = run("create", one, "-o", tmp_path / "NEW", *SETTINGS, code=3)
    assert "the record has PatientID P1, the file has SOMEBODY" in done.stderr


def test_extract_gives_no_new_values_to_a_file_of_another_patient_than_its_record(
    one: Path, tmp_path: Path, run: Runs
) -> None:
    of_somebody_else(one)
    done = run("extract", one, "-o", tmp_path / "copies", *SETTINGS, code=3)
    assert datasets(tmp_path / "copies") == {}
    assert "in the DICOMDIR PatientID is 'P1', in the file 'SOMEBODY'" in done.stderr


def test_files_that_are_added_after_a_dry_run_are_transformed_too_and_all_changes_are_reported(
    one: Path, tmp_path: Path
) -> None:
    first, second = sorted(path for path in one.rglob("*") if path.is_file() and path.name != "DICOMDIR")[:2]

    def transform(dataset: Dataset) -> Dataset:
        dataset.PatientID = "ANON"
        return dataset

    with fileset.Creator(tmp_path / "NEW", transform=transform) as creator:
        creator.add(first)
        creator.commit(dry_run=True)
        creator.add(second)
        report = creator.commit()
    assert {one.PatientID for one in datasets(tmp_path / "NEW").values()} == {"ANON"}
    assert sum(finding.rule == "FS-TRANSFORMED" for finding in report.findings) == 2


def test_new_values_do_not_take_the_whole_file_into_memory(tmp_path: Path) -> None:
    dataset = synthetic.instance("1.2.840.10008.5.1.4.1.1.7")
    dataset.PixelData = bytes(40 << 20)
    synthetic.write(dataset, tmp_path / "IN" / "BIG")
    del dataset
    rules = Reconciliation(values_of({"PatientID": "NEW"}))
    tracemalloc.start()
    try:
        with fileset.Creator(tmp_path / "OUT", rewrite=Streamed(partial(rewritten, rules))) as creator:
            creator.add(tmp_path / "IN")
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    (added,) = creator.report.added
    assert pydicom.dcmread(tmp_path / "OUT" / added.file_id.path).PatientID == "NEW"
