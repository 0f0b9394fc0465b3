"""`fileset` neither waits for nor endlessly reads anything but regular files: pipes, devices, links to folders."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import fileset
from fileset.errors import FilesetError, MediumError
from fileset.media.iso.medium import IsoMedium
from fileset.media.system.walk import contents, same_contents
from tests.support import synthetic
from tests.support.command import Runs


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


Special = Callable[[Path], None]
SPECIAL = pytest.mark.parametrize("special", [_pipe, _device])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "DISC"
    folder.mkdir()
    synthetic.ct_series(folder, 1, 1, 1, 2)
    return folder


@SPECIAL
def test_as_dicomdir(special: Special, folder: Path) -> None:
    special(folder / "DICOMDIR")
    with pytest.raises(FilesetError, match="DICOMDIR"):
        fileset.Reader(folder)


def test_a_pipe_as_referenced_file_is_named(folder: Path) -> None:
    fileset.index(folder)
    with fileset.Reader(folder) as reader:
        record = next(iter(reader.instances))
        path = folder / str(record.file_id)
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(MediumError, match=r"not a regular file"):
            record.open()


def test_a_pipe_as_medium(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "PIPE")
    with pytest.raises(MediumError, match=r"PIPE.*neither a folder nor a regular file"):
        fileset.Reader(tmp_path / "PIPE")
    with pytest.raises(MediumError, match=r"PIPE.*a pipe"):
        IsoMedium(str(tmp_path / "PIPE"))


def test_a_special_file_among_the_sources_is_skipped_and_named(folder: Path, tmp_path: Path) -> None:
    _pipe(folder / "PIPE")
    _device(folder / "ZERO")
    (folder / "LINK").symlink_to(tmp_path)
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(folder)
    assert {(one.source, one.rule, one.reason) for one in creator.report.skipped} == {
        ("PIPE", "FS-FILE-UNREADABLE", "not a regular file"),
        *((name, "FS-FILE-LINK", "a symbolic link that leads out of the file-set") for name in ("ZERO", "LINK")),
    }


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


@pytest.mark.parametrize("special", [_pipe, _device, _socket, _dangling])
def test_no_verb_takes_or_waits_for_a_listed_special_file(
    special: Special, folder: Path, tmp_path: Path, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    fileset.index(folder)
    monkeypatch.chdir(folder / "P001/T001/S001")  # names of sockets are short
    Path("I000001").rename(tmp_path / "KEPT")
    special(Path("I000001"))
    for words in (
        *(("list",), ("list", "--paths"), ("list", "--csv"), ("list", "--read-files"), ("list", "--scan"), ("info",)),
        *(
            ("extract", "-o", tmp_path / "A"),
            ("extract", "--scan", "-o", tmp_path / "B"),
            ("repair", "--dry-run"),
            ("refresh",),
        ),
        *(("create", "-o", tmp_path / "C"), ("add", tmp_path / "KEPT"), ("remove", "InstanceNumber=1")),
    ):
        said = run(words[0], folder, *words[1:], code=3)
        assert "1 missing" in said.stdout if words == ("info",) else "I000001" in said.stderr, words
        assert words != ("list", "--paths") or "I000001" not in said.stdout
    assert os.path.lexists("I000001")


@SPECIAL
def test_a_special_file_in_the_place_of_a_scanned_file_is_an_error(special: Special, tmp_path: Path) -> None:
    special(tmp_path / "ODD")
    (tmp_path / "FILE").write_bytes(b"")
    with pytest.raises(MediumError, match="not a regular file"):
        list(contents(str(tmp_path / "ODD")))
    with pytest.raises(MediumError, match="not a regular file"):
        same_contents(str(tmp_path / "FILE"), str(tmp_path / "ODD"))


def test_a_link_to_a_folder_of_the_source_costs_nothing_because_its_files_are_there(tmp_path: Path, run: Runs) -> None:
    (tmp_path / "IN" / "A").mkdir(parents=True)
    (tmp_path / "IN" / "A" / "IM1").write_bytes(synthetic.ct(1))
    (tmp_path / "IN" / "SELF").symlink_to("../IN")
    (tmp_path / "IN" / "A" / "UP").symlink_to("..")
    run("create", tmp_path / "IN", "-o", tmp_path / "SET")
    run("extract", tmp_path / "IN", "-o", tmp_path / "COPIES", "--scan")
    run("index", tmp_path / "IN")
    (tmp_path / "FAR").mkdir()
    (tmp_path / "IN" / "OUT").symlink_to(tmp_path / "FAR")
    assert (
        "OUT: a symbolic link that leads out" in run("create", tmp_path / "IN", "-o", tmp_path / "NEW", code=3).stderr
    )
