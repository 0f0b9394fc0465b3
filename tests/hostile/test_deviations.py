"""The 32 deviations of real media, each read as described: one or more tests for each number.

Deviations that a Reader alone cannot find (28 to 32, and the half of 4, 18 and 19 that compares files) are tested as far as they
touch it; checking is the matter of `check`.
"""

from __future__ import annotations

import pickle
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from struct import pack
from typing import Any, Final

import pydicom.data
import pytest

from fileset import FindingsError, FormatError, MediumError, Reader, index
from fileset.errors import FilesetError
from tests.support import directories, synthetic
from tests.support.directories import (
    BIG,
    EXPLICIT,
    FILE_SET_UID,
    IMPLICIT,
    LOWER,
    NEXT,
    USUAL,
    Rec,
    directory,
    image,
    patient,
    series,
    study,
    text,
    usual,
)

SHIPPED: Final = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
Places = frozenset[tuple[str, str, str]]


def opened(data: bytes, folder: Path) -> Reader:
    """A Reader of a folder with this DICOMDIR."""
    folder.mkdir(exist_ok=True)
    (folder / "DICOMDIR").write_bytes(data)
    return Reader(folder)


def places(reader: Reader) -> Places:
    """Return (Patient ID, Study Instance UID, SOP Instance UID) of every instance, "" if unknown."""
    return frozenset(
        (_key(record.patient, "PatientID"), _key(record.study, "StudyInstanceUID"), record.sop_instance_uid)
        for record in reader.instances
    )


def _key(record: Any, keyword: str) -> str:
    return str(record.get(keyword) or "") if record else ""


def rules(reader: Reader) -> set[str]:
    """The rules of all findings, once all records have been looked at."""
    for record in reader.records:
        record.keys()
    list(reader.paths())
    return {finding.rule for finding in reader.findings}


def read(data: bytes, folder: Path) -> tuple[Places, set[str]]:
    """Read a DICOMDIR; return its instances, and the rules that it breaks."""
    with opened(data, folder) as reader:
        return places(reader), rules(reader)


def test_the_usual_directory_breaks_no_rule(tmp_path: Path) -> None:
    assert read(directory(usual()), tmp_path) == (USUAL, set())


def test_every_deviation_is_tested() -> None:
    numbers = {int(found[1]) for name in globals() if (found := re.match(r"test_(\d\d)_", name))}
    assert numbers == set(range(1, 33))


# --- names on the medium --------------------------------------------------------------------------------------------

ONE: Final = [patient("P1", study("1.1", series("1.1.1", image(r"DICOM\IM000001", synthetic.ct_uid()))))]
NAMES: Final = ("DICOM/IM000001", "dicom/im000001", "DICOM/IM000001.", "DICOM/IM000001;1", "dicom/im000001.;1")


