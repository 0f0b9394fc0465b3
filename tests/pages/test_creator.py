"""`create --web` writes the pages beside the file-set, on each volume, in folders, images and archives."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fileset import Creator, Reader, RuleError, Updater
from fileset.check import check_file_set
from fileset.pages.options import WebOptions
from tests.pages.conftest import SLICES, pages_of, save_patient
from tests.pages.site_reader import PageReader
from tests.pages.test_site import (
    test_every_file_is_reached_from_the_first_page,
    test_every_link_and_picture_leads_to_a_file_below_the_folder,
)
from tests.support.command import process


def create(medium: Path, source: Path, **options: Any) -> Creator:
    with Creator(medium, web=WebOptions(institution="Klinikum"), **options) as creator:
        creator.add(source)
    return creator


def web_files(disc: Path) -> dict[str, bytes]:
    names = [disc / "INDEX.HTM", disc / "README.TXT", *(disc / "IHE_PDI").rglob("*.*")]
    return {path.relative_to(disc).as_posix(): path.read_bytes() for path in names}


def test_the_pages_are_the_pages_of_the_verb_pages(source: Path, tmp_path: Path) -> None:
    create(tmp_path / "disc", source, jobs=1)
    pages_of(tmp_path / "disc", tmp_path / "web", institution="Klinikum")
    ours, theirs = web_files(tmp_path / "disc"), web_files(tmp_path / "web")
    assert b"DICOMDIR" in ours.pop("README.TXT")  # it explains the DICOM files too
    assert theirs.pop("README.TXT")
    assert ours == theirs
    shutil.rmtree(tmp_path / "disc" / "PT000000")
    (tmp_path / "disc" / "DICOMDIR").unlink()
    test_every_link_and_picture_leads_to_a_file_below_the_folder(tmp_path / "disc")
    test_every_file_is_reached_from_the_first_page(tmp_path / "disc")


def test_no_record_references_the_pages_and_check_is_content(source: Path, tmp_path: Path) -> None:
    create(tmp_path / "disc", source, icons="image")
    with Reader(tmp_path / "disc") as reader:
        assert not [path for path in reader.paths() if path.startswith("IHE_PDI")]
    assert not check_file_set(tmp_path / "disc").errors


def test_the_report_names_every_instance_without_a_picture(source: Path, tmp_path: Path) -> None:
    report = create(tmp_path / "disc", source).report
    found = {finding.rule: finding.where.file for finding in report.findings if finding.rule.startswith("FS-PICTURE")}
    assert found == {"FS-PICTURE-NONE": "plan"}


@pytest.mark.parametrize("ending", ["iso", "zip"])
def test_images_and_archives_hold_the_pages_too(ending: str, source: Path, tmp_path: Path) -> None:
    create(tmp_path / f"disc.{ending}", source)
    with Reader(tmp_path / f"disc.{ending}") as reader:
        names = set(reader.medium.names())
    assert {"INDEX.HTM", "README.TXT", "IHE_PDI/ST000000.HTM"} < names
    assert sum(name.endswith(".JPG") for name in names) == SLICES + 2


@pytest.mark.judges
@pytest.mark.skipif(shutil.which("isoinfo") is None, reason="isoinfo is not installed")
def test_all_names_on_an_image_are_of_iso_9660_level_1(source: Path, tmp_path: Path) -> None:
    create(tmp_path / "disc.iso", source)
    done = subprocess.run(["isoinfo", "-f", "-i", tmp_path / "disc.iso"], check=True, capture_output=True, text=True)
    parts = [part for line in done.stdout.split() for part in line.strip("/").split("/")]
    assert any(part.startswith("INDEX.HTM") for part in parts)
    assert all(re.fullmatch(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{0,3})?(;1)?", part) for part in parts)


@pytest.mark.slow
def test_each_volume_has_its_own_pages_and_stays_within_its_size(tmp_path: Path) -> None:
    for number in range(4):
        save_patient(tmp_path / f"source{number}", PatientID=f"P{number}", StudyInstanceUID=f"1.2.{number}")
    for number in range(4):  # one study for each patient, with different instances
        _renumber(tmp_path / f"source{number}", number)
    size = 1_500_000
    with Creator(tmp_path / "disc", web=WebOptions(), volume_size=size) as creator:
        creator.add(*(tmp_path / f"source{number}" for number in range(4)))
    volumes = creator.report.volumes
    assert len(volumes) > 1
    for volume in volumes:
        folder = Path(volume.report.medium)
        assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= size
        assert (volume.used or 0) <= volume.planned
        assert PageReader(folder / "INDEX.HTM").pictures
        with Reader(folder) as reader:
            patients = {record.get("PatientID") for record in reader.patients}
        assert any(one in PageReader(folder / "INDEX.HTM").text for one in patients)


def _renumber(folder: Path, number: int) -> None:
    import pydicom

    for at, path in enumerate(sorted(folder.iterdir())):
        dataset = pydicom.dcmread(path)
        dataset.SOPInstanceUID = f"1.2.3.{number}.{at}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.SeriesInstanceUID = f"1.2.4.{number}.{0 if dataset.Modality == 'CT' else at + 1}"
        dataset.save_as(path)


def test_a_dry_run_writes_nothing(source: Path, tmp_path: Path) -> None:
    creator = Creator(tmp_path / "disc", web=WebOptions())
    creator.add(source)
    report = creator.commit(dry_run=True)
    assert len(report.added) == SLICES + 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


@pytest.mark.parametrize("medium", ["disc", "disc.zip"])
@pytest.mark.parametrize("name", ["INDEX.HTM", "Readme.txt"])
def test_an_included_file_of_the_same_name_is_refused(source: Path, tmp_path: Path, name: str, medium: str) -> None:
    (tmp_path / name).write_text("mine")
    creator = Creator(tmp_path / medium, web=WebOptions())
    creator.add(source)
    creator.include(tmp_path / name)
    with pytest.raises(RuleError, match=rf"{name.upper()}: .*{name} cannot have it. Rename the included file"):
        creator.commit()


def test_without_the_extra_web_and_icons_name_the_extra_to_install(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileset.pictures.errors.LIBRARIES", {"a_library_that_is_not_there": "alibrary"})
    with pytest.raises(RuleError, match=r"dicom-fileset\[images\]"):
        Creator(tmp_path / "disc", web=WebOptions())
    with pytest.raises(RuleError, match=r"dicom-fileset\[images\]"):
        Creator(tmp_path / "disc", icons="image")
    with Creator(tmp_path / "plain") as plain:
        plain.add(source)
    assert len(plain.report.added) == SLICES + 4


def test_a_change_of_a_medium_with_pages_says_that_they_are_stale(source: Path, tmp_path: Path) -> None:
    create(tmp_path / "disc", source)
    with Updater(tmp_path / "disc") as updater:
        updater.remove(Modality="US")
    assert "FS-PAGES-STALE" in [finding.rule for finding in updater.report.findings]
    with Creator(tmp_path / "plain") as plain:
        plain.add(source)
    with Updater(tmp_path / "plain") as updater:
        updater.remove(Modality="US")
    assert "FS-PAGES-STALE" not in [finding.rule for finding in updater.report.findings]


def test_a_quiet_removal_names_pages_that_still_show_the_removed_patient(source: Path, tmp_path: Path) -> None:
    create(tmp_path / "disc", source)
    done = process("remove", tmp_path / "disc", "PatientID=*", "-q")
    assert done.returncode == 0
    assert "the pages for a browser still show the old contents" in done.stderr


def test_replacing_a_file_set_without_pages_says_that_the_old_pages_stay(source: Path, tmp_path: Path) -> None:
    save_patient(tmp_path / "other", PatientID="P-2", StudyInstanceUID="1.2.3")
    for medium, stale in (("disc", True), ("disc.iso", False), ("disc.zip", False)):  # an image is written as a whole
        create(tmp_path / medium, source)
        with Creator(tmp_path / medium, replace=True) as creator:
            creator.add(tmp_path / "other")
        assert ("FS-PAGES-STALE" in [finding.rule for finding in creator.report.findings]) == stale
        assert (tmp_path / medium / "INDEX.HTM").exists() == stale


def test_pages_that_are_there_stay_if_they_are_the_same_and_are_never_overwritten(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    create(tmp_path / "disc", source)
    before = web_files(tmp_path / "disc")
    create(tmp_path / "disc", source, replace=True)
    assert web_files(tmp_path / "disc") == before
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    with pytest.raises(RuleError, match="Delete INDEX"):
        create(tmp_path / "disc", source, replace=True)
    assert web_files(tmp_path / "disc") == before


def test_the_command_reports_the_number_of_instances_without_picture(source: Path, tmp_path: Path) -> None:
    done = process("create", source, "-o", tmp_path / "disc", "--web", "--web-pictures", "2")
    assert done.returncode == 0, done.stderr
    assert "1 without a picture (-v names each)" in done.stderr
    assert len(list((tmp_path / "disc").rglob("*.JPG"))) == 4
