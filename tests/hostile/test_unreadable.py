"""A file or folder that cannot be read or deleted stops only `create --replace`; else the report names it, and the exit code is 3."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

import fileset
from fileset.dicom.elements import element
from fileset.standard.tags import REFERENCED_FILE_ID
from tests.support import synthetic
from tests.support.command import Runs
from tests.support.editing import Elements, edit
from tests.support.journal import added, leave_journal

FOLDER = "P001/T001/S001"
FILE = f"{FOLDER}/I000001"


def _refuse(monkeypatch: pytest.MonkeyPatch, call: str, *paths: Path, number: int = errno.EACCES) -> None:
    """Let an operation of the system fail for some paths."""
    real = getattr(os, call)
    refused = set(map(str, paths))

    def refusing(path: Any, *args: Any, **options: Any) -> Any:
        if isinstance(path, str) and path in refused:
            raise OSError(number, os.strerror(number), path)
        return real(path, *args, **options)

    monkeypatch.setattr(os, call, refusing)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_remove_deletes_a_file_that_cannot_be_read_and_names_it(
    disc: Path, run: Runs, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    _refuse(monkeypatch, "open", disc / FILE, number=number)
    said = f"{FILE}: {os.strerror(number)}; the file is deleted unread"
    assert said in run("remove", disc, "InstanceNumber=1", "--dry-run", code=3).stderr
    done = run("remove", disc, "InstanceNumber=1", code=3)
    assert said in done.stderr
    assert "4 instances removed" in done.stderr
    assert not list(disc.rglob("I000001"))
    run("check", disc)


@pytest.mark.parametrize("number", [errno.EPERM, errno.EBUSY])
def test_only_a_file_that_cannot_be_deleted_stays_and_the_next_change_tries_again(
    disc: Path, tmp_path: Path, run: Runs, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (tmp_path / "NEW1").write_bytes(synthetic.ct(8, 1, 1, 1))
    (tmp_path / "NEW2").write_bytes(synthetic.ct(8, 1, 1, 2))
    with monkeypatch.context() as patch:
        _refuse(patch, "unlink", disc / FILE, number=number)
        told = run("remove", disc, "InstanceNumber=1", code=3).stderr
        assert f"{FILE}: cannot be deleted: {os.strerror(number)}" in told
        assert [path.relative_to(disc).as_posix() for path in disc.rglob("I000001")] == [FILE]
        run("add", disc, tmp_path / "NEW1")
        assert (disc / FILE).exists()
    run("add", disc, tmp_path / "NEW2")
    assert not (disc / FILE).exists()
    run("check", disc)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_files_in_a_folder_without_write_permission_stay_as_the_dry_run_says(
    disc: Path, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != str(disc / FOLDER) and real(path, mode))
    said = f"{FILE}: cannot be deleted: {os.strerror(errno.EACCES)}; the file stays on the medium"
    assert said in run("remove", disc, "InstanceNumber=1", "--dry-run", code=3).stderr
    assert said in run("remove", disc, "InstanceNumber=1", code=3).stderr
    assert [path.relative_to(disc).as_posix() for path in disc.rglob("I000001")] == [FILE]
    assert not (disc / "FILESET_").exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_no_file_set_is_replaced_while_a_file_of_a_former_patient_would_stay(
    disc: Path, tmp_path: Path, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "NEW").write_bytes(synthetic.ct(8, 1, 1, 1))
    before = {path: path.read_bytes() for path in disc.rglob("*") if path.is_file()}
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != str(disc / FOLDER) and real(path, mode))
    for more in ((), ("--dry-run",)):
        said = run("create", tmp_path / "NEW", "-o", disc, "--replace", *more, code=5).stderr
        assert f"{disc / FILE}: a file of the file-set to replace cannot be deleted, so nothing was written" in said
    assert before == {path: path.read_bytes() for path in disc.rglob("*") if path.is_file()}


def test_a_folder_that_cannot_be_listed_costs_no_record_and_stops_no_change(
    disc: Path, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (disc / "DICOMDIR").read_bytes()
    _refuse(monkeypatch, "scandir", disc / FOLDER)
    for words in (("repair",), ("add", disc / "P001"), ("refresh",)):
        assert FOLDER in run(words[0], disc, *words[1:], code=3).stderr
        assert len(run("list", disc, "--file-ids", code=3).stdout.splitlines()) == 12
    assert (disc / "DICOMDIR").read_bytes() == before
    assert "cannot be read" in run("check", disc, code=1).stdout
    told = run("remove", disc, "InstanceNumber=1", code=3).stderr
    assert f"{FILE}: cannot be deleted" in told
    assert [path.relative_to(disc).as_posix() for path in disc.rglob("I000001")] == [FILE]


def test_refresh_reads_the_other_files_again_if_one_is_missing(disc: Path, run: Runs) -> None:
    (disc / FILE).unlink()
    told = run("refresh", disc, code=3).stderr
    assert f"{FILE}: not on the medium" in told
    assert "11 instances read again" in told
    assert "nothing matches" not in run("refresh", disc, "PatientID=P1", "InstanceNumber=1", code=3).stderr
    assert len(run("list", disc, "--file-ids", code=3).stdout.splitlines()) == 12


@pytest.mark.parametrize("first", [True, False])
def test_a_file_that_one_of_two_file_ids_of_a_record_names_is_never_deleted(
    disc: Path, tmp_path: Path, run: Runs, *, first: bool
) -> None:
    name = FILE.replace("/", "\\").encode()

    def change(elements: Elements) -> None:
        own = elements[REFERENCED_FILE_ID]
        other = element(REFERENCED_FILE_ID, "CS", name)
        elements[REFERENCED_FILE_ID] = other + own if first else own + other

    edit(disc, "IMAGE", change, number=11)
    leave_journal(disc, added(disc, FILE), added(disc, "P002/T002/S001/I000003"))
    (tmp_path / "NEW").write_bytes(synthetic.ct(8, 1, 1, 1))
    run("add", disc, tmp_path / "NEW")
    run("remove", disc, "PatientID=P1")
    assert (disc / FILE).exists()
    assert (disc / "P002/T002/S001/I000003").exists()


@pytest.mark.parametrize("verb", ["add", "remove", "refresh", "index"])
def test_each_verb_names_the_files_of_an_interrupted_change_that_it_deletes(
    disc: Path, tmp_path: Path, run: Runs, verb: str
) -> None:
    (tmp_path / "NEW").write_bytes(synthetic.ct(8, 1, 1, 1))
    (disc / "LEFT").write_bytes(synthetic.ct(9, 1, 1, 1))
    leave_journal(disc, added(disc, "LEFT"))
    words: dict[str, tuple[str | Path, ...]] = {
        "add": (disc, tmp_path / "NEW"),
        "remove": (disc, "PatientID=P1"),
        "refresh": (disc,),
        "index": (disc, "--replace"),
    }
    planned = run(verb, *words[verb], "--dry-run").stderr
    assert "LEFT: left by an interrupted change, and would be deleted" in planned
    assert (disc / "LEFT").exists()
    told = run(verb, *words[verb]).stderr
    assert "LEFT: left by an interrupted change, and deleted" in told
    assert planned.count("LEFT:") == told.count("LEFT:") == 1
    assert not (disc / "LEFT").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("verb", ["create", "add", "index"])
def test_a_listed_special_file_is_named_once(disc: Path, tmp_path: Path, run: Runs, verb: str) -> None:
    (disc / FILE).unlink()
    os.mkfifo(disc / FILE)
    other = tmp_path / "OTHER"
    synthetic.ct_series(other, patients=1, studies=1, series=1, instances=1)
    fileset.index(other)
    words: dict[str, tuple[str | Path, ...]] = {
        "create": (disc, "-o", tmp_path / "OUT"),
        "add": (other, disc),
        "index": (disc, "--replace"),
    }
    told = run(verb, *words[verb], code=3).stderr
    assert told.count(f"{FILE}: ") == 1
    assert f"{FILE}: not a regular file" in told
