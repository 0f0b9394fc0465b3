"""Faults that an earlier check overlooked, and false findings that it reported."""

from __future__ import annotations

import shutil
import zlib
from pathlib import Path
from struct import pack
from typing import Final

import pytest

import fileset
from fileset import check_file_set
from fileset.dicom.elements import element, item
from fileset.findings import ERROR, INFO
from fileset.part10.whole_file import FileChecker
from tests.support import synthetic
from tests.support.directories import Rec, directory, image, text
from tests.support.editing import Change, both, drop, edit, put, put_raw
from tests.support.faulty import FAULTS, File, encoded

JPEG: Final = "1.2.840.10008.1.2.4.50"
KANJI: Final = b"\\ISO 2022 IR 87 "
URN: Final = element(0x00080104, "LO", b"Y") + element(0x00080120, "UR", b"http://a b")


def file_rules(data: bytes) -> set[str]:
    return {fault.rule for fault in FileChecker().faults(lambda at, size: data[at : at + size], len(data))}


@pytest.mark.parametrize(
    ("title", "rule"),
    [
        *((f"group {group:04X}", "FS-ELEMENT-GROUP") for group in (*range(8), 0xFFFF)),
        ("group 0002 in an item", "FS-ELEMENT-GROUP"),
        ("garbage in a sequence", "FS-FILE-BAD-HEADER"),
        ("item beyond its sequence", "FS-FILE-BAD-HEADER"),
        ("order in an item", "FS-ELEMENT-ORDER"),
        ("meta private creator", "FS-META-FORM"),
        ("meta private information", "FS-META-FORM"),
        ("no preamble", "FS-FILE-NO-PREFIX"),
        ("VR of a date", "FS-ELEMENT-VR"),
        ("VR of a name", "FS-ELEMENT-VR"),
        ("VR of a key in an item", "FS-ELEMENT-VR"),
        ("VR of encapsulated pixels", "FS-ELEMENT-VR"),
        ("private without creator", "FS-FILE-PRIVATE"),
        ("private without creator in an item", "FS-FILE-PRIVATE"),
        ("empty private creator", "FS-FILE-PRIVATE"),
        ("private creator of VR SH", "FS-ELEMENT-VR"),
        ("private number below 0010", "FS-FILE-PRIVATE"),
    ],
)
def test_a_fault_of_a_file_is_found(title: str, rule: str) -> None:
    data = synthetic.encode(synthetic.instance(synthetic.CT_IMAGE))
    assert file_rules(data) == set()
    assert file_rules(FAULTS[title](File(data))) == {rule}


@pytest.mark.parametrize("mark", [b"\xfe\xff\0\xe0OB\0\0", b"\xfe\xff\x0d\xe0OB\0\0", b"\xfe\xff\0\xe0\0\0\0\0"])
@pytest.mark.parametrize(("tag", "rule"), [(0x00080005, "FS-FILE-BAD-HEADER"), (0xFFFF0000, "FS-FILE-TRAILING")])
def test_a_mark_between_items_is_no_data_element(mark: bytes, tag: int, rule: str) -> None:
    file = File(synthetic.encode(synthetic.instance(synthetic.CT_IMAGE)))
    file.put(tag, mark + bytes(4))
    assert rule in file_rules(file.encoded())


@pytest.mark.parametrize(
    ("sop_class", "tag"),
    [
        (synthetic.HANGING_PROTOCOL, 0x00720006),
        (synthetic.COMPREHENSIVE_SR, 0x0040A491),
        (synthetic.COMPREHENSIVE_SR, 0x0040A493),
    ],
)
def test_an_invented_value_is_one_of_the_enumerated_values(sop_class: str, tag: int, tmp_path: Path) -> None:
    file = File(synthetic.encode(synthetic.instance(sop_class)))
    file.drop(tag)
    (tmp_path / "IM1").write_bytes(file.encoded())
    assert "FS-KEY-INVENTED" in {finding.rule for finding in fileset.index(tmp_path).findings}
    assert check_file_set(tmp_path).conformant


META_FAULTS: Final = [title for title in FAULTS if title.startswith("meta ")]


