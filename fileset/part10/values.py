"""The form of the values of each VR (PS3.5 6.2, 6.4, 9.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from fileset.dicom.character_sets import TEXT_VRS, decode
from fileset.dicom.elements import NUMBER_SIZES
from fileset.dicom.values import canonical, is_accepted_uid

WIDTHS: Final = NUMBER_SIZES | {"AT": 4}
"""Bytes of one value, for binary VRs; an AT has two numbers."""

LENGTHS: Final = {"SH": 16, "LO": 64, "ST": 1024, "LT": 10240}
"""Maximum characters of one text value."""
NAME_LENGTH: Final = 64
"""Maximum characters of one of the three component groups of a PN."""

_PADDING: Final = b" \0"
_CONTROL: Final = re.compile(r"[\x00-\x1a\x1c-\x1f\x7f]").search
_CONTROL_IN_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]").search
UID_FORM: Final = rb"(?:0\.[0-59]|1\.[0-3]|2\.(?:0|[1-9]\d*+))(?:\.(?:[1-9]\d*+|0))*+"
"""A regular expression for the numbers of a UID (PS3.5 9.1), without its limit of 64 bytes."""
_UID: Final = re.compile(rb"(?=.{1,64}\Z)" + UID_FORM).fullmatch
_URI: Final = re.compile(rb"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*").fullmatch
_NUMBERS: Final = re.compile(rb"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))*").fullmatch

_FORMS: Final[dict[str, Callable[[bytes], object]]] = {
    "AE": re.compile(rb"[ -\x5b\x5d-~]{1,16}").fullmatch,
    "AS": re.compile(rb"\d{3}[DWMY]").fullmatch,
    "DS": re.compile(rb"(?=.{1,16}\Z) *[+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)? *").fullmatch,
    "UI": is_accepted_uid,
}
"""Forms of VRs for which `canonical` does not decide."""
_CANONICAL: Final = frozenset(("CS", "DA", "DT", "IS", "TM"))
_ONE_VALUE: Final = frozenset(("ST", "LT", "UT", "UR"))


def uid_fault(uid: bytes) -> tuple[str, str] | None:
    """Return the rule that an unpadded UID breaks, and how; None if it is valid (PS3.5 9.1, ISO/IEC 9834-1).

    A UID of digits and dots under an arc that does not exist, or with leading zeros, is accepted with a warning: some
    devices make such UIDs, and readers only compare them.
    """
    if _UID(uid):
        return None
    if not is_accepted_uid(uid):
        return "FS-UID-INVALID", "is not a valid UID (PS3.5 9.1)"
    if _NUMBERS(uid):
        return "FS-UID-ARC", "is under an arc that does not exist"
    return "FS-UID-FORM", "has a leading zero or an empty component"


@lru_cache(8192)
def fault(vr: str, raw: bytes, character_set: str = "") -> str:
    """Return the fault of the encoded value of a VR; "" if it is correct."""
    if vr in WIDTHS:
        return (
            ""
            if len(raw) % WIDTHS[vr] == 0
            else f"{len(raw)} bytes are not a whole number of values of {WIDTHS[vr]} bytes"
        )
    if vr in TEXT_VRS:
        return _text_fault(vr, decode(raw, character_set, vr))
    if vr == "UR":
        return "" if _URI(raw.rstrip(_PADDING)) else "a character that a URI must not have (RFC 3986)"
    if vr not in _FORMS and vr not in _CANONICAL:
        return ""
    for value in raw.rstrip(_PADDING).split(b"\\"):
        if value.strip(_PADDING) and not _has_form(vr, value):
            return f"{shown(value)} is not a valid {vr}"
    return ""


def _has_form(vr: str, value: bytes) -> bool:
    if vr in _CANONICAL:
        plain = value.strip(b" ")
        return canonical(vr, plain) == plain
    return bool(_FORMS[vr](value))


def _text_fault(vr: str, text: str) -> str:
    is_single = vr in _ONE_VALUE
    text = text.rstrip(" \0")
    control = (_CONTROL_IN_TEXT if is_single else _CONTROL)(text)
    if control:
        return f"the control character {control[0]!a} in a {vr}"
    values = [text] if is_single else text.split("\\")
    return next(filter(None, map(_TEXT_RULES.get(vr, _line(vr)), values)), "")


def _line(vr: str) -> Callable[[str], str]:
    longest = LENGTHS.get(vr, 1 << 32)
    return lambda text: "" if len(text) <= longest else f"{len(text)} characters, a {vr} has at most {longest}"


def _name_fault(text: str) -> str:
    groups = text.split("=")
    if len(groups) > 3:
        return f"{len(groups)} component groups, a PN has at most 3"
    for group in groups:
        if len(group) > NAME_LENGTH:
            return f"{len(group)} characters in a component group, a PN has at most {NAME_LENGTH}"
        if group.count("^") > 4:
            return f"{group.count('^') + 1} components in a component group, a PN has at most 5"
    return ""


_TEXT_RULES: Final = {"PN": _name_fault}


def padding_fault(vr: str, raw: bytes) -> str:
    """Return the fault of the padding of a value; "" if it is correct (PS3.5 6.2)."""
    if vr == "UI":
        return "a UID is padded with a space instead of NUL" if raw[-1:] == b" " else ""
    if raw[-1:] == b"\0" and (vr in TEXT_VRS or vr in _FORMS or vr in _CANONICAL):
        return f"a {vr} is padded with NUL instead of a space"
    return ""


def shown(value: bytes) -> str:
    """Quote, escape and shorten a value for a message."""
    text = ascii(value.decode("latin_1"))
    return text if len(text) <= 80 else text[:77] + "..."
