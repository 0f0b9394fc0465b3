"""`fileset pages` and `fileset view` on the command line."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random

import pytest

import fileset
from tests.pages.conftest import SLICES
from tests.pages.site_reader import PageReader
from tests.support.command import in_process, process


def test_pages_writes_the_pages_and_reports_the_numbers(disc: Path, tmp_path: Path) -> None:
    done = in_process("pages", disc, "-o", tmp_path / "web", "--web-language", "de", "--institution", "Klinikum")
    assert done.code == 0, done.stderr
    assert f"{SLICES + 2} pictures, 1 report of {SLICES + 4} instances" in done.stderr
    assert "1 instance without a picture" in done.stderr
    assert "Klinikum" in PageReader(tmp_path / "web" / "INDEX.HTM").text


def test_json_names_every_instance_without_a_picture(disc: Path, tmp_path: Path) -> None:
    done = in_process("pages", disc, "-o", tmp_path / "web", "--json")
    assert '"schema": "fileset.pages/1"' in done.stdout
    assert '"rule": "FS-PICTURE-NONE"' in done.stdout


def test_a_medium_without_a_dicomdir_is_shown_by_its_files(disc: Path, tmp_path: Path) -> None:
    shutil.copytree(disc, tmp_path / "disc")
    (tmp_path / "disc" / "DICOMDIR").unlink()
    done = in_process("pages", tmp_path / "disc", "-o", tmp_path / "web")
    assert done.code == 0, done.stderr
    assert "FS-DICOMDIR-ABSENT" in done.stderr
    assert f"{SLICES + 2} pictures" in done.stderr
    page = PageReader(tmp_path / "web" / "INDEX.HTM")
    assert "Dr. Jane Müller" in page.text
    assert page.text.index("CT Abdomen") < page.text.index("Ultrasound")


def test_pages_of_an_empty_medium_are_reported_as_empty(tmp_path: Path) -> None:
    (tmp_path / "disc").mkdir()
    fileset.index(tmp_path / "disc")
    done = in_process("pages", tmp_path / "disc", "-o", tmp_path / "web")
    assert done.code == 3
    assert "there are no instances on this medium: the pages are empty\n" in done.stderr


@pytest.mark.parametrize("ending", ["iso", "zip"])
def test_pages_of_an_image_equal_the_pages_of_the_folder(ending: str, disc: Path, web: Path, tmp_path: Path) -> None:
    image = tmp_path / f"disc.{ending}"
    assert in_process("create", disc, "-o", image).code == 0
    done = in_process("pages", image, "-o", tmp_path / "web", "--institution", "Radiology & Partners")
    assert done.code == 0, done.stderr
    for path in web.rglob("*.JPG"):
        assert (tmp_path / "web" / path.relative_to(web)).read_bytes() == path.read_bytes()


def test_a_folder_that_holds_files_is_refused(disc: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    done = in_process("pages", disc, "-o", tmp_path)
    assert done.code == 6
    assert "not empty" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="the program in place of a browser is a shell script")
def test_view_opens_the_first_page(disc: Path, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    done = process("view", disc, input="", env=_with_browser(browser))
    assert done.returncode == 0, done.stderr
    opened = (tmp_path / "opened").read_text().strip()
    assert opened.startswith("file:///")
    assert opened.endswith("/INDEX.HTM")
    folder = Path(opened.removeprefix("file://")).parent
    assert f"the pages stay in {folder}" in done.stderr
    shutil.rmtree(folder)


def _with_browser(browser: Path) -> dict[str, str]:
    from tests.support.command import environment

    return environment(BROWSER=str(browser))


def test_without_the_extra_pages_name_the_extra_to_install(
    disc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fileset.cli import main

    monkeypatch.setattr(
        "fileset.pictures.errors.LIBRARIES", {"numpy": "numpy", "a_library_that_is_not_there": "alibrary"}
    )
    assert main(["pages", str(disc), "-o", str(tmp_path / "web")]) == 2
    assert 'pip install "dicom-fileset[images]"' in capsys.readouterr().err
    assert not (tmp_path / "web").exists()


def test_a_file_that_is_elsewhere_on_the_medium_is_shown(disc: Path, tmp_path: Path) -> None:
    shutil.copytree(disc, tmp_path / "disc")
    file = next(path for path in (tmp_path / "disc").rglob("*") if path.name.startswith("IM"))
    file.rename(tmp_path / "disc" / "ELSEWHER")
    done = in_process("pages", tmp_path / "disc", "-o", tmp_path / "web")
    assert f"{SLICES + 2} pictures" in done.stderr
    assert (tmp_path / "web" / "IHE_PDI" / "OTHER" / "X0000001.JPG").is_file()


@pytest.mark.slow
def test_any_damage_of_the_dicomdir_gives_pages_or_an_error_of_ours(disc: Path, tmp_path: Path) -> None:
    from fileset.cli import main

    random = Random(7)
    shutil.copytree(disc, tmp_path / "disc")
    data = (disc / "DICOMDIR").read_bytes()
    for number in range(40):
        broken = bytearray(data)
        for _ in range(random.choice((1, 2, 5, 40))):
            broken[random.randrange(len(broken))] = random.randrange(256)
        (tmp_path / "disc" / "DICOMDIR").write_bytes(
            broken[: random.randrange(len(broken))] if number % 8 == 0 else broken
        )
        code = main(["pages", str(tmp_path / "disc"), "-o", str(tmp_path / f"web{number}"), "-q", "--jobs", "1"])
        assert code in (0, 3, 4)
