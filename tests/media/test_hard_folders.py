"""Folders as people have them: odd names, folders that cannot be listed, dates and permissions of every kind."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

import fileset
from fileset.cli import main
from fileset.media.folder.medium import FolderMedium
from tests.support import synthetic


@pytest.fixture
def source(tmp_path: Path) -> Path:
    synthetic.ct_series(tmp_path / "in", 1, 1, 1, 3)
    return tmp_path / "in"


def create(source: Path, medium: Path, **options: Any) -> fileset.Report:
    with fileset.Creator(medium, **options) as creator:
        creator.add(source)
    return creator.report


def unlistable(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the system refuse to list a folder."""
    real = os.scandir

    def scandir(path: Any = ".") -> Any:
        if os.fspath(path) == str(folder):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)


def test_a_folder_named_dicomdir_is_a_folder(tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "z" / "DICOMDIR", 1, 1, 1, 2)
    assert not FolderMedium(tmp_path / "z").has_dicomdir()
    assert main(["list", str(tmp_path / "z")]) == 4
    assert len(create(tmp_path / "z", tmp_path / "OUT").added) == 2
    assert main(["extract", str(tmp_path / "z"), "-o", str(tmp_path / "EX")]) == 0
    assert len([path for path in (tmp_path / "EX").rglob("*") if path.is_file()]) == 2


def test_a_folder_that_cannot_be_listed_is_named_and_the_rest_is_taken(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = source / "locked"
    locked.mkdir()
    unlistable(monkeypatch, locked)
    report = create(source, tmp_path / "OUT")
    assert len(report.added) == 3
    assert [one.source for one in report.skipped] == [str(locked)]
    assert "cannot be listed" in report.skipped[0].reason
    assert main(["create", str(source), "-o", str(tmp_path / "OUT2")]) == 3


def test_a_folder_that_cannot_be_listed_is_an_error_of_the_check(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(source, tmp_path / "OUT")
    locked = tmp_path / "OUT" / "locked"
    locked.mkdir()
    unlistable(monkeypatch, locked)
    report = fileset.check_file_set(tmp_path / "OUT")
    assert [finding.message for finding in report.findings if "locked: the folder cannot be listed" in finding.message]


def test_a_system_folder_that_cannot_be_listed_costs_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "lost+found").mkdir()
    unlistable(monkeypatch, source / "lost+found")
    report = create(source, tmp_path / "OUT")
    assert len(report.added) == 3
    assert not report.skipped


@pytest.mark.parametrize("seconds", [-11_644_473_600, 1 << 34])
def test_dates_outside_1678_to_2262_are_copied(source: Path, tmp_path: Path, seconds: int) -> None:
    """A zero FILETIME of a network share is the year 1601."""
    for path in source.rglob("*"):
        if path.is_file():
            os.utime(path, (seconds, seconds))
    for name in ("OUT", "OUT.iso", "OUT.zip"):
        assert len(create(source, tmp_path / name).added) == 3


def test_the_rest_of_an_interrupted_extraction_is_no_source(source: Path, tmp_path: Path) -> None:
    first = next(path for path in source.rglob("*") if path.is_file())
    (first.parent / ".0123456789abcdef.part").write_bytes(first.read_bytes()[:300])
    report = create(source, tmp_path / "OUT")
    assert len(report.added) == 3
    assert not report.skipped


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes among files")
def test_a_pipe_in_the_place_of_a_copy_is_not_waited_for(source: Path, tmp_path: Path) -> None:
    create(source, tmp_path / "OUT")
    assert main(["extract", str(tmp_path / "OUT"), "-o", str(tmp_path / "EX")]) == 0
    path = next(path for path in (tmp_path / "EX").rglob("*") if path.is_file())
    path.unlink()
    os.mkfifo(path)
    assert main(["extract", str(tmp_path / "OUT"), "-o", str(tmp_path / "EX")]) == 0
    assert path.is_fifo()


# ---------------------------------------------------------------- permissions


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permissions of this kind")
@pytest.mark.parametrize("name", ["OUT", "OUT.iso", "OUT.zip"])
def test_copies_are_not_more_readable_than_their_sources(source: Path, tmp_path: Path, name: str) -> None:
    for path in source.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    create(source, tmp_path / name)
    written = [path for path in [tmp_path / name, *(tmp_path / name).rglob("*")] if path.is_file()]
    assert {mode(path) for path in written} == {0o600}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permissions of this kind")
@pytest.mark.parametrize(("name", "file"), [("OUT", "OUT/DICOMDIR"), ("OUT.iso", "OUT.iso")])
@pytest.mark.parametrize("permissions", [0o600, 0o664])
def test_a_replaced_file_keeps_its_permissions(
    source: Path, tmp_path: Path, name: str, file: str, permissions: int
) -> None:
    create(source, tmp_path / name)
    (tmp_path / file).chmod(permissions)
    with fileset.Updater(tmp_path / name) as updater:
        updater.remove(InstanceNumber="1")
    assert mode(tmp_path / file) == permissions
