"""The check of deeply nested records takes work in proportion to their number, and little for records that are alike."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING
from unittest.mock import Mock

from fileset.dicomdir.check.collector import BETWEEN, Collector
from fileset.dicomdir.check.directory import check_directory
from fileset.dicomdir.check.record_shapes import RecordShapes
from fileset.dicomdir.read.directory import Contents
from fileset.records import element_rules
from fileset.records.data_sets import record_data_set
from tests.hostile.test_linear import CASES, nested
from tests.support.directories import directory as directory_of
from tests.support.directories import image, patient, series, study

if TYPE_CHECKING:
    import pytest


def _names_made(count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many names of records the check of `count` records makes, each the child of the one before."""
    made = 0
    original = Contents.type_name

    def type_name(contents: Contents, index: int) -> str:
        nonlocal made
        made += 1
        return original(contents, index)

    with monkeypatch.context() as patch:
        patch.setattr(Contents, "type_name", type_name)
        check_directory(Collector(Contents(nested(count))))
    return made


def test_ten_times_as_many_nested_records_need_ten_times_as_many_names(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (_names_made(count, monkeypatch) for count in (500, 5_000))
    assert few < 10 * 500  # not one for each record above each of them
    assert many < 10.1 * few


def test_the_path_of_a_nested_record_names_all_records_above_it() -> None:
    collector = Collector(Contents(nested(10)))
    assert collector.path(9) == BETWEEN.join(["IMAGE 1"] * 10)
    assert [collector.path(index).count("IMAGE") for index in range(10)] == list(range(1, 11))


def test_records_that_are_alike_are_decoded_once_even_if_each_has_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = Mock(wraps=record_data_set)
    monkeypatch.setattr("fileset.dicomdir.check.directory.record_data_set", decode)
    collector = Collector(Contents(nested(1_000)))
    check_directory(collector)
    decode.assert_called_once()
    faults = Counter(finding.rule for finding in collector.findings)
    assert faults["FS-RECORD-REFERENCE"] == faults["FS-KEY-TYPE1-MISSING"] == 1_000
    assert faults["FS-FILE-SHARED"] == 999


def _findings(data: bytes) -> Counter[str]:
    collector = Collector(Contents(data))
    check_directory(collector)
    return Counter(map(str, collector.findings))


def _directories() -> list[bytes]:
    """Directories of records that are alike, whole and with a few changed bytes."""
    made = [case(30) for case in CASES.values()]
    images = [image(f"IM{number:06}", f"1.2.{number:03}") for number in range(40)]
    whole = directory_of([patient("P", study("1.2", series("1.3", *images)))])
    for seed in range(60):
        chance, changed = random.Random(seed), bytearray(whole)
        for _ in range(4):
            changed[chance.randrange(400, len(changed))] = chance.randrange(256)
        made.append(bytes(changed))
    number = b"\x20\x00\x13\x00IS\x02\x00"
    blank = [number.join([*parts[:5], b"  " + parts[5][2:], *parts[6:]]) for parts in [whole.split(number)]]
    assert blank != [whole]
    return [whole, *blank, *made]


def test_records_of_a_known_shape_have_the_findings_that_they_have_without_the_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = _directories()
    quick = list(map(_findings, made))
    monkeypatch.setattr(RecordShapes, "is_known", lambda *_: False)
    assert quick == list(map(_findings, made))


def test_elements_that_occurred_before_have_the_findings_that_they_have_without_the_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(RecordShapes, "is_known", lambda *_: False)
    made = _directories()
    quick = list(map(_findings, made))
    monkeypatch.setattr(element_rules, "faults_of_element", element_rules.faults_of_element.__wrapped__)
    assert quick == list(map(_findings, made))
