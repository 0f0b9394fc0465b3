"""An 8-bit picture, to show on a page, or reduce to an icon."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

_JPEG_QUALITY: Final = 82
WIDEST_ASPECT: Final = 8.0


@frozen
class Picture:
    """An 8-bit picture: rows x columns (grey), or rows x columns x 3 (red, green and blue).

    `aspect` is the height of a pixel divided by its width. `window` is centre and width in the unit of the values, None
    if no window was used. `notes` are facts for the viewer of the picture, for example that the file ends early.
    """

    pixels: NDArray[Any] = field(eq=False, repr=False)
    aspect: float = 1.0
    window: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    def image(self, largest: int | None = None) -> Image:
        """Convert the picture to square pixels for Pillow, with no side longer than `largest` pixels."""
        from PIL import Image

        image = Image.fromarray(self.pixels)
        width, height = self._size()
        scale = min(1.0, largest / max(width, height)) if largest else 1.0
        size = max(1, round(width * scale)), max(1, round(height * scale))
        if size == image.size:
            return image
        reduction = min(image.width // size[0], image.height // size[1])
        if reduction > 1:
            image = image.reduce(reduction)
        return image if size == image.size else image.resize(size, Image.Resampling.BILINEAR)

    def _size(self) -> tuple[float, float]:
        """Compute width and height with square pixels: the shorter side of a pixel is stretched."""
        rows, columns = self.pixels.shape[:2]
        aspect = min(max(self.aspect, 1 / WIDEST_ASPECT), WIDEST_ASPECT)
        return (columns, rows * aspect) if aspect > 1 else (columns / aspect, rows)


def jpeg_of(image: Image) -> bytes:
    """Encode an image as a baseline JPEG file."""
    target = io.BytesIO()
    image.save(target, "JPEG", quality=_JPEG_QUALITY)
    return target.getvalue()
