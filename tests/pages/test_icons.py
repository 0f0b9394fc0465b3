"""Icons in the DICOMDIR: of each image or of each series, by create, index and add, without complaint of any judge."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from fileset import Creator, Reader, RuleError, Updater, index
from fileset.check import check_file_set
from fileset.plan.icons import Icons
from tests.pages.conftest import SLICES
from tests.pictures.files import FOLDER
from tests.support import judges


def icons_of(disc: Path) -> dict[str, list[int]]:
    """The sizes of the icons, by the type of the record."""
    found: dict[str, list[int]] = {}
    for record in pydicom.dcmread(disc / "DICOMDIR").DirectoryRecordSequence:
        for icon in record.get("IconImageSequence", []):
            assert len(icon.PixelData) == icon.Rows * icon.Columns
            found.setdefault(record.DirectoryRecordType, []).append(icon.Rows)
    return found


def test_each_image_gets_an_icon(source: Path, tmp_path: Path) -> None:
    with Creator(tmp_path / "disc", icons="image") as creator:
        creator.add(source)
    assert icons_of(tmp_path / "disc") == {"IMAGE": [64] * (SLICES + 1)}
    assert not [one for one in check_file_set(tmp_path / "disc").findings if "ICON" in one.rule]


def test_each_series_with_images_gets_one_icon(source: Path, tmp_path: Path) -> None:
    with Creator(tmp_path / "disc", icons="series") as creator:
        creator.add(source)
    assert icons_of(tmp_path / "disc") == {"SERIES": [64, 64]}


def test_the_size_can_be_that_of_a_profile(source: Path, tmp_path: Path) -> None:
    with Creator(tmp_path / "disc", icons=Icons("image", 128)) as creator:
        creator.add(source)
    assert icons_of(tmp_path / "disc") == {"IMAGE": [128] * (SLICES + 1)}


def test_index_and_add_write_icons(source: Path, tmp_path: Path) -> None:
    for number, path in enumerate(sorted(source.iterdir())):
        path.rename(source / f"F{number}")
    first = source / "F0"
    first.rename(tmp_path / "first")
    index(source, icons="image")
    assert icons_of(source) == {"IMAGE": [64] * SLICES}
    with Updater(source, icons="image") as updater:
        updater.add(tmp_path / "first")
    assert icons_of(source) == {"IMAGE": [64] * (SLICES + 1)}
    assert not check_file_set(source).errors


def test_an_image_that_cannot_be_decoded_is_reported(source: Path, tmp_path: Path) -> None:
    for path in source.iterdir():
        if not path.name.startswith("ct"):
            path.unlink()
    dataset = pydicom.dcmread(source / "ct0")
    dataset.Rows = 0
    dataset.save_as(source / "ct0")
    with Creator(tmp_path / "disc", icons="image") as creator:
        creator.add(source)
    assert [(one.rule, one.where.file) for one in creator.report.findings] == [("FS-ICON-FAILED", "ct0")]
    assert icons_of(tmp_path / "disc") == {"IMAGE": [64] * (SLICES - 1)}


def test_another_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="Use one of image, series"):
        Creator(tmp_path / "disc", icons="patient")  # type: ignore[arg-type]


def test_the_reader_shows_an_icon_as_a_key(source: Path, tmp_path: Path) -> None:
    with Creator(tmp_path / "disc", icons="image") as creator:
        creator.add(source)
    with Reader(tmp_path / "disc") as reader:
        icon = next(reader.find(Modality="CT"))["IconImageSequence"][0]
    assert (icon["Rows"], icon["Columns"]) == (64, 64)


@pytest.mark.judges
def test_no_judge_finds_fault_in_icons(source: Path, tmp_path: Path) -> None:
    with Creator(tmp_path / "disc", icons="image", file_set_id="ICONS") as creator:
        creator.add(source)
    uids = {added.sop_instance_uid for added in creator.report.added}
    judges.judge_file_set(tmp_path / "disc", uids)


def xa_source(folder: Path) -> Path:
    """An XA image in lossless JPEG, as the cardiac profiles want it."""
    import numpy as np
    from imagecodecs import jpeg8_encode
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGLosslessSV1

    from tests.support.instances import XA

    frame = np.add.outer(np.arange(256), np.arange(256)).astype(np.uint8)
    dataset = pydicom.dcmread(FOLDER / "CT_small.dcm")
    del dataset[0x00280120]  # padding
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = pydicom.uid.UID(XA)
    dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    dataset.Modality, dataset.Rows, dataset.Columns, dataset.NumberOfFrames = "XA", 256, 256, 3
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation, dataset.ImageType = 7, 0, ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    dataset.WindowCenter, dataset.WindowWidth, dataset.RescaleIntercept = 128, 256, 0
    frames = [jpeg8_encode(np.roll(frame, shift, 1), lossless=True, predictor=1) for shift in (0, 60, 120)]
    dataset.PixelData = encapsulate([bytes(one) for one in frames])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    folder.mkdir()
    dataset.save_as(folder / "xa")
    return folder


@pytest.mark.parametrize("profile", ["STD-XA1K-CD", "STD-XABC-CD"])
def test_the_cardiac_profiles_get_their_icons_and_are_content(profile: str, tmp_path: Path) -> None:
    with Creator(tmp_path / "disc", profile=profile) as creator:
        creator.add(xa_source(tmp_path / "source"))
    assert icons_of(tmp_path / "disc") == {"IMAGE": [128]}
    found = check_file_set(tmp_path / "disc", profile=profile).findings
    assert not [one for one in found if "ICON" in one.rule]


def test_the_profile_for_ct_and_mr_allows_icons(source: Path, tmp_path: Path) -> None:
    for path in source.iterdir():
        if not path.name.startswith("ct"):
            path.unlink()
    with Creator(tmp_path / "disc", profile="STD-CTMR-CD", icons="image") as creator:
        creator.add(source)
    assert icons_of(tmp_path / "disc") == {"IMAGE": [64] * SLICES}
    assert not [one for one in check_file_set(tmp_path / "disc", profile="STD-CTMR-CD").findings if "ICON" in one.rule]
