"""`fileset drives` lists the discs and sticks with a DICOMDIR, and names the unreadable ones."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from fileset.media.system.calls import system
from fileset.media.system.interface import Drive
from tests.cli.test_schemas import faults
from tests.support.command import Runs
from tests.support.windows import IS_WINDOWS

TABLE = """\
22 1 8:2 / / rw,relatime - ext4 /dev/sda2 rw
23 22 8:1 / /boot/efi rw - vfat /dev/sda1 rw
24 22 11:0 / /media/user/MY\\040DISC ro,nosuid - iso9660 /dev/sr0 ro
25 22 8:17 / /media/user/STICK rw - vfat /dev/sdb1 rw
26 22 8:33 / /media/user/BACKUP rw - ext4 /dev/sdc1 rw
27 22 0:50 / /proc rw - proc proc rw
28 22 11:0 / /media/user/MY\\040DISC ro,nosuid - iso9660 /dev/sr0 ro
"""


@pytest.fixture
def drives(monkeypatch: pytest.MonkeyPatch) -> list[Drive]:
    found: list[Drive] = []
    monkeypatch.setattr(system, "drives", lambda: found)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="the table of mounts is that of Linux")
def test_discs_sticks_and_removable_devices_of_the_kernel_are_drives() -> None:
    from fileset.media.system.linux import drives_in

    assert drives_in(TABLE, lambda device: device == "8:33") == [
        Drive("/media/user/MY DISC", "/dev/sr0", "iso9660", optical=True),
        Drive("/media/user/STICK", "/dev/sdb1", "vfat", optical=False),
        Drive("/media/user/BACKUP", "/dev/sdc1", "ext4", optical=False),
    ]


def test_this_machine_has_a_list_of_drives() -> None:
    for drive in system.drives():
        assert Path(drive.root).is_absolute()
        assert IS_WINDOWS or Path(drive.root).is_dir()  # Windows lists drives without a disc too


def test_every_file_set_in_a_drive_is_a_line(run: Runs, drives: list[Drive], disc: Path, tmp_path: Path) -> None:
    several = tmp_path / "STICK"
    for name in ("ONE", "TWO"):
        shutil.copytree(disc, several / name)
    (tmp_path / "EMPTY").mkdir()
    drives += [
        Drive(str(several), "/dev/sdb1", "vfat", optical=False),
        Drive(str(tmp_path / "EMPTY"), "/dev/sdc1", "vfat", optical=False),
        Drive(str(disc), "/dev/sr0", "iso9660", optical=True),
    ]
    ended = run("drives", "-v")
    lines = [line.split() for line in ended.stdout.splitlines()]
    assert lines[0] == ["path", "device", "kind", "file_set_id", "patients", "instances"]
    assert lines[1] == [str(disc), "/dev/sr0", "disc", "TWELVE", "2", "12"]
    assert [line[0] for line in lines[2:]] == [str(several / "ONE"), str(several / "TWO")]
    assert ended.stderr == f"1 medium without a DICOMDIR: {tmp_path / 'EMPTY'}\n"
    document = run("drives", "--json").document
    assert faults(document) == []
    assert [row["instances"] for row in document["drives"]] == [12, 12, 12]
    assert document["without_dicomdir"] == [str(tmp_path / "EMPTY")]


def test_a_medium_that_cannot_be_read_is_named(run: Runs, drives: list[Drive], disc: Path) -> None:
    (disc / "DICOMDIR").write_bytes(b"no directory")
    drives.append(Drive(str(disc), "/dev/sr0", "iso9660", optical=True))
    ended = run("drives", code=5)
    assert ended.stderr.startswith(f"{disc}: ")
    assert run("drives", "--json", code=5).document["drives"][0]["error"]


def test_no_drives_is_no_error(run: Runs, drives: list[Drive]) -> None:
    assert not drives
    ended = run("drives")
    assert (ended.stdout, ended.stderr[:27]) == ("", "no disc or stick was found.")
    assert run("drives", "-q").stderr == ""
