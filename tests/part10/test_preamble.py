"""A preamble may make a file a program (PS3.10 7.5): it is copied, or cleared on request."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pydicom.data
import pytest

import fileset
from fileset.cli import main
from fileset.part10.file_meta import preamble_faults
from tests.support import judges, synthetic

PREAMBLES: Final = {
    "PE": b"MZ\x90\0",
    "script": b"#!/bin/sh\nrm",
    "other": b"\0\0hello",
    "TIFF": b"II*\0\x80",
    "zero": b"",
}
ODD: Final = {"PE", "script", "other"}
SHIPPED: Final = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file with each preamble."""
    folder = tmp_path / "IN"
    folder.mkdir()
    for number, (name, begin) in enumerate(PREAMBLES.items(), 1):
        (folder / name).write_bytes(begin.ljust(128, b"\0") + synthetic.ct(number=number)[128:])
    return folder


def copied(source: Path, target: Path, **options: Any) -> tuple[dict[str, bytes], list[str]]:
    """Return the copy of each file, and the files that were reported as changed."""
    creator = fileset.Creator(target, file_set_uid="2.25.1", naming="keep", **options)
    creator.add(source)
    report = creator.commit(hashes=True)
    hashes = {written.file_id.path: written.sha256 for written in report.written}
    copies = {}
    with fileset.Reader(target) as reader:
        for one in report.added:
            with reader.medium.open(one.file_id) as file:
                copies[one.source] = file.read()
            assert hashlib.sha256(copies[one.source]).hexdigest() == hashes[one.file_id.path]
    return copies, [one.where.file for one in report.findings if one.rule == "FS-PREAMBLE-CLEARED"]


@pytest.mark.parametrize("target", ["OUT", "OUT.iso", "OUT.zip"])
def test_every_byte_is_copied_unless_asked_otherwise(source: Path, tmp_path: Path, target: str) -> None:
    copies, changed = copied(source, tmp_path / target)
    assert copies == {path.name: path.read_bytes() for path in source.iterdir()}
    assert changed == []


@pytest.mark.parametrize("target", ["OUT", "OUT.iso", "OUT.zip"])
@pytest.mark.parametrize("origin", ["IN", "OLD.iso", "OLD.zip"])
def test_a_preamble_that_may_be_a_program_is_cleared_and_reported(
    source: Path, tmp_path: Path, origin: str, target: str
) -> None:
    if origin != "IN":
        copied(source, tmp_path / origin)
    copies, changed = copied(tmp_path / origin, tmp_path / target, preamble="zero")
    expected = {path.name: path.read_bytes() for path in source.iterdir()}
    expected |= {name: bytes(128) + expected[name][128:] for name in ODD}
    assert sorted(copies.values()) == sorted(expected.values())
    assert len(changed) == len(ODD)
    assert not [fault for data in copies.values() for fault in preamble_faults(data)]


@pytest.mark.judges
def test_it_makes_no_other_difference(source: Path, tmp_path: Path) -> None:
    copied(source, tmp_path / "KEPT")
    copied(source, tmp_path / "ZERO", preamble="zero")
    assert (tmp_path / "KEPT" / "DICOMDIR").read_bytes() == (tmp_path / "ZERO" / "DICOMDIR").read_bytes()
    judges.judge_file_set(tmp_path / "ZERO", [synthetic.ct_uid(number=number) for number in range(1, 6)])


def test_replacing_with_the_same_keeps_the_copies(source: Path, tmp_path: Path) -> None:
    first, _ = copied(source, tmp_path / "OUT", preamble="zero")
    places = {path: path.stat().st_ino for path in (tmp_path / "OUT").iterdir() if path.name != "DICOMDIR"}
    creator = fileset.Creator(tmp_path / "OUT", naming="keep", preamble="zero", replace=True)
    creator.add(source)
    report = creator.commit()
    assert [written.file_id.path for written in report.written] == ["DICOMDIR"]
    assert {path: path.stat().st_ino for path in places} == places
    assert len(first) == len(places)


def test_nothing_else_can_be_wanted(tmp_path: Path) -> None:
    with pytest.raises(fileset.RuleError, match="keep, zero"):
        fileset.Creator(tmp_path / "OUT", preamble="wipe")  # type: ignore[arg-type]


def test_the_command_line_clears_preambles_of_pydicoms_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["create", str(SHIPPED / "98892001"), str(SHIPPED / "98892003"), "--preamble", "zero"]
    odd = [path for path in SHIPPED.glob("9889*/*/*") if preamble_faults(path.read_bytes())]
    assert odd
    for options in (["--dry-run"], []):
        assert main([*common, "-o", str(tmp_path / "OUT.iso"), "--json", *options]) == 0
        findings = json.loads(capsys.readouterr().out)["findings"]
        assert [row["where"]["file"] for row in findings] == sorted(map(str, odd))
        assert {(row["rule"], row["severity"]) for row in findings} == {("FS-PREAMBLE-CLEARED", "info")}
    assert main(["check", str(tmp_path / "OUT.iso"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []


def test_the_number_of_cleared_preambles_is_reported(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["create", str(source), "-o", str(tmp_path / "OUT"), "--preamble", "zero"]
    for options, said in (["--dry-run"], "3 preambles would be cleared"), ([], "3 preambles cleared"):
        assert main([*common, *options]) == 0
        assert capsys.readouterr().err.endswith(f", {said}\n")


@pytest.mark.parametrize("target", ["OUT", "OUT.iso", "OUT.zip"])
def test_added_files_are_cleared_too_and_recognised_when_added_again(source: Path, tmp_path: Path, target: str) -> None:
    copied(source / "zero", tmp_path / target)
    for added, skipped in (4, ["zero"]), (0, [*sorted(PREAMBLES)]):
        with fileset.Updater(tmp_path / target, preamble="zero") as updater:
            updater.add(source)
        report = updater.report
        assert len(report.added) == added
        assert [(one.source, one.rule) for one in report.skipped] == [
            (name, "FS-INSTANCE-DUPLICATE") for name in skipped
        ]
        cleared = {one.where.file for one in report.findings if one.rule == "FS-PREAMBLE-CLEARED"}
        assert cleared == (ODD if added else set())
    with fileset.Reader(tmp_path / target) as reader:
        for record in reader.instances:
            with record.open() as file:
                assert not preamble_faults(file.read())


def test_a_file_that_is_on_the_medium_is_not_changed_by_adding_it(source: Path, tmp_path: Path) -> None:
    copied(source / "zero", tmp_path / "OUT")
    there = tmp_path / "OUT" / "PE"
    there.write_bytes((source / "PE").read_bytes())
    assert (
        main(["add", str(tmp_path / "OUT"), str(there), "--preamble", "zero"]) == 3
    )  # the file, with its preamble, is an error that a check finds
    assert there.read_bytes() == (source / "PE").read_bytes()


def test_the_add_command_reports_the_number_of_cleared_preambles(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(source / "zero", tmp_path / "OUT")
    for options, said in (["--dry-run"], "3 preambles would be cleared"), ([], "3 preambles cleared"):
        assert main(["add", str(tmp_path / "OUT"), str(source), "--preamble", "zero", *options]) == 0
        assert said in capsys.readouterr().err
