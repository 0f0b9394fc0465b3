"""The demands of application profiles on records, the DICOMDIR and the medium (PS3.11 X.3)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pydicom.uid import UID, JPEGLosslessSV1

import fileset
from fileset.check import check_file_set
from fileset.dicom.elements import element, item
from tests.support import synthetic
from tests.support.editing import both, edit, put, put_raw

XA = "1.2.840.10008.5.1.4.1.1.12.1"
CARDIAC_KEYS = (
    ("PATIENT", put(0x00100030, "DA", b"")),
    ("PATIENT", put(0x00100040, "CS", b"")),
    ("SERIES", put(0x00080080, "LO", b"")),
    ("SERIES", put(0x00080081, "ST", b"")),
    ("SERIES", put(0x00081050, "PN", b"")),
    ("IMAGE", both(put(0x00080008, "CS", b"ORIGINAL\\PRIMARY"), put(0x00500004, "CS", b""))),
)


def icon(size: int) -> bytes:
    number = size.to_bytes(2, "little")
    return element(0x00880200, "SQ", item(element(0x00280010, "US", number) + element(0x00280011, "US", number)))


@pytest.fixture
def cardiac(tmp_path: Path) -> Path:
    folder = tmp_path / "DISC"
    dataset = synthetic.instance(XA, transfer_syntax=JPEGLosslessSV1)
    dataset.Modality, dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = "XA", 8, 8, 7
    synthetic.write(dataset, folder / "XA1")
    fileset.index(folder, keys="minimal")
    return folder


def broken(folder: Path, profile: str) -> Counter[str]:
    findings = check_file_set(folder, profile=profile).findings
    return Counter(
        finding.rule for finding in findings if finding.rule.startswith("PR-") and finding.severity == "error"
    )


def test_records_lack_the_keys_and_icons_of_a_profile(cardiac: Path) -> None:
    assert broken(cardiac, "STD-XABC-CD") == {"PR-KEY": 7, "PR-ICON": 1}


def test_records_with_these_keys_and_an_icon_conform(cardiac: Path) -> None:
    for record_type, change in CARDIAC_KEYS:
        edit(cardiac, record_type, change)
    edit(cardiac, "IMAGE", put_raw(0x00880200, icon(128)))
    assert not broken(cardiac, "STD-XABC-CD")


def test_an_icon_of_another_size_breaks_the_profile(cardiac: Path) -> None:
    edit(cardiac, "IMAGE", put_raw(0x00880200, icon(64)))
    assert broken(cardiac, "STD-XABC-CD")["PR-ICON"] == 1


def test_a_dicomdir_without_records_breaks_every_profile(cardiac: Path) -> None:
    data = (cardiac / "DICOMDIR").read_bytes()
    (cardiac / "DICOMDIR").write_bytes(data[: data.index(b"\x04\x00\x00\x12UL")])
    assert broken(cardiac, "STD-XABC-CD")["PR-DIRECTORY"] == 1


def test_the_unknown_medium_of_a_folder_is_a_warning(cardiac: Path) -> None:
    findings = check_file_set(cardiac, profile="STD-XABC-CD").findings
    assert [finding.severity for finding in findings if finding.rule == "PR-MEDIUM-UNKNOWN"] == ["warning"]


def test_keys_that_files_have_are_demanded_of_their_records(tmp_path: Path) -> None:
    """PS3.11 Table H.3-2: a Type 1C key is needed if the instance has it, at the level of the patient, series or image."""
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    dataset.PatientSex, dataset.InstitutionName, dataset.FrameOfReferenceUID = "F", "Clinic", "1.2.3.9"
    dataset.SynchronizationFrameOfReferenceUID = "1.2.3.10"
    for number in (1, 2):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"1.2.3.{number}")
        dataset.InstanceNumber = number
        synthetic.write(dataset, tmp_path / "DISC" / f"IM{number}")
    fileset.index(tmp_path / "DISC", keys="minimal")
    findings = check_file_set(tmp_path / "DISC", profile="STD-GEN-USB-JPEG").findings
    lacking = Counter(finding.where.tag for finding in findings if finding.rule == "PR-KEY")
    assert {0x00100040: 1, 0x00080080: 1, 0x00200052: 2, 0x00200200: 2}.items() <= lacking.items()
    fileset.index(tmp_path / "DISC", keys="minimal", profile="STD-GEN-USB-JPEG", replace=True)
    assert not broken(tmp_path / "DISC", "STD-GEN-USB-JPEG")


def test_keys_in_shared_functional_groups_are_keys_of_the_record(tmp_path: Path) -> None:
    """PS3.11 Table H.3-2: position, orientation and spacing may be in a macro that all frames share."""
    dataset = synthetic.instance(synthetic.ENHANCED_CT)
    measures = synthetic.item(PixelMeasuresSequence=[synthetic.item(PixelSpacing=[0.5, 0.25])])
    dataset.SharedFunctionalGroupsSequence = [measures]
    dataset.NumberOfFrames = 1
    synthetic.write(dataset, tmp_path / "DISC" / "IM1")
    fileset.index(tmp_path / "DISC", profile="STD-GEN-USB-JPEG")
    with fileset.Reader(tmp_path / "DISC") as reader:
        [image] = reader.instances
        assert image.keys()["PixelSpacing"] == [0.5, 0.25]
    assert not broken(tmp_path / "DISC", "STD-GEN-USB-JPEG")
