"""Frames are decoded one at a time, to the same values as pydicom's, in every transfer syntax."""

from __future__ import annotations

import io
import tracemalloc
import warnings
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import MPEG2MPML, ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from fileset.pictures.codecs import stated_size
from fileset.pictures.depict import Card, depict, picture_of
from fileset.pictures.errors import PictureError
from fileset.pictures.frames import Frames
from fileset.pictures.instance import DepictedInstance, read_instance
from fileset.pictures.picture import Picture
from tests.pictures.files import FOLDER, reading, reading_file
from tests.support import synthetic

BY_PYDICOM = [
    "693_J2KI.dcm", "CT_small.dcm", "ExplVR_BigEnd.dcm", "J2K_pixelrep_mismatch.dcm", "JPEG2000.dcm", "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "MR_small_jp2klossless.dcm", "MR_small_padded.dcm",
    "SC_jpeg_no_color_transform.dcm", "SC_jpeg_no_color_transform_2.dcm", "SC_rgb_dcmtk_+eb+cr.dcm",
    "SC_rgb_dcmtk_+eb+cy+n1.dcm", "SC_rgb_dcmtk_+eb+cy+s4.dcm", "SC_rgb_dcmtk_+eb+cy+np.dcm", "SC_rgb_gdcm_KY.dcm",
    "SC_rgb_jpeg.dcm", "SC_rgb_jpeg_app14_dcmd.dcm", "SC_rgb_jpeg_lossy_gdcm.dcm", "SC_rgb_rle.dcm",
    "SC_rgb_rle_16bit.dcm", "SC_rgb_rle_16bit_2frame.dcm", "SC_rgb_rle_2frame.dcm", "SC_rgb_rle_32bit_2frame.dcm",
    "SC_rgb_small_odd.dcm", "SC_rgb_small_odd_big_endian.dcm", "SC_rgb_small_odd_jpeg.dcm",
    "SC_ybr_full_422_uncompressed.dcm", "examples_jpeg2k.dcm", "examples_palette.dcm", "examples_rgb_color.dcm",
    "examples_ybr_color.dcm", "image_dfl.dcm", "liver_1frame.dcm", "liver_expb_1frame.dcm", "rtdose.dcm",
    "rtdose_expb.dcm", "rtdose_rle.dcm",
]  # fmt: skip


def frames_of(name: str) -> Frames:
    return read_instance(reading_file(name)).frames