def single(name: str, folder: Path, record: list[Rec] | None = None) -> Reader:
    """A file-set of one file under the name."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(synthetic.ct())
    return opened(directory(record or ONE), folder)


@pytest.mark.parametrize("name", [*NAMES, "DICOM/IM000001.DCM", "DICOM/IM000001.dcm"])
def test_01_names_in_lower_case_or_with_version(name: str, tmp_path: Path) -> None:
    with single(name, tmp_path) as reader:
        [record] = reader.instances
        assert record.dataset().SOPInstanceUID == synthetic.ct_uid()
        assert not rules(reader)


@pytest.mark.parametrize(
    "name", ["IMAGE.DCM", "dicom/im-0001.dcm", "DICOM/LONGER_THAN_8", "A/B/C/D/E/F/G/H/I/J", "Bilder/Größe 1.dcm"]
)
def test_02_file_ids_against_the_rules_are_followed_and_reported(name: str, tmp_path: Path) -> None:
    value = text(name.replace("/", "\\").encode("latin-1"), "CS")
    record = image("X", synthetic.ct_uid(), t00041500=value)
    with single(name, tmp_path, [patient("P1", study("1.1", series("1.1.1", record)))]) as reader:
        [found] = reader.instances
        if name.isascii():
            assert found.dataset().SOPInstanceUID == synthetic.ct_uid()
        assert "FS-FILE-ID-FORM" in rules(reader)


@pytest.mark.parametrize(
    "value", ["DICOM/IM000001", r"\DICOM\IM000001", "/DICOM/IM000001", "DICOM\\IM000001  \0\0", "DICOM \\IM000001 "]
)
def test_03_other_separators_and_padding_are_understood(value: str, tmp_path: Path) -> None:
    record = image("X", synthetic.ct_uid(), t00041500=text(value, "CS"))
    with single("DICOM/IM000001", tmp_path, [patient("P1", study("1.1", series("1.1.1", record)))]) as reader:
        assert [found.dataset().SOPInstanceUID for found in reader.instances] == [synthetic.ct_uid()]


@pytest.mark.parametrize(
    "value", [r"..\BAIT", r"DICOM\..\..\BAIT", "../BAIT", r"C:\BAIT", r".\..\BAIT", "DICOM\\\\BAIT", "..", r"\\..\BAIT"]
)
def test_03_names_that_lead_out_of_the_file_set_are_not_followed(value: str, tmp_path: Path) -> None:
    (tmp_path / "BAIT").write_bytes(synthetic.ct())
    record = image("X", "1.2", t00041500=text(value, "CS"))
    roots = [patient("P1", study("1.1", series("1.1.1", record, image(r"DICOM\IM000001", synthetic.ct_uid()))))]
    with single("DICOM/IM000001", tmp_path / "SET", roots) as reader:
        hostile, good = reader.instances
        assert hostile.file_id is None
        with pytest.raises(FormatError):
            hostile.open()
        assert good.dataset().SOPInstanceUID == synthetic.ct_uid()
        assert rules(reader) == {"FS-FILE-ID-HOSTILE"}


def test_04_a_missing_file_costs_no_other_and_an_unreferenced_one_is_no_instance(tmp_path: Path) -> None:
    roots = [patient("P1", study("1.1", series("1.1.1", image("GONE", "1.2"), image("THERE", synthetic.ct_uid()))))]
    (tmp_path / "OTHER").write_bytes(synthetic.ct(number=2))
    with single("THERE", tmp_path, roots) as reader:
        gone, there = reader.instances
        assert there.dataset().SOPInstanceUID == synthetic.ct_uid()
        with pytest.raises(MediumError, match="GONE"):
            gone.open()
        unreferenced = set(reader.medium.names()) - set(reader.paths()) - {"DICOMDIR"}
    assert unreferenced == {"OTHER"}


def test_05_a_dicomdir_below_the_root_is_found(tmp_path: Path) -> None:
    single("DICOM/IM000001", tmp_path / "DISC" / "IMAGES").close()
    with Reader(tmp_path / "DISC") as reader:
        assert [record.dataset().SOPInstanceUID for record in reader.instances] == [synthetic.ct_uid()]


def test_05_of_several_dicomdirs_the_user_chooses(tmp_path: Path) -> None:
    for name in ("CD1", "CD2"):
        single("DICOM/IM000001", tmp_path / name).close()
    with pytest.raises(FormatError, match=r"CD1.*CD2"):
        Reader(tmp_path)
    with Reader(tmp_path / "CD2") as reader:
        assert len(list(reader.instances)) == 1


@pytest.mark.parametrize("name", ["dicomdir", "Dicomdir", "DICOMDIR.", "DICOMDIR;1", "dicomdir.;1"])
def test_06_a_dicomdir_under_another_form_of_its_name_is_found(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(directory(usual()))
    with Reader(tmp_path) as reader:
        assert places(reader) == USUAL


# --- encoding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("declared", [EXPLICIT, IMPLICIT, BIG, "1.2.840.10008.1.2.4.50", ""])
@pytest.mark.parametrize("undefined", [0, 1], ids=["explicit", "undefined"])
def test_07_any_transfer_syntax_whatever_is_declared(
    syntax: str, declared: str, undefined: int, tmp_path: Path
) -> None:
    data = directory(
        _lengths(usual(), undefined=bool(undefined)), syntax=syntax, declared=declared, undefined=bool(undefined)
    )
    found, broken = read(data, tmp_path)
    assert found == USUAL
    assert broken == (set() if syntax == declared == EXPLICIT else {"FS-DICOMDIR-SYNTAX"})


def _lengths(roots: list[Rec], *, undefined: bool) -> list[Rec]:
    for root in roots:
        for record in root.walk():
            record.undefined = undefined
    return roots


def _moved(offset: int, by: int) -> int:
    return offset + by


def _drifting(offset: int) -> int:
    """One byte more for each 200, as for a name whose characters were counted instead of its bytes."""
    return offset - offset // 200


BASES: Final[dict[str, Callable[[], bytes]]] = {
    "counted without the preamble": lambda: directory(usual(), offset=partial(_moved, by=-132)),
    "counted twice with it": lambda: directory(usual(), offset=partial(_moved, by=132)),
    "counted from the data set": lambda: directory(usual(), offset=partial(_moved, by=-132 - 122)),
    "no preamble, counted with it": lambda: directory(usual())[132:],
    "no preamble, counted without": lambda: directory(usual(), preamble=b""),
    "no preamble but the prefix": lambda: directory(usual(), preamble=b"DICM"),
    "no File Meta Information": lambda: directory(usual(), preamble=b"", meta=False),
    "the same, counted with it": lambda: directory(usual(), preamble=b"", meta=False, offset=partial(_moved, by=254)),
    "one byte in a name too many": lambda: directory(usual(), offset=partial(_moved, by=1)),
    "drifting away": lambda: directory(usual(), offset=_drifting),
    "the prefix damaged": lambda: directory(usual(), preamble=b"\0" * 128 + b"DICN"),
}


@pytest.mark.parametrize("base", BASES)
def test_08_offsets_on_another_base_are_found_out(base: str, tmp_path: Path) -> None:
    found, broken = read(BASES[base](), tmp_path)
    assert found == USUAL
    assert broken
    assert broken <= {"FS-DICOMDIR-META", "FS-DICOMDIR-SYNTAX", "FS-OFFSET-SHIFTED"}


def test_08_a_shift_is_one_finding(tmp_path: Path) -> None:
    with opened(directory(usual(), offset=partial(_moved, by=-132)), tmp_path) as reader:
        assert [finding.rule for finding in reader.findings] == ["FS-OFFSET-SHIFTED"]
        assert "+132" in reader.findings[0].message


NO_OFFSETS: Final[dict[str, Callable[[], bytes]]] = {
    "all zero": lambda: directory(usual(), offset=lambda _: 0),
    "all wrong": lambda: directory(usual(), offset=lambda right: right * 7919 % 65536 + 11),
    "all the same": lambda: directory(usual(), offset=lambda _: 1000),
    "all absent": lambda: directory(usual(), without=frozenset((NEXT, LOWER))),
    "no lower ones": lambda: directory(usual(), without=frozenset((LOWER,))),
    "no next ones": lambda: directory(usual(), without=frozenset((NEXT,))),
    "none at the root": lambda: directory(usual(), first=0, last=0),
}


@pytest.mark.parametrize("case", NO_OFFSETS)
def test_09_without_offsets_the_order_of_the_file_holds(case: str, tmp_path: Path) -> None:
    found, broken = read(NO_OFFSETS[case](), tmp_path)
    assert found == USUAL
    assert broken
    assert all(name.startswith(("FS-OFFSET", "FS-RECORD-ORPHAN")) for name in broken)


def test_09_leaves_may_lack_the_lower_offset(tmp_path: Path) -> None:
    roots = usual()
    for record in (leaf for root in roots for leaf in root.walk() if leaf.type == "IMAGE"):
        record.without = frozenset((LOWER,))
    assert read(directory(roots), tmp_path) == (USUAL, {"FS-OFFSET-ABSENT"})


def test_09_the_dicomdir_of_pydicom_without_offsets_loses_nothing() -> None:
    with Reader(SHIPPED / "DICOMDIR-nooffset") as reader, Reader(SHIPPED / "DICOMDIR") as whole:
        assert {one.file_id for one in reader.instances} == {one.file_id for one in whole.instances}


# --- structure ------------------------------------------------------------------------------------------------------


def _shuffled(records: list[Rec]) -> list[Rec]:
    return sorted(records, key=lambda record: (record.type, -len(record.keys), -records.index(record)))


@pytest.mark.parametrize(
    "arrange", [lambda records: records[::-1], _shuffled, lambda records: records[7:] + records[:7]]
)
def test_10_the_order_of_the_records_is_free(arrange: Callable[[list[Rec]], list[Rec]], tmp_path: Path) -> None:
    assert read(directory(usual(), arrange=arrange), tmp_path) == (USUAL, set())


Spoil = Callable[[list[Rec]], None]


def _spoilt(spoil: Spoil) -> bytes:
    """The usual directory with one link changed."""
    roots = usual()
    spoil([record for root in roots for record in root.walk()])
    return directory(roots)


# Of 22 records: patients 0 and 11, studies 1, 6, 12 and 17, the series after each, images 3 to 5, 8 to 10 ...
LINKS: Final[dict[str, tuple[Spoil, str]]] = {
    "a record to itself": (lambda r: r[4].leads_to.update({NEXT: r[4]}), "FS-OFFSET-CYCLE"),
    "the last image to the first": (lambda r: r[5].leads_to.update({NEXT: r[3]}), "FS-OFFSET-CYCLE"),
    "the last patient to the first": (lambda r: r[11].leads_to.update({NEXT: r[0]}), "FS-OFFSET-CYCLE"),
    "an image up to its patient": (lambda r: r[4].leads_to.update({LOWER: r[0]}), "FS-OFFSET-CYCLE"),
    "a study down to itself": (lambda r: r[6].leads_to.update({LOWER: r[6]}), "FS-OFFSET-CYCLE"),
    "a study to the series of another": (lambda r: r[6].leads_to.update({LOWER: r[2]}), "FS-OFFSET-SHARED"),
    "a study to the series of a later one": (lambda r: r[1].leads_to.update({LOWER: r[7]}), "FS-OFFSET-SHARED"),
    "a patient to the study of the next": (lambda r: r[0].leads_to.update({LOWER: r[12]}), "FS-OFFSET-SHARED"),
    "a next offset into an item": (lambda r: r[3].astray.update({NEXT: 60}), "FS-OFFSET-NOWHERE"),
    "a lower offset into an item": (lambda r: r[0].astray.update({LOWER: 40}), "FS-OFFSET-NOWHERE"),
    "an offset at the first element": (lambda r: r[3].astray.update({NEXT: 8}), "FS-OFFSET-NEAR"),
    "an offset before the item": (lambda r: r[12].astray.update({LOWER: -2}), "FS-OFFSET-NEAR"),
}


@pytest.mark.parametrize("case", LINKS)
def test_11_loops_sharing_and_offsets_into_items_cost_nothing(case: str, tmp_path: Path) -> None:
    spoil, rule = LINKS[case]
    found, broken = read(_spoilt(spoil), tmp_path)
    assert found == USUAL
    assert rule in broken
    assert broken <= {rule, "FS-RECORD-ORPHAN"}


@pytest.mark.parametrize("by", [2, -2, 8])
def test_11_the_first_offset_may_point_beside_its_record(by: int, tmp_path: Path) -> None:
    first = len(directory([])) + by
    assert read(directory(usual(), first=first), tmp_path) == (USUAL, {"FS-OFFSET-NEAR"})


def test_11_a_circle_apart_from_the_tree_is_entered(tmp_path: Path) -> None:
    def spoil(records: list[Rec]) -> None:
        records[1].leads_to[NEXT] = records[1]  # no record leads to the second study ...
        records[8].leads_to[LOWER] = records[6]  # ... but an image below it

    found, broken = read(_spoilt(spoil), tmp_path)
    assert found == USUAL
    assert broken == {"FS-OFFSET-CYCLE"}


def test_12_an_orphan_is_adopted_where_a_link_is_broken(tmp_path: Path) -> None:
    def spoil(records: list[Rec]) -> None:
        records[0].astray[NEXT] = records[3].astray[NEXT] = records[12].astray[LOWER] = 50

    assert read(_spoilt(spoil), tmp_path) == (USUAL, {"FS-OFFSET-NOWHERE", "FS-RECORD-ORPHAN"})


@pytest.mark.parametrize("moved", [0, 5])
def test_12_an_orphan_that_no_broken_link_misses_gets_no_patient(moved: int, tmp_path: Path) -> None:
    """It may have been removed, or follow the records of another patient: its patient is unknown."""
    roots = usual()
    roots[0].lower[1].linked = False
    data = directory(roots, arrange=lambda r: [*r[: 11 - moved], *r[11:], *r[11 - moved : 11]])
    found, broken = read(data, tmp_path)
    assert found == {("" if uid.startswith("1.1.2.") else of, at, uid) for of, at, uid in USUAL}
    assert broken == {"FS-RECORD-ORPHAN"}


@pytest.mark.parametrize("last", [0, 5, 10**6])
def test_12_a_wrong_offset_of_the_last_record_does_no_harm(last: int, tmp_path: Path) -> None:
    assert read(directory(usual(), last=last), tmp_path) == (USUAL, {"FS-OFFSET-LAST"})


MISSING_LEVELS: Final[dict[str, tuple[list[Rec], Places]]] = {
    "a study at the root": (
        [study("1.1", series("1.1.1", image("A", "1.1.1.1")))],
        frozenset((("", "1.1", "1.1.1.1"),)),
    ),
    "a series below a patient": (
        [patient("P1", series("1.1.1", image("A", "1.1.1.1")))],
        frozenset((("P1", "", "1.1.1.1"),)),
    ),
    "an image below a patient": ([patient("P1", image("A", "1.1.1.1"))], frozenset((("P1", "", "1.1.1.1"),))),
    "an image at the root": (
        [image("A", "1.1.1.1"), patient("P1", study("1.1", series("1.1.1", image("B", "1.1.1.2"))))],
        frozenset((("", "", "1.1.1.1"), ("P1", "1.1", "1.1.1.2"))),
    ),
}


@pytest.mark.parametrize("case", MISSING_LEVELS)
def test_13_missing_levels_have_an_unknown_parent(case: str, tmp_path: Path) -> None:
    roots, expected = MISSING_LEVELS[case]
    assert read(directory(roots), tmp_path)[0] == expected


def test_13_the_dicomdir_of_pydicom_without_patients_loses_nothing() -> None:
    with Reader(SHIPPED / "DICOMDIR-nopatient") as reader, Reader(SHIPPED / "DICOMDIR") as whole:
        assert {one.file_id for one in reader.instances} == {one.file_id for one in whole.instances}
        assert all(record.study for record in reader.instances)


def test_14_an_empty_directory_is_legal(tmp_path: Path) -> None:
    assert read(directory([]), tmp_path) == (frozenset(), set())
    assert read(directory([], undefined=True), tmp_path) == (frozenset(), set())
    assert read((SHIPPED / "DICOMDIR-empty.dcm").read_bytes(), tmp_path)[0] == frozenset()


def test_15_an_inactive_record_is_hidden_with_all_below_it(tmp_path: Path) -> None:
    roots = usual()
    roots[0].lower[0].in_use = 0
    roots[1].lower[0].lower[0].lower[1].in_use = 0
    roots[1].lower[1].in_use = 1  # neither 0000H nor FFFFH: in use (PS3.3 F.3.2.2)
    found, broken = read(directory(roots), tmp_path)
    assert found == {one for one in USUAL if one[1] != "1.1.1" and one[2] != "1.2.1.1.2"}
    assert broken == {"FS-RECORD-INACTIVE", "FS-RECORD-IN-USE-FLAG"}


@pytest.mark.parametrize("flag", [0xFFFF, 1])
def test_16_a_consistency_flag_is_reported_and_reading_goes_on(flag: int, tmp_path: Path) -> None:
    assert read(directory(usual(), consistency=flag), tmp_path) == (USUAL, {"FS-CONSISTENCY-FLAG"})


# --- keys -----------------------------------------------------------------------------------------------------------


def test_17_entities_with_the_same_key_are_kept_and_found(tmp_path: Path) -> None:
    roots = [
        patient("P1", study("1.1", series("1.1.1", image("A", "1.1.1.1")))),
        patient("P1", study("1.1", series("1.1.1", image("B", "1.1.1.2")), series("1.1.1", image("C", "1.1.1.3")))),
    ]
    with opened(directory(roots), tmp_path) as reader:
        for keys in ({"PatientID": "P1"}, {"StudyInstanceUID": "1.1"}, {"SeriesInstanceUID": "1.1.1"}):
            assert [record.sop_instance_uid for record in reader.find(**keys)] == ["1.1.1.1", "1.1.1.2", "1.1.1.3"]
        assert len(list(reader.patients)) == len(list(reader.studies)) == 2
        assert len(list(reader.series)) == 3


def test_18_record_and_file_each_keep_their_own_value(tmp_path: Path) -> None:
    roots = [patient("OLD", study("1.1", series("1.1.1", image("THERE", synthetic.ct_uid()))), name="Before^It")]
    with single("THERE", tmp_path, roots) as reader:
        [record] = reader.instances
        assert record.patient
        assert record.patient["PatientID"] == "OLD"
        assert record.dataset().PatientID == "P1"


def test_19_keys_may_be_missing_or_empty(tmp_path: Path) -> None:
    bare = Rec(
        "PATIENT", {}, [Rec("STUDY", {}, [Rec("SERIES", {0x0020000E: text("", "UI")}, [image("A", "1.1.1.1")])])]
    )
    with opened(directory([bare, *usual()]), tmp_path) as reader:
        assert places(reader) == USUAL | {("", "", "1.1.1.1")}
        assert not rules(reader)
        first = next(reader.instances)
        assert first.series
        assert first.series["SeriesInstanceUID"] is None
        assert first.series.get("SeriesNumber") is None


UIDS: Final = (0x00041510, 0x00041511, 0x00041512)


def test_20_values_that_the_file_reference_lacks_are_taken_from_the_file(tmp_path: Path) -> None:
    record, other = image("THERE", "1.2"), image("GONE", "1.3")
    record.without = other.without = frozenset(UIDS)
    with single("THERE", tmp_path, [patient("P1", study("1.1", series("1.1.1", record, other)))]) as reader:
        there, gone = reader.instances
        assert there.sop_class_uid == directories.CT
        assert there.sop_instance_uid == synthetic.ct_uid()
        assert there.transfer_syntax_uid == EXPLICIT
        assert gone.sop_class_uid == gone.sop_instance_uid == gone.transfer_syntax_uid == ""
        assert {finding.rule for finding in reader.findings} == {"FS-RECORD-REFERENCE"}


MUELLER: Final = "Müller^Jörg"
CHARACTER_SETS: Final[dict[str, tuple[bytes, dict[str, bytes], str]]] = {
    "in the record": (MUELLER.encode("latin-1"), {"record": b"ISO_IR 100"}, ""),
    "at the top only": (MUELLER.encode("utf-8"), {"top": b"ISO_IR 192"}, ""),
    "the record against the top": (MUELLER.encode("utf-8"), {"record": b"ISO_IR 192", "top": b"ISO_IR 100"}, ""),
    "in the record above": ("Дюжа".encode("iso8859_5"), {"above": b"ISO_IR 144"}, "FS-CHARSET-GUESSED"),
    "nowhere, UTF-8": (MUELLER.encode("utf-8"), {}, "FS-CHARSET-GUESSED"),
    "nowhere, Latin 1": (MUELLER.encode("latin-1"), {}, "FS-CHARSET-GUESSED"),
    "unknown": (MUELLER.encode("latin-1"), {"record": b"ISO_IR 999"}, ""),
    "ISO 2022": (b"Yamada^Tarou=\x1b$B;3ED\x1b(B", {"record": b"\\ISO 2022 IR 87"}, ""),
}
EXPECTED: Final = {"in the record above": "Дюжа", "ISO 2022": "Yamada^Tarou=山田"}


@pytest.mark.parametrize("case", CHARACTER_SETS)
def test_21_character_sets_are_looked_for_in_order(case: str, tmp_path: Path) -> None:
    name, declared, rule = CHARACTER_SETS[case]
    sets = {place: {0x00080005: text(value, "CS")} for place, value in declared.items()}
    below = study("1.1", series("1.1.1", image("A", "1.1.1.1")), t00081030=text(name))
    below.keys.update(sets.get("record", {}))
    above = patient("P1", below)
    above.keys.update(sets.get("above", {}))
    with opened(directory([above], top=sets.get("top")), tmp_path) as reader:
        [found] = reader.studies
        expected = EXPECTED.get(case, MUELLER)
        assert found["StudyDescription"] == found.keys()["StudyDescription"] == expected
        assert [one["StudyInstanceUID"] for one in reader.find("STUDY", StudyDescription=expected)] == ["1.1"]
        assert rules(reader) == ({rule} if rule else set())


# --- kinds of records -----------------------------------------------------------------------------------------------

KINDS: Final = {
    "STRUCT REPORT": set[str](),
    "STORED PRINT": set[str](),
    "CURVE": set[str](),
    "PRIVATE": set[str](),
    "IMAGE.": {"FS-RECORD-TYPE"},
    "image": {"FS-RECORD-TYPE"},
    "NEW KIND": {"FS-RECORD-TYPE"},
    "": {"FS-RECORD-TYPE"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_22_records_of_any_type_are_kept_and_listed(kind: str, tmp_path: Path) -> None:
    odd = image("ODD", "1.9", kind)
    odd.lower.append(image("BELOW", "1.9.1"))
    roots = [patient("P1", study("1.1", series("1.1.1", image("A", "1.1.1.1"), odd, image("B", "1.1.1.2"))))]
    with opened(directory(roots), tmp_path) as reader:
        listed = {record.sop_instance_uid for record in reader.instances}
        assert listed >= {"1.1.1.1", "1.9", "1.1.1.2"}
        assert rules(reader) == KINDS[kind]
        assert {record.sop_instance_uid for record in reader.records} >= listed | {"1.9.1"}
        [found] = [record for record in reader.records if record.sop_instance_uid == "1.9"]
        assert found.record_type == kind.rstrip(".").upper()


def test_23_private_records_and_elements_are_read(tmp_path: Path) -> None:
    private = Rec("PRIVATE", {0x00041432: text("1.2.99", "UI"), 0x00091001: ("OB", b"\1\2")}, [image("A", "1.9")])
    roots = [private, patient("P1", study("1.1", series("1.1.1", image("B", "1.1.1.1"))))]
    roots[1].keys.update({0x00090010: text("ACME"), 0x00091001: ("UN", b"secret")})
    with opened(directory(roots), tmp_path) as reader:
        assert [record.sop_instance_uid for record in reader.instances] == ["1.9", "1.1.1.1"]
        [found] = reader.patients
        assert found["00091001"] == b"secret"
        assert found.keys()["00090010"] == "ACME"
        assert not rules(reader)


def test_24_a_multi_referenced_file_is_followed(tmp_path: Path) -> None:
    held = Rec("MRDR", {**image(r"DICOM\IM000001", synthetic.ct_uid()).keys, 0x00041600: ("UL", pack("<I", 2))})
    referring = [Rec("IMAGE", {0x00200013: text(str(n), "IS")}, mrdr=held) for n in (1, 2)]
    referring[1].leads_to[0x00041504] = held
    roots = [patient("P1", study("1.1", series("1.1.1", referring[0])))]
    with single("DICOM/IM000001", tmp_path, roots) as reader:
        [record] = reader.instances
        assert record.dataset().SOPInstanceUID == record.sop_instance_uid == synthetic.ct_uid()
        assert list(reader.paths()) == ["DICOM/IM000001"]
        assert list(reader.find(SOPInstanceUID=synthetic.ct_uid(), PatientID="P1")) == [record]
        assert not rules(reader)


# --- lengths, and the elements around the records -------------------------------------------------------------------

ICON: Final = directories.CODINGS[EXPLICIT].item(
    directories.CODINGS[EXPLICIT].element(0x00280010, "US", b"\2\0")
    + directories.CODINGS[EXPLICIT].element(0x7FE00010, "OW", b"\1\2\3\4"),
    undefined=True,
) + pack("<HHI", 0xFFFE, 0xE0DD, 0)
PRIVATE_ITEMS: Final = directories.CODINGS[IMPLICIT].item(
    directories.CODINGS[IMPLICIT].element(0x00091002, "LO", b"inside"), undefined=True
) + pack("<HHI", 0xFFFE, 0xE0DD, 0)


def _made_undefined(group: int, number: int, vr: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Return the header of an element as written, and with undefined length."""
    header = pack("<HH2sHI", group, number, vr, 0, len(value))
    return header, header[:8] + b"\xff" * 4


