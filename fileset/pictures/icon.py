"""Icons of directory records: a small native picture with the rules of PS3.3 F.7."""

from __future__ import annotations

import warnings
from itertools import starmap
from struct import pack
from typing import TYPE_CHECKING, Any

from fileset.dicom.elements import EXPLICIT_LITTLE, element, elements, item
from fileset.dicom.header import Reading
from fileset.errors import foreign_text
from fileset.pictures.attributes import Attributes, attributes_of
from fileset.pictures.depict import aspect_ratio, picture_of, representative_frame
from fileset.pictures.errors import PictureError
from fileset.pictures.grey import grey_levels, grey_scale
from fileset.pictures.instance import DepictedInstance, read_instance
from fileset.pictures.picture import Picture
from fileset.standard import tags

if TYPE_CHECKING:
    from numpy.typing import NDArray


def icon_of_file(read: Reading, size: int = 64) -> bytes:
    """Encode Icon Image Sequence (0088,0200) for the image in the file that `read` reads.

    Use the icon of the file itself if it is conformant and has `size` rows and columns. Raises `PictureError` if the image
    cannot be decoded.
    """
    with warnings.catch_warnings(action="ignore"):  # pydicom warns about values that it returns nevertheless
        try:
            instance = read_instance(read)
            return encoded_icon(_own_icon(instance, size) or _square(_small(instance, size), size), size)
        except (PictureError, ImportError):
            raise
        except Exception as problem:  # any element may have any value
            raise PictureError(f"no icon can be made: {foreign_text(problem)}") from problem


def encoded_icon(pixels: bytes, size: int) -> bytes:
    """Encode the element Icon Image Sequence in Explicit VR Little Endian: `size` x `size` grey pixels of 8 bits."""
    side, eight = pack("<H", size), pack("<H", 8)
    content = (
        (tags.SAMPLES_PER_PIXEL, "US", pack("<H", 1)),
        (tags.PHOTOMETRIC_INTERPRETATION, "CS", b"MONOCHROME2"),
        (tags.ROWS, "US", side),
        (tags.COLUMNS, "US", side),
        (tags.BITS_ALLOCATED, "US", eight),
        (tags.BITS_STORED, "US", eight),
        (tags.HIGH_BIT, "US", pack("<H", 7)),
        (tags.PIXEL_REPRESENTATION, "US", pack("<H", 0)),
        (tags.PIXEL_DATA, "OB", pixels),  # OB, as PS3.11 B.3.3.2 prefers it
    )
    return element(tags.ICON_IMAGE_SEQUENCE, "SQ", item(b"".join(starmap(element, content))))


def _small(instance: DepictedInstance, size: int) -> Picture:
    """Depict the instance; reduce the values before windowing where possible, which is much faster."""
    import numpy as np

    if instance.pixels is None:
        raise PictureError("the file has no pixel data")
    frames = instance.frames
    factor = max(frames.pixels.rows, frames.pixels.columns) // size
    if frames.pixels.samples != 1 or frames.photometric == "PALETTE COLOR" or factor < 2:
        return picture_of(instance)
    frames.pixels.require_showable()
    at = representative_frame(instance, frames)
    attributes = attributes_of(instance.dataset, at)
    scale = grey_scale(attributes, frames.pixels)
    reduced = _box_mean(frames.stored_values(at)[..., 0], factor)
    values = reduced if frames.pixels.kind == "f" else np.rint(reduced).astype(np.int32)
    levels, _ = grey_levels(values, scale)
    return Picture(levels, aspect_ratio(attributes))


def _box_mean(values: NDArray[Any], factor: int) -> NDArray[Any]:
    """Compute the mean of blocks of `factor` x `factor` values; incomplete blocks at the edges are left out."""
    import numpy as np

    rows, columns = (length // factor * factor for length in values.shape)
    # Rows first: adding whole rows is three times as fast as adding blocks.
    bands = values[:rows, :columns].reshape(rows // factor, factor, columns).mean(axis=1, dtype=np.float32)
    mean: NDArray[Any] = bands.reshape(rows // factor, columns // factor, factor).mean(axis=2)
    return mean


def _square(picture: Picture, size: int) -> bytes:
    """Convert a picture to grey, and centre it in a black square."""
    from PIL import Image

    image = picture.image(size).convert("L")
    if image.size == (size, size):
        return image.tobytes()
    scale = size / max(image.size)
    if scale > 1:
        image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    square = Image.new("L", (size, size))
    square.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
    return square.tobytes()


def _own_icon(instance: DepictedInstance, size: int) -> bytes | None:
    """Find the pixels of the icon in the file, if it is native, grey, of 8 bits and of the right size."""
    for icon in Attributes((instance.dataset,)).items("IconImageSequence"):
        if _is_conformant(icon, size):
            pixels = icon.get("PixelData")
            if isinstance(pixels, bytes) and len(pixels) == size * size:
                return pixels
    return None


def _is_conformant(icon: Attributes, size: int) -> bool:
    numbers = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation")
    found = [icon.number(keyword, -1) for keyword in numbers]
    return found == [size, size, 1, 8, 8, 7, 0] and icon.text("PhotometricInterpretation") == "MONOCHROME2"


def with_icon(tail: bytes, icon: bytes) -> bytes:
    """Insert an icon into the tail of a record, in the order of the tags; replace an existing one."""
    before, after = len(tail), len(tail)
    for part in elements(tail, 0, len(tail), EXPLICIT_LITTLE):
        if part.tag >= tags.ICON_IMAGE_SEQUENCE:
            before, after = part.at, part.end if part.tag == tags.ICON_IMAGE_SEQUENCE else part.at
            break
    return tail[:before] + icon + tail[after:]