def in_rgb(frames: Frames, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return convert_color_space(values, "YBR_FULL", "RGB") if frames.photometric == "YBR_FULL" else values


@pytest.mark.parametrize("name", BY_PYDICOM)
def test_every_frame_has_the_values_that_pydicom_decodes(name: str) -> None:
    frames = frames_of(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = pydicom.dcmread(FOLDER / name).pixel_array
    ours = np.stack([in_rgb(frames, frames.stored_values(index)) for index in range(len(frames))])
    # Decoders of lossy formats round differently.
    assert np.abs(ours.astype(np.int64) - expected.reshape(ours.shape).astype(np.int64)).max() <= 2


@pytest.mark.parametrize(
    ("name", "dtype", "lowest", "highest"),
    [
        ("JPGExtended.dcm", "uint16", 0, 264),
        ("JPEGLSNearLossless_08.dcm", "uint8", 0, 255),
        ("MR_small_jpeg_ls_lossless.dcm", "int16", 127, 2145),
        ("SC_rgb_jpeg_gdcm.dcm", "uint8", 0, 255),
    ],
)
def test_formats_that_pydicom_needs_more_for_are_decoded(name: str, dtype: str, lowest: int, highest: int) -> None:
    values = frames_of(name).stored_values(0)
    assert (str(values.dtype), values.min(), values.max()) == (dtype, lowest, highest)


def compressed(frames: int, pixel_data: bytes, syntax: str = RLELossless, **elements: Any) -> pydicom.Dataset:
    dataset = pydicom.dcmread(FOLDER / "MR_small_RLE.dcm")
    dataset.NumberOfFrames, dataset.PixelData = frames, pixel_data
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def rle_frames(count: int) -> list[bytes]:
    frame = frames_of("MR_small_RLE.dcm").encoded(0)
    return [frame] * count


def file_of(dataset: pydicom.Dataset) -> bytes:
    target = io.BytesIO()
    dataset.save_as(target, enforce_file_format=False)
    return target.getvalue()


def frames_in(dataset: pydicom.Dataset) -> Frames:
    return read_instance(reading(file_of(dataset))).frames


def test_frames_of_several_fragments_are_found_by_the_basic_offset_table() -> None:
    frames = frames_in(compressed(3, encapsulate(rle_frames(3), fragments_per_frame=4)))
    assert [frames.encoded(index) for index in range(3)] == rle_frames(3)


def test_frames_are_found_by_the_extended_offset_table() -> None:
    data, offsets, lengths = encapsulate_extended(rle_frames(3))
    dataset = compressed(3, data, ExtendedOffsetTable=offsets, ExtendedOffsetTableLengths=lengths)
    instance = read_instance(reading(file_of(dataset)))
    assert [instance.frames.encoded(index) for index in range(3)] == rle_frames(3)


def test_without_an_offset_table_each_fragment_is_a_frame_if_there_are_as_many() -> None:
    frames = frames_in(compressed(3, encapsulate(rle_frames(3), has_bot=False)))
    assert frames.encoded(2) == rle_frames(1)[0]


def test_without_an_offset_table_frames_are_found_by_their_first_bytes() -> None:
    one = read_instance(reading_file("MR_small_jp2klossless.dcm")).frames.encoded(0)
    data = encapsulate([one] * 2, fragments_per_frame=3, has_bot=False)
    frames = frames_in(compressed(2, data, JPEG2000Lossless))
    assert [frames.encoded(index) for index in range(2)] == [one, one]


def test_frames_whose_limits_are_unknown_are_refused() -> None:
    data = encapsulate(rle_frames(2), fragments_per_frame=3, has_bot=False)
    with pytest.raises(PictureError, match="cannot be told apart"):
        frames_in(compressed(2, data))


def test_an_offset_table_that_points_nowhere_is_not_believed() -> None:
    data = bytearray(encapsulate(rle_frames(2)))
    data[12] ^= 4
    assert frames_in(compressed(2, bytes(data))).encoded(1) == rle_frames(1)[0]


def test_a_frame_of_many_reads_only_its_own_bytes() -> None:
    data = (FOLDER / "rtdose.dcm").read_bytes()
    ranges: list[tuple[int, int]] = []

    def read(at: int, size: int) -> bytes:
        ranges.append((at, size))
        return data[at : at + size]

    frames = read_instance(read).frames
    ranges.clear()
    frames.stored_values(7)
    assert sum(size for _, size in ranges) == 10 * 10 * 4


def test_a_truncated_frame_is_filled_with_zeros_and_known_as_cut_off() -> None:
    frames = frames_of("MR_truncated.dcm")
    assert frames.is_cut_off(0)
    assert frames.stored_values(0)[-1, -1, 0] == 0
    assert not frames_of("MR_small.dcm").is_cut_off(0)


def test_packed_frames_of_single_bits_need_not_begin_at_a_byte() -> None:
    bits = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 1]], np.uint8)
    dataset = compressed(3, np.packbits(np.tile(bits, (3, 1)), bitorder="little").tobytes(), ExplicitVRLittleEndian)
    dataset.Rows = dataset.Columns = 3
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = dataset.PixelRepresentation = 0
    dataset["PixelData"].is_undefined_length = False
    frames = frames_in(dataset)
    assert all((frames.stored_values(index)[:, :, 0] == bits).all() for index in range(3))


def test_bits_above_bits_stored_are_no_part_of_a_value() -> None:
    dataset = compressed(1, np.array([0xF801, 0xF7FF], "<u2").tobytes(), ExplicitVRLittleEndian)
    dataset.Rows, dataset.Columns, dataset.BitsStored, dataset.HighBit = 1, 2, 12, 11
    dataset["PixelData"].is_undefined_length = False
    dataset.PixelRepresentation = 0
    assert frames_in(dataset).stored_values(0).ravel().tolist() == [0x801, 0x7FF]
    dataset.PixelRepresentation = 1
    assert frames_in(dataset).stored_values(0).ravel().tolist() == [0x801 - 0x1000, 0x7FF]


