"""File-sets of other programs: kept records keep their bytes, and the judges accept the result."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

import pydicom.data
import pytest
from pydicom import Dataset

import fileset
from tests.support import judges, peers, synthetic
from tests.updater.conftest import ct_file, directory, files, records, uids

SHIPPED: Final = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
NEW: Final = 4
"""Records that one more patient takes: PATIENT, STUDY, SERIES, IMAGE."""


def shipped(tmp_path: Path, name: str) -> Path:
    """A copy of a file-set that pydicom ships, with this DICOMDIR."""
    folder = tmp_path / "DISC"
    shutil.copytree((SHIPPED / name).parent, folder, ignore=shutil.ignore_patterns("DICOMDIR*", "TINY_ALPHA", "*.txt"))
    shutil.copyfile(SHIPPED / name, folder / "DICOMDIR")
    return folder


def without_links(dataset: Dataset) -> list[dict[int, object]]:
    """The elements of every record but its links, decoded."""
    return [
        {element.tag: str(element.value) for element in record if element.tag not in (0x00041400, 0x00041420)}
        for record in dataset.DirectoryRecordSequence
    ]


def grown(folder: Path, tmp_path: Path) -> set[str]:
    """Add an instance, then remove the last old one; return the UIDs that should remain."""
    before = uids(folder)
    with fileset.Updater(folder) as updater:
        updater.add(ct_file(tmp_path, 77, 1, 1, 1))
    with fileset.Updater(folder) as updater:
        updater.remove(SOPInstanceUID=before[-1])
    return {*before, synthetic.ct_uid(77)} - {before[-1]}


@pytest.mark.judges
@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-reordered", "TINY_ALPHA/DICOMDIR"])
def test_every_sound_directory_that_pydicom_ships(tmp_path: Path, name: str) -> None:
    folder = shipped(tmp_path, name)
    old, before = records(folder), files(folder)
    expected = grown(folder, tmp_path)
    assert len([record for record in records(folder) if record not in old]) == NEW
    assert len(records(folder)) == len(old) + NEW - 1
    assert set(uids(folder)) == expected
    assert {path for path, data in before.items() if files(folder).get(path) != data} - {"DICOMDIR"} == {
        path for path in before if path not in files(folder)
    }
    judges.assert_clean([judges.JUDGES[one](folder) for one in ("links", "dcmdump", "gdcmdump")], frozenset(expected))


@pytest.mark.judges
@pytest.mark.parametrize("name", ["DICOMDIR-bigEnd", "DICOMDIR-implicit"])
def test_a_directory_in_another_syntax_is_written_as_the_standard_asks(tmp_path: Path, name: str) -> None:
    folder = shipped(tmp_path, name)
    old = without_links(directory(folder))
    with fileset.Updater(folder) as updater:
        updater.add(ct_file(tmp_path, 77, 1, 1, 1))
    new = without_links(directory(folder))
    assert [record for record in new if record in old] == old
    assert len(new) == len(old) + NEW
    assert directory(folder).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    judges.assert_clean([judges.JUDGES["links"](folder)], frozenset(uids(folder)))


@pytest.mark.judges
def test_an_empty_directory_grows(tmp_path: Path) -> None:
    folder = tmp_path / "DISC"
    folder.mkdir()
    shutil.copyfile(SHIPPED / "DICOMDIR-empty.dcm", folder / "DICOMDIR")
    with fileset.Updater(folder) as updater:
        updater.add(ct_file(tmp_path, 77, 1, 1, 1))
    judges.assert_clean([judges.JUDGES["links"](folder)], frozenset([synthetic.ct_uid(77)]))


@pytest.mark.parametrize("name", ["DICOMDIR-nooffset", "DICOMDIR-nopatient"])
def test_a_damaged_directory_is_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    folder = shipped(tmp_path, name)
    with pytest.raises(fileset.RefusedError, match=r"could lose records: .*\[FS-[A-Z-]+\].*fileset\.repair_file_set"):
        fileset.Updater(folder)
    assert (folder / "DICOMDIR").read_bytes() == (SHIPPED / name).read_bytes()


@pytest.mark.slow
@pytest.mark.judges
@pytest.mark.parametrize("peer", peers.PEERS)
def test_every_peer(tmp_path: Path, peer: str) -> None:
    (tmp_path / "PEER").mkdir()
    folder = peers.PEERS[peer](tmp_path / "PEER")
    objections = {one: judges.JUDGES[one](folder).errors for one in judges.present()}
    old = records(folder)
    expected = grown(folder, tmp_path)
    assert len([record for record in records(folder) if record not in old]) == NEW
    assert set(uids(folder)) == expected
    for name in judges.present():
        verdict = judges.JUDGES[name](folder)
        inherited = {_without_numbers(error) for error in objections[name]}
        assert {_without_numbers(error) for error in verdict.errors} <= inherited, name
        assert verdict.instances in (None, expected, frozenset()), name


def _without_numbers(error: str) -> str:
    return re.sub(r"\d+", "N", error)
