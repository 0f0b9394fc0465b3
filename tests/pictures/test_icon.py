"""Icons follow PS3.3 F.7, and show the same as the picture."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.sequence import Sequence

from fileset.dicom.elements import EXPLICIT_LITTLE, element, elements
from fileset.pictures.depict import picture_of
from fileset.pictures.errors import PictureError
from fileset.pictures.icon import encoded_icon, icon_of_file, with_icon
from fileset.pictures.instance import read_instance
from tests.pictures.files import FOLDER, reading, reading_file

NAMES = ["CT_small.dcm", "MR_small_RLE.dcm", "JPGExtended.dcm", "693_J2KI.dcm", "examples_palette.dcm", "rtdose.dcm",
         "examples_ybr_color.dcm", "dicomdirtests/98892001/CT5N/2062", "dicomdirtests/77654033/CR1/6154"]  # fmt: skip


def decoded(icon: bytes) -> Dataset:
    return read_dataset(io.BytesIO(icon), is_implicit_VR=False, is_little_endian=True).IconImageSequence[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("name", NAMES)
def test_an_icon_is_a_native_grey_square(name: str, size: int) -> None:
    icon = decoded(icon_of_file(reading_file(name), size))
    assert (icon.Rows, icon.Columns, icon.SamplesPerPixel) == (size, size, 1)
    assert (icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation) == (8, 8, 7, 0)
    assert icon.PhotometricInterpretation == "MONOCHROME2"
    assert icon["PixelData"].VR == "OB"
    assert len(icon.PixelData) == size * size
    assert "PlanarConfiguration" not in icon


@pytest.mark.parametrize("name", NAMES)
def test_an_icon_looks_like_the_picture(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = picture_of(read_instance(reading_file(name))).image().convert("L")
    scale = 64 / max(image.size)
    small = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    square = Image.new("L", (64, 64))
    square.paste(small, ((64 - small.width) // 2, (64 - small.height) // 2))
    found = np.frombuffer(decoded(icon_of_file(reading_file(name))).PixelData, np.uint8).astype(float)
    wanted = np.asarray(square, float).ravel()
    # The icon is reduced before it is windowed, the picture after it: sharp edges differ a little.
    assert np.corrcoef(wanted, found)[0, 1] > 0.9
    assert abs(found.mean() - wanted.mean()) < 15


def with_own_icon(**changes: object) -> bytes:
    dataset = pydicom.dcmread(FOLDER / "CT_small.dcm")
    icon = Dataset()
    icon.Rows = icon.Columns = 64
    icon.SamplesPerPixel, icon.PhotometricInterpretation = 1, "MONOCHROME2"
    icon.BitsAllocated = icon.BitsStored = 8
    icon.HighBit, icon.PixelRepresentation, icon.PixelData = 7, 0, bytes([77]) * 4096
    icon["PixelData"].VR = "OB"
    for keyword, value in changes.items():
        setattr(icon, keyword, value)
    dataset.IconImageSequence = Sequence([icon])
    target = io.BytesIO()
    dataset.save_as(target)
    return target.getvalue()


def test_an_icon_that_the_file_carries_is_taken_over() -> None:
    assert set(decoded(icon_of_file(reading(with_own_icon()))).PixelData) == {77}


@pytest.mark.parametrize(
    "changes", [{"Rows": 32}, {"SamplesPerPixel": 3}, {"PhotometricInterpretation": "RGB"}, {"PixelData": b"12"}]
)
def test_an_icon_that_breaks_the_rules_is_made_again(changes: dict[str, object]) -> None:
    icon = decoded(icon_of_file(reading(with_own_icon(**changes))))
    assert (icon.Rows, len(icon.PixelData)) == (64, 4096)
    assert set(icon.PixelData) != {77}


def test_an_icon_that_is_too_small_for_a_profile_is_made_again() -> None:
    assert decoded(icon_of_file(reading(with_own_icon()), 128)).Rows == 128


@pytest.mark.parametrize("name", ["rtplan.dcm", "JPEG2000-embedded-sequence-delimiter.dcm", "nested_priv_SQ.dcm"])
def test_without_a_picture_there_is_no_icon_but_a_reason(name: str) -> None:
    with pytest.raises(PictureError):
        icon_of_file(reading_file(name))


def test_an_icon_is_in_the_order_of_the_tags() -> None:
    icon = encoded_icon(bytes(4), 2)
    early, late = element(0x00200013, "IS", b"1"), element(0x3004000A, "CS", b"PLAN")
    for tail in (early, early + late, late, b"", early + icon + late):
        changed = with_icon(tail, icon)
        found = [part.tag for part in elements(changed, 0, len(changed), EXPLICIT_LITTLE)]
        assert found == sorted(found)
        assert found.count(0x00880200) == 1
        assert changed.replace(icon, b"") == tail.replace(icon, b"")