@pytest.mark.parametrize("undefined", [0, 1], ids=["explicit", "undefined"])
def test_25_any_mix_of_lengths_icons_and_huge_private_elements(undefined: int, tmp_path: Path) -> None:
    roots = usual()
    records = [record for root in roots for record in root.walk()]
    for number, record in enumerate(records):
        record.undefined = number % 3 == 0
        record.keys[0x00091001] = "OB", b"\xfe\xff\x00\xe0" * (250_000 if number == 9 else 2)
        if record.type == "IMAGE":
            record.keys[0x00880200] = "SQ", ICON
    data = directory(roots, undefined=bool(undefined)).replace(*_made_undefined(0x0088, 0x0200, b"SQ", ICON))
    with opened(data, tmp_path) as reader:
        assert places(reader) == USUAL
        assert not rules(reader)
        assert all(
            record["IconImageSequence"] == [{"Rows": 2, "PixelData": b"\1\2\3\4"}] for record in reader.instances
        )


def test_25_a_value_of_unknown_vr_and_undefined_length_is_passed(tmp_path: Path) -> None:
    roots = usual()
    for root in roots:
        root.keys[0x00091001] = "UN", PRIVATE_ITEMS
    data = directory(roots).replace(*_made_undefined(0x0009, 0x1001, b"UN", PRIVATE_ITEMS))
    assert read(data, tmp_path) == (USUAL, set())