@pytest.mark.parametrize("title", META_FAULTS)
def test_a_shall_of_file_meta_is_an_error(title: str, tmp_path: Path) -> None:
    (tmp_path / "IM1").write_bytes(FAULTS[title](File(synthetic.encode(synthetic.instance(synthetic.CT_IMAGE)))))
    fileset.index(tmp_path)
    assert ERROR in {finding.severity for finding in check_file_set(tmp_path).findings if finding.where.file == "IM1"}


def test_a_group_length_is_retired_but_no_fault() -> None:
    file = File(synthetic.encode(synthetic.instance(synthetic.CT_IMAGE)))
    file.put(0x00080000, encoded(0x00080000, b"UL", pack("<I", 4)))
    assert file_rules(file.encoded()) == set()


@pytest.mark.parametrize("vr", [b"OB", b"UN"])
def test_an_offset_table_with_a_wrong_vr_is_found(vr: bytes) -> None:
    file = File(synthetic.encode(synthetic.instance(synthetic.CT_IMAGE, transfer_syntax=JPEG)))
    offsets, lengths = encoded(0x7FE00001, b"OV", pack("<Q", 0)), encoded(0x7FE00002, b"OV", pack("<Q", 0))
    file.put(0x7FE00001, offsets)
    file.put(0x7FE00002, lengths)
    right = file_rules(file.encoded())
    file.put(0x7FE00001, offsets.replace(b"OV", vr))
    assert file_rules(file.encoded()) - right == {"FS-ELEMENT-VR"}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("blind") / "SET"
    kinds = (synthetic.CT_IMAGE, synthetic.GRAYSCALE_STATE, synthetic.BLENDING_STATE)
    for number, sop_class in enumerate(kinds, start=1):
        synthetic.write(synthetic.instance(sop_class, series=number, number=number), folder / "A" / f"IM{number}")
    fileset.index(folder)
    return folder


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "SET"))


ICON: Final = element(
    0x00880200,
    "SQ",
    item(
        b"".join(
            element(tag, vr, value)
            for tag, vr, value in (
                (0x00280002, "US", b"\1\0"),
                (0x00280004, "CS", b"MONOCHROME2"),
                (0x00280010, "US", b"\x08\0"),
                (0x00280011, "US", b"\x08\0"),
                (0x00280100, "US", b"\x08\0"),
                (0x00280101, "US", b"\x08\0"),
                (0x00280102, "US", b"\7\0"),
                (0x00280103, "US", b"\0\0"),
                (0x7FE00010, "OB", bytes(60)),
            )
        )
    ),
)


