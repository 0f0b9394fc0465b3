"""Law 3: a repair loses no instance that could be listed and no right value, and one run is enough."""

from __future__ import annotations

import random
import shutil
import tracemalloc
from itertools import product
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import dcmread
from pydicom.uid import UID

import fileset
from fileset.cli import main
from fileset.dicom.elements import element
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.write.header import Identification, new_frame
from fileset.dicomdir.write.layout import encode
from fileset.dicomdir.write.new import build
from fileset.errors import FilesetError
from fileset.file_id import FileId
from fileset.records.arranged import Arranged, Node
from fileset.standard import tags
from tests.laws.test_law_1 import unnamed
from tests.support import directories, synthetic
from tests.support.long import LONG
from tests.updater.test_foreign import SHIPPED, shipped

Values = dict[tuple[str, str], dict[int, bytes]]
"""Elements by tag, of each record by its type and the name of its file or its own UID."""


@pytest.fixture(scope="module")
def disc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients with two CT images and a presentation state each; records with optional keys and private elements."""
    folder = tmp_path_factory.mktemp("disc")
    for patient in (1, 2):
        for number in (1, 2):
            data = synthetic.instance(synthetic.CT_IMAGE, patient=patient, number=number)
            synthetic.write(data, folder / f"P{patient}" / f"IM{number}")
    fileset.index(folder, keys="usual", file_set_uid="2.25.12")  # not a new one, so that a seed always changes the same
    return folder


def reachable(folder: Path) -> set[str]:
    """The files that exist and that an active record references."""
    contents = Contents((folder / "DICOMDIR").read_bytes())
    found = set()
    for path in contents.paths():
        try:
            name = FileId.tolerant(path)
        except FilesetError:
            continue
        if (folder / name.path).is_file():
            found.add(name.path)
    return found


def values(data: bytes) -> Values:
    """Return the elements of each record that can be identified."""
    contents = Contents(data)
    found: Values = {}
    for index in contents.tree.walk():
        kind = contents.type_name(index)
        uid_tag = {"PATIENT": tags.PATIENT_ID, "STUDY": tags.STUDY_INSTANCE_UID, "SERIES": tags.SERIES_INSTANCE_UID}
        name = contents.reference(index, uid_tag.get(kind, tags.REFERENCED_SOP_INSTANCE_UID))
        parts = {part.tag: contents.flat.data[part.value_at : part.value_end] for part in contents.flat.elements(index)}
        found.setdefault((kind, name), {tag: value.strip(b" \0") for tag, value in parts.items() if tag >> 16 != 4})
    return found


def mutant(data: bytes, dice: random.Random) -> bytes:
    """Change a few bytes of a DICOMDIR after its header: in values, links, lengths, tags or flags."""
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        at = dice.randrange(300, len(changed) - 4)
        size = dice.choice((1, 1, 2, 4))
        changed[at : at + size] = dice.choice(
            (bytes(size), bytes(dice.randrange(256) for _ in range(size)), b"A" * size, b"9" * size, b"\xff" * size)
        )
    return bytes(changed)


def assert_nothing_lost(folder: Path, original: Values) -> str:
    """Repair; return the outcome: refused, unchanged or mended."""
    data = (folder / "DICOMDIR").read_bytes()
    try:
        before, stated = reachable(folder), values(data)
    except FilesetError:
        before, stated = set(), {}
    try:
        report = fileset.repair_file_set(folder)
    except FilesetError:
        assert (folder / "DICOMDIR").read_bytes() == data
        return "refused"
    assert before <= reachable(folder), sorted(before - reachable(folder))
    after = values((folder / "DICOMDIR").read_bytes())
    for record, right in original.items():
        if record in stated and record in after:
            kept = {tag: value for tag, value in stated[record].items() if right.get(tag) == value}
            lost = {tag: value for tag, value in kept.items() if after[record].get(tag) != value}
            assert not lost, (record, {f"{tag:08X}": value for tag, value in lost.items()})
    assert unnamed(report, fileset.check_file_set(folder)) == []
    assert not fileset.repair_file_set(folder).written
    return "mended" if report.written else "unchanged"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300 if LONG else 10))
def test_no_mutant_loses_an_instance_or_a_right_value(disc: Path, tmp_path: Path, seed: int) -> None:
    shutil.copytree(disc, tmp_path / "DISC")
    data = (disc / "DICOMDIR").read_bytes()
    original, counts = values(data), {"refused": 0, "unchanged": 0, "mended": 0}
    dice = random.Random(seed)
    for _ in range(100):
        changed = mutant(data, dice)
        (tmp_path / "DISC" / "DICOMDIR").write_bytes(changed)
        try:
            counts[assert_nothing_lost(tmp_path / "DISC", original)] += 1
        except AssertionError:
            (tmp_path / "failed").write_bytes(changed)
            raise
    print(f"100 mutants: {counts}")  # noqa: T201  # the figures of the property
    assert counts["mended"] > 30


NEXT, FLAG, LOWER = b"\x04\x00\x00\x14UL", b"\x04\x00\x10\x14US", b"\x04\x00\x20\x14UL"
IN_USE, DELETED = FLAG + b"\x02\x00\xff\xff", FLAG + b"\x02\x00\x00\x00"
FAULTS = {
    "an element instead of a link": [(NEXT, b"\x04\x00\x0f\x14UL")],
    "an element of a lower group instead of a link": [(LOWER, b"\x00\x00\x20\x14UL")],
    "an element instead of the in-use flag": [(FLAG, b"\x04\x00\x04\x14US")],
    "private elements without a creator": [(FLAG, b"\x39\x00\x10\x14US"), (LOWER, b"\x39\x00\x20\x14UL")],
    "a creator with a wrong VR": [(NEXT, b"\x39\x00\x10\x00UL"), (LOWER, b"\x39\x00\x20\x10UL")],
    "an offset of an MRDR instead of a UID": [(b"\x04\x00\x12\x15UI", b"\x04\x00\x04\x15UI")],
    "a second File ID instead of the type": [(b"\x04\x00\x30\x14CS", b"\x04\x00\x00\x15CS")],
    "a second File ID instead of a link": [(LOWER, b"\x04\x00\x00\x15UL")],
    "a key twice": [(FLAG, b"\x28\x00\x10\x00US")],
    "a File ID that names a folder": [(b"P1\\IM1", b"P1\\\0\0\0")],
}


@pytest.mark.parametrize(("name", "kind"), [*product(FAULTS, ["IMAGE"]), *product([*FAULTS][:5], ["PATIENT"])])
def test_one_repair_mends_the_elements_before_those_of_the_file(
    disc: Path, tmp_path: Path, name: str, kind: str
) -> None:
    shutil.copytree(disc, tmp_path / "DISC")
    data = (disc / "DICOMDIR").read_bytes()
    contents = Contents(data)
    index = next(index for index in contents.tree.walk() if contents.type_name(index) == kind)
    start, end = contents.flat.start[index], contents.flat.end[index]
    record = data[start:end]
    for old, new in FAULTS[name]:
        assert old in record
        record = record.replace(old, new, 1)
    (tmp_path / "DISC" / "DICOMDIR").write_bytes(data[:start] + record + data[end:])
    assert assert_nothing_lost(tmp_path / "DISC", values(data)) == "mended"
    assert fileset.check_file_set(tmp_path / "DISC").errors == 0


def test_an_element_in_the_wrong_place_moves_and_stays(disc: Path, tmp_path: Path) -> None:
    folder = patched_disc(disc, tmp_path, b"\x28\x00\x30\x00DS", b"\x18\x00\x64\x11DS")
    report = fileset.repair_file_set(folder)
    assert [one.rule for one in report.findings] == ["FS-ELEMENT-ORDER"]
    assert fileset.check_file_set(folder).errors == 0
    with fileset.Reader(folder) as reader:
        assert next(iter(reader.instances))["ImagerPixelSpacing"] == [1, 1]


def test_an_element_twice_in_an_item_is_mended(disc: Path, tmp_path: Path) -> None:
    item = pydicom.Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.3", "1.2.4"
    folder = disc_with(disc, tmp_path, [pydicom.DataElement(0x0040A525, "SQ", [item])])
    data = (folder / "DICOMDIR").read_bytes()
    (folder / "DICOMDIR").write_bytes(data.replace(b"\x08\x00\x50\x11UI", b"\x08\x00\x55\x11UI"))
    assert [one.rule for one in fileset.check_file_set(folder).findings] == ["FS-ELEMENT-ORDER"]
    assert fileset.repair_file_set(folder).written
    assert fileset.check_file_set(folder).errors == 0


def test_a_value_of_bytes_is_quoted_and_shortened_in_the_report(disc: Path, tmp_path: Path) -> None:
    item = pydicom.Dataset()
    item.PixelData, item["PixelData"].VR = bytes(5000), "OB"
    folder = disc_with(disc, tmp_path, [pydicom.DataElement(0x0040A525, "SQ", [item])])
    data = (folder / "DICOMDIR").read_bytes()
    (folder / "DICOMDIR").write_bytes(data.replace(b"\x40\x00\x25\xa5SQ", b"\x40\x00\x25\xa5AA"))
    (message,) = messages(fileset.repair_file_set(folder), "FS-KEY-CHANGED")
    assert message.startswith("'\\xfe\\xff\\x00\\xe0")
    assert len(message) < 100


def test_private_elements_of_many_blocks_without_creators_take_little_memory(disc: Path, tmp_path: Path) -> None:
    tags = [group << 16 | block << 8 for group in range(0x29, 0x37, 2) for block in range(0x10, 0x100)]
    folder = disc_with(disc, tmp_path, [pydicom.DataElement(tag, "LO", "") for tag in tags])
    tracemalloc.start()
    try:
        assert fileset.repair_file_set(folder).written
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    assert fileset.check_file_set(folder).errors == 0


def test_add_keeps_no_element_instead_of_a_link(disc: Path, tmp_path: Path) -> None:
    shutil.copytree(disc, folder := tmp_path / "DISC")
    before, _, after = (folder / "DICOMDIR").read_bytes().rpartition(LOWER)
    (folder / "DICOMDIR").write_bytes(before + b"\x04\x00\x11\x14UL" + after)
    with fileset.Updater(folder) as updater:
        updater.add(synthetic.write(synthetic.instance(synthetic.CT_IMAGE, patient=3), tmp_path / "NEW"))
    assert unnamed(updater.report, fileset.check_file_set(folder)) == []


def test_nothing_below_an_inactive_record_is_listed_again_beside_a_file_of_its_series(
    disc: Path, tmp_path: Path
) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    series = data.index(b"SERIES")
    at = data.rindex(IN_USE, 0, series)
    deleted = data[:at] + DELETED + data[at + len(DELETED) :]
    lost = deleted.replace(b"\x04\x00\x00\x15CS\x06\x00P1\\IM1", b"\x04\x00\x01\x15CS\x06\x00P1\\IM1")
    shutil.copytree(disc, tmp_path / "DISC")
    (tmp_path / "DISC" / "DICOMDIR").write_bytes(lost)
    report = fileset.repair_file_set(tmp_path / "DISC")
    assert [one.file_id.path for one in report.added] == ["P1/IM1"]
    assert reachable(tmp_path / "DISC") == {"P1/IM1", "P2/IM1", "P2/IM2"}
    assert DELETED in (tmp_path / "DISC" / "DICOMDIR").read_bytes()
    assert not fileset.repair_file_set(tmp_path / "DISC").written


def test_an_inactive_record_stays_inactive_if_it_is_damaged(disc: Path, tmp_path: Path) -> None:
    folder = patched_disc(disc, tmp_path, b"\x20\x00\x13\x00IS", b"\x20\x00\x13\x00\x11S")
    data = (folder / "DICOMDIR").read_bytes()
    at = data.rindex(IN_USE, 0, data.index(b"\x11S"))
    wrong = data[:at] + DELETED + data[at + len(DELETED) :]
    (folder / "DICOMDIR").write_bytes(wrong.replace(b"A21 ", b"\xc4\xd6\xdc ", 1))  # so that there is something to mend
    assert fileset.repair_file_set(folder).written
    assert reachable(folder) == {"P1/IM2", "P2/IM1", "P2/IM2"}
    assert not fileset.repair_file_set(folder).written


SHIPPED_NAMES = ["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-nooffset", "DICOMDIR-nopatient",
                 "DICOMDIR-empty.dcm", "DICOMDIR-reordered"]  # fmt: skip


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_no_directory_that_pydicom_ships_loses_an_instance_or_a_right_value(tmp_path: Path, name: str) -> None:
    folder = shipped(tmp_path, name)
    right = values((SHIPPED / "DICOMDIR").read_bytes())
    assert_nothing_lost(folder, {} if "bigEnd" in name else right)


def patched_disc(disc: Path, tmp_path: Path, old: bytes, new: bytes) -> Path:
    """A copy of the disc with other bytes of the same length in its DICOMDIR."""
    folder = tmp_path / "DISC"
    shutil.copytree(disc, folder)
    data = (folder / "DICOMDIR").read_bytes()
    assert old in data
    (folder / "DICOMDIR").write_bytes(data.replace(old, new.ljust(len(old)), 1))
    return folder


def disc_with(disc: Path, tmp_path: Path, elements: list[pydicom.DataElement]) -> Path:
    """A copy of the disc with further elements in the last record of its DICOMDIR."""
    folder = tmp_path / "DISC"
    shutil.copytree(disc, folder)
    dicomdir = pydicom.dcmread(folder / "DICOMDIR")
    for each in elements:
        dicomdir.DirectoryRecordSequence[-1].add(each)
    dicomdir.save_as(folder / "DICOMDIR")
    return folder


def messages(report: fileset.Report, rule: str) -> list[str]:
    return [finding.message for finding in report.findings if finding.rule == rule]


def test_only_the_wrong_key_changes_and_its_old_and_new_value_are_reported(disc: Path, tmp_path: Path) -> None:
    element = b"\x20\x00\x11\x00IS\x02\x00"
    folder = patched_disc(disc, tmp_path, element + b"1 ", element + b"7 ")
    report = fileset.repair_file_set(folder)
    assert messages(report, "FS-KEY-CHANGED") == ["7 -> 1"]
    assert (folder / "DICOMDIR").read_bytes() == (disc / "DICOMDIR").read_bytes()


def test_a_fault_that_no_file_corrects_stays_and_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = synthetic.instance(synthetic.GRAYSCALE_STATE)
    dataset.ReferencedSeriesSequence[0].SeriesInstanceUID = "1.2.999.9"
    (tmp_path / "IM1").write_bytes(synthetic.encode(dataset).replace(b"1.2.999.9", b"1.2.999.x"))
    fileset.index(tmp_path)
    before = (tmp_path / "DICOMDIR").read_bytes()
    report = fileset.repair_file_set(tmp_path)
    assert (tmp_path / "DICOMDIR").read_bytes() == before
    assert not report.written
    assert any("it stays" in message for message in messages(report, "FS-UID-INVALID"))
    assert main(["repair", str(tmp_path), "--dry-run"]) == main(["repair", str(tmp_path)])
    assert "would be rebuilt" not in capsys.readouterr().err


def test_an_instance_whose_record_is_inactive_stays_out_however_often_it_is_repaired(
    disc: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "DISC"
    shutil.copytree(disc, folder)
    data = bytearray((folder / "DICOMDIR").read_bytes())
    at = data.rindex(b"\x04\x00\x10\x14US\x02\x00\xff\xff")
    data[at + 8 : at + 10] = bytes(2)
    wrong = data.replace(b"P1 ", b"P9 ", 1)
    (folder / "DICOMDIR").write_bytes(wrong if wrong != data else data.replace(b"P1", b"P9", 1))
    first = fileset.repair_file_set(folder)
    assert first.written
    assert [one.rule for one in first.skipped] == ["FS-RECORD-INACTIVE"]
    assert len(reachable(folder)) == 3
    assert not fileset.repair_file_set(folder).written
    assert len(reachable(folder)) == 3


def nested(folder: Path) -> None:
    """A directory as a Philips system writes it: a STUDY record that references an inner DICOMDIR."""
    synthetic.ct_series(folder / "S1", 1, 1, 1, 3)
    fileset.index(folder / "S1")
    (folder / "S1" / "DICOMDIR").rename(folder / "S1" / "DIRFILE")
    study = element(tags.REFERENCED_FILE_ID, "CS", b"S1\\DIRFILE") + b"".join(
        element(tag, vr, value)
        for tag, vr, value in (
            (tags.STUDY_DATE, "DA", b"20200101"),
            (tags.STUDY_TIME, "TM", b"120000"),
            (tags.STUDY_INSTANCE_UID, "UI", b"1.2.3"),
            (tags.STUDY_ID, "SH", b"1"),
        )
    )
    directory = build(new_frame(Identification("2.25.1")), Arranged([Node(0, "STUDY", 0, study, key=b"1.2.3")]), ())
    (folder / "DICOMDIR").write_bytes(b"".join(encode(directory)))


def test_records_of_nested_directories_stay(tmp_path: Path) -> None:
    tmp_path /= "DISC"
    nested(tmp_path)
    assert not fileset.repair_file_set(tmp_path).complete, "the DICOMDIR still has errors"
    assert b"S1\\DIRFILE" in (tmp_path / "DICOMDIR").read_bytes()
    main(["extract", str(tmp_path), "-o", str(tmp_path.parent / "OUT"), "-q"])
    assert len([path for path in (tmp_path.parent / "OUT").rglob("*") if path.is_file()]) == 3
    again = fileset.repair_file_set(tmp_path)
    assert (again.written, again.complete) == ([], main(["check", str(tmp_path), "-q"]) == 0)


def test_one_study_below_two_patients_stays_as_it_is(tmp_path: Path) -> None:
    for number, patient in ((1, "A"), (2, "B")):
        dataset = synthetic.instance(synthetic.CT_IMAGE, number=number)
        dataset.PatientID = patient
        synthetic.write(dataset, tmp_path / f"IM{number}")
    fileset.index(tmp_path, patient_conflict="split")
    before = (tmp_path / "DICOMDIR").read_bytes()
    (tmp_path / "DICOMDIR").write_bytes(before.replace(b"20240101", b"20240102", 1))
    fileset.repair_file_set(tmp_path)
    assert reachable(tmp_path) == {"IM1", "IM2"}
    with fileset.Reader(tmp_path) as reader:
        owners = {}
        for record in reader.instances:
            above = record
            while above.parent is not None:
                above = above.parent
            owners[record.sop_instance_uid] = above["PatientID"]
        assert sorted(owners.values()) == ["A", "B"]


def test_a_missing_descriptor_is_reported(disc: Path, tmp_path: Path) -> None:
    shutil.copytree(disc, tmp_path / "DISC")
    (tmp_path / "DISC" / "README").write_text("hello")
    fileset.index(tmp_path / "DISC", replace=True, descriptor_file_id="README")
    (tmp_path / "DISC" / "README").unlink()
    data = (tmp_path / "DISC" / "DICOMDIR").read_bytes()
    (tmp_path / "DISC" / "DICOMDIR").write_bytes(data)
    report = fileset.repair_file_set(tmp_path / "DISC")
    assert any("README is not on the medium" in message for message in messages(report, "FS-DESCRIPTOR"))


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_record_stays_if_its_file_has_a_name_that_no_record_can_reference(
    disc: Path, tmp_path: Path, form: str
) -> None:
    medium = tmp_path / "OUT"
    shutil.copytree(disc, medium / "images")
    (medium / "images" / "DICOMDIR").rename(medium / "DICOMDIR")
    (medium / "images" / "P1" / "IM1").unlink()
    if form == "zip":
        medium = Path(shutil.make_archive(str(medium), "zip", medium))
    report = fileset.repair_file_set(medium)
    assert [str(one.file_id) for one in report.removed] == ["P1/IM1"]
    assert len(messages(report, "FS-FILE-MISSING")) == 4
    with fileset.Reader(medium) as reader:
        assert [str(one.file_id) for one in reader.instances] == ["P1/IM2", "P2/IM1", "P2/IM2"]
    assert not fileset.repair_file_set(medium).written


def test_a_record_gets_the_legal_name_of_its_file_if_there_is_one(disc: Path, tmp_path: Path) -> None:
    medium = tmp_path / "OUT"
    shutil.copytree(disc, medium)
    shutil.copy(medium / "P1" / "IM1", medium / "COPY")
    (medium / "P1" / "IM1").rename(medium / "first image.dcm")
    report = fileset.repair_file_set(medium)
    assert (report.removed, [str(one.file_id) for one in report.refreshed]) == ([], ["COPY"])
    assert messages(report, "FS-FILE-MOVED") == [
        "P1/IM1: not on the medium, but found here by its SOP Instance UID: the record gets this name"
    ]
    with fileset.Reader(medium) as reader:
        assert sorted(str(one.file_id) for one in reader.instances) == ["COPY", "P1/IM2", "P2/IM1", "P2/IM2"]
    assert not {"FS-FILE-MISSING", "FS-INSTANCE-TWICE"} & {one.rule for one in fileset.check_file_set(medium).findings}


FILE_ID = b"\x04\x00\x00\x15CS\x06\x00P1\\IM1"


@pytest.mark.parametrize(
    "how",
    [
        "renamed",
        b"\x04\x00\x00\x15CS\x06\x00P1\\IM2",
        b"\x04\x00\x00\x15CS\x06\x00P1\\IM9",
        b"\x04\x00\x01\x15CS\x06\x00P1\\IM1",
    ],
)
def test_values_that_only_a_record_has_stay_if_its_file_id_is_wrong(
    disc: Path, tmp_path: Path, how: bytes | str
) -> None:
    """A Pixel Spacing that became an Imager Pixel Spacing, which the file lacks, in a record that does not name its file."""
    folder = patched_disc(disc, tmp_path, b"\x28\x00\x30\x00DS", b"\x18\x00\x64\x11DS")
    data = (folder / "DICOMDIR").read_bytes()
    assert data.count(FILE_ID) == 1
    if isinstance(how, str):
        (folder / "P1" / "IM1").rename(folder / "P1" / "IM7")
    else:
        (folder / "DICOMDIR").write_bytes(data.replace(FILE_ID, how))
    report = fileset.repair_file_set(folder)
    assert (report.removed, list(report.added)) == ([], [])
    with fileset.Reader(folder) as reader:
        assert [
            one["ImagerPixelSpacing"] for one in reader.find(FileID=f"P1/{'IM7' if how == 'renamed' else 'IM1'}")
        ] == [[1, 1]]
    assert not fileset.repair_file_set(folder).written
    assert fileset.check_file_set(folder).errors == 0


def test_a_record_does_not_follow_its_instance_to_another_patient(disc: Path, tmp_path: Path) -> None:
    shutil.copytree(disc, folder := tmp_path / "DISC")
    dataset = dcmread(folder / "P1" / "IM1")
    (folder / "P1" / "IM1").unlink()
    dataset.PatientID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "OTHER", "1.2.999.1", "1.2.999.2"
    synthetic.write(dataset, folder / "P1" / "IM7")
    report = fileset.repair_file_set(folder)
    assert [str(one.file_id) for one in report.removed] == ["P1/IM1"]
    assert [str(one.file_id) for one in report.added] == ["P1/IM7"]


def image_records(data: bytes) -> list[slice]:
    """The bytes of each IMAGE record."""
    contents = Contents(data)
    images = [index for index in contents.tree.walk() if contents.type_name(index) == "IMAGE"]
    return [slice(contents.flat.start[index], contents.flat.end[index]) for index in images]


def test_keys_before_the_file_id_are_compared_with_the_file(disc: Path, tmp_path: Path) -> None:
    shutil.copytree(disc, folder := tmp_path / "DISC")
    data = bytearray((disc / "DICOMDIR").read_bytes())
    header, number = b"\x04\x00\x00\x15CS\x06\x00", b"\x20\x00\x13\x00IS\x02\x00"
    for at in image_records(bytes(data)):
        start, _, rest = data[at].partition(header)
        before, _, after = (start + rest[6:]).partition(number)
        data[at] = before + number + b"9 " + after[2:] + header + rest[:6]
    (folder / "DICOMDIR").write_bytes(data)
    found = [one.where.file for one in fileset.check_file_set(folder).findings if one.rule == "FS-KEY-DIFFERS"]
    assert found == ["P1/IM1", "P1/IM2", "P2/IM1", "P2/IM2"]
    assert assert_nothing_lost(folder, values((disc / "DICOMDIR").read_bytes())) == "mended"
    assert fileset.check_file_set(folder).errors == 0


@pytest.mark.parametrize("spoiled", [b"\x20\x00\x13\x00IS\x02\x00", b""], ids=["first is wrong", "first is right"])
def test_each_of_two_records_of_a_file_is_compared_with_it(disc: Path, tmp_path: Path, spoiled: bytes) -> None:
    shutil.copytree(disc, folder := tmp_path / "DISC")
    data = bytearray((disc / "DICOMDIR").read_bytes())
    first, second = image_records(bytes(data))[:2]
    if spoiled:
        data[first] = data[first].replace(spoiled + b"1 ", spoiled + b"9 ")
    data[second] = data[second].replace(b"P1\\IM2", b"P1\\IM1")
    (folder / "DICOMDIR").write_bytes(data)
    found = {(one.where.file, one.rule) for one in fileset.check_file_set(folder).findings}
    assert {("P1/IM1", "FS-UID-DIFFERS"), ("P1/IM1", "FS-KEY-DIFFERS")} <= found
    assert assert_nothing_lost(folder, {}) == "mended"
    assert fileset.check_file_set(folder).errors == 0


def foreign_disc(folder: Path, **deviations: Any) -> bytes:
    """Two CT images, and a DICOMDIR that lists the first of them through an MRDR."""
    images = [synthetic.instance(synthetic.CT_IMAGE, number=number) for number in (1, 2)]
    records = []
    for number, data in enumerate(images, start=1):
        synthetic.write(data, folder / f"IM{number}")
        records.append(directories.image(f"IM{number}", data.SOPInstanceUID, t00200013=("IS", b"%d" % number)))
    records[0].mrdr = directories.Rec("MRDR", {**records[0].keys, 0x00041600: ("UL", b"\1\0\0\0")})
    del records[0].keys[0x00041500], records[0].mrdr.keys[0x00200013]
    series = directories.series(images[0].SeriesInstanceUID, *records, t00200011=("IS", b"1"))
    study = directories.study(images[0].StudyInstanceUID, series, t00200010=("SH", b"S1"))
    return directories.directory([directories.patient("P1", study)], **deviations)


def test_a_file_that_only_an_mrdr_names_is_listed_after_one_repair(tmp_path: Path) -> None:
    data = foreign_disc(tmp_path)
    (tmp_path / "DICOMDIR").write_bytes(data.replace(b"\x04\x00\x04\x15UL", b"\x04\x00\x05\x15UL"))
    assert assert_nothing_lost(tmp_path, {}) == "mended"
    assert reachable(tmp_path) == {"IM1", "IM2"}


def test_a_record_without_a_complete_file_reference_gets_one_from_its_mrdr(tmp_path: Path) -> None:
    data = foreign_disc(tmp_path)
    (tmp_path / "DICOMDIR").write_bytes(data.replace(b"\x04\x00\x12\x15UI", b"\x04\x00\x10\x14UI", 1))
    assert assert_nothing_lost(tmp_path, {}) == "mended"
    assert fileset.check_file_set(tmp_path).errors == 0


def test_no_delimiter_that_ends_no_item_is_written(tmp_path: Path) -> None:
    data = foreign_disc(tmp_path, syntax=directories.IMPLICIT)
    (tmp_path / "DICOMDIR").write_bytes(
        data.replace(b"\x08\x00\x20\x00\x08\0\0\x0020240101", b"\xfe\xff\x0dA\x08\0\0\x0020240101")
    )
    assert assert_nothing_lost(tmp_path, {}) == "mended"
    assert fileset.check_file_set(tmp_path).errors == 0


def test_a_record_that_becomes_one_of_another_type_gets_the_keys_of_that(tmp_path: Path) -> None:
    data = synthetic.instance(synthetic.CT_IMAGE)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = UID("1.2.3.4")
    synthetic.write(data, tmp_path / "IM1")
    fileset.index(tmp_path, keys="usual", unknown_sop_class="private")
    record = (tmp_path / "DICOMDIR").read_bytes()
    (tmp_path / "DICOMDIR").write_bytes(record.replace(b"\x20\x00\x12\x00IS", b"\x20\x00\x41\x00IS"))
    assert b"PRIVATE " in record
    assert assert_nothing_lost(tmp_path, {}) == "mended"


@pytest.mark.parametrize("sop_class", [synthetic.COMPREHENSIVE_SR, synthetic.GRAYSCALE_STATE])
def test_a_truncated_file_takes_no_value_from_its_record(tmp_path: Path, sop_class: str) -> None:
    whole = synthetic.encode(synthetic.instance(sop_class))
    (tmp_path / "IM1").write_bytes(whole)
    fileset.index(tmp_path)
    data = (tmp_path / "DICOMDIR").read_bytes()
    for size in range(len(whole) // 2 - 1, len(whole), 100):
        (tmp_path / "IM1").write_bytes(whole[:size])
        fileset.repair_file_set(tmp_path)
        assert (tmp_path / "DICOMDIR").read_bytes() == data, size
        assert {one.rule for one in fileset.check_file_set(tmp_path).findings} >= {"FS-FILE-TRUNCATED"}
