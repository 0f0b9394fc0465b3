"""The check of deeply nested records takes work in proportion to their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fileset.dicomdir.check.collector import BETWEEN, Collector
from fileset.dicomdir.check.directory import check_directory
from fileset.dicomdir.read.directory import Contents
from tests.hostile.test_linear import nested

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
