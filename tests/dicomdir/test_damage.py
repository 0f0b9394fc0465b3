"""A DICOMDIR that is damaged in one place: the finding, and all other records."""

from __future__ import annotations

from collections.abc import Callable
from struct import pack, pack_into, unpack_from
from typing import Final

import pytest

from fileset.dicomdir.read.decode import decode
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.errors import FormatError
from tests.support.directories import BIG, EXPLICIT, IMPLICIT, NEXT, directory, usual

DATA: Final = directory(usual())
WHOLE: Final = decode(DATA)
SEQUENCE_AT: Final = WHOLE.start[0] - 12
TYPES: Final = [WHOLE.record_type(index) for index in range(len(WHOLE))]
ONE: Final = 9
"""The damaged record: an image with others before and after it."""


def changed(at: int, value: bytes, data: bytes = DATA) -> FlatDirectory:
    """Decode the DICOMDIR after overwriting these bytes."""
    return decode(data[:at] + value + data[at + len(value) :])


def types(flat: FlatDirectory) -> list[str]:
    return [flat.record_type(index) for index in range(len(flat))]


def rules(flat: FlatDirectory) -> set[str]:
    return {finding.rule for finding in flat.findings}


def test_the_directory_itself_is_whole() -> None:
    assert len(WHOLE) == 22
    assert not WHOLE.findings


@pytest.mark.parametrize("length", [0, 8, 500, 10**6, 0xFFFFFFF0])
def test_a_wrong_length_of_the_sequence_loses_no_record(length: int) -> None:
    flat = changed(SEQUENCE_AT + 8, pack("<I", length))
    assert types(flat) == TYPES
    assert rules(flat) == {"FS-RECORD-SEQUENCE-LENGTH" if length < 10**6 else "FS-DICOMDIR-TRUNCATED"}


def test_padding_is_not_taken_for_a_wrong_length() -> None:
    padding = pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 10) + bytes(10)
    assert not decode(directory(usual(), tail=padding)).findings


@pytest.mark.parametrize("more", [-150, -40, -1, 1, 8, 200, 1000, 10**6, 0xF0000000])
@pytest.mark.parametrize("undefined", [0, 1], ids=["explicit", "undefined"])
def test_a_wrong_length_of_a_record_loses_none(more: int, undefined: int) -> None:
    data = directory(usual(), undefined=bool(undefined))
    whole = decode(data)
    at = whole.start[ONE] + 4
    flat = changed(at, pack("<I", unpack_from("<I", data, at)[0] + more), data)
    assert types(flat) == TYPES
    assert list(flat.start) == list(whole.start)
    assert flat.mended == {ONE}
    assert rules(flat) == {"FS-RECORD-MALFORMED"}
    assert {part.tag for part in flat.elements(ONE)} == {part.tag for part in whole.elements(ONE)}


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_record_whose_item_is_not_recognised_costs_only_itself(syntax: str) -> None:
    data = directory(usual(), syntax=syntax)
    at = decode(data).start[ONE]
    flat = changed(at, b"\x11\x22\x33\x44", data)
    assert types(flat) == TYPES[:ONE] + TYPES[ONE + 1 :]
    assert "FS-RECORD-MALFORMED" in rules(flat)


def test_a_record_of_undefined_length_without_its_end_costs_nothing() -> None:
    roots = usual()
    for record in (record for root in roots for record in root.walk()):
        record.undefined = True
    data = directory(roots, undefined=True)
    whole = decode(data)
    flat = changed(whole.end[ONE] - 8, b"\x11\x22", data)
    assert types(flat) == TYPES
    assert flat.mended == {ONE}


def test_a_damaged_element_costs_only_the_rest_of_its_record() -> None:
    at = DATA.index(b"\x04\x00\x11\x15UI", WHOLE.start[ONE]) + 4
    flat = changed(at, b"\0\0")
    assert types(flat) == TYPES
    assert max(part.tag for part in flat.elements(ONE)) == 0x00041510


def test_links_of_a_wrong_length_are_no_links() -> None:
    roots = usual()
    roots[0].keys[NEXT] = "UL", b""
    roots[1].keys[NEXT] = "UL", bytes(8)
    flat = decode(directory(roots))
    assert [flat.next_at[flat.types.index("PATIENT")], flat.next_at[11]] == [-1, -1]
    assert flat.next[11] == 0


HEADERS: Final[dict[str, Callable[[bytearray], None]]] = {
    "the tag of the sequence": lambda d: pack_into("<H", d, SEQUENCE_AT + 2, 0x9999),
    "the VR of the sequence": lambda d: pack_into("<H", d, SEQUENCE_AT + 4, 0),
    "the whole header of the sequence": lambda d: pack_into("<QI", d, SEQUENCE_AT, 0, 0),
    "the first element of the identification": lambda d: pack_into("<Q", d, d.index(b"\x04\0\x30\x11CS"), 1 << 60),
    "a length in File Meta Information": lambda d: pack_into("<H", d, d.index(b"\2\0\3\0UI") + 6, 2000),
    "all of File Meta Information": lambda d: pack_into("<100s", d, 132, b"\x55" * 100),
    "all but the records": lambda d: pack_into(f"{SEQUENCE_AT}s", d, 0, b"\2\0" + bytes(SEQUENCE_AT - 2)),
}


@pytest.mark.parametrize("case", HEADERS)
def test_damage_before_the_records_costs_no_record(case: str) -> None:
    data = bytearray(DATA)
    HEADERS[case](data)
    flat = decode(bytes(data))
    assert types(flat) == TYPES
    assert flat.findings


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 132, bytes(128) + b"DICM", b"no DICOMDIR at all", b"\2\0", b"\xff" * 9999]
)
def test_data_without_any_element_of_a_dicomdir_is_not_a_dicomdir(data: bytes) -> None:
    with pytest.raises(FormatError, match="not a DICOMDIR"):
        decode(data)


@pytest.mark.parametrize("size", range(13))
def test_a_cut_header_of_the_sequence_is_reported_also_if_its_vr_is_wrong(size: int) -> None:
    data = bytearray(DATA[: SEQUENCE_AT + size])
    data[SEQUENCE_AT + 4 : SEQUENCE_AT + 6] = b"CS"[: max(size - 4, 0)]
    assert "FS-DICOMDIR-TRUNCATED" in rules(decode(bytes(data)))


def test_a_dicom_file_is_no_dicomdir() -> None:
    from tests.support import synthetic

    with pytest.raises(FormatError, match="but a DICOM file of CT Image Storage"):
        decode(synthetic.ct())


def test_a_record_type_that_reaches_beyond_its_record_takes_nothing_of_the_next() -> None:
    flat = changed(WHOLE.start[ONE] + 48, pack("<H", WHOLE.end[ONE] - WHOLE.start[ONE]))
    assert types(flat) == [*TYPES[:ONE], "", *TYPES[ONE + 1 :]]
    assert rules(flat) == {"FS-RECORD-MALFORMED"}


def test_record_types_that_overlap_take_no_more_memory_than_the_file() -> None:
    record = DATA[WHOLE.start[ONE] : WHOLE.start[ONE] + 50]
    record = record[:4] + pack("<I", 42) + record[8:48]
    data = DATA[: WHOLE.start[0]] + (record + pack("<H", 0xF000)) * 500 + bytes(1 << 16)
    assert sum(map(len, decode(data).types)) < len(data)
