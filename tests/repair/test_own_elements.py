"""A repair encodes links, in-use flag, type and File ID anew where they are wrong: the DICOMDIR is as it was before."""

from __future__ import annotations

from pathlib import Path

import pytest

import fileset
from tests.support import synthetic
from tests.support.command import Runs
from tests.support.editing import edit, put_raw
from tests.support.faulty import encoded

FILE_ID, IN_USE, RECORD_TYPE = 0x00041500, 0x00041410, 0x00041430


@pytest.mark.parametrize(
    ("record", "tag", "vr", "value"),
    [
        ("IMAGE", FILE_ID, b"CS", b"/A\\IM1"),
        ("IMAGE", FILE_ID, b"CS", b".\\A\\IM1 "),
        ("IMAGE", FILE_ID, b"CS", b"A\\im1 "),
        ("IMAGE", FILE_ID, b"CS", b"A \\IM1 "),
        ("IMAGE", FILE_ID, b"LO", b"A\\IM1 "),
        ("PATIENT", IN_USE, b"UL", b"\xff\xff\0\0"),
        ("STUDY", IN_USE, b"UL", b"\xff\xff\0\0"),
        ("IMAGE", IN_USE, b"UL", b"\xff\xff\0\0"),
        ("SERIES", RECORD_TYPE, b"LO", b"SERIES"),
    ],
)
def test_a_wrong_encoding_of_what_the_writer_makes_is_repaired(
    record: str, tag: int, vr: bytes, value: bytes, run: Runs, tmp_path: Path
) -> None:
    for number in (1, 2):
        synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=number), tmp_path / "A" / f"IM{number}")
    fileset.index(tmp_path)
    before = (tmp_path / "DICOMDIR").read_bytes()
    edit(tmp_path, record, put_raw(tag, encoded(tag, vr, value)))
    run("check", tmp_path, code=1)
    run("repair", tmp_path)
    assert (tmp_path / "DICOMDIR").read_bytes() == before
