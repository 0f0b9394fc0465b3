"""The frames of one image, decoded one at a time (PS3.5 8.2, A.4), so that a long file is never in memory as a whole."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import pairwise
from struct import error, iter_unpack
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, field, frozen

from fileset.dicom.elements import EXPLICIT_LITTLE, ITEM, SEQUENCE_END, UNDEFINED, Syntax, element_header
from fileset.dicom.header import Reading
from fileset.errors import FormatError
from fileset.part10.pixels import Fragments, read_fragments
from fileset.pictures.codecs import DEFLATED_FRAMES, colour_after, decoder_for, stated_size
from fileset.pictures.errors import PictureError
from fileset.pictures.pixel_format import PixelFormat, pixel_format
from fileset.standard.syntaxes import RLE

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

_STARTS: Final = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\xff\x0a", b"\0\0\0\x0cJXL ")
"""First bytes of a frame: JPEG and JPEG-LS, JPEG 2000, JPEG XL."""
_HEADER: Final = 8
MOST_MISSING: Final = 64
"""A native frame is not shown if less than 1/64 of its bytes exist: the size that it claims might fill the memory."""


@frozen
class PixelElement:
    """The pixel data element of an image: its keyword, a function that reads the file, position, length and VR.

    The length is `UNDEFINED` for encapsulated pixel data.
    """

    keyword: str
    read: Reading
    at: int
    length: int
    vr: str


@frozen
class Frames:
    """The frames of one image. `len(frames)` is their number; `frames.stored_values(0)` decodes the first one."""

    pixels: PixelFormat
    element: PixelElement
    transfer_syntax: str
    fragments: Fragments | None = field(default=None, repr=False)
    ranges: Sequence[tuple[int, int]] = field(default=(), repr=False)
    """For each encapsulated frame: the index of its first fragment, and of the first fragment after it."""

    def __len__(self) -> int:
        return self.pixels.frames

    @property
    def photometric(self) -> str:
        """The photometric interpretation of `stored_values`: decoders undo the colour transform of their format."""
        if self.pixels.subsampled and self.fragments is None:
            return "YBR_FULL"
        return colour_after(self.transfer_syntax, self.pixels.photometric)

    def encoded(self, index: int) -> bytes:
        """Read the bytes of a frame from the file, in whole bytes; fragments are joined.

        Raises `PictureError` if there is no such frame.
        """
        if not 0 <= index < len(self):
            raise PictureError(f"there is no frame {index + 1}: the image has {len(self)} frames")
        if self.fragments is None:
            first = index * self.pixels.frame_bits
            return self._native(first // 8, -(-(first + self.pixels.frame_bits) // 8))
        first, end = self.ranges[index]
        starts, lengths = self.fragments.starts, self.fragments.lengths
        return b"".join(self.element.read(starts[at] + _HEADER, lengths[at]) for at in range(first, end))

    def _native(self, begin: int, end: int) -> bytes:
        """Read native bytes; swap pairs of pixels of 1 or 8 bits in Big Endian words (OW, PS3.5 8.1)."""
        element = self.element
        swapped = self.pixels.big_endian and element.vr == "OW" and self.pixels.bits_allocated <= 8
        start, stop = (begin & ~1, end + 1 & ~1) if swapped else (begin, end)
        data = element.read(element.at + start, max(0, min(stop, element.length) - start))
        if not swapped:
            return data
        pairs = bytearray(data)
        pairs[0::2], pairs[1::2] = data[1::2], data[0 : len(data) & ~1 : 2]
        return bytes(pairs[begin - start : end - start])

    def is_cut_off(self, index: int) -> bool:
        """Check whether native bytes of a frame are missing: the file ends too early."""
        end = -(-(index + 1) * self.pixels.frame_bits // 8)
        return self.fragments is None and (
            end > self.element.length or not self.element.read(self.element.at + end - 1, 1)
        )

    def stored_values(self, index: int) -> NDArray[Any]:
        """Decode the stored values of a frame as rows x columns x samples, in the colour space `photometric`.

        Raises `PictureError` if the frame cannot be decoded.
        """
        data = self.encoded(index)
        if not data:
            raise PictureError(f"the file has no bytes of frame {index + 1}")
        if self.fragments is None and len(data) * MOST_MISSING < self.pixels.frame_bytes:
            raise PictureError(
                f"the file has only {len(data):,} of {self.pixels.frame_bytes:,} bytes of frame {index + 1}"
            )
        if self.fragments is None:
            first_bit = index * self.pixels.frame_bits % 8 if self.pixels.bits_allocated == 1 else 0
            return self.pixels.stored_values(self.pixels.aligned(self.pixels.native_values(data, first_bit)))
        values = self._decoded(data)
        return self.pixels.stored_values(self.pixels.aligned(values) if self.keeps_bits else values)

    @property
    def keeps_bits(self) -> bool:
        """Whether compression would keep all bits of native pixels, also those above Bits Stored."""
        return self.transfer_syntax in (RLE, DEFLATED_FRAMES)

    def decoded(self, index: int) -> NDArray[Any]:
        """Decode a compressed frame with all bits of its decoder. Raises as `stored_values`."""
        return self._decoded(self.encoded(index))

    def _decoded(self, data: bytes) -> NDArray[Any]:
        decode = decoder_for(self.transfer_syntax)
        expected = self.pixels.rows, self.pixels.columns
        size = stated_size(data) or expected
        if size != expected:
            raise PictureError(f"the compressed frame has {size[0]} rows and {size[1]} columns, not {expected}")
        try:
            values = decode(data, self.pixels)
        except (PictureError, ImportError):
            raise
        except Exception as problem:  # the decoders have no common error
            raise PictureError(f"the compressed frame cannot be decoded: {problem}") from problem
        if values.ndim == 2:
            values = values[:, :, None]
        if values.shape[:2] != expected or values.shape[2] < self.pixels.samples:
            raise PictureError(
                f"the compressed frame has {values.shape[0]} rows and {values.shape[1]} columns, not {expected}"
            )
        return values[:, :, : self.pixels.samples]


def frames_of(dataset: Dataset, element: PixelElement, transfer_syntax: str, *, big_endian: bool) -> Frames:
    """Find the frames of a data set with the pixels in `element`.

    Raises `PictureError` if the data set does not describe an image, or its frames cannot be separated.
    """
    pixels = pixel_format(dataset, element=element.keyword, big_endian=big_endian)
    frames = Frames(pixels, element, transfer_syntax)
    if element.length != UNDEFINED:
        return frames
    fragments = _fragments(element)
    extended = _numbers(dataset.get("ExtendedOffsetTable") or b"", "<Q")  # PS3.3 C.7.6.3.1.8
    ranges = _ranges(fragments, pixels.frames, extended, element.read)
    return evolve(frames, fragments=fragments, ranges=ranges)


@frozen
class _FragmentHeaders:
    """Reads the headers of fragments; treats the end of the file as the end of the sequence."""

    read: Reading

    def header(self, at: int, syntax: Syntax) -> tuple[int, bytes, int, int]:
        head = self.read(at, _HEADER)
        if len(head) < _HEADER:
            return SEQUENCE_END, b"", at, 0
        found = element_header(head, 0, syntax)
        if found[0] != ITEM:
            return SEQUENCE_END, b"", at + _HEADER, 0
        return found[0], found[1], at + _HEADER, found[3]

    def value(self, at: int, length: int) -> bytes:
        return self.read(at, length)


def _fragments(element: PixelElement) -> Fragments:
    try:
        return read_fragments(_FragmentHeaders(element.read), element.at, EXPLICIT_LITTLE)
    except (FormatError, error) as problem:
        raise PictureError(f"the fragments of the pixel data cannot be read: {problem}") from problem


def _numbers(data: bytes, form: str) -> list[int]:
    try:
        return [value for (value,) in iter_unpack(form, data)]
    except (error, TypeError):
        return []


def _ranges(fragments: Fragments, frames: int, extended: list[int], read: Reading) -> list[tuple[int, int]]:
    """Group fragments by frame: with an offset table that fits, else by their number, else by their first bytes."""
    count = len(fragments.starts)
    if not count:
        raise PictureError("the pixel data holds no fragments")
    if frames == 1:
        return [(0, count)]
    for offsets in (extended, _numbers(fragments.table, "<I")):
        firsts = _positions(fragments.starts, offsets)
        if len(firsts) == frames:
            return _pairs(firsts, count)
    if count == frames:
        return _pairs(range(count), count)
    starting = [at for at, start in enumerate(fragments.starts) if read(start + _HEADER, 8).startswith(_STARTS)]
    if len(starting) == frames and starting[0] == 0:
        return _pairs(starting, count)
    raise PictureError(f"{frames} frames in {count} fragments without an offset table: they cannot be told apart")


def _positions(starts: array[int], offsets: list[int]) -> list[int]:
    """Find the indices of the fragments at `offsets`; none if an offset hits no fragment, or they do not rise."""
    by_offset = {start - starts[0]: at for at, start in enumerate(starts)}
    found = [by_offset.get(offset, -1) for offset in offsets]
    rises = all(one < two for one, two in pairwise(found))
    return found if found and found[0] == 0 and rises else []


def _pairs(firsts: Sequence[int], count: int) -> list[tuple[int, int]]:
    return list(zip(firsts, [*firsts[1:], count], strict=True))
