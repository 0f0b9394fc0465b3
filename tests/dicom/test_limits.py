"""Reading a header takes a limited number of bytes, whatever the real or declared size of the file."""

from __future__ import annotations

import zlib
from struct import pack

import pytest

from fileset.dicom.elements import element
from fileset.dicom.header import LARGEST_META, LARGEST_VALUE, Header, HeaderError, read_header
from fileset.records.describe import WANTED

CT = b"1.2.840.10008.5.1.4.1.1.2"
GIB = 1 << 30


class Sparse:
    """A file of pieces at positions, zeros between them; counts the bytes that are read of it."""

    def __init__(self, *pieces: tuple[int, bytes]) -> None:
        self.pieces = pieces
        self.size = max(at + len(data) for at, data in pieces)
        self.given = 0

    def __call__(self, at: int, size: int) -> bytes:
        length = max(0, min(size, self.size - at))
        self.given += length
        assert self.given <= 4 * LARGEST_VALUE
        window = bytearray(length)
        for start, data in self.pieces:
            first, last = max(start, at), min(start + len(data), at + length)
            if first < last:
                window[first - at : last - at] = data[first - start : last - start]
        return bytes(window)


def meta(transfer_syntax: str) -> bytes:
    rest = element(0x00020002, "UI", CT) + element(0x00020010, "UI", transfer_syntax.encode())
    return element(0x00020000, "UL", pack("<I", len(rest))) + rest


def big(tag: int, vr: str, value: bytes) -> bytes:
    return pack(">HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value


def test_a_deflated_data_set_without_preamble_is_not_inflated_without_limit() -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(80)) + deflate.flush()
    with pytest.raises(HeaderError, match="deflated") as told:
        read_header(Sparse((0, meta("1.2.840.10008.1.2.1.99") + bomb)), WANTED)
    assert told.value.rule == "FS-FILE-BAD-HEADER"


def test_a_deflated_data_set_in_a_deflated_data_set_is_not_inflated() -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    inner = deflate.compress(meta("1.2.840.10008.1.2.1.99") + b"\x08\x00\x05\x00??" + bytes(100)) + deflate.flush()
    with pytest.raises(HeaderError, match="deflated"):
        read_header(Sparse((0, bytes(128) + b"DICM" + meta("1.2.840.10008.1.2.1.99") + inner)), WANTED)


def test_a_huge_value_in_big_endian_is_stepped_over() -> None:
    begin = bytes(128) + b"DICM" + meta("1.2.840.10008.1.2.2") + big(0x00080016, "UI", CT + b"\0")
    begin += pack(">HH2sHI", 9, 0x1010, b"OB", 0, GIB)
    file = Sparse((0, begin), (len(begin) + GIB, big(0x00100010, "PN", b"Doe ") + big(0x00100020, "LO", b"12")))
    header: Header = read_header(file, WANTED)
    assert header.values[0x00100020] == b"12"
    assert file.given < LARGEST_VALUE


@pytest.mark.parametrize("length", [0xFFFFFFFF, 12 << 20])
def test_elements_that_cannot_be_skipped_are_refused_in_time(length: int) -> None:
    begin = bytes(128) + b"DICM" + meta("1.2.840.10008.1.2.2") + big(0x00080016, "UI", CT + b"\0")
    pieces, at = [(0, begin)], len(begin)
    for number in range(10):
        pieces.append((at, pack(">HH2sHI", 9, 0x1010 + number, b"OB", 0, length)))
        at += 12 + (12 << 20)
    with pytest.raises(HeaderError, match="MiB"):
        read_header(Sparse(*pieces), WANTED)


def test_a_wanted_value_that_no_record_can_hold_is_refused() -> None:
    begin = bytes(128) + b"DICM" + meta("1.2.840.10008.1.2.2") + big(0x00080016, "UI", CT + b"\0")
    begin += pack(">HH2sHI", 0x0010, 0x0020, b"UT", 0, GIB)
    with pytest.raises(HeaderError, match="MiB"):
        read_header(Sparse((0, begin), (len(begin) + GIB, big(0x00200010, "SH", b"1 "))), WANTED)


def test_endless_file_meta_information_is_refused_in_linear_time() -> None:
    empty = pack("<HH2sH", 2, 0x0102, b"UI", 0) * (1 << 18)
    file = Sparse((0, bytes(128) + b"DICM" + empty))
    with pytest.raises(HeaderError, match="File Meta Information"):
        read_header(file, WANTED)
    assert file.given < 8 * LARGEST_META


def test_zeros_in_place_of_a_data_set_are_given_up_soon() -> None:
    """A bad disc gives zeros, and each eight of them read as an element of no length."""
    file = Sparse((0, bytes(128) + b"DICM" + meta("1.2.840.10008.1.2.1")), (1 << 29, b"end"))
    with pytest.raises(HeaderError, match="more elements"):
        read_header(file, WANTED)
    assert file.given < 1 << 24
