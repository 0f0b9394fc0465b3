"""Problems for people: all of them if they are few, else the counts, always."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fileset.cli.findings import LINES, NOT_DONE, finding_rows, hides_records, summary, tell_findings, tell_problems
from fileset.cli.write_report import tell_skipped
from fileset.errors import ENCRYPTED, LOCKED, OPEN_ARCHIVE
from fileset.findings import RULES, Finding, Where
from fileset.report import Skipped
from tests.support import synthetic
from tests.support.command import Runs


def test_few_problems_are_named_each() -> None:
    problems = [("FS-FILE-NOT-DICOM", f"{number}.txt: why") for number in range(LINES)]
    assert list(summary(problems, everything=False)) == [
        f"  {number}.txt: why [FS-FILE-NOT-DICOM]" for number in range(LINES)
    ]


@pytest.mark.parametrize("rules", [1, 2, 5, 9, len(RULES)])
def test_many_problems_are_counted_by_rule_on_few_lines(rules: int) -> None:
    problems = [(rule, f"{number}: why") for rule in list(RULES)[:rules] for number in range(100)]
    lines = list(summary(problems, everything=False))
    assert len(lines) <= max(LINES + rules, rules)
    for rule in list(RULES)[:rules]:
        assert f"    100 x {RULES[rule].title} [{rule}]" in lines


def test_a_group_is_exemplified_before_it_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [("FS-FILE-NOT-DICOM", f"{number}.txt: why") for number in range(100)]
    tell_problems({"skipped": problems, "else": []}, everything=False)
    assert capsys.readouterr().err.splitlines() == [
        "skipped:",
        "    100 x not a DICOM file [FS-FILE-NOT-DICOM]",
        "          0.txt: why",
        "          1.txt: why",
        "          2.txt: why",
        "          ...",
        "  (-v or --json names every one)",
    ]


def test_everything_is_shown_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [("FS-FILE-NOT-DICOM", f"{number}.txt: why\x1b") for number in range(100)]
    tell_problems({"skipped": problems}, everything=True)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 101
    assert lines[-1] == "  99.txt: why\\x1b [FS-FILE-NOT-DICOM]"


def test_quiet_names_errors_and_what_was_not_done_but_no_remarks(capsys: pytest.CaptureFixture[str]) -> None:
    tell_findings([Finding(rule, "why") for rule in RULES], everything=False, quiet=True)
    told = set(re.findall(r"\[([A-Z0-9-]+)\]", capsys.readouterr().err))
    assert {RULES[rule].severity for rule in NOT_DONE} == {"warning"}
    assert told == NOT_DONE | {rule for rule, row in RULES.items() if row.severity == "error"}


def test_quiet_names_each_file_that_is_not_copied(run: Runs, disc: Path, tmp_path: Path) -> None:
    (disc / "P001/T001/S001/I000001").unlink()
    (disc / "EXTRA").write_bytes(synthetic.ct(9))
    (disc / "NOTE.TXT").write_text("a note")
    words = ("extract", disc, "-o", tmp_path / "COPIES", "-q")
    assert "P001/T001/S001/I000001: not on the medium" in run(*words, code=3).stderr
    listed = run(*words, "--listed-only", code=3).stderr
    assert "1 DICOM file that no record references stays on the medium" in listed
    assert "1 DICOM file that no record references is" in run("list", disc, "-q", code=3).stderr
    source = disc / "P001" / "T002"
    (source / "NOTE.TXT").write_text("a note")
    assert run("create", source, "-o", tmp_path / "OUT", "-q").stderr == ""
    strict = run("create", source, "-o", tmp_path / "STRICT", "--strict-sources", "-q", code=3).stderr
    assert "NOTE.TXT" in strict


def test_encrypted_files_are_one_line_for_each_reason_or_archive(capsys: pytest.CaptureFixture[str]) -> None:
    skipped = [Skipped(f"IM{number}", "FS-SECURE-KEY", ENCRYPTED) for number in range(30)]
    skipped += [Skipped("A.zip", "FS-MEDIUM-DAMAGED", f"IM{number}: {LOCKED}; not read") for number in range(30)]
    skipped += [
        Skipped("B.zip", "FS-MEDIUM-DAMAGED", f"IM: {LOCKED}; not read"),
        Skipped("C", "FS-FILE-NO-META", "why"),
    ]
    tell_skipped(skipped, everything=False)
    assert capsys.readouterr().err.splitlines() == [
        "62 files skipped:",
        f"  IM0 and 29 more files (-v names each): {ENCRYPTED} [FS-SECURE-KEY]",
        f"  A.zip: {LOCKED}: 30 files (-v names each) [FS-MEDIUM-DAMAGED]",
        f"  B.zip: IM: {LOCKED}; not read [FS-MEDIUM-DAMAGED]",
        "  C: why [FS-FILE-NO-META]",
        OPEN_ARCHIVE.command,
    ]
    tell_skipped(skipped, everything=True)
    assert len(capsys.readouterr().err.splitlines()) == 1 + len(skipped) + 1


def test_findings_keep_their_places_in_json() -> None:
    where = Where("DICOMDIR", offset=396, tag=0x00041200)
    [row] = finding_rows([Finding("FS-OFFSET-FIRST", "wrong", where)])
    assert json.loads(row) == {
        "rule": "FS-OFFSET-FIRST",
        "severity": "error",
        "where": {"file": "DICOMDIR", "record": "", "offset": 396, "tag": "00041200"},
        "message": "wrong",
    }


@pytest.mark.parametrize(
    ("rules", "hides"),
    [
        ([], False),
        (["FS-DICOMDIR-SYNTAX", "FS-CONSISTENCY-FLAG"], False),
        (["FS-CONSISTENCY-FLAG", "FS-DICOMDIR-TRUNCATED"], True),
        (["FS-OFFSET-CYCLE"], True),
    ],
)
def test_only_damage_may_hide_records(rules: list[str], hides: bool) -> None:  # noqa: FBT001  # what is expected
    assert hides_records(Finding(rule, "") for rule in rules) is hides


@pytest.mark.parametrize(
    ("where", "message", "placed"),
    [
        (Where("DICOMDIR"), "not readable", "DICOMDIR: not readable"),
        (Where("DICOMDIR", offset=8), "no VR", "DICOMDIR, offset 8: no VR"),
        (Where(), "no VR", "no VR"),
    ],
)
def test_a_finding_begins_with_its_place(where: Where, message: str, placed: str) -> None:
    assert Finding("FS-RECORD-MALFORMED", message, where).placed == placed


@pytest.mark.parametrize("size", [0, 10, 20_000])
def test_a_file_that_is_only_called_an_image_is_reported(size: int, run: Runs, tmp_path: Path) -> None:
    image = tmp_path / "CD.iso"
    image.write_bytes(b"x" * size)
    said = f"fileset: error: {image}: not an image of a disc, or cut off: it has {size} bytes, a volume begins after 32768\n"
    for verb in ("list", "info", "check", "repair"):
        assert run(verb, image, code=4).stderr == said
    assert run("extract", image, "-o", tmp_path / "OUT", code=4).stderr == said
    assert run("refresh", image, code=4).stderr == said
    image.rename(tmp_path / "SET.zip")
    assert "not a ZIP archive that can be read" in run("remove", tmp_path / "SET.zip", "PatientID=1", code=4).stderr


def test_a_file_that_cannot_be_changed_and_one_that_is_missing_give_different_errors(run: Runs, indexed: Path) -> None:
    nowhere = indexed / "NOWHERE"
    told = run("remove", nowhere, "PatientID=1", code=2).stderr
    assert told == f"fileset: error: {nowhere}: no such file or folder\n"
    file = indexed / "P001" / "T001" / "S001" / "I000002"
    told = run("remove", file, "PatientID=1", code=4).stderr
    assert (
        told == f"fileset: error: {file}: neither a folder nor an image. Give the folder or image with the DICOMDIR\n"
    )


def test_a_truncated_image_is_reported_with_its_size(run: Runs, indexed: Path, tmp_path: Path) -> None:
    run("create", indexed, "-o", tmp_path / "CD.iso")
    data = (tmp_path / "CD.iso").read_bytes()
    dicomdir = data.index((indexed / "DICOMDIR").read_bytes()[:132] + b"\2\0\0\0")
    for size in (35_000, dicomdir, len(data) - 1):
        (tmp_path / "CD.iso").write_bytes(data[:size])
        for verb in ("list", "repair"):
            said = run(verb, tmp_path / "CD.iso", code=3 if size > dicomdir else 4).stderr
            assert said.count(f"cut off: {size} of {len(data)} bytes are there") == 1
            assert said.count("CD.iso") == 1 or size > dicomdir
