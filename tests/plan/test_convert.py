"""Conversion from one medium to another keeps the names of a file-set, and loses nothing silently."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

import fileset
from fileset.cli import main
from fileset.errors import FormatError, MediumError, RuleError
from fileset.report import Report
from tests.support import judges, mutants, synthetic

EPOCH = datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC)
UID = "2.25.4321"
MEDIA = ("SET", "SET.iso", "SET.zip")


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same file-set as a folder, an ISO 9660 image and a ZIP archive."""
    folder = tmp_path_factory.mktemp("media")
    for path in synthetic.ct_series(folder / "source", 2, 1, 2, 4):
        os.utime(path, (EPOCH.timestamp(), EPOCH.timestamp()))
    for name in MEDIA:
        with fileset.Creator(folder / name, file_set_id="ACME_7", file_set_uid=UID, naming="flat") as creator:
            creator.add(folder / "source")
    return folder


def convert(target: Path, *sources: Path, **options: object) -> Report:
    with fileset.Creator(target, **options) as creator:  # type: ignore[arg-type]
        creator.add(*sources)
    return creator.report


def contents(medium: Path) -> dict[str, tuple[str, str]]:
    """By File ID, the SOP Instance UID and the hash of each instance."""
    with fileset.Reader(medium) as reader:
        assert reader.findings == []
        found = {}
        for record in reader.instances:
            with record.open() as file:
                found[str(record.file_id)] = record.sop_instance_uid, hashlib.sha256(file.read()).hexdigest()
        return found


def identity(medium: Path) -> tuple[str, str]:
    with fileset.Reader(medium) as reader:
        return reader.file_set_id, reader.file_set_uid


@pytest.mark.parametrize("target", ["NEW", "NEW.iso", "NEW.zip"])
@pytest.mark.parametrize("source", MEDIA)
def test_a_file_set_keeps_its_names_and_contents(source: str, target: str, media: Path, tmp_path: Path) -> None:
    report = convert(tmp_path / target, media / source)
    assert contents(tmp_path / target) == contents(media / source)
    assert report.complete
    assert (report.skipped, report.findings) == ([], [])
    name, uid = identity(tmp_path / target)
    assert (name, report.file_set_id) == ("ACME_7", "ACME_7")
    assert uid == report.file_set_uid != UID


@pytest.mark.judges
@pytest.mark.parametrize("source", MEDIA)
def test_no_judge_objects_to_a_converted_file_set(source: str, media: Path, tmp_path: Path) -> None:
    report = convert(tmp_path / "NEW", media / source)
    judges.judge_file_set(tmp_path / "NEW", [one.sop_instance_uid for one in report.added])


def test_there_and_back_gives_the_same_dicomdir(media: Path, tmp_path: Path) -> None:
    convert(tmp_path / "A.iso", media / "SET", keep_file_set_uid=True)
    convert(tmp_path / "B.zip", tmp_path / "A.iso", keep_file_set_uid=True)
    convert(tmp_path / "C", tmp_path / "B.zip", keep_file_set_uid=True)
    assert identity(tmp_path / "C") == ("ACME_7", UID)
    assert (tmp_path / "C" / "DICOMDIR").read_bytes() == (media / "SET" / "DICOMDIR").read_bytes()


def test_dates_go_from_image_to_image(media: Path, tmp_path: Path) -> None:
    convert(tmp_path / "NEW.zip", media / "SET.iso")
    with fileset.Reader(tmp_path / "NEW.zip") as reader:
        assert {record.inquire().modified for record in reader.instances} == {EPOCH}


def test_given_values_override_kept_values(media: Path, tmp_path: Path) -> None:
    convert(tmp_path / "NEW", media / "SET.zip", file_set_id="", naming="counter", file_set_uid="1.2.3")
    assert identity(tmp_path / "NEW") == ("", "1.2.3")
    assert "PT000000/ST000000/SE000000/IM000000" in contents(tmp_path / "NEW")


def test_a_mount_in_lower_case_gives_its_names_back(media: Path, tmp_path: Path) -> None:
    lower = tmp_path / "lower"
    for path in (path for path in (media / "SET").rglob("*") if path.is_file()):
        place = lower / f"{path.relative_to(media / 'SET')}".lower()
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    convert(tmp_path / "NEW", lower)
    assert contents(tmp_path / "NEW") == contents(media / "SET")
    assert identity(tmp_path / "NEW")[0] == "ACME_7"


def test_two_file_sets_become_one_with_new_names(media: Path, tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "more", 3, 1, 1, 2)
    with fileset.Creator(tmp_path / "OTHER.iso", file_set_id="OTHER", naming="flat") as creator:
        creator.add(tmp_path / "more" / "P003")
    report = convert(tmp_path / "NEW", media / "SET.zip", tmp_path / "OTHER.iso")
    assert report.complete
    assert len(contents(tmp_path / "NEW")) == 18
    assert identity(tmp_path / "NEW")[0] == ""


