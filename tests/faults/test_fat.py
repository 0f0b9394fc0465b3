"""A real FAT file system in a file: `fileset` does not need the links and atomic replacement that FAT lacks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen

from fileset import Creator, Reader, Updater
from fileset.cli import main
from fileset.media.system.walk import WORK
from tests.faults.scenarios import files
from tests.faults.test_kills import KILLED, Killer
from tests.support import synthetic
from tests.support.tries import Tries

pytestmark = pytest.mark.slow

TOOLS: Final = ("mkfs.fat", "fsck.fat", "fusefat", "fusermount")
MEGABYTES: Final = 32
FILES: Final = 200
_OF_NO_FILE: Final = re.compile(r"Reclaimed \d+ unused clusters.*|Leaving filesystem unchanged.*|fsck.*|.* files, .*")
"""The message of `fsck.fat` about used clusters without a file."""
PATIENCE: Final = 10
"""Seconds in which the driver ends."""


def tool(name: str) -> str:
    """The path of a program, or the test is skipped."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    return shutil.which(name, path=path) or pytest.skip(f"{name} is not installed")


@frozen
class Stick:
    """A FAT file system in `image`, mounted at `root`."""

    image: Path
    root: Path

    def mount(self, how: str = "rw+") -> None:
        """Put it in."""
        subprocess.run([tool("fusefat"), "-o", how, str(self.image), str(self.root)], check=True, capture_output=True)

    def unmount(self) -> None:
        """Take it out, and wait for the driver to end: only then is everything in the image."""
        subprocess.run([tool("fusermount"), "-u", str(self.root)], check=True, capture_output=True)
        end = time.monotonic() + PATIENCE
        while self._is_served() and time.monotonic() < end:
            time.sleep(0.02)

    def _is_served(self) -> bool:
        """Whether a process has the image among its arguments."""
        for known in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if os.fsencode(self.image) in known.read_bytes().split(b"\0"):
                    return True
        return False

    def again(self) -> str:
        """Unmount it, check it, and mount it again; return its faults.

        Lost clusters do not count: this driver may lose those of a file that is removed as soon as it is
        closed, or that its process had open. They hold no file.
        """
        self.unmount()
        checked = subprocess.run([tool("fsck.fat"), "-n", str(self.image)], check=False, capture_output=True, text=True)
        self.mount()
        return _OF_NO_FILE.sub("", checked.stdout).strip() if checked.returncode else ""


@pytest.fixture
def stick(tmp_path: Path) -> Iterator[Stick]:
    for name in TOOLS:
        tool(name)
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("there is no /dev/fuse that can be used")
    image, root = tmp_path / "fat.img", tmp_path / "STICK"
    root.mkdir()
    subprocess.run([tool("mkfs.fat"), "-C", str(image), str(MEGABYTES << 10)], check=True, capture_output=True)
    made = Stick(image, root)
    made.mount()
    if not os.path.ismount(root):
        pytest.skip("fusefat does not mount here")
    try:
        yield made
    finally:
        made.unmount()


def numbers(folder: Path) -> set[int]:
    """The instances of the file-set, each with the bytes it shall have."""
    found = set()
    with Reader(folder) as reader:
        assert not reader.findings
        for record in reader.instances:
            number = record["InstanceNumber"]
            with record.open() as file:
                assert file.read() == synthetic.ct(number=number)
            found.add(number)
    return found


