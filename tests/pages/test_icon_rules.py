"""`check` finds every rule of PS3.3 F.7 that an icon breaks, and `list` and `info` count the icons."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fileset import Creator
from fileset.check import check_file_set
from tests.pages.conftest import SLICES, save_patient
from tests.support.command import in_process


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("icons")
    save_patient(folder / "source")
    with Creator(folder / "disc", icons="image", undefined_lengths=True) as creator:
        creator.add(folder / "source")
    return folder / "disc"


@pytest.fixture
def disc(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "disc"))


def complaints(disc: Path) -> list[str]:
    return [one.message for one in check_file_set(disc).findings if one.rule == "FS-KEY-ICON"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"\x28\0\2\0US\2\0\1\0", b"\x28\0\2\0US\2\0\3\0", "SamplesPerPixel has a value"),
        (
            b"\x28\0\x04\0CS\x0c\0MONOCHROME2 ",
            b"\x28\0\x04\0CS\x0c\0YBR_FULL    ",
            "PhotometricInterpretation has a value",
        ),
        (b"\x28\0\x01\x01US\2\0\x08\0", b"\x28\0\x01\x01US\2\0\x01\0", "1 bits stored of 8"),
        (b"\x28\0\x02\x01US\2\0\7\0", b"\x28\0\x02\x01US\2\0\0\0", "the high bit is 0, not 7"),
        (b"\x28\0\x10\0US\2\0\x40\0", b"\x28\0\x10\0US\2\0\x20\0", "4096 bytes of pixels"),
        (b"\x28\0\x10\0US\2\0\x40\0", b"\x28\0\x10\0US\2\0\0\0", "0 rows and 64 columns are not an icon"),
        (b"\x28\0\x03\x01US\2\0\0\0", b"\x28\0\x06\0US\2\0\0\0", "no planar configuration"),
    ],
)
def test_each_rule_that_is_broken_is_a_finding(disc: Path, old: bytes, new: bytes, message: str) -> None:
    assert complaints(disc) == []
    data = (disc / "DICOMDIR").read_bytes()
    assert old in data
    (disc / "DICOMDIR").write_bytes(data.replace(old, new, 1))
    assert any(one.startswith(message) or message in one for one in complaints(disc))


def test_list_and_info_count_the_icons(disc: Path) -> None:
    assert f"{SLICES + 1} icons" in in_process("list", disc).stdout
    assert f"Icons             {SLICES + 1}" in in_process("info", disc).stdout
    assert in_process("info", disc, "--json").stdout.count(f'"icons": {SLICES + 1}') == 1
