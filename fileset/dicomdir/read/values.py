"""Decode the values of record keys to Python values (PS3.5 6.2)."""

from __future__ import annotations

from struct import error, iter_unpack
from typing import Any, Final

from fileset.dicom.character_sets import TEXT_VRS, decode
from fileset.dicom.elements import Element, Syntax, elements, items
from fileset.errors import FormatError
from fileset.standard import tags
from fileset.standard.dictionary import keyword_of, vr_of

NUMBERS: Final = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q", "AT": "HH"}
"""VRs of binary numbers, each with its format for `struct`."""
_WHOLE: Final = frozenset(("ST", "LT", "UT", "UR"))
_BINARY: Final = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_DEPTH: Final = 16


def value_of(data: bytes, part: Element, syntax: Syntax, character_set: str, depth: int = 0) -> Any:
    """Decode the value of an element: str, int or float, or a list of these; a list of dictionaries for a sequence; bytes
    for other VRs; None if empty.
    """
    vr = part.vr.decode("ascii") if part.vr and part.vr != b"UN" else vr_of(part.tag)
    raw = data[part.value_at : part.value_end]
    if vr == "SQ":
        return _sequence(data, part, syntax, character_set, depth)
    if not raw:
        return None
    if vr in _BINARY:
        return raw
    if vr in NUMBERS:
        return _numbers(raw, vr, syntax)
    text = decode(raw, character_set if vr in TEXT_VRS else "ISO_IR 100", vr)
    if vr in _WHOLE:
        return text.rstrip(" \0")
    values = [_number(value.strip(" \0"), vr) for value in text.split("\\")]
    return values[0] if len(values) == 1 else values


def _number(text: str, vr: str) -> str | int | float | None:
    if not text:
        return None
    try:
        return int(text) if vr == "IS" else float(text) if vr == "DS" else text
    except ValueError:
        return text


def _numbers(raw: bytes, vr: str, syntax: Syntax) -> Any:
    try:
        found = list(iter_unpack(("<" if syntax.little else ">") + NUMBERS[vr], raw))
    except error:
        return raw
    values = [f"{pair[0]:04X}{pair[1]:04X}" if len(pair) == 2 else pair[0] for pair in found]
    return values[0] if len(values) == 1 else values


def _sequence(data: bytes, part: Element, syntax: Syntax, character_set: str, depth: int) -> Any:
    if depth >= _DEPTH:
        return data[part.value_at : part.value_end]
    try:
        return [
            keys_of(data, list(elements(data, item.value_at, item.value_end, syntax)), syntax, character_set, depth + 1)
            for item in items(data, part.value_at, part.value_end, syntax)
        ]
    except FormatError:
        return data[part.value_at : part.value_end]


def character_set_of(data: bytes, parts: list[Element], inherited: str) -> str:
    """Read the Specific Character Set of a data set, or that of the enclosing one (PS3.5 7.5.3)."""
    declared = next(
        (data[part.value_at : part.value_end] for part in parts if part.tag == tags.SPECIFIC_CHARACTER_SET), b""
    )
    return declared.decode("ascii", "replace").strip(" \0") or inherited


def keys_of(data: bytes, parts: list[Element], syntax: Syntax, inherited: str = "", depth: int = 0) -> dict[str, Any]:
    """Decode all elements except those of group 0004: keyword -> value."""
    character_set = character_set_of(data, parts, inherited)
    return {
        keyword_of(part.tag): value_of(data, part, syntax, character_set, depth)
        for part in parts
        if part.tag >> 16 != 4
    }
