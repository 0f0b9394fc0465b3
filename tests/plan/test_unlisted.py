"""Law 2 for `create`: files that no record of a file-set references are taken and named."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import fileset
from tests.support import synthetic
from tests.support.command import Runs

FIRST = "P001/T001/S001/I000001"


def rules(document: dict[str, list[dict[str, str]]]) -> Counter[str]:
    return Counter(row["rule"] for row in document["findings"])


def test_create_takes_unlisted_files_and_names_them(run: Runs, disc: Path, tmp_path: Path) -> None:
    (disc / "extra.dcm").write_bytes(synthetic.ct(7))
    document = run("create", disc, "-o", tmp_path / "SET", "--json").document
    assert (len(document["added"]), rules(document)["FS-FILE-UNLISTED"]) == (13, 1)
    document = run("create", disc, "-o", tmp_path / "LISTED", "--listed-only", "--json", code=3).document
    assert len(document["added"]) == 12
    assert [row["source"] for row in document["skipped"]] == ["extra.dcm"]


def test_create_finds_a_missing_file_by_its_uid(run: Runs, disc: Path, tmp_path: Path) -> None:
    (disc / FIRST).rename(disc / "ELSEWHER")
    document = run("create", disc, "-o", tmp_path / "SET", "--json").document
    assert (len(document["added"]), document["skipped"]) == (12, [])
    assert rules(document)["FS-FILE-MOVED"] == 1


def test_a_replaced_file_set_names_unlisted_files_in_the_order_of_their_names(run: Runs, tmp_path: Path) -> None:
    folder = tmp_path / "SET"
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, patient=1), tmp_path / "SOURCE")
    run("create", tmp_path / "SOURCE", "-o", folder)
    for number in range(12):
        synthetic.write(synthetic.instance(synthetic.CT_IMAGE, patient=2 + number), folder / f"x{number:02}.dcm")
    document = run("create", tmp_path / "SOURCE", "-o", folder, "--replace", "--json").document
    unlisted = [row["where"]["file"] for row in document["findings"] if row["rule"] == "FS-FILE-UNLISTED"]
    assert unlisted == [f"x{number:02}.dcm" for number in range(12)]


def test_other_sources_beside_a_file_set_are_not_called_unlisted(run: Runs, disc: Path, tmp_path: Path) -> None:
    (tmp_path / "MORE").mkdir()
    (tmp_path / "MORE" / "new.dcm").write_bytes(synthetic.ct(8))
    (disc / "extra.dcm").write_bytes(synthetic.ct(7))
    document = run("create", disc, tmp_path / "MORE", "-o", tmp_path / "SET", "--json").document
    unlisted = [row["where"]["file"] for row in document["findings"] if row["rule"] == "FS-FILE-UNLISTED"]
    assert (len(document["added"]), unlisted) == (14, [str(disc / "extra.dcm")])


@pytest.mark.parametrize("suffix", [".iso", ".zip"])
def test_images_are_compared_too(suffix: str, run: Runs, disc: Path, tmp_path: Path) -> None:
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, patient=7), tmp_path / "EXTRA")
    image = tmp_path / f"D{suffix}"
    run("create", disc, "-o", image, "--include", tmp_path / "EXTRA")
    document = run("create", image, "-o", tmp_path / "SET", "--json").document
    assert (len(document["added"]), rules(document)["FS-FILE-UNLISTED"]) == (13, 1)
    assert run("extract", image, "-o", tmp_path / "OUT", "--json").document["copied"] == 13
    assert run("info", image, "--json", code=3).document["files"]["unlisted"] == 1


def test_the_library_leaves_unlisted_files_out_if_that_is_wanted(disc: Path, tmp_path: Path) -> None:
    (disc / "extra.dcm").write_bytes(synthetic.ct(7))
    with fileset.Creator(tmp_path / "SET", listed_only=True) as creator:
        creator.add(disc)
    assert (len(creator.report.added), creator.report.complete) == (12, False)
