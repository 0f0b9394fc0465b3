"""Encode records that cannot stay unchanged in Explicit VR Little Endian (PS3.10 8.6).

These are records in Implicit VR or Big Endian, without a link, or with another flag than FFFFH. All other records are
slices of the old file: see `body`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final, NamedTuple

from fileset.dicom.elements import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    MAX_DEPTH,
    NUMBER_SIZES,
    Element,
    Syntax,
    element,
    elements,
    item,
    items,
)
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.dicomdir.write.record import LINKS, LOWER_AT, NEXT_AT
from fileset.errors import FormatError
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
    kept = [part for part in flat.elements(index) if part.tag not in _LINK_TAGS and not _is_group_length(part)]
    kept.sort(key=lambda part: part.tag)
    links = LINKS.replace(_ACTIVE_FLAG, _INACTIVE_FLAG) if flat.in_use[index] == INACTIVE else LINKS
    return item(links + b"".join(explicit(flat.data, part, flat.syntax) for part in kept))


def _is_group_length(part: Element) -> bool:
    # Group lengths are retired, and wrong after anything in the group was encoded in another way (PS3.5 7.2).
    return part.tag & 0xFFFF == 0


def explicit(data: bytes, part: Element, syntax: Syntax, depth: int = 0) -> bytes:
    """Convert an element to Explicit VR Little Endian. Raises `FormatError` if an element nested in it is damaged."""
    if syntax is EXPLICIT_LITTLE:
        return data[part.at : part.end]
    vr = part.vr or _vr(part)
    inner = IMPLICIT_LITTLE if vr == b"UN" else syntax
    if vr == b"SQ" or part.end != part.value_end:  # an element of undefined length is a sequence, whatever its tag
        nested = items(data, part.value_at, part.value_end, inner)
        return element(part.tag, "SQ", b"".join(item(_content(data, one, inner, depth)) for one in nested))
    value = data[part.value_at : part.value_end]
    width = NUMBER_SIZES.get(vr.decode("ascii"), 1)
    return element(part.tag, vr.decode("ascii"), value if syntax.little or width == 1 else _swapped(value, width))


def _vr(part: Element) -> bytes:
    # PS3.5 A.1: pixel data in Implicit VR is OW.
    return b"OW" if part.tag == tags.PIXEL_DATA else vr_of(part.tag).encode("ascii")


def _content(data: bytes, found: Element, syntax: Syntax, depth: int) -> bytes:
    if depth >= MAX_DEPTH:
        raise FormatError(f"sequences nested more than {MAX_DEPTH} deep", offset=found.at)
    return b"".join(_nested(data, found, syntax, depth + 1))


def _nested(data: bytes, found: Element, syntax: Syntax, depth: int) -> Iterator[bytes]:
    for part in elements(data, found.value_at, found.value_end, syntax):
        if not _is_group_length(part):
            yield explicit(data, part, syntax, depth)


def _swapped(value: bytes, width: int) -> bytes:
    return b"".join(value[at : at + width][::-1] for at in range(0, len(value), width))
