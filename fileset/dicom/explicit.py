"""Convert data elements of other encodings to Explicit VR Little Endian (PS3.5 A.2)."""

from __future__ import annotations

from collections.abc import Callable

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
    swapped,
)
from fileset.errors import FormatError

VrOf = Callable[[int], str]
"""Looks up the VR of a tag, which Implicit VR leaves out."""


def explicit_element(data: bytes, part: Element, syntax: Syntax, vr_of: VrOf, depth: int = 0) -> bytes:
    """Convert an element. Raises `FormatError` if an element nested in it is damaged, or nested too deep."""
    if syntax is EXPLICIT_LITTLE:
        return data[part.at : part.end]
    vr = part.vr.decode("ascii") or vr_of(part.tag)
    inner = IMPLICIT_LITTLE if vr == "UN" else syntax
    if vr == "SQ" or part.end != part.value_end:  # an element of undefined length is a sequence, whatever its tag
        nested = items(data, part.value_at, part.value_end, inner)
        return element(part.tag, "SQ", b"".join(item(_content(data, one, inner, vr_of, depth)) for one in nested))
    value = data[part.value_at : part.value_end]
    return element(part.tag, vr, value if syntax.little else swapped(value, NUMBER_SIZES.get(vr, 1)))


def _content(data: bytes, found: Element, syntax: Syntax, vr_of: VrOf, depth: int) -> bytes:
    if depth >= MAX_DEPTH:
        raise FormatError(f"sequences nested more than {MAX_DEPTH} deep", offset=found.at)
    inside = elements(data, found.value_at, found.value_end, syntax)
    return b"".join(
        explicit_element(data, part, syntax, vr_of, depth + 1) for part in inside if not part.is_group_length
    )
