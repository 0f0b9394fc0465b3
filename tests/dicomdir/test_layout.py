"""How a directory is laid out, byte for byte: PS3.10 7.1 and 8.6, PS3.3 F.3.2.2, PS3.5 7.5."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

import pytest
from attrs import evolve

from fileset.dicom.elements import element
from fileset.dicomdir.read.decode import decode
from fileset.dicomdir.read.link import link
from fileset.dicomdir.write.header import Identification, new_frame
from fileset.dicomdir.write.layout import LARGEST_OFFSET, Directory, Frame, encode
from fileset.dicomdir.write.links import Links
from fileset.dicomdir.write.record import RecordEncoder
from fileset.errors import RuleError
from fileset.file_id import FileId
from fileset.part10.file_meta import IMPLEMENTATION_VERSION_NAME

UID: Final = "1.2.826.0.1.3680043.10.1"

# Hexadecimal; two spaces before the meaning. A preamble of zeros and DICM come first: 132 bytes.
META: Final = """
    0200 0000 554c 0400 ae000000  132: (0002,0000) group length 174
    0200 0100 4f42 0000 02000000 0001  (0002,0001) version
    0200 0200 5549 1400 312e322e3834302e31303030382e312e332e3130  (0002,0002) Media Storage Directory Storage
    0200 0300 5549 1800 312e322e3832362e302e312e333638303034332e31302e31  (0002,0003) File-set UID
    0200 1000 5549 1400 312e322e3834302e31303030382e312e322e3100  (0002,0010) Explicit VR Little Endian
    0200 1200 5549 2c00 322e32352e323539323133383631333136373335323436  (0002,0012) implementation class
    313339313239313537323139323534383132333436  ...
"""
IDENTIFICATION: Final = """
    0400 3011 4353 0400 54455354  318: (0004,1130) File-set ID
"""
EXPLICIT: Final = """
    0400 0012 554c 0400 78010000  330: (0004,1200) first root record: 376
    0400 0212 554c 0400 78010000  342: (0004,1202) last root record: 376
    0400 1212 5553 0200 0000  354: (0004,1212) consistent
    0400 2012 5351 0000 a6000000  364: (0004,1220) 166 bytes, to 542

    feff 00e0 50000000  376: item, 80 bytes
    0400 0014 554c 0400 00000000  384: (0004,1400) no next record
    0400 1014 5553 0200 ffff  396: (0004,1410) in use
    0400 2014 554c 0400 d0010000  406: (0004,1420) lower: 464
    0400 3014 4353 0800 50415449454e5420  418: (0004,1430) PATIENT
    1000 1000 504e 0800 446f655e4a616e65  434: (0010,0010) Doe^Jane
    1000 2000 4c4f 0600 503132333435  450: (0010,0020) P12345

    feff 00e0 46000000  464: item, 70 bytes
    0400 0014 554c 0400 00000000  472: (0004,1400) no next record
    0400 1014 5553 0200 ffff  484: (0004,1410) in use
    0400 2014 554c 0400 00000000  494: (0004,1420) nothing below
    0400 3014 4353 0600 494d41474520  506: (0004,1430) IMAGE
    0400 0015 4353 0400 415c4231  520: (0004,1500) A/B1
    2000 1300 4953 0200 3120  532: (0020,0013) 1
"""
UNDEFINED: Final = """
    0400 0012 554c 0400 78010000  330: (0004,1200) first root record: 376
    0400 0212 554c 0400 78010000  342: (0004,1202) last root record: 376
    0400 1212 5553 0200 0000  354: (0004,1212) consistent
    0400 2012 5351 0000 ffffffff  364: (0004,1220) undefined length

    feff 00e0 ffffffff  376: item, undefined length
    0400 0014 554c 0400 00000000  384: (0004,1400) no next record
    0400 1014 5553 0200 ffff  396: (0004,1410) in use
    0400 2014 554c 0400 d8010000  406: (0004,1420) lower: 472
    0400 3014 4353 0800 50415449454e5420  418: (0004,1430) PATIENT
    1000 1000 504e 0800 446f655e4a616e65  434: (0010,0010) Doe^Jane
    1000 2000 4c4f 0600 503132333435  450: (0010,0020) P12345
    feff 0de0 00000000  464: end of the item

    feff 00e0 ffffffff  472: item, undefined length
    0400 0014 554c 0400 00000000  480: (0004,1400) no next record
    0400 1014 5553 0200 ffff  492: (0004,1410) in use
    0400 2014 554c 0400 00000000  502: (0004,1420) nothing below
    0400 3014 4353 0600 494d41474520  514: (0004,1430) IMAGE
    0400 0015 4353 0400 415c4231  528: (0004,1500) A/B1
    2000 1300 4953 0200 3120  540: (0020,0013) 1
    feff 0de0 00000000  550: end of the item
    feff dde0 00000000  558: end of the sequence
"""
EMPTY: Final = """
    0400 0012 554c 0400 00000000  (0004,1200) no first root record
    0400 0212 554c 0400 00000000  (0004,1202) no last root record
    0400 1212 5553 0200 0000  (0004,1212) consistent
    0400 2012 5351 0000 00000000  (0004,1220) no record
