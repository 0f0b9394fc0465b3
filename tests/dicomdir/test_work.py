"""The work to read a directory grows only with its size, whatever its records begin with."""

from __future__ import annotations

import re
from struct import pack
from typing import Any

import pytest

from fileset.dicom.elements import element, item
from fileset.dicomdir.read import records as items
from fileset.dicomdir.read.decode import decode
from fileset.dicomdir.write.header import Identification, new_frame

LONG = b"\0\0\0\0"
RECORD = (
    element(0x00041400, "UL", LONG)
    + element(0x00041410, "US", b"\xff\xff")
    + element(0x00041420, "UL", LONG)
    + element(0x00041430, "CS", b"IMAGE")
    + element(0x00200013, "IS", b"1")
)
KINDS = {
    "with the group length of old": item(element(0x00040000, "UL", pack("<I", len(RECORD))) + RECORD),
    "of undefined length, with a group length": b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    + element(0x00040000, "UL", LONG)
    + RECORD
    + b"\xfe\xff\x0d\xe0\0\0\0\0",
    "empty": item(b""),
    "with a key first": item(element(0x00020010, "UI", b"1.2") + RECORD),
}


def directory(record: bytes, count: int) -> bytes:
    head = new_frame(Identification("1.2.3")).head
    return head[:-4] + pack("<I", len(record) * count) + record * count


class Counting:
    """A pattern that counts the bytes it looks at."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self.pattern = pattern
        self.looked_at = 0

    def search(self, data: bytes, at: int) -> Any:
        found = self.pattern.search(data, at)
        self.looked_at += (found.end() if found else len(data)) - at
        return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_byte_is_looked_at_a_few_times_at_most(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(items._LITTLE_RECORD)  # noqa: SLF001  # the work that is bounded
    monkeypatch.setattr(items, "_LITTLE_RECORD", counting)
    data = directory(KINDS[kind], 500)
    assert len(decode(data)) == 500
    assert counting.looked_at < 3 * len(data)


def test_the_search_for_records_ends_at_data_without_records(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(items._LITTLE_RECORD)  # noqa: SLF001  # the work that is bounded
    monkeypatch.setattr(items, "_LITTLE_RECORD", counting)
    empty = b"\xfe\xff\x00\xe0\xff\xff\xff\xff\xfe\xff\x0d\xe0\0\0\0\0"
    data = directory(item(RECORD), 500) + empty * 500 + bytes(1 << 16)
    assert len(decode(data)) >= 500
    assert counting.looked_at < 3 * len(data)


def test_records_that_begin_with_a_group_length_are_as_good_as_others() -> None:
    assert not list(decode(directory(KINDS["with the group length of old"], 3)).findings)


def test_a_wrong_length_of_a_record_with_a_group_length_costs_no_other() -> None:
    record = KINDS["with the group length of old"]
    damaged = bytearray(directory(record, 3))
    at = len(damaged) - 3 * len(record)
    damaged[at + 4 : at + 8] = pack("<I", len(record) + 20)
    assert len(decode(bytes(damaged))) == 3
