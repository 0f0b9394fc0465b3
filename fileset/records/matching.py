"""Matching of keys as DICOM queries do it (PS3.4 C.2.2.2): single value, list of UIDs, wild card, range, universal."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from fileset.errors import RuleError
from fileset.records.decoded import tag_of, vr_of

ALIASES: Final = {
    "SOPClassUID": 0x00041510,
    "SOPInstanceUID": 0x00041511,
    "TransferSyntaxUID": 0x00041512,
    "FileID": 0x00041500,
}
"""Attributes of instances that records hold under names of their own."""

Matches = Callable[[Any], bool]
_RANGES: Final = frozenset(("DA", "TM", "DT"))
_WILD: Final = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"))


def condition(keyword: str, wanted: object) -> tuple[int, Matches]:
    """The tag to look at, and a function that tells whether a decoded value matches.

    Raises `RuleError` for an unknown keyword.
    """
    tag = ALIASES.get(keyword) or tag_of(keyword)
    if tag is None:
        raise RuleError(f"{keyword!r} is not the keyword of an attribute (PS3.6), such as PatientID or Modality")
    return tag, _matcher(vr_of(tag), wanted)


def _matcher(vr: str, wanted: object) -> Matches:
    text = "" if wanted is None else str(wanted)
    if isinstance(wanted, list | tuple | set | frozenset):
        return _any([_matcher(vr, one) for one in wanted])
    if text in ("", "*"):
        return lambda _: True
    if vr in _RANGES and "-" in text:
        return _any_value(_in_range(vr, text))
    if vr == "UI" and "\\" in text:
        return _any_value(frozenset(text.split("\\")).__contains__)
    if vr in ("IS", "DS", "US", "UL", "SS", "SL", "UV"):
        return _any_value(_number_equal(text))
    if vr in _WILD and ("*" in text or "?" in text):
        return _any_value(_wild(text, re.IGNORECASE if vr == "PN" else 0))
    if vr == "PN":  # PS3.4 C.2.2.2.1: trailing empty components carry no meaning
        folded = text.casefold().rstrip("^")
        return _any_value(lambda value: value.casefold().rstrip("^") == folded)
    return _any_value(lambda value: value == text)


def _any(matchers: list[Matches]) -> Matches:
    return lambda value: any(matches(value) for matches in matchers)


def _any_value(matches: Callable[[str], bool]) -> Matches:
    """Of several values one must match; an empty value matches only universally."""

    def check(value: Any) -> bool:
        if value is None or isinstance(value, bytes | dict):
            return False
        return any(matches(str(one)) for one in (value if isinstance(value, list) else [value]) if one is not None)

    return check


def _in_range(vr: str, text: str) -> Callable[[str], bool]:
    first, _, last = text.partition("-")
    first, last = (part.strip().replace(":", "") for part in (first, last))

    def check(value: str) -> bool:
        value = value.replace("." if vr == "DA" else ":", "")  # as ACR-NEMA wrote them
        # A shorter bound covers all that begin with it: 2020-2021 is two whole years.
        return value >= first and (not last or value[: len(last)] <= last)

    return check


def _number_equal(text: str) -> Callable[[str], bool]:
    try:
        number = float(text)
    except ValueError:
        return lambda value: value == text

    def check(value: str) -> bool:
        try:
            return float(value) == number
        except ValueError:
            return False

    return check


def _wild(text: str, flags: int) -> Callable[[str], bool]:
    pattern = "".join({"*": ".*", "?": "."}.get(character) or re.escape(character) for character in text)
    compiled = re.compile(pattern, flags | re.DOTALL)
    return lambda value: compiled.fullmatch(value) is not None
