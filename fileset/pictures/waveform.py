"""Plot waveforms such as an ECG (PS3.3 C.10.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from fileset.pictures.attributes import Attributes
from fileset.pictures.errors import PictureError
from fileset.pictures.picture import Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.ImageDraw import ImageDraw
    from pydicom.dataset import Dataset

_WIDTH: Final = 1200
_LABELS: Final = 70
_ROW: Final = 80
_MOST_CHANNELS: Final = 24
_PAPER, _GRID, _MARK, _LINE, _TEXT = (255, 252, 250), (250, 222, 218), (240, 190, 184), (20, 24, 40), (40, 44, 60)
_CHANNEL: Final = {"SB": "i1", "UB": "u1", "MB": "u1", "AB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4"}
"""Waveform Sample Interpretation (5400,1006) -> type of number; mu-law and A-law samples are not expanded."""


@frozen
class _MultiplexGroup:
    """A multiplex group: samples x channels, a label for each channel, and samples per second."""

    samples: NDArray[Any]
    labels: list[str]
    frequency: float


def waveform_picture(dataset: Dataset) -> Picture:
    """Plot the multiplex group with the most samples. Raises `PictureError` if there is no readable one."""
    import numpy as np
    from PIL import Image, ImageDraw

    groups = filter(None, map(_group, Attributes((dataset,)).items("WaveformSequence")))
    shown = max(groups, key=lambda group: group.samples.size, default=None)
    if shown is None:
        raise PictureError("its waveform has no readable samples")
    channels = min(_MOST_CHANNELS, shown.samples.shape[1])
    image = Image.new("RGB", (_WIDTH, channels * _ROW + 24), _PAPER)
    draw = ImageDraw.Draw(image)
    seconds = len(shown.samples) / shown.frequency
    _grid(draw, image.height, seconds)
    for channel in range(channels):
        _trace(draw, shown, channel)
    draw.text((_LABELS, image.height - 18), f"{seconds:.1f} s", fill=_TEXT)
    return Picture(np.asarray(image))


def _group(attributes: Attributes) -> _MultiplexGroup | None:
    import numpy as np

    data, form = attributes.get("WaveformData"), _CHANNEL.get(attributes.text("WaveformSampleInterpretation"), "i2")
    channels = int(attributes.number("NumberOfWaveformChannels", 0) or 0)
    frequency = attributes.number("SamplingFrequency", 0) or 0
    if not isinstance(data, bytes) or channels < 1 or frequency <= 0:
        return None
    width = np.dtype(form).itemsize
    count = len(data) // (width * channels)
    samples = np.frombuffer(data, f"<{form}", count * channels).reshape(count, channels)
    labels = map(_label, attributes.items("ChannelDefinitionSequence"))
    return _MultiplexGroup(samples, [*labels, *[""] * channels][:channels], frequency) if count > 1 else None


def _label(channel: Attributes) -> str:
    label = channel.text("ChannelLabel") or channel.item("ChannelSourceSequence").text("CodeMeaning")
    return label.removeprefix("Lead ").partition(" (")[0][:10]


def _grid(draw: ImageDraw, height: int, seconds: float) -> None:
    """Draw a line each 0.2 seconds and a heavier one each second; fewer if there is no room."""
    step = next((one for one in (0.2, 1, 10, 60, 600, 3600) if seconds / one <= 120), 36000)
    for number in range(int(seconds / step) + 1):
        x = _LABELS + (_WIDTH - _LABELS) * number * step / seconds
        draw.line((x, 0, x, height - 22), fill=_MARK if number % 5 == 0 else _GRID)


def _trace(draw: ImageDraw, group: _MultiplexGroup, channel: int) -> None:
    """Draw one channel over the height of its row, from the lowest to the highest sample of each column."""
    import numpy as np

    samples = group.samples[:, channel].astype(np.float64)
    middle, half = float(samples.max() + samples.min()) / 2, float(samples.max() - samples.min()) / 2 or 1.0
    centre = channel * _ROW + _ROW / 2 + 2
    columns = min(len(samples), 2 * (_WIDTH - _LABELS))
    at = np.linspace(0, len(samples) - 1, columns).astype(np.int64)
    x = _LABELS + (_WIDTH - _LABELS - 4) * np.arange(columns) / max(1, columns - 1)
    y = centre - (samples[at] - middle) / half * (_ROW / 2 - 6)
    draw.line([(float(one), float(two)) for one, two in zip(x, y, strict=True)], fill=_LINE, width=1)
    draw.text((6, centre - 6), group.labels[channel] or str(channel + 1), fill=_TEXT)
