"""Rules for files: one thing is changed on a good medium, and exactly that is found, at that file and record."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest
from pydicom import Dataset, dcmread

import fileset
from fileset import CheckReport, check_file_set
from fileset.media.system.hashing import digest_of
from fileset.media.system.walk import JOURNAL, WORK
from tests.support import judges, peers, synthetic
from tests.support.editing import edit, put
from tests.support.journal import added, leave_journal
from tests.support.tries import Tries

META_AT: Final = 132


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients with two studies of one series of three small CT images each, and a report."""
    folder = tmp_path_factory.mktemp("good") / "SET"
    synthetic.ct_series(folder, patients=2, studies=2, series=1, instances=3)
    synthetic.write(synthetic.instance(synthetic.COMPREHENSIVE_SR, series=9), folder / "SR1")
    fileset.index(folder, file_set_uid="2.25.1", keys="minimal")
    return folder


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "SET"))


def rules(report: CheckReport) -> set[str]:
    return {finding.rule for finding in report.findings}


ONE: Final = "P001/T001/S001/I000001"


def test_the_good_one_is_right(good: Path) -> None:
    report = check_file_set(good)
    assert report.findings == []
    assert report.files == 13


# --- which files are there ------------------------------------------------------------------------------------------


def test_a_missing_file_is_named_with_its_record(copy: Path) -> None:
    (copy / ONE).unlink()
    (finding,) = check_file_set(copy).findings
    assert finding.rule == "FS-FILE-MISSING"
    assert (finding.where.file, finding.where.record) == (ONE, "PATIENT 1 > STUDY 1 > SERIES 1 > IMAGE 1")


def test_a_dicom_file_that_no_record_references_is_named(copy: Path) -> None:
    (copy / "MORE").mkdir()
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=99), copy / "MORE" / "scan.dcm")
    (copy / "COPY").write_bytes((copy / ONE).read_bytes())
    (copy / "README.TXT").write_text("not DICOM, so it may have any form")
    findings = {finding.where.file: finding for finding in check_file_set(copy).findings}
    assert {(name, finding.rule) for name, finding in findings.items()} == {
        ("MORE/scan.dcm", "FS-FILE-UNLISTED"),
        ("COPY", "FS-FILE-UNLISTED"),
    }
    assert "IMAGE 1" in findings["COPY"].message


def test_a_file_of_any_number_of_records_is_read_only_a_few_times(tmp_path: Path) -> None:
    """Each comparison reads the file, and a hostile DICOMDIR may have any number of records of a large one."""
    for number in range(30):
        synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=number), tmp_path / f"IM{number:02}")
    fileset.index(tmp_path)
    data = (tmp_path / "DICOMDIR").read_bytes()
    (tmp_path / "DICOMDIR").write_bytes(re.sub(rb"IM\d\d", b"IM00", data))
    found = Counter(finding.rule for finding in check_file_set(tmp_path).findings)
    assert (found["FS-FILE-SHARED"], found["FS-UID-DIFFERS"]) == (29, 8)


def test_a_file_set_without_directory_lists_nothing_and_misses_nothing(copy: Path) -> None:
    """PS3.3 F.3.2.2: the Directory Information Module may be left out."""
    data = (copy / "DICOMDIR").read_bytes()
    (copy / "DICOMDIR").write_bytes(data[: data.index(b"\x04\x00\x00\x12UL")])
    assert rules(check_file_set(copy)) == {"FS-DIRECTORY-ABSENT"}


def test_a_file_set_in_a_subfolder_is_checked_separately(copy: Path) -> None:
    shutil.copytree(copy, copy / "OTHER")
    (finding,) = check_file_set(copy).findings
    assert (finding.rule, finding.where.file) == ("FS-DICOMDIR-SECOND", "OTHER/DICOMDIR")


def test_names_in_other_forms_are_found_and_reported(copy: Path) -> None:
    (copy / "P001").rename(copy / "p001")
    (copy / "DICOMDIR").rename(copy / "dicomdir.")
    (copy / "SR1").rename(copy / "SR1.dcm")
    report = check_file_set(copy)
    assert rules(report) == {"FS-NAME-FORM"}
    assert {finding.where.file for finding in report.findings} > {"dicomdir.", "SR1.dcm"}
    assert len(report.findings) == 8