def test_the_same_file_set_twice_is_in_it_once(media: Path, tmp_path: Path) -> None:
    report = convert(tmp_path / "NEW", media / "SET.zip", media / "SET.iso", media / "SET")
    assert (len(report.added), len(report.skipped)) == (16, 32)
    assert {skipped.rule for skipped in report.skipped} == {"FS-INSTANCE-DUPLICATE"}
    assert report.complete


def packed(source: Path, target: Path, prefix: str = "", *without: str) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(source.rglob("*")):
            name = path.relative_to(source).as_posix()
            if path.is_file() and name not in without:
                archive.write(path, prefix + name)
    return target


def test_an_archive_of_loose_files_is_a_source(media: Path, tmp_path: Path) -> None:
    archive = packed(media / "source", tmp_path / "loose.zip")
    report = convert(tmp_path / "NEW", archive)
    assert report.added[0].source == "P001/T001/S001/I000001"
    assert "PT000000/ST000000/SE000000/IM000000" in contents(tmp_path / "NEW")


def test_a_packed_folder_is_taken_for_the_file_set_in_it(media: Path, tmp_path: Path) -> None:
    archive = packed(media / "SET", tmp_path / "packed.zip", "My disc/")
    convert(tmp_path / "NEW", archive)
    assert contents(tmp_path / "NEW") == contents(media / "SET")
    assert identity(tmp_path / "NEW")[0] == "ACME_7"


# --- nothing is lost silently ---------------------------------------------------------------------------------------


def lose_of_folder(media: Path, target: Path, name: str) -> Path:
    shutil.copytree(media / "SET", target / "LOSSY")
    (target / "LOSSY" / name).unlink()
    return target / "LOSSY"


def lose_of_zip(media: Path, target: Path, name: str) -> Path:
    return packed(media / "SET", target / "lossy.zip", "", name)


@pytest.mark.parametrize("lose", [lose_of_folder, lose_of_zip])
def test_a_file_that_is_not_there_is_reported(
    lose: Callable[[Path, Path, str], Path], media: Path, tmp_path: Path
) -> None:
    report = convert(tmp_path / "NEW", lose(media, tmp_path, "DICOM/D0000000/I0000003"))
    assert [(one.source, one.rule) for one in report.skipped] == [("DICOM/D0000000/I0000003", "FS-FILE-MISSING")]
    assert not report.complete
    assert len(contents(tmp_path / "NEW")) == 15


def test_a_member_that_is_not_read_is_reported(media: Path, tmp_path: Path) -> None:
    shutil.copy(media / "SET.zip", tmp_path / "bad.zip")
    with zipfile.ZipFile(tmp_path / "bad.zip", "a") as archive:
        archive.writestr("../EVIL", b"x")
    report = convert(tmp_path / "NEW", tmp_path / "bad.zip")
    assert [(one.source, one.rule) for one in report.skipped] == [(str(tmp_path / "bad.zip"), "FS-MEDIUM-DAMAGED")]
    assert "'..'" in report.skipped[0].reason
    assert not report.complete
    assert contents(tmp_path / "NEW") == contents(media / "SET")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["NEW", "bad.zip"]


@pytest.mark.parametrize("update", [False, True], ids=["create", "add"])
def test_a_link_that_leads_out_of_a_file_set_is_reported_and_not_followed(
    media: Path, tmp_path: Path, *, update: bool
) -> None:
    shutil.copytree(media / "SET", tmp_path / "OLD")
    (tmp_path / "BAIT").write_bytes(synthetic.ct(7))
    (tmp_path / "OLD" / "STRAY").symlink_to(tmp_path / "BAIT")
    (tmp_path / "OLD" / "FOLDER").symlink_to(media / "source")
    (tmp_path / "OLD" / "AGAIN").symlink_to("DICOM/D0000000/I0000003")
    target = tmp_path / "NEW"
    report = convert(target, tmp_path / "OLD")
    if update:
        synthetic.ct_series(tmp_path / "more" / "P", 1, 1, 1, 1)
        shutil.rmtree(target)
        convert(target, tmp_path / "more")
        with fileset.Updater(target) as updater:
            updater.add(tmp_path / "OLD")
        report = updater.report
    told = {(one.source, one.rule) for one in report.skipped if one.rule != "FS-INSTANCE-DUPLICATE"}
    assert told == {("FOLDER", "FS-FILE-LINK"), ("STRAY", "FS-FILE-LINK")}
    assert not report.complete
    assert {uid for uid, _ in contents(target).values()} == {uid for uid, _ in contents(media / "SET").values()}


def test_a_damaged_file_is_named_and_the_rest_is_taken(media: Path, tmp_path: Path) -> None:
    raw = bytearray((media / "SET.zip").read_bytes())
    with zipfile.ZipFile(media / "SET.zip") as archive:
        raw[archive.getinfo("DICOM/D0000000/I0000005").header_offset + 1000] ^= 1
    (tmp_path / "bad.zip").write_bytes(raw)
    report = convert(tmp_path / "NEW", tmp_path / "bad.zip")
    lost = [one for one in report.skipped if one.rule == "FS-FILE-UNREADABLE"]
    assert [one.source for one in lost] == ["DICOM/D0000000/I0000005"]
    assert "checksum" in lost[0].reason
    assert len(contents(tmp_path / "NEW")) == len(contents(media / "SET")) - 1


