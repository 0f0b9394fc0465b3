"""Lines, JSON and numbers as they leave the program."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from fileset.cli.options import keys_of
from fileset.cli.output import aligned, counted, escaped, json_text, paragraph, sized, write, write_document
from fileset.cli.table_output import _cut
from fileset.errors import RuleError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Müller^Jürgen", "Müller^Jürgen"),
        ("Wang^XiaoDong=王^小東", "Wang^XiaoDong=王^小東"),
        ("Yamada\u3000Tarou", "Yamada\u3000Tarou"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\r\tc", "a\\x0ab\\x0d\\x09c"),
        ("\x9b31m", "\\x9b31m"),
        ("\x7f\0", "\\x7f\\x00"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\u2028", "\\u2028"),
        ("\udcff", "\\udcff"),
    ],
)
def test_characters_that_control_a_terminal_are_made_visible(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (39_800, "39.8 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (4_700_000_000, "4.7 GB"),
        (271_000_000_000_000, "271 TB"),
    ],
)
def test_sizes_have_three_digits(number: int, text: str) -> None:
    assert sized(number) == text


def test_a_wide_character_takes_two_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    words = ["山田太郎様"] * 5 + ["plain", "words"] * 3
    lines = paragraph("  " + " ".join(words)).splitlines()
    assert " ".join(lines).split() == words
    assert all(cell_len(line) <= 39 for line in lines)
    assert len(lines) == 3
    assert list(aligned([("山田", "A"), ("Yamada", "B")])) == ["山田    A", "Yamada  B"]
    assert [_cut("山田太郎", width) for width in (8, 7, 6)] == ["山田太郎", "山田...", "山..."]


def test_numbers_have_their_noun() -> None:
    assert [counted(n, "file") for n in (0, 1, 2, 100_000)] == ["0 files", "1 file", "2 files", "100,000 files"]
    assert counted(2, "study", "studies") == "2 studies"


@pytest.mark.parametrize(
    "value",
    [None, 1, 1.5, "王\x1b\udcff", ["a", None], {"a": [{"b": 1}]}, {}, []],
)
def test_json_gives_the_value_back_in_ascii(value: object) -> None:
    text = json_text(value)
    assert json.loads(text) == value
    assert text.isascii()


def test_values_that_json_cannot_hold_become_text() -> None:
    value = {"a": float("nan"), "b": [float("-inf"), 1.0], "c": b"\x00\xff"}
    assert json.loads(json_text(value)) == {"a": "nan", "b": ["-inf", 1.0], "c": "00FF"}


@pytest.mark.parametrize("rows", [[], ["1"], ["1", "2", "3"]])
def test_a_document_holds_its_members_in_order(rows: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    write_document("fileset.test/1", {"one": {"a": 1}, "rows": iter(rows), "none": iter(())})
    document = json.loads(capsys.readouterr().out)
    assert list(document.items()) == [
        ("schema", "fileset.test/1"),
        ("one", {"a": 1}),
        ("rows", [int(row) for row in rows]),
        ("none", []),
    ]


def test_lines_are_written_while_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    def lines() -> object:
        yield from map(str, range(5000))
        raise InterruptedError

    with pytest.raises(InterruptedError):
        write(lines())  # type: ignore[arg-type]
    assert capsys.readouterr().out.startswith("0\n1\n2\n")


def test_keys_are_taken_as_they_are() -> None:
    arguments = ["PatientID=P1", "PatientName=Doe^*", "StudyDate=20240101-", "StudyDescription=a=b", "AccessionNumber="]
    assert keys_of([*arguments, "00091001=X"]) == {
        "PatientID": "P1",
        "PatientName": "Doe^*",
        "StudyDate": "20240101-",
        "StudyDescription": "a=b",
        "AccessionNumber": "",
        "00091001": "X",
    }


@pytest.mark.parametrize("argument", ["PatientID", "=P1", "patientid=P1", "level=STUDY", "Patient ID=P1", "-x=1", ""])
def test_other_forms_of_keys_are_refused(argument: str) -> None:
    with pytest.raises(RuleError, match="KEY=VALUE"):
        keys_of([argument])
