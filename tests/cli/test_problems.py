"""Problems for people: all of them if they are few, else the counts, always."""

from __future__ import annotations

import json

import pytest

from fileset.cli.problems import LINES, finding_rows, hides_records, summary, tell_problems
from fileset.findings import RULES, Finding, Where


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


def test_everything_is_told_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [("FS-FILE-NOT-DICOM", f"{number}.txt: why\x1b") for number in range(100)]
    tell_problems({"skipped": problems}, everything=True)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 101
    assert lines[-1] == "  99.txt: why\\x1b [FS-FILE-NOT-DICOM]"


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
        (Where("DICOMDIR"), "DICOMDIR: not readable", "DICOMDIR: not readable"),
        (Where("DICOMDIR", offset=8), "offset 8: no VR", "DICOMDIR, offset 8: no VR"),
        (Where("DICOMDIR", offset=8), "offset 9: no VR", "DICOMDIR, offset 8: offset 9: no VR"),
        (Where(), "offset 9: no VR", "offset 9: no VR"),
    ],
)
def test_a_place_is_said_once(where: Where, message: str, placed: str) -> None:
    assert Finding("FS-RECORD-MALFORMED", message, where).placed == placed
