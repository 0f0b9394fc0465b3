"""One file that cannot be read to its end is one file: every verb names it and takes the rest."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import BinaryIO
from zipfile import ZipFile

import pytest

import fileset
from fileset.cli import main
from fileset.extraction import extract
from fileset.media.image.bytes import ImageBytes
from fileset.media.iso.medium import IsoMedium
from fileset.media.iso.reader import SECTOR
from fileset.media.system.calls import system
from tests.support import synthetic

COUNT = 6
TARGETS = ("OUT", "OUT.iso", "OUT.zip")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    synthetic.ct_series(tmp_path / "in", 1, 1, 1, COUNT)
    return tmp_path / "in"


def create(source: Path, medium: Path) -> fileset.Report:
    with fileset.Creator(medium) as creator:
        creator.add(source)
    return creator.report


def listed(medium: Path) -> int:
    with fileset.Reader(medium) as reader:
        return len(list(reader.instances))


def members(path: Path) -> list[str]:
    with fileset.Reader(path) as reader:
        return [name for name in reader.medium.names() if name != "DICOMDIR"]


def break_bytes(path: Path, name: str) -> None:
    """Change the last bytes of a member of an archive, so that its checksum is wrong."""
    with fileset.Reader(path) as reader, reader.medium.open(fileset.FileId.from_path(name)) as file:
        data = file.read()
    raw = path.read_bytes()
    at = raw.index(data) + len(data) - 2
    path.write_bytes(raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :])


def left_out(report: fileset.Report) -> list[str]:
    return [one.source.rpartition("/")[2] for one in report.skipped if one.rule == "FS-FILE-UNREADABLE"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_member_with_a_wrong_checksum_costs_itself(source: Path, tmp_path: Path, target: str) -> None:
    create(source, tmp_path / "A.zip")
    bad = members(tmp_path / "A.zip")[2]
    break_bytes(tmp_path / "A.zip", bad)
    report = create(tmp_path / "A.zip", tmp_path / target)
    assert left_out(report) == [bad.rpartition("/")[2]]
    assert listed(tmp_path / target) == COUNT - 1
    assert main(["check", str(tmp_path / target)]) == 0
    assert main(["create", str(tmp_path / "A.zip"), "-o", str(tmp_path / "AGAIN")]) == 3


def cut_archive(source: Path, path: Path) -> None:
    """Pack a file-set in a subfolder of an archive, the DICOMDIR first, and cut off the last two files."""
    create(source, path.with_suffix(""))
    names = sorted(one.relative_to(path.with_suffix("")) for one in path.with_suffix("").rglob("*") if one.is_file())
    with ZipFile(path, "w") as archive:
        for name in names:
            archive.write(path.with_suffix("") / name, Path("SUB") / name)
        cut = archive.infolist()[-2].header_offset + 1000
    os.truncate(path, cut)


def cut_image(source: Path, path: Path) -> None:
    create(source, path)
    with closing(IsoMedium(str(path))) as medium:
        cut = sorted(medium.position(fileset.FileId.from_path(name)) for name in members(path))[-2]
    os.truncate(path, cut + 10)


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize(("cut_off", "name"), [(cut_archive, "A.zip"), (cut_image, "A.iso")])
def test_each_file_that_a_truncated_medium_lost_is_named_once(
    cut_off: Callable[[Path, Path], None],
    name: str,
    alone: bool,  # noqa: FBT001  # a table of cases
    source: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "cut").mkdir()
    (tmp_path / "media").mkdir()
    cut_off(source, tmp_path / "cut" / name)
    shutil.copy(tmp_path / "cut" / name, tmp_path / "media" / name)
    report = create(tmp_path / "media" / (name if alone else ""), tmp_path / "OUT")
    told = "\n".join(f"{one.source}: {one.reason}" for one in report.skipped)
    assert [told.count(f"IM00000{number}") for number in range(COUNT)] == [0] * (COUNT - 2) + [1, 1]


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_that_was_cut_off_costs_the_files_at_its_end(source: Path, tmp_path: Path, target: str) -> None:
    create(source, tmp_path / "A.iso")
    with fileset.Reader(tmp_path / "A.iso") as reader:
        files = [fileset.FileId.from_path(name) for name in reader.medium.names() if name != "DICOMDIR"]
        cut = sorted(reader.medium.position(file_id) for file_id in files)[-2]
    os.truncate(tmp_path / "A.iso", cut + 10)
    report = create(tmp_path / "A.iso", tmp_path / target)
    assert len(left_out(report)) == 2
    assert sum(one.rule == "FS-FILE-MISSING" for one in report.skipped) == 0  # each lost file is named once
    assert listed(tmp_path / target) == COUNT - 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the path of an open file, in /proc")
@pytest.mark.parametrize("target", TARGETS)
def test_a_bad_sector_in_the_middle_of_copying_costs_one_file(
    source: Path, tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The header can be read, the pixel data cannot."""
    create(source, tmp_path / "A.iso")
    name = members(tmp_path / "A.iso")[1]
    with fileset.Reader(tmp_path / "A.iso") as reader:
        file_id = fileset.FileId.from_path(name)
        bad = reader.medium.position(file_id) + reader.medium.inquire_file(file_id).size - 1
    opened: list[fileset.FileId] = []
    real_open, real_read, real_read_at = IsoMedium.open, system.read_into, system.read_at

    def counted(medium: IsoMedium, wanted: fileset.FileId) -> BinaryIO:
        opened.append(wanted)
        return real_open(medium, wanted)

    def fail(descriptor: int, at: int, size: int) -> None:
        if (
            os.readlink(f"/proc/self/fd/{descriptor}").endswith("A.iso")
            and at <= bad < at + size
            and opened.count(file_id) > 1
        ):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def read_into(descriptor: int, view: memoryview, at: int) -> int:
        fail(descriptor, at, len(view))
        return real_read(descriptor, view, at)

    def read_at(descriptor: int, size: int, at: int) -> bytes:
        fail(descriptor, at, size)
        return real_read_at(descriptor, size, at)

    monkeypatch.setattr(IsoMedium, "open", counted)
    monkeypatch.setattr(system, "read_into", read_into)
    monkeypatch.setattr(system, "read_at", read_at)
    report = create(tmp_path / "A.iso", tmp_path / target)
    assert left_out(report) == [name.rpartition("/")[2]]
    assert listed(tmp_path / target) == COUNT - 1


