"""Without a readable DICOMDIR, the files themselves identify the instances."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

import pytest

import fileset
from fileset.extraction.names import LONGEST_PATH, ending_of, safe_name
from fileset.media.system.calls import system
from tests.support import synthetic
from tests.support.command import Runs


def copies(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """DICOM files of two patients, and others, with no DICOMDIR."""
    synthetic.ct_series(tmp_path / "DISC", patients=2, studies=1, series=1, instances=2)
    synthetic.write(synthetic.instance(synthetic.HANGING_PROTOCOL), tmp_path / "DISC" / "protocol.dcm")
    (tmp_path / "DISC" / "README.TXT").write_text("nothing to see")
    return tmp_path / "DISC"


def test_a_disc_without_dicomdir_gives_the_same_files_as_with_one(run: Runs, folder: Path, tmp_path: Path) -> None:
    done = run("extract", folder, "-o", tmp_path / "SCAN")
    assert "FS-DICOMDIR-ABSENT" in done.stderr
    (folder / "protocol.dcm").rename(folder / "HP1")
    fileset.index(folder)
    run("extract", folder, "-o", tmp_path / "READ")
    assert copies(tmp_path / "SCAN") == copies(tmp_path / "READ")
    assert len(copies(tmp_path / "READ")) == 5


@pytest.mark.parametrize("damage", [lambda _: b"", lambda data: data[:100], lambda data: bytes(len(data))])
def test_an_unreadable_dicomdir_costs_no_file(damage: object, run: Runs, disc: Path, tmp_path: Path) -> None:
    assert callable(damage)
    (disc / "DICOMDIR").write_bytes(damage((disc / "DICOMDIR").read_bytes()))
    done = run("extract", disc, "-o", tmp_path / "OUT", code=3)
    assert "FS-DICOMDIR-UNREADABLE" in done.stderr
    assert len(copies(tmp_path / "OUT")) == 12


def test_keys_and_templates_work_on_scanned_files(run: Runs, folder: Path, tmp_path: Path) -> None:
    template = "{PatientID}/{Modality}_{StudyDate}/{InstanceNumber:04}.dcm"
    run("extract", folder, "-o", tmp_path / "OUT", "PatientID=P2", "InstanceNumber=2", "--template", template)
    assert copies(tmp_path / "OUT") == {"P2/CT_20240102/0002.dcm": synthetic.ct(2, 1, 1, 2)}


@pytest.mark.parametrize("name", ["山田", "Émile", "PAT Ã© 1"])
def test_a_file_id_of_other_letters_is_found_as_the_list_shows_it(name: str, run: Runs, tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "IN" / name, patients=1, studies=1, series=1, instances=2)
    for word, number in ((f"FileID={name}/*", 2), (f"FileID={name}/P001/T001/S001/I000001", 1), ("FileID=?/*", 0)):
        listed = run("list", tmp_path / "IN", "--scan", "--paths", word).stdout.splitlines()
        words = ("extract", tmp_path / "IN", "-o", tmp_path / "OUT", "--scan", "--json", word)
        done = run(*words, code=0 if number else 3)
        assert (len(listed), done.document["copied"]) == (number, number)
        shutil.rmtree(tmp_path / "OUT", ignore_errors=True)


def test_scan_finds_files_that_the_dicomdir_does_not_list(run: Runs, disc: Path, tmp_path: Path) -> None:
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, patient=7), disc / "more.dcm")
    done = run("extract", disc, "-o", tmp_path / "LISTED", "--listed-only", code=3)
    assert "1 DICOM file that no record references stays on the medium" in done.stderr
    run("extract", disc, "-o", tmp_path / "ALL", "--scan")
    assert len(copies(tmp_path / "LISTED")) == 12
    assert len(copies(tmp_path / "ALL")) == 13
    assert (tmp_path / "ALL" / "P7").is_dir()


def test_files_without_identifying_values_are_kept_too(run: Runs, folder: Path, tmp_path: Path) -> None:
    """No File Meta Information, no UIDs: still somebody's image."""
    data = synthetic.ct(9)
    (folder / "headless").write_bytes(data[144 + int.from_bytes(data[140:144], "little") :])
    done = run("extract", folder, "-o", tmp_path / "OUT", code=3)
    assert "FS-FILE-NO-META" in done.stderr
    assert len(copies(tmp_path / "OUT")) == 6


