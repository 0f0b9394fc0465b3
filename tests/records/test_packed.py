"""Long lists of short values in one buffer."""

from __future__ import annotations

import pytest

from fileset.records.packed import PackedBytes, PackedTexts

VALUES = [b"", b"a", b"\0\xff" * 40, b"", b"z"]


def test_packed_values_are_the_appended_values_one_by_one_or_together() -> None:
    packed = PackedBytes()
    packed.append(VALUES[0])
    packed.extend(VALUES[1:])
    assert list(packed) == [*packed[:]] == VALUES
    assert len(packed) == len(VALUES)
    assert packed[2] == VALUES[2]
    assert packed[-1] == VALUES[-1]
    assert packed[1::2] == VALUES[1::2]
    assert packed.take([4, 1]) == [b"z", b"a"]
    assert packed.lengths([2, 0]) == [80, 0]


@pytest.mark.parametrize("index", [5, -6])
def test_there_is_no_value_beyond_the_ends(index: int) -> None:
    packed = PackedBytes()
    packed.extend(VALUES)
    with pytest.raises(IndexError):
        packed[index]


def test_packed_texts_take_names_of_files_that_are_no_valid_unicode() -> None:
    names = ["", "Ä/ö", "caf\udce9", "\ud83d\ude00 apart", "😀"]
    packed = PackedTexts()
    packed.append(names[0])
    packed.extend(names[1:])
    assert list(packed) == packed[:] == names
    assert packed[2] == names[2]
    assert names[3] in packed


def test_more_than_four_gibibytes_of_values_are_counted_in_eight_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fileset.records.packed._FOUR_BYTES", 100)
    packed = PackedBytes()
    packed.extend(VALUES)
    packed.append(b"y" * 40)
    packed.extend(VALUES)
    assert list(packed) == [*VALUES, b"y" * 40, *VALUES]
    assert packed[-1] == b"z"
