"""After a killed change, a dry run says what the run then does, and files that may be the only copies stay."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import fileset
from fileset.media.folder.work_folder import NEW, OLD
from fileset.media.system.hashing import digest_of
from fileset.media.system.walk import LOCK, SEAL, WORK
from tests.support import synthetic
from tests.support.command import Runs
from tests.support.journal import added, leave_journal, removed

no_text = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are not text")


@pytest.mark.parametrize("verb", ["create", "add", "index"])
def test_a_dry_run_plans_with_the_names_that_recovery_frees(disc: Path, tmp_path: Path, verb: str) -> None:
    (tmp_path / "NEW").write_bytes(synthetic.ct(8, 1, 1, 1))
    (disc / "PT000000/ST000000/SE000000").mkdir(parents=True)
    left = disc / "PT000000/ST000000/SE000000/IM000000"
    left.write_bytes(synthetic.ct(9, 1, 1, 1))
    leave_journal(disc, added(disc, "PT000000/ST000000/SE000000/IM000000"))

    def done(*, dry_run: bool) -> list[str]:
        if verb == "index":
            return [str(one.file_id) for one in fileset.index(disc, replace=True, dry_run=dry_run).added]
        role = fileset.Updater(disc) if verb == "add" else fileset.Creator(disc, replace=True)
        role.add(tmp_path / "NEW")
        return [str(one.file_id) for one in role.commit(dry_run=dry_run).added]

    planned = done(dry_run=True)
    assert left.exists()
    assert done(dry_run=False) == planned


def test_a_dry_run_names_the_dicomdir_that_the_run_restores(disc: Path, run: Runs) -> None:
    whole = (disc / "DICOMDIR").read_bytes()
    (disc / WORK).mkdir()
    (disc / WORK / OLD).write_bytes(whole)
    (disc / WORK / LOCK).touch()
    (disc / WORK / SEAL).write_text(f"{'0' * 32}  {NEW}\n{digest_of([whole])}  {OLD}\n", newline="\n")
    (disc / "DICOMDIR").unlink()
    planned = run("add", disc, "--file-set-id", "NEW", "--dry-run").stderr
    assert f"its copy {WORK}/{OLD} is read instead: it would be put in its place" in planned
    assert not (disc / "DICOMDIR").exists()
    assert "it was put in its place" in run("add", disc, "--file-set-id", "NEW").stderr


@pytest.mark.parametrize("verb", ["index", "repair"])
def test_the_files_of_a_killed_create_are_listed_not_deleted_where_there_is_no_dicomdir(
    disc: Path, run: Runs, verb: str
) -> None:
    """The verbs that list the files of a folder: the copies may be the only ones by now."""
    names = [path.relative_to(disc).as_posix() for path in sorted(disc.rglob("I0*"))]
    (disc / "DICOMDIR").unlink()
    leave_journal(disc, *(added(disc, name) for name in names))
    assert f"{len(names)} instances would be added" in run(verb, disc, "--dry-run").stderr
    run(verb, disc)
    assert len(run("list", disc, "--file-ids").stdout.splitlines()) == len(names) == 12
    assert not (disc / WORK).exists()
    run("check", disc)


@pytest.mark.parametrize("line", [added, removed])
def test_repair_of_half_a_dicomdir_lists_the_files_of_a_killed_change(
    disc: Path, run: Runs, line: Callable[[Path, str], str]
) -> None:
    """Recovery keeps these files, because the lost records may have named them, so repair may not leave them out."""
    names = [path.relative_to(disc).as_posix() for path in sorted(disc.rglob("I0*"))]
    whole = (disc / "DICOMDIR").read_bytes()
    (disc / "DICOMDIR").write_bytes(whole[: len(whole) // 2])
    leave_journal(disc, *(line(disc, name) for name in names))
    run("repair", disc)
    assert len(run("list", disc, "--file-ids").stdout.splitlines()) == len(names)
    run("check", disc)


def test_a_journal_that_describes_another_file_costs_repair_no_second_run(disc: Path, run: Runs) -> None:
    (disc / "LEFT").write_bytes(synthetic.ct(9, 1, 1, 1))
    line = added(disc, "LEFT")
    (disc / "LEFT").write_bytes(synthetic.ct(10, 1, 1, 1))
    leave_journal(disc, line)
    run("repair", disc)
    assert "LEFT" in run("list", disc, "--file-ids").stdout.splitlines()
    assert "nothing to repair" in run("repair", disc).stderr


def _killed_while_it_copies(folder: Path) -> None:
    """Leave the work folder of a `create` that ended before its first file had its name."""
    (folder / WORK).mkdir(parents=True)
    (folder / WORK / LOCK).touch()
    (folder / WORK / "T0000000").write_bytes(synthetic.ct(1))
    (folder / WORK / "T0000001").write_bytes(synthetic.ct(2)[:-300])


def test_unfinished_copies_of_a_killed_create_are_never_sources(tmp_path: Path, run: Runs) -> None:
    _killed_while_it_copies(tmp_path / "IN" / "KILLED")
    (tmp_path / "IN" / "A.dcm").write_bytes(synthetic.ct(3))
    assert "1 instance of 1 patient written" in run("create", tmp_path / "IN", "-o", tmp_path / "OUT").stderr
    assert "1 file " in run("extract", tmp_path / "IN", "-o", tmp_path / "COPIES").stderr


@pytest.mark.parametrize("verb", ["list", "info", "check", "extract"])
def test_a_folder_in_which_a_create_was_killed_is_called_that(tmp_path: Path, run: Runs, verb: str) -> None:
    _killed_while_it_copies(tmp_path / "KILLED")
    more = ("-o", tmp_path / "OUT") if verb == "extract" else ()
    said = run(verb, tmp_path / "KILLED", *more, code=4).stderr
    assert "a writer was interrupted before it wrote one. Write it again" in said
    assert "fileset index" not in said, "no file there is complete"


def test_an_index_of_what_a_killed_create_left_lists_complete_files_or_writes_nothing(
    tmp_path: Path, run: Runs
) -> None:
    folder = tmp_path / "KILLED"
    _killed_while_it_copies(folder)
    (folder / "README.TXT").write_text("not DICOM")
    planned = run("index", folder, "--dry-run", code=3).stderr
    assert "2 unfinished copies of an interrupted write, would be deleted" in planned
    said = run("index", folder, code=3).stderr
    assert "2 unfinished copies of an interrupted write, deleted" in said
    assert "nothing was written: a write was interrupted before any file was complete. Write it again" in said
    assert [path.name for path in folder.iterdir()] == ["README.TXT"]
    _killed_while_it_copies(folder)
    (folder / "scan.dcm").write_bytes(synthetic.ct(3))  # complete, but it needs another name
    said = run("index", folder, code=3).stderr
    assert "Write it again" not in said
    assert "fileset create" in said
    (folder / "scan.dcm").unlink()
    _killed_while_it_copies(folder)
    (folder / "A").write_bytes(synthetic.ct(3))
    assert "use `fileset index`, which lists the files that are complete" in run("list", folder, code=4).stderr
    said = run("index", folder).stderr
    assert "2 unfinished copies of an interrupted write, deleted" in said
    assert run("list", folder, "--file-ids").stdout == "A\n"


def test_a_folder_of_others_with_the_name_of_the_work_folder_is_read(disc: Path, tmp_path: Path, run: Runs) -> None:
    """A writer leaves a mark in its own; records never reference files in such a folder, because writers clean it up."""
    (disc / WORK).mkdir()
    (disc / WORK / "IM1").write_bytes(synthetic.ct(9, 1, 1, 1))
    assert len(run("list", disc, "--scan", "--file-ids").stdout.splitlines()) == 13
    assert "13 files " in run("extract", disc, "-o", tmp_path / "COPIES").stderr
    assert "13 instances " in run("create", disc, "-o", tmp_path / "OUT").stderr
    for words in (("index", disc, "--replace"), ("repair", disc), ("add", disc, disc / WORK)):
        assert f"{WORK}/IM1: the folder {WORK} is kept free" in run(*words, code=3).stderr
    run("remove", disc, "PatientID=P1")
    assert (disc / WORK / "IM1").exists()


def test_no_new_file_gets_a_name_in_a_folder_that_writers_clean_up(disc: Path, tmp_path: Path, run: Runs) -> None:
    """Every later change of such a file-set would be refused."""
    (disc / WORK).mkdir()
    (disc / WORK / "IM1").write_bytes(synthetic.ct(9, 1, 1, 1))
    run("create", disc, "-o", tmp_path / "OUT", "--naming", "keep")
    assert not any(name.startswith(WORK) for name in run("list", tmp_path / "OUT", "--file-ids").stdout.splitlines())
    run("refresh", tmp_path / "OUT")


def test_a_file_with_the_name_of_the_work_folder_is_no_interrupted_writer(tmp_path: Path, run: Runs) -> None:
    (tmp_path / WORK).write_bytes(synthetic.ct(1))
    assert "interrupted" not in run("list", tmp_path, code=4).stderr


@pytest.mark.parametrize("name", [b"liesmich-\xc3\xa4.txt", pytest.param(b"liesmich-\xe4.txt", marks=no_text)])
def test_recovery_deletes_an_included_file_of_any_name(disc: Path, run: Runs, name: bytes) -> None:
    left = disc / os.fsdecode(name)
    left.write_bytes(b"Anleitung")
    leave_journal(disc, added(disc, left.name))
    assert "left by an interrupted change, and deleted" in run("add", disc, "--file-set-id", "NEW").stderr
    assert not left.exists()
