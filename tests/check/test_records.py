"""Rules for records: one element is changed in a good DICOMDIR, and exactly that is found, in that record."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import pytest

import fileset
from fileset import check_file_set
from fileset.dicom.elements import element, item
from fileset.standard.sop_classes import SOP_CLASSES
from tests.support import synthetic
from tests.support.editing import CODE, Change, both, drop, edit, last, put, put_raw

RAW: Final = "1.2.840.10008.5.1.4.1.1.66"
KINDS: Final = (
    synthetic.CT_IMAGE,
    synthetic.COMPREHENSIVE_SR,
    synthetic.KEY_OBJECT,
    synthetic.GRAYSCALE_STATE,
    synthetic.BLENDING_STATE,
    synthetic.ENCAPSULATED_CDA,
    synthetic.SPECTROSCOPY,
    synthetic.WAVEFORM_STATE,
    RAW,
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A series of each kind, two patients, and a hanging protocol in the root."""
    folder = tmp_path_factory.mktemp("good") / "SET"
    for number, sop_class in enumerate(KINDS, start=1):
        synthetic.write(synthetic.instance(sop_class, series=number, number=number), folder / f"IM{number}")
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, patient=2), folder / "IM100")
    synthetic.write(synthetic.instance(synthetic.HANGING_PROTOCOL), folder / "HP1")
    fileset.index(folder, file_set_id="GOOD", file_set_uid="2.25.1")
    return folder


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "SET"))


def test_every_record_of_ours_is_right(tmp_path: Path) -> None:
    """Of every SOP class that a record can be made for."""
    synthetic.write_every_sop_class(tmp_path / "IN")
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(tmp_path / "IN")
    report = check_file_set(tmp_path / "OUT")
    named = {finding.rule for finding in creator.report.findings if finding.where.record == "HL7 STRUC DOC"}
    errors = {finding.rule: finding for finding in report.findings if finding.severity == "error"}
    assert errors.keys() == named == {"FS-SYNTAX-DIFFERS", "FS-REFERENCE-NOT-DICOM"}, "only DICOM files called HL7"
    assert report.files == len(creator.report.added) > len(SOP_CLASSES) // 2


def test_the_good_one_is_right(good: Path) -> None:
    report = check_file_set(good)
    assert report.findings == []
    assert report.conformant
    assert (report.file_set_id, report.file_set_uid) == ("GOOD", "2.25.1")


ICON: Final = item(
    element(0x00280002, "US", b"\3\0")
    + element(0x00280004, "CS", b"RGB")
    + element(0x00280010, "US", b"\1\0")
    + element(0x00280011, "US", b"\1\0")
    + element(0x00280100, "US", b"\x08\0")
    + element(0x00280101, "US", b"\x08\0")
    + element(0x00280102, "US", b"\7\0")
    + element(0x00280103, "US", b"\0\0")
    + element(0x7FE00010, "OB", b"\0\0")
)

