"""Data sets without Part 10 header are skipped with that reason, or taken with --add-header: the advice works."""

from __future__ import annotations

import re
from pathlib import Path

import pydicom
import pytest
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from fileset.cli import main
from tests.support import synthetic
from tests.support.command import Runs


def naked(number: int, *, implicit: bool = False, little: bool = True) -> bytes:
    """A data set as some programs export it."""
    target = DicomBytesIO()
    target.is_little_endian, target.is_implicit_VR = little, implicit
    dataset = pydicom.dcmread(DicomBytesIO(synthetic.ct(1, 1, 1, number)))
    write_dataset(target, dataset)
    return target.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "IN").mkdir()
    for name, data in {
        "whole.dcm": synthetic.ct(1, 1, 1, 1),
        "explicit": naked(2),
        "implicit": naked(3, implicit=True),
        "prefix": bytes(128) + b"DICM" + naked(4),
    }.items():
        (tmp_path / "IN" / name).write_bytes(data)
    return tmp_path / "IN"


def test_the_advice_of_a_skip_takes_the_files(run: Runs, folder: Path, tmp_path: Path) -> None:
    said = run("create", folder, "-o", tmp_path / "SET", code=3).stderr
    assert "no File Meta Information" in said
    advice = re.search(r"--add-header may include 3 files", said)
    assert advice, said
    document = run("create", folder, "-o", tmp_path / "ALL", "--add-header", "--json").document
    assert (len(document["added"]), document["skipped"]) == (4, [])
    assert [row["rule"] for row in document["findings"]].count("FS-FILE-HEADER-ADDED") == 3
    assert main(["check", str(tmp_path / "ALL")]) == 0


def test_the_data_set_stays_as_it_is(run: Runs, folder: Path, tmp_path: Path) -> None:
    run("create", folder, "-o", tmp_path / "ALL", "--add-header", "--naming", "keep")
    for name in ("explicit", "implicit"):
        [copy] = [path for path in (tmp_path / "ALL").rglob("*") if path.name.lower() == name]
        assert copy.read_bytes().endswith((folder / name).read_bytes())
        dataset = pydicom.dcmread(copy)
        assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
        assert dataset.file_meta.TransferSyntaxUID.is_implicit_VR == (name == "implicit")


@pytest.mark.parametrize("cut", [1, 100, 128, 132])
def test_a_file_whose_preamble_is_cut_counts_as_damaged_and_add_header_mends_it(
    run: Runs, tmp_path: Path, cut: int
) -> None:
    whole = synthetic.ct(1, 1, 1, 2)
    (tmp_path / "IN").mkdir()
    (tmp_path / "IN" / "A").write_bytes(synthetic.ct(1, 1, 1, 1))
    (tmp_path / "IN" / "B").write_bytes(whole[cut:])
    assert "FS-FILE-NO-PREFIX" in run("create", tmp_path / "IN", "-o", tmp_path / "SET", code=3).stderr
    run("index", tmp_path / "IN", code=3)
    assert "FS-FILE-NO-PREFIX" in run("check", tmp_path / "IN", code=1).stdout
    document = run(
        "create", tmp_path / "IN", "-o", tmp_path / "ALL", "--add-header", "--naming", "keep", "--json"
    ).document
    assert "FS-FILE-HEADER-ADDED" in {row["rule"] for row in document["findings"]}
    assert (tmp_path / "ALL" / "B").read_bytes() == bytes(128) + b"DICM" + whole[132:]
    run("check", tmp_path / "ALL")


def test_compressed_pixels_without_transfer_syntax_are_not_guessed(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "IN").mkdir()
    dataset = pydicom.dcmread(DicomBytesIO(synthetic.ct()))
    del dataset.PixelData
    target = DicomBytesIO()
    target.is_little_endian, target.is_implicit_VR = True, False
    write_dataset(target, dataset)
    pixels = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    (tmp_path / "IN" / "jpeg").write_bytes(target.getvalue() + pixels)
    run("create", tmp_path / "IN", "-o", tmp_path / "SET", "--add-header", code=3)
