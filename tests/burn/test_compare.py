"""`check DEVICE --against IMAGE` names each sector that differs from the image, with the files in it."""

from __future__ import annotations

from pathlib import Path

import pytest

import fileset
from fileset.burn import compare_with_image
from fileset.media.iso.medium import IsoMedium
from fileset.media.system.calls import system
from tests.cli.test_schemas import faults
from tests.support.command import Runs

SECTOR = 2048


@pytest.fixture
def burned(image: Path, tmp_path: Path) -> Path:
    path = tmp_path / "burned"
    path.write_bytes(image.read_bytes() + bytes(300 * SECTOR))
    return path


def second_file(image: Path) -> tuple[str, int]:
    """Return the name of a file of an image, and the byte at which it begins."""
    with fileset.Reader(image) as reader:
        file_id = reader.instances[1].file_id
    assert file_id is not None
    medium = IsoMedium(str(image))
    try:
        return file_id.path, medium.position(file_id)
    finally:
        medium.close()


def change(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        old = file.read(1)
        file.seek(at)
        file.write(bytes([old[0] ^ 1]))


def test_a_disc_with_padding_is_as_the_image(run: Runs, image: Path, burned: Path) -> None:
    ended = run("check", burned, "--against", image)
    assert ended.stdout == f"{burned}: {image.stat().st_size // SECTOR} sectors as in {image}\n"
    assert run("check", burned, "--against", image, "-q").stdout == ""


def test_one_wrong_bit_is_named_with_its_sector_and_file(run: Runs, image: Path, burned: Path) -> None:
    name, at = second_file(image)
    change(burned, at + 100)
    ended = run("check", burned, "--against", image, code=5)
    assert f"sector {at // SECTOR}: different, in {name}\n" in ended.stdout
    found = run("check", burned, "--against", image, "--json", code=5).document
    assert faults(found) == []
    assert found["differences"] == [
        {"first": at // SECTOR, "last": at // SECTOR, "fault": "different", "files": [name]}
    ]


def test_every_bit_of_the_volume_is_compared(image: Path, burned: Path) -> None:
    for sector in (0, 1, 16, image.stat().st_size // SECTOR - 1):
        change(burned, sector * SECTOR + SECTOR - 1)
    found = compare_with_image(str(burned), image)
    assert [(one.first, one.last) for one in found.differences] == [
        (0, 1),
        (16, 16),
        (image.stat().st_size // SECTOR - 1,) * 2,
    ]


def test_a_disc_that_ends_early_misses_its_last_sectors(run: Runs, image: Path, burned: Path) -> None:
    sectors = image.stat().st_size // SECTOR
    with burned.open("r+b") as file:
        file.truncate((sectors - 10) * SECTOR)
    assert (
        f"sectors {sectors - 10} to {sectors - 1}: missing" in run("check", burned, "--against", image, code=5).stdout
    )


def test_sectors_that_the_drive_cannot_read_are_named_and_the_rest_is_compared(
    image: Path, burned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, read_at = image.stat().st_size, system.read_at

    def scratched(descriptor: int, size: int, at: int) -> bytes:
        bad = 20 * SECTOR
        if system.size(descriptor) > whole and at <= bad < at + size:
            raise OSError(5, "Input/output error")
        return read_at(descriptor, size, at)

    change(burned, 40 * SECTOR)
    monkeypatch.setattr(system, "read_at", scratched)
    found = compare_with_image(str(burned), image)
    assert [(one.first, one.fault) for one in found.differences] == [(20, "unreadable"), (40, "different")]
    assert found.compared == found.sectors


def test_a_disc_that_cannot_be_read_at_all_ends_the_comparison_soon(
    image: Path, burned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, read_at, reads = image.stat().st_size, system.read_at, []

    def broken(descriptor: int, size: int, at: int) -> bytes:
        if system.size(descriptor) > whole:
            reads.append(at)
            raise OSError(5, "Input/output error")
        return read_at(descriptor, size, at)

    monkeypatch.setattr(system, "read_at", broken)
    found = compare_with_image(str(burned), image)
    assert not found.same
    assert found.compared < found.sectors
    assert len(reads) < 100


def test_a_disc_of_another_image_names_a_few_of_its_files(image: Path, run: Runs, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(bytes(image.stat().st_size))
    done = run("check", other, "--against", image, code=5)
    assert "more files (--json names every one)" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 600


def test_an_image_that_was_cut_off_is_no_measure(run: Runs, image: Path, burned: Path) -> None:
    with image.open("r+b") as file:
        file.truncate(image.stat().st_size - SECTOR)
    assert "cut off" in run("check", burned, "--against", image, code=4).stderr


@pytest.mark.parametrize("other", [("--no-files",), ("--profiles",), ("--hash", "X")])
def test_the_comparison_goes_with_no_other_check(other: tuple[str, ...], run: Runs, image: Path, burned: Path) -> None:
    assert "cannot be combined with other checks" in run("check", burned, "--against", image, *other, code=2).stderr


def test_a_drive_that_does_not_exist_is_a_wrong_argument(run: Runs, image: Path, tmp_path: Path) -> None:
    said = run("check", tmp_path / "sr9", "--against", image, code=2).stderr
    assert "there is no such drive or image" in said
