"""Values of record keys in canonical form (PS3.5 6.2), and invented values for missing ones.

`canonical` removes padding, the punctuation of old dates and times, and lower case in code strings. A value that is
not valid for its VR becomes empty.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from fileset.standard import tags

_PADDING: Final = b" \0"
_DATE: Final = re.compile(rb"(\d{4})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])").fullmatch
_OLD_DATE: Final = re.compile(rb"\d{4}\.\d{2}\.\d{2}").fullmatch
_TIME: Final = re.compile(rb"([01]\d|2[0-3])([0-5]\d([0-5]\d|60)?(?(3)(\.\d{1,6})?))?").fullmatch
_OLD_TIME: Final = re.compile(rb"\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?").fullmatch
_DATE_TIME: Final = re.compile(
    rb"(\d{4})(?:(0[1-9]|1[0-2])(?:(0[1-9]|[12]\d|3[01])(?:([01]\d|2[0-3])(?:[0-5]\d(?:(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?)?)?)?"
    rb"(?:[+-](?:0\d|1[0-4])[0-5]\d)?"
).fullmatch
_INTEGER: Final = re.compile(rb"(?=.{1,12}\Z)[+-]?\d{1,12}").fullmatch
_DECIMAL_INTEGER: Final = re.compile(rb"(?=.{1,12}\Z)([+-]?\d{1,11})\.0*").fullmatch
_CODE_STRING: Final = re.compile(rb"[A-Z0-9 _]{0,16}(\\[A-Z0-9 _]{0,16})*").fullmatch
is_accepted_uid: Final = re.compile(rb"(?=.{1,64}\Z)\.*\d[\d.]*").fullmatch
"""Whether an unpadded UID has only digits and dots, at most 64: some devices break the other rules of PS3.5 9.1."""
_CONTROL: Final = bytes(set(range(32)) - {0x1B})


def _date(value: bytes) -> bytes:
    if _OLD_DATE(value):  # ACR-NEMA wrote YYYY.MM.DD
        value = value.replace(b".", b"")
    match = _DATE(value)
    return value if match and _is_day(*match.groups()) else b""


def _is_day(year: bytes, month: bytes | None, day: bytes | None) -> bool:
    """Check whether the month has that day, and the Gregorian calendar that year: its first is 1."""
    return int(year) > 0 and (not (month and day) or int(day) <= monthrange(int(year), int(month))[1])


def _date_time(value: bytes) -> bytes:
    match = _DATE_TIME(value)
    return value if match and _is_day(*match.groups()[:3]) else b""


def _time(value: bytes) -> bytes:
    if _OLD_TIME(value):
        value = value.replace(b":", b"")
    return value if _TIME(value) else b""


def _integer(value: bytes) -> bytes:
    if value.isdigit() and len(value) < 10:
        return value
    decimal = _DECIMAL_INTEGER(value)
    if decimal:
        value = decimal[1]
    return value if _INTEGER(value) and -(1 << 31) <= int(value) < 1 << 31 else b""


def _code_string(value: bytes) -> bytes:
    value = value.upper()
    return value if _CODE_STRING(value) else b""


def _matching(matches: Callable[[bytes], object]) -> Callable[[bytes], bytes]:
    return lambda value: value if matches(value) else b""


def _line(value: bytes) -> bytes:
    return value.translate(None, _CONTROL)


def _multiple_of(width: int) -> Callable[[bytes], bytes]:
    return lambda value: value if len(value) % width == 0 else b""


_STRIPPED: Final[dict[str, Callable[[bytes], bytes]]] = {
    "DA": _date,
    "TM": _time,
    "DT": _date_time,
    "IS": _integer,
    "CS": _code_string,
    "UI": _matching(is_accepted_uid),
    "SH": _line,
    "LO": _line,
    "PN": _line,
}
_BINARY: Final = {"US": _multiple_of(2), "SS": _multiple_of(2), "UL": _multiple_of(4), "UV": _multiple_of(8)}


def canonical(vr: str, raw: bytes) -> bytes:
    """Convert the value to the form of a record, without padding; empty if it is not valid for the VR.

    A value of only backslashes is empty (PS3.5 7.4).
    """
    if vr in _BINARY:
        return _BINARY[vr](raw)
    value = raw.rstrip(_PADDING) if vr in ("ST", "LT", "UT") else raw.strip(_PADDING)
    if not value.strip(b"\\ "):
        return b""
    form = _STRIPPED.get(vr)
    return form(value) if form else value


# ---------------------------------------------------------------- invented values

UNKNOWN_CODE: Final = (b"261665006", b"SCT", b"Unknown")
"""SNOMED CT code for the title of a document without one."""

_FIXED: Final = {
    "CompletionFlag": b"PARTIAL",
    "VerificationFlag": b"UNVERIFIED",
    "Modality": b"OT",
    "HangingProtocolLevel": b"SITE",
}
_DATES: Final = (tags.STUDY_DATE, tags.SERIES_DATE, tags.ACQUISITION_DATE, tags.CONTENT_DATE)
_TIMES: Final = (tags.STUDY_TIME, tags.SERIES_TIME, tags.ACQUISITION_TIME, tags.CONTENT_TIME)
NO_DATE: Final = b"19000101"
NO_TIME: Final = b"000000"

FALLBACK_TAGS: Final = frozenset(_DATES + _TIMES)
"""Study, Series, Acquisition and Content Date and Time."""

_MIME_TYPES: Final = {
    b"1.2.840.10008.5.1.4.1.1.104.1": b"application/pdf",
    b"1.2.840.10008.5.1.4.1.1.104.2": b"text/XML",
    b"1.2.840.10008.5.1.4.1.1.104.3": b"model/stl",
    b"1.2.840.10008.5.1.4.1.1.104.4": b"model/obj",
    b"1.2.840.10008.5.1.4.1.1.104.5": b"model/mtl",
}


def fallback_date(values: dict[int, bytes]) -> bytes:
    """Choose the first of study, series, acquisition and content date, else 19000101; never today."""
    return next(filter(None, (canonical("DA", values.get(tag, b"")) for tag in _DATES)), NO_DATE)


def fallback_time(values: dict[int, bytes]) -> bytes:
    """Choose the first of study, series, acquisition and content time, else 000000."""
    return next(filter(None, (canonical("TM", values.get(tag, b"")) for tag in _TIMES)), NO_TIME)


def invented(keyword: str, vr: str, sop_class_uid: bytes, sop_instance_uid: bytes, values: dict[int, bytes]) -> bytes:
    """Invent a value for a missing Type 1 key of an instance record; empty if none can be derived."""
    if keyword in _FIXED:
        return _FIXED[keyword]
    if keyword == "InstanceNumber":
        return b"%d" % number_of(sop_instance_uid)
    if keyword == "MIMETypeOfEncapsulatedDocument":
        return _MIME_TYPES.get(sop_class_uid, b"application/octet-stream")
    if vr in ("DA", "DT"):
        return fallback_date(values)
    if vr == "TM":
        return fallback_time(values)
    return b"UNKNOWN" if vr in ("CS", "SH", "LO", "ST") else b""


def number_of(uid: bytes) -> int:
    """Derive a nine-digit number from a UID; it is too long to be mistaken for a real Instance Number."""
    return 100_000_000 + int.from_bytes(blake2b(uid, digest_size=8).digest(), "big") % 900_000_000


def identifier_of(uid: bytes, length: int) -> bytes:
    """Derive an identifier of `length` hexadecimal digits from a UID."""
    return blake2b(uid, digest_size=16).hexdigest()[:length].upper().encode("ascii")
