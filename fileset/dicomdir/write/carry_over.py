"""What of a record stays when it is made anew: private elements and its icon, which no file tells."""

from __future__ import annotations

from typing import Final

from fileset.dicom.elements import EXPLICIT_LITTLE, Element, elements
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.dicomdir.write.transcode import explicit
from fileset.errors import FormatError
from fileset.standard import tags

_FIRST_PRIVATE: Final = 0x00090000


def is_whole(flat: FlatDirectory, index: int) -> bool:
    """Whether all elements of a record can be read."""
    start, end = flat.content(index)
    try:
        for _ in elements(flat.data, start, end, flat.syntax):
            pass
    except FormatError:
        return False
    return index not in flat.mended


def carried_over(flat: FlatDirectory, index: int, tail: bytes) -> bytes:
    """The elements of `tail`, and those of a former record that are its own, in order of tag."""
    own = [(part.tag, flat.data, part) for part in flat.elements(index) if _is_own(part)]
    new = [(part.tag, tail, part) for part in elements(tail, 0, len(tail), EXPLICIT_LITTLE)]
    kept = sorted(own + new, key=lambda one: one[0])
    return b"".join(
        explicit(data, part, flat.syntax if data is flat.data else EXPLICIT_LITTLE) for _, data, part in kept
    )


def _is_own(part: Element) -> bool:
    return part.tag == tags.ICON_IMAGE_SEQUENCE or (part.tag >= _FIRST_PRIVATE and part.tag & 0x10000 != 0)
