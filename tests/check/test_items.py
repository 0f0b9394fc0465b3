"""Items of sequences in records: an empty item and an empty value are no values (PS3.3 8.8, 10.1, PS3.5 7.4)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from pydicom import Dataset

import fileset
from tests.support import synthetic
from tests.support.command import Runs
from tests.support.editing import edit, put_raw
from tests.support.faulty import CODE, encoded, sequence

MISSING: Final = "FS-KEY-TYPE1-MISSING"
CONDITION: Final = "FS-KEY-CONDITION"
VALUE_AND_SCHEME: Final = encoded(0x00080100, b"SH", b"A ") + encoded(0x00080102, b"SH", b"DCM ")
FULL_CODE: Final = VALUE_AND_SCHEME + CODE
PERSON: Final = encoded(0x00401101, b"SQ", sequence(FULL_CODE))
HOSPITAL: Final = encoded(0x00080080, b"LO", b"Hospital")
MODIFIER: Final = encoded(0x0040A010, b"CS", b"HAS CONCEPT MOD ") + encoded(0x0040A040, b"CS", b"CODE")
NAME: Final = encoded(0x0040A043, b"SQ", sequence(FULL_CODE))
VALUE: Final = encoded(0x0040A168, b"SQ", sequence(FULL_CODE))


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """A file-set with a CT image, a presentation state, an SR document and a hanging protocol."""
    for patient, sop_class in enumerate((synthetic.CT_IMAGE, synthetic.GRAYSCALE_STATE, synthetic.COMPREHENSIVE_SR), 1):
        synthetic.write(synthetic.instance(sop_class, patient=patient), tmp_path / f"I{patient}")
    synthetic.write(synthetic.instance(synthetic.HANGING_PROTOCOL), tmp_path / "HP")
    fileset.index(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("record", "tag", "value", "rules"),
    [
        ("PRESENTATION", 0x00700086, sequence(HOSPITAL + PERSON), set()),
        ("PRESENTATION", 0x00700086, sequence(b""), {MISSING, CONDITION}),
        ("PRESENTATION", 0x00700086, sequence(PERSON), {CONDITION}),
        ("PRESENTATION", 0x00700086, sequence(HOSPITAL + encoded(0x00401101, b"SQ", b"")), {MISSING}),
        (
            "PRESENTATION",
            0x00700086,
            sequence(HOSPITAL + encoded(0x00401101, b"SQ", sequence(b""))),
            {MISSING, CONDITION},
        ),
        (
            "PRESENTATION",
            0x00700086,
            sequence(encoded(0x00080082, b"SQ", sequence(b"")) + PERSON),
            {MISSING, CONDITION},
        ),
        ("PRESENTATION", 0x0040A043, sequence(b""), {MISSING, CONDITION}),
        ("PRESENTATION", 0x00700087, sequence(b""), {MISSING}),
        ("SR DOCUMENT", 0x0040A730, sequence(MODIFIER + NAME + VALUE), set()),
        ("SR DOCUMENT", 0x0040A730, sequence(MODIFIER), {CONDITION}),
        (
            "SR DOCUMENT",
            0x0040A730,
            sequence(MODIFIER + NAME + encoded(0x0040A168, b"SQ", sequence(b""))),
            {MISSING, CONDITION},
        ),
        (
            "SR DOCUMENT",
            0x0040A730,
            sequence(MODIFIER + encoded(0x0040A043, b"SQ", sequence(b"")) + VALUE),
            {MISSING, CONDITION},
        ),
        ("SR DOCUMENT", 0x0040A730, b"", {MISSING}),
        ("SR DOCUMENT", 0x0040A043, sequence(FULL_CODE), set()),
        (
            "SR DOCUMENT",
            0x0040A043,
            sequence(VALUE_AND_SCHEME + encoded(0x00080103, b"SH", b"") + CODE),
            {MISSING},
        ),
        ("HANGING PROTOCOL", 0x0072000E, sequence(b""), {MISSING, CONDITION}),
        ("STUDY", 0x00081032, sequence(b""), {MISSING, CONDITION}),
        ("STUDY", 0x00081032, sequence(FULL_CODE), set()),
        ("SERIES", 0x00082218, sequence(b""), {MISSING, CONDITION}),
        ("IMAGE", 0x00880200, sequence(b""), {MISSING, "FS-KEY-ICON"}),
    ],
)
def test_an_empty_item_or_value_is_an_error_of_the_record(
    record: str, tag: int, value: bytes, rules: set[str], disc: Path, run: Runs
) -> None:
    edit(disc, record, put_raw(tag, encoded(tag, b"SQ", value)))
    findings = run("check", disc, "--no-files", "--json", code=1 if rules else 0).document["findings"]
    assert {one["rule"] for one in findings} == rules


@pytest.mark.parametrize("tag", [0x00080005, 0x00700402])
def test_a_conditional_key_without_a_value_is_an_error(tag: int, disc: Path, run: Runs) -> None:
    edit(disc, "PRESENTATION", put_raw(tag, encoded(tag, b"CS" if tag == 0x00080005 else b"SQ", b"")))
    findings = run("check", disc, "--no-files", "--json", code=1).document["findings"]
    assert [one["rule"] for one in findings] == [MISSING]
    run("repair", disc, code=0)
    run("check", disc)


def state(**values: object) -> Dataset:
    """A presentation state with these attributes."""
    dataset = synthetic.instance(synthetic.GRAYSCALE_STATE)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    "keyword",
    ["ContentCreatorIdentificationCodeSequence", "ConceptNameCodeSequence", "AlternateContentDescriptionSequence"],
)
def test_an_optional_sequence_with_an_empty_item_is_left_out_and_reported(
    keyword: str, tmp_path: Path, run: Runs
) -> None:
    synthetic.write(state(**{keyword: [Dataset()]}), tmp_path / "IN" / "PS")
    findings = run("create", tmp_path / "IN", "-o", tmp_path / "OUT", "--json").document["findings"]
    [left_out] = [one for one in findings if one["rule"] == "FS-KEY-LEFT-OUT"]
    assert keyword in left_out["message"]
    run("check", tmp_path / "OUT")
    with fileset.Reader(tmp_path / "OUT") as reader:
        [record] = reader.instances
        assert record.get(keyword) is None


def test_a_coding_scheme_version_without_value_does_not_get_into_the_record(tmp_path: Path, run: Runs) -> None:
    dataset = synthetic.instance(synthetic.COMPREHENSIVE_SR)
    dataset.ConceptNameCodeSequence[0].CodingSchemeVersion = ""
    synthetic.write(dataset, tmp_path / "IN" / "SR")
    assert run("create", tmp_path / "IN", "-o", tmp_path / "OUT", "--json").document["findings"] == []
    run("check", tmp_path / "OUT")


def test_a_repair_takes_the_right_items_from_the_file(disc: Path, run: Runs) -> None:
    before = (disc / "DICOMDIR").read_bytes()
    edit(disc, "SR DOCUMENT", put_raw(0x0040A043, encoded(0x0040A043, b"SQ", sequence(CODE))))
    run("check", disc, code=1)
    run("repair", disc)
    run("check", disc)
    assert (disc / "DICOMDIR").read_bytes() == before
