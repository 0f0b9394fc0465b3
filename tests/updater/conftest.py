"""Fixtures of the tests of the Updater: small file-sets, and their records by pydicom."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from pydicom import Dataset, dcmread

import fileset
from fileset.reader import Record
from tests.support import synthetic

LINKS: Final = (b"\x04\x00\x00\x14UL\x04\x00", b"\x04\x00\x20\x14UL\x04\x00")


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with SOURCE, two patients with two studies of two CT series of three instances each, and DISC, the
    file-set of them; do not change it.
    """
    folder = tmp_path_factory.mktemp("written")
    synthetic.ct_series(folder / "SOURCE", patients=2, studies=2, series=2, instances=3)
    with fileset.Creator(folder / "DISC", file_set_id="BEFORE", file_set_uid="2.25.4711") as creator:
        creator.add(folder / "SOURCE")
    return folder


@pytest.fixture
def disc(written: Path, tmp_path: Path) -> Path:
    """The file-set of `written` for one test, with its sources beside it."""
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    return tmp_path / "DISC"


def ct_file(folder: Path, *place: int) -> Path:
    """A file with `synthetic.ct(*place)`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "_".join(map(str, place))
    path.write_bytes(synthetic.ct(*place))
    return path


def uids(folder: Path) -> list[str]:
    """The SOP Instance UIDs of a file-set, in its order."""
    with fileset.Reader(folder) as reader:
        return [record.sop_instance_uid for record in reader.instances]


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path, with its bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def directory(folder: Path) -> Dataset:
    """The DICOMDIR as pydicom reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dcmread(folder / "DICOMDIR")


def records(folder: Path) -> list[bytes]:
    """Return the bytes of every record in the file, with its two links blanked out."""
    data = (folder / "DICOMDIR").read_bytes()
    return [bytes(_blanked(data, record)) for record in directory(folder).DirectoryRecordSequence]


def _blanked(data: bytes, record: Dataset) -> bytearray:
    at: int = record.seq_item_tell
    length = int.from_bytes(data[at + 4 : at + 8], "little")
    end = data.index(b"\xfe\xff\x0d\xe0\0\0\0\0", at) + 8 if length == 0xFFFFFFFF else at + 8 + length
    blanked = bytearray(data[at:end])
    for header in LINKS:
        place = blanked.index(header) + len(header)
        blanked[place : place + 4] = bytes(4)
    return blanked


def tree(folder: Path) -> list[tuple[int, str, dict[str, object]]]:
    """Depth, type and keys of every record in the order of the links, without the File IDs."""
    with fileset.Reader(folder) as reader:
        return list(_tree(reader.roots, 0))


def _tree(entity: Iterator[Record], depth: int) -> Iterator[tuple[int, str, dict[str, object]]]:
    for record in entity:
        yield depth, record.record_type, {**record.keys(), "uid": record.sop_instance_uid}
        yield from _tree(record.children, depth + 1)
