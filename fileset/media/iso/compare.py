"""Compare a disc in a drive with its image, sector by sector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import groupby
from typing import Final

from attrs import frozen

from fileset.errors import FilesetError, FormatError, MediumError
from fileset.file_id import FileId
from fileset.media.image.bytes import ImageBytes
from fileset.media.iso.directories import SECTOR
from fileset.media.iso.medium import IsoMedium

BATCH: Final = 64
"""Number of sectors in one read: a unit of error correction has 16 sectors on a DVD, and 32 on a Blu-ray Disc."""
PATIENCE: Final = 64
"""Unreadable sectors after which the comparison ends: a drive may try each of them for a minute."""

DIFFERENT, UNREADABLE, MISSING = "different", "unreadable", "missing"


@frozen
class SectorRange:
    """Consecutive sectors that differ from the image: the first, the last, the fault, and the files that they belong to.

    `fault` is "different", "unreadable", or "missing" if the disc ends before them.
    """

    first: int
    last: int
    fault: str
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        sectors = f"sector {self.first}" if self.first == self.last else f"sectors {self.first} to {self.last}"
        files = f", in {', '.join(self.files)}" if self.files else ""
        return f"{sectors}: {self.fault}{files}"


@frozen
class Comparison:
    """The result of a comparison: the number of sectors of the image, of compared sectors, and the differences."""

    image: str
    device: str
    sectors: int
    compared: int
    differences: tuple[SectorRange, ...]

    @property
    def same(self) -> bool:
        """Whether the disc holds the whole image."""
        return not self.differences and self.compared == self.sectors


def compare(device: str, image: str, progress: Callable[[int, int], None] | None = None) -> Comparison:
    """Compare the disc in a drive with an image, up to the size of the volume that the image states (ISO 9660 8.4.8).

    Later sectors are padding and run-out of the drive. Raises `FormatError` if `image` is not a complete image of a disc,
    `MediumError` if either cannot be opened.
    """
    with closing(IsoMedium(image)) as original, closing(ImageBytes(image)) as expected:
        sectors = original.whole_sectors()
        with closing(ImageBytes(device)) as disc:
            faults: list[tuple[int, str]] = []
            compared = 0
            for at in range(0, sectors, BATCH):
                compared = min(at + BATCH, sectors)
                faults.extend(_faults(disc, expected, range(at, compared)))
                if progress:
                    progress(compared, sectors)
                if sum(fault == UNREADABLE for _, fault in faults) >= PATIENCE:
                    break
        return Comparison(image, device, sectors, compared, tuple(_ranges(faults, original)))


def _faults(disc: ImageBytes, expected: ImageBytes, batch: range) -> Iterator[tuple[int, str]]:
    """Find each sector of a batch that differs, with its fault."""
    fault = _fault(disc, expected, batch)
    if fault and len(batch) > 1:
        for sector in batch:
            yield from _faults(disc, expected, range(sector, sector + 1))
    elif fault:
        yield batch.start, fault


def _fault(disc: ImageBytes, expected: ImageBytes, batch: range) -> str:
    at = batch.start * SECTOR
    size = min(len(batch) * SECTOR, expected.size - at)  # an image may end within its last sector
    if at + size > disc.size:
        return MISSING
    try:
        found = disc.read(at, size)
    except (MediumError, FormatError):
        return UNREADABLE
    return "" if found == expected.read(at, size) else DIFFERENT


def _ranges(faults: list[tuple[int, str]], image: IsoMedium) -> Iterator[SectorRange]:
    """Group the faults into ranges of sectors, with the files of the image in each range."""
    files = list(_files(image)) if faults else []
    for (_, fault), group in groupby(enumerate(faults), key=lambda item: (item[1][0] - item[0], item[1][1])):
        numbers = [sector for _, (sector, _) in group]
        first, last = numbers[0], numbers[-1]
        yield SectorRange(
            first, last, fault, tuple(name for name, begin, end in files if begin <= last and first <= end)
        )


def _files(image: IsoMedium) -> Iterator[tuple[str, int, int]]:
    """List each file of an image with its first and last sector."""
    for name in image.names():
        file_id = FileId.tolerant(name)
        with suppress(FilesetError):
            if size := image.inquire_file(file_id).size:
                first = image.position(file_id) // SECTOR
                yield name, first, first + (size - 1) // SECTOR


def holds_data(device: str) -> bool:
    """Test whether the disc in a drive is readable and holds anything but zeros."""
    with suppress(FilesetError), closing(ImageBytes(device)) as disc:
        return any(disc.read(0, min(disc.size, BATCH * SECTOR)))
    return False  # a drive fails to read a blank disc