def test_an_update_leaves_out_files_that_it_cannot_read(source: Path, tmp_path: Path) -> None:
    create(source, tmp_path / "A.zip")
    bad = members(tmp_path / "A.zip")[2]
    break_bytes(tmp_path / "A.zip", bad)
    synthetic.ct_series(tmp_path / "other", 2, 1, 1, 1)
    create(tmp_path / "other" / "P002", tmp_path / "SET")
    with fileset.Updater(tmp_path / "SET") as updater:
        updater.add(tmp_path / "A.zip")
    assert left_out(updater.report) == [bad.rpartition("/")[2]]
    assert listed(tmp_path / "SET") == COUNT
    assert main(["check", str(tmp_path / "SET")]) == 0


def test_a_file_that_fails_in_the_middle_costs_itself(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = sorted(path for path in source.rglob("*") if path.is_file())[3]
    real = system.open_descriptor
    opened: dict[str, int] = {}

    def open_descriptor(path: str, flags: int, *, follow: bool = True) -> int:
        if path == str(bad):
            opened[path] = opened.get(path, 0) + 1
            if opened[path] > 1:  # the scan reads it, the copy cannot
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(path, flags, follow=follow)

    monkeypatch.setattr(system, "open_descriptor", open_descriptor)
    report = create(source, tmp_path / "OUT")
    assert left_out(report) == [bad.name]
    assert listed(tmp_path / "OUT") == COUNT - 1


def unreadable(monkeypatch: pytest.MonkeyPatch, *sectors: int) -> None:
    """Let the system fail to read some sectors of every image."""
    real = ImageBytes.read

    def read(self: ImageBytes, at: int, size: int) -> bytes:
        if any(at < (sector + 1) * SECTOR and at + size > sector * SECTOR for sector in sectors):
            raise fileset.MediumError(os.strerror(errno.EIO), path="A.iso")
        return real(self, at, size)

    monkeypatch.setattr(ImageBytes, "read", read)


@pytest.mark.parametrize("sector", [17, 18, 30])
def test_a_bad_sector_that_no_file_needs_costs_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sector: int
) -> None:
    create(source, tmp_path / "A.iso")
    unreadable(monkeypatch, sector)
    assert listed(tmp_path / "A.iso") == COUNT
    with fileset.Reader(tmp_path / "A.iso") as reader:
        assert extract(reader, tmp_path / "COPIES").copied == COUNT


@pytest.mark.parametrize("verb", ["list", "extract", "create", "add"])
def test_an_image_whose_first_sector_is_bad_is_no_foreign_file(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    """`add` ended with 0 and nothing added."""
    create(source, tmp_path / "A.iso")
    create(source, tmp_path / "SET")
    unreadable(monkeypatch, 16)
    image = str(tmp_path / "A.iso")
    words = {"add": [str(tmp_path / "SET"), image], "list": [image]}.get(verb, [image, "-o", str(tmp_path / "OUT")])
    assert main([verb, *words]) == 4
    assert "the volume descriptor in sector 16 cannot be read" in capsys.readouterr().err


def test_a_folder_of_an_image_with_a_bad_sector_costs_its_files(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in" / "MORE").mkdir()
    synthetic.ct_series(tmp_path / "in" / "MORE", 1, 1, 1, 2)
    with fileset.Creator(tmp_path / "A.iso", naming="keep") as creator:
        creator.add(source)
    with closing(IsoMedium(str(tmp_path / "A.iso"))) as image:
        names = sorted(name for name in image.names() if name != "DICOMDIR")
        tree = image._trees[0]  # noqa: SLF001
        folder = tree._tree.root  # noqa: SLF001
        for component in names[0].split("/")[:-1]:
            folder = tree._listing(folder)[component]  # noqa: SLF001
    unreadable(monkeypatch, folder.extents[0][0] // SECTOR)
    with fileset.Reader(tmp_path / "A.iso") as reader:
        report = extract(reader, tmp_path / "COPIES")
    beside = sum(name.rpartition("/")[0] == names[0].rpartition("/")[0] for name in names)
    assert 0 < beside == len(report.missing) + len(report.failed)
    assert report.copied == len(names) - beside


def test_check_and_repair_name_a_large_member_with_a_wrong_checksum(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The fault is in the pixel data, which no other rule reads."""
    dataset = synthetic.instance(synthetic.CT_IMAGE, number=1)
    dataset.Rows = dataset.Columns = 256
    dataset.PixelData = bytes(range(256)) * 512
    synthetic.write(dataset, tmp_path / "in" / "IM1")
    create(tmp_path / "in", tmp_path / "A.zip")
    break_bytes(tmp_path / "A.zip", members(tmp_path / "A.zip")[0])
    for verb, code in (("check", 1), ("repair", 3)):
        assert main([verb, str(tmp_path / "A.zip")]) == code
        assert "its checksum (CRC-32) differs" in "".join(capsys.readouterr())
    assert listed(tmp_path / "A.zip") == 1
