"""The rules of rendering, each with a small image made for it, and the results for instances without pixels."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from fileset.dicom.header import Reading
from fileset.pictures.depict import Card, Depiction, Document, ReportText, depict
from fileset.pictures.errors import PictureError
from fileset.pictures.frames import PixelElement
from fileset.pictures.instance import DepictedInstance, read_instance
from fileset.pictures.picture import Picture, jpeg_of
from tests.pictures.files import reading, reading_file


def item(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def instance(values: Any, keyword: str = "PixelData", **elements: Any) -> DepictedInstance:
    """An image of one row, or of the shape that `values` has."""
    pixels = np.atleast_2d(np.asarray(values))
    dataset = item(
        Rows=pixels.shape[0], Columns=pixels.shape[1], SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2",
        BitsAllocated=8 * pixels.itemsize, BitsStored=8 * pixels.itemsize, HighBit=8 * pixels.itemsize - 1,
        PixelRepresentation=int(pixels.dtype.kind == "i"),
    )  # fmt: skip
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for name, value in elements.items():
        setattr(dataset, name, value)
    data = pixels.tobytes()
    return DepictedInstance(
        dataset, ExplicitVRLittleEndian, PixelElement(keyword, reading(data), 0, len(data), "OW"), big_endian=False
    )


def levels(values: Any, keyword: str = "PixelData", **elements: Any) -> list[Any]:
    shown = depict(instance(values, keyword, **elements))
    assert isinstance(shown, Picture), shown
    return shown.pixels.tolist()[0]  # type: ignore[no-any-return]


RAMP = np.array([0, 100, 200, 300, 400], np.uint16)


def test_of_several_windows_the_first_is_used() -> None:
    assert levels(RAMP, WindowCenter=[200.5, 1], WindowWidth=[401, 1]) == [0, 64, 128, 191, 255]


def test_a_window_without_width_is_passed_over() -> None:
    assert levels(RAMP, WindowCenter=[7, 200.5], WindowWidth=[0, 401]) == [0, 64, 128, 191, 255]


def test_without_a_window_the_percentiles_are_spread() -> None:
    values = np.arange(1000, 2000, dtype=np.uint16)
    values[0], values[-1] = 0, 60000
    shown = levels(values)
    assert shown[0] == 0
    assert shown[500] == pytest.approx(128, abs=3)
    assert shown[-1] == 255


def test_rescale_comes_before_the_window() -> None:
    signed = np.array([-1000, 0, 1000], np.int16)
    assert levels(signed, RescaleSlope=2, RescaleIntercept=10, WindowCenter=10.5, WindowWidth=4001) == [0, 128, 255]


def test_an_empty_slope_counts_as_none() -> None:
    assert levels(RAMP, RescaleSlope=None, RescaleIntercept=None, WindowCenter=200.5, WindowWidth=401)[2] == 128


@pytest.mark.parametrize(
    ("photometric", "shape"), [("MONOCHROME1", None), ("MONOCHROME1", "INVERSE"), ("MONOCHROME2", "INVERSE")]
)
def test_inverse_images_are_inverted_once(photometric: str, shape: str | None) -> None:
    inverse: dict[str, Any] = {"PhotometricInterpretation": photometric, "PresentationLUTShape": shape}
    assert levels(RAMP, WindowCenter=200.5, WindowWidth=401, **inverse) == [255, 191, 128, 64, 0]


def test_a_modality_lut_replaces_rescale() -> None:
    table = item(LUTDescriptor=[3, 1, 16], LUTData=[1000, 2000, 3000])
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    shown = levels(
        np.array([0, 1, 2, 9], np.uint16), ModalityLUTSequence=Sequence([table]), WindowCenter=2000.5, WindowWidth=2001
    )
    assert shown == [0, 0, 128, 255]


def test_a_voi_lut_comes_before_a_window() -> None:
    table = item(LUTDescriptor=[4, 0, 8], LUTData=bytes([0, 255, 51, 0]))
    table["LUTDescriptor"].VR, table["LUTData"].VR = "US", "OW"
    values = np.array([0, 1, 2, 3], np.uint16)
    assert levels(values, VOILUTSequence=Sequence([table]), WindowCenter=1, WindowWidth=2) == [0, 255, 51, 0]


def test_a_sigmoid_window_is_no_straight_line() -> None:
    shown = levels(RAMP, WindowCenter=200, WindowWidth=400, VOILUTFunction="SIGMOID")
    assert shown == [30, 69, 128, 186, 225]


def test_pixel_padding_is_black_and_no_part_of_the_percentiles() -> None:
    values = np.array([-2000] * 50 + list(range(50)), np.int16)
    shown = levels(values, PixelPaddingValue=-2000)
    assert shown[0] == 0
    assert shown[75] == pytest.approx(128, abs=5)
    assert levels(values, PixelPaddingValue=-2000, PhotometricInterpretation="MONOCHROME1")[0] == 0


def test_float_pixels_are_shown() -> None:
    values = np.array([0, np.nan, 0.5, 1.0], np.float32)
    shown = levels(values, "FloatPixelData", WindowCenter=0.5, WindowWidth=1, VOILUTFunction="LINEAR_EXACT")
    assert shown == [0, 0, 128, 255]


def test_functional_groups_of_the_frame_come_first() -> None:
    def groups(centre: float) -> Dataset:
        return item(FrameVOILUTSequence=Sequence([item(WindowCenter=centre, WindowWidth=401)]))

    frames = np.tile(RAMP, (3, 1))
    image = instance(frames, Rows=1, NumberOfFrames=3, WindowCenter=1, WindowWidth=1,
                     PerFrameFunctionalGroupsSequence=Sequence([groups(9999), groups(200.5), groups(9999)]))  # fmt: skip
    shown = depict(image)
    assert isinstance(shown, Picture)
    assert shown.pixels.tolist() == [[0, 64, 128, 191, 255]]


def test_the_representative_frame_is_shown_else_the_one_a_third_in() -> None:
    frames = np.array([[0], [50], [100], [150], [200], [250]], np.uint8)
    assert levels(frames, Rows=1, NumberOfFrames=6) == [100]
    assert levels(frames, Rows=1, NumberOfFrames=6, RepresentativeFrameNumber=5) == [200]


PALETTE: dict[str, Any] = {
    f"{colour}PaletteColorLookupTable{part}": value
    for colour in ("Red", "Green", "Blue")
    for part, value in (("Descriptor", [4, 10, 16]), ("Data", np.array([0, 0x1000, 0x8000, 0xFF00], "<u2").tobytes()))
}


def test_a_palette_of_16_bits_is_shown_in_8() -> None:
    shown = levels(np.array([0, 11, 12, 99], np.uint8), PhotometricInterpretation="PALETTE COLOR", **PALETTE)
    assert [red for red, _, _ in shown] == [0, 0x10, 0x80, 0xFF]


def test_a_segmented_palette_is_expanded() -> None:
    segments = np.array([0, 2, 0, 0x100, 1, 3, 0x400, 2, 1, 0, 0], "<u2").tobytes()
    tables: dict[str, Any] = {}
    for colour in ("Red", "Green", "Blue"):
        tables[f"{colour}PaletteColorLookupTableDescriptor"] = [7, 0, 16]
        tables[f"Segmented{colour}PaletteColorLookupTableData"] = segments
    shown = levels(np.arange(7, dtype=np.uint8), PhotometricInterpretation="PALETTE COLOR", **tables)
    assert [red for red, _, _ in shown] == [0, 1, 2, 3, 4, 0, 1]


def test_planes_and_pixels_of_colour_give_the_same() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [1, 2, 3]]], np.uint8)
    shape: dict[str, Any] = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "Rows": 1, "Columns": 3}
    by_pixel = levels(colours.reshape(1, 9), **shape, PlanarConfiguration=0)
    by_plane = levels(np.moveaxis(colours, 2, 0).reshape(1, 9), **shape, PlanarConfiguration=1)
    assert by_pixel == by_plane == colours[0].tolist()


def test_luminance_and_colour_become_red_green_and_blue() -> None:
    shape: dict[str, Any] = {"SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL", "Rows": 1, "Columns": 2}
    assert levels(np.array([76, 85, 255, 128, 128, 128], np.uint8), **shape) == [[254, 0, 0], [128, 128, 128]]


def test_pixels_that_are_not_square_are_shown_in_their_shape() -> None:
    shown = depict(instance(np.zeros((10, 10), np.uint8), PixelSpacing=[2, 1]))
    assert isinstance(shown, Picture)
    assert shown.image().size == (10, 20)
    shown = depict(instance(np.zeros((10, 10), np.uint8), PixelAspectRatio=[1, 2]))
    assert isinstance(shown, Picture)
    assert shown.image().size == (20, 10)


def test_a_picture_is_made_smaller_but_never_larger() -> None:
    shown = depict(instance(np.zeros((100, 300), np.uint8)))
    assert isinstance(shown, Picture)
    assert shown.image(150).size == (150, 50)
    assert shown.image(1000).size == (300, 100)
    assert jpeg_of(shown.image(64)).startswith(b"\xff\xd8\xff")


def test_a_segmentation_is_shown_in_colour_and_its_blank_frames_are_passed_over() -> None:
    frames = np.zeros((6, 4), np.uint8)
    frames[4] = 255
    image = instance(frames, Rows=1, NumberOfFrames=6, SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4",
                     MaximumFractionalValue=255)  # fmt: skip
    shown = depict(image)
    assert isinstance(shown, Picture)
    assert shown.pixels[0, 0].tolist() == [230, 80, 60]


def test_a_parametric_map_is_shown_in_colour() -> None:
    shown = levels(np.array([0, 1, 2], np.float32), "FloatPixelData", SOPClassUID="1.2.840.10008.5.1.4.1.1.30")
    assert shown[0] == [0, 0, 0]
    assert shown[-1] == [230, 30, 20]


def test_a_structured_report_gives_its_text() -> None:
    shown = depict(read_instance(reading_file("test-SR.dcm")))
    assert isinstance(shown, ReportText)
    lines = [(line.depth, line.name, line.value) for line in shown.lines]
    assert (0, "Diagnosis", "") in lines
    assert (2, "Diameter", "3 cm") in lines


def test_an_ecg_is_drawn() -> None:
    shown = depict(read_instance(reading_file("waveform_ecg.dcm")))
    assert isinstance(shown, Picture)
    assert (shown.pixels.max(axis=2) < 100).mean() > 0.01


def without_pixels(**elements: Any) -> Depiction:
    return depict(DepictedInstance(item(**elements), ExplicitVRLittleEndian, None, big_endian=False))


def test_an_encapsulated_pdf_is_given_as_it_is() -> None:
    pdf = b"%PDF-1.4\n%%EOF"
    elements = {"EncapsulatedDocument": pdf + b"\n", "EncapsulatedDocumentLength": len(pdf), "DocumentTitle": "Letter"}
    shown = without_pixels(MIMETypeOfEncapsulatedDocument="application/pdf", **elements)
    assert shown == Document(pdf, "application/pdf", "Letter")


def test_a_document_that_only_claims_to_be_a_pdf_is_not_returned() -> None:
    shown = without_pixels(MIMETypeOfEncapsulatedDocument="application/pdf", EncapsulatedDocument=b"<script>")
    assert isinstance(shown, Card)


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        (reading_file("rtplan.dcm"), "no picture"),
        (reading_file("JPEG2000-embedded-sequence-delimiter.dcm"), "the compressed frame has"),
        (reading(bytes(5000)), ""),
    ],
)
def test_an_object_without_a_picture_gives_a_card_with_the_reason(read: Reading, reason: str) -> None:
    shown = depict(read_instance(read))
    assert isinstance(shown, Card)
    assert reason in shown.reason


@pytest.mark.parametrize("name", ["MR_small.dcm", "waveform_ecg.dcm", "test-SR.dcm", "examples_palette.dcm"])
def test_damaged_files_never_raise_anything_else(name: str) -> None:
    random = np.random.default_rng(5)
    data = np.frombuffer(reading_file(name)(0, 1 << 30), np.uint8)
    for _ in range(40):
        broken = data.copy()
        broken[random.integers(132, min(len(data), 4000), 12)] = random.integers(0, 256, 12)
        with suppress(PictureError):
            shown = depict(read_instance(reading(broken.tobytes())))
            assert isinstance(shown, Picture | ReportText | Document | Card)


def test_an_empty_file_is_an_error() -> None:
    with pytest.raises(PictureError, match="no readable data elements"):
        depict(read_instance(reading(b"")))


def test_private_data_is_never_shown() -> None:
    dataset = pydicom.Dataset()
    dataset.add_new(0x00091001, "OB", b"\0\1")
    assert depict(DepictedInstance(dataset, "", None, big_endian=False)) == Card(
        "this kind of object has no picture", failed=False
    )
