"""One DICOM file -> its data set without pixels, and its frames, which are read only when needed."""

from __future__ import annotations

import io
import warnings
import zlib
from struct import error
from typing import TYPE_CHECKING, Final

from attrs import frozen

from fileset.dicom.elements import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, element_header
from fileset.dicom.header import DEFLATED, Reading
from fileset.dicom.header_by_pydicom import HeaderFile
from fileset.errors import FormatError
from fileset.part10.file_meta import check_meta
from fileset.pictures.errors import PictureError
from fileset.pictures.frames import Frames, PixelElement, frames_of
from fileset.pictures.quick_header import quick_header

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PIXEL_KEYWORDS: Final = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
LARGEST_DATA_SET: Final = 1 << 28
"""Most bytes of a data set without its pixels; also of a deflated data set with them."""
_BUFFER: Final = 1 << 14
_FIRST: Final = 4096


@frozen
class DepictedInstance:
    """One SOP Instance: its data set, and its pixel data element, None if it has none."""

    dataset: Dataset
    transfer_syntax: str
    pixels: PixelElement | None
    big_endian: bool

    @property
    def frames(self) -> Frames:
        """The frames of the image. Raises `PictureError` if there are none."""
        if self.pixels is None:
            raise PictureError("the file has no pixel data")
        return frames_of(self.dataset, self.pixels, self.transfer_syntax, big_endian=self.big_endian)


def read_instance(read: Reading) -> DepictedInstance:
    """Read the instance in a file, except its pixels.

    The data set of an image has the elements that pictures need, not necessarily all.

    Raises `PictureError` if pydicom cannot read the data set.
    """
    quick = quick_header(read)
    if quick is not None:
        dataset, syntax, tag, at, vr, length = quick
        return DepictedInstance(
            dataset, syntax, PixelElement(PIXEL_KEYWORDS[tag], read, at, length, vr), big_endian=False
        )
    first = read(0, _FIRST)
    meta = check_meta(first)
    if meta.transfer_syntax in DEFLATED and first[128:132] == b"DICM":
        return _read(_inflated(read, meta.data_set_at), meta.transfer_syntax.decode("ascii"))
    return _read(read, "")


def _read(read: Reading, transfer_syntax: str) -> DepictedInstance:
    from pydicom.filereader import read_partial

    file = io.BufferedReader(HeaderFile(read, LARGEST_DATA_SET), _BUFFER)
    tags: list[int] = []

    def at_pixels(tag: int, vr: str | None, length: int) -> bool:  # noqa: ARG001  pydicom calls it with three
        if tag in PIXEL_KEYWORDS:
            tags.append(int(tag))
        return bool(tags)

    with warnings.catch_warnings(action="ignore"):
        try:
            dataset = read_partial(file, at_pixels, defer_size=None, force=True)
        except Exception as problem:  # pydicom raises nearly anything on damaged input
            raise PictureError(f"the data set cannot be read: {problem}") from problem
    if not len(dataset):
        raise PictureError("the file has no readable data elements")
    implicit, little = dataset.original_encoding
    syntax = transfer_syntax or str(dataset.file_meta.get("TransferSyntaxUID", ""))
    big_endian = little is False
    pixels = _pixels(read, file.tell(), tags[0], implicit=bool(implicit), big_endian=big_endian) if tags else None
    return DepictedInstance(dataset, syntax, pixels, big_endian)


def _pixels(read: Reading, at: int, tag: int, *, implicit: bool, big_endian: bool) -> PixelElement:
    """Read the pixel data element at `at`, without VRs if the data set has none despite its transfer syntax."""
    head = read(at, 12)
    bare = implicit or not head[4:6].isalpha()
    encoding = IMPLICIT_LITTLE if bare else EXPLICIT_BIG if big_endian else EXPLICIT_LITTLE
    try:
        _, vr, value_at, length = element_header(head, 0, encoding)
    except (FormatError, error) as problem:
        raise PictureError(f"the pixel data element cannot be read: {problem}") from problem
    return PixelElement(PIXEL_KEYWORDS[tag], read, at + value_at, length, vr.decode("ascii") or "OW")


def _inflated(read: Reading, at: int) -> Reading:
    """Inflate a deflated data set (PS3.5 A.5), up to `LARGEST_DATA_SET` bytes, and return random access to it."""
    try:
        whole = zlib.decompressobj(-zlib.MAX_WBITS).decompress(read(at, LARGEST_DATA_SET), LARGEST_DATA_SET)
    except zlib.error as problem:
        raise PictureError(f"the deflated data set is damaged: {problem}") from problem
    return lambda start, size: whole[start : start + size]