@pytest.mark.parametrize(
    ("record_type", "change", "rule"),
    [
        ("IMAGE", put(0x00041500, "CS", b"A/IM1"), "FS-FILE-ID-FORM"),
        ("IMAGE", put(0x00041500, "CS", b"\\A\\IM1"), "FS-FILE-ID-FORM"),
        ("IMAGE", put(0x00041432, "UI", b"1.2.3"), "FS-KEY-NEEDLESS"),
        ("IMAGE", put_raw(0x00880200, ICON), "FS-KEY-ICON"),
        ("STUDY", put(0x00080020, "DA", b"20230231"), "FS-VALUE-FORM"),
        ("STUDY", put(0x00080050, "SH", b"A\\B"), "FS-VALUE-FORM"),
        ("PATIENT", put(0x00100020, "LO", b"P1\\P2"), "FS-VALUE-FORM"),
        ("STUDY", both(put(0x00080005, "CS", b"ISO_IR 100"), put(0x00081030, "LO", b"M\x9a")), "FS-CHARSET-DIFFERS"),
        ("STUDY", put(0x00080005, "CS", b"ISO_IR 192\\ISO 2022 IR 87"), "FS-CHARSET-UNKNOWN"),
        ("PRESENTATION", drop(0x00081115), "FS-KEY-CONDITION"),
        ("PRESENTATION", put_raw(0x00081115, element(0x00081115, "SQ", item(b""))), "FS-KEY-TYPE1-MISSING"),
        ("PRESENTATION", put_raw(0x00081115, element(0x00081115, "SQ", b"garbage!")), "FS-RECORD-MALFORMED"),
        ("IMAGE", put(0x00041410, "US", b"\0\0"), "FS-RECORD-INACTIVE"),
        ("IMAGE", put(0x00041410, "US", b"\1\0"), "FS-RECORD-IN-USE-FLAG"),
        ("STUDY", put(0x00080016, "LO", b"1.2"), "FS-ELEMENT-VR"),
        ("STUDY", put(0x00091001, "LO", b"ab"), "FS-PRIVATE-CREATOR"),
        ("STUDY", put(0x00090010, "LO", b""), "FS-PRIVATE-CREATOR"),
        ("STUDY", put(0x00090001, "LO", b"ab"), "FS-PRIVATE-CREATOR"),
        ("STUDY", put(0x00090010, "OB", b"ab"), "FS-ELEMENT-VR"),
        ("IMAGE", put(0x00041410, "US", b""), "FS-RECORD-ELEMENT"),
        ("STUDY", put(0x00080020, "DA", b"00000101"), "FS-VALUE-FORM"),
        ("STUDY", both(put(0x00080005, "CS", b"ISO_IR 6"), put(0x00081030, "LO", b"M\xfc")), "FS-CHARSET-MISSING"),
        ("STUDY", both(put(0x00080005, "CS", KANJI), put(0x00081030, "LO", b"M\xfc")), "FS-CHARSET-DIFFERS"),
        ("STUDY", both(put(0x00080005, "CS", KANJI), put(0x00081030, "LO", b"\x1b$B;3ED ")), "FS-CHARSET-DIFFERS"),
        ("STUDY", both(put(0x00080005, "CS", b"ISO_IR 13 "), put(0x00081030, "LO", b"\x8eR")), "FS-CHARSET-DIFFERS"),
        ("STUDY", put(0x00080005, "CS", b"ISO_IR 149"), "FS-CHARSET-UNKNOWN"),
        ("PRESENTATION", put_raw(0x0040A043, element(0x0040A043, "SQ", item(URN))), "FS-VALUE-FORM"),
    ],
    ids=[
        "slash in a File ID",
        "leading backslash in a File ID",
        "Private Record UID of an image",
        "too few pixels in an icon",
        "date that does not exist",
        "two accession numbers",
        "two Patient IDs",
        "C1 control characters",
        "sets that do not combine",
        "presentation state without its series",
        "presentation state whose series has no UID",
        "garbage in a sequence",
        "in-use flag 0000H",
        "in-use flag 0001H",
        "wrong VR",
        "private element without creator",
        "empty private creator",
        "private number below 0010",
        "private creator of VR OB",
        "empty in-use flag",
        "a year before the first",
        "Latin-1 under ISO_IR 6",
        "Latin-1 under a set with escape sequences",
        "kanji without end",
        "Shift-JIS under ISO_IR 13",
        "a set that exists only with escape sequences",
        "a space inside a URN",
    ],
)
def test_a_fault_of_a_record_is_found(copy: Path, record_type: str, change: Change, rule: str) -> None:
    edit(copy, record_type, change)
    assert rule in {finding.rule for finding in check_file_set(copy).findings}


def test_a_blending_state_without_its_sequence_is_an_error(copy: Path) -> None:
    edit(copy, "PRESENTATION", drop(0x00700402), number=1)
    assert "FS-KEY-CONDITION" in {finding.rule for finding in check_file_set(copy).findings}


@pytest.mark.parametrize("flag", [b"\0\0", b"\1\0"])
def test_an_in_use_flag_other_than_ffff_is_an_error(copy: Path, flag: bytes) -> None:
    """PS3.3 F.3.2.2: FFFFH "shall" be used; 0000H is a record that the Standard no longer knows."""
    edit(copy, "IMAGE", put(0x00041410, "US", flag))
    assert {finding.severity for finding in check_file_set(copy).findings if "IN" in finding.rule} >= {ERROR}
    assert check_file_set(copy).errors


def test_an_mrdr_is_retired_and_no_error(tmp_path: Path) -> None:
    held = Rec("MRDR", image("A", "1.1").keys)
    (tmp_path / "DICOMDIR").write_bytes(directory([Rec("IMAGE", {0x00200013: text("1", "IS")}, mrdr=held)]))
    about = [finding for finding in check_file_set(tmp_path, files=False).findings if "MRDR" in finding.where.record]
    assert [(finding.rule, finding.severity) for finding in about] == [("FS-RECORD-RETIRED", INFO)]


