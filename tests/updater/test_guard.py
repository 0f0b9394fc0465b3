"""Law 5: a destructive verb acts only on the instances that a query shows for the same words, and refuses empty conditions."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

import fileset
from fileset.cli import main
from fileset.reader import Record
from tests.updater.conftest import files, uids

ANYTHING: Final = [
    {"PatientID": ""},
    {"PatientID": " "},
    {"PatientID": "P1|"},
    {"PatientID": "|"},
    {"SOPInstanceUID": "1.2\\"},
    {"PatientID": "**"},
    {"PatientID": [""]},
    {"PatientID": ["P1", ""]},
    {"PatientID": ["P1", "*"]},
    {"StudyDate": "-"},
    {"StudyDate": " - "},
    {"StudyTime": "-"},
    {"Modality": "CT", "StudyDescription": ""},
]


@pytest.mark.parametrize("keys", ANYTHING, ids=str)
@pytest.mark.parametrize("verb", ["remove", "refresh"])
def test_a_condition_that_no_value_satisfies_is_refused(disc: Path, verb: str, keys: dict[str, object]) -> None:
    before = files(disc)
    updater = fileset.Updater(disc)
    with pytest.raises(fileset.RuleError, match="matches records without a value"):
        getattr(updater, verb)(**keys)
    updater.close()
    assert files(disc) == before


@pytest.mark.parametrize("wanted", [None, ["P1", None]], ids=str)
@pytest.mark.parametrize("verb", ["find", "table", "extract", "remove", "refresh", "add", "create"])
def test_a_condition_without_a_value_is_refused(disc: Path, tmp_path: Path, verb: str, wanted: object) -> None:
    """A program that has no Patient ID does not want all patients."""
    keys: dict[str, Any] = {"PatientID": wanted}
    before = files(disc)
    with fileset.Reader(disc) as reader, fileset.Updater(disc) as updater, fileset.Creator(tmp_path / "NEW") as creator:
        calls: dict[str, Callable[[], object]] = {
            "find": lambda: reader.find(**keys),
            "table": lambda: reader.table(**keys),
            "extract": lambda: fileset.extract(reader, tmp_path / "OUT", **keys),
            "remove": lambda: updater.remove(**keys),
            "refresh": lambda: updater.refresh(**keys),
            "add": lambda: updater.add(disc, only=keys),
            "create": lambda: creator.add(disc, only=keys),
        }
        with pytest.raises(fileset.RuleError, match="PatientID=None: there is no value to match") as caught:
            calls[verb]()
    assert "Leave out the condition on PatientID" in str(caught.value)
    assert files(disc) == before
    assert not (tmp_path / "OUT").exists()


@pytest.mark.parametrize("word", ["PatientID= ", "PatientID=P1|", "SOPInstanceUID=1.2\\", "StudyDate=-"])
def test_the_command_refuses_it_as_wrong_usage(disc: Path, word: str) -> None:
    before = files(disc)
    assert main(["remove", str(disc), word]) == 2
    assert files(disc) == before


def test_any_value_of_a_key_that_no_record_has_matches_nothing(disc: Path) -> None:
    before = files(disc)
    assert main(["remove", str(disc), "PatientWeight=*"]) == 3
    assert files(disc) == before


def test_any_value_matches_the_records_that_have_one(disc: Path) -> None:
    with fileset.Updater(disc) as updater:
        assert updater.remove(PatientID="*") == 24
    assert uids(disc) == []


KEYWORDS: Final = (
    *("PatientID", "PatientName", "StudyDate", "StudyTime", "StudyDescription", "AccessionNumber", "Modality"),
    *("SeriesNumber", "InstanceNumber", "SOPInstanceUID", "Rows", "BodyPartExamined", "FileID", "ImageType"),
)
PIECES: Final = ("", " ", "*", "?", "\\", "-", "P", "1", "2", "P1", "CT", "P2", "20240101", "P*", "1-2", "C?")


def random_condition(dice: random.Random) -> dict[str, Any]:
    """One or two keys with values made of the pieces that queries give a meaning to."""

    def value() -> str:
        return "".join(dice.choices(PIECES, k=dice.choice((0, 1, 1, 1, 2, 3))))

    return {
        keyword: [value() for _ in range(dice.randint(1, 3))] if dice.random() < 0.2 else value()
        for keyword in dice.sample(KEYWORDS, dice.choice((1, 1, 2)))
    }


def has_value(record: Record | None, keyword: str) -> bool:
    """Whether a record, or one above it, has a value for a key."""
    while record is not None:
        if record.get(keyword) not in (None, "", []):
            return True
        record = record.parent
    return False


@pytest.mark.slow
def test_remove_takes_only_instances_that_list_shows_for_the_same_words_and_that_have_a_value(disc: Path) -> None:
    dice = random.Random(5)
    refused = acted = 0
    with fileset.Reader(disc) as reader:
        for _ in range(1000):
            keys = random_condition(dice)
            updater = fileset.Updater(disc)
            try:
                count = updater.remove(**keys)
            except fileset.RuleError:
                refused += 1
                continue
            finally:
                updater.close()
            listed = list(reader.find(**keys))
            assert count <= len(listed), keys
            assert count == 0 or not updater.absent(keys), keys
            with_values = [one for one in listed if all(has_value(one, keyword) for keyword in keys)]
            assert count <= len(with_values), keys
            acted += count > 0
    print(f"1000 conditions: {refused} refused, {acted} matched instances")  # noqa: T201  # the figures of the property
    assert refused > 100
    assert acted > 20


def test_a_range_without_a_beginning_matches_no_record_without_a_value(disc: Path) -> None:
    """So `remove` takes it, as for everything up to a year."""
    with fileset.Updater(disc) as updater:
        assert updater.remove(StudyDate="-1903") == 0
        assert updater.remove(StudyDate="-2999") == 24
    assert uids(disc) == []
