"""Several file-sets in one image: they are listed, and each can be chosen."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import fileset
from fileset.cli import main
from tests.media.conftest import uids
from tests.support.judges import need_tool


def iso(folder: Path, path: Path) -> None:
    subprocess.run([need_tool("genisoimage"), "-quiet", "-o", str(path), str(folder)], check=True, capture_output=True)


def archive(folder: Path, path: Path) -> None:
    shutil.make_archive(str(path.with_suffix("")), "zip", folder)


@pytest.fixture(params=[iso, archive])
def image(request: pytest.FixtureRequest, sources: Path, tmp_path: Path) -> Path:
    """An image of a patient in each of two folders."""
    pack: Callable[[Path, Path], None] = request.param
    for name, patient in (("ONE", "P001"), ("TWO", "P002")):
        with fileset.Creator(tmp_path / "in" / name, file_set_id=name) as creator:
            creator.add(sources / patient)
    path = tmp_path / ("X.iso" if pack is iso else "X.zip")
    pack(tmp_path / "in", path)
    return path


@pytest.mark.judges
@pytest.mark.parametrize("words", [["list"], ["info"], ["check"], ["extract", "-o", "OUT"]], ids=lambda words: words[0])
def test_all_are_listed(image: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, str(image)]) == 4
    assert capsys.readouterr().err.endswith(f"several below: open one of {image}/ONE, {image}/TWO\n")


@pytest.mark.judges
@pytest.mark.parametrize("name", ["ONE", "one", "ONE/"])
def test_each_can_be_chosen(image: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = f"{image}/{name}"
    assert main(["info", chosen, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file_set"]["id"] == "ONE"
    assert main(["check", chosen, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["findings"], document["summary"]["files"]) == ([], 20)


@pytest.mark.judges
@pytest.mark.parametrize("options", [[], ["--scan"]])
def test_the_files_of_one_come_out(image: Path, options: list[str], tmp_path: Path) -> None:
    assert main(["extract", f"{image}/TWO", "-o", str(tmp_path / "OUT"), *options, "-q"]) == 0
    assert {path.stem for path in (tmp_path / "OUT").rglob("*.dcm")} == uids() - uids(1)


@pytest.mark.judges
def test_one_can_be_converted_and_added(image: Path, tmp_path: Path) -> None:
    target = str(tmp_path / "NEW")
    assert main(["create", "--from-medium", f"{image}/ONE", "-o", target, "-q"]) == 0
    with fileset.Reader(target) as reader:
        assert reader.file_set_id == "ONE"
        assert {str(record.file_id) for record in reader.instances} >= {"PT000000/ST000000/SE000000/IM000000"}
    assert main(["add", target, f"{image}/TWO", "-q"]) == 0
    with fileset.Reader(target) as reader:
        assert {record.sop_instance_uid for record in reader.instances} == uids()


@pytest.mark.judges
def test_a_folder_that_an_archive_lacks_is_reported(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (f"{image}/THREE", f"{image}/ONE/PT000000/NONE", f"{image}.not/ONE"):
        assert main(["list", name]) == 2
        assert "no such file or folder" in capsys.readouterr().err
