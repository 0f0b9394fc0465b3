"""One compressed frame -> its stored values (PS3.5 8.2), by transfer syntax.

imagecodecs decodes. The table here names its function, and the colour space of the result. The size that a frame states
is read before that: a decoder would reserve memory for any size.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from struct import error, unpack_from
from typing import TYPE_CHECKING, Any, Final

from fileset.part10.jpeg import START, segments
from fileset.pictures.errors import PictureError
from fileset.standard.syntaxes import RLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fileset.pictures.pixel_format import PixelFormat


Decoder = Callable[[bytes, "PixelFormat"], "NDArray[Any]"]

DEFLATED_FRAMES: Final = "1.2.840.10008.1.2.8.1"
_JPEG_FAMILY: Final = "1.2.840.10008.1.2.4."
_FAMILY_PATTERN: Final = re.escape(_JPEG_FAMILY)
_LOSSLESS_JPEG: Final = rf"{_FAMILY_PATTERN}(5[5-8]|6[56]|70)"
_JPEG_LS: Final = rf"{_FAMILY_PATTERN}8[01]"
_ADOBE: Final = b"\xff\xee\x00\x0eAdobe"
_START_OF_SCAN: Final = b"\xff\xda"


def decoder_for(transfer_syntax: str) -> Decoder:
    """Find the function that decodes one frame of a compressed transfer syntax. Raises `PictureError` if there is none."""
    for pattern, decoder in _DECODERS:
        if re.fullmatch(pattern, transfer_syntax):
            return decoder
    if transfer_syntax.startswith(f"{_JPEG_FAMILY}10"):
        raise PictureError("it is a video (MPEG or HEVC), of which no single picture can be decoded")
    raise PictureError(f"no decoder for the transfer syntax {transfer_syntax}")


def colour_after(transfer_syntax: str, photometric: str) -> str:
    """Return the photometric interpretation of decoded values: decoders undo the colour transform of their format."""
    keeps = re.fullmatch(f"{_LOSSLESS_JPEG}|{_JPEG_LS}", transfer_syntax)
    is_transformed = photometric.startswith("YBR") and transfer_syntax.startswith(_JPEG_FAMILY) and not keeps
    return "RGB" if is_transformed else photometric


def _jpeg(data: bytes, pixels: PixelFormat) -> NDArray[Any]:
    """Decode JPEG baseline, extended with 12 bits, and lossless (PS3.5 8.2.1)."""
    from imagecodecs import jpeg8_decode

    if pixels.samples != 3:
        return jpeg8_decode(data)
    header = data[: data.find(_START_OF_SCAN)]
    if _ADOBE in header:  # the stream names its own colour transform
        return jpeg8_decode(data)
    space = "YCBCR" if pixels.photometric.startswith("YBR") else "RGB"
    return jpeg8_decode(data, colorspace=space, outcolorspace="RGB")


def _jpeg_lossless(data: bytes, pixels: PixelFormat) -> NDArray[Any]:
    """Decode JPEG lossless without a change of the colour space."""
    from imagecodecs import jpeg8_decode

    return jpeg8_decode(data, colorspace="RGB", outcolorspace="RGB") if pixels.samples == 3 else jpeg8_decode(data)


def _by_library(name: str) -> Decoder:
    """Return the decoder that is a function of imagecodecs, which needs nothing but the data."""

    def decode(data: bytes, _: PixelFormat) -> NDArray[Any]:
        import imagecodecs

        values: NDArray[Any] = getattr(imagecodecs, name)(data)
        return values

    return decode


def _rle(data: bytes, pixels: PixelFormat) -> NDArray[Any]:
    """Decode RLE Lossless: one plane of bytes for each byte of each sample, the highest first (PS3.5 G.2)."""
    import numpy as np
    from imagecodecs import dicomrle_decode

    width = pixels.bits_allocated // 8
    shape = (pixels.samples, pixels.rows, pixels.columns)
    decoded = dicomrle_decode(data, f"<u{width}", out=None)
    values = np.frombuffer(decoded, f"<u{width}")
    if values.size < pixels.rows * pixels.columns * pixels.samples:
        raise PictureError("the compressed frame is shorter than rows x columns")
    return values[: np.prod(shape)].reshape(shape).transpose(1, 2, 0)


def _deflated(data: bytes, pixels: PixelFormat) -> NDArray[Any]:
    """Inflate a frame in the Deflate format (PS3.5 8.2.16), but not beyond the size of a frame."""
    inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, pixels.frame_bytes)
    return pixels.native_values(inflated)


_DECODERS: Final[tuple[tuple[str, Decoder], ...]] = (
    (rf"{_FAMILY_PATTERN}(5[0-4]|59|6[0-4])", _jpeg),
    (_LOSSLESS_JPEG, _jpeg_lossless),
    (_JPEG_LS, _by_library("jpegls_decode")),
    # JPEG 2000 and High-Throughput JPEG 2000 (PS3.5 8.2.4, 8.2.14); their colour transforms are undone.
    (rf"{_FAMILY_PATTERN}(9[0-3]|20[1-3])", _by_library("jpeg2k_decode")),
    (rf"{_FAMILY_PATTERN}11[0-2]", _by_library("jpegxl_decode")),
    (re.escape(RLE), _rle),
    (re.escape(DEFLATED_FRAMES), _deflated),
)
"""Pattern of the transfer syntax, and its decoder (PS3.6 A)."""


_SIZED: Final = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7))
"""Start of Frame markers of JPEG (ISO/IEC 10918-1 B.2.2) and of JPEG-LS."""
_J2K: Final = b"\xff\x4f\xff\x51"
_CODESTREAM: Final = b"jp2c"


def stated_size(data: bytes) -> tuple[int, int] | None:
    """Read the rows and columns at the start of a JPEG, JPEG-LS or JPEG 2000 stream, None if it does not state them."""
    try:
        if data.startswith(START):
            return next((unpack_from(">HH", data, at + 3) for marker, at in segments(data) if marker in _SIZED), None)
        at = 0 if data.startswith(_J2K) else data.find(_J2K, data.find(_CODESTREAM))
        return _of_jpeg_2000(data, at) if at >= 0 else None
    except error:
        return None


def _of_jpeg_2000(data: bytes, at: int) -> tuple[int, int]:
    """Read the SIZ marker segment (ISO/IEC 15444-1 A.5.1): the reference grid without its offset."""
    columns, rows, left, top = unpack_from(">IIII", data, at + 8)
    return rows - top, columns - left