CASES: Final[list[tuple[str, str, Change, set[str]]]] = [
    # links, type and file reference
    ("IMAGE", "no next offset", drop(0x00041400), {"FS-OFFSET-ABSENT"}),
    ("IMAGE", "no in-use flag", drop(0x00041410), {"FS-RECORD-ELEMENT"}),
    ("IMAGE", "no SOP Class UID", drop(0x00041510), {"FS-RECORD-REFERENCE"}),
    ("IMAGE", "no File ID", drop(0x00041500), {"FS-RECORD-REFERENCE"}),
    ("IMAGE", "no reference", drop(0x00041500, 0x00041510, 0x00041511, 0x00041512), {"FS-RECORD-REFERENCE"}),
    ("SERIES", "a File ID", put(0x00041500, "CS", b"A"), {"FS-RECORD-REFERENCE"}),
    ("IMAGE", "PRIVATE without UID", put(0x00041430, "CS", b"PRIVATE"), {"FS-RECORD-PRIVATE-UID"}),
    ("IMAGE", "unknown type", put(0x00041430, "CS", b"PHOTO"), {"FS-RECORD-TYPE"}),
    ("IMAGE", "retired type", put(0x00041430, "CS", b"CURVE"), {"FS-RECORD-RETIRED", "FS-KEY-TYPE1-MISSING"}),
    (
        "IMAGE",
        "type of the root",
        put(0x00041430, "CS", b"PALETTE"),
        {"FS-HIERARCHY", "FS-KEY-TYPE1-MISSING", "FS-KEY-TYPE2-MISSING"},
    ),
    ("HANGING PROTOCOL", "type of a leaf", put(0x00041430, "CS", b"PLAN"), {"FS-HIERARCHY"}),
    # File IDs
    ("IMAGE", "long component", put(0x00041500, "CS", b"DICOM\\IM0000001"), {"FS-FILE-ID-FORM"}),
    ("IMAGE", "nine components", put(0x00041500, "CS", b"\\".join([b"A"] * 9)), {"FS-FILE-ID-FORM"}),
    ("IMAGE", "a hyphen", put(0x00041500, "CS", b"IM-1"), {"FS-FILE-ID-FORM"}),
    ("IMAGE", "absolute", put(0x00041500, "CS", b"\\\\A\\B"), {"FS-FILE-ID-HOSTILE"}),
    ("IMAGE", "a drive", put(0x00041500, "CS", b"C:\\A"), {"FS-FILE-ID-HOSTILE"}),
    ("IMAGE", "the DICOMDIR", put(0x00041500, "CS", b"DICOMDIR"), {"FS-FILE-ID-RESERVED"}),
    ("IMAGE", "another's file", put(0x00041500, "CS", b"IM2"), {"FS-FILE-SHARED"}),
    # types and conditions
    ("PATIENT", "Type 1 blank", put(0x00100020, "LO", b"  "), {"FS-KEY-TYPE1-MISSING"}),
    ("PATIENT", "Type 1 backslashes", put(0x00100020, "LO", b"\\\\"), {"FS-KEY-TYPE1-MISSING"}),
    ("PATIENT", "Type 1 absent", drop(0x00100020), {"FS-KEY-TYPE1-MISSING"}),
    ("PATIENT", "Type 2 absent", drop(0x00100010), {"FS-KEY-TYPE2-MISSING"}),
    ("PATIENT", "Type 2 empty is right", put(0x00100010, "PN", b""), set()),
    ("STUDY", "UID absent", drop(0x0020000D), {"FS-KEY-CONDITION"}),
    ("IMAGE", "number absent", drop(0x00200013), {"FS-KEY-TYPE1-MISSING"}),
    ("RAW DATA", "number empty is right", put(0x00200013, "IS", b""), set()),
    ("SR DOCUMENT", "verified when?", drop(0x0040A030), {"FS-KEY-CONDITION"}),
    ("SR DOCUMENT", "unverified then", put(0x0040A493, "CS", b"UNVERIFIED"), {"FS-KEY-NEEDLESS"}),
    ("SR DOCUMENT", "half complete", put(0x0040A491, "CS", b"HALF"), {"FS-VALUE-ENUMERATED"}),
    ("ENCAP DOC", "CDA without identifier", drop(0x0040E001), {"FS-KEY-CONDITION"}),
    # sequences
    ("KEY OBJECT DOC", "no title", put(0x0040A043, "SQ", b""), {"FS-KEY-TYPE1-MISSING"}),
    ("KEY OBJECT DOC", "two titles", put(0x0040A043, "SQ", item(CODE) * 2), {"FS-KEY-ITEMS"}),
    ("KEY OBJECT DOC", "title without meaning", put(0x0040A043, "SQ", item(CODE[:20])), {"FS-KEY-TYPE1-MISSING"}),
    ("KEY OBJECT DOC", "code without scheme", put(0x0040A043, "SQ", item(CODE[:10] + CODE[20:])), {"FS-KEY-CONDITION"}),
    ("KEY OBJECT DOC", "damaged items", put(0x0040A043, "SQ", b"\1\2\3\4\5\6\7\x08"), {"FS-RECORD-MALFORMED"}),
    ("BLENDING", "one blended", put(0x00700402, "SQ", item(b"")), {"FS-KEY-ITEMS", "FS-KEY-TYPE1-MISSING"}),
    ("SERIES", "icon in colours", put(0x00880200, "SQ", ICON), {"FS-KEY-ICON"}),
    # values
    ("STUDY", "old date", put(0x00080020, "DA", b"2024.01.01"), {"FS-VALUE-FORM"}),
    ("STUDY", "no date", put(0x00080020, "DA", b"20241301"), {"FS-VALUE-FORM"}),
    ("STUDY", "old time", put(0x00080030, "TM", b"10:20:30"), {"FS-VALUE-FORM"}),
    ("STUDY", "short time is right", put(0x00080030, "TM", b"10"), set()),
    ("STUDY", "long SH", put(0x00200010, "SH", b"S" * 17), {"FS-VALUE-FORM"}),
    ("STUDY", "long LO", put(0x00081030, "LO", b"S" * 65), {"FS-VALUE-FORM"}),
    ("STUDY", "LO of 64 is right", put(0x00081030, "LO", b"S" * 64), set()),
    ("STUDY", "control character", put(0x00081030, "LO", b"a\x07b"), {"FS-VALUE-FORM"}),
    ("PATIENT", "six components", put(0x00100010, "PN", b"a^b^c^d^e^f"), {"FS-VALUE-FORM"}),
    ("PATIENT", "four groups", put(0x00100010, "PN", b"a=b=c=d"), {"FS-VALUE-FORM"}),
    ("SERIES", "lower case", put(0x00080060, "CS", b"ct"), {"FS-VALUE-FORM"}),
    ("SERIES", "no number", put(0x00200011, "IS", b"one"), {"FS-VALUE-FORM"}),
    ("SERIES", "number too large", put(0x00200011, "IS", b"4294967296"), {"FS-VALUE-FORM"}),
    ("SERIES", "leading zero in UID", put(0x0020000E, "UI", b"1.02"), {"FS-UID-FORM"}),
    ("SERIES", "long UID", put(0x0020000E, "UI", b"1." + b"2" * 63), {"FS-UID-INVALID"}),
    (
        "SERIES",
        "UID padded with space",
        put_raw(0x0020000E, element(0x0020000E, "UI", b"1.2.3 ")),
        {"FS-VALUE-PADDING"},
    ),
    ("SERIES", "text padded with NUL", put(0x00080060, "CS", b"CT\0\0"), {"FS-VALUE-PADDING"}),
    # encoding
    ("IMAGE", "odd length", put_raw(0x00200013, b"\x20\0\x13\0IS\1\x001"), {"FS-ELEMENT-LENGTH"}),
    ("PATIENT", "wrong VR", put(0x00100020, "SH", b"P1"), {"FS-ELEMENT-VR"}),
    ("PATIENT", "wrong VR of another key", put(0x00100040, "LO", b"F"), {"FS-ELEMENT-VR"}),
    ("PATIENT", "another key is right", put(0x00100040, "CS", b"F"), set()),
    ("IMAGE", "out of order", last(0x00041511), {"FS-ELEMENT-ORDER"}),
    ("IMAGE", "group 2", put(0x00020010, "UI", b"1.2"), {"FS-ELEMENT-GROUP"}),
    ("IMAGE", "private alone", put(0x00091001, "LO", b"x"), {"FS-PRIVATE-CREATOR"}),
    ("IMAGE", "private block is right", both(put(0x00090010, "LO", b"ACME"), put(0x00091001, "LO", b"x")), set()),
    # character sets
    ("PATIENT", "no character set", put(0x00100010, "PN", "Müller".encode()), {"FS-CHARSET-MISSING"}),
    ("PATIENT", "no such set", put(0x00080005, "CS", b"ISO_IR 999"), {"FS-CHARSET-UNKNOWN"}),
    (
        "PATIENT",
        "not in the set",
        both(put(0x00080005, "CS", b"ISO_IR 192"), put(0x00100010, "PN", b"M\xfcller")),
        {"FS-CHARSET-DIFFERS"},
    ),
    (
        "PATIENT",
        "64 characters of 3 bytes are right",
        both(put(0x00080005, "CS", b"ISO_IR 192"), put(0x00100010, "PN", ("山" * 64).encode())),
        set(),
    ),
]


