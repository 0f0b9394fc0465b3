"""Read the few values that a picture needs without pydicom's walk through the whole data set.

This works for usual files: Little Endian, elements in order, pixel data within the first bytes, no sequence that affects
the picture. For all others `quick_header` returns None, and pydicom reads the data set.
"""

from __future__ import annotations

from struct import error
from typing import TYPE_CHECKING, Final

from fileset.dicom.elements import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    LONG_VRS,
    SHORT_VRS,
    UNDEFINED,
    Syntax,
    element_header,
    skip_undefined,
)
from fileset.dicom.header import DEFLATED, EXPLICIT_VR_BIG_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, PIXEL_DATA, Reading
from fileset.errors import FormatError
from fileset.part10.file_meta import check_meta

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

WINDOW: Final = 1 << 16
"""Most bytes of a data set without its pixels."""
_SEQUENCES: Final = frozenset((0x00283000, 0x00283010, 0x00880200, 0x52009229, 0x52009230))
"""Sequences that only pydicom decodes: Modality LUT, VOI LUT, icon and the functional groups."""
TAGS: Final = frozenset((
    0x00080080, 0x0008103E, 0x00100010, 0x00100020, 0x00100030, 0x00100040, 0x00180015, 0x0020000D, 0x0020000E,
    0x00080005, 0x00080008, 0x00080016, 0x00080018, 0x00080060, 0x00180050, 0x00181164, 0x00182010, 0x00200013,
    0x00200020, 0x00200037, 0x00201041, 0x00280002, 0x00280004, 0x00280006, 0x00280008, 0x00280010, 0x00280011,
    0x00280030, 0x00280034, 0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00280120, 0x00280121, 0x00281050,
    0x00281051, 0x00281052, 0x00281053, 0x00281056, 0x00286010, 0x20500020, 0x00620001, 0x0062000E,
    0x00281101, 0x00281102, 0x00281103, 0x00281201, 0x00281202, 0x00281203, 0x00281221, 0x00281222, 0x00281223,
    0x7FE00001, 0x7FE00002,
))  # fmt: skip
"""The elements to keep: Image Pixel Module, windows, palettes, spacing, orientation, and the values of patient and series
for pages."""

Found = tuple["Dataset", str, int, int, str, int]
"""The data set, transfer syntax, tag of the pixels, position, VR and length of their value."""


def quick_header(read: Reading) -> Found | None:
    """Read the values that a picture needs from a file, None if pydicom must read it."""
    data = read(0, WINDOW)
    if data[128:132] != b"DICM":
        return None
    meta = check_meta(data)
    syntax = meta.transfer_syntax
    if not syntax or syntax in DEFLATED or syntax == EXPLICIT_VR_BIG_ENDIAN:
        return None
    encoding = IMPLICIT_LITTLE if syntax == IMPLICIT_VR_LITTLE_ENDIAN else EXPLICIT_LITTLE
    try:
        return _walk(data, meta.data_set_at, syntax.decode("ascii"), encoding)
    except (FormatError, error, UnicodeDecodeError):
        return None


def _walk(data: bytes, at: int, syntax: str, encoding: Syntax) -> Found | None:
    from pydicom.dataelem import RawDataElement
    from pydicom.dataset import Dataset
    from pydicom.tag import Tag

    kept: dict[int, RawDataElement] = {}
    end, previous = len(data), 0
    while at < end:
        tag, vr, value, length = element_header(data, at, encoding)
        if tag <= previous or tag in _SEQUENCES or (vr not in SHORT_VRS and vr not in LONG_VRS and encoding.explicit):
            return None
        if tag in PIXEL_DATA:
            dataset = Dataset({Tag(key): element for key, element in kept.items()})
            return dataset, syntax, tag, value, vr.decode("ascii") or "OW", length
        previous = tag
        if length == UNDEFINED:
            at = skip_undefined(data, value, end, IMPLICIT_LITTLE if vr == b"UN" else encoding)[1]
            continue
        at = value + length
        if tag in TAGS:
            if at > end or vr == b"UN":
                return None
            form = {"is_implicit_VR": not encoding.explicit, "is_little_endian": True}
            kept[tag] = RawDataElement(Tag(tag), vr.decode("ascii") or None, length, data[value:at], value, **form)
    return None
