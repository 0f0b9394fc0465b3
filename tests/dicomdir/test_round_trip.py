"""Decoding, linking, laying out and encoding a DICOMDIR gives the same file, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pydicom.data
import pytest

from fileset.dicomdir.read.decode import decode
from fileset.dicomdir.read.link import link
from fileset.dicomdir.write.layout import NONE, Directory, encode
from tests.support import peers
from tests.support.directories import directory, usual

SHIPPED: Final = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
EXPLICIT_LITTLE: Final = ("DICOMDIR", "DICOMDIR-reordered", "DICOMDIR-empty.dcm", "TINY_ALPHA/DICOMDIR")

FIRST, LAST = b"\x04\x00\x00\x12UL\x04\x00", b"\x04\x00\x02\x12UL\x04\x00"
EXEMPT: Final[Mapping[str, tuple[bytes, str]]] = {
    "gdcmgendir": (LAST, "it says that the last record of the file is the last root record"),
    "dcdirmk": (LAST, "it says that the last record of the file is the last root record"),
    "DICOMDIR-nopatient": (FIRST, "made to be broken: the first root record would be an image below another record"),
}
"""The only difference after a round trip: the one element that is put right, and why. Explicit VR Little Endian only."""


def again(data: bytes) -> bytes:
    """The bytes after a full turn."""
    flat = decode(data)
    tree = link(flat)
    bodies = [data[start:end] for start, end in zip(flat.start, flat.end, strict=True)]
    last = tree.first
    while last != NONE and tree.next[last] != NONE:
        last = tree.next[last]
    return b"".join(
        encode(Directory(flat.frame, bodies, tree.next, tree.lower, tree.first, last, flat.next_at, flat.lower_at))
    )


def without(data: bytes, header: bytes) -> bytes:
    """All but the value of one top-level UL element."""
    at = data.index(header) + len(header)
    return data[:at] + data[at + 4 :]


@pytest.mark.parametrize("name", EXPLICIT_LITTLE)
def test_dicomdirs_of_pydicom_come_back_unchanged(name: str) -> None:
    data = (SHIPPED / name).read_bytes()
    assert again(data) == data


@pytest.mark.judges
@pytest.mark.parametrize("peer", sorted(peers.PEERS.keys() - EXEMPT.keys()))
def test_dicomdirs_of_other_programs_come_back_unchanged(peer: str, tmp_path: Path) -> None:
    data = (peers.PEERS[peer](tmp_path) / "DICOMDIR").read_bytes()
    assert again(data) == data


@pytest.mark.judges
@pytest.mark.parametrize("name", EXEMPT)
def test_an_exempt_dicomdir_is_corrected_in_only_one_element(name: str, tmp_path: Path) -> None:
    folder = peers.PEERS[name](tmp_path) if name in peers.PEERS else SHIPPED
    data = (folder / ("DICOMDIR" if name in peers.PEERS else name)).read_bytes()
    header, reason = EXEMPT[name]
    assert again(data) != data, f"no exemption any more: {reason}"
    assert without(again(data), header) == without(data, header)
    assert again(again(data)) == again(data)


@pytest.mark.parametrize("undefined", [0, 1], ids=["explicit", "undefined"])
def test_lengths_unknown_content_and_its_surroundings_stay(undefined: int) -> None:
    roots = usual()
    for number, record in enumerate(record for root in roots for record in root.walk()):
        record.undefined = number % 2 == undefined
        record.keys[0x00091001] = "UN", bytes(range(100))
    roots[1].type = "PRIVATE"
    data = directory(roots, undefined=bool(undefined), group_length=4, preamble=b"II*\0" + bytes(124) + b"DICM")
    assert again(data) == data


def test_any_order_of_the_records_stays() -> None:
    data = directory(usual(), arrange=lambda records: records[::-1])
    assert again(data) == data


def test_a_directory_without_directory_information_stays() -> None:
    data = (SHIPPED / "DICOMDIR").read_bytes()
    bare = data[: data.index(FIRST)]
    assert again(bare) == bare
