"""A drive reads an image forward, and lists each folder once."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import pytest

import fileset
from fileset.cli import main
from fileset.errors import FormatError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.image.bytes import ImageBytes
from fileset.media.image.names import Entry, FileNames, Notes
from fileset.media.iso.allowance import SMALL_IMAGE, OverlapAllowance
from fileset.media.iso.medium import IsoMedium
from tests.support import synthetic
from tests.support.command import Runs


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image of twelve files."""
    synthetic.ct_series(tmp_path / "in", 1, 1, 1, 12)
    with fileset.Creator(tmp_path / "A.iso") as creator:
        creator.add(tmp_path / "in")
    return tmp_path / "A.iso"


def shuffled(monkeypatch: pytest.MonkeyPatch) -> list[FileId]:
    """Reverse the apparent order of the files; return the files in the order in which they are opened."""
    opened: list[FileId] = []
    real_open, real_position = IsoMedium.open, IsoMedium.position

    def counted(medium: IsoMedium, file_id: FileId) -> BinaryIO:
        if file_id != DICOMDIR and file_id not in opened:
            opened.append(file_id)
        return real_open(medium, file_id)

    monkeypatch.setattr(IsoMedium, "open", counted)
    monkeypatch.setattr(IsoMedium, "position", lambda medium, file_id: 1 << 40 - real_position(medium, file_id) // 2048)
    return opened


@pytest.mark.parametrize(
    "verb", [("check",), ("extract", "-o", "EX"), ("create", "-o", "OUT")], ids=lambda verb: verb[0]
)
def test_files_are_read_in_the_order_of_their_positions(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    opened = shuffled(monkeypatch)
    assert main([verb[0], str(image), *verb[1:]]) == 0
    with fileset.Reader(image) as reader:
        positions = [reader.medium.position(file_id) for file_id in opened]
    assert len(positions) == 12
    assert sum(later < earlier for earlier, later in pairwise(positions)) == 0


@pytest.mark.parametrize("count", [1000, 12_000])
def test_a_folder_is_listed_once_however_many_files_are_in_it(count: int) -> None:
    listings: Counter[str] = Counter()

    class Tree:
        root = Entry("", folder=True, extents=((0, 2048),))

        def entries(self, folder: Entry) -> list[Entry]:
            listings[folder.name] += 1
            if folder is self.root:
                return [Entry("DICOM", folder=True, extents=((2048, 2048),))]
            return [Entry(f"I{number}", folder=False, extents=((4096 + number, 1),)) for number in range(count)]

    names = FileNames(Tree(), Notes(), 1 << 30)  # type: ignore[arg-type]  # a list is as good as an iterator
    for number in range(count):
        assert names.find(FileId(f"DICOM\\I{number}"))
    assert listings == {"": 1, "DICOM": 1}


def test_a_file_of_overlapping_pieces_is_refused(image: Path) -> None:
    """Thousands of pieces over the same sectors would make gigabytes of a small image."""
    size = image.stat().st_size
    with closing(ImageBytes(str(image))) as raw:
        raw.check([(0, size // 2), (size // 2, size // 2)])
        for extents in ([(0, size)] * 2, [(0, size // 2)] * 4001):
            with pytest.raises(FormatError, match="overlap"):
                raw.check(extents)
            with pytest.raises(FormatError, match="overlap"):
                raw.open(extents, "BOMB")


def _overlapping(image: Path, step: int) -> None:
    """Let the directory record of each image file lead to a quarter of the image, which begins `step` sectors after that of the one before."""
    data = bytearray(image.read_bytes())
    at = data.index(b"IM000000") - 33
    for number in range(12):
        for offset, value in ((2, 18 + number * step), (10, len(data) // 4)):
            data[at + offset : at + offset + 8] = value.to_bytes(4, "little") + value.to_bytes(4, "big")
        at += data[at]
    image.write_bytes(data)


def test_files_that_overlap_are_refused_before_they_are_larger_than_the_image(image: Path, run: Runs) -> None:
    _overlapping(image, step=1)
    size = image.stat().st_size
    told = run("extract", image, "-o", image.parent / "OUT", code=3)
    assert "the files of the image overlap" in told.stdout + told.stderr
    assert sum(path.stat().st_size for path in (image.parent / "OUT").rglob("*") if path.is_file()) <= size


def test_names_of_one_file_are_read(image: Path) -> None:
    _overlapping(image, step=0)
    with closing(IsoMedium(str(image))) as medium:
        for name in medium.names():
            medium.open(FileId.tolerant(name)).close()


def test_thousands_of_names_of_one_file_are_no_way_to_fill_a_disk() -> None:
    allowance = OverlapAllowance(1_200_000)
    entry = Entry("IM", folder=False, extents=((0, 1_000_000),))
    for number in range(SMALL_IMAGE // entry.size):
        allowance.spend(f"IM{number}", entry)
    with pytest.raises(FormatError, match="overlap"):
        allowance.spend("IM", entry)
