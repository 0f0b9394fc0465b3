"""Transcoding: real files of every transfer syntax become Explicit VR Little Endian, with the same pixels and values."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest

import fileset
from fileset.errors import FilesetError
from fileset.plan.inputs import Sources
from fileset.plan.scan import outcomes as scanned
from fileset.plan.transcode import transcoded
from fileset.plan.transcoding import Transcoding
from fileset.plan.workers import Workers
from fileset.profiles.find import find_profile
from fileset.records.describe import Policy
from fileset.standard.profiles import PROFILES
from tests.pictures.files import FOLDER, reading, reading_file
from tests.support.command import Runs
from tests.support.judges import run_tool

np = pytest.importorskip("numpy", reason="pixels are compared with numpy")
instance = pytest.importorskip("fileset.pictures.instance", reason="needs the extra images")

NATIVE = (
    "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "ExplVR_BigEnd.dcm", "image_dfl.dcm", "liver_expb_1frame.dcm",
    "SC_rgb_small_odd_big_endian.dcm", "rtdose.dcm", "rtdose_expb.dcm", "priv_SQ.dcm", "rtplan.dcm",
)  # fmt: skip
COMPRESSED = (
    "693_J2KI.dcm", "GDCMJ2K_TextGBR.dcm", "J2K_pixelrep_mismatch.dcm", "JPEG-lossy.dcm", "JPEG2000.dcm",
    "JPEGLSNearLossless_16.dcm", "JPGExtended.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm", "SC_rgb_dcmtk_+eb+cy+s2.dcm", "SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle_16bit_2frame.dcm",
    "SC_rgb_rle_32bit.dcm", "examples_ybr_color.dcm", "UN_sequence.dcm", "rtdose_rle.dcm",
)  # fmt: skip
PIXEL_ATTRIBUTES = {
    0x00280004,
    0x00280006,
    0x00282110,
    0x00282112,
    0x00282114,
    0x7FE00001,
    0x7FE00002,
    0x7FE00003,
    0x7FE00010,
}


def there(name: str) -> str:
    if not (FOLDER / name).exists():
        pytest.skip(f"pydicom does not ship {name}")
    return name


def result_of(name: str) -> bytes:
    return transcoded(reading_file(there(name)))[0]


def stored(data: bytes) -> list[Any]:
    frames = instance.read_instance(reading(data)).frames
    return [frames.stored_values(at) for at in range(len(frames))]


def same(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(first, second) for first, second in zip(one, other, strict=True)
    )


def values(data: bytes) -> dict[int, Any]:
    """All values of a file but those about pixels, decoded by pydicom."""
    dataset = pydicom.dcmread(BytesIO(data), force=True)
    kept = {int(element.tag): element.value for element in dataset if element.tag not in PIXEL_ATTRIBUTES}
    return {tag: value for tag, value in kept.items() if tag & 0xFFFF}  # group lengths go (PS3.5 7.2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NATIVE + COMPRESSED)
def test_pixels_and_all_other_values_stay(name: str) -> None:
    source, result = (FOLDER / there(name)).read_bytes(), result_of(name)
    dataset = pydicom.dcmread(BytesIO(result))
    assert dataset.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
    meta = pydicom.dcmread(BytesIO(source), stop_before_pixels=True).file_meta
    assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.get(
        "SOPInstanceUID", meta.MediaStorageSOPInstanceUID
    )
    before, after = values(source), values(result)
    assert after.keys() == before.keys()
    assert [hex(tag) for tag in before if str(after[tag]) != str(before[tag])] == []
    if "PixelData" in dataset:
        assert same(stored(source), stored(result))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", ["MR_small_RLE.dcm", "SC_rgb_rle_16bit_2frame.dcm", "MR_small_bigendian.dcm", "rtdose_expb.dcm"]
)
def test_another_decoder_sees_the_same_pixels(name: str) -> None:
    """Pydicom decodes RLE and Big Endian by itself."""
    source = pydicom.dcmread(FOLDER / there(name))
    assert np.array_equal(pydicom.dcmread(BytesIO(result_of(name))).pixel_array, source.pixel_array)


def test_elements_that_describe_the_pixels_change_with_them() -> None:
    """PS3.5 8.2: a colour transform that the decoder undoes is no longer declared."""
    dataset = pydicom.dcmread(BytesIO(result_of("examples_ybr_color.dcm")))
    assert (dataset.PhotometricInterpretation, dataset.PlanarConfiguration) == ("RGB", 0)


def test_an_image_that_was_once_lossy_is_marked_as_lossy() -> None:
    dataset = pydicom.dcmread(BytesIO(result_of("JPEGLSNearLossless_16.dcm")))
    assert (dataset.LossyImageCompression, dataset.LossyImageCompressionMethod) == ("01", "ISO_14495_1")
    assert dataset.LossyImageCompressionRatio > 1


@pytest.mark.parametrize("name", ["rtplan_truncated.dcm", "JPEG2000-embedded-sequence-delimiter.dcm"])
def test_a_file_that_cannot_be_transcoded_is_an_error_with_a_reason(name: str) -> None:
    with pytest.raises(FilesetError):
        transcoded(reading_file(there(name)))


@pytest.mark.slow
@pytest.mark.parametrize("medium", ["A.iso", "OUT"])
def test_every_file_that_can_be_decoded_is_on_the_disc_of_its_profile(tmp_path: Path, medium: str, run: Runs) -> None:
    result = run(
        "create", FOLDER, "-o", tmp_path / medium, "--profile", "STD-GEN-CD", "--transcode", "--invalid-uid", "accept",
        "--json", code=3,
    ).document  # fmt: skip
    refused = {one["source"]: one["reason"] for one in result["skipped"] if one["rule"] == "PR-TRANSFER-SYNTAX"}
    assert "; the compressed frame has" in refused["JPEG2000-embedded-sequence-delimiter.dcm"]
    assert "the data set has none" in refused["SC_rgb_jpeg.dcm"]
    assert all("; " in reason for reason in refused.values())
    run("check", tmp_path / medium, "--profile", "STD-GEN-CD")


def test_file_meta_information_of_another_instance_is_corrected(tmp_path: Path) -> None:
    (tmp_path / "IN").mkdir()
    for number in range(20):  # enough for several processes
        dataset = pydicom.dcmread(FOLDER / "CT_small.dcm")
        dataset.SOPInstanceUID = pydicom.uid.UID(f"1.2.3.{number}")
        with (tmp_path / "IN" / f"{number}").open("wb") as file:
            dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.UID(f"1.2.4.{number}")
            pydicom.dcmwrite(file, dataset)
    with fileset.Creator(tmp_path / "OUT", profile="STD-GEN-CD", transcode=True, jobs=2) as creator:
        creator.add(tmp_path / "IN")
    assert {one.rule for one in creator.report.findings} == {"FS-TRANSCODED", "PR-MEDIUM-UNKNOWN"}
    assert len(creator.report.added) == 20
    for added in creator.report.added:
        dataset = pydicom.dcmread(tmp_path / "OUT" / added.file_id.path)
        assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID


def test_a_file_that_conforms_is_copied_byte_for_byte(tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "OUT", profile="STD-GEN-CD", transcode=True) as creator:
        creator.add(FOLDER / "CT_small.dcm", FOLDER / "MR_small_implicit.dcm")
    findings = [one.where.file for one in creator.report.findings if one.rule == "FS-TRANSCODED"]
    assert [Path(name).name for name in findings] == ["MR_small_implicit.dcm"]
    copies = [(tmp_path / "OUT" / added.file_id.path).read_bytes() for added in creator.report.added]
    assert (FOLDER / "CT_small.dcm").read_bytes() in copies
    assert (FOLDER / "MR_small_implicit.dcm").read_bytes() not in copies


def test_add_transcodes_only_new_files(tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(FOLDER / "JPEG2000.dcm")
    before = (tmp_path / "OUT" / creator.report.added[0].file_id.path).read_bytes()
    with fileset.Updater(tmp_path / "OUT", profile="STD-GEN-CD", transcode=True) as updater:
        updater.add(FOLDER / "MR_small_implicit.dcm")
    assert (tmp_path / "OUT" / creator.report.added[0].file_id.path).read_bytes() == before
    [added] = updater.report.added
    assert pydicom.dcmread(tmp_path / "OUT" / added.file_id.path).file_meta.TransferSyntaxUID.is_little_endian


def test_transcoding_without_a_profile_is_a_mistake(tmp_path: Path, run: Runs) -> None:
    assert "needs an application profile" in run("create", FOLDER, "-o", tmp_path / "A", "--transcode", code=2).stderr
    assert len(PROFILES) == 82


@pytest.mark.judges
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NATIVE + COMPRESSED if name != "image_dfl.dcm"])
def test_dciodvfy_has_no_error_that_the_source_did_not_have(name: str, tmp_path: Path) -> None:
    # It cannot read deflated data sets.
    (tmp_path / "A").write_bytes(result_of(name))
    assert iod_errors(tmp_path / "A") <= iod_errors(FOLDER / name)


def iod_errors(path: Path) -> set[str]:
    lines = run_tool("dciodvfy", "-new", path).lines
    return {re.sub(r"\s+", " ", line) for line in lines if re.match(r"(.* - )?(Error|Abort) - ", line)}


def with_overlay(syntax: str, encoded: Any, *, overlay: bool = True) -> bytes:
    """A compressed image with a square in bit 12 of its pixels, as Overlay Bit Position names it (PS3.5 8.1.2, retired)."""
    from pydicom.encaps import encapsulate

    dataset = pydicom.dcmread(FOLDER / "MR_small.dcm")
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
    if overlay:
        for element, vr, value in ((0x10, "US", 64), (0x11, "US", 64), (0x40, "CS", "G"), (0x50, "SS", [1, 1])):
            dataset.add_new(0x60000000 + element, vr, value)
        dataset.add_new(0x60000100, "US", 16)
        dataset.add_new(0x60000102, "US", 12)
    dataset.PixelData = encapsulate([encoded])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    out = BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def pixels_with_overlay() -> Any:
    values = pydicom.dcmread(FOLDER / "MR_small.dcm").pixel_array.astype("<u2") & 0x0FFF
    values[10:20, 10:20] |= 0x1000
    return values


def rle(values: Any) -> bytes:
    planes = [(values >> 8).astype("u1").tobytes(), (values & 0xFF).astype("u1").tobytes()]
    runs = [b"".join(b"\x7f" + plane[at : at + 128] for at in range(0, len(plane), 128)) for plane in planes]
    offsets = [64, 64 + len(runs[0])]
    header = b"".join(number.to_bytes(4, "little") for number in (2, *offsets, *[0] * 13))
    return header + b"".join(runs)


def test_an_overlay_in_the_bits_of_rle_pixels_is_kept() -> None:
    values = pixels_with_overlay()
    result, _ = transcoded(reading(with_overlay("1.2.840.10008.1.2.5", rle(values))))
    assert pydicom.dcmread(BytesIO(result)).PixelData == values.tobytes()


@pytest.mark.parametrize("overlay", [True, False])
def test_bits_above_bits_stored_that_would_be_lost_refuse_the_file(*, overlay: bool) -> None:
    codecs = pytest.importorskip("imagecodecs", reason="encodes JPEG 2000")
    encoded = codecs.jpeg2k_encode(pixels_with_overlay(), level=0, reversible=True, codecformat="j2k")
    with pytest.raises(FilesetError, match="bits above Bits Stored, such as an overlay"):
        transcoded(reading(with_overlay("1.2.840.10008.1.2.4.90", encoded, overlay=overlay)))


def test_a_compressed_icon_refuses_the_file() -> None:
    dataset = pydicom.dcmread(FOLDER / there("MR_small_RLE.dcm"))
    icon = pydicom.Dataset()
    icon.PixelData = dataset.PixelData
    icon["PixelData"].VR = "OB"
    icon["PixelData"].is_undefined_length = True
    dataset.IconImageSequence = [icon]
    out = BytesIO()
    dataset.save_as(out)
    with pytest.raises(FilesetError, match="also has compressed pixels"):
        transcoded(reading(out.getvalue()))


def test_an_update_after_a_dry_run_reports_the_transcoded_files(tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "DISC", profile="STD-GEN-CD") as creator:
        creator.add(FOLDER / "CT_small.dcm")
    with fileset.Updater(tmp_path / "DISC", profile="STD-GEN-CD", transcode=True) as updater:
        updater.add(FOLDER / there("MR_small_RLE.dcm"))
        reports = [updater.commit(dry_run=True), updater.commit()]
    assert [sum(one.rule == "FS-TRANSCODED" for one in report.findings) for report in reports] == [1, 1]


def test_a_file_that_is_taken_though_it_could_not_be_transcoded_is_named(tmp_path: Path) -> None:
    (tmp_path / "A").write_bytes((FOLDER / "CT_small.dcm").read_bytes())
    sources = Sources()
    sources.add_file(str(tmp_path / "A"), "A")
    transcoding = Transcoding(find_profile("STD-GEN-CD"), Workers(), failed={0: "cut off"})
    outcomes = list(scanned(sources, Policy(), Workers()))
    assert list(transcoding.explained(sources, outcomes)) == outcomes
    assert [(one.rule, one.message) for one in transcoding.findings] == [("FS-TRANSCODE-FAILED", "cut off")]