@pytest.mark.parametrize(
    ("tail", "rule"),
    [
        (pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 64) + bytes(64), ""),
        (bytes(512), "FS-DICOMDIR-TRAILING"),
        (b"\0", "FS-DICOMDIR-TRAILING"),
        (b"\xff" * 100, "FS-DICOMDIR-TRAILING"),
    ],
)
@pytest.mark.parametrize("undefined", [0, 1], ids=["explicit", "undefined"])
def test_26_padding_after_the_data_set_is_ignored(tail: bytes, rule: str, undefined: int, tmp_path: Path) -> None:
    data = directory(usual(), tail=tail, undefined=bool(undefined))
    assert read(data, tmp_path) == (USUAL, {rule} if rule else set())


@pytest.mark.parametrize("more", [-60, -2, 2, 1000])
def test_27_a_wrong_group_length_is_not_believed(more: int, tmp_path: Path) -> None:
    assert read(directory(usual(), group_length=more), tmp_path) == (USUAL, {"FS-DICOMDIR-META"})


# --- the rest of the medium -----------------------------------------------------------------------------------------


def test_28_a_compressed_file_is_read_like_any_other(tmp_path: Path) -> None:
    """That STD-GEN-CD does not allow it is a finding of `check` with a profile."""
    jpeg = "1.2.840.10008.1.2.4.50"
    dataset = synthetic.instance(synthetic.CT_IMAGE, transfer_syntax=jpeg)
    synthetic.write(dataset, tmp_path / "IM1")
    record = image("IM1", dataset.SOPInstanceUID, t00041512=text(jpeg, "UI"))
    with opened(directory([patient("P1", study("1.1", series("1.1.1", record)))]), tmp_path) as reader:
        [found] = reader.instances
        assert found.dataset().file_meta.TransferSyntaxUID == found.transfer_syntax_uid == jpeg
        assert not rules(reader)