def test_an_unreadable_dicomdir_costs_only_the_names(media: Path, tmp_path: Path) -> None:
    archive = packed(media / "SET", tmp_path / "bad.zip", "", "DICOMDIR")
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("DICOMDIR", b"rubbish")
    report = convert(tmp_path / "NEW", archive)
    assert [one.rule for one in report.skipped] == ["FS-MEDIUM-DAMAGED"]
    assert contents(tmp_path / "NEW") == contents(media / "SET")
    assert identity(tmp_path / "NEW")[0] == ""


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=str)
def test_a_broken_dicomdir_is_made_good(mutant: mutants.Mutant, tmp_path: Path) -> None:
    broken = mutants.broken(mutant)
    mutants.write(broken, tmp_path / "BROKEN")
    convert(tmp_path / "NEW.zip", tmp_path / "BROKEN")
    there = {row.uid for row in mutants.good().rows.values() if row.path not in broken.gone}
    assert {uid for uid, _ in contents(tmp_path / "NEW.zip").values()} == there


def test_a_file_set_id_that_breaks_the_rules_is_left_out(media: Path, tmp_path: Path) -> None:
    shutil.copytree(media / "SET", tmp_path / "OLD")
    raw = (tmp_path / "OLD" / "DICOMDIR").read_bytes()
    (tmp_path / "OLD" / "DICOMDIR").write_bytes(raw.replace(b"ACME_7", b"Acme 7"))
    report = convert(tmp_path / "NEW", tmp_path / "OLD")
    assert [finding.rule for finding in report.findings] == ["FS-FILE-SET-ID"]
    assert identity(tmp_path / "NEW")[0] == ""


def test_a_file_set_uid_can_be_kept_of_one_file_set_only(media: Path, tmp_path: Path) -> None:
    for sources in ([media / "source"], [media / "SET", media / "SET.iso"]):
        with pytest.raises(RuleError, match="one file-set"):
            convert(tmp_path / "NEW", *sources, keep_file_set_uid=True)
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_is_not_a_file_set_is_an_error(media: Path, tmp_path: Path) -> None:
    creator = fileset.Creator(tmp_path / "NEW")
    with pytest.raises(FormatError, match="no DICOMDIR"):
        creator.add_file_set(media / "source")
    (tmp_path / "bad.zip").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(FormatError, match="ZIP"):
        creator.add(tmp_path / "bad.zip")
    with pytest.raises(MediumError, match="no such"):
        creator.add(tmp_path / "none.zip")


# --- other roles, and the command line ------------------------------------------------------------------------------


def test_an_updater_takes_images_too(media: Path, tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "more", 3, 1, 1, 2)
    with fileset.Creator(tmp_path / "SET.zip", file_set_id="THIRD") as creator:
        creator.add(tmp_path / "more" / "P003")
    before = contents(tmp_path / "SET.zip")
    with fileset.Updater(tmp_path / "SET.zip") as updater:
        updater.add(media / "SET.iso")
    assert len(updater.report.added) == 16
    after = contents(tmp_path / "SET.zip")
    assert after.items() >= before.items()
    assert set(after.values()) == {*before.values(), *contents(media / "SET").values()}
    assert identity(tmp_path / "SET.zip")[0] == "THIRD"


def test_the_command_line_converts(media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = str(tmp_path / "NEW.iso")
    common = ["create", "--from-medium", str(media / "SET.zip"), "-o", target, "--keep-file-set-uid", "--json"]
    assert main(common) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["file_set"] == {"id": "ACME_7", "uid": UID, "path": target}
    assert main(["create", str(media / "SET.zip"), "-o", str(tmp_path / "NEW")]) == 0
    assert contents(tmp_path / "NEW") == contents(tmp_path / "NEW.iso")
    assert main(["create", "--from-medium", str(media / "source"), "-o", str(tmp_path / "OTHER")]) == 4
    file = next(path for path in (media / "source").rglob("*") if path.is_file())
    assert main(["create", "--from-medium", str(file), "-o", str(tmp_path / "OTHER")]) == 4
    assert main(["create", "-o", str(tmp_path / "OTHER")]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["NEW", "NEW.iso"]


def test_every_medium_is_listed_alike_but_for_dates(media: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def listing(name: str) -> list[dict[str, object]]:
        assert main(["list", str(media / name), "--json"]) == 0
        rows: list[dict[str, object]] = json.loads(capsys.readouterr().out)["instances"]
        return [{key: value for key, value in row.items() if key != "modified"} for row in rows]

    assert listing("SET") == listing("SET.iso") == listing("SET.zip")