def test_names_that_differ_only_in_case_are_reported(copy: Path) -> None:
    (copy / "readme").write_text("one")
    (copy / "README").write_text("other")
    if len(list(copy.glob("[rR]*"))) != 2:
        pytest.skip("this file system knows no case")
    assert rules(check_file_set(copy)) == {"FS-NAME-CLASH"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows makes no files with these names")
def test_names_that_windows_keeps_for_devices_are_reported(tmp_path: Path) -> None:
    for number, name in enumerate(("CON", "AUX/IM1", "CONSOLE/COMMON", "IM_NUL"), 1):
        synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=number), tmp_path / name)
    (tmp_path / "nul.txt").write_text("about this disc")
    indexed = fileset.index(tmp_path)
    assert {one.where.file for one in indexed.findings if one.rule == "FS-NAME-DEVICE"} == {"CON", "AUX/IM1"}
    checked = check_file_set(tmp_path)
    found = {one.where.file for one in checked.findings if one.rule == "FS-NAME-DEVICE"}
    assert (found, checked.errors) == ({"CON", "AUX/IM1", "nul.txt"}, 0)
    messages = {one.where.file: one.message for one in checked.findings}
    assert messages["AUX/IM1"] == "Windows takes the name AUX for a device and cannot open the file"


def test_a_header_that_cannot_be_decoded_is_reported_once_with_its_place(tmp_path: Path) -> None:
    dataset = synthetic.instance("1.2.840.10008.5.1.4.1.1.66.5")  # Surface Segmentation has keys at its end
    dataset.ProcedureCodeSequence = [Dataset()]
    dataset.ProcedureCodeSequence[0].CodeMeaning = "sixteen letters "
    path = synthetic.write(dataset, tmp_path / "IM1")
    fileset.index(tmp_path)
    meaning, item = b"\x08\x00\x04\x01LO\x10\x00sixteen letters ", b"\xfe\xff\x00\xe0\x10\x00\x00\x00"
    whole = path.read_bytes()
    assert meaning in whole
    path.write_bytes(whole.replace(meaning, item + b"\x08\x00\x04\x01LO\x08\x00Meaning ")[:-3])
    found = [one for one in check_file_set(tmp_path).findings if one.rule == "FS-FILE-BAD-HEADER"]
    assert len(found) == 1
    assert found[0].where.offset
    assert "\n" not in found[0].message


def test_leftovers_of_an_interrupted_write_are_named(copy: Path) -> None:
    (copy / WORK).mkdir()
    (copy / WORK / "T0000000").write_bytes(b"half a file")
    (copy / "NEW1").write_bytes((copy / ONE).read_bytes())
    leave_journal(copy, added(copy, "NEW1"), added(copy, "P001/T001/S001/I000001"))
    (copy / "NEW2").write_bytes((copy / ONE).read_bytes())
    found = {(finding.where.file, finding.rule) for finding in check_file_set(copy).findings}
    assert found == {
        (f"{WORK}/T0000000", "FS-WRITE-LEFTOVER"),
        (f"{WORK}/{JOURNAL}", "FS-WRITE-LEFTOVER"),
        ("NEW1", "FS-WRITE-LEFTOVER"),
        ("NEW2", "FS-FILE-UNLISTED"),
    }


def test_a_pipe_is_not_waited_for(copy: Path) -> None:
    (copy / ONE).unlink()
    os.mkfifo(copy / ONE)
    assert rules(check_file_set(copy)) == {"FS-FILE-UNREADABLE"}


# --- links ----------------------------------------------------------------------------------------------------------


def test_a_link_that_stays_inside_is_followed(copy: Path) -> None:
    (copy / ONE).rename(copy / "KEPT")
    (copy / ONE).symlink_to(copy / "KEPT")
    assert rules(check_file_set(copy)) == {"FS-FILE-UNLISTED"}


def test_a_link_that_leads_out_is_not_followed(copy: Path, tmp_path: Path) -> None:
    (copy / ONE).rename(tmp_path / "BAIT")
    (copy / ONE).symlink_to(tmp_path / "BAIT")
    (copy / "STRAY").symlink_to(tmp_path / "BAIT")
    found = {(finding.where.file, finding.rule) for finding in check_file_set(copy).findings}
    assert found == {(ONE, "FS-FILE-LINK"), (ONE, "FS-FILE-MISSING"), ("STRAY", "FS-FILE-LINK")}