@pytest.mark.parametrize(
    ("in_file", "in_record", "errors"),
    [
        (["-123.456789012", "0.1234567", "99999.95"], b"-123.457\\0.123457\\100000", 0),
        (["1.0000000001", "-0.0000000021", "3"], b"1\\0\\3.000000", 0),
        (["-123.456789012", "0.1234567", "99999.95"], b"-123.5\\0.123457\\100000", 1),
    ],
    ids=["6 digits", "6 digits after the point", "4 digits"],
)
def test_a_decimal_string_may_be_rounded_to_6_digits(
    in_file: list[str], in_record: bytes, errors: int, tmp_path: Path
) -> None:
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    dataset.ImagePositionPatient = in_file
    synthetic.write(dataset, tmp_path / "IM1")
    fileset.index(tmp_path)
    edit(tmp_path, "IMAGE", put(0x00200032, "DS", in_record + b" " * (len(in_record) % 2)))
    assert check_file_set(tmp_path).errors == errors


def test_a_group_length_in_a_record_is_no_error(copy: Path) -> None:
    edit(copy, "STUDY", put(0x00080000, "UL", pack("<I", 4)))
    assert check_file_set(copy).errors == 0


def test_a_dicomdir_without_group_length_is_an_error(copy: Path) -> None:
    data = (copy / "DICOMDIR").read_bytes()
    (copy / "DICOMDIR").write_bytes(data[:132] + data[144:])
    findings = [finding for finding in check_file_set(copy, files=False).findings if finding.severity == ERROR]
    assert "FS-META-MISSING" in {finding.rule for finding in findings}


def test_a_deflated_dicomdir_is_read_and_called_an_error(copy: Path) -> None:
    data = (copy / "DICOMDIR").read_bytes()
    end = 144 + int.from_bytes(data[140:144], "little")
    old, new = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"
    meta = data[132:end].replace(b"UI" + pack("<H", len(old)) + old, b"UI" + pack("<H", len(new)) + new)
    meta = encoded(0x00020000, b"UL", pack("<I", len(meta) - 12)) + meta[12:]
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    (copy / "DICOMDIR").write_bytes(data[:132] + meta + deflater.compress(data[end:]) + deflater.flush())
    with fileset.Reader(copy) as reader:
        assert len(list(reader.instances)) == 3
    assert "FS-DICOMDIR-SYNTAX" in {finding.rule for finding in check_file_set(copy).findings}
    with fileset.Updater(copy) as updater:  # it is no other DICOMDIR than the one that was read
        updater.file_set_id = "INFLATED"
    assert check_file_set(copy).conformant


def test_a_data_set_that_its_character_set_cannot_hold_is_refused(tmp_path: Path) -> None:
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    dataset.SpecificCharacterSet, dataset.PatientName = "ISO_IR 100", "山田"
    creator = fileset.Creator(tmp_path / "OUT")
    with pytest.raises(fileset.RuleError):
        creator.add(dataset)


def test_a_data_set_gets_our_file_meta(tmp_path: Path) -> None:
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    del dataset.file_meta
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(dataset)
    with fileset.Reader(tmp_path / "OUT") as reader:
        meta = next(iter(reader.instances)).dataset().file_meta
    assert str(meta.ImplementationVersionName).startswith("FILESET")
    assert (meta.FileMetaInformationVersion, meta.MediaStorageSOPInstanceUID) == (b"\0\1", dataset.SOPInstanceUID)
    assert check_file_set(tmp_path / "OUT").errors == 0


def test_an_item_keeps_its_own_character_set(tmp_path: Path) -> None:
    dataset = synthetic.instance(synthetic.GRAYSCALE_STATE)
    dataset.SpecificCharacterSet = "ISO_IR 100"
    alternate = dataset.AlternateContentDescriptionSequence[0]
    alternate.SpecificCharacterSet, alternate.ContentDescription = "ISO_IR 144", "Снимок"
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(synthetic.write(dataset, tmp_path / "IN"))
    assert check_file_set(tmp_path / "OUT").findings == []
    data = (tmp_path / "OUT" / "DICOMDIR").read_bytes()
    assert "Снимок".encode("iso8859_5") in data
    assert b"ISO_IR 144" in data