def test_values_may_be_in_the_upper_bits() -> None:
    dataset = compressed(1, np.array([0x1230, 0xFFF7], "<u2").tobytes(), ExplicitVRLittleEndian)
    dataset.Rows, dataset.Columns, dataset.BitsStored, dataset.HighBit = 1, 2, 12, 15
    dataset["PixelData"].is_undefined_length = False
    dataset.PixelRepresentation = 0
    assert frames_in(dataset).stored_values(0).ravel().tolist() == [0x123, 0xFFF]
    dataset.PixelRepresentation = 1
    assert frames_in(dataset).stored_values(0).ravel().tolist() == [0x123, -1]


@pytest.mark.parametrize(
    ("syntax", "reason"),
    [
        (MPEG2MPML, "video"),
        ("1.2.3", "no decoder for the transfer syntax 1.2.3"),
        (JPEG2000Lossless, "cannot be decoded"),
    ],
)
def test_pixels_that_cannot_be_decoded_are_an_error_with_the_reason(syntax: str, reason: str) -> None:
    frames = frames_in(compressed(1, encapsulate(rle_frames(1)), syntax))
    with pytest.raises(PictureError, match=reason):
        frames.stored_values(0)


def test_a_file_that_describes_no_image_is_an_error() -> None:
    with pytest.raises(PictureError, match="no pixel data"):
        _ = read_instance(reading_file("rtplan.dcm")).frames
    with pytest.raises(PictureError, match="not an image"):
        _ = read_instance(reading_file("nested_priv_SQ.dcm")).frames


@pytest.mark.parametrize("name", ["JPGExtended.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"])
def test_a_compressed_frame_of_another_size_is_refused_before_it_is_decoded(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pydicom.dcmread(FOLDER / name)
    data.Rows += 1
    frames = frames_in(data)
    assert stated_size(frames.encoded(0)) == (data.Rows - 1, data.Columns)
    monkeypatch.setattr("fileset.pictures.frames.decoder_for", lambda _: pytest.fail)
    with pytest.raises(PictureError, match="rows and"):
        frames.stored_values(0)


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff\xe0", b"\xff\xd8" + b"\xff" * 40, b"\xff\x4f\xff\x51\0"]
)
def test_any_beginning_of_a_stream_states_a_size_or_none(data: bytes) -> None:
    assert stated_size(data) is None


def test_of_a_file_of_two_gigabytes_one_frame_is_read() -> None:
    dataset = pydicom.dcmread(FOLDER / "MR_small.dcm")
    dataset.Rows = dataset.Columns = 1024
    dataset.NumberOfFrames = 1000
    head = file_of(dataset)
    at = head.rindex(b"\xe0\x7f\x10\0")
    head = head[:at] + head[at : at + 8] + (1000 * 1024 * 1024 * 2).to_bytes(4, "little")
    amounts: list[int] = []

    def read(at: int, size: int) -> bytes:
        amounts.append(size)
        return head[at : at + size].ljust(size, b"\1") if at < len(head) else bytes(size)

    picture = picture_of(read_instance(read))
    assert picture.pixels.shape == (1024, 1024)
    assert sum(amounts) < 1.2 * 1024 * 1024 * 2


def big(side: int, *, bytes_there: int) -> DepictedInstance:
    """An image that claims to have `side` rows and columns of 16 bits."""
    dataset = synthetic.instance("1.2.840.10008.5.1.4.1.1.7")
    dataset.Rows = dataset.Columns = side
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = bytes(range(256)) * (bytes_there // 256)
    return read_instance(reading(synthetic.encode(dataset)))


@pytest.mark.parametrize(("side", "bytes_there"), [(16_000, 1 << 16), (8_000, 1 << 16), (9_000, 9_000 * 9_000 * 2)])
def test_a_large_claim_gives_a_card_and_costs_no_memory(side: int, bytes_there: int) -> None:
    instance = big(side, bytes_there=bytes_there)
    tracemalloc.start()
    try:
        assert isinstance(depict(instance), Card)
        assert tracemalloc.get_traced_memory()[1] < bytes_there + (4 << 20)
    finally:
        tracemalloc.stop()


def test_a_large_picture_needs_a_few_bytes_a_pixel() -> None:
    instance = big(3_000, bytes_there=2 * 3_000**2)
    tracemalloc.start()
    try:
        assert isinstance(depict(instance), Picture)
        assert tracemalloc.get_traced_memory()[1] < 9 * 3_000**2 + (40 << 20)
    finally:
        tracemalloc.stop()
