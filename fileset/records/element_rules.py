"""Rules of PS3.5 for the elements of records: order, length, VR, value and character set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from fileset.dicom.character_sets import TEXT_VRS, UNDECLARED, decode, is_known, needs_character_set, text_problem
from fileset.dicom.header_layout import FIRST_OF_BLOCKS
from fileset.dicom.values import canonical
from fileset.part10.data_set import NOT_IN_DATA_SETS
from fileset.part10.faults import Fault
from fileset.part10.private_elements import FIRST_CREATOR, private_fault
from fileset.part10.values import WIDTHS, fault, padding_fault, shown, uid_fault
from fileset.records.data_sets import DataSet
from fileset.standard import tags
from fileset.standard.dictionary import SEVERAL, labelled, multiplicity, named, vr_of, vrs_of

Note = tuple[str, str]
"""A rule and a message."""

_OF_CREATORS: Final = ("LO", "UN")
"""The VRs of a private creator: UN is any VR (PS3.5 6.2.2)."""
_PATIENT: Final = 0x0010
"""The group of the patient. Messages never show its values."""


def character_set_of(data_set: DataSet) -> str:
    """Read the Specific Character Set of a data set, or that of the enclosing one (PS3.5 7.5.3)."""
    declared = data_set.values.get(tags.SPECIFIC_CHARACTER_SET, b"").decode("ascii", "replace")
    return declared or data_set.character_set


def element_faults(data_set: DataSet, character_set: str) -> Iterator[Fault]:
    """Find the faults of each element of a data set."""
    declared = data_set.values.get(tags.SPECIFIC_CHARACTER_SET, b"").decode("ascii", "replace")
    if declared and not is_known(declared):
        message = f"Specific Character Set {declared!a} is not a defined term or combination"
        yield Fault("FS-CHARSET-UNKNOWN", message, None, tags.SPECIFIC_CHARACTER_SET)
    yield from _order_faults(data_set)
    data, keys = data_set.data, data_set.table.keys
    for tag, vr, _, value_at, value_end, _ in data_set.parts:
        key = keys.get(tag)
        yield from faults_of_element(tag, vr, data[value_at:value_end], character_set, key.vrs if key else vrs_of(tag))


@lru_cache(8192)
def faults_of_element(tag: int, vr: bytes, raw: bytes, character_set: str, vrs: tuple[str, ...]) -> tuple[Fault, ...]:
    """Return the faults of one element that may have these VRs; most values occur in many records."""
    faults = [*_vr_faults(tag, vr, vrs)]
    if len(raw) & 1:
        faults.append(Fault("FS-ELEMENT-LENGTH", f"{named(tag)} has {len(raw)} bytes", None, tag))
    return (*faults, *(_value_faults(tag, vr.decode("ascii") or vr_of(tag), raw, character_set) if raw else ()))


def _order_faults(data_set: DataSet) -> Iterator[Fault]:
    """Find the faults of tags: order, group, and missing creators of private elements (PS3.5 7.1, 7.5.1, 7.8.1)."""
    previous = -1
    creators: set[int] = set()
    disordered: set[int] = set()
    for part in data_set.parts:
        tag, group = part.tag, part.tag >> 16
        if tag <= previous:
            disordered.add(tag)
            yield Fault("FS-ELEMENT-ORDER", f"{named(tag)} comes after {named(previous)}", None, tag)
        previous = tag
        if group in NOT_IN_DATA_SETS:
            yield Fault("FS-ELEMENT-GROUP", f"{named(tag)} is not allowed in an item", None, tag)
        elif group & 1 and (problem := private_fault(tag, part.value_end - part.value_at, creators)):
            yield Fault("FS-PRIVATE-CREATOR", f"{named(tag)}: {problem}", None, tag)
    counts = Counter(part.tag for part in data_set.parts) if disordered else {}
    for tag, count in counts.items():
        if count > 1 and tag not in disordered:
            yield Fault("FS-ELEMENT-ORDER", f"{named(tag)} occurs {count} times", None, tag)


def _vr_faults(tag: int, vr: bytes, allowed: tuple[str, ...]) -> Iterator[Fault]:
    if tag & 0x10000 and FIRST_CREATOR <= tag & 0xFFFF < FIRST_OF_BLOCKS:
        allowed = _OF_CREATORS
    if vr and allowed and vr.decode("ascii") not in allowed:
        message = f"{named(tag)} has VR {vr.decode('ascii')} instead of {' or '.join(allowed)}"
        yield Fault("FS-ELEMENT-VR", message, None, tag)


def _value_faults(tag: int, vr: str, raw: bytes, character_set: str) -> Iterator[Fault]:
    is_extended = vr in TEXT_VRS and needs_character_set(raw)
    if is_extended and character_set.strip() in UNDECLARED:
        message = f"{named(tag)} has characters beyond ISO IR 6, but the Specific Character Set has none"
        yield Fault("FS-CHARSET-MISSING", message, None, tag)
    elif is_extended and (problem := text_problem(raw, character_set, vr)):
        yield Fault("FS-CHARSET-DIFFERS", f"{named(tag)} has {problem} in {shown(character_set.encode())}", None, tag)
    if tag != tags.REFERENCED_FILE_ID and (
        problem := value_problem(tag, vr, raw, character_set if is_extended else "")
    ):
        rule = "FS-UID-INVALID" if vr == "UI" else "FS-VALUE-FORM"
        yield Fault(rule, f"{named(tag)}: {problem}", None, tag)
    elif vr == "UI":
        yield from _odd_uids(tag, raw)
    if problem := padding_fault(vr, raw):
        yield Fault("FS-VALUE-PADDING", f"{named(tag)}: {problem}", None, tag)


def _odd_uids(tag: int, raw: bytes) -> Iterator[Fault]:
    """Find the faults of UIDs that are accepted."""
    for uid in raw.rstrip(b" \0").split(b"\\"):
        if uid and (found := uid_fault(uid)):
            yield Fault(found[0], f"{named(tag)} {shown(uid)} {found[1]}", None, tag)


def key_value(
    tag: int, vr: str, raw: bytes, character_set: str, *, is_optional: bool = False
) -> tuple[bytes, Note | None]:
    """Convert a value to the form of a record, with a note if it was changed or is wrong: a wrong value becomes empty."""
    rule, result = (
        ("FS-KEY-LEFT-OUT", "this optional key is left out") if is_optional else ("FS-KEY-FORM", "treated as missing")
    )
    value, bare = canonical(vr, raw), raw if vr in WIDTHS else raw.strip(b" \0")
    if not bare.strip(b"\\ "):
        return value, None
    shown_value = f" {shown(bare)}" if vr in _SHOWN else ""
    if not value:
        return b"", (rule, f"{labelled(tag)}{shown_value} is not a valid {vr}: {result}")
    # Whether an invalid UID is accepted is for the policy to decide.
    problem = value_problem(tag, vr, value, character_set if needs_character_set(value) else "") if vr != "UI" else ""
    if problem:
        return b"", (rule, f"{labelled(tag)}: {problem}: {result}")
    if value == bare:
        return value, None
    return value, ("FS-KEY-NORMALISED", f"{labelled(tag)}{shown_value} was changed to the form of VR {vr}")


_SHOWN: Final = frozenset(("CS", "DA", "DT", "IS", "TM", "UI"))
"""VRs whose values messages may show. Names, identifiers and descriptions stay hidden."""


def value_problem(tag: int, vr: str, raw: bytes, character_set: str) -> str:
    """Judge a value by its VR and its number of values; ""  if it is correct (PS3.5 6.2, 6.4)."""
    if vr in _NUMBERS:
        count = len(raw) // WIDTHS[vr]
        has_several = count > 1
    else:
        count = (decode(raw, character_set, vr).count("\\") if character_set else raw.count(b"\\")) + 1
        has_several = vr not in _SINGLE and bool(raw.strip(b"\\ \0")) and (count > 1 or tag in SEVERAL)
    fewest, most = multiplicity(tag) if has_several else (0, None)
    if most is not None and not fewest <= count <= most:
        return f"{count} values, allowed: {fewest if fewest == most else f'{fewest} to {most}'}"
    problem = fault(vr, raw, character_set)
    return f"the value (hidden) is not a valid {vr}" if problem and tag >> 16 == _PATIENT else problem


_NUMBERS: Final = frozenset(("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT"))
_SINGLE: Final = frozenset(("ST", "LT", "UT", "UR", "OB", "OD", "OF", "OL", "OV", "OW", "UN", "SQ", "US", "SS", "UL",
                            "SL", "UV", "SV", "FL", "FD", "AT"))  # fmt: skip
"""VRs in which a backslash does not separate values."""