# --- the values of a record and its file ----------------------------------------------------------------------------


def test_file_reference_that_differs_from_the_file(copy: Path) -> None:
    edit(copy, "IMAGE", put(0x00041511, "UI", b"1.2.3"), number=0)
    edit(copy, "IMAGE", put(0x00041510, "UI", b"1.2.840.10008.5.1.4.1.1.4"), number=1)
    edit(copy, "IMAGE", put(0x00041512, "UI", b"1.2.840.10008.1.2"), number=2)
    edit(copy, "IMAGE", put(0x00200013, "IS", b"77"), number=3)
    found = [(finding.rule, finding.where.tag) for finding in check_file_set(copy).findings]
    assert found == [
        ("FS-UID-DIFFERS", 0x00041511),
        ("FS-SOP-CLASS-DIFFERS", 0x00041510),
        ("FS-SYNTAX-DIFFERS", 0x00041512),
        ("FS-KEY-DIFFERS", 0x00200013),
    ]


def test_record_type_of_another_sop_class(copy: Path) -> None:
    edit(copy, "IMAGE", put(0x00041430, "CS", b"STEREOMETRIC"))
    assert rules(check_file_set(copy)) == {"FS-RECORD-TYPE-DIFFERS"}


def test_values_that_mean_the_same_do_not_differ(copy: Path) -> None:
    edit(copy, "IMAGE", put(0x00200013, "IS", b"0001"))
    edit(copy, "PATIENT", put(0x00100010, "PN", b"Doe^Jane^^"))
    edit(copy, "STUDY", put(0x00080005, "CS", b"ISO_IR 100"))
    assert check_file_set(copy).findings == []


def test_another_key_is_compared_too(copy: Path) -> None:
    edit(copy, "IMAGE", put(0x00280010, "US", b"\7\0"), number=0)
    (finding,) = check_file_set(copy).findings
    assert (finding.rule, finding.where.tag) == ("FS-KEY-DIFFERS", 0x00280010)


def test_patient_changed_after_burning_is_one_finding(copy: Path) -> None:
    edit(copy, "PATIENT", put(0x00100020, "LO", b"CHANGED"))
    (finding,) = check_file_set(copy).findings
    assert (finding.rule, finding.where.record, finding.where.tag) == ("FS-KEY-DIFFERS", "PATIENT 1", 0x00100020)


def test_one_file_that_disagrees_is_a_warning(copy: Path) -> None:
    dataset = dcmread(copy / ONE)
    dataset.StudyDescription = "something else"
    dataset.save_as(copy / ONE)
    (finding,) = check_file_set(copy).findings
    assert (finding.rule, finding.where.record) == ("FS-KEY-CONFLICT", "PATIENT 1 > STUDY 1")


def test_series_in_the_wrong_study(copy: Path) -> None:
    dataset = dcmread(copy / ONE)
    dataset.SeriesInstanceUID = "1.2.3.4"
    dataset.save_as(copy / ONE)
    (finding,) = check_file_set(copy).findings
    assert (finding.rule, finding.where.tag, finding.where.file) == ("FS-UID-DIFFERS", 0x0020000E, ONE)


def test_values_that_a_creator_had_to_supply_are_no_error(tmp_path: Path) -> None:
    """PS3.11 D.3.3.1: Type 1 keys may be Type 2 in the image."""
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    for keyword in ("InstanceNumber", "StudyDate", "StudyTime", "StudyID", "SeriesNumber", "PatientID"):
        setattr(dataset, keyword, "")
    synthetic.write(dataset, tmp_path / "IM1")
    fileset.index(tmp_path)
    assert check_file_set(tmp_path).findings == []
    edit(tmp_path, "IMAGE", put(0x00200013, "IS", b"4711"))
    assert rules(check_file_set(tmp_path)) == {"FS-KEY-SUPPLIED"}
    assert check_file_set(tmp_path).conformant


# --- the file itself ------------------------------------------------------------------------------------------------

Damage = Callable[[bytes], bytes]


def _replace(before: bytes, after: bytes) -> Damage:
    def damage(data: bytes) -> bytes:
        assert before in data
        return data.replace(before, after, 1)

    return damage


def _preamble(begin: bytes) -> Damage:
    return lambda data: begin.ljust(128, b"\0") + data[128:]


