"""Stored values -> grey levels of 8 bits (PS3.4 N.2): modality LUT, VOI LUT or window, polarity."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, frozen

from fileset.pictures.attributes import Attributes
from fileset.pictures.look_up import table_in
from fileset.pictures.pixel_format import PixelFormat
from fileset.pictures.strips import by_strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_TABLE: Final = 1 << 16
"""With a larger range of values than this, each pixel is computed on its own."""
PERCENTILES: Final = (1.0, 99.0)
MOST_SEEN: Final = 1 << 22
"""Most pixels, evenly spaced, from which a window is computed."""
Levels = Callable[["NDArray[Any]"], "NDArray[Any]"]
"""Values after the modality LUT -> grey levels from 0 to 1, before polarity."""


@frozen
class Window:
    """The range of values that is shown from black to white (PS3.3 C.11.2.1.2): its centre, width and function."""

    centre: float
    width: float
    function: str = "LINEAR"

    def levels(self, values: NDArray[Any]) -> NDArray[Any]:
        """Map values to grey levels from 0 to 1."""
        import numpy as np

        centre, width = self.centre, self.width
        if self.function == "SIGMOID":
            return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -60, 60)))
        if self.function == "LINEAR_EXACT":
            return (values - centre) / width + 0.5
        if width == 1:
            return (values > centre - 0.5).astype(np.float64)
        return (values - (centre - 0.5)) / (width - 1) + 0.5


@frozen
class GreyScale:
    """The conversion of the stored values of one frame to grey levels."""

    to_modality: Levels
    levels: Levels | None
    """None if the data set gives no window: then it is computed from the values."""
    window: Window | None
    inverse: bool
    padding: tuple[float, float] | None
    """The lowest and the highest value of padding, which is not part of the image (PS3.3 C.7.5.1.1.2)."""
    single_bits: bool


def grey_scale(attributes: Attributes, pixels: PixelFormat) -> GreyScale:
    """Build the conversion for a frame: with its VOI LUT, or else with the first window of its attributes."""
    voi = _voi_table(attributes, pixels)
    window = None if voi else first_window(attributes)
    return GreyScale(
        _modality(attributes, pixels),
        voi or (window.levels if window else None),
        window,
        attributes.text("PresentationLUTShape") == "INVERSE" or pixels.photometric == "MONOCHROME1",
        _padding(attributes, pixels),
        pixels.bits_allocated == 1,
    )


def first_window(attributes: Attributes) -> Window | None:
    """Find the first window with a width that its function allows, None if there is none."""
    function = attributes.text("VOILUTFunction") or "LINEAR"
    least = 1 if function == "LINEAR" else 1e-9
    pairs = zip(attributes.numbers("WindowCenter"), attributes.numbers("WindowWidth"), strict=False)
    return next((Window(centre, width, function) for centre, width in pairs if width >= least), None)


def grey_levels(values: NDArray[Any], scale: GreyScale) -> tuple[NDArray[Any], Window | None]:
    """Convert stored values to 8-bit levels, rows x columns; return them and the window that was used."""
    import numpy as np

    if scale.levels is None:
        window = window_of(values, scale)
        scale = evolve(scale, levels=window.levels, window=window)
    low, high = (values.min(), values.max()) if values.dtype.kind in "iu" else (0, LARGEST_TABLE)
    if int(high) - int(low) >= LARGEST_TABLE or values.size < int(high) - int(low):
        return by_strips(partial(_eight_bits, scale=scale), values), scale.window
    table = np.zeros(1 << 16, np.uint8)
    domain = np.arange(int(low), int(high) + 1, dtype=np.int64)
    table[domain & 0xFFFF] = _eight_bits(domain, scale)
    return by_strips(lambda strip: np.take(table, strip.astype(np.uint16, copy=False)), values), scale.window


def _eight_bits(values: NDArray[Any], scale: GreyScale) -> NDArray[Any]:
    import numpy as np

    numbers = np.nan_to_num(values.astype(np.float64), copy=False)
    levels = scale.levels(scale.to_modality(numbers)) if scale.levels else numbers
    levels = np.clip(levels, 0, 1)
    shown = np.rint((1 - levels if scale.inverse else levels) * 255).astype(np.uint8)
    if scale.padding:
        shown[(numbers >= scale.padding[0]) & (numbers <= scale.padding[1])] = 0
    return shown


def window_of(values: NDArray[Any], scale: GreyScale) -> Window:
    """Choose a window from the 1st to the 99th percentile of the values without padding; show 8-bit values unchanged."""
    import numpy as np

    if scale.single_bits:
        return Window(0.5, 1, "LINEAR_EXACT")
    if values.dtype == np.uint8:
        low, high = scale.to_modality(np.array([0.0, 255.0]))
        return Window(float(low + high) / 2, float(abs(high - low)) or 1.0, "LINEAR_EXACT")
    some = values.ravel()[:: values.size // MOST_SEEN + 1]
    seen = some[np.isfinite(some)] if values.dtype.kind == "f" else some
    if scale.padding:
        real = seen[(seen < scale.padding[0]) | (seen > scale.padding[1])]
        seen = real if real.size else seen
    if not seen.size:
        return Window(0.5, 1, "LINEAR_EXACT")
    modality = scale.to_modality(seen.astype(np.float64))
    low, high = np.percentile(modality, PERCENTILES)
    if low == high:
        low, high = modality.min(), modality.max()
    if low == high:
        return Window(float(low) + 0.5, 1, "LINEAR_EXACT")
    return Window(float(low + high) / 2, float(high - low), "LINEAR_EXACT")


def _modality(attributes: Attributes, pixels: PixelFormat) -> Levels:
    """Make the function of the Modality LUT Sequence, else of Rescale Slope and Intercept (PS3.3 C.11.1)."""
    table = table_in(attributes, "ModalityLUTSequence", pixels)
    if table is not None:
        return lambda values: table.apply(values).astype("f8")
    slope = attributes.number("RescaleSlope", 1) or 1
    intercept = attributes.number("RescaleIntercept", 0) or 0
    return lambda values: values * slope + intercept


def _voi_table(attributes: Attributes, pixels: PixelFormat) -> Levels | None:
    table = table_in(attributes, "VOILUTSequence", pixels)
    if table is None:
        return None
    highest = (1 << table.bits) - 1
    return lambda values: table.apply(values) / highest


def _padding(attributes: Attributes, pixels: PixelFormat) -> tuple[float, float] | None:
    one = attributes.number("PixelPaddingValue")
    if one is None or pixels.samples != 1:
        return None
    if pixels.kind == "i" and one > 0x7FFF:  # a negative value, written as US
        one -= 0x10000
    other = attributes.number("PixelPaddingRangeLimit", one)
    return min(one, other or 0), max(one, other or 0)