OF_VIEWERS: Final = {
    "AUTORUN.INF": b"[autorun]\r\nopen=VIEWER\\VIEWER.EXE\r\n",
    "CDVIEWER.EXE": b"MZ" + bytes(400),
    "JRE/LIB/RT.JAR": b"PK\3\4" + bytes(200),
    "IHE_PDI/IMAGES/A.JPG": b"\xff\xd8\xff\xe0" + bytes(200),
    "XTR_CONT/STUDYLIST.XML": b"<?xml version='1.0'?><list/>",
    "HELP/INDEX.HTM": b"<html></html>",
    "README.TXT": b"Read me",
    "LOG4J.XML": b"",
}


def test_29_files_of_viewers_are_recognised_by_content_not_by_name(tmp_path: Path) -> None:
    for name, content in OF_VIEWERS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "VIEWER").mkdir()
    (tmp_path / "VIEWER" / "DEMO").write_bytes(synthetic.ct())
    report = index(tmp_path)
    assert [str(one.file_id) for one in report.added] == ["VIEWER/DEMO"]
    assert {one.rule for one in report.skipped} <= {"FS-FILE-NOT-DICOM", "FS-FILE-EMPTY", "FS-FILE-NAME"}
    assert {Path(one.source).name for one in report.skipped} == {Path(name).name for name in OF_VIEWERS}
    with Reader(tmp_path) as reader:
        assert list(reader.paths()) == ["VIEWER/DEMO"]