def _without(tag: bytes) -> Damage:
    """Without one element of short form in group 2."""

    def damage(data: bytes) -> bytes:
        at = data.index(tag, META_AT)
        length = int.from_bytes(data[at + 6 : at + 8], "little")
        return data[:at] + data[at + 8 + length :]

    return damage


DAMAGES: Final[list[tuple[str, Damage, set[str]]]] = [
    ("Windows program", _preamble(b"MZ\x90\0"), {"FS-PREAMBLE-EXECUTABLE"}),
    ("ELF", _preamble(b"\x7fELF\2"), {"FS-PREAMBLE-EXECUTABLE"}),
    ("script", _preamble(b"#!/bin/sh\n"), {"FS-PREAMBLE-EXECUTABLE"}),
    ("Mach-O", _preamble(b"\xcf\xfa\xed\xfe"), {"FS-PREAMBLE-EXECUTABLE"}),
    ("universal Mach-O", _preamble(b"\xca\xfe\xba\xbe"), {"FS-PREAMBLE-EXECUTABLE"}),
    ("TIFF is right", _preamble(b"II*\0\x80"), set()),
    ("big TIFF is right", _preamble(b"MM\0+"), set()),
    ("anything else", _preamble(b"\0\0hello"), {"FS-PREAMBLE-UNKNOWN"}),
    ("no prefix", _replace(b"DICM", b"DICN"), {"FS-REFERENCE-NOT-DICOM"}),
    ("empty file", lambda _: b"", {"FS-REFERENCE-NOT-DICOM"}),
    (
        "wrong group length",
        lambda data: data[:140] + (int.from_bytes(data[140:144], "little") + 2).to_bytes(4, "little") + data[144:],
        {"FS-META-GROUP-LENGTH"},
    ),
    ("no Implementation Class UID", _without(b"\2\0\x12\0UI"), {"FS-META-MISSING", "FS-META-GROUP-LENGTH"}),
    (
        "no Transfer Syntax UID",
        _without(b"\2\0\x10\0UI"),
        {"FS-META-MISSING", "FS-META-GROUP-LENGTH", "FS-FILE-NO-META"},
    ),
    ("version 0", _replace(b"OB\0\0\2\0\0\0\0\1", b"OB\0\0\2\0\0\0\0\0"), {"FS-META-FORM"}),
    ("UN in group 2", _replace(b"\2\0\x12\0UI", b"\2\0\x12\0LO"), {"FS-META-FORM"}),
    ("a tag changed", _replace(b"\x28\0\x11\0US", b"\x28\0\x01\0US"), {"FS-ELEMENT-ORDER"}),
    ("a VR that is none", _replace(b"\x28\0\x11\0US", b"\x28\0\x11\0u5"), {"FS-FILE-BAD-HEADER"}),
    ("a length changed", _replace(b"\x28\0\x30\0DS\4\0", b"\x28\0\x30\0DS\6\0"), {"FS-FILE-BAD-HEADER"}),
    ("pixels with a too large length", _replace(b"OW\0\0\x08\0", b"OW\0\0\x0a\0"), {"FS-FILE-TRUNCATED"}),
    ("cut in the pixels", lambda data: data[:-4], {"FS-FILE-TRUNCATED"}),
    ("cut after the header", lambda data: data[: data.index(b"\xe0\x7f\x10\0")], set()),
    ("cut in a header", lambda data: data[: data.index(b"\xe0\x7f\x10\0") + 5], {"FS-FILE-TRUNCATED"}),
    ("zeros behind", lambda data: data + bytes(100), {"FS-FILE-TRAILING"}),
    ("rubbish behind", lambda data: data + b"rubbish after the data set", {"FS-FILE-TRAILING"}),
    ("Data Set Trailing Padding is right", lambda data: data + b"\xfc\xff\xfc\xffOB\0\0\4\0\0\0\0\0\0\0", set()),
    ("elements out of order", lambda data: data + b"\x28\0\x10\0US\2\0\1\0", {"FS-ELEMENT-ORDER"}),
    ("odd length", lambda data: data + b"\xfc\xff\xfc\xffOB\0\0\3\0\0\0\0\0\0", {"FS-ELEMENT-LENGTH"}),
]


