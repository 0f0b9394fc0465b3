"""Encode records that cannot stay unchanged in Explicit VR Little Endian (PS3.10 8.6).

These are records in Implicit VR or Big Endian, without a link, or with another flag than FFFFH. All other records are
slices of the old file: see `body`.
"""

from __future__ import annotations

from array import array
from typing import Final, NamedTuple

from fileset.dicom.elements import EXPLICIT_LITTLE, Element, Syntax, element, item
from fileset.dicom.explicit import explicit_element
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.dicomdir.write.record import LINKS, LOWER_AT, NEXT_AT
from fileset.standard import tags
from fileset.standard.dictionary import vr_of

_LINK_TAGS: Final = frozenset((tags.NEXT_RECORD, tags.RECORD_IN_USE, tags.LOWER_LEVEL_ENTITY))
INACTIVE: Final = 0
"""The Record In-use Flag of a deleted record in former editions. This package keeps such records and never makes one."""
_ACTIVE_FLAG: Final = element(tags.RECORD_IN_USE, "US", b"\xff\xff")
_INACTIVE_FLAG: Final = element(tags.RECORD_IN_USE, "US", b"\0\0")


class EncodedRecord(NamedTuple):
    """One item of the Directory Record Sequence: its bytes, the positions of its two links, and their values."""

    body: bytes
    places: tuple[int, int] = (NEXT_AT, LOWER_AT)
    said: tuple[int, int] = (0, 0)


def body(flat: FlatDirectory, index: int) -> EncodedRecord:
    """Copy the item of a record if it is sound, else encode it again."""
    if is_sound(flat, index):
        places, said = (flat.next_at[index], flat.lower_at[index]), (flat.next[index], flat.lower[index])
        return EncodedRecord(flat.data[flat.start[index] : flat.end[index]], places, said)
    return EncodedRecord(_anew(flat, index))


def all_sound(flat: FlatDirectory) -> bool:
    """Check whether every record has the usual form and they are consecutive, so that all can be copied at once."""
    count = len(flat)
    return (
        flat.syntax is EXPLICIT_LITTLE
        and not flat.mended
        and flat.in_use == array("H", [0xFFFF]) * count
        and flat.next_at == array("q", [NEXT_AT]) * count
        and flat.lower_at == array("q", [LOWER_AT]) * count
        and flat.start[1:] == flat.end[:-1]
    )


def is_sound(flat: FlatDirectory, index: int) -> bool:
    """Check whether a record can stay as it is: encoding, length, flag and both links."""
    if flat.syntax is not EXPLICIT_LITTLE or flat.in_use[index] not in (0xFFFF, INACTIVE):
        return False
    if index in flat.mended:
        return False
    links = {part.tag: part for part in flat.elements(index) if part.tag in _LINK_TAGS}
    return links.keys() == _LINK_TAGS and all(
        links[tag].vr == b"UL" and links[tag].value_end - links[tag].value_at == 4
        for tag in (tags.NEXT_RECORD, tags.LOWER_LEVEL_ENTITY)
    )


def _anew(flat: FlatDirectory, index: int) -> bytes:
    """Encode a record with new links; no record may have an element before or between these, so none is kept."""
    kept = [part for part in flat.elements(index) if part.tag > tags.LOWER_LEVEL_ENTITY and is_written(part.tag)]
    # A Reader takes the first of several File IDs; one before the type is there by damage.
    type_at = next((part.at for part in kept if part.tag == tags.RECORD_TYPE), 0)
    kept.sort(key=lambda part: (part.tag, part.at < type_at))
    links = LINKS.replace(_ACTIVE_FLAG, _INACTIVE_FLAG) if flat.in_use[index] == INACTIVE else LINKS
    return item(links + b"".join(explicit(flat.data, part, flat.syntax) for part in kept))


def is_written(tag: int) -> bool:
    """Test whether a record may have an element: group lengths are wrong once another one changes, FFFE is for items."""
    return tag & 0xFFFF != 0 and tag >> 16 != 0xFFFE


def explicit(data: bytes, part: Element, syntax: Syntax) -> bytes:
    """Convert an element to Explicit VR Little Endian. Raises `FormatError` if an element nested in it is damaged."""
    return explicit_element(data, part, syntax, _vr_of)


def _vr_of(tag: int) -> str:
    return "OW" if tag == tags.PIXEL_DATA else vr_of(tag)  # PS3.5 A.1: pixel data in Implicit VR is OW
