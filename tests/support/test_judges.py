"""Each judge accepts a good file-set and rejects the faults that it should find: a judge that cannot fail proves nothing."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from attrs import frozen

from tests.support import judges, peers, synthetic

pytestmark = pytest.mark.judges

if TYPE_CHECKING:
    from pydicom import Dataset

FIRST: Final = "P001/T001/S001/I000001"
SECOND_PATIENT: Final = "P002/T001/S001/I000001"


@frozen(eq=False)
class Good:
    """A good file-set by DCMTK: its bytes, its records in physical order, its instances."""

    folder: Path
    raw: bytes
    records: Sequence[Dataset]
    uids: frozenset[str]

    def find(self, record_type: str, index: int = 0) -> Dataset:
        """Return the record with this index among those of its type."""
        return [record for record in self.records if record.DirectoryRecordType == record_type][index]

    def place(self, record: Dataset, tag: int) -> slice:
        """Return the position of the value of an element, whose VR must have a short length."""
        start = self.raw.index(struct.pack("<HH", tag >> 16, tag & 0xFFFF), record.seq_item_tell) + 8
        return slice(start, start + struct.unpack_from("<H", self.raw, start - 2)[0])

    def patched(self, record: Dataset, tag: int, value: bytes) -> bytes:
        """Return the DICOMDIR with another value of the same length."""
        place = self.place(record, tag)
        assert len(value) == place.stop - place.start
        return self.raw[: place.start] + value + self.raw[place.stop :]

    def offset(self, record: Dataset, tag: int, value: int) -> bytes:
        """Return the DICOMDIR with another offset."""
        return self.patched(record, tag, struct.pack("<I", value))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Good:
    folder = peers.dcmmkdir(tmp_path_factory.mktemp("good"))
    dicomdir = folder / "DICOMDIR"
    records = judges.read_directory(dicomdir).DirectoryRecordSequence
    return Good(folder, dicomdir.read_bytes(), records, frozenset(judges.instances(dicomdir).values()))


NEXT: Final = 0x00041400
IN_USE: Final = 0x00041410
LOWER: Final = 0x00041420
TYPE: Final = 0x00041430
FILE_ID: Final = 0x00041500
UID: Final = 0x00041511
PATIENT_ID: Final = 0x00100020


def _wrong_uid(good: Good) -> bytes:
    old = good.raw[good.place(good.find("IMAGE"), UID)]
    return good.patched(good.find("IMAGE"), UID, b"2" + old[1:])


def _lower_case(good: Good) -> bytes:
    image = good.find("IMAGE")
    return good.patched(image, FILE_ID, good.raw[good.place(image, FILE_ID)].lower())


def _first_root_record_second(good: Good) -> bytes:
    place = good.raw.index(b"\x04\x00\x00\x12UL\x04\x00") + 8
    return good.raw[:place] + struct.pack("<I", good.records[1].seq_item_tell) + good.raw[place + 4 :]


def _inconsistent(good: Good) -> bytes:
    return good.raw.replace(b"\x04\x00\x12\x12US\x02\x00\x00\x00", b"\x04\x00\x12\x12US\x02\x00\xff\xff")


def _item_too_long(good: Good) -> bytes:
    place = good.find("STUDY").seq_item_tell + 4
    length = struct.unpack_from("<I", good.raw, place)[0]
    return good.raw[:place] + struct.pack("<I", length + 2) + good.raw[place + 4 :]


BREAKS: Final[Mapping[str, tuple[Callable[[Good], bytes], str]]] = {
    "a blank Patient ID": (lambda good: good.patched(good.find("PATIENT"), PATIENT_ID, b"  "), "dciodvfy"),
    "a next offset + 2": (
        lambda good: good.offset(good.find("IMAGE"), NEXT, good.find("IMAGE").OffsetOfTheNextDirectoryRecord + 2),
        "dcdirdmp pydicom links",
    ),
    "a next offset to itself": (
        lambda good: good.offset(good.find("IMAGE"), NEXT, good.find("IMAGE").seq_item_tell),
        "dcdirdmp dcmmkdir pydicom links",
    ),
    "a lower offset beyond the end": (
        lambda good: good.offset(good.find("SERIES"), LOWER, len(good.raw) + 100),
        "dcdirdmp pydicom links",
    ),
    "a series cut off": (lambda good: good.offset(good.find("SERIES"), LOWER, 0), "dcdirdmp links"),
    "a shared child": (
        lambda good: good.offset(
            good.find("PATIENT", 1), LOWER, good.find("PATIENT").OffsetOfReferencedLowerLevelDirectoryEntity
        ),
        "dcdirdmp dcmmkdir links",
    ),
    "the first root offset to the second record": (_first_root_record_second, "dcdirdmp links"),
    "a series under a patient": (
        lambda good: good.offset(
            good.find("PATIENT"), LOWER, good.find("STUDY").OffsetOfReferencedLowerLevelDirectoryEntity
        ),
        "dcdirdmp links",
    ),
    "an unknown record type": (lambda good: good.patched(good.find("IMAGE"), TYPE, b"IMAGX "), "dciodvfy pydicom"),
    "a wrong SOP Instance UID": (_wrong_uid, "dcmmkdir pydicom links"),
    "a File ID in lower case": (_lower_case, "dciodvfy dcdirdmp dcmftest pydicom links"),
    "in-use flag 0000H": (lambda good: good.patched(good.find("IMAGE"), IN_USE, bytes(2)), "links"),
    "in-use flag 0001H": (lambda good: good.patched(good.find("IMAGE"), IN_USE, b"\1\0"), "dciodvfy links"),
    "consistency flag FFFFH": (_inconsistent, "links"),
    "half the DICOMDIR": (
        lambda good: good.raw[: len(good.raw) // 2],
        "dciodvfy dcdirdmp dcmdump dcmmkdir gdcmdump pydicom links",
    ),
    "no prefix": (
        lambda good: good.raw.replace(b"DICM", b"XXXX", 1),
        "dciodvfy dcdirdmp dcmdump dcmftest dcmmkdir gdcmdump pydicom links",
    ),
    "an item that is too long": (_item_too_long, "dciodvfy dcdirdmp dcmdump dcmmkdir pydicom links"),
}
"""Faults of the DICOMDIR, how to make them, and the judges that find them; all others overlook them."""

DAMAGES: Final[Mapping[str, tuple[Callable[[Path], object], str]]] = {
    "a missing file": (lambda folder: (folder / FIRST).unlink(), "dcdirdmp dcmftest pydicom links"),
    "a file that is not DICOM": (lambda folder: (folder / FIRST).write_bytes(bytes(500)), "dcmftest links"),
    "a file of another instance": (
        lambda folder: shutil.copyfile(folder / SECOND_PATIENT, folder / FIRST),
        "links",
    ),
}
"""Faults of the referenced files, how to make them, and the judges that find them."""


@pytest.mark.parametrize("name", judges.JUDGES)
def test_judge_accepts_a_good_file_set(name: str, good: Good) -> None:
    verdict = judges.JUDGES[name](good.folder)
    assert verdict.ok, verdict.errors
    assert verdict.instances in (None, good.uids)


@pytest.mark.slow
@pytest.mark.parametrize("broken", BREAKS)
def test_judges_find_a_broken_directory(
    broken: str, good: Good, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judges, "TIMEOUT", 2.0)
    make, expected = BREAKS[broken]
    folder = shutil.copytree(good.folder, tmp_path / "set")
    (folder / "DICOMDIR").write_bytes(make(good))
    _assert_seen(folder, good.uids, expected)


@pytest.mark.parametrize("damage", DAMAGES)
def test_judges_find_damaged_files(damage: str, good: Good, tmp_path: Path) -> None:
    do, expected = DAMAGES[damage]
    folder = shutil.copytree(good.folder, tmp_path / "set")
    do(folder)
    _assert_seen(folder, good.uids, expected)


def _assert_seen(folder: Path, uids: frozenset[str], expected: str) -> None:
    """Assert that each expected judge objects, if it is installed, and that `judge_file_set` objects."""
    verdicts = {name: judges.JUDGES[name](folder) for name in judges.present()}
    for name in verdicts.keys() & expected.split():
        assert not verdicts[name].ok or verdicts[name].instances != uids, f"{name} sees nothing"
    with pytest.raises(AssertionError):
        judges.assert_clean(verdicts.values(), uids)


def test_every_judge_finds_some_fault() -> None:
    expected = " ".join(names for _, names in (*BREAKS.values(), *DAMAGES.values()))
    assert set(expected.split()) == set(judges.JUDGES)


@pytest.mark.slow
def test_judge_file_set_wants_exactly_the_expected_instances(good: Good) -> None:
    judges.judge_file_set(good.folder, good.uids)
    with pytest.raises(AssertionError, match="lacks"):
        judges.judge_file_set(good.folder, good.uids | {"1.2.3"})
    with pytest.raises(AssertionError, match="has beyond"):
        judges.judge_file_set(good.folder, set(good.uids) - {synthetic.ct_uid()})


def test_absent_tool_skips_with_a_reason(good: Good, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "find_tool", lambda _name: None)
    with pytest.raises(pytest.skip.Exception, match="dciodvfy is not installed"):
        judges.dciodvfy(good.folder)
    assert judges.present() == ["pydicom", "links"]


def test_appending_judge_leaves_the_file_set_as_it_was(good: Good) -> None:
    before = sorted(good.folder.rglob("*"))
    judges.dcmmkdir(good.folder)
    assert sorted(good.folder.rglob("*")) == before
    assert (good.folder / "DICOMDIR").read_bytes() == good.raw


def test_false_alarm_of_one_record_type_counts_for_others(good: Good, tmp_path: Path) -> None:
    """Volumetric states need no Referenced Series Sequence; a grayscale state that lacks it is an error."""
    folder = shutil.copytree(good.folder, tmp_path / "set")
    start = good.raw.index(b"\x08\x00\x15\x11SQ", good.find("PRESENTATION").seq_item_tell)
    (folder / "DICOMDIR").write_bytes(good.raw[:start] + b"\x08\x00\x16\x11SQ" + good.raw[start + 6 :])
    assert any("ReferencedSeriesSequence" in error for error in judges.dciodvfy(folder).errors)


@pytest.mark.parametrize("peer", peers.PEERS)
def test_peer_writes_the_expected_values(peer: str, tmp_path: Path) -> None:
    folder = peers.PEERS[peer](tmp_path)
    listed = judges.instances(folder / "DICOMDIR")
    assert frozenset(listed.items()) == peers.truth(folder)


# pydicom writes wrong records of reports, and dicom3tools a wrong offset; the judges must find these errors.


def test_dciodvfy_finds_content_items_that_are_not_keys(tmp_path: Path) -> None:
    verdict = judges.dciodvfy(peers.pydicom(tmp_path))
    assert any("ContentSequence" in error for error in verdict.errors)


def test_links_finds_the_wrong_last_root_offset_of_dcdirmk(tmp_path: Path) -> None:
    verdict = judges.links(peers.dcdirmk(tmp_path))
    assert verdict.errors == ("the offset of the last root record is wrong",)