@pytest.mark.parametrize("name", [ONE, "P002/T002/S001/I000003"])
@pytest.mark.parametrize(("title", "damage", "expected"), DAMAGES, ids=[row[0] for row in DAMAGES])
def test_the_fault_of_a_file_is_found_and_nothing_else(
    title: str, damage: Damage, expected: set[str], name: str, copy: Path
) -> None:
    """In the first file of all, and in one that is like many good ones before it."""
    del title
    path = copy / name
    path.write_bytes(damage(path.read_bytes()))
    report = check_file_set(copy, jobs=1)
    assert rules(report) == expected, [str(finding) for finding in report.findings]
    assert all(finding.where.file == name for finding in report.findings)
    assert all(finding.where.record.endswith(f"IMAGE {name[-1]}") for finding in report.findings)


def test_file_meta_information_that_differs_from_the_data_set(copy: Path) -> None:
    data = (copy / ONE).read_bytes()
    uid = synthetic.ct_uid().encode()
    other = uid[:-1] + (b"1" if uid[-1:] != b"1" else b"2")
    (copy / ONE).write_bytes(data.replace(uid, other, 1))
    (finding,) = check_file_set(copy).findings
    assert (finding.rule, finding.where.file) == ("FS-META-DIFFERS", ONE)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"])
def test_files_in_other_transfer_syntaxes(syntax: str, tmp_path: Path) -> None:
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, transfer_syntax=syntax), tmp_path / "IM1")
    fileset.index(tmp_path)
    assert check_file_set(tmp_path).findings == []
    data = (tmp_path / "IM1").read_bytes()
    (tmp_path / "IM1").write_bytes(data[:-5])
    assert rules(check_file_set(tmp_path)) == {"FS-FILE-TRUNCATED"}
    (tmp_path / "IM1").write_bytes(data + bytes(50))
    assert rules(check_file_set(tmp_path)) == {"FS-FILE-TRAILING"}


@pytest.mark.slow
def test_a_bomb_does_not_go_off(tmp_path: Path) -> None:
    """Three hundred megabytes of zeros, and more to come, in a deflated data set: it is inflated no further than it must."""
    dataset = synthetic.instance(synthetic.CT_IMAGE, transfer_syntax="1.2.840.10008.1.2.1.99")
    data = synthetic.encode(dataset)
    at = 144 + int.from_bytes(data[140:144], "little")
    plain = zlib.decompress(data[at:].rstrip(b"\0") + b"\0", -15)
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = bomb.compress(plain + b"\xfc\xff\xfc\xffOB\0\0\xfe\xff\xff\xff")
    packed += b"".join(bomb.compress(bytes(1 << 22)) for _ in range(72)) + bomb.flush()
    (tmp_path / "IM1").write_bytes(data[:at] + packed)
    fileset.index(tmp_path)
    assert check_file_set(tmp_path).conformant


# --- contents -------------------------------------------------------------------------------------------------------


def _manifest(folder: Path, path: Path) -> Path:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()} *{file.relative_to(folder).as_posix()}" for file in files
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.slow
def test_every_flipped_bit_is_found(copy: Path, tmp_path: Path, tries: Tries) -> None:
    """A thousand single bits, the same on every run, anywhere in any file."""
    manifest = _manifest(copy, tmp_path / "SUMS")
    chosen = random.Random(5)
    paths = [path for path in sorted(copy.rglob("*")) if path.is_file()]
    flips = int(os.environ.get("FILESET_FLIPS", "1000"))
    tries("bits flipped in files that a manifest names", flips)
    while flips > 0:
        some = chosen.sample(paths, min(flips, len(paths)))
        before = {path: path.read_bytes() for path in some}
        for path, data in before.items():
            broken = bytearray(data)
            broken[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
            path.write_bytes(broken)
        try:
            report = check_file_set(copy, manifest=manifest, jobs=1)
        except fileset.FormatError:  # no longer a DICOMDIR
            some = [path for path in some if path.name == "DICOMDIR"]
            paths_found = {copy / "DICOMDIR"}
        else:
            paths_found = {
                copy / finding.where.file for finding in report.findings if finding.rule == "FS-HASH-DIFFERS"
            }
        assert paths_found >= set(some)
        for path, data in before.items():
            path.write_bytes(data)
        flips -= len(some)


def test_manifest_and_medium_name_the_same_files(copy: Path, tmp_path: Path) -> None:
    manifest = _manifest(copy, tmp_path / "SUMS")
    (copy / "README").write_text("new")
    (copy / ONE).unlink()
    found = {(finding.where.file, finding.rule) for finding in check_file_set(copy, manifest=manifest).findings}
    assert found == {(ONE, "FS-FILE-MISSING"), (ONE, "FS-HASH-MISSING"), ("README", "FS-HASH-UNLISTED")}


def test_a_manifest_on_the_medium_need_not_name_itself(copy: Path) -> None:
    manifest = _manifest(copy, copy / "SHA256SUMS")
    assert check_file_set(copy, manifest=manifest).findings == []


# --- the ways to run it ---------------------------------------------------------------------------------------------


def test_every_way_to_run_it_finds_the_same(copy: Path) -> None:
    (copy / ONE).write_bytes(b"MZ" + (copy / ONE).read_bytes()[2:-4])
    (copy / "MORE").write_bytes((copy / ONE).read_bytes())
    one = check_file_set(copy, jobs=1)
    assert rules(one) == {"FS-PREAMBLE-EXECUTABLE", "FS-FILE-TRUNCATED", "FS-FILE-UNLISTED"}
    assert check_file_set(copy, jobs=2) == one
    with ThreadPoolExecutor(2) as executor:
        assert check_file_set(copy, executor=executor) == one


def test_nothing_is_changed(copy: Path) -> None:
    def state() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(copy.rglob("*"))}

    before = state()
    check_file_set(copy)
    assert state() == before