"""


def golden(text: str) -> bytes:
    """The bytes of a whole DICOMDIR with this directory."""
    version = element(0x00020013, "SH", IMPLEMENTATION_VERSION_NAME)
    return bytes(128) + b"DICM" + _bytes(META) + version + _bytes(IDENTIFICATION) + _bytes(text)


def _bytes(text: str) -> bytes:
    return b"".join(bytes.fromhex(line.strip().partition("  ")[0]) for line in text.splitlines())


def written(*, undefined_lengths: bool = False) -> bytes:
    """A patient and an image below it, as a Creator lays them out."""
    encoder = RecordEncoder(undefined_lengths=undefined_lengths)
    patient = element(0x00100010, "PN", b"Doe^Jane") + element(0x00100020, "LO", b"P12345")
    links = Links()
    links.append(0)
    links.append(1)
    bodies = [encoder.body("PATIENT", patient), encoder.body("IMAGE", element(0x00200013, "IS", b"1"), rb"A\B1")]
    frame = new_frame(Identification(UID, "TEST"), undefined_lengths=undefined_lengths)
    return b"".join(encode(Directory(frame, bodies, links.next, links.lower, links.first, links.last)))


def test_lengths_are_explicit_by_default() -> None:
    assert written() == golden(EXPLICIT)


def test_lengths_are_undefined_on_request() -> None:
    assert written(undefined_lengths=True) == golden(UNDEFINED)


@pytest.mark.parametrize("text", [EXPLICIT, UNDEFINED], ids=["explicit", "undefined"])
def test_the_bytes_in_this_file_are_read(text: str) -> None:
    flat = decode(golden(text))
    tree = link(flat)
    assert [flat.record_type(index) for index in tree.walk()] == ["PATIENT", "IMAGE"]
    assert list(tree.parent) == [-1, 0]
    assert not flat.findings + tree.findings


def test_the_empty_file_set_has_no_record() -> None:
    data = b"".join(encode(Directory(new_frame(Identification(UID, "TEST")), [])))
    assert data == golden(EMPTY)
    flat = decode(data)
    tree = link(flat)
    assert len(flat) == 0
    assert list(tree.walk()) == []
    assert not flat.findings + tree.findings


def test_a_descriptor_file_is_named_with_its_character_set() -> None:
    identification = Identification(UID, "TEST", FileId("README"), "ISO_IR 100")
    data = b"".join(encode(Directory(new_frame(identification), [])))
    named = element(0x00041141, "CS", b"README") + element(0x00041142, "CS", b"ISO_IR 100")
    whole = golden(EMPTY)
    at = whole.index(_bytes(IDENTIFICATION)) + len(_bytes(IDENTIFICATION))
    assert data == whole[:at] + named + whole[at:]


def test_a_directory_may_be_absent() -> None:
    bare = golden("")
    flat = decode(bare)
    assert not flat.frame.has_directory
    assert [finding.rule for finding in flat.findings] == ["FS-DIRECTORY-ABSENT"]
    assert link(flat).findings == []
    assert b"".join(encode(Directory(flat.frame, []))) == bare


# --- the limits of offsets ------------------------------------------------------------------------------------------


class Weightless:
    """The body of a record of a given length, without memory."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length


def heavy(frame: Frame, *lengths: int) -> Directory:
    """A directory of records of these lengths."""
    return Directory(frame, cast("Sequence[bytes]", [Weightless(length) for length in lengths]))


FRAME: Final = new_frame(Identification(UID), undefined_lengths=True)
ROOM: Final = LARGEST_OFFSET - len(FRAME.head)
"""Bytes of records after which one more may still begin."""


def test_a_record_may_begin_at_the_last_offset_there_is() -> None:
    assert heavy(FRAME, ROOM, 1000).starts[1] == LARGEST_OFFSET


def test_beyond_4_gibibytes_no_offset_can_count() -> None:
    with pytest.raises(RuleError, match=r"4 GiB \(PS3.3 F.3.2.2\).*volumes"):
        heavy(FRAME, ROOM + 1, 1000)


def test_a_length_beyond_4_gibibytes_needs_undefined_length() -> None:
    explicit = new_frame(Identification(UID))
    with pytest.raises(RuleError, match="undefined length"):
        next(encode(heavy(explicit, 1 << 31, 1 << 31)))
    assert next(encode(heavy(FRAME, 1 << 31, 1 << 31)))


# --- identification -------------------------------------------------------------------------------------------------

WRONG: Final[dict[str, Callable[[], Identification]]] = {
    "a lower-case File-set ID": lambda: Identification(UID, "disc"),
    "a File-set ID of 17 characters": lambda: Identification(UID, "A" * 17),
    "a File-set ID with a space": lambda: Identification(UID, "A B"),
    "a UID with a leading zero": lambda: Identification("1.02"),
    "a UID of 65 characters": lambda: Identification("1." + "2" * 63),
    "an unknown character set": lambda: Identification(UID, "", FileId("README"), "ISO_IR 999"),
    "code extensions": lambda: Identification(UID, "", FileId("README"), "ISO 2022 IR 87"),
    "a character set of no file": lambda: Identification(UID, "", None, "ISO_IR 100"),
}


@pytest.mark.parametrize("case", WRONG)
def test_no_file_set_is_identified_against_the_rules(case: str) -> None:
    with pytest.raises(RuleError, match="PS3"):
        WRONG[case]()


def test_the_longest_identification_is_legal() -> None:
    identification = Identification("1." + "2" * 62, "A" * 16)
    assert evolve(identification, file_set_id="").file_set_id == ""