def test_30_files_may_be_in_the_root_or_among_web_content(tmp_path: Path) -> None:
    records = [image("IM1", "1.1.1.1"), image(r"IHE_PDI\IM2", "1.1.1.2")]
    for number, name in ((1, "IM1"), (2, "IHE_PDI/IM2")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(synthetic.ct(number=number))
    with opened(directory([patient("P1", study("1.1", series("1.1.1", *records)))]), tmp_path) as reader:
        assert [record.dataset().InstanceNumber for record in reader.instances] == [1, 2]
        assert not rules(reader)


def test_31_each_of_several_discs_is_a_separate_file_set(tmp_path: Path) -> None:
    for number in (1, 2):
        record = image("IM1", synthetic.ct_uid(number=number))
        folder = tmp_path / f"DISC{number}"
        folder.mkdir()
        (folder / "IM1").write_bytes(synthetic.ct(number=number))
        with opened(directory([patient("P1", study("1.1", series("1.1.1", record)))]), folder) as reader:
            assert [one.dataset().InstanceNumber for one in reader.instances] == [number]
            assert not rules(reader)


ENVELOPED: Final = bytes.fromhex("3080 0609 2a864886f70d010703 a080 3080 020100") + bytes(400)
"""The beginning of CMS enveloped data (PS3.15 D.1)."""


def test_32_an_encrypted_dicomdir_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="encrypted"):
        opened(ENVELOPED, tmp_path)