def write(folder: Path, some: range) -> Path:
    """Files for a file-set."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number in some:
        (folder / f"I{number:04d}").write_bytes(synthetic.ct(number=number))
    return folder


def create(source: Path, target: Path) -> None:
    with Creator(target, jobs=1) as creator:
        creator.add(source)


def test_a_file_set_is_created_changed_and_checked_on_fat(stick: Stick, tmp_path: Path, tries: Tries) -> None:
    create(write(tmp_path / "IN", range(1, FILES + 1)), stick.root)
    assert numbers(stick.root) == set(range(1, FILES + 1))
    with Updater(stick.root, jobs=1) as updater:
        updater.add(write(tmp_path / "IN", range(FILES + 1, FILES + 31)))
        updater.remove(InstanceNumber=list(range(1, 21)))
    assert not stick.again()
    assert numbers(stick.root) == set(range(21, FILES + 31))
    assert main(["check", str(stick.root), "-q"]) == 0
    assert WORK not in os.listdir(stick.root)
    tries("files written to a real FAT file system, and removed", FILES + 30 + 20)


def add(folder: Path, source: Path) -> None:
    with Updater(folder, jobs=1) as updater:
        updater.add(source)


def killed(root: Path, at: int, change: Callable[[], None]) -> bool:
    """Whether a process that ends at an operation came so far."""
    process = os.fork()
    if process == 0:
        try:
            with Killer(root, at).system.between():
                change()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == KILLED


def test_a_process_killed_while_it_changes_a_file_set_on_fat(stick: Stick, tmp_path: Path, tries: Tries) -> None:
    create(write(tmp_path / "IN", range(1, 4)), stick.root)
    source = write(tmp_path / "IN", range(4, 6))
    runs = 0
    while killed(stick.root, 1 + 7 * runs, lambda: add(stick.root, source)):
        assert numbers(stick.root) in ({1, 2, 3}, {1, 2, 3, 4, 5})
        with Updater(stick.root, jobs=1) as updater:
            updater.remove(InstanceNumber=[4, 5])
        assert numbers(stick.root) == {1, 2, 3}
        runs += 1
    assert runs > 5
    assert not stick.again()
    assert numbers(stick.root) == {1, 2, 3, 4, 5}
    tries("processes killed on a real FAT file system", runs)


@pytest.mark.parametrize("name", ["SET.iso", "SET.zip"])
def test_an_image_is_created_and_changed_on_fat(name: str, stick: Stick, tmp_path: Path) -> None:
    create(write(tmp_path / "IN", range(1, 4)), stick.root / name)
    assert main(["add", str(stick.root / name), str(write(tmp_path / "IN", range(4, 6))), "-q"]) == 0
    assert main(["remove", str(stick.root / name), "InstanceNumber=1", "-q"]) == 0
    assert not stick.again()
    assert os.listdir(stick.root) == [name]
    assert numbers(stick.root / name) == {2, 3, 4, 5}


def fill(folder: Path, *, but: int) -> None:
    """Leave so many bytes."""
    path = folder / "FILL"
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(1 << 16)):
            pass
    os.truncate(path, path.stat().st_size - but)


@pytest.mark.parametrize("name", ["SET", "SET.iso", "SET.zip"])
def test_a_full_fat_file_system_loses_nothing(name: str, stick: Stick, tmp_path: Path) -> None:
    medium, source = stick.root / name, tmp_path / "IN"
    create(write(source, range(1, 4)), medium)
    fill(stick.root, but=65536)
    before = files(stick.root)
    write(source, range(4, 200))
    for words in (["add", medium, source], ["create", source, "--replace", "-o", medium]):
        assert main([*map(str, words), "-q"]) == 5, words
    assert main(["create", str(source), "-o", str(medium.with_name(f"NEW{medium.suffix}")), "-q"]) == 5
    assert not stick.again()
    assert files(stick.root) == before
    assert numbers(medium) == {1, 2, 3}


def test_a_read_only_fat_file_system_is_not_written(stick: Stick, tmp_path: Path) -> None:
    create(write(tmp_path / "IN", range(1, 4)), stick.root / "SET")
    source = str(write(tmp_path / "IN", range(4, 6)))
    stick.unmount()
    stick.mount("ro")
    for words in (["add", str(stick.root / "SET"), source], ["create", source, "-o", str(stick.root / "NEW.zip")]):
        assert main([*words, "-q"]) == 5, words
    assert os.listdir(stick.root) == ["SET"]
    assert numbers(stick.root / "SET") == {1, 2, 3}
