"""No content of a medium makes `fileset` read, write or delete anything outside of it (see SECURITY.md).

Bait is beside the medium: copies of its own files, so that only the path distinguishes them. Every command runs on
every hostile medium, and the interpreter itself reports (PEP 578) each file that is opened, listed, made or removed.
"""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

import fileset
from fileset.cli import main
from fileset.media.system.walk import WORK
from tests.support import synthetic
from tests.support.editing import Elements, edit, put, put_raw
from tests.support.journal import added, leave_journal

ONE: Final = "P001/T001/S001/I000001"

# --- watching the system --------------------------------------------------------------------------------------------

_ON_CONTENT: Final = frozenset(("open", "os.listdir", "os.scandir", "os.truncate", "os.chmod", "os.utime"))
_ON_NAMES: Final = frozenset(("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink"))
_watched: list[str] = []
_touched: list[str] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watched or event not in _ON_CONTENT | _ON_NAMES:
        return
    follows = event in _ON_CONTENT and not (event == "open" and (arguments[2] or 0) & os.O_NOFOLLOW)
    for argument in arguments[:2]:
        if isinstance(argument, bytes | str | os.PathLike):
            path = os.fsdecode(argument)
            folder, name = os.path.split(path)
            real = os.path.realpath(path) if follows else os.path.join(os.path.realpath(folder), name)
            if any(real == watched or real.startswith(watched + os.sep) for watched in _watched):
                _touched.append(f"{event} {real}")


sys.addaudithook(_audit)


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Fail if anything in `folder` is read, changed, made or removed."""
    before = state(folder)
    _touched.clear()
    _watched.append(os.path.realpath(folder))
    try:
        yield
    finally:
        _watched.clear()
    assert _touched == []
    assert state(folder) == before


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every name below a folder, with date and contents."""
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


def test_the_watch_sees_every_kind_of_access_that_it_watches(tmp_path: Path) -> None:
    (tmp_path / "BAIT").write_bytes(b"x")
    (tmp_path / "LINK").symlink_to(tmp_path / "BAIT")
    for act in (
        (tmp_path / "LINK").read_bytes,
        partial(os.listdir, tmp_path),
        (tmp_path / "NEW").mkdir,
        (tmp_path / "NEW").rmdir,
        (tmp_path / "LINK").unlink,
    ):
        with pytest.raises(AssertionError), untouched(tmp_path):
            act()


# --- hostile media --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good") / "DISC"
    synthetic.ct_series(folder, patients=2, studies=1, series=1, instances=2)
    fileset.index(folder)
    return folder


def _file_id(value: str) -> Callable[[Path, Path], None]:
    """Return a record with the File ID `value`, in which {outside} is replaced by the path of the bait."""

    def make(disc: Path, outside: Path) -> None:
        raw = value.replace("{outside}", outside.as_posix()).encode()
        edit(disc, "IMAGE", put(0x00041500, "CS", raw))

    return make


def _link(name: str, target: str) -> Callable[[Path, Path], None]:
    """A symbolic link in place of a file or folder of the medium."""

    def make(disc: Path, outside: Path) -> None:
        path = disc / name
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
        path.symlink_to(outside / target)

    return make


def _journal(disc: Path, outside: Path) -> None:
    """An interrupted change that would have its leftovers removed: by a link, and by names that lead out."""
    _link("LINK", ".")(disc, outside)
    names = ["LINK\\BAIT", "..\\OUTSIDE\\BAIT", f"{outside.as_posix()}/BAIT", "LINK\\P001\\T001\\S001\\I000001"]
    bait = added(disc, "LINK/BAIT").rpartition(" ")[0]
    leave_journal(disc, *(f"{bait} {name}\n" for name in names))


def _values(disc: Path, _: Path) -> None:
    """Identifiers that are paths."""
    edit(disc, "PATIENT", put(0x00100020, "LO", b"../../../OUTSIDE"))
    edit(disc, "STUDY", put(0x0020000D, "UI", b"../../OUTSIDE"))
    edit(disc, "SERIES", put(0x0020000E, "UI", b"/tmp"))
    edit(disc, "IMAGE", put(0x00041511, "UI", b"../../../../OUTSIDE/BAIT"))


def _descriptor(disc: Path, _: Path) -> None:
    fileset.index(disc, replace=True, descriptor_file_id="AA/OUTSIDE/BAIT")
    data = (disc / "DICOMDIR").read_bytes()
    (disc / "DICOMDIR").write_bytes(data.replace(b"AA\\OUTSIDE\\BAIT", b"..\\OUTSIDE\\BAIT"))


def _repeated(disc: Path, _: Path) -> None:
    """The same element twice: code that checks the first must not use the second."""

    def twice(elements: Elements) -> None:
        raw = elements[0x00041500]
        put_raw(0x00041500, raw + raw[:6] + b"\x10\0" + b"..\\OUTSIDE\\BAIT ")(elements)

    edit(disc, "IMAGE", twice)


