"""The calls of macOS, with a system in its place that notes them: no machine of the tests runs macOS."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import importlib
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

FULL_SYNC: Final = 51
"""F_FULLFSYNC of <sys/fcntl.h>."""
LOCAL, READ_ONLY = 0x1000, 0x1


@pytest.fixture
def darwin(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module for macOS, which refuses to be loaded elsewhere."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", FULL_SYNC, raising=False)
    return importlib.import_module("fileset.media.system.darwin")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The syncs, in order."""
    noted: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: noted.append("fsync"))
    monkeypatch.setattr(fcntl, "fcntl", lambda _, request: noted.append({FULL_SYNC: "F_FULLFSYNC"}[request]))
    return noted


def fail(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let F_FULLFSYNC fail."""

    def full_sync(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "fcntl", full_sync)


def test_a_file_is_written_before_the_drive_empties_its_cache(darwin: Any, calls: list[str]) -> None:
    darwin.sync_file(0)
    assert calls == ["fsync", "F_FULLFSYNC"]  # on SMB only the second may succeed, and it writes nothing


def test_the_names_in_a_folder_reach_the_medium_too(darwin: Any, calls: list[str], tmp_path: Path) -> None:
    darwin.sync_directory(str(tmp_path))
    assert calls == ["fsync", "F_FULLFSYNC"]


def test_many_files_empty_the_cache_of_the_drive_once(darwin: Any, calls: list[str]) -> None:
    for descriptor in range(3):
        darwin.start_write_back(descriptor)
    darwin.sync_volume(0)
    assert calls == ["fsync"] * 3 + ["F_FULLFSYNC"]


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.ENOTTY, errno.EINVAL])
@pytest.mark.usefixtures("calls")
def test_file_systems_without_a_full_sync_are_synced_as_far_as_they_can(
    darwin: Any, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fail(monkeypatch, number)
    darwin.sync_file(0)


@pytest.mark.usefixtures("calls")
def test_a_drive_that_fails_to_empty_its_cache_is_an_error(darwin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        darwin.sync_file(0)


def test_a_buffer_is_filled_without_preadv(darwin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "preadv")
    (tmp_path / "file").write_bytes(b"0123456789")
    buffer = bytearray(4)
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)
    assert darwin.read_into(descriptor, memoryview(buffer), 8) == 2
    os.close(descriptor)
    assert buffer == b"89\0\0"


# --- volumes ---------------------------------------------------------------------------------------------------------


def test_the_facts_of_a_volume_have_the_size_that_the_system_writes(darwin: Any) -> None:
    assert ctypes.sizeof(darwin.Statfs) == 2168  # struct statfs with 64-bit inode numbers


def facts(darwin: Any, place: str, kind: str, flags: int) -> Any:
    """Return the facts of the system about a volume."""
    return darwin.Statfs(
        f_bsize=4096,
        f_blocks=1 << 34,
        f_bavail=1 << 33,
        f_flags=flags,
        f_fstypename=kind.encode(),
        f_mntonname=place.encode(),
        f_mntfromname=b"/dev/disk4s1",
    )


@pytest.mark.parametrize(
    ("place", "kind", "flags", "expected"),
    [
        ("/Volumes/STICK", "msdos", LOCAL, {"removable"}),
        ("/Volumes/DISC", "cd9660", LOCAL | READ_ONLY, {"removable", "read only"}),
        ("/Volumes/share", "smbfs", 0, set()),
        ("/System/Volumes/Data", "apfs", LOCAL, set()),
    ],
)
def test_a_volume_is_removable_if_it_is_a_local_one_below_volumes(
    darwin: Any, monkeypatch: pytest.MonkeyPatch, place: str, kind: str, flags: int, expected: set[str]
) -> None:
    monkeypatch.setattr(darwin, "statfs_of", lambda _: facts(darwin, place, kind, flags))
    found = darwin.volume("/somewhere")
    assert (found.kind, found.root) == (kind, place)
    assert ("removable" in expected, "read only" in expected) == (found.removable, found.read_only)
    assert found.free == 1 << 45  # 32 TB: statvfs counts blocks in 32 bits there
    assert found.free_files is None


def test_drives_are_volumes_and_not_folders_or_network_drives_below_volumes(
    darwin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    volumes = {
        "/Volumes/STICK": ("/Volumes/STICK", "msdos", LOCAL),
        "/Volumes/DISC": ("/Volumes/DISC", "cd9660", LOCAL),
        "/Volumes/share": ("/Volumes/share", "smbfs", 0),
        "/Volumes/Macintosh HD": ("/", "apfs", LOCAL),
        "/Volumes/left over": ("/System/Volumes/Data", "apfs", LOCAL),
    }
    entries = [SimpleNamespace(path=path) for path in volumes]
    monkeypatch.setattr(os, "scandir", lambda path: nullcontext({"/Volumes": entries}[path]))
    monkeypatch.setattr(darwin, "statfs_of", lambda path: facts(darwin, *volumes[path]))
    found = {drive.root: drive.optical for drive in darwin.drives()}
    assert found == {"/Volumes/STICK": False, "/Volumes/DISC": True}
