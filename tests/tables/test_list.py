"""`list`, `check` and `info` of many media, and `list` as a table in every form."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pydicom
import pytest

import fileset
from tests.support import synthetic
from tests.support.command import Runs

COLUMNS = "PatientID,Modality,InstanceNumber,FileID"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_table_has_a_row_for_each_instance(disc: Path, run: Runs) -> None:
    lines = run("list", disc, "--columns", COLUMNS).stdout.splitlines()
    assert lines[0].split() == COLUMNS.split(",")
    assert len(lines) == 13


def test_csv_has_the_line_ends_of_rfc_4180(disc: Path, run: Runs) -> None:
    text = run("list", disc, "--csv", "--columns", COLUMNS, "Modality=CT", "InstanceNumber=2-3").stdout
    assert text.count("\r\n") == text.count("\n") == 9
    assert {row["InstanceNumber"] for row in rows(text)} == {"2", "3"}


def test_jsonl_and_json_hold_the_same_rows(disc: Path, run: Runs) -> None:
    lines = [json.loads(line) for line in run("list", disc, "--jsonl", "--level", "series").stdout.splitlines()]
    document = run("list", disc, "--json", "--level", "SERIES").document
    assert document["rows"] == lines
    assert document["media"][0]["verdict"] == "4 rows, ok"


def test_dicom_json_is_read_by_pydicom(disc: Path, run: Runs) -> None:
    documents = json.loads(run("list", disc, "--dicom-json", "--level", "STUDY").stdout)
    assert [pydicom.Dataset.from_json(one).StudyInstanceUID for one in documents] == [
        row["StudyInstanceUID"] for row in run("list", disc, "--json", "--level", "STUDY").document["rows"]
    ]


def test_parquet_goes_into_a_file(disc: Path, tmp_path: Path, run: Runs) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow.parquet

    done = run("list", disc, "--parquet", tmp_path / "all.parquet")
    assert done.stderr == f"12 rows written to {tmp_path / 'all.parquet'}\n"
    assert run("list", disc, "--parquet", tmp_path / "all.parquet", "-q").stderr == ""
    assert pyarrow.parquet.read_table(tmp_path / "all.parquet").num_rows == 12


def test_values_of_the_files_fill_columns_that_no_record_has(disc: Path, run: Runs) -> None:
    found = rows(run("list", disc, "--csv", "--columns", "Rows,PatientID", "--read-files").stdout)
    assert {row["PatientID"] for row in found} == {"P1", "P2"}
    dataset = pydicom.dcmread(next(path for path in disc.rglob("I*") if path.is_file()))
    assert {row["Rows"] for row in found} == {str(dataset.get("Rows", ""))}


def test_ohif_gets_its_study_list(tmp_path: Path, run: Runs) -> None:
    pixels = tmp_path / "pixels"
    pixels.mkdir()
    synthetic.write(synthetic.instance("1.2.840.10008.5.1.4.1.1.2"), pixels / "I1")
    fileset.index(pixels)
    done = run("list", pixels, "--ohif", tmp_path / "ohif.json", "--base-url", "https://example.org/d")
    assert done.stderr == f"1 study written to {tmp_path / 'ohif.json'}\n"
    (study,) = json.loads((tmp_path / "ohif.json").read_text())["studies"]
    assert study["series"][0]["instances"][0]["url"] == "dicomweb:https://example.org/d/I1"


@pytest.mark.parametrize(
    "words",
    [["--csv", "--json"], ["--csv", "--paths"], ["--ohif", "x"], ["--columns", "PatientsName"], ["--level", "FRAME"]],
)
def test_options_that_exclude_each_other_are_a_usage_error(disc: Path, run: Runs, words: list[str]) -> None:
    run("list", disc, *words, code=2)


def test_a_folder_without_a_dicomdir_is_listed_with_scan(disc: Path, run: Runs) -> None:
    (disc / "DICOMDIR").unlink()
    run("list", disc, code=4)
    assert len(rows(run("list", disc, "--scan", "--csv").stdout)) == 12


def test_a_scan_shows_the_tree_or_the_paths_that_a_dicomdir_gives(disc: Path, run: Runs) -> None:
    listed = run("list", disc).stdout.replace("  1970-01-01  O\n", "\n").splitlines()  # optional keys of a record
    (disc / "DICOMDIR").unlink()
    paths = sorted(path.relative_to(disc).as_posix() for path in disc.rglob("*") if path.is_file())
    assert sorted(run("list", disc, "--scan", "--paths").stdout.splitlines()) == paths
    (disc / "CUT").write_bytes(bytes(128) + b"DICM")
    done = run("list", disc, "--scan", code=3)
    assert done.stdout.splitlines()[1:] == listed[1:]
    assert "CUT: " in done.stderr
    assert "nothing matches Modality=XX" in run("list", disc, "--scan", "Modality=XX", code=3).stderr


def test_a_selection_without_matches_is_reported(disc: Path, run: Runs) -> None:
    assert "nothing matches Modality=XX" in run("list", disc, "--csv", "Modality=XX").stderr


# ---------------------------------------------------------------- many media


def cut(folder: Path) -> None:
    path = folder / "DICOMDIR"
    path.write_bytes(path.read_bytes()[:-100])


def garbage(folder: Path) -> None:
    (folder / "DICOMDIR").write_bytes(b"\0" * 1000)


def gone(folder: Path) -> None:
    (folder / "DICOMDIR").unlink()


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def missing_file(folder: Path) -> None:
    next(path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "DICOMDIR").unlink()


BREAK: Final[dict[str, tuple[Callable[[Path], object], str, str]]] = {
    "cut": (cut, "incomplete", "errors"),
    "garbage": (garbage, "not read", "errors"),
    "gone": (gone, "not read", "unreadable"),
    "empty": (empty, "not read", "unreadable"),
    "missing": (missing_file, "incomplete", "errors"),
}
"""How a disc may be broken, and the verdicts of `list` and `check`."""


def discs(folder: Path, good: int, each: int) -> dict[str, str]:
    """Write small discs, some of them broken; how each is broken, by path."""
    synthetic.ct_series(folder / "model", 1, 1, 1, 2)
    fileset.index(folder / "model")
    made = {}
    for number, how in enumerate([""] * good + list(BREAK) * each):
        path = folder / "discs" / f"D{number:03}"
        shutil.copytree(folder / "model", path)
        if how:
            BREAK[how][0](path)
        made[str(path)] = how
    return made


@pytest.mark.slow
def test_two_hundred_discs_twenty_of_them_broken_give_one_table_and_right_verdicts(tmp_path: Path, run: Runs) -> None:
    judge(discs(tmp_path, 180, 4), run)


def test_broken_discs_among_good_ones_give_one_table_and_right_verdicts(tmp_path: Path, run: Runs) -> None:
    judge(discs(tmp_path, 3, 1), run)


def judge(made: dict[str, str], run: Runs) -> None:
    listed = run("list", *made, "--json", code=3).document
    verdicts = {one["path"]: one["verdict"] for one in listed["media"]}
    for path, how in made.items():
        assert (BREAK[how][1] if how else "ok") in verdicts[path], how
    assert {row["Medium"] for row in listed["rows"]} >= {path for path, how in made.items() if not how}
    checked = run("check", *made, "--json", code=1).document
    found = {one["path"]: one["verdict"] for one in checked["media"]}
    assert {path: verdict != "ok" for path, verdict in found.items()} == {path: bool(how) for path, how in made.items()}
    lines = run("check", *made, code=1).stdout.splitlines()
    assert [line.partition(": ")[0] for line in lines] == list(made)
    table = run("info", *made, "--json", code=3).document["media"]
    assert {one["medium"]: one["verdict"] == "ok" for one in table} == {path: not how for path, how in made.items()}
    text = run("info", *made, code=3).stdout.splitlines()
    assert len(text) == 1 + len(made)


def test_good_discs_together_end_with_0(disc: Path, tmp_path: Path, run: Runs) -> None:
    other = shutil.copytree(disc, tmp_path / "OTHER")
    for verb in ("list", "check", "info"):
        run(verb, disc, other)
    done = run("list", disc, other, "--csv", "--level", "IMAGE")
    assert len(rows(done.stdout)) == 24
    assert {row["Medium"] for row in rows(done.stdout)} == {str(disc), str(other)}