def test_links_and_pipes_are_left_alone(run: Runs, folder: Path, tmp_path: Path) -> None:
    bait = tmp_path / "BAIT"
    bait.write_bytes(synthetic.ct(8))
    (folder / "LINK").symlink_to(bait)
    (folder / "LOOP").symlink_to("LOOP")
    (folder / "FOLDER").symlink_to(tmp_path)
    os.mkfifo(folder / "PIPE")
    run("extract", folder, "-o", tmp_path / "OUT", code=3)
    assert bait.read_bytes() not in copies(tmp_path / "OUT").values()
    assert len(copies(tmp_path / "OUT")) == 5


def test_a_folder_without_dicom_files_is_no_file_set(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "DISC").mkdir()
    (tmp_path / "DISC" / "README.TXT").write_text("nothing to see")
    assert "no DICOMDIR" in run("extract", tmp_path / "DISC", "-o", tmp_path / "OUT", code=4).stderr
    assert not (tmp_path / "OUT").exists()


def test_one_file_is_no_medium(run: Runs, folder: Path, tmp_path: Path) -> None:
    run("extract", folder / "README.TXT", "-o", tmp_path / "OUT", code=4)
    assert not (tmp_path / "OUT").exists()


def test_of_several_dicomdirs_somebody_has_to_choose(run: Runs, disc: Path, tmp_path: Path) -> None:
    disc.rename(tmp_path / "ALL")
    for name in ("D1", "D2"):
        (tmp_path / "ALL" / name).mkdir()
        (tmp_path / "ALL" / name / "DICOMDIR").write_bytes((tmp_path / "ALL" / "DICOMDIR").read_bytes())
    (tmp_path / "ALL" / "DICOMDIR").unlink()
    assert "several" in run("extract", tmp_path / "ALL", "-o", tmp_path / "OUT", code=4).stderr
    run("extract", tmp_path / "ALL", "-o", tmp_path / "OUT", "--scan")
    assert len(copies(tmp_path / "OUT")) == 12


def test_the_document_names_every_copy_with_its_hash(run: Runs, disc: Path, tmp_path: Path) -> None:
    for already in (False, True):
        document = run("extract", disc, "-o", tmp_path / "OUT", "--json").document
        found = {row["path"]: (row["size"], row["sha256"]) for row in document["files"]}
        assert found == {
            name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in copies(tmp_path / "OUT").items()
        }
        assert {row["already_there"] for row in document["files"]} == {already}
        assert document["files"][0]["file_id"] == "P001/T001/S001/I000001"


