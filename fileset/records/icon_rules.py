"""Rules for icons (PS3.3 F.7) that the tables of keys do not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fileset.dicom.elements import Syntax
from fileset.records.conditions import ICON_ALLOWED, Values
from fileset.standard import tags
from fileset.standard.dictionary import named

_PIXEL_ASPECT_RATIO: Final = 0x00280034
_PLANAR_CONFIGURATION: Final = 0x00280006


def icon_faults(values: Values, syntax: Syntax) -> Iterator[tuple[str, int]]:
    """Find each fault of an icon, as a message and a tag. Missing elements are faults of the tables."""
    order = "little" if syntax.little else "big"

    def number(tag: int) -> int:
        return int.from_bytes(values.get(tag, b"")[:2], order)  # type: ignore[arg-type]  # a Literal

    for tag in ICON_ALLOWED.keys() & values.keys():
        value = values[tag] if syntax.little or len(values[tag]) != 2 else values[tag][::-1]
        if value not in ICON_ALLOWED[tag]:
            yield f"{named(tag)} has a value that an icon must not have", tag
    bits, stored = number(tags.BITS_ALLOCATED), number(tags.BITS_STORED)
    if bits != stored:
        yield f"{stored} bits stored of {bits} allocated: an icon has as many", tags.BITS_STORED
    if tags.HIGH_BIT in values and stored and number(tags.HIGH_BIT) != stored - 1:
        yield f"the high bit is {number(tags.HIGH_BIT)}, not {stored - 1}", tags.HIGH_BIT
    if values.get(tags.PHOTOMETRIC_INTERPRETATION) == b"PALETTE COLOR" and bits != 8:
        yield f"a palette with {bits} bits: an icon with a palette has 8", tags.BITS_ALLOCATED
    if values.get(_PIXEL_ASPECT_RATIO, b"1\\1").replace(b" ", b"") != b"1\\1":
        yield "the pixels of an icon are square", _PIXEL_ASPECT_RATIO
    if _PLANAR_CONFIGURATION in values:
        yield "an icon has one sample a pixel, and no planar configuration", _PLANAR_CONFIGURATION
    yield from _size_faults(number(tags.ROWS), number(tags.COLUMNS), bits, len(values.get(tags.PIXEL_DATA, b"")))


def _size_faults(rows: int, columns: int, bits: int, size: int) -> Iterator[tuple[str, int]]:
    if not (rows and columns):
        yield f"{rows} rows and {columns} columns are not an icon", tags.ROWS
        return
    needed = -(-rows * columns * bits // 8)
    if size != needed + needed % 2:
        yield f"{size} bytes of pixels, {columns} x {rows} pixels of {bits} bits have {needed}", tags.PIXEL_DATA