def test_32_an_encrypted_file_is_an_error_of_that_file(tmp_path: Path) -> None:
    with single("DICOM/IM000001", tmp_path) as reader:
        shutil.copyfile(tmp_path / "DICOMDIR", tmp_path / "DICOM" / "IM000001")
        (tmp_path / "DICOM" / "IM000001").write_bytes(ENVELOPED)
        [record] = reader.instances
        with pytest.raises(FilesetError):
            record.dataset()


# --- strict ---------------------------------------------------------------------------------------------------------


def test_strict_raises_all_findings_as_one_group(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(directory(usual(), last=5, consistency=1, group_length=2))
    with pytest.RaisesGroup(
        pytest.RaisesExc(FormatError, match="FS-DICOMDIR-META"),
        pytest.RaisesExc(FormatError, match="FS-OFFSET-LAST"),
        pytest.RaisesExc(FormatError, match="FS-CONSISTENCY-FLAG"),
    ):
        Reader(tmp_path, strict=True)


def test_the_group_is_an_error_like_all_others(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(directory(usual(), last=5, consistency=1, group_length=2))
    with pytest.raises(FilesetError, match="DICOMDIR-META") as caught:
        Reader(tmp_path, strict=True)
    assert isinstance(caught.value, FindingsError)
    assert isinstance(caught.value, FormatError)
    assert caught.value.exit_code == 4
    flags, others = caught.value.split(lambda one: "FLAG" in str(one) and not isinstance(one, ExceptionGroup))
    assert isinstance(flags, FindingsError)
    assert isinstance(others, FindingsError)
    assert (len(flags.exceptions), len(others.exceptions)) == (1, 2)
    assert [str(one) for one in pickle.loads(pickle.dumps(caught.value)).exceptions] == [
        str(one) for one in caught.value.exceptions
    ]


def test_strict_accepts_a_good_directory(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(directory(usual()))
    with Reader(tmp_path, strict=True) as reader:
        assert reader.file_set_uid == FILE_SET_UID
