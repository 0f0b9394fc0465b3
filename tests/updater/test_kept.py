"""An update keeps content that it does not understand byte for byte: private, unknown and retired."""

from __future__ import annotations

from pathlib import Path
from struct import pack, unpack_from

import pytest

import fileset
from fileset.reader import Record
from tests.support import synthetic
from tests.updater.conftest import ct_file, files, records, uids

LINKS = b"\x04\x00\x00\x14UL\4\0\0\0\0\0\x04\x00\x10\x14US\2\0\xff\xff\x04\x00\x20\x14UL\4\0\0\0\0\0"


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    return pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def record(kind: bytes, content: bytes = b"") -> bytes:
    """An item of the Directory Record Sequence, its links 0."""
    whole = LINKS + element(0x00041430, b"CS", kind + b" " * (len(kind) % 2)) + content
    return b"\xfe\xff\x00\xe0" + pack("<I", len(whole)) + whole


def appended(folder: Path, *new: bytes) -> list[int]:
    """Append items to the DICOMDIR; their offsets."""
    data = bytearray((folder / "DICOMDIR").read_bytes())
    offsets = []
    for one in new:
        offsets.append(len(data))
        data += one
    at = data.index(b"\x04\x00\x20\x12SQ") + 8
    data[at : at + 4] = pack("<I", unpack_from("<I", data, at)[0] + sum(map(len, new)))
    (folder / "DICOMDIR").write_bytes(data)
    return offsets


def linked(folder: Path, at: int, offset: int) -> None:
    """Write an offset into the DICOMDIR."""
    data = bytearray((folder / "DICOMDIR").read_bytes())
    data[at : at + 4] = pack("<I", offset)
    (folder / "DICOMDIR").write_bytes(data)


def first_of(folder: Path, kind: str) -> Record:
    with fileset.Reader(folder) as reader:
        return next(record for record in reader.records if record.record_type == kind)


STRANGE = {
    "private": record(b"PRIVATE", element(0x00041432, b"UI", b"2.25.1\0\0") + element(0x00091010, b"LO", b"MINE")),
    "unknown type": record(b"FUTURE RECORD", element(0x00100020, b"LO", b"P1")),
    "retired type": record(b"VISIT", element(0x0008002E, b"XX", b"")),
    "group lengths": record(
        b"OVERLAY", element(0x00080000, b"UL", pack("<I", 4711)) + element(0x00200022, b"IS", b"1 ")
    ),
    "another character set": record(
        b"CURVE", element(0x00080005, b"CS", b"ISO_IR 144") + element(0x00081070, b"PN", "Люба".encode("iso8859_5"))
    ),
}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
def test_unusual_records_are_kept_in_their_places(disc: Path, tmp_path: Path, strange: bytes) -> None:
    [offset] = appended(disc, strange)
    image = first_of(disc, "IMAGE")
    linked(disc, image.offset + 38, offset)
    with fileset.Updater(disc) as updater:
        updater.add(ct_file(tmp_path, 1, 1, 1, 9))
        updater.remove(PatientID="P2")
    assert strange in records(disc)
    with fileset.Reader(disc) as reader:
        [child] = next(reader.instances).children
        assert child.parent is not None
        assert child.parent.sop_instance_uid == synthetic.ct_uid()


def test_records_below_a_removed_record_are_removed_too(disc: Path) -> None:
    [offset] = appended(disc, STRANGE["private"])
    linked(disc, first_of(disc, "SERIES").offset + 38, offset)
    linked(disc, offset + 16, first_of(disc, "SERIES").offset)  # nonsense that a repair would mend
    with pytest.raises(fileset.RefusedError):
        fileset.Updater(disc)


def test_a_private_record_keeps_its_patient_when_all_else_is_removed(disc: Path) -> None:
    [offset] = appended(disc, STRANGE["private"])
    with fileset.Reader(disc) as reader:
        *_, study = next(reader.patients).children
    linked(disc, study.offset + 16, offset)
    with fileset.Updater(disc) as updater:
        updater.remove(PatientID="P1", Modality="CT")
    assert STRANGE["private"] in records(disc)
    with fileset.Updater(disc) as updater:
        updater.remove(PatientID="P1")
    assert STRANGE["private"] not in records(disc)


@pytest.fixture
def shared(disc: Path) -> Path:
    """A file-set whose first image references its file through a Multi-Referenced File Directory Record."""
    data = (disc / "DICOMDIR").read_bytes()
    image = first_of(disc, "IMAGE")
    at = data.index(b"\x04\x00\x00\x15CS", image.offset)
    end = data.index(b"\x20\x00\x13\x00IS", at)
    mrdr = record(b"MRDR", data[at:end] + element(0x00041600, b"UL", pack("<I", 1)))
    [target] = appended(disc, mrdr)
    rest = data[end : image.offset + 8 + unpack_from("<I", data, image.offset + 4)[0]]
    [offset] = appended(disc, record(b"IMAGE", element(0x00041504, b"UL", pack("<I", target)) + rest))
    linked(disc, offset + 16, unpack_from("<I", data, image.offset + 16)[0])
    linked(disc, first_of(disc, "SERIES").offset + 38, offset)
    changed = bytearray((disc / "DICOMDIR").read_bytes())
    changed[image.offset + 28 : image.offset + 30] = bytes(2)  # the former record of the image is in no entity now
    (disc / "DICOMDIR").write_bytes(changed)
    return disc


def test_a_multi_referenced_file_is_still_found_after_an_update(shared: Path, tmp_path: Path) -> None:
    before = uids(shared)
    assert before[0] == synthetic.ct_uid()
    with fileset.Updater(shared) as updater:
        updater.add(ct_file(tmp_path, 9, 1, 1, 1))
    assert uids(shared) == [*before, synthetic.ct_uid(9)]


@pytest.mark.parametrize("change", ["remove", "refresh"])
def test_a_multi_referenced_file_is_not_changed(shared: Path, change: str) -> None:
    before = files(shared)
    with fileset.Updater(shared) as updater, pytest.raises(fileset.RefusedError, match="Multi-Referenced"):
        getattr(updater, change)(SOPInstanceUID=synthetic.ct_uid())
    assert files(shared) == before


@pytest.mark.parametrize("change", ["remove", "refresh"])
def test_the_records_of_a_refused_change_stay_if_another_change_follows(
    shared: Path, tmp_path: Path, change: str
) -> None:
    before = uids(shared)
    with fileset.Updater(shared) as updater:
        with pytest.raises(fileset.RefusedError, match="Multi-Referenced"):
            getattr(updater, change)(PatientID="*")
        updater.add(ct_file(tmp_path, 9, 1, 1, 1))
    assert uids(shared) == [*before, synthetic.ct_uid(9)]