HOSTILE: Final[Mapping[str, Callable[[Path, Path], None]]] = {
    "up": _file_id("..\\OUTSIDE\\BAIT"),
    "up with slashes": _file_id("../OUTSIDE/BAIT"),
    "down and up": _file_id("P001\\..\\..\\OUTSIDE\\BAIT"),
    "dots and spaces": _file_id(".. \\OUTSIDE\\BAIT"),
    "absolute": _file_id("{outside}/BAIT"),
    "absolute, twice": _file_id("//{outside}/BAIT"),
    "drive": _file_id("C:\\OUTSIDE\\BAIT"),
    "stream": _file_id("P001:x\\BAIT"),
    "NUL": _file_id("P001\0\\..\\..\\OUTSIDE\\BAIT"),
    "control characters": _file_id("\x1b]0;x\x07\\BAIT"),
    "link to a file": _link(ONE, "BAIT"),
    "link to a folder": _link("P001", "P001"),
    "link to the folder above": _link("P001/T001", ".."),
    "link to the DICOMDIR": _link("DICOMDIR", "DICOMDIR"),
    "link to the root": _link("P001", "/"),
    "link for the work folder": _link(WORK, "P001"),
    "link beside the files": _link("STRAY", "BAIT"),
    "link for a new folder": _link("PT000000", "P001"),
    "journal": _journal,
    "values": _values,
    "descriptor": _descriptor,
    "File ID twice": _repeated,
}

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "list": ("list", "DISC"),
    "list --json": ("list", "DISC", "--json"),
    "list --paths": ("list", "DISC", "--paths"),
    "info": ("info", "DISC", "--json"),
    "check": ("check", "DISC"),
    "extract": ("extract", "DISC", "-o", "COPIES"),
    "extract --scan": ("extract", "DISC", "-o", "COPIES", "--scan"),
    "extract --template": ("extract", "DISC", "-o", "COPIES", "--template", "{PatientID}/{StudyInstanceUID}.dcm"),
    "index": ("index", "DISC", "--replace"),
    "create": ("create", "NEW", "-o", "DISC", "--replace"),
    "add": ("add", "DISC", "NEW"),
    "remove": ("remove", "DISC", "PatientID=*"),
    "refresh": ("refresh", "DISC"),
    "repair": ("repair", "DISC"),
    "from medium": ("create", "--from-medium", "DISC", "-o", "COPIES"),
    "remove all": ("remove", "DISC", "Modality=CT"),
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("medium", HOSTILE)
def test_nothing_outside_of_the_medium_is_touched(
    medium: str, command: str, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "OUTSIDE"
    disc = tmp_path / "DISC"
    shutil.copytree(good, outside)
    shutil.copytree(good, disc)
    (outside / "BAIT").write_bytes((good / ONE).read_bytes())
    synthetic.ct_series(tmp_path / "NEW", patients=3, studies=1, series=1, instances=1)
    HOSTILE[medium](disc, outside)
    monkeypatch.chdir(tmp_path)
    with untouched(outside):
        code = main(list(COMMANDS[command]))
    assert code in (0, 1, 2, 3, 4, 5, 6)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "COPIES") == ["DISC", "NEW", "OUTSIDE"]
    bait = (outside / "BAIT").stat().st_ino
    assert not [path for path in tmp_path.glob("COPIES/**/*") if path.is_symlink() or path.stat().st_ino == bait]


def test_a_good_disc_is_not_refused(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same commands do their work where nothing is hostile."""
    for command, words in COMMANDS.items():
        place = tmp_path / command.replace(" ", "")
        shutil.copytree(good, place / "DISC")
        synthetic.ct_series(place / "NEW", patients=3, studies=1, series=1, instances=1)
        monkeypatch.chdir(place)
        assert main(list(words)) == 0, command


_ONLY_WARNINGS: Final = frozenset(
    ("link for a new folder", "link for the work folder", "link beside the files", "journal")
)
"""Nothing of the file-set itself is wrong."""


def test_hostile_names_are_reported(good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Never quietly: the medium is not as it should be."""
    for number, (name, make) in enumerate(HOSTILE.items()):
        outside, disc = tmp_path / str(number) / "OUTSIDE", tmp_path / str(number) / "DISC"
        shutil.copytree(good, outside)
        shutil.copytree(good, disc)
        (outside / "BAIT").write_bytes((good / ONE).read_bytes())
        make(disc, outside)
        code = main(["check", str(disc)])
        shown = capsys.readouterr()
        assert "FS-" in shown.out or code == 4, name
        assert code or name in _ONLY_WARNINGS, name


@pytest.mark.parametrize("name", ["../BAIT", "/BAIT", "A/../../BAIT", "C:\\BAIT", "..\\BAIT", "DISC/../../BAIT"])
@pytest.mark.parametrize("command", ["list", "check", "extract", "extract --scan"])
def test_hostile_names_in_an_archive(
    name: str, command: str, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "WORK"
    work.mkdir()
    with zipfile.ZipFile(work / "DISC.zip", "w") as archive:
        for path in sorted(good.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(good).as_posix())
        archive.writestr(name, (good / ONE).read_bytes())
    monkeypatch.chdir(work)
    words = [word.replace("DISC", "DISC.zip") for word in COMMANDS[command]]
    code = main(words)
    assert code in (0, 1, 3, 4)
    assert {path.name for path in tmp_path.iterdir()} == {"WORK"}
    assert {path.name for path in work.iterdir()} <= {"DISC.zip", "COPIES"}
    for path in work.glob("COPIES/**/*"):
        assert os.path.realpath(path).startswith(os.path.realpath(work / "COPIES"))
