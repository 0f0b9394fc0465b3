"""Errors carry their facts as data, and compose the message once."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Final

import pytest

import fileset
from fileset.dicom.header import HeaderError
from fileset.errors import REPAIR, FilesetError, FindingsError, FormatError, MediumError, RefusedError, RuleError

PACKAGE = Path(fileset.__file__).parent


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FormatError("no such VR"), "no such VR"),
        (FormatError("no such VR", path="DICOMDIR"), "DICOMDIR: no such VR"),
        (FormatError("no such VR", path="DICOMDIR", offset=0), "DICOMDIR, offset 0: no such VR"),
        (FormatError("empty", offset=8, tag=0x00041200), "offset 8, (0004,1200): empty"),
        (MediumError("full", path="OUT", advice="Free some space"), "OUT: full. Free some space"),
        (RefusedError("damaged", path="OUT", advice=REPAIR), f"OUT: damaged. {REPAIR.python}"),
    ],
)
def test_the_message_is_place_reason_and_advice(error: FilesetError, message: str) -> None:
    assert str(error) == message


def test_python_and_the_command_line_get_their_own_advice() -> None:
    error = RefusedError("damaged", path="OUT", advice=REPAIR)
    assert "repair_file_set()" in error.advice
    assert "repair_file_set()" in str(error)
    assert error.text(command=True) == "OUT: damaged. `fileset repair` rebuilds it from the files"


def test_a_place_that_the_reader_knows_is_left_out() -> None:
    error = FormatError("no such VR", path="DICOMDIR", offset=8)
    assert error.text(known_path="DICOMDIR") == "offset 8: no such VR"
    assert error.text(known_path="DICOMDIR", known_offset=8) == "no such VR"
    assert error.text(known_offset=9) == "DICOMDIR, offset 8: no such VR"


def test_an_error_can_be_moved_to_another_place() -> None:
    error = FormatError("no such VR", path="DICOMDIR", offset=8, rule="FS-RECORD-MALFORMED")
    moved = error.moved(path="DISC/DICOMDIR", advice=REPAIR)
    assert type(moved) is FormatError
    assert (moved.path, moved.offset, moved.rule) == ("DISC/DICOMDIR", 8, "FS-RECORD-MALFORMED")
    assert error.path == "DICOMDIR"


@pytest.mark.parametrize(
    "error",
    [RuleError("no", path="A", offset=1, tag=2, rule="FS-NAME-FORM", advice=REPAIR), HeaderError("FS-FILE-NAME", "no")],
)
def test_an_error_survives_the_way_from_a_worker(error: FilesetError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.__dict__) == (type(error), str(error), error.__dict__)


def test_a_group_has_a_message_and_errors_with_places() -> None:
    group = FindingsError("DISC: 1 finding", [FormatError("empty", path="DICOMDIR", offset=8)])
    assert group.reason == group.text() == "DISC: 1 finding"
    assert isinstance(group, FormatError)
    assert [str(error) for error in group.exceptions] == ["DICOMDIR, offset 8: empty"]


_PARSED_MESSAGE: Final = re.compile(r"\bstr\((?:problem|error)[^()]*\)\.\w+")
"""The message of an error that is taken apart: `str(problem).removeprefix`, and the like."""


def test_nothing_parses_a_message() -> None:
    assert _PARSED_MESSAGE.findall("if str(problem).removeprefix(name):") == ["str(problem).removeprefix"]
    found = {path.name: _PARSED_MESSAGE.findall(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
    assert {name: calls for name, calls in found.items() if calls} == {}
