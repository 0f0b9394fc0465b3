"""`fileset add` and `fileset remove`: options reach the library, and the report names each change."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fileset.cli.shell import shown
from tests.support import synthetic
from tests.support.command import Runs


@pytest.fixture
def disc(indexed: Path, tmp_path: Path) -> Path:
    """A copy of `indexed` that may be changed."""
    return Path(shutil.copytree(indexed, tmp_path / "DISC"))


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """A file of a new patient."""
    path = tmp_path / "NEW" / "FILE"
    path.parent.mkdir()
    path.write_bytes(synthetic.ct(patient=9))
    return path


def paths(run: Runs, disc: Path) -> list[str]:
    return run("list", disc, "--paths").stdout.splitlines()


def test_add_shows_the_added_instances(run: Runs, disc: Path, new: Path) -> None:
    done = run("add", disc, new)
    assert done.stdout == ""
    assert done.stderr.startswith(f"1 instance added to {disc}, ")
    assert len(paths(run, disc)) == 13


def test_add_names_the_right_order_of_medium_and_source(run: Runs, disc: Path, new: Path) -> None:
    refused = run("add", new.parent, disc, code=2)
    assert refused.stderr.rstrip().endswith(shown(["fileset", "add", str(disc), str(new.parent)]))
    assert not (new.parent / "DICOMDIR").exists()


def test_add_reports_as_json(run: Runs, disc: Path, new: Path) -> None:
    document = run("add", disc, new, "--json", "--file-set-id", "OTHER").document
    assert document["schema"] == "fileset.add/1"
    assert document["file_set"] == {"id": "OTHER", "uid": "2.25.12", "path": str(disc)}
    [added] = document["added"]
    assert added == {
        "source": "FILE",
        "file_id": "PT000000/ST000000/SE000000/IM000000",
        "record_type": "IMAGE",
        "sop_instance_uid": synthetic.ct_uid(9),
    }
    assert document["written"]["files"] == 2


def test_a_dry_run_prints_the_plan(run: Runs, disc: Path, new: Path) -> None:
    before = (disc / "DICOMDIR").read_bytes()
    assert run("add", disc, new, "--dry-run").stdout == ""
    assert run("add", disc, new, "--dry-run", "-v").stdout == "FILE -> PT000000/ST000000/SE000000/IM000000\n"
    done = run("remove", disc, "PatientID=P2", "InstanceNumber=1", "--dry-run", "-v")
    assert done.stdout == "".join(f"P002/T00{study}/S001/I000001 would be removed\n" for study in (1, 2))
    assert done.stderr == f"2 instances would be removed from {disc}, 2 files would be deleted\n"
    assert run("refresh", disc, "PatientID=P2", "--dry-run", "-v").stdout.endswith("I000003 would be read again\n")
    assert (disc / "DICOMDIR").read_bytes() == before


def test_a_new_identification_is_reported(run: Runs, disc: Path, new: Path) -> None:
    said = run("add", disc, "--file-set-id", "NEW", "--dry-run").stderr
    assert said == f"the identification would be changed in {disc}\n"
    said = run("add", disc, "--file-set-id", "NEW").stderr
    assert said.startswith(f"the identification was changed in {disc}, ")
    said = run("add", disc, new, "--file-set-id", "OTHER").stderr
    assert said.startswith(f"1 instance added to {disc}, the identification changed, ")


def test_remove_shows_the_removed_instances(run: Runs, disc: Path) -> None:
    document = run("remove", disc, "PatientID=P1", "--json").document
    assert document["schema"] == "fileset.remove/1"
    assert len(document["removed"]) == 6
    assert document["removed"][0] == {
        "file_id": "P001/T001/S001/I000001",
        "record_type": "IMAGE",
        "sop_instance_uid": synthetic.ct_uid(),
        "deleted": True,
    }
    assert not (disc / "P001").exists()


def test_remove_of_nothing_is_not_done(run: Runs, disc: Path) -> None:
    assert run("remove", disc, "PatientID=P3", code=3).stderr == (
        f"0 instances removed from {disc}\nnothing matches PatientID=P3\n"
    )
    said = run("remove", disc, code=2).stderr
    command = shown(["fileset", "remove", str(disc), "PatientID=P1", "--dry-run"])
    assert f"Give one, as `{command}`; PatientID='*' means everything" in said


def test_remove_says_how_many_files_it_deleted(run: Runs, disc: Path) -> None:
    kept = run("remove", disc, "PatientID=P2", "--keep-files").stderr
    assert "6 instances removed from" in kept
    assert "deleted" not in kept
    assert f"6 instances removed from {disc}, 6 files deleted, " in run("remove", disc, "PatientID=P1").stderr


def test_refresh_of_nothing_is_not_done(run: Runs, disc: Path) -> None:
    before = (disc / "DICOMDIR").read_bytes()
    done = run("refresh", disc, "PatientID=P3", code=3)
    assert done.stderr.splitlines()[-1] == "nothing matches PatientID=P3"
    assert (disc / "DICOMDIR").read_bytes() == before
    run("refresh", disc)


def test_a_new_name_does_not_hide_that_nothing_was_refreshed(run: Runs, disc: Path) -> None:
    done = run("refresh", disc, "PatientID=P3", "--file-set-id", "NEW", code=3)
    assert done.stderr.splitlines()[-1] == "nothing matches PatientID=P3"


def test_an_instance_that_matches_and_cannot_be_read_is_no_misspelt_key(run: Runs, disc: Path) -> None:
    os.truncate(disc / "P001/T001/S001/I000001", 140)
    done = run("refresh", disc, "PatientID=P1", "StudyInstanceUID=*", "InstanceNumber=1", code=3)
    assert "I000001: " in done.stderr
    for path in (disc / "P001").rglob("I*"):
        os.truncate(path, 140)
    assert "nothing matches" not in run("refresh", disc, "PatientID=P1", code=3).stderr


def test_files_may_stay(run: Runs, disc: Path) -> None:
    done = run("remove", disc, "PatientID=P1", "--keep-files", "--level", "PATIENT", "-v")
    assert "P001/T001/S001/I000001 no longer referenced\n" in done.stdout
    assert "[FS-FILE-UNLISTED]" in done.stderr
    assert (disc / "P001/T001/S001/I000001").exists()


def test_files_that_stay_as_requested_are_not_called_errors(run: Runs, disc: Path) -> None:
    said = run("remove", disc, "PatientID=P1", "--keep-files", "--level", "PATIENT").stderr
    assert re.search(r"^\d+ accepted faults?:$", said, re.MULTILINE)
    assert not re.search(r"^\d+ errors?:$", said, re.MULTILINE)


def test_sources_that_no_record_can_reference_are_not_a_success(
    run: Runs, disc: Path, new: Path, tmp_path: Path
) -> None:
    """As with `create`. Sources that the file-set has already are a success, and so are others beside them."""
    note, notes = tmp_path / "note.txt", tmp_path / "NOTES"
    notes.mkdir()
    for path in (note, notes / "note.txt", disc / "README"):
        path.write_text("hello")
    for useless in ([note], [notes], [notes, note], [disc / "README"], [note, "--file-set-id", "NEW"]):
        document = run("add", disc, *useless, "--json", code=3).document
        assert [one["rule"] for one in document["findings"]] == ["FS-NOTHING-ADDED"]
        assert not document["complete"]
        assert "FS-NOTHING-ADDED" in run("create", *useless, "-o", tmp_path / "OUT", code=3).stderr
    assert "nothing was added: there is no file that a DICOMDIR can list" in run("add", disc, note, code=3).stderr
    for useful in ([disc], [disc / "P001", note], [new, note], [new, note], [new]):
        run("add", disc, *useful)


@pytest.mark.parametrize(
    "words",
    [
        "add MEDIUM NEW",
        "remove MEDIUM PatientID=P1",
        "refresh MEDIUM",
        "repair MEDIUM",
        "repair MEDIUM --format folder",
    ],
)
def test_the_path_of_the_dicomdir_names_its_file_set(
    words: str, run: Runs, disc: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(disc)
    verb, *others = words.replace("NEW", str(new)).split()

    def report(medium: str) -> str:
        done = run(verb, *(medium if word == "MEDIUM" else word for word in others), "--dry-run", "-v")
        return done.stdout + done.stderr.replace(str(disc), ".")

    assert report("DICOMDIR") == report(str(disc / "DICOMDIR")) == report(".")
    run(verb, *("DICOMDIR" if word == "MEDIUM" else word for word in others))
    run("check", disc)


def test_the_path_of_the_dicomdir_names_its_file_set_as_a_source_and_for_a_scan(
    run: Runs, disc: Path, tmp_path: Path
) -> None:
    run("create", "--from-medium", disc / "DICOMDIR", "-o", tmp_path / "OUT")
    assert len(run("list", tmp_path / "OUT", "--paths").stdout.splitlines()) == 12
    scanned = run("list", "--scan", "--format", "folder", disc / "DICOMDIR", "--paths").stdout
    assert scanned == run("list", "--scan", disc, "--paths").stdout


def test_a_copy_of_the_dicomdir_does_not_name_its_file_set_for_a_change(run: Runs, disc: Path) -> None:
    copy = shutil.copy(disc / "DICOMDIR", disc / "DICOMDIR.OLD")
    assert "neither a folder nor an image" in run("remove", copy, "PatientID=P1", code=4).stderr


def test_nothing_to_add_is_wrong_usage(run: Runs, disc: Path) -> None:
    assert "no SOURCE given. Name at least one" in run("add", disc, code=2).stderr


def test_an_unreadable_dicomdir_is_not_replaced(run: Runs, disc: Path, new: Path) -> None:
    (disc / "DICOMDIR").write_bytes(b"nothing")
    assert "fileset repair" in run("add", disc, new, code=4).stderr
    assert (disc / "DICOMDIR").read_bytes() == b"nothing"


def test_a_conflict_is_skipped_unless_it_shall_replace(run: Runs, disc: Path, tmp_path: Path) -> None:
    path = tmp_path / "FILE"
    path.write_bytes(synthetic.ct().replace(b"ACME", b"ACNE"))
    assert "[FS-INSTANCE-CONFLICT]" in run("add", disc, path, code=3).stderr
    done = run("add", disc, path, "--replace")
    assert done.stderr.startswith(f"1 instance removed, 1 instance added to {disc}, ")
    assert not (disc / "P001/T001/S001/I000001").exists()


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="no sha256sum")
def test_a_manifest_follows_each_change(run: Runs, tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "IN", 2, 1, 1, 2)
    disc, manifest = tmp_path / "DISC", tmp_path / "MANIFEST"

    def checked() -> int:
        command = ["sha256sum", "--check", "--strict", "--quiet", str(manifest)]
        subprocess.run(command, cwd=disc, check=True)
        return len(manifest.read_text().splitlines())

    manifest.write_text("0" * 64 + "  OF/ANOTHER\n")
    run("create", tmp_path / "IN", "-o", disc, "--manifest", manifest)
    assert checked() == 5
    (tmp_path / "NEW").write_bytes(synthetic.ct(9))
    run("add", disc, tmp_path / "NEW", "--manifest", manifest)
    assert checked() == 6
    run("remove", disc, "PatientID=P1", "--manifest", manifest)
    assert checked() == 4
    run("remove", disc, "PatientID=P2", "--dry-run", "--manifest", manifest)
    assert checked() == 4


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nowhere/MANIFEST", "there is no folder {above}"), ("folder", "it is a folder")],
)
@pytest.mark.parametrize("option", ["--manifest", "--plan"])
def test_a_manifest_or_plan_that_cannot_be_written_is_reported_before_anything_is(
    option: str, name: str, reason: str, run: Runs, disc: Path, new: Path, tmp_path: Path
) -> None:
    path, out, bare = tmp_path / name, tmp_path / "OUT", tmp_path / "NEW"
    (tmp_path / "folder").mkdir()
    what = option.removeprefix("--")
    problem = f"fileset: error: {path}: the {what} cannot be written: {reason.format(above=path.parent)}"
    verbs: list[list[str | Path]] = [["create", new, "-o", out, "--volume-size", "CD"]]
    if option == "--manifest":
        verbs += [["create", new, "-o", out], ["index", bare], ["add", disc, new], ["repair", disc]]
        verbs += [["remove", disc, "PatientID=P1"], ["create", new, "-o", out, "--dry-run"]]
    before = sorted(tmp_path.rglob("*"))
    for arguments in verbs:
        done = run(*arguments, option, path, code=5)
        assert done.stderr == f"{problem}; nothing was done. Give another name\n"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_manifest_may_are_in_a_folder_that_is_made(run: Runs, new: Path, tmp_path: Path) -> None:
    for medium, name in (("one/OUT", "one/OUT/MANIFEST"), ("two/OUT", "two/MANIFEST")):
        run("create", new, "-o", tmp_path / medium, "--manifest", tmp_path / name)
        assert len((tmp_path / name).read_text().splitlines()) == 2


def test_a_folder_for_a_manifest_must_take_it(
    run: Runs, disc: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileset.cli.output_files.os.access", lambda *_: False)
    said = run("add", disc, new, "--manifest", tmp_path / "MANIFEST", code=5).stderr
    assert f"the manifest cannot be written: no permission to write in {tmp_path}; nothing was done" in said


def test_a_manifest_that_fails_in_the_end_is_an_error(run: Runs, disc: Path, new: Path, tmp_path: Path) -> None:
    (tmp_path / "MANIFEST").write_text("0" * 64 + "  ../outside\n")
    said = run("add", disc, new, "--manifest", tmp_path / "MANIFEST", code=5).stderr
    assert "the manifest cannot be written: " in said
    assert "The file-set itself is complete" in said


def test_a_plan_goes_to_no_pipe_or_device(run: Runs, indexed: Path, tmp_path: Path) -> None:
    out = ("-o", tmp_path / "OUT", "--volume-size", "CD")
    os.mkfifo(tmp_path / "PIPE")
    for path in ("/dev/null", tmp_path / "PIPE"):
        assert "not a regular file" in run("create", indexed, *out, "--plan", path, code=6).stderr
    assert not (tmp_path / "OUT_1").exists()


def test_files_beside_volumes_must_be_in_a_folder_that_will_exist(run: Runs, indexed: Path, tmp_path: Path) -> None:
    above, out = tmp_path / "NEW", tmp_path / "NEW" / "OUT"
    create = ("create", indexed, "-o", out, "--volume-size", "CD")
    for option, path in (("--manifest", out / "SUMS"), ("--plan", out / "PLAN")):
        assert "there is no folder" in run(*create, option, path, code=5).stderr
    assert "there is no folder" in run(*create, "--dry-run", "--plan", above / "PLAN", code=5).stderr
    assert not above.exists()
    run(*create, "--manifest", above / "SUMS.txt", "--plan", above / "PLAN")
    assert sorted(path.name for path in above.iterdir()) == ["OUT_1", "PLAN", "SUMS_1.txt"]


def test_files_that_cannot_be_deleted_leave_the_change_valid_and_are_reported(
    run: Runs, disc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = os.unlink

    def refusing(path: str) -> None:
        if "P001" in str(path):
            raise PermissionError(1, "Operation not permitted", path)
        unlink(path)

    with monkeypatch.context() as patched:
        patched.setattr("os.unlink", refusing)
        done = run("remove", disc, "PatientID=P1", "--json", code=3).document
    assert {one["rule"] for one in done["findings"]} == {"FS-FILE-UNDELETED"}
    assert [one["deleted"] for one in done["removed"]] == [False] * 6
    assert "P1" not in run("list", disc, code=3).stdout
    run("repair", disc)
    run("check", disc)


def test_an_interruption_during_the_report_says_that_the_change_is_complete(
    run: Runs, disc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopping(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fileset.plan.manifest.write_manifest", stopping)
    said = run("remove", disc, "PatientID=P1", "--manifest", tmp_path / "SUMS", code=130).stderr
    assert said == f"fileset: interrupted; {disc}: the change was complete by then\n"