def test_a_file_that_came_short_is_reported(
    run: Runs, disc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fileset.media.base import FileInfo
    from fileset.media.folder.medium import FolderMedium

    whole = FolderMedium.inquire_file

    def longer(self: FolderMedium, file_id: fileset.FileId) -> FileInfo:
        info = whole(self, file_id)
        return FileInfo(info.size + (file_id.path == "P001/T001/S001/I000001"), info.modified)

    monkeypatch.setattr(FolderMedium, "inquire_file", longer)
    document = run("extract", disc, "-o", tmp_path / "OUT", "--json", code=3).document
    assert [lost["instance_number"] for lost in document["failed"]] == ["1"]
    assert len(copies(tmp_path / "OUT")) == 11


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not have")
@pytest.mark.parametrize("name", ["a:b", "c\\d", "e\tf", "g ", "h."])
def test_files_with_names_that_no_file_id_expresses_come_out(name: str, run: Runs, tmp_path: Path) -> None:
    (tmp_path / "IN").mkdir()
    (tmp_path / "IN" / name).write_bytes(synthetic.ct(1))
    run("extract", tmp_path / "IN", "-o", tmp_path / "OUT")
    run("extract", tmp_path / "IN", "-o", tmp_path / "KEPT", "--scan", "--keep-structure")
    assert list(copies(tmp_path / "OUT").values()) == list(copies(tmp_path / "KEPT").values()) == [synthetic.ct(1)]


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not have")
def test_of_two_names_that_differ_in_spaces_alone_none_is_lost_in_silence(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "IN").mkdir()
    (tmp_path / "IN" / " IM1").write_bytes(synthetic.ct(1))
    assert run("list", tmp_path / "IN", "--scan", "--paths").stdout == "IM1\n"
    (tmp_path / "IN" / "IM1 ").write_bytes(synthetic.ct(2))
    (tmp_path / "IN" / "IM1").write_bytes(synthetic.ct(3))
    said = run("list", tmp_path / "IN", "--scan", code=3).stderr
    assert said.count("its name differs from 'IM1' in spaces alone. `fileset extract` copies both files") == 2
    run("extract", tmp_path / "IN", "-o", tmp_path / "OUT", "--scan")
    assert len(copies(tmp_path / "OUT")) == 3


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not have")
def test_a_link_with_an_odd_name_that_leads_out_is_not_followed(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "IN").mkdir()
    (tmp_path / "IN" / "IM1").write_bytes(synthetic.ct(1))
    (tmp_path / "BAIT").write_bytes(synthetic.ct(2))
    (tmp_path / "IN" / "a:b").symlink_to(tmp_path / "BAIT")
    done = run("extract", tmp_path / "IN", "-o", tmp_path / "OUT", "--json", code=3)
    assert [one["rule"] for one in done.document["findings"]].count("FS-FILE-LINK") == 1
    assert list(copies(tmp_path / "OUT").values()) == [synthetic.ct(1)]


@pytest.mark.parametrize("option", [[], ["--scan"]])
def test_a_dicomdir_that_is_a_link_and_leads_out_costs_no_file(
    option: list[str], run: Runs, disc: Path, tmp_path: Path
) -> None:
    (disc / "DICOMDIR").rename(tmp_path / "ELSEWHERE")
    (disc / "DICOMDIR").symlink_to(tmp_path / "ELSEWHERE")
    for number, medium in enumerate((disc, disc / "DICOMDIR")):
        done = run("extract", medium, *option, "-o", tmp_path / f"OUT{number}", "--json", code=3)
        assert "FS-FILE-LINK" in [one["rule"] for one in done.document["findings"]]
        assert len(copies(tmp_path / f"OUT{number}")) == 12
    run("list", disc, code=4)


@pytest.mark.skipif(os.name == "nt", reason="no locks that a test can hold")
def test_a_run_removes_the_unfinished_file_of_a_killed_run(run: Runs, folder: Path, tmp_path: Path) -> None:
    import fcntl

    run("extract", folder, "-o", tmp_path / "OUT")
    before = copies(tmp_path / "OUT")
    place = next(path for path in (tmp_path / "OUT").rglob("*") if path.is_file()).parent
    for home in (tmp_path / "OUT", place):
        (home / ".0123456789abcdef.part").write_bytes(synthetic.ct(1)[:700])
    (place / ".fedcba.part").write_bytes(b"of the user")
    with open(place / ".fedcba9876543210.part", "wb") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)
        run("extract", folder, "-o", tmp_path / "OUT")
    parts = {path.name for path in (tmp_path / "OUT").rglob(".*.part")}
    assert parts == {".fedcba.part", ".fedcba9876543210.part"}
    assert before.items() <= copies(tmp_path / "OUT").items()


def test_a_copy_that_another_run_sweeps_before_it_is_locked_is_made_again(
    disc: Path, tmp_path: Path, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, swept = system.lock, list[str]()

    def lock(descriptor: int) -> None:
        parts = [path for path in (tmp_path / "OUT").rglob(".*.part") if path.name not in swept]
        if parts and len(swept) < 3:
            swept.append(parts[0].name)
            parts[0].unlink()  # as the sweep of another run does, which had the lock until now
            raise BlockingIOError
        real(descriptor)

    monkeypatch.setattr(system, "lock", lock)
    run("extract", disc, "-o", tmp_path / "OUT")
    assert len(swept) == 3
    assert sum(path.is_file() for path in (tmp_path / "OUT").rglob("*")) == 12


def test_kept_names_may_be_longer_than_a_value_of_a_template(tmp_path: Path, run: Runs) -> None:
    """Many programs name a file after a UID of 64 characters, with .dcm."""
    name = f"1.{'2' * 62}.dcm"
    (tmp_path / "IN").mkdir()
    (tmp_path / "IN" / name).write_bytes(synthetic.ct(1))
    run("extract", tmp_path / "IN", "-o", tmp_path / "KEPT", "--scan", "--keep-structure")
    assert list(copies(tmp_path / "KEPT")) == [name]


def test_a_name_that_is_too_long_keeps_its_ending() -> None:
    name = safe_name(f"{'n' * 250}.dcm", longest=LONGEST_PATH, ending=ending_of("n.dcm"))
    assert len(name) == LONGEST_PATH
    assert re.fullmatch(r"n+-[0-9a-f]{8}\.dcm", name)
    assert [ending_of(one) for one in ("a.dcm", "a", ".dcm", "a.", "1.2.840.1", "IMG;1")] == [
        ".dcm",
        "",
        "",
        "",
        ".1",
        "",
    ]
