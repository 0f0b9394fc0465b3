"""Laws 2 and 4 for several file-sets in one source: each is compared with its own DICOMDIR."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

import fileset
from tests.support import synthetic
from tests.support.command import Runs

MISSING, CHANGED = "PT000000/ST000000/SE000000/IM000000", "PT000000/ST000000/SE000000/IM000001"


@pytest.fixture
def discs(tmp_path: Path) -> Path:
    """Two discs in a folder: ONE lacks a listed file and has an unlisted one, a file of TWO names another patient."""
    folder = tmp_path / "DISCS"
    for patient, name in enumerate(("ONE", "TWO"), 1):
        (tmp_path / f"IN{name}").mkdir()
        for number in (1, 2, 3):
            (tmp_path / f"IN{name}" / f"IM{number}").write_bytes(synthetic.ct(patient, number=number))
        with fileset.Creator(folder / name) as creator:
            creator.add(tmp_path / f"IN{name}")
    (folder / "ONE" / MISSING).unlink()
    (folder / "ONE" / "EXTRA").write_bytes(synthetic.ct(9))
    dataset = dcmread(folder / "TWO" / CHANGED)
    dataset.PatientID = "P9"
    dataset.save_as(folder / "TWO" / CHANGED)
    return folder


def found(document: dict[str, list[dict[str, Any]]]) -> dict[str, set[str]]:
    """The names of the files by rule, without the discs and archives that they are in."""
    rows = [
        (row["rule"], row.get("source") or row["where"]["file"])
        for key in ("skipped", "findings")
        for row in document.get(key, [])
    ]
    names: dict[str, set[str]] = {}
    for rule, name in rows:
        names.setdefault(rule, set()).add(name)
    return names


def ends(names: set[str], *endings: str) -> bool:
    return Counter(name.endswith(endings) for name in names) == {True: len(endings)}


def packed(folder: Path, target: Path) -> Path:
    target.mkdir()
    shutil.make_archive(str(target / "discs"), "zip", folder)
    return target


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_create_compares_each_disc_in_a_source_with_its_own_dicomdir(
    kind: str, run: Runs, discs: Path, tmp_path: Path
) -> None:
    source = packed(discs, tmp_path / "ZIPS") if kind == "archive" else discs
    names = found(run("create", source, "-o", tmp_path / "OUT", "--json", code=3).document)
    assert ends(names["FS-FILE-MISSING"], f"ONE/{MISSING}")
    assert ends(names["FS-FILE-UNLISTED"], "ONE/EXTRA")
    assert ends(names["FS-KEY-DIFFERS"], f"TWO/{CHANGED}")


def test_create_leaves_out_the_unlisted_files_of_each_disc(run: Runs, discs: Path, tmp_path: Path) -> None:
    names = found(run("create", discs, "-o", tmp_path / "OUT", "--listed-only", "--json", code=3).document)
    assert ends(names["FS-FILE-UNLISTED"], "ONE/EXTRA")


def test_add_names_the_missing_and_the_unlisted_files_of_a_disc(run: Runs, discs: Path, tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "SET") as creator:
        creator.add(tmp_path / "INTWO")
    names = found(run("add", tmp_path / "SET", discs / "ONE", "--json", code=3).document)
    assert ends(names["FS-FILE-MISSING"], MISSING)
    assert ends(names["FS-FILE-UNLISTED"], "EXTRA")


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_extract_compares_each_disc_without_a_choice_of_one(kind: str, run: Runs, discs: Path, tmp_path: Path) -> None:
    source = packed(discs, tmp_path / "ZIPS") if kind == "archive" else discs
    names = found(run("extract", source, "-o", tmp_path / "OUT", "--scan", "--json", code=3).document)
    assert ends(names["FS-FILE-MISSING"], f"ONE/{MISSING}")
    assert ends(names["FS-KEY-DIFFERS"], f"TWO/{CHANGED}")


def test_extract_compares_a_disc_that_is_in_a_folder_of_another(run: Runs, discs: Path, tmp_path: Path) -> None:
    shutil.move(discs / "ONE", discs / "TWO" / "ONE")
    names = found(run("extract", discs / "TWO", "-o", tmp_path / "OUT", "--json", code=3).document)
    assert ends(names["FS-FILE-MISSING"], f"ONE/{MISSING}")
    assert ends(names["FS-KEY-DIFFERS"], CHANGED)


def test_a_listed_file_that_moved_to_another_disc_is_not_missing(run: Runs, discs: Path, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "INONE" / "IM1", discs / "TWO" / "MOVED")
    names = found(run("create", discs, "-o", tmp_path / "OUT", "--json", code=3).document)
    assert "FS-FILE-MISSING" not in names
    assert ends(names["FS-FILE-MOVED"], f"ONE/{MISSING}")
