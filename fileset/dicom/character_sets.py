"""Character sets (PS3.5 6.1, 7.5.3): bytes of text values <-> str.

Single-byte and Unicode sets are Python codecs. pydicom decodes code extensions (ISO 2022); it is imported only if a
text needs it.
"""

from __future__ import annotations

import re
from typing import Final

from fileset.dicom.code_extensions import delimiters, extension_problem, katakana_problem

CODECS: Final = {
    "": "ascii",
    "ISO_IR 6": "ascii",
    "ISO_IR 100": "latin_1",
    "ISO_IR 101": "iso8859_2",
    "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4",
    "ISO_IR 144": "iso8859_5",
    "ISO_IR 127": "iso8859_6",
    "ISO_IR 126": "iso8859_7",
    "ISO_IR 138": "iso8859_8",
    "ISO_IR 148": "iso8859_9",
    "ISO_IR 203": "iso8859_15",
    "ISO_IR 13": "shift_jis",
    "ISO_IR 166": "iso8859_11",
    "ISO_IR 192": "utf_8",
    "GB18030": "gb18030",
    "GBK": "gbk",
}
"""Specific Character Set (0008,0005) of one value -> Python codec (PS3.3 C.12.1.1.2)."""

UNDECLARED: Final = ("", "ISO_IR 6", "ISO 2022 IR 6")
"""Specific Character Set values that allow only ASCII."""

TEXT_VRS: Final = frozenset(("SH", "LO", "ST", "LT", "PN", "UC", "UT"))
"""The VRs that Specific Character Set applies to (PS3.5 6.1.2.3)."""

ESCAPE: Final = 0x1B


def needs_character_set(value: bytes) -> bool:
    """Return whether a text value has characters beyond ISO IR 6, so that its record needs a character set."""
    return not value.isascii() or ESCAPE in value


def is_known(character_set: str) -> bool:
    """Return whether a Specific Character Set (0008,0005) has only defined terms, in a combination that is allowed."""
    terms = [term.strip() for term in character_set.split("\\")]
    if len(terms) == 1:
        return terms[0] in CODECS or terms[0] in _EXTENSIONS
    # Code extensions: only the first term may be empty, each occurs once, and sets without extensions are not allowed.
    extensions = terms if terms[0] else terms[1:]
    return len(set(terms)) == len(terms) and all(term in _EXTENSIONS for term in extensions)


def _extension(term: str) -> str:
    return term.replace("ISO_IR", "ISO 2022 IR")


_EXTENSIONS: Final = frozenset(
    _extension(term) for term in CODECS if term.startswith("ISO_IR") and term != "ISO_IR 192"
) | {f"ISO 2022 IR {number}" for number in (58, 87, 149, 159)}
"""Multi-byte sets exist only as code extensions (PS3.3 C.12.1.1.2)."""


def text_problem(value: bytes, character_set: str, vr: str) -> str:
    """Find the part of a text value that its character set does not define; "" if it defines all (PS3.5 6.1)."""
    text, terms = decode(value, character_set, vr), [term.strip() for term in character_set.split("\\")]
    if terms[-1] in _EXTENSIONS and (problem := extension_problem(value, terms, vr)):
        return problem
    if "\ufffd" in text or (terms == ["ISO_IR 13"] and katakana_problem(value)):
        return "bytes that are not valid"
    if ESCAPE in value and terms[-1] in CODECS:
        return "an escape sequence, which one set alone does not have,"
    return "control characters 80H to 9FH that are not allowed" if _C1(text) else ""


_C1: Final = re.compile("[\x80-\x9f]").search


def decode(value: bytes, character_set: str = "", vr: str = "") -> str:
    """Decode `value`. Bytes that are not valid in the character set become U+FFFD.

    If no character set is declared for text beyond ASCII, it is guessed. `vr` decides after which delimiters the first
    of several sets is back; a name needs "PN".
    """
    if value.isascii() and ESCAPE not in value:
        return value.decode("ascii")
    declared = character_set.strip()
    codec = CODECS.get(guess(value) if declared in UNDECLARED else declared)
    if codec is not None:
        return value.decode(codec, "replace")
    return _decode_extended(value, character_set, vr)


def _decode_extended(value: bytes, character_set: str, vr: str) -> str:
    import warnings

    from pydicom.charset import convert_encodings, decode_bytes

    if "ISO 2022 IR 13" not in character_set:
        # Japanese devices return to ISO IR 14 also where it is not declared.
        value = value.replace(b"\x1b(J", b"\x1b(B")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            encodings = convert_encodings(character_set.split("\\"))
            return decode_bytes(value, encodings, set(delimiters(vr)))
        except (LookupError, UnicodeError, ValueError):
            return value.decode("latin_1")


def guess(value: bytes) -> str:
    """Guess the character set of text beyond ASCII without a declared one: UTF-8 if valid, else Latin-1."""
    try:
        value.decode("utf_8")
    except UnicodeDecodeError:
        return "ISO_IR 100"
    return "ISO_IR 192"
