"""Removing from a file-set: at every level, by any keys, the DICOMDIR first and the files after it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import fileset
from tests.support import judges, synthetic
from tests.support.command import process
from tests.updater.conftest import files, records, uids

STUDY = synthetic.uid("study", 1, 2)
SERIES = synthetic.uid("series", 2, 1, 2)


@pytest.mark.judges
@pytest.mark.parametrize(
    ("level", "keys", "left"),
    [
        (None, {"PatientID": "P1"}, 12),
        ("PATIENT", {"PatientID": "P1"}, 12),
        (None, {"StudyInstanceUID": STUDY}, 18),
        ("STUDY", {"StudyInstanceUID": STUDY}, 18),
        ("SERIES", {"SeriesInstanceUID": SERIES}, 21),
        (None, {"SOPInstanceUID": synthetic.ct_uid(1, 1, 1, 2)}, 23),
        (None, {"InstanceNumber": 2}, 16),
        (None, {"PatientID": "P1", "Modality": "CT", "InstanceNumber": "1"}, 20),
        ("SERIES", {"PatientID": "P2", "SeriesNumber": "1"}, 18),
        (None, {"StudyDate": "20240103-"}, 12),
        (None, {"PatientID": "P3"}, 24),
        ("PATIENT", {"Modality": "CT"}, 24),
    ],
)
def test_matching_instances_are_removed_and_all_others_stay(
    disc: Path, level: str | None, keys: dict[str, Any], left: int
) -> None:
    before = records(disc)
    with fileset.Reader(disc) as reader:
        found = (
            {record.sop_instance_uid for record in reader.find(**keys)} if level != "PATIENT" or left < 24 else set()
        )
    with fileset.Updater(disc) as updater:
        assert updater.remove(level=level, **keys) == 24 - left
    assert {one.sop_instance_uid for one in updater.report.removed} == found
    assert len(files(disc)) == left + 1
    assert set(uids(disc)) & found == set()
    assert set(records(disc)) <= set(before)
    judges.assert_clean([judges.JUDGES["links"](disc)], frozenset(uids(disc)))


def test_branches_and_folders_that_are_left_empty_go_too(disc: Path) -> None:
    with fileset.Updater(disc) as updater:
        updater.remove(PatientID="P1", StudyInstanceUID=STUDY)
        updater.remove(PatientID="P2")
    with fileset.Reader(disc) as reader:
        assert [record["PatientID"] for record in reader.patients] == ["P1"]
        assert len(list(reader.studies)) == 1
    assert sorted(path.name for path in disc.iterdir()) == ["DICOMDIR", "PT000000"]


def test_everything_can_go(disc: Path) -> None:
    with fileset.Updater(disc) as updater:
        assert updater.remove(PatientID="*") == 24
    assert uids(disc) == []
    assert [path.name for path in disc.iterdir()] == ["DICOMDIR"]


def test_files_may_stay(disc: Path) -> None:
    before = files(disc)
    with fileset.Updater(disc) as updater:
        updater.remove(PatientID="P1", keep_files=True)
    assert files(disc).keys() == before.keys()
    assert [finding.rule for finding in updater.report.findings] == ["FS-FILE-UNLISTED"] * 12
    assert not any(removed.deleted for removed in updater.report.removed)


def test_nothing_is_removed_without_keys(disc: Path) -> None:
    with fileset.Updater(disc) as updater, pytest.raises(fileset.RuleError, match="no key given"):
        updater.remove()


def test_removing_twice_counts_once(disc: Path) -> None:
    with fileset.Updater(disc) as updater:
        assert updater.remove(PatientID="P1") == 12
        assert updater.remove(InstanceNumber=1) == 4


@pytest.mark.judges
def test_removal_comes_before_addition_for_any_order_of_the_calls(disc: Path, tmp_path: Path) -> None:
    before = uids(disc)
    with fileset.Updater(disc) as updater:
        updater.add(tmp_path / "SOURCE" / "P001")
        updater.remove(PatientID="P1")
    assert (len(updater.report.added), len(updater.report.removed)) == (12, 12)
    assert uids(disc) == before
    judges.judge_file_set(disc, before)


def test_a_file_that_another_record_references_is_not_deleted(disc: Path) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    shared = rb"PT000001\ST000000\SE000000\IM000000"
    (disc / "DICOMDIR").write_bytes(data.replace(rb"PT000000\ST000000\SE000000\IM000000", shared))
    with fileset.Updater(disc) as updater:
        updater.remove(PatientID="P1")
    assert (disc / shared.decode().replace("\\", "/")).exists()


def test_a_file_under_another_form_of_its_name_is_deleted(disc: Path) -> None:
    (disc / "PT000000").rename(disc / "pt000000")
    path = disc / "pt000000/ST000000/SE000000/IM000000"
    path.rename(path.with_name("im000000.dcm"))
    with fileset.Updater(disc) as updater:
        updater.remove(PatientID="P1")
    assert sorted(path.name for path in disc.iterdir()) == ["DICOMDIR", "PT000001"]


@pytest.mark.parametrize("name", [rb"..\BAIT", rb"LINK\BAIT"])
def test_nothing_is_deleted_outside_the_file_set(disc: Path, name: bytes) -> None:
    bait = disc.parent / "BAIT"
    bait.write_text("precious")
    (disc / "LINK").symlink_to(disc.parent, target_is_directory=True)
    data = (disc / "DICOMDIR").read_bytes()
    former = rb"PT000000\ST000000\SE000000\IM000000"
    (disc / "DICOMDIR").write_bytes(data.replace(former, name.ljust(len(former))))
    with fileset.Updater(disc) as updater:
        updater.remove(PatientID="P1")
    assert bait.read_text() == "precious"
    assert len(updater.report.removed) == 12 - (name[:2] == b"..")


@pytest.mark.parametrize("name", [b"DICOMDIR", b"README", rb"FILESET_\LOCK"])
def test_the_files_of_the_file_set_itself_are_not_deleted(disc: Path, name: bytes) -> None:
    (disc / "README").write_text("hello")
    with fileset.Updater(disc) as updater:
        updater.descriptor_file_id = "README"
    data = (disc / "DICOMDIR").read_bytes()
    former = rb"PT000000\ST000000\SE000000\IM000000"
    (disc / "DICOMDIR").write_bytes(data.replace(former, name.ljust(len(former))))
    with fileset.Updater(disc) as updater:
        updater.remove(PatientID="P1")
    assert sorted(path.name for path in disc.iterdir()) == ["DICOMDIR", "PT000000", "PT000001", "README"]


def test_a_key_without_a_value_is_most_often_a_mistake(disc: Path) -> None:
    before = (disc / "DICOMDIR").read_bytes()
    with pytest.raises(fileset.errors.RuleError, match=r"PatientID='\*'"), fileset.Updater(disc) as updater:
        updater.remove(PatientID="")
    assert (disc / "DICOMDIR").read_bytes() == before


def test_a_file_that_another_record_names_in_another_form_stays(disc: Path) -> None:
    series = disc / "PT000000/ST000000/SE000000"
    data = (disc / "DICOMDIR").read_bytes()
    for name, form in ((b"IM000000", b"IM0000  "), (b"IM000001", b"IM0000. ")):
        start = rb"PT000000\ST000000\SE000000"
        data = data.replace(start + b"\\" + name, start + b"\\" + form)
    (disc / "DICOMDIR").write_bytes(data)
    shared = (series / "IM000000").rename(series / "IM0000")
    with fileset.Updater(disc) as updater:
        updater.remove(SOPInstanceUID=synthetic.ct_uid(1, 1, 1, 1))
    assert shared.exists()
    with fileset.Reader(disc) as reader:
        assert len(list(reader.instances)) == 23


def _second_patient_linked_to_the_first(disc: Path) -> dict[str, bytes]:
    """Replace the folder of P2 by a link to that of P1; return the files of P1."""
    shutil.rmtree(disc / "PT000001")
    (disc / "PT000001").symlink_to("PT000000", target_is_directory=True)
    return files(disc / "PT000000")


def test_nothing_is_deleted_through_a_linked_folder(disc: Path) -> None:
    before = _second_patient_linked_to_the_first(disc)
    done = process("remove", disc, "PatientID=P2")
    assert done.returncode == 3, done.stderr
    assert "FS-FILE-LINK" in done.stderr
    assert files(disc / "PT000000") == before
    assert sorted(path.name for path in disc.iterdir()) == ["DICOMDIR", "PT000000", "PT000001"]
    assert len(uids(disc)) == 12


def test_files_below_a_linked_folder_are_reported_as_not_deleted(disc: Path) -> None:
    _second_patient_linked_to_the_first(disc)
    with fileset.Updater(disc) as updater:
        updater.remove(PatientID="P2")
    assert [finding.rule for finding in updater.report.findings] == ["FS-FILE-LINK"] * 12
    assert not any(removed.deleted for removed in updater.report.removed)


def test_replacing_a_file_set_deletes_nothing_through_a_linked_folder(disc: Path) -> None:
    _second_patient_linked_to_the_first(disc)
    with fileset.Creator(disc, replace=True) as creator:
        creator.add(disc.parent / "SOURCE", only={"PatientID": "P1"})
    assert not [one for one in fileset.check_file_set(disc).findings if one.rule == "FS-FILE-MISSING"]
    assert len(uids(disc)) == 12


IMAGE = "PT000000/ST000000/SE000000/IM000000"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_listed_pipe_costs_its_record_and_stays(disc: Path) -> None:
    (disc / IMAGE).unlink()
    os.mkfifo(disc / IMAGE)
    done = process("remove", disc, "PatientID=P1")
    assert (done.returncode, "FS-FILE-UNREADABLE" in done.stderr) == (3, True), done.stderr
    assert [path for path in (disc / "PT000000").rglob("*") if not path.is_dir()] == [disc / IMAGE]
    assert len(uids(disc)) == 12


def test_a_listed_link_that_leads_out_is_called_a_link(disc: Path) -> None:
    (disc / IMAGE).rename(disc.parent / "ELSE")
    (disc / IMAGE).symlink_to(disc.parent / "ELSE")
    with fileset.Updater(disc) as updater:
        updater.remove(PatientID="P1")
    assert [finding.rule for finding in updater.report.findings] == ["FS-FILE-LINK"]
    assert [one.deleted for one in updater.report.removed].count(False) == 1
    assert (disc.parent / "ELSE").exists()


@pytest.mark.parametrize("why", ["shared", "missing", "descriptor", "descriptor-to-be"])
def test_the_report_calls_only_files_deleted_that_are(why: str, disc: Path) -> None:
    path = disc / IMAGE
    with fileset.Updater(disc) as updater:
        if why == "descriptor":
            updater.descriptor_file_id = IMAGE
    if why == "shared":
        data = (disc / "DICOMDIR").read_bytes()
        shared = IMAGE.replace("/", "\\").encode()
        (disc / "DICOMDIR").write_bytes(data.replace(shared.replace(b"PT000000", b"PT000001"), shared))
    if why == "missing":
        path.unlink()
    with fileset.Updater(disc) as updater:
        updater.remove(PatientID="P1")
        if why == "descriptor-to-be":
            updater.descriptor_file_id = IMAGE
    assert [one.file_id.path for one in updater.report.removed if not one.deleted] == [IMAGE]
    assert path.exists() == (why != "missing")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_replacing_a_file_set_names_the_files_that_cannot_be_deleted(disc: Path) -> None:
    (disc / IMAGE).unlink()
    os.mkfifo(disc / IMAGE)
    _second_patient_linked_to_the_first(disc)
    done = process("create", disc.parent / "SOURCE", "-o", disc, "--replace", "--naming", "uid")
    assert done.returncode == 3, done.stderr
    assert "FS-FILE-UNREADABLE" in done.stderr
    assert done.stderr.count("FS-FILE-LINK") == 12
