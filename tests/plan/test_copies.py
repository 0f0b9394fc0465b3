"""Files that end too early are copied and reported: exactly those that `check` reports later."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from struct import pack

import pydicom
import pytest

import fileset
from fileset.dicom.file_end import is_plainly_whole
from fileset.report import Report

RULE = "FS-FILE-TRUNCATED"
SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"
WHOLE = ("CT_small.dcm", "JPEG2000.dcm", "reportsi.dcm")
DELIMITER = b"\xfe\xff\xdd\xe0\0\0\0\0"


def _file(name: str) -> Path:
    return SHIPPED / name


def _told(report: Report) -> list[str]:
    return [finding.where.file for finding in report.findings if finding.rule == RULE]


def _checked(medium: Path) -> int:
    return sum(finding.rule == RULE for finding in fileset.check_file_set(medium).findings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Whole files, and one without its last byte but one."""
    made = tmp_path / "in"
    made.mkdir()
    for name in WHOLE:
        shutil.copy(_file(name), made)
    (made / "CUT").write_bytes(_file("MR_small.dcm").read_bytes()[:-2])
    return made


@pytest.mark.parametrize("name", ["OUT", "OUT.iso", "OUT.zip"])
def test_a_file_that_is_cut_off_is_copied_and_reported(folder: Path, tmp_path: Path, name: str) -> None:
    with fileset.Creator(tmp_path / name) as creator:
        creator.add(folder)
    assert _told(creator.report) == ["CUT"]
    assert not creator.report.complete
    assert len(creator.report.added) == len(WHOLE) + 1
    assert _checked(tmp_path / name) == 1
    with fileset.Reader(tmp_path / name) as reader:
        [instance] = reader.find(SOPInstanceUID="1.3.6.1.4.1.5962.1.1.4.1.1.20040826185059.5457")
        with instance.open() as file:
            assert file.read() == (folder / "CUT").read_bytes()


def test_added_files_are_examined_too(folder: Path, tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(folder / "CT_small.dcm")
    assert not _told(creator.report)
    with fileset.Updater(tmp_path / "OUT") as updater:
        updater.add(folder / "CUT", folder / "JPEG2000.dcm")
    assert _told(updater.report) == [str(folder / "CUT")]


def test_of_several_volumes_each_file_is_reported_once(folder: Path, tmp_path: Path) -> None:
    creator = fileset.Creator(tmp_path / "OUT", volume_size="90KB")
    creator.add(folder)
    report = creator.commit()
    assert len(report.volumes) > 1
    assert _told(report) == ["CUT"]


def test_a_dry_run_names_files_that_would_be_copied_without_their_ends(folder: Path, tmp_path: Path) -> None:
    creator = fileset.Creator(tmp_path / "OUT")
    creator.add(folder)
    assert _told(creator.commit(dry_run=True)) == ["CUT"]


def test_of_all_real_files_cut_anywhere_as_many_are_reported_as_check_finds(tmp_path: Path) -> None:
    random = Random(20261122)
    cut = tmp_path / "in"
    cut.mkdir()
    for number, path in enumerate(sorted(SHIPPED.rglob("*.dcm"))):
        data = path.read_bytes()
        (cut / f"{number:04}").write_bytes(data[: random.randrange(len(data) // 2, len(data)) if data else 0])
    with fileset.Creator(tmp_path / "OUT", invalid_uid="accept") as creator:
        creator.add(cut)
    told = _told(creator.report)
    assert len(told) == _checked(tmp_path / "OUT")
    assert len(told) > 20


@pytest.mark.parametrize(
    ("head", "last", "size", "plain"),
    [
        (b"\xe0\x7f\x10\0OW\0\0" + pack("<I", 100), b"", 112, True),
        (b"\xe0\x7f\x10\0OB\0\0" + pack("<I", 100), b"", 111, False),
        (b"\xe0\x7f\x10\0" + pack("<I", 100) + bytes(4), b"", 108, True),
        (b"\xe0\x7f\x10\0OB\0\0" + b"\xff" * 4, DELIMITER, 5000, True),
        (b"\xe0\x7f\x10\0OB\0\0" + b"\xff" * 4, DELIMITER[1:] + b"\0", 5001, False),
        (b"\xe0\x7f\x10\0OB\0\0", b"", 8, False),
        (b"\x10\0\x20\0LO\2\0ab", b"", 100, False),
        (b"", b"", 0, False),
    ],
)
def test_the_end_is_plain_where_pixel_data_ends(head: bytes, last: bytes, size: int, *, plain: bool) -> None:
    assert is_plainly_whole(head, last, size) is plain
