"""What application profiles demand of records, of the DICOMDIR and of the medium (PS3.11 X.3)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pydicom.uid import JPEGLosslessSV1

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


def test_a_folder_says_nothing_of_its_medium(cardiac: Path) -> None:
    findings = check_file_set(cardiac, profile="STD-XABC-CD").findings
    assert [finding.severity for finding in findings if finding.rule == "PR-MEDIUM-UNKNOWN"] == ["warning"]
