"""Writing under an application profile: keys and icons are added, files and media that do not conform are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.uid import ImplicitVRLittleEndian, RLELossless

import fileset
from fileset.check import check_file_set
from fileset.errors import RuleError
from fileset.media.system.interface import VolumeFacts
from tests.support import synthetic
from tests.support.command import Runs


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """One CT that conforms to STD-GEN-CD, one that is compressed, and one without VRs."""
    folder = tmp_path / "IN"
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=1), folder / "GOOD")
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=2, transfer_syntax=RLELossless), folder / "RLE")
    implicit = synthetic.instance(synthetic.CT_IMAGE, number=3, transfer_syntax=ImplicitVRLittleEndian)
    synthetic.write(implicit, folder / "IMPLICIT")
    return folder


@pytest.mark.parametrize("medium", ["OUT", "OUT.iso"])
def test_files_that_do_not_conform_are_refused_with_their_value_and_the_allowed_values(
    mixed: Path, tmp_path: Path, medium: str, run: Runs
) -> None:
    result = run("create", mixed, "-o", tmp_path / medium, "--profile", "STD-GEN-CD", "--json", code=3).document
    skipped = {one["source"]: (one["rule"], one["reason"]) for one in result["skipped"]}
    assert skipped.keys() == {"RLE", "IMPLICIT"}
    assert {rule for rule, _ in skipped.values()} == {"PR-TRANSFER-SYNTAX"}
    assert "is RLE Lossless; STD-GEN-CD allows Explicit VR Little Endian" in skipped["RLE"][1]
    run("check", tmp_path / medium, "--profile", "STD-GEN-CD")


def test_strict_writes_nothing_unless_every_file_conforms(mixed: Path, tmp_path: Path, run: Runs) -> None:
    result = run("create", mixed, "-o", tmp_path / "OUT", "--profile", "STD-GEN-CD", "--strict", code=2)
    assert "2 of the files do not conform to STD-GEN-CD: nothing was written" in result.stderr
    assert not (tmp_path / "OUT").exists()


def test_strict_without_a_profile_is_refused(mixed: Path, tmp_path: Path, run: Runs) -> None:
    result = run("create", mixed, "-o", tmp_path / "OUT", "--strict", code=2)
    assert (
        "a strict file-set needs an application profile, to which its files conform. Add --profile ID" in result.stderr
    )
    assert not (tmp_path / "OUT").exists()


@pytest.mark.parametrize(
    ("medium", "profile", "reason"),
    [
        ("A.iso", "STD-GEN-USB-JPEG", "USB mass storage device"),
        ("A.zip", "STD-GEN-CD", "120 mm CD-R"),
        ("A", "STD-GEN-ZIP-MAIL", "ZIP archive"),
        ("A.iso", "STD-GEN-BD-JPEG", "120 mm BD"),
        ("A.iso", "STD-GEN-SEC-CD", "Secure DICOM File"),
        ("A.iso", "STD-CTMR-MOD650", "retired"),
    ],
)
def test_a_medium_that_the_profile_does_not_have_is_refused(
    mixed: Path, tmp_path: Path, medium: str, profile: str, reason: str, run: Runs
) -> None:
    assert reason in run("create", mixed, "-o", tmp_path / medium, "--profile", profile, code=2).stderr


def test_udf_is_refused_on_a_cd_and_taken_on_a_dvd(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="this is an image with UDF"):
        fileset.Creator(tmp_path / "A.iso", medium_options=["udf"], profile="STD-GEN-CD")
    fileset.Creator(tmp_path / "A.iso", medium_options=["udf"], profile="STD-GEN-DVD-JPEG")


@pytest.mark.parametrize(
    ("kind", "profile", "fault"),
    [
        ("vfat", "STD-GEN-USB-JPEG", ""),
        ("exfat", "STD-GEN-USB-JPEG", "this is a medium with exFAT"),
        ("vfat", "STD-GEN-SD-JPEG", "this is a medium with FAT32"),
        ("vfat", "STD-GEN-CD", "this is a medium with FAT32"),
        ("iso9660", "STD-GEN-CD", ""),
        ("udf", "STD-GEN-DVD-JPEG", ""),
        ("udf", "STD-GEN-CD", "this is a medium with UDF"),
    ],
)
def test_the_file_system_of_a_stick_or_disc_is_judged(
    mixed: Path, monkeypatch: pytest.MonkeyPatch, kind: str, profile: str, fault: str
) -> None:
    """PS3.12 F, P, R, U. A folder below the root of a medium is one on the way to another medium."""
    facts = VolumeFacts(kind, str(mixed), 1 << 35, 1 << 35, 4096, 10**6, removable=True)
    monkeypatch.setattr("fileset.media.system.file_systems.system.volume", lambda _: facts)
    if fault:
        with pytest.raises(RuleError, match=fault):
            fileset.index(mixed, profile=profile)
    else:
        report = fileset.index(mixed, profile=profile)
        assert not [one for one in report.findings if one.rule.startswith("PR-MEDIUM")]
    with fileset.Creator(mixed / "OUT", profile=profile) as creator:
        creator.add(mixed / "GOOD")
    assert [one.rule for one in creator.report.findings if one.rule.startswith("PR-")] == ["PR-MEDIUM-UNKNOWN"]


@pytest.mark.parametrize(("revision", "profile", "fault"), [
    (0x0201, "STD-GEN-DVD-JPEG", 0), (0x0250, "STD-GEN-DVD-JPEG", 1), (0x0102, "STD-GEN-BD-JPEG", 1),
])  # fmt: skip
def test_the_revision_of_udf_is_judged(
    mixed: Path, tmp_path: Path, revision: int, profile: str, fault: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileset.media.iso.udf_writer.REVISION", revision)
    with fileset.Creator(tmp_path / "A.iso", medium_options=["udf"]) as creator:
        creator.add(mixed / "GOOD")
    findings = check_file_set(tmp_path / "A.iso", profile=profile).findings
    assert [one.rule for one in findings].count("PR-MEDIUM") == fault
    with fileset.Reader(tmp_path / "A.iso") as reader:
        assert reader.medium_info().format == f"ISO 9660, UDF {revision >> 8}.{revision & 0xFF:02x}"


def test_an_updater_applies_its_profile_to_every_call_and_counts_the_instances_that_it_did_not_judge(
    mixed: Path, tmp_path: Path, run: Runs
) -> None:
    with fileset.Creator(tmp_path / "A.iso") as creator:
        creator.add(mixed / "IMPLICIT")
    with fileset.Updater(tmp_path / "A.iso", profile="STD-GEN-CD") as updater:
        updater.add(mixed / "RLE")
        updater.add(mixed / "GOOD")
    assert [one.rule for one in updater.report.skipped] == ["PR-TRANSFER-SYNTAX"]
    assert len(updater.report.added) == 1
    [kept] = [one.message for one in updater.report.findings if one.rule == "PR-KEPT-UNKNOWN"]
    assert kept.startswith("instances that were on the medium before are not judged (1): `fileset check ")
    run("check", tmp_path / "A.iso", "--profile", "STD-GEN-CD", code=1)


def test_a_folder_gets_a_warning_that_its_medium_decides(mixed: Path, tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "OUT", profile="STD-GEN-USB-J2K") as creator:
        creator.add(mixed / "GOOD")
    warnings = [finding for finding in creator.report.findings if finding.rule == "PR-MEDIUM-UNKNOWN"]
    assert ["USB mass storage device with FAT16 or FAT32" in warning.message for warning in warnings] == [True]


def test_index_and_add_work_under_a_profile(mixed: Path, run: Runs) -> None:
    run("index", mixed, "--profile", "STD-GEN-CD", code=3)
    other = mixed.parent / "OTHER"
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=4), other / "FOUR")
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=5, transfer_syntax=RLELossless), other / "FIVE")
    assert "PR-TRANSFER-SYNTAX" in run("add", mixed, other, "--profile", "STD-GEN-CD", code=3).stderr


def test_keys_of_a_profile_are_in_minimal_records_too(tmp_path: Path) -> None:
    """PS3.11 Table E.3-2: Rows and Columns are Type 1 keys of IMAGE records, and geometry is there if the image has it."""
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    dataset.ImagePositionPatient = [1, 2, 3]
    synthetic.write(dataset, tmp_path / "IN" / "A")
    with fileset.Creator(tmp_path / "A.iso", profile="STD-CTMR-CD", keys="minimal") as creator:
        creator.add(tmp_path / "IN")
    assert not [
        one for one in check_file_set(tmp_path / "A.iso", profile="STD-CTMR-CD").findings if one.severity == "error"
    ]
    with fileset.Reader(tmp_path / "A.iso") as reader:
        [image] = reader.instances
        keys = image.keys()
    assert keys["Rows"] == dataset.Rows
