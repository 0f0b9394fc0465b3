"""Mounted volumes: their file systems, limits and state, and the facts that a user must know (PS3.12 A, R-U)."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from attrs import evolve

import fileset
from fileset import Creator
from fileset.cli import main
from fileset.errors import FormatError, MediumError
from fileset.media.system import file_systems as volume
from fileset.media.system import linux
from fileset.media.system.discs import DISCS, smallest_disc
from fileset.media.system.file_systems import file_system, inquire_volume
from fileset.media.system.linux import Mount, mount_of
from fileset.media.system.walk import place_below
from fileset.secure.security import Security
from tests.media.conftest import below, uids
from tests.support import synthetic
from tests.support.judges import find_tool

if TYPE_CHECKING:
    from pyfakefs.fake_filesystem import FakeFilesystem

TABLE = r"""
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:26 / /media rw - tmpfs tmpfs rw
31 30 8:1 / /media/usb rw,nosuid shared:5 - vfat /dev/sdb1 rw,fmask=0022
32 30 8:17 / /media/my\040stick rw master:1 shared:2 - exfat /dev/sdc1 rw
33 30 8:33 / /media/twice rw - vfat /dev/sdd1 rw
34 30 8:34 / /media/twice rw - ntfs3 /dev/sdd2 rw
35 30 11:0 / /media/cd ro - iso9660 /dev/sr0 ro
broken line
36 30
"""


@pytest.mark.parametrize(
    ("path", "place", "kind", "device"),
    [
        ("/", "/", "ext4", "254:0"),
        ("/home/user", "/", "ext4", "254:0"),
        ("/media/usb", "/media/usb", "vfat", "8:1"),
        ("/media/usb/DICOM/A", "/media/usb", "vfat", "8:1"),
        ("/media/usb2", "/media", "tmpfs", "0:26"),
        ("/media/my stick", "/media/my stick", "exfat", "8:17"),
        ("/media/twice/x", "/media/twice", "ntfs3", "8:34"),
        ("/media/cd", "/media/cd", "iso9660", "11:0"),
    ],
)
def test_the_mount_of_a_path_is_the_nearest_and_latest(path: str, place: str, kind: str, device: str) -> None:
    found = mount_of(path, TABLE)
    assert found is not None
    assert (found.place, found.kind, found.device) == (place, kind, device)


def test_without_a_table_there_is_no_mount() -> None:
    assert mount_of("/x", "") is None


@pytest.mark.parametrize(
    ("kind", "clusters", "name", "largest"),
    [
        ("vfat", 4084, "FAT12", 2**31 - 1),
        ("vfat", 4085, "FAT16", 2**31 - 1),
        ("msdos", 65524, "FAT16", 2**31 - 1),
        ("vfat", 65525, "FAT32", 2**32 - 1),
        ("fuse.fusefat", 10**6, "FAT32", 2**32 - 1),
        ("exfat", 10**6, "exFAT", None),
        ("ntfs3", 10**6, "NTFS", None),
        ("iso9660", 10**6, "ISO 9660", 2**32 - 1),
        ("udf", 10**6, "UDF", None),
        ("btrfs", 10**6, "btrfs", None),
    ],
)
def test_file_systems_and_their_limits(kind: str, clusters: int, name: str, largest: int | None) -> None:
    found = file_system(kind, clusters)
    assert (found.name, found.largest_file) == (name, largest)


@pytest.mark.parametrize("kind", ["vfat", "iso9660", "udf", "ext4", "tmpfs", "overlay"])
def test_there_is_no_caveat_about_file_systems_of_ps3_12_or_about_disks_that_are_not_media(kind: str) -> None:
    assert file_system(kind, 10**6).caveat == ""


@pytest.mark.parametrize("kind", ["exfat", "ntfs", "ntfs3", "fuse.ntfs-3g", "hfsplus"])
def test_there_is_a_caveat_about_file_systems_that_ps3_12_does_not_allow(kind: str) -> None:
    assert "PS3.12 knows FAT16 and FAT32" in file_system(kind, 10**6).caveat


def test_inquiry_of_a_folder_that_is_and_one_that_will_be(tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    for path in (tmp_path, tmp_path / "not" / "yet"):
        info = inquire_volume(str(path))
        assert info.capacity == found.f_blocks * found.f_frsize
        assert info.free == pytest.approx(found.f_bavail * found.f_frsize, rel=0.1)
        assert not info.read_only


def pretend(monkeypatch: pytest.MonkeyPatch, place: Path, kind: str) -> None:
    """Let the volume at `place` seem to be of this kind."""
    monkeypatch.setattr(linux, "_mount", lambda _: Mount(str(place), kind, "0:0", "none"))


def test_a_file_system_that_ps3_12_does_not_allow_is_a_warning(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    pretend(monkeypatch, stick, "exfat")
    assert main(["create", str(sources), "-o", str(stick)]) == 0
    said = capsys.readouterr().err
    assert "exFAT: a reader need not understand it" in said
    assert "FS-MEDIUM-FILE-SYSTEM" in said
    assert main(["info", str(stick)]) == 0
    assert "exFAT" in capsys.readouterr().out


def test_a_folder_on_a_disk_of_ntfs_is_no_medium_and_no_warning(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, tmp_path, "ntfs3")
    with fileset.Creator(tmp_path / "staging") as creator:
        creator.add(sources)
    assert creator.report.findings == []


@pytest.mark.parametrize("verb", ["create", "index", "add", "remove"])
def test_every_writer_flushes_a_stick_and_reports_when_it_may_be_removed(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    stick = tmp_path / "stick"
    if verb == "index":
        shutil.copytree(sources, stick)
    if verb in ("add", "remove"):
        assert main(["create", str(sources / "P001"), "-o", str(stick)]) == 0
    flushed: list[str] = []
    monkeypatch.setattr("fileset.media.folder.medium.flush_volume", flushed.append)
    pretend(monkeypatch, stick, "vfat")
    arguments = {
        "create": [str(sources), "-o", str(stick)],
        "index": [str(stick)],
        "add": [str(stick), str(sources / "P002")],
        "remove": [str(stick), "InstanceNumber=1"],
    }[verb]
    capsys.readouterr()
    assert main([verb, *arguments]) == 0
    assert flushed == [str(stick)]
    assert f"everything is on {stick}; unmount or eject it, then it is safe to remove" in capsys.readouterr().err


def test_a_disk_that_stays_is_not_flushed(sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["create", str(sources), "-o", str(tmp_path / "X")]) == 0
    assert "safe to remove" not in capsys.readouterr().err


def test_flushing_reaches_the_device(tmp_path: Path) -> None:
    volume.flush_volume(str(tmp_path))
    with pytest.raises(MediumError, match="nowhere"):
        volume.flush_volume(str(tmp_path / "nowhere"))


def test_the_sync_of_all_files_sees_a_failure_of_every_write_since_the_job_began(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Linux reports a failed write to the descriptors that were open at that time, and to no later one.
    opened: list[tuple[str, int]] = []
    system_open = os.open

    def noted_open(path: str, flags: int, mode: int = 0o777) -> int:
        descriptor = system_open(path, flags, mode)
        opened.append((os.path.basename(path), descriptor))
        return descriptor

    def failing_sync(descriptor: int) -> None:
        written = next(at for at, (name, _) in enumerate(opened) if name.startswith("T0"))
        latest = max(at for at, (_, number) in enumerate(opened) if number == descriptor)
        assert latest < written
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "open", noted_open)
    monkeypatch.setattr(linux, "sync_volume", failing_sync)
    with pytest.raises(MediumError, match=os.strerror(errno.EIO)), fileset.Creator(tmp_path / "SET") as creator:
        creator.add(sources)
    assert not (tmp_path / "SET").exists()


def test_a_writer_that_cannot_clean_up_leaves_what_the_next_one_needs(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On Windows a program that has the DICOMDIR open blocks the new one, and the removal of the copy.
    medium = tmp_path / "SET"
    with fileset.Creator(medium) as creator:
        creator.add(sources / "P001")
    unlink, replace = os.unlink, linux.replace

    def held(path: str) -> None:
        if os.path.basename(path) == "OLD" and os.path.exists(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        unlink(path)

    def blocked(source: str, target: str) -> None:
        if os.path.basename(target) == "DICOMDIR":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), target)
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", held)
        patch.setattr(linux, "replace", blocked)
        with pytest.raises(MediumError, match="DICOMDIR"), fileset.Updater(medium) as updater:
            updater.add(sources / "P002")
    with fileset.Updater(medium) as updater:
        updater.add(sources / "P002")
    report = fileset.check_file_set(medium)
    assert not report.findings
    assert not (medium / "FILESET_").exists()


def test_an_empty_stick_is_written_although_windows_says_that_nothing_is_there(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = tmp_path / "E"
    stick.mkdir()
    scandir = os.scandir

    def scandir_of_windows(path: str) -> Any:
        if os.path.samefile(path, stick) and not os.listdir(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scandir_of_windows)
    with pytest.raises(FormatError, match="no DICOMDIR"):
        fileset.Reader(stick)
    with fileset.Creator(stick) as creator:
        creator.add(sources)
    assert not fileset.check_file_set(stick).findings


def test_a_place_is_below_a_folder_that_is_spelt_in_another_way(fs: FakeFilesystem) -> None:
    fs.is_case_sensitive = False
    fs.create_file("/media/Stick/DICOM/IM1")
    assert place_below("/media/STICK/DICOM/IM1", "/media/Stick") == "DICOM/IM1"
    assert place_below("/MEDIA/stick/", "/media/Stick") == ""
    assert place_below("/media/Stick/DICOM", "/media/stick/dicom/im1") is None
    assert place_below("/media/Stick/to/come", "/media/stick") == "to/come"


def test_a_file_larger_than_fat_takes_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = synthetic.ct_series(tmp_path / "source", 1, 1, 1, 1)[0]
    with big.open("r+b") as file:
        file.truncate(2**32)
    pretend(monkeypatch, tmp_path, "vfat")
    with (
        pytest.raises(MediumError, match=r"has 4294967296 bytes, FAT\d\d takes"),
        fileset.Creator(tmp_path / "x") as creator,
    ):
        creator.add(tmp_path / "source")
    assert not (tmp_path / "x").exists() or not any((tmp_path / "x").iterdir())


# --- real ones ------------------------------------------------------------------------------------------------------


def mounted(command: list[str], place: Path, end: list[str]) -> Iterator[Path]:
    """A mount for one test, or a skip with the reason."""
    place.mkdir(exist_ok=True)
    if not find_tool(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode or not os.path.ismount(place):
        pytest.skip(f"cannot mount here: {done.stderr.strip() or command[0]}")
    yield place
    subprocess.run(end, check=True, capture_output=True)


SETS = ("SET", "SET.iso", "SET.zip")


@pytest.fixture
def small(sources: Path, tmp_path: Path) -> Iterator[Path]:
    """A volume of 4 MB with a file-set of one patient in a folder and in images, and a folder without a DICOMDIR."""
    place = tmp_path / "volume"
    for root in mounted(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(place)], place, ["umount", str(place)]):
        for name in SETS:
            with fileset.Creator(root / name) as creator:
                creator.add(sources / "P001")
        shutil.copytree(sources / "P002", root / "LOOSE")
        yield root


@pytest.fixture
def read_only(small: Path) -> Path:
    """The same, mounted read-only."""
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    return small


@pytest.fixture
def full(small: Path) -> Path:
    """The same, with nearly no space left."""
    room = os.statvfs(small)
    (small / "FILL").write_bytes(bytes((room.f_bavail - 1) * room.f_frsize))
    return small


@pytest.mark.judges
def test_a_read_only_mount_is_read(read_only: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in SETS:
        with fileset.Reader(read_only / name) as reader:
            assert {record.dataset().SOPInstanceUID for record in reader.instances} == uids(1)
            assert reader.medium_info().read_only
        assert main(["check", str(read_only / name), "-q"]) == 0
        assert main(["info", str(read_only / name)]) == 0
        assert "read-only" in capsys.readouterr().out


def writing(root: Path, sources: Path) -> Iterator[list[str]]:
    """Every command that writes, on every medium."""
    new = str(sources / "P002")
    for name in SETS:
        medium = str(root / name)
        yield from (
            ["create", new, "-o", str(root / f"new{name}")],
            ["create", new, "-o", medium, "--replace"],
            ["add", medium, new],
            ["refresh", medium],
            ["remove", medium, "InstanceNumber=1"],
            ["repair", medium],
        )
    yield ["index", str(root / "LOOSE")]


def unlisted(root: Path) -> None:
    """Give `repair` work: mark the DICOMDIR as out of date; images have it uncompressed."""
    for path in (root / "SET" / "DICOMDIR", root / "SET.iso"):
        flag = b"\x04\x00\x12\x12US\x02\x00"
        path.write_bytes(path.read_bytes().replace(flag + b"\0\0", flag + b"\xff\xff"))


@pytest.mark.judges
def test_a_read_only_mount_is_not_written(
    small: Path, sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unlisted(small)
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    before = below(small)
    for words in writing(small, sources):
        idle = words[0] == "repair" and words[1].endswith(".zip")
        for more in ((), ("--dry-run",)):
            assert main([*words, *more]) == (0 if idle else 5), words
            assert idle or "ead-only" in capsys.readouterr().err, words
    assert below(small) == before
    assert list(tmp_path.iterdir()) == [small]


@pytest.mark.judges
def test_a_full_mount_loses_nothing(full: Path, sources: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = below(full)
    for words in writing(full, sources):
        if words[0] != "repair":  # there is nothing to repair
            assert main(words) == 5, words
            assert re.search(r"bytes are needed, \d+ are free|No space left", capsys.readouterr().err), words
    assert below(full) == before
    for name in SETS:
        assert main(["check", str(full / name), "-q"]) == 0


@pytest.mark.judges
def test_a_stick_with_fat_is_recognised(tmp_path: Path) -> None:
    image, place = tmp_path / "stick.img", tmp_path / "stick"
    maker = shutil.which("mkfs.fat", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
    if not maker or not os.path.exists("/dev/fuse"):
        pytest.skip("mkfs.fat or /dev/fuse is not there")
    with image.open("wb") as file:
        file.truncate(32 << 20)
    subprocess.run([maker, "-F", "16", str(image)], check=True, capture_output=True)
    for root in mounted(["fusefat", "-o", "rw+", str(image), str(place)], place, ["fusermount", "-u", str(place)]):
        info = inquire_volume(str(root))
        assert info.format.startswith("FAT")
        assert info.largest_file
        assert (info.removable, info.caveat, info.read_only) == (True, "", False)


# --- discs ----------------------------------------------------------------------------------------------------------


def test_the_smallest_disc_that_takes_an_image() -> None:
    assert [disc.capacity for disc in DISCS] == sorted(disc.capacity for disc in DISCS)
    assert all(disc.capacity % 2048 == 0 for disc in DISCS)
    for smaller, larger in pairwise(DISCS):
        assert smallest_disc(smaller.capacity) == smaller
        assert smallest_disc(smaller.capacity + 1) == larger
    assert smallest_disc(DISCS[-1].capacity + 1) is None


SHAPES: Final = {
    "one small file": {"IM1": 1},
    "many small files": {f"IM{number}": 700 for number in range(300)},
    "folders in folders": {f"A/B{number}/C/D{number % 7}/E/IM{number}": 3000 for number in range(60)},
    "a large file": {"IM1": 3_000_001},
    "long names": {f"{number:03} a viewer with a long name.{number}": 5 for number in range(90)},
    "empty files": {f"EMPTY{number}": 0 for number in range(40)},
}
"""Names and sizes of included files."""
FORMATS: Final = {
    "iso": ("X.iso", ()),
    "joliet": ("X.iso", ("joliet",)),
    "udf": ("X.iso", ("udf",)),
    "joliet and udf": ("X.iso", ("joliet", "udf")),
    "zip": ("X.zip", ()),
    "encrypted": ("X.iso", ("udf",)),
}
ROUNDING: Final = dict.fromkeys(FORMATS, 600) | {"zip": 250, "encrypted": 3000}
"""The bytes for each file that may be too many."""


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("shape", SHAPES)
def test_an_image_needs_the_room_that_it_takes(
    shape: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (shape, kind) == ("long names", "iso"):
        pytest.skip("an ISO 9660 image without Joliet or UDF has no long names")
    synthetic.ct_series(tmp_path / "IN", 1, 1, 2, 3)
    for name, size in SHAPES[shape].items():
        path = tmp_path / "MORE" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    name, options = FORMATS[kind]
    image = tmp_path / name
    volume = inquire_volume(str(tmp_path))

    def create(free: int, *, dry_run: bool = False) -> None:
        info = evolve(volume, free=free)
        monkeypatch.setattr("fileset.media.image.medium.inquire_volume", lambda _: info)
        security = Security(password="*" * 12) if kind == "encrypted" else None
        # A new File-set UID would have another length.
        with closing(Creator(image, medium_options=options, security=security, file_set_uid="2.25.1")) as creator:
            creator.add(tmp_path / "IN")
            creator.include(tmp_path / "MORE")
            creator.commit(dry_run=dry_run)

    with pytest.raises(MediumError, match="bytes are needed, 0 are free") as refused:
        create(0, dry_run=True)
    needed = int(str(refused.value).partition(" bytes are needed")[0].rpartition(" ")[2])
    create(needed)
    taken, files, folders = image.stat().st_size, len(SHAPES[shape]) + 7, 150 if "/" in "".join(SHAPES[shape]) else 0
    assert taken <= needed <= taken + 15_000 + files * ROUNDING[kind] + folders * 2300
