"""Every transfer syntax for single pictures is decoded to the values that were encoded, in all bit depths that it allows."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import RLELosslessEncoder

from fileset.dicom.elements import UNDEFINED
from fileset.pictures.depict import picture_of
from fileset.pictures.frames import PixelElement
from fileset.pictures.instance import DepictedInstance
from tests.pictures.files import reading
from tests.pictures.test_depict import item

Array = np.ndarray[Any, Any]
ROWS, COLUMNS = 48, 64
JPEG = "1.2.840.10008.1.2.4."


def ramp(bits: int, samples: int = 1) -> Array:
    """Smooth values of so many bits, so that lossy coding changes them little."""
    values = np.add.outer(np.arange(ROWS) * 3, np.arange(COLUMNS) * 2) * ((1 << bits) - 1) // 300
    planes = np.stack([values * (4 - at) // 4 for at in range(samples)], axis=-1)
    return planes.astype(np.uint8 if bits <= 8 else np.uint16)


def lossless(values: Array) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(values, lossless=True, predictor=1))


def rle(values: Array) -> bytes:
    samples = 1 if values.ndim == 2 else values.shape[2]
    bits = values.dtype.itemsize * 8
    described = {"rows": ROWS, "columns": COLUMNS, "samples_per_pixel": samples, "number_of_frames": 1,
                 "bits_allocated": bits, "bits_stored": bits, "pixel_representation": 0, "planar_configuration": 0,
                 "photometric_interpretation": "RGB" if samples == 3 else "MONOCHROME2"}  # fmt: skip
    return RLELosslessEncoder.encode(values, **described, encoding_plugin="pydicom")


def deflated(values: Array) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(values.tobytes()) + packer.flush()


def htj2k(values: Array) -> bytes:
    encode = getattr(imagecodecs, "htj2k_encode", None)
    if encode is None:
        pytest.skip("imagecodecs before 2025.11 reads HTJ2K, but does not write it")
    return bytes(encode(values))


Encoder = Callable[[Array], bytes]
J2K: Encoder = lambda values: bytes(imagecodecs.jpeg2k_encode(values, codecformat="j2k", reversible=True))  # noqa: E731
CASES: list[tuple[str, int, Encoder, int]] = [
    (JPEG + "50", 8, lambda values: bytes(imagecodecs.jpeg8_encode(values, 98)), 3),
    (JPEG + "51", 12, lambda values: bytes(imagecodecs.jpeg8_encode(values, 98, bitspersample=12)), 40),
    (JPEG + "57", 16, lossless, 0),
    (JPEG + "70", 8, lossless, 0),
    (JPEG + "70", 16, lossless, 0),
    (JPEG + "80", 8, lambda values: bytes(imagecodecs.jpegls_encode(values)), 0),
    (JPEG + "80", 16, lambda values: bytes(imagecodecs.jpegls_encode(values)), 0),
    (JPEG + "90", 12, J2K, 0),
    (JPEG + "91", 16, J2K, 0),
    (JPEG + "92", 8, J2K, 0),
    (JPEG + "201", 16, htj2k, 0),
    (JPEG + "203", 8, htj2k, 0),
    (JPEG + "110", 16, lambda values: bytes(imagecodecs.jpegxl_encode(values, lossless=True)), 0),
    (JPEG + "112", 8, lambda values: bytes(imagecodecs.jpegxl_encode(values, lossless=True)), 0),
    ("1.2.840.10008.1.2.5", 8, rle, 0),
    ("1.2.840.10008.1.2.5", 16, rle, 0),
    ("1.2.840.10008.1.2.8.1", 8, deflated, 0),
    ("1.2.840.10008.1.2.8.1", 16, deflated, 0),
]


def encoded(syntax: str, bits: int, frame: bytes, **more: Any) -> DepictedInstance:
    data = encapsulate([frame])
    allocated = 8 if bits <= 8 else 16
    dataset = item(
        Rows=ROWS, Columns=COLUMNS, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", BitsAllocated=allocated,
        BitsStored=bits, HighBit=bits - 1, PixelRepresentation=0, **more,
    )  # fmt: skip
    return DepictedInstance(
        dataset, syntax, PixelElement("PixelData", reading(data), 0, UNDEFINED, "OB"), big_endian=False
    )


@pytest.mark.parametrize(
    ("syntax", "bits", "encode", "tolerance"), CASES, ids=[f"{one[0][20:]}-{one[1]}" for one in CASES]
)
def test_grey_values_come_back(syntax: str, bits: int, encode: Encoder, tolerance: int) -> None:
    values = ramp(bits)[..., 0]
    found = encoded(syntax, bits, encode(values)).frames.stored_values(0)[..., 0]
    assert found.dtype == values.dtype
    assert np.abs(found.astype(int) - values.astype(int)).max() <= tolerance


@pytest.mark.parametrize(("syntax", "encode", "photometric", "tolerance"), [
    (JPEG + "70", lossless, "RGB", 0),
    (JPEG + "80", lambda values: bytes(imagecodecs.jpegls_encode(values)), "RGB", 0),
    (JPEG + "90", J2K, "YBR_RCT", 0),
    (JPEG + "50", lambda values: bytes(imagecodecs.jpeg8_encode(values, 98)), "YBR_FULL_422", 4),
    ("1.2.840.10008.1.2.5", rle, "RGB", 0),
    ("1.2.840.10008.1.2.8.1", deflated, "RGB", 0),
])  # fmt: skip
def test_colours_come_back(syntax: str, encode: Encoder, photometric: str, tolerance: int) -> None:
    values = ramp(8, samples=3)
    instance = encoded(syntax, 8, encode(values), PlanarConfiguration=0)
    instance.dataset.SamplesPerPixel, instance.dataset.PhotometricInterpretation = 3, photometric
    difference = np.abs(picture_of(instance).pixels.astype(int) - values.astype(int))
    assert np.percentile(difference, 99) <= tolerance
