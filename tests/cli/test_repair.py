"""`fileset repair` reports each fault, and the exit code shows whether anything is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pydicom
import pytest

from fileset.cli.shell import shown
from tests.support import synthetic
from tests.support.command import Runs, damage


@pytest.fixture
def disc(indexed: Path, tmp_path: Path) -> Path:
    """A copy of `indexed` that may be changed."""
    return Path(shutil.copytree(indexed, tmp_path / "DISC"))


FIRST = "P001/T001/S001/I000001"


def test_nothing_to_repair(run: Runs, disc: Path) -> None:
    assert run("repair", disc).stderr == f"nothing to repair in {disc}\n"


def test_a_missing_file_is_named_and_changes_the_exit_code(run: Runs, disc: Path) -> None:
    (disc / FIRST).unlink()
    done = run("repair", disc, "--dry-run", "-v", code=3)
    assert done.stdout == f"{FIRST} would no longer be referenced\n"
    assert f"1 instance would be dropped from {disc}, " in done.stderr
    document = run("repair", disc, "--json", code=3).document
    assert document["schema"] == "fileset.repair/1"
    assert document["file_set"] == {"id": "TWELVE", "uid": "2.25.12", "path": str(disc)}
    [removed] = document["removed"]
    assert (removed["file_id"], removed["deleted"]) == (FIRST, False)
    run("check", disc)
    run("repair", disc)


def test_dropped_instances_are_named_without_an_option(run: Runs, disc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2, 3):
        (disc / f"P001/T001/S001/I00000{number}").unlink()
    monkeypatch.setattr("fileset.cli.write_report.NAMED", 2)
    shutil.copytree(disc, disc.with_name("VERBOSE"))
    shutil.copytree(disc, disc.with_name("QUIET"))
    assert run("repair", disc, code=3).stderr.splitlines()[:4] == [
        "3 instances dropped:",
        f"  {FIRST}, {synthetic.ct_uid(number=1)}",
        f"  P001/T001/S001/I000002, {synthetic.ct_uid(number=2)}",
        "  and 1 more (-v or --json names every one)",
    ]
    verbose = run("repair", "-v", disc.with_name("VERBOSE"), code=3)
    assert verbose.stdout.startswith(f"{FIRST} no longer referenced\n")
    assert "instances dropped:" not in verbose.stderr
    quiet = run("repair", "-q", disc.with_name("QUIET"), code=3).stderr
    assert quiet.startswith(f"3 instances dropped:\n  {FIRST}, ")
    assert f"{FIRST}: not on the medium [FS-FILE-MISSING]" in quiet
    assert "warning" not in run("repair", "-q", disc.with_name("QUIET")).stderr


def test_listing_files_again_loses_nothing(run: Runs, disc: Path) -> None:
    (disc / "DICOMDIR").write_bytes((disc / "DICOMDIR").read_bytes()[:2000])
    (disc / "MORE").write_bytes(synthetic.ct(3))
    assert f"instances added to {disc}, " in run("repair", disc).stderr
    assert len(run("list", disc, "--paths").stdout.splitlines()) == 13


def test_only_links_were_wrong(run: Runs, disc: Path) -> None:
    data = bytearray((disc / "DICOMDIR").read_bytes())
    at = data.index(b"\x04\x00\x02\x12UL") + 8
    data[at : at + 4] = bytes(4)
    (disc / "DICOMDIR").write_bytes(data)
    assert f"the DICOMDIR would be rebuilt in {disc}" in run("repair", disc, "--dry-run").stderr
    assert f"the DICOMDIR was rebuilt in {disc}" in run("repair", disc).stderr


def test_files_under_names_that_are_no_file_ids_are_left_and_named(run: Runs, disc: Path) -> None:
    (disc / "one.dcm").write_bytes(synthetic.ct(3))
    assert "one.dcm: " in run("repair", disc, code=3).stderr


def test_a_folder_without_dicom_files_is_no_file_set(run: Runs, tmp_path: Path) -> None:
    assert "not a file-set" in run("repair", tmp_path, code=4).stderr


def test_files_that_an_interrupted_write_left_are_reported(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "FILESET_").mkdir()
    (tmp_path / "FILESET_" / "T0000001").write_bytes(b"half")
    (tmp_path / "FILESET_" / "LOCK").touch()
    said = "2 files of an interrupted write {} removed: there is no file-set in {}, 1 fault of the old DICOMDIR, 3 warnings\n"
    assert run("repair", tmp_path, "--dry-run", code=3).stderr.endswith(said.format("would be", tmp_path))
    done = run("repair", tmp_path, code=3).stderr
    assert "a write was interrupted before any file was complete. Write it again" in done
    assert "  FILESET_/T0000001: belongs to a write that is under way or was interrupted" in done
    assert done.endswith(said.format("were", tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_repair_that_can_do_nothing_names_the_command_that_can(run: Runs, disc: Path) -> None:
    shutil.copyfile(disc / "P002/T001/S001/I000001", disc / FIRST)
    ended = run("repair", disc, "--trust-dicomdir", code=3).stderr
    assert f"nothing could be repaired in {disc}" in ended
    assert f"fileset create {shown([str(disc)])} -o NEW" in ended
    run("create", disc, "-o", disc.with_name("NEW"), code=3)
    run("check", disc.with_name("NEW"))


def test_a_truncated_dicomdir_is_not_a_copy_and_is_reported_as_cut_off(run: Runs, disc: Path) -> None:
    (disc / "DICOMDIR").write_bytes((disc / "DICOMDIR").read_bytes()[:200])
    ended = run("extract", disc, "-o", disc.with_name("COPIES"), code=3)
    assert "not a DICOMDIR, but cut off before its records" in ended.stderr
    assert not list(disc.with_name("COPIES").rglob("*DICOMDIR*"))
    repaired = run("repair", disc).stderr
    assert "cut off before its records: the records are made only from the files" in repaired


@pytest.mark.parametrize("wrong", [b"ZZ", b"UN", b"LO"])
@pytest.mark.parametrize(
    ("tag", "right"),
    [
        (0x00041130, "CS"),
        (0x00041200, "UL"),
        (0x00041202, "UL"),
        (0x00041212, "US"),
        (0x00041220, "SQ"),
    ],
)
def test_a_wrong_vr_in_the_header_is_an_error_that_repair_mends(
    tag: int, right: str, wrong: bytes, run: Runs, disc: Path
) -> None:
    number = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
    damage(disc, number + right.encode(), number + wrong)
    findings = run("check", disc, "--json", code=1).document["findings"]
    assert any(row["severity"] == "error" for row in findings)
    if tag == 0x00041220 or wrong == b"LO":  # other elements get another length, so they are missing
        assert [(row["rule"], row["where"]["tag"]) for row in findings] == [("FS-ELEMENT-VR", f"{tag:08X}")]
        assert len(run("list", disc, "--paths").stdout.splitlines()) == 12
    run("repair", disc)
    assert run("check", disc).stdout.endswith(": 0 errors\n")
    assert len(pydicom.dcmread(disc / "DICOMDIR").DirectoryRecordSequence) == 22