@pytest.mark.parametrize(("kind", "title", "change", "rules"), CASES, ids=[f"{row[0]}: {row[1]}" for row in CASES])
def test_the_fault_of_a_record_is_found_and_nothing_else(
    kind: str, title: str, change: Change, rules: set[str], copy: Path
) -> None:
    del title
    edit(copy, "PRESENTATION" if kind == "BLENDING" else kind, change, number=1 if kind == "BLENDING" else 0)
    report = check_file_set(copy, files=False)
    assert {finding.rule for finding in report.findings} == rules, [str(finding) for finding in report.findings]
    assert all(finding.where.record and finding.where.offset for finding in report.findings)
    assert all(finding.section for finding in report.findings)


@pytest.fixture(scope="module")
def alike(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a series of images whose records differ only in their values."""
    folder = tmp_path_factory.mktemp("alike") / "SET"
    synthetic.ct_series(folder, patients=1, studies=1, series=1, instances=9)
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=0), folder / "IM2")
    fileset.index(folder)
    return folder


_OF_IMAGES: Final = [row for row in CASES if row[0] == "IMAGE"]


@pytest.mark.parametrize(("kind", "title", "change", "rules"), _OF_IMAGES, ids=[row[1] for row in _OF_IMAGES])
def test_a_record_among_many_like_it_is_looked_at_all_the_same(
    kind: str, title: str, change: Change, rules: set[str], alike: Path, tmp_path: Path
) -> None:
    del title
    copy = Path(shutil.copytree(alike, tmp_path / "SET"))
    edit(copy, kind, change, number=9)
    report = check_file_set(copy, files=False)
    assert {finding.rule for finding in report.findings} == rules, [str(finding) for finding in report.findings]


@pytest.mark.parametrize(
    ("tag", "vr", "value", "rules"),
    [
        (0x00041511, "UI", b"1.02", {"FS-UID-FORM"}),
        (0x00041511, "UI", b"1..2", {"FS-UID-FORM"}),
        (0x00041511, "UI", b"1.x2", {"FS-UID-INVALID"}),
        (0x00041511, "UI", b"1.41", {"FS-UID-ARC"}),
        (0x00041511, "UI", b"1.2 ", {"FS-VALUE-PADDING"}),
        (0x00200013, "IS", b"x", {"FS-VALUE-FORM"}),
        (0x00200013, "IS", b" ", {"FS-KEY-TYPE1-MISSING"}),
        (0x00041500, "CS", b"im-1", {"FS-FILE-ID-FORM"}),
        (0x00041500, "CS", b"..", {"FS-FILE-ID-HOSTILE"}),
        (0x00041500, "CS", b"DICOMDIR", {"FS-FILE-ID-RESERVED"}),
    ],
)
def test_a_value_of_the_same_length_is_looked_at_all_the_same(
    tag: int, vr: str, value: bytes, rules: set[str], alike: Path, tmp_path: Path
) -> None:
    """Two records get the same change; the first becomes right, so the second has the headers of a right one."""
    copy = Path(shutil.copytree(alike, tmp_path / "SET"))
    right = {"UI": b"2.34567", "IS": b"1", "CS": b"AAAAAAAA"}[vr][: len(value)]
    edit(copy, "IMAGE", put(tag, vr, right), number=3)
    edit(copy, "IMAGE", put(tag, vr, value), number=4)
    report = check_file_set(copy, files=False)
    assert {finding.rule for finding in report.findings} == rules, [str(finding) for finding in report.findings]


def test_two_records_with_one_identifier_are_found(copy: Path) -> None:
    edit(copy, "PATIENT", put(0x00100020, "LO", b"P1"), number=1)
    edit(copy, "STUDY", put(0x0020000D, "UI", synthetic.uid("study", 1, 1).encode()), number=1)
    edit(copy, "SERIES", put(0x0020000E, "UI", b"1.2.3"), number=0)
    edit(copy, "SERIES", put(0x0020000E, "UI", b"1.2.3"), number=1)
    edit(copy, "IMAGE", put(0x00041511, "UI", b"1.2.3"), number=0)
    edit(copy, "IMAGE", put(0x00041511, "UI", b"1.2.3"), number=1)
    found = {finding.rule: finding for finding in check_file_set(copy, files=False).findings}
    assert found.keys() == {"FS-PATIENT-TWICE", "FS-STUDY-TWICE", "FS-SERIES-TWICE", "FS-INSTANCE-TWICE"}
    assert found["FS-PATIENT-TWICE"].where.record == "PATIENT 2"
    assert "PATIENT 1" in found["FS-PATIENT-TWICE"].message


def test_a_record_is_named_by_its_place(copy: Path) -> None:
    edit(copy, "SR DOCUMENT", put(0x0040A491, "CS", b"HALF"))
    (finding,) = check_file_set(copy, files=False).findings
    assert str(finding.where).startswith("DICOMDIR, PATIENT 1 > STUDY 1 > SERIES 2 > SR DOCUMENT 1, offset ")
    assert finding.where.tag == 0x0040A491


def test_names_and_dates_of_a_patient_are_not_shown(copy: Path) -> None:
    edit(copy, "PATIENT", put(0x00100010, "PN", b"Secret^Name"))
    edit(copy, "PATIENT", put(0x00100020, "LO", b"SECRET\x07ID"))
    edit(copy, "PATIENT", put(0x00100030, "DA", b"SECRET42"))
    report = check_file_set(copy)
    assert {"FS-VALUE-FORM", "FS-KEY-DIFFERS"} <= {finding.rule for finding in report.findings}
    shown = [str(finding) for finding in report.findings if "ecret" in str(finding) or "SECRET" in str(finding)]
    assert len(shown) == 1, "only the Patient ID, where record and file disagree about it"
    assert "PatientID is SECRET" in shown[0]


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        (b"\x04\x00\x30\x11CS\x04\x00GOOD", b"\x04\x00\x30\x11CS\x04\x00go d", "FS-FILE-SET-ID"),
        (b"\x04\x00\x30\x11CS", b"\x04\x00\x31\x11CS", "FS-DIRECTORY-ELEMENT"),
        (b"\x04\x00\x30\x11CS", b"\x04\x00\x31\x11CS", "FS-DIRECTORY-FOREIGN"),
        (b"\x04\x00\x12\x12US\x02\x00\x00\x00", b"\x04\x00\x12\x12US\x02\x00\xff\xff", "FS-CONSISTENCY-FLAG"),
        (b"\0\0\0\0DICM", b"\0x\0\0DICM", "FS-PREAMBLE-UNKNOWN"),
        (b"\x02\x00\x12\x00UI", b"\x02\x00\x14\x00UI", "FS-META-MISSING"),
    ],
)
def test_the_directory_as_a_whole(before: bytes, after: bytes, rule: str, copy: Path) -> None:
    data = (copy / "DICOMDIR").read_bytes()
    assert before in data
    (copy / "DICOMDIR").write_bytes(data.replace(before, after, 1))
    assert rule in {finding.rule for finding in check_file_set(copy, files=False).findings}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"descriptor_file_id": "README"}, "is not on the medium"),
        ({"descriptor_file_id": "IM1"}, "is referenced by a record"),
    ],
)
def test_the_descriptor_file_exists_and_is_not_one_of_the_dicom_files(
    options: dict[str, str], message: str, copy: Path
) -> None:
    fileset.index(copy, replace=True, **options)  # type: ignore[arg-type]
    (finding,) = check_file_set(copy).findings
    assert finding.rule == "FS-DESCRIPTOR"
    assert message in finding.message


def test_a_padded_record_type_is_reported_for_a_record_that_is_otherwise_like_an_earlier_one(tmp_path: Path) -> None:
    for number in range(1, 6):
        synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=number), tmp_path / f"IM{number}")
    fileset.index(tmp_path)
    dicomdir = tmp_path / "DICOMDIR"
    head, *records = dicomdir.read_bytes().split(b"CS\x06\0IMAGE ")
    dicomdir.write_bytes(b"CS\x06\0IMAGE ".join([head, *records[:-1]]) + b"CS\x06\0IMAGE\0" + records[-1])
    assert [finding.rule for finding in check_file_set(tmp_path).findings] == ["FS-VALUE-PADDING"]
