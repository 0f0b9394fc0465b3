"""Match keys as DICOM queries do (PS3.4 C.2.2.2): single value, list of UIDs, wild card, range, universal."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate
from typing import Any, Final

from fileset.dicom.values import canonical
from fileset.dicomdir.read.file_reference import FileReference
from fileset.errors import FormatError, RuleError
from fileset.file_id import SEPARATOR, FileId
from fileset.standard import tags
from fileset.standard.dictionary import keyword_like, keyword_of, tag_of, vr_of

ALIASES: Final = {
    "SOPClassUID": tags.REFERENCED_SOP_CLASS_UID,
    "SOPInstanceUID": tags.REFERENCED_SOP_INSTANCE_UID,
    "TransferSyntaxUID": tags.REFERENCED_TRANSFER_SYNTAX_UID,
    "FileID": tags.REFERENCED_FILE_ID,
}
"""Attributes of instances that have another name in records."""

COUNTS: Final = {
    "NumberOfPatientRelatedStudies": ("PATIENT", "STUDY"),
    "NumberOfPatientRelatedSeries": ("PATIENT", "SERIES"),
    "NumberOfPatientRelatedInstances": ("PATIENT", None),
    "NumberOfStudyRelatedSeries": ("STUDY", "SERIES"),
    "NumberOfStudyRelatedInstances": ("STUDY", None),
    "NumberOfSeriesRelatedInstances": ("SERIES", None),
}
"""Attributes that a query returns (PS3.4 C.3.4) and no record has: the level of the row, and the level that is counted."""
MODALITIES: Final = "ModalitiesInStudy"
"""One more attribute that only a query returns: the modalities of all series of a study."""

IDENTIFIERS: Final = frozenset(("PatientID", "IssuerOfPatientID", "OtherPatientIDs", "AccessionNumber", "StudyID"))
"""Text that distinguishes patients and orders: "a1" and "A1" may be two of them, so case counts."""

Matches = Callable[[Any], bool]
_RANGES: Final = frozenset(("DA", "TM", "DT"))
_NUMERIC: Final = frozenset(("IS", "DS", "US", "UL", "SS", "SL", "UV"))
_NUMBERS: Final = re.compile(
    r"(?P<first>[+-]?\d+\.?\d*(?:[eE][+-]?\d+)?)(?P<range>-(?P<last>[+-]?\d+\.?\d*(?:[eE][+-]?\d+)?)?)?"
).fullmatch
_WILD: Final = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"))


def attribute(keyword: str) -> int:
    """Look up the tag of a keyword as records have it. Raises `RuleError` for an unknown keyword."""
    tag = ALIASES.get(keyword) or tag_of(keyword)
    if tag is None:
        hint = keyword_like(keyword)
        advice = f"did you mean {hint}?" if hint else "write it as PatientID, Modality or 00100020"
        raise RuleError(f"{keyword!r} is not the keyword of an attribute (PS3.6): {advice}")
    return tag


def condition(keyword: str, wanted: object) -> tuple[int, Matches]:
    """Look up the tag to compare, and make the function that matches decoded values.

    Raises `RuleError` for an unknown keyword, one that a table computes, and a value that no such attribute can have.
    """
    tag = attribute(keyword)
    name = keyword_of(tag)
    if name in COUNTS or name == MODALITIES:
        advice = "Use Modality, such as Modality=CT" if name == MODALITIES else ""
        raise RuleError(f"{keyword} can be a column of a table, but not a condition: no record has it", advice=advice)
    return tag, _matcher(keyword, tag, wanted)


def alternatives(tag: int, text: str) -> list[str]:
    """Split a list of values: at "|", and if they are UIDs also at the backslash, as in DICOM (PS3.4 C.2.2.2.2)."""
    return re.split(r"[|\\]" if vr_of(tag) == "UI" else r"[|]", text)


def _matcher(keyword: str, tag: int, wanted: object) -> Matches:
    if wanted is None:
        advice = f"Leave out the condition on {keyword} if any value is right"
        raise RuleError(f"{keyword}=None: there is no value to match", advice=advice)
    if isinstance(wanted, list | tuple | set | frozenset):
        return _any([_matcher(keyword, tag, one) for one in wanted])
    text, vr = str(wanted).strip(), vr_of(tag)
    if text in ("", "*"):
        return lambda _: True
    if len(several := alternatives(tag, text)) > 1:
        return _any([_matcher(keyword, tag, one) for one in several if one.strip()])
    if vr in _RANGES or vr in _NUMERIC:
        if SEPARATOR in text:
            return _in_order([_matcher(keyword, tag, one) for one in text.split(SEPARATOR)])
        return _any_value(_moment(keyword, vr, text) if vr in _RANGES else _number(keyword, text))
    if tag == tags.REFERENCED_FILE_ID:
        return _whole_value(_text(keyword, tag, _path(text)), stored_path)
    return (_whole_value if SEPARATOR in text else _any_value)(_text(keyword, tag, text))


def _text(keyword: str, tag: int, text: str) -> Callable[[str], bool]:
    """Build the matcher of a text with or without wild cards."""
    vr = vr_of(tag)
    exact = vr not in _WILD or keyword_of(tag) in IDENTIFIERS
    wild = "*" in text or "?" in text
    if wild and vr in _WILD:
        matches = _wild(text, 0 if exact else re.IGNORECASE)
    elif wild and vr != "UN":  # the text of a private attribute may have these characters
        advice = "Write the whole value, or several with |"
        raise RuleError(f"{keyword}={text}: a value of {vr} takes no wild cards (PS3.4 C.2.2.2.4)", advice=advice)
    else:
        matches = _equal(text if vr != "PN" else text.rstrip("^="), exact=exact)
    return _in_name(matches) if vr == "PN" else matches


def _any(matchers: list[Matches]) -> Matches:
    return lambda value: any(matches(value) for matches in matchers)


def _in_order(matchers: list[Matches]) -> Matches:
    """Make a function that is true for as many values as there are matchers, if each matches its own."""

    def check(value: Any) -> bool:
        values = value if isinstance(value, list) else [value]
        return len(values) == len(matchers) and all(matches(one) for one, matches in zip(values, matchers, strict=True))

    return check


def _any_value(matches: Callable[[str], bool]) -> Matches:
    """Make a function that is true if one of several values matches. An empty value matches only universally."""

    def check(value: Any) -> bool:
        if value is None or isinstance(value, bytes | dict):
            return False
        return any(matches(str(one)) for one in (value if isinstance(value, list) else [value]) if one is not None)

    return check


def _whole_value(matches: Callable[[str], bool], form: Callable[[str], str] = str) -> Matches:
    """Make a function that compares all values together, joined as DICOM joins them and brought into a form."""

    def check(value: Any) -> bool:
        if value is None or isinstance(value, bytes | dict):
            return False
        return matches(form(joined(value)))

    return check


def joined(value: Any) -> str:
    """Join the values of an attribute as DICOM does."""
    return SEPARATOR.join("" if one is None else str(one) for one in (value if isinstance(value, list) else [value]))


def _path(file_id: str) -> str:
    """Return the path of a File ID as `FileId` reads it, also of one that it refuses."""
    try:
        return FileId.tolerant(file_id).path
    except FormatError:
        return file_id.replace(SEPARATOR, "/")


def stored_path(value: str) -> str:
    """Return the path of a File ID that was decoded like other values of CS: the names of some discs are UTF-8."""
    return _path(value if value.isascii() else FileReference(value.encode("latin-1", "replace")).text)


_EXAMPLES: Final = {
    "DA": "a day as 20030505 or 2003-05-05, a month as 200305, a year as 2003, "
    "or a range of these as 200305-200312, 2003- or -2003",
    "TM": "a time as 103000, 1030 or 10, or a range of these as 10-12, 10- or -1030",
    "DT": "a date and time as 20030505103000, 20030505 or 2003, or a range of these as 2003-2004, 2003- or -2003",
}
_ZEROS: Final = re.compile(r"^0000|(?<=^\d{4})00|(?<=^\d{6})00")
"""A year, month or day of zeros in a date."""
_PUNCTUATED: Final = re.compile(r"(\d{4})([-.])(\d{2})\2(\d{2})")
_ZONED: Final = re.compile(r"\d{8,14}(\.\d{1,6})?[+-](0\d|1[0-4])\d{2}").fullmatch


def _moment(keyword: str, vr: str, text: str) -> Callable[[str], bool]:
    """Build the matcher of a date or time, or of a range of them (PS3.4 C.2.2.2.5).

    Raises `RuleError` for any other text.
    """
    digits = _digits(vr, text)
    if "-" in digits and not (vr == "DT" and _ZONED(digits)):
        first, _, last = (part.strip() for part in digits.partition("-"))
        _require_form(keyword, vr, text, *filter(None, (first, last)))
        if last and last[: len(first)] < first[: len(last)]:
            raise RuleError(f"{keyword}={text}: the range ends before it starts")
        return _in_range(vr, first, last)
    _require_form(keyword, vr, text, digits)
    # A year, a month or an hour matches every moment in it, as 2003-2003 does.
    return lambda value: _digits(vr, value).startswith(digits)


def _digits(vr: str, text: str) -> str:
    """Strip the punctuation of 2003-05-05, 2003.05.05 or 10:30:00 from a date or time."""
    return _PUNCTUATED.sub(r"\1\3\4", text) if vr == "DA" else text.replace(":", "")


def _require_form(keyword: str, vr: str, text: str, *bounds: str) -> None:
    """Raise `RuleError` unless `text` is a date or time, or a range of them: its `bounds` have the form of PS3.5 6.2."""
    if not all(_exists(vr, bound) for bound in bounds):
        ranged = ", and no range of them" if len(bounds) > 1 else ""
        raise RuleError(f"{keyword}={text}: not a value of {vr} (PS3.5 6.2){ranged}", advice=f"Write {_EXAMPLES[vr]}")


def _exists(vr: str, moment: str) -> bool:
    """Check whether there is such a date or time, or a year or month in place of a date. Zeros may be an unknown part."""
    if vr == "TM":
        return bool(canonical(vr, moment.encode("ascii", "replace")))
    known = _ZEROS.sub(lambda zeros: zeros[0][:-1] + "1", moment)  # real discs have 19500000 and 00000000
    return (vr == "DT" or len(moment) <= len("YYYYMMDD")) and bool(canonical("DT", known.encode("ascii", "replace")))


def _in_range(vr: str, first: str, last: str) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        value = _digits(vr, value)
        if not value:
            return not (first or last)
        # A bound includes every value that starts with it: 2020-2021 is two whole years.
        return value.ljust(len(first), "0") >= first and (not last or value[: len(last)] <= last)

    return check


def _equal(text: str, *, exact: bool) -> Callable[[str], bool]:
    if exact:
        return lambda value: value == text
    folded = text.casefold()
    return lambda value: value.casefold() == folded


def _in_name(matches: Callable[[str], bool]) -> Callable[[str], bool]:
    """Build the matcher of a name or one of its component groups; ignore trailing empty components (PS3.5 6.2)."""

    def check(value: str) -> bool:
        groups = (group.rstrip("^") for group in value.split("="))
        return any(map(matches, (value, value.rstrip("^="), *groups)))

    return check


def _number(keyword: str, text: str) -> Callable[[str], bool]:
    """Build the matcher of a number, or of a range with an open or closed end, as 1-5, 5- or -10--5."""
    match = _NUMBERS(text.replace(" ", ""))
    if match is None:
        raise RuleError(f"{keyword}={text}: not a number", advice="Write 5, or a range as 1-5 or 5-")
    first = float(match["first"])
    last = float(match["last"] or "inf") if match["range"] else first
    if last < first:
        raise RuleError(f"{keyword}={text}: the range ends before it starts")

    def check(value: str) -> bool:
        try:
            return first <= float(value) <= last
        except ValueError:
            return False

    return check


def _wild(text: str, flags: int) -> Callable[[str], bool]:
    # `translate` makes atomic groups: with ".*" for each "*", the time would grow exponentially with their number.
    matches = re.compile(translate(text.replace("[", "[[]")), flags).match
    return lambda value: matches(value) is not None
