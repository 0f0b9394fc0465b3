"""Rules for encapsulated pixel data, PS3.5 A.4, and for the offset tables, PS3.3 C.7.6.3."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from struct import pack
from typing import Final

import pytest
from attrs import frozen
from pydicom.uid import UID

import fileset
from fileset import check_file_set
from tests.support import synthetic

JPEG_2000: Final = "1.2.840.10008.1.2.4.90"
MPEG_4: Final = "1.2.840.10008.1.2.4.102"
NATIVE: Final = "1.2.840.10008.1.2.1"
DELIMITER: Final = b"\xfe\xff\xdd\xe0\0\0\0\0"


@frozen
class Pixels:
    """An image: its frames, their fragments, and offset tables; None for an absent table."""

    frames: int = 3
    fragments: Sequence[bytes] = (b"aa", b"bbbb", b"cccccc")
    basic: Sequence[int] | bytes = ()
    extended: Sequence[int] | None = None
    lengths: Sequence[int] | None = None
    total: int | None = None
    syntax: str = JPEG_2000
    end: bytes = DELIMITER
    declared: str = ""


def item(content: bytes) -> bytes:
    return b"\xfe\xff\x00\xe0" + pack("<I", len(content)) + content


def ov(tag: bytes, numbers: Sequence[int]) -> bytes:
    return tag + b"OV\0\0" + pack("<I", 8 * len(numbers)) + pack(f"<{len(numbers)}Q", *numbers)


def encoded(pixels: Pixels) -> bytes:
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    dataset.NumberOfFrames = pixels.frames
    dataset.file_meta.TransferSyntaxUID = UID(pixels.declared or pixels.syntax)
    del dataset.PixelData
    header = synthetic.encode(dataset)
    tables = b""
    if pixels.extended is not None:
        tables += ov(b"\xe0\x7f\x01\x00", pixels.extended)
    if pixels.lengths is not None:
        tables += ov(b"\xe0\x7f\x02\x00", pixels.lengths)
    if pixels.total is not None:
        tables += b"\xe0\x7f\x03\x00UV\0\0\x08\0\0\0" + pack("<Q", pixels.total)
    if pixels.syntax == NATIVE:
        return header + tables + b"\xe0\x7f\x10\x00OW\0\0\x04\0\0\0abcd"
    basic = pixels.basic if isinstance(pixels.basic, bytes) else pack(f"<{len(pixels.basic)}I", *pixels.basic)
    value = item(basic) + b"".join(map(item, pixels.fragments)) + pixels.end
    return header + tables + b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + value


BASIC: Final = "FS-OFFSET-TABLE-BASIC"
EXTENDED: Final = "FS-OFFSET-TABLE-EXTENDED"
FRAGMENT: Final = "FS-PIXEL-FRAGMENT"
STARTS: Final = (0, 10, 22)
LENGTHS: Final = (2, 4, 6)

CASES: Final[dict[str, tuple[Pixels, set[str]]]] = {
    "no table": (Pixels(), set()),
    "basic table": (Pixels(basic=STARTS), set()),
    "one frame in many fragments": (Pixels(frames=1, basic=(0,)), set()),
    "two frames in three fragments": (Pixels(frames=2, basic=(0, 22)), set()),
    "basic table between fragments": (Pixels(basic=(0, 12, 22)), {BASIC}),
    "basic table beyond the end": (Pixels(basic=(0, 10, 220)), {BASIC}),
    "basic table counted from elsewhere": (Pixels(basic=(8, 18, 30)), {BASIC}),
    "basic table too short": (Pixels(basic=(0, 10)), {BASIC}),
    "basic table out of order": (Pixels(basic=(0, 22, 10)), {BASIC}),
    "basic table of 5 bytes": (Pixels(basic=b"\0\0\0\0\0\0"), {BASIC}),
    "basic table of a video": (Pixels(basic=STARTS, syntax=MPEG_4), {BASIC}),
    "video in one fragment": (Pixels(frames=500, fragments=(b"aa",), syntax=MPEG_4), set()),
    "fewer fragments than frames": (Pixels(frames=4), {FRAGMENT}),
    "empty fragment": (Pixels(fragments=(b"aa", b"", b"cc")), {FRAGMENT}),
    "odd fragment": (Pixels(fragments=(b"aa", b"bbb", b"cc")), {FRAGMENT}),
    "extended table": (Pixels(extended=STARTS, lengths=LENGTHS), set()),
    "extended table with odd frames": (Pixels(extended=STARTS, lengths=(1, 3, 6)), set()),
    "extended table and total": (Pixels(extended=STARTS, lengths=LENGTHS, total=12), set()),
    "wrong total": (Pixels(total=13), {"FS-PIXEL-TOTAL-LENGTH"}),
    "extended table, basic too": (Pixels(extended=STARTS, lengths=LENGTHS, basic=STARTS), {EXTENDED}),
    "extended table without lengths": (Pixels(extended=STARTS), {EXTENDED}),
    "lengths without extended table": (Pixels(lengths=LENGTHS), {EXTENDED}),
    "empty extended table": (Pixels(extended=(), lengths=()), {EXTENDED}),
    "extended table too short": (Pixels(extended=STARTS[:2], lengths=LENGTHS[:2]), {EXTENDED}),
    "extended table leads elsewhere": (Pixels(extended=(0, 10, 24), lengths=LENGTHS), {EXTENDED}),
    "extended table, wrong lengths": (Pixels(extended=STARTS, lengths=(2, 4, 60)), {EXTENDED}),
    "extended table, fewer lengths": (Pixels(extended=STARTS, lengths=LENGTHS[:2]), {EXTENDED}),
    "extended table, a frame in two fragments": (Pixels(frames=2, extended=(0, 22), lengths=(6, 6)), {EXTENDED}),
    "extended table of a video": (Pixels(extended=STARTS, lengths=LENGTHS, syntax=MPEG_4), {EXTENDED}),
    "extended table of native pixels": (Pixels(extended=STARTS, lengths=LENGTHS, syntax=NATIVE), {EXTENDED}),
    "no delimiter": (Pixels(end=b""), {"FS-FILE-TRUNCATED"}),
    "half a fragment": (Pixels(end=b"\xfe\xff\x00\xe0\xff\0\0\0ab"), {"FS-FILE-TRUNCATED"}),
    "something else among the fragments": (Pixels(end=b"\x08\0\x05\0\0\0\0\0" + DELIMITER), {"FS-FILE-BAD-HEADER"}),
    "bytes behind": (Pixels(end=DELIMITER + bytes(64)), {"FS-FILE-TRAILING"}),
}


@pytest.mark.parametrize("case", CASES)
def test_pixel_data(case: str, tmp_path: Path) -> None:
    pixels, expected = CASES[case]
    (tmp_path / "IM1").write_bytes(encoded(pixels))
    fileset.index(tmp_path)
    report = check_file_set(tmp_path)
    assert {finding.rule for finding in report.findings} == expected, [str(finding) for finding in report.findings]


MISMATCHES: Final = (
    Pixels(frames=1, declared=NATIVE),
    Pixels(frames=1, syntax=NATIVE, declared=JPEG_2000),
)


@pytest.mark.parametrize("pixels", MISMATCHES)
def test_the_transfer_syntax_decides_whether_pixels_are_encapsulated(pixels: Pixels, tmp_path: Path) -> None:
    (tmp_path / "IM1").write_bytes(encoded(pixels))
    fileset.index(tmp_path)
    assert {finding.rule for finding in check_file_set(tmp_path).findings} == {"FS-PIXEL-SYNTAX"}
