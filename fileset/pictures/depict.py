"""Turn one SOP Instance into a picture, the text of a report, a document, or a card that says why it cannot be shown."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from fileset.errors import foreign_text
from fileset.pictures.attributes import Attributes, attributes_of
from fileset.pictures.colour import SEGMENT_COLOURS, heat_map, palette_levels, rgb_levels
from fileset.pictures.errors import PictureError
from fileset.pictures.frames import Frames
from fileset.pictures.grey import Window, grey_levels, grey_scale
from fileset.pictures.instance import DepictedInstance
from fileset.pictures.picture import Picture
from fileset.pictures.report_text import ReportLine, report_lines
from fileset.pictures.strips import by_strips
from fileset.pictures.waveform import waveform_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BLANK: Final = 64
"""Most frames of a segmentation that are searched for one that is not blank."""
_SEGMENTATIONS: Final = frozenset(("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"))
_MAPS: Final = frozenset(("1.2.840.10008.5.1.4.1.1.30", "1.2.840.10008.5.1.4.1.1.481.2"))
"""Parametric Map Storage and RT Dose Storage: their values are shown in colours."""
_CUT_OFF: Final = "the file ends early: part of the picture is missing"


@frozen
class ReportText:
    """The text of a structured report: its lines, each with its depth in the content tree."""

    lines: tuple[ReportLine, ...]


@frozen
class Document:
    """A document in a DICOM file, such as a PDF: its bytes, MIME type and title."""

    content: bytes
    mime_type: str
    title: str


@frozen
class Card:
    """An instance without a picture, and the reason in one sentence.

    `failed` is true if it should have one, because it holds pixels, a waveform, a document or a report.
    """

    reason: str
    failed: bool = True


Depiction = Picture | ReportText | Document | Card


def depict(instance: DepictedInstance) -> Depiction:
    """Depict an instance; return a `Card` with the reason if that fails."""
    with warnings.catch_warnings(action="ignore"):  # pydicom warns about values that it returns nevertheless
        return _depicted(instance)


def _depicted(instance: DepictedInstance) -> Depiction:
    try:
        if instance.pixels is not None:
            return picture_of(instance)
        for keyword, depicted in _BY_CONTENT:
            if keyword in instance.dataset:
                return depicted(instance)
    except PictureError as problem:
        return Card(str(problem))
    except ImportError:
        raise
    except MemoryError:
        return Card("the picture is too large for the memory of this computer")
    except Exception as problem:  # noqa: BLE001  any element may have any value, and no file may stop the others
        return Card(f"it cannot be shown: {foreign_text(problem)}")
    return Card("this kind of object has no picture", failed=False)


def picture_of(instance: DepictedInstance) -> Picture:
    """Depict the representative frame. Raises `PictureError` if it cannot be shown."""
    frames = instance.frames
    frames.pixels.require_showable()
    sop_class = str(instance.dataset.get("SOPClassUID", ""))
    if sop_class in _SEGMENTATIONS:
        return _segmentation(instance, frames)
    at = representative_frame(instance, frames)
    attributes = attributes_of(instance.dataset, at)
    pixels, used = _shown(frames, at, attributes)
    if sop_class in _MAPS and pixels.ndim == 2:
        pixels = heat_map(pixels)
    notes = (_CUT_OFF,) if frames.is_cut_off(at) else ()
    return Picture(pixels, aspect_ratio(attributes), (used.centre, used.width) if used else None, notes)


def _shown(frames: Frames, at: int, attributes: Attributes) -> tuple[NDArray[Any], Window | None]:
    """Return the 8-bit pixels of a frame, and the window that was used."""
    values = frames.stored_values(at)
    photometric = frames.photometric
    if photometric == "PALETTE COLOR":
        return palette_levels(values[..., 0], attributes, frames.pixels), None
    if frames.pixels.samples == 1:
        return grey_levels(values[..., 0], grey_scale(attributes, frames.pixels))
    return rgb_levels(values, photometric, frames.pixels), None


def representative_frame(instance: DepictedInstance, frames: Frames) -> int:
    """Choose the index of Representative Frame Number (0028,6010), else of the frame after the first third."""
    number = attributes_of(instance.dataset).number("RepresentativeFrameNumber", 0) or 0
    return int(number) - 1 if 1 <= number <= len(frames) else len(frames) // 3


def aspect_ratio(attributes: Attributes) -> float:
    """Compute the height of a pixel divided by its width (PS3.3 C.7.6.3.1.7, 10.7)."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"):
        numbers = attributes.numbers(keyword)
        if len(numbers) == 2 and min(numbers) > 0:
            ratio = numbers[0] / numbers[1]
            return 1.0 if abs(ratio - 1) < 0.01 else ratio
    return 1.0


def _segmentation(instance: DepictedInstance, frames: Frames) -> Picture:
    """Draw segments in colours on black, of the first frame from the representative one on that is not blank."""
    import numpy as np

    at = representative_frame(instance, frames)
    last = min(len(frames), at + MOST_BLANK) - 1
    values = frames.stored_values(at)[..., 0]
    while at < last and not values.any():
        at += 1
        values = frames.stored_values(at)[..., 0]
    attributes = attributes_of(instance.dataset, at)
    if attributes.text("SegmentationType") == "LABELMAP":
        colours = np.array([(0, 0, 0), *SEGMENT_COLOURS], np.uint8)
        pixels = by_strips(
            lambda strip: colours[np.where(strip > 0, (strip.astype(np.int64) - 1) % len(SEGMENT_COLOURS) + 1, 0)],
            values,
        )
    else:
        number = int(attributes.number("ReferencedSegmentNumber", 1) or 1)
        colour = np.array(SEGMENT_COLOURS[(number - 1) % len(SEGMENT_COLOURS)], np.float64)
        most = max(1.0, attributes.number("MaximumFractionalValue", 1) or 1)
        pixels = by_strips(
            lambda strip: np.rint(np.clip(strip / most, 0, 1)[..., None] * colour).astype(np.uint8), values
        )
    return Picture(pixels, aspect_ratio(attributes), None, (_CUT_OFF,) if frames.is_cut_off(at) else ())


def _document(instance: DepictedInstance) -> Depiction:
    attributes = attributes_of(instance.dataset)
    content = attributes.get("EncapsulatedDocument")
    mime_type = attributes.text("MIMETypeOfEncapsulatedDocument")
    if not isinstance(content, bytes) or mime_type.lower() != "application/pdf" or b"%PDF-" not in content[:1024]:
        return Card(f"a document of the type {mime_type or 'unknown'} cannot be shown here", failed=False)
    length = int(attributes.number("EncapsulatedDocumentLength", 0) or 0)
    whole = content[:length] if 0 < length <= len(content) else content.removesuffix(b"\0")
    return Document(whole, mime_type, attributes.text("DocumentTitle"))


_BY_CONTENT: Final[tuple[tuple[str, Callable[[DepictedInstance], Depiction]], ...]] = (
    ("EncapsulatedDocument", _document),
    ("WaveformSequence", lambda instance: waveform_picture(instance.dataset)),
    ("ContentSequence", lambda instance: ReportText(tuple(report_lines(instance.dataset)))),
)
"""Elements that data sets without pixels may hold, and the function that depicts each."""
