"""What a value of each VR may look like (PS3.5 6.2, 6.4, 9.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from fileset.dicom.character_sets import TEXT_VRS, decode
from fileset.dicom.values import canonical

WIDTHS: Final = {
    **dict.fromkeys(("US", "SS", "OW"), 2),
    **dict.fromkeys(("UL", "SL", "FL", "AT", "OF", "OL"), 4),
    **dict.fromkeys(("FD", "UV", "SV", "OD", "OV"), 8),
}
"""Bytes of one value of the binary VRs."""

LENGTHS: Final = {"SH": 16, "LO": 64, "ST": 1024, "LT": 10240}
"""The most characters of one text value."""
NAME_LENGTH: Final = 64
"""The most characters of one of the three component groups of a PN."""

_PADDING: Final = b" \0"
_CONTROL: Final = re.compile(r"[\x00-\x1a\x1c-\x1f\x7f]").search
_CONTROL_IN_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]").search
_UID: Final = re.compile(rb"(?=.{1,64}\Z)(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))*").fullmatch

_FORMS: Final[dict[str, Callable[[bytes], object]]] = {
    "AE": re.compile(rb"[ -\x5b\x5d-~]{1,16}").fullmatch,
    "AS": re.compile(rb"\d{3}[DWMY]").fullmatch,
    "DS": re.compile(rb"(?=.{1,16}\Z) *[+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)? *").fullmatch,
    "UI": _UID,
}
"""VRs whose values have a form, beside those that records bring into form themselves."""
_BROUGHT_INTO_FORM: Final = frozenset(("CS", "DA", "DT", "IS", "TM"))
_ONE_VALUE: Final = frozenset(("ST", "LT", "UT", "UR"))


def uid_is_valid(uid: bytes) -> bool:
    """Whether `uid` keeps the rules of PS3.5 9.1: at most 64 characters, numbers without leading zeros."""
    return _UID(uid) is not None


@lru_cache(8192)
def fault(vr: str, raw: bytes, character_set: str = "") -> str:
    """What is wrong with a value of `vr`, as it stands in the data set; "" if nothing is."""
    if vr in WIDTHS:
        return "" if len(raw) % WIDTHS[vr] == 0 else f"{len(raw)} bytes are no whole number of values of {WIDTHS[vr]}"
    if vr in TEXT_VRS:
        return _text_fault(vr, decode(raw, character_set))
    if vr == "UR":
        return "a URI begins with no space" if raw[:1] == b" " else ""
    if vr not in _FORMS and vr not in _BROUGHT_INTO_FORM:
        return ""
    for value in raw.rstrip(_PADDING).split(b"\\"):
        if value.strip(_PADDING) and not _has_form(vr, value):
            return f"{shown(value)} is no {vr}"
    return ""


def _has_form(vr: str, value: bytes) -> bool:
    if vr in _BROUGHT_INTO_FORM:
        plain = value.strip(b" ")
        return canonical(vr, plain) == plain
    return bool(_FORMS[vr](value))


def _text_fault(vr: str, text: str) -> str:
    whole = vr in _ONE_VALUE
    text = text.rstrip(" \0")
    control = (_CONTROL_IN_TEXT if whole else _CONTROL)(text)
    if control:
        return f"the control character {control[0]!a} in a {vr}"
    values = [text] if whole else text.split("\\")
    return next(filter(None, map(_NAME_OR_LINE.get(vr, _line(vr)), values)), "")


def _line(vr: str) -> Callable[[str], str]:
    longest = LENGTHS.get(vr, 1 << 32)
    return lambda text: "" if len(text) <= longest else f"{len(text)} characters; a {vr} has {longest} at most"


def _name_fault(text: str) -> str:
    groups = text.split("=")
    if len(groups) > 3:
        return f"{len(groups)} component groups; a PN has 3 at most"
    for group in groups:
        if len(group) > NAME_LENGTH:
            return f"{len(group)} characters in a component group; a PN has {NAME_LENGTH} at most"
        if group.count("^") > 4:
            return f"{group.count('^') + 1} components in a component group; a PN has 5 at most"
    return ""


_NAME_OR_LINE: Final = {"PN": _name_fault}


def padding_fault(vr: str, raw: bytes) -> str:
    """What is wrong with the padding of a value; "" if nothing is (PS3.5 6.2)."""
    if vr == "UI":
        return "a UID is padded with a space; NUL is right" if raw[-1:] == b" " else ""
    if raw[-1:] == b"\0" and (vr in TEXT_VRS or vr in _FORMS or vr in _BROUGHT_INTO_FORM):
        return f"a {vr} is padded with NUL; a space is right"
    return ""


def shown(value: bytes) -> str:
    """A value for a message: quoted, with no control characters, and not too long."""
    text = ascii(value.decode("latin_1"))
    return text if len(text) <= 80 else text[:77] + "..."
