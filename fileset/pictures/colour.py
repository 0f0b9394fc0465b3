"""Stored values of colour images -> red, green and blue of 8 bits (PS3.3 C.7.6.3.1.2), and colour maps."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fileset.pictures.attributes import Attributes
from fileset.pictures.errors import PictureError
from fileset.pictures.look_up import palette
from fileset.pictures.pixel_format import PixelFormat
from fileset.pictures.strips import by_strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEAT: Final = ((0, 0, 0), (40, 0, 110), (0, 60, 220), (0, 190, 190), (60, 200, 40), (250, 220, 0), (230, 30, 20))
"""Colours of a dose or parametric map, from the lowest value to the highest."""
SEGMENT_COLOURS: Final = ((230, 80, 60), (70, 160, 240), (90, 200, 90), (240, 190, 50), (190, 110, 220), (60, 200, 200))


def rgb_levels(values: NDArray[Any], photometric: str, pixels: PixelFormat) -> NDArray[Any]:
    """Convert values in a colour space to 8-bit RGB. Raises `PictureError` for an unknown space."""
    import numpy as np

    if values.shape[2] != 3:
        raise PictureError(f"a colour image with {values.shape[2]} samples a pixel and {photometric} cannot be shown")
    eight = (values >> max(0, pixels.bits_stored - 8)).astype(np.uint8) if pixels.bits_stored > 8 else values
    if photometric in ("RGB", "YBR_RCT", "YBR_ICT"):
        return eight.astype(np.uint8, copy=False)
    if photometric.startswith("YBR"):
        return by_strips(partial(_from_luminance, narrow=photometric.startswith("YBR_PARTIAL")), eight)
    raise PictureError(f"the photometric interpretation {photometric!r} with three samples is unknown")


def _from_luminance(values: NDArray[Any], *, narrow: bool) -> NDArray[Any]:
    """Convert Y, Cb, Cr to red, green, blue (ITU-R BT.601); the `narrow` form has luminance from 16 to 235."""
    import numpy as np

    numbers = values.astype(np.float32)
    luminance, blue, red = numbers[..., 0], numbers[..., 1] - 128, numbers[..., 2] - 128
    if narrow:
        luminance, blue, red = (luminance - 16) * (255 / 219), blue * (255 / 224), red * (255 / 224)
    shown = (luminance + 1.402 * red, luminance - 0.344136 * blue - 0.714136 * red, luminance + 1.772 * blue)
    levels: NDArray[Any] = np.clip(np.rint(np.stack(shown, axis=-1)), 0, 255).astype(np.uint8)
    return levels


def palette_levels(values: NDArray[Any], attributes: Attributes, pixels: PixelFormat) -> NDArray[Any]:
    """Map indices of a palette to 8-bit RGB. Raises `PictureError` if there is no palette."""
    import numpy as np

    found = palette(attributes, pixels)
    if found is None:
        raise PictureError("it has PALETTE COLOR pixels, but no usable palette")
    first, colours = found
    return by_strips(lambda strip: colours[np.clip(strip.astype(np.int64) - first, 0, len(colours) - 1)], values)


def heat_map(levels: NDArray[Any]) -> NDArray[Any]:
    """Convert 8-bit grey levels to colours: black and blue for the lowest, red for the highest."""
    import numpy as np

    places = np.linspace(0, 255, len(_HEAT))
    channels = [np.interp(np.arange(256), places, [colour[at] for colour in _HEAT]) for at in range(3)]
    found: NDArray[Any] = np.stack(channels, axis=-1).astype(np.uint8)[levels]
    return found