def test_progress_counts_files(copy: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    check_file_set(copy, progress=lambda *call: calls.append(call))
    assert calls[-1] == ("check", 13, 13)


def test_an_image_is_checked_as_a_folder_is(good: Path, tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "SET.iso") as creator:
        creator.add(good)
    report = check_file_set(tmp_path / "SET.iso")
    assert report.findings == []
    assert report.files == 13
    data = (tmp_path / "SET.iso").read_bytes()
    (tmp_path / "SET.iso").write_bytes(data.replace(b"\0\0\0\0DICM", b"MZ\0\0DICM"))
    assert rules(check_file_set(tmp_path / "SET.iso", medium_format="iso")) == {"FS-PREAMBLE-UNKNOWN"}


def test_a_torn_dicomdir_is_reported_with_the_one_that_is_used_instead(copy: Path) -> None:
    data = (copy / "DICOMDIR").read_bytes()
    (copy / WORK).mkdir()
    (copy / WORK / "OLD").write_bytes(data)
    (copy / WORK / "SEAL").write_text(f"{digest_of([b'new'])}  NEW\n{digest_of([data])}  OLD\n", newline="\n")
    (copy / "DICOMDIR").unlink()
    assert rules(check_file_set(copy)) == {"FS-MEDIUM-DAMAGED", "FS-WRITE-LEFTOVER"}


# --- other people's file-sets ---------------------------------------------------------------------------------------

KNOWN: Final[dict[str, set[str]]] = {
    # Takes the verification of the first observer for that of the last.
    "dcmmkdir": {"FS-KEY-DIFFERS"},
    "gdcmgendir": {"FS-OFFSET-LAST", "FS-RECORD-TYPE-DIFFERS"},
    "dcdirmk": {"FS-OFFSET-LAST", "FS-ELEMENT-VR", "FS-VALUE-FORM", "FS-KEY-DIFFERS", "FS-KEY-CONDITION"},
    "pydicom": {"FS-KEY-TYPE1-MISSING", "FS-KEY-CONDITION", "FS-KEY-DIFFERS"},
}
"""The faults of the DICOMDIRs that our peers write for the same files; all of it is true."""


@pytest.mark.judges
@pytest.mark.parametrize("peer", KNOWN)
def test_file_set_of_a_peer_has_its_known_faults_and_no_others(peer: str, tmp_path: Path) -> None:
    report = check_file_set(peers.PEERS[peer](tmp_path))
    assert rules(report) == KNOWN[peer], [str(finding) for finding in report.findings]


@pytest.mark.judges
def test_file_set_of_dcmmkdir_is_right_where_dcmmkdir_is(tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path, patients=2, studies=1, series=2, instances=3)
    judges.run_tool("dcmmkdir", "+r", "+id", ".", cwd=tmp_path)
    assert check_file_set(tmp_path).findings == []


def test_records_with_the_mandatory_keys_alone_are_not_parsed_to_be_compared(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileset.check.one_file.record_side", None)
    assert fileset.check_file_set(copy).findings == []
