"""Pictures of real files, compared with those of an independent renderer (dcmj2pnm and dcml2pnm of DCMTK)."""

from __future__ import annotations

import io
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image

from fileset.pictures.attributes import attributes_of
from fileset.pictures.colour import heat_map
from fileset.pictures.depict import picture_of, representative_frame
from fileset.pictures.errors import PictureError
from fileset.pictures.grey import first_window
from fileset.pictures.instance import DepictedInstance, read_instance
from tests.pictures.files import FOLDER, reading

JPEG_2000 = "1.2.840.10008.1.2.4.9"
ONLY_OURS = {"MR_truncated.dcm": "the file ends early", "SC_rgb_jpeg.dcm": "Implicit VR in an encapsulated syntax"}
"""Files that DCMTK does not read, beside all in JPEG 2000, which `test_frames` compares with pydicom's decoder."""
UNDECODABLE = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "a codestream of garbage",
    "meta_missing_tsyntax.dcm": "no rows and columns",
    "nested_priv_SQ.dcm": "no rows and columns",
}
"""Files of pixel data that hold no image."""
OTHERWISE = {
    "rtdose_expb.dcm": "DCMTK 3.6.7 swaps 32-bit Big Endian words wrongly",
    "rtdose_expb_1frame.dcm": "DCMTK 3.6.7 swaps 32-bit Big Endian words wrongly",
}
RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"


def images() -> Iterator[tuple[str, str]]:
    """Each file of pydicom's with pixel data, and its transfer syntax."""
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file() and path.suffix in ("", ".dcm"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    dataset = pydicom.dcmread(path)
                except Exception:  # noqa: BLE001, S112  not DICOM
                    continue
                if any(keyword in dataset for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
                    syntax = str(getattr(dataset, "file_meta", {}).get("TransferSyntaxUID", ""))
                    yield path.relative_to(FOLDER).as_posix(), syntax


IMAGES = dict(images())
COMPARED = [
    name
    for name, syntax in IMAGES.items()
    if not syntax.startswith(JPEG_2000) and name not in {*ONLY_OURS, *UNDECODABLE, *OTHERWISE}
]
"""Files that both can read. DCMTK 3.6 does not decode JPEG 2000: `test_frames` compares that with pydicom's decoder."""


def instance_of(name: str) -> DepictedInstance:
    return read_instance(reading((FOLDER / name).read_bytes()))


def by_dcmtk(name: str, instance: DepictedInstance, window: tuple[float, float] | None) -> np.ndarray[Any, Any]:
    frame = representative_frame(instance, instance.frames)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = first_window(attributes_of(instance.dataset, frame))
    windows = ["+Wi", "1"] if own and window else ["+Ww", *map(str, window)] if window else []
    program = "dcml2pnm" if instance.transfer_syntax.startswith("1.2.840.10008.1.2.4.8") else "dcmj2pnm"
    command = [program, "+F", str(frame + 1), *windows, "+on", str(FOLDER / name)]
    done = subprocess.run(command, check=True, capture_output=True)
    return np.asarray(Image.open(io.BytesIO(done.stdout)))


@pytest.mark.filterwarnings("ignore:Invalid value for VR")  # badVR.dcm
@pytest.mark.skipif(shutil.which("dcmj2pnm") is None, reason="dcmj2pnm of DCMTK is not installed")
@pytest.mark.judges
@pytest.mark.parametrize("name", COMPARED)
def test_a_picture_is_that_of_an_independent_renderer(name: str) -> None:
    instance = instance_of(name)
    picture = picture_of(instance)
    theirs = by_dcmtk(name, instance, picture.window)
    sop_class = str(instance.dataset.get("SOPClassUID", ""))
    if sop_class == SEGMENTATION:
        assert ((theirs > 0) == picture.pixels.any(axis=2)).all()
        return
    expected = heat_map(theirs) if sop_class == RT_DOSE else theirs
    if expected.ndim > picture.pixels.ndim:
        expected = expected[..., 0]
    difference = np.abs(picture.pixels.astype(int) - expected.astype(int))
    tolerance = 16 if sop_class == RT_DOSE else 2  # one grey level is up to 7 levels of a colour map
    assert (difference <= tolerance).mean() >= 0.99


@pytest.mark.parametrize("name", ONLY_OURS)
def test_files_that_the_renderer_cannot_read_have_a_picture(name: str) -> None:
    assert picture_of(instance_of(name)).pixels.std() > 0


@pytest.mark.parametrize("name", UNDECODABLE)
def test_exactly_these_files_cannot_be_decoded_and_each_has_its_reason(name: str) -> None:
    with pytest.raises(PictureError):
        picture_of(instance_of(name))


def test_big_endian_doses_look_like_little_endian_ones() -> None:
    for name in OTHERWISE:
        little = picture_of(instance_of(name.replace("_expb", "")))
        assert (picture_of(instance_of(name)).pixels == little.pixels).all()
    assert len(COMPARED) > 70
