"""The storage format of pixels: the Image Pixel Module (PS3.3 C.7.6.3) and native pixel data (PS3.5 8.1)."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from fileset.pictures.errors import PictureError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

MOST_PIXELS: Final = 1 << 28
"""Most pixels of one frame: a larger frame would fill the memory."""
MOST_SHOWN: Final = 1 << 26
"""Most pixels of one frame that is shown: they need about 350 MB."""
SUBSAMPLED: Final = "YBR_FULL_422"
_FLOAT_BITS: Final = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}


@frozen
class PixelFormat:
    """The shape and encoding of the frames of one image.

    `kind` is "i" for signed, "u" for unsigned and "f" for floating point values; `planar` is true if the planes of a
    colour image follow each other; `big_endian` gives the byte order of native values.
    """

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    kind: str
    photometric: str
    planar: bool
    frames: int
    big_endian: bool = False

    @property
    def frame_bits(self) -> int:
        """The size of one native frame in bits, because frames of 1-bit pixels are not padded to whole bytes."""
        return self.rows * self.columns * (2 if self.subsampled else self.samples) * self.bits_allocated

    @property
    def frame_bytes(self) -> int:
        """The size of one native frame in bytes, rounded up."""
        return ceil(self.frame_bits / 8)

    def require_showable(self) -> None:
        """Raise `PictureError` for a frame that is too large to be shown."""
        if self.rows * self.columns > MOST_SHOWN:
            raise PictureError(f"{self.rows} rows and {self.columns} columns are too many to be shown")

    @property
    def subsampled(self) -> bool:
        """Whether native pixels share their colour in pairs (YBR_FULL_422, PS3.3 C.7.6.3.1.2)."""
        return self.photometric == SUBSAMPLED and self.samples == 3

    def native_values(self, data: bytes, first_bit: int = 0) -> NDArray[Any]:
        """Decode the stored values in native bytes that begin at `first_bit`, as rows x columns x samples.

        Missing bytes at the end count as zero.
        """
        import numpy as np

        if self.bits_allocated == 1:
            bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[first_bit:]
            return self._shaped(bits)
        if self.bits_allocated not in (8, 16, 32, 64):
            raise PictureError(f"pixels of {self.bits_allocated} bits are not supported")
        width = self.bits_allocated // 8
        kind = "f" if self.kind == "f" else "u"
        order = ">" if self.big_endian else "<"
        return self._shaped(np.frombuffer(data, f"{order}{kind}{width}", len(data) // width))

    def _shaped(self, values: NDArray[Any]) -> NDArray[Any]:
        import numpy as np

        wanted = self.rows * self.columns * (2 if self.subsampled else self.samples)
        if values.size < wanted:
            values = np.concatenate([values, np.zeros(wanted - values.size, values.dtype)])
        values = values[:wanted]
        if self.subsampled:
            return self._upsampled(values)
        if self.planar and self.samples > 1:
            return values.reshape(self.samples, self.rows, self.columns).transpose(1, 2, 0)
        return values.reshape(self.rows, self.columns, self.samples)

    def _upsampled(self, values: NDArray[Any]) -> NDArray[Any]:
        """Convert Y1 Y2 Cb Cr for each pair of pixels to Y Cb Cr for each pixel."""
        import numpy as np

        pairs = values.reshape(-1, 4)
        shape = self.rows, self.columns
        luminance = pairs[:, :2].reshape(shape)
        blue, red = (np.repeat(pairs[:, at], 2).reshape(shape) for at in (2, 3))
        return np.stack([luminance, blue, red], axis=-1)

    def aligned(self, values: NDArray[Any]) -> NDArray[Any]:
        """Shift the lowest bit of native values to the bottom: the highest may be above Bits Stored (PS3.5 8.1.1)."""
        unused_below = self.high_bit + 1 - self.bits_stored
        if unused_below <= 0 or self.kind == "f" or self.bits_allocated == 1:
            return values
        return values >> unused_below

    def stored_values(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return decoded values without bits above Bits Stored, with their sign (PS3.5 8.1.1)."""
        if self.kind == "f" or values.dtype.kind == "f" or self.bits_allocated == 1:
            return values
        native = values.astype(values.dtype.newbyteorder("="), copy=False)
        width = native.dtype.itemsize
        unsigned = native.view(f"u{width}")
        unused = width * 8 - self.bits_stored
        if unused <= 0:
            return native.view(f"{self.kind}{width}")
        shifted = unsigned << unused
        return shifted.view(f"{self.kind}{width}") >> unused


def pixel_format(dataset: Dataset, *, element: str, big_endian: bool) -> PixelFormat:
    """Read the pixel format of a data set whose pixels are in `element`, "PixelData" or one of the float kinds.

    Raises `PictureError` if rows, columns or bits are missing or impossible.
    """
    kind = "f" if element in _FLOAT_BITS else ("i" if number(dataset, "PixelRepresentation", 0) == 1 else "u")
    allocated = _FLOAT_BITS.get(element) or number(dataset, "BitsAllocated", 0)
    stored = number(dataset, "BitsStored", allocated)
    found = PixelFormat(
        rows=number(dataset, "Rows", 0),
        columns=number(dataset, "Columns", 0),
        samples=number(dataset, "SamplesPerPixel", 1),
        bits_allocated=allocated,
        bits_stored=stored if 0 < stored <= allocated else allocated,
        high_bit=min(number(dataset, "HighBit", stored - 1), allocated - 1),
        kind=kind,
        photometric=str(dataset.get("PhotometricInterpretation") or "MONOCHROME2").strip(),
        planar=number(dataset, "PlanarConfiguration", 0) == 1,
        frames=max(1, number(dataset, "NumberOfFrames", 1)),
        big_endian=big_endian,
    )
    if not (0 < found.rows * found.columns <= MOST_PIXELS and found.samples in (1, 3, 4) and found.bits_allocated):
        raise PictureError(
            f"{found.rows} rows, {found.columns} columns, {found.samples} samples, {found.bits_allocated} bits: not an image"
        )
    return found


def number(dataset: Dataset, keyword: str, default: int) -> int:
    """Read a whole number of a data set, `default` if it is absent or unreadable."""
    try:
        value = dataset.get(keyword)
        return default if value in (None, "") else int(value)
    except (TypeError, ValueError, OverflowError, AttributeError, NotImplementedError):
        return default
