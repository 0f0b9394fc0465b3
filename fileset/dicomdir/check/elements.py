"""Rules of PS3.5 for the elements of records: order, length, VR, value and character set."""

from __future__ import annotations

from functools import cache
from typing import Final

from fileset.dicom.character_sets import TEXT_VRS, decode, is_known, needs_character_set
from fileset.dicom.elements import Element
from fileset.dicomdir.check.collector import Collector
from fileset.dicomdir.check.data_sets import DataSet, named
from fileset.dicomdir.read.values import vr_of
from fileset.part10.values import fault, padding_fault, shown
from fileset.standard import tags

_PATIENT: Final = 0x0010
"""The group of the patient. Messages never show its values."""
_NOT_IN_ITEMS: Final = frozenset((0x0000, 0x0002, 0x0006))


def check_elements(collector: Collector, data_set: DataSet) -> str:
    """Check each element of a data set and return the character set that applies (PS3.5 7.5.3)."""
    character_set = _character_set(collector, data_set)
    _check_order(collector, data_set)
    for part in data_set.parts:
        if part.tag & 0x10000 == 0:
            _check_vr(collector, data_set, part)
        raw = collector.flat.data[part.value_at : part.value_end]
        if len(raw) & 1:
            collector.add_at_record(
                "FS-ELEMENT-LENGTH", f"{named(part.tag)} has {len(raw)} bytes", data_set.record, part.tag
            )
        if raw:
            _check_value(collector, data_set.record, part, raw, character_set)
    return character_set


def _character_set(collector: Collector, data_set: DataSet) -> str:
    declared = data_set.values.get(tags.SPECIFIC_CHARACTER_SET, b"").decode("ascii", "replace")
    if declared and not is_known(declared):
        message = f"Specific Character Set {declared!a} is not a defined term"
        collector.add_at_record("FS-CHARSET-UNKNOWN", message, data_set.record, tags.SPECIFIC_CHARACTER_SET)
    return declared or data_set.character_set


def _check_order(collector: Collector, data_set: DataSet) -> None:
    """Check the order of tags, the groups, and the creators of private elements (PS3.5 7.1, 7.5.1, 7.8.1)."""
    previous = -1
    creators: set[int] = set()
    for part in data_set.parts:
        tag, group = part.tag, part.tag >> 16
        if tag <= previous:
            message = f"{named(tag)} comes after {named(previous)}"
            collector.add_at_record("FS-ELEMENT-ORDER", message, data_set.record, tag)
        previous = tag
        if group in _NOT_IN_ITEMS:
            collector.add_at_record("FS-ELEMENT-GROUP", f"{named(tag)} is not allowed in an item", data_set.record, tag)
        elif group & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
            creators.add(tag)
        elif group & 1 and tag & 0xFF00 and (group << 16 | tag >> 8 & 0xFF) not in creators:
            collector.add_at_record("FS-PRIVATE-CREATOR", f"{named(tag)} has no private creator", data_set.record, tag)


def _check_vr(collector: Collector, data_set: DataSet, part: Element) -> None:
    key = data_set.table.keys.get(part.tag)
    allowed = key.vrs if key else _vrs(part.tag)
    if part.vr and allowed and part.vr.decode("ascii") not in allowed:
        message = f"{named(part.tag)} has VR {part.vr.decode('ascii')} instead of {' or '.join(allowed)}"
        collector.add_at_record("FS-ELEMENT-VR", message, data_set.record, part.tag)


@cache
def _vrs(tag: int) -> tuple[str, ...]:
    """Return the VRs that PS3.6 defines for a tag; none if unknown."""
    if tag >> 16 == 4:
        return (vr_of(tag),)
    from pydicom.datadict import dictionary_VR

    try:
        return tuple(dictionary_VR(tag).split(" or "))
    except KeyError:
        return ()


def _check_value(collector: Collector, index: int, part: Element, raw: bytes, character_set: str) -> None:
    tag = part.tag
    vr = part.vr.decode("ascii") or vr_of(tag)
    is_extended = vr in TEXT_VRS and needs_character_set(raw)
    if is_extended:
        _check_text(collector, index, tag, raw, character_set)
    problem = fault(vr, raw, character_set if is_extended else "")
    if problem and tag >> 16 == _PATIENT:
        problem = f"the value (hidden) is not a valid {vr}"
    if problem and tag != tags.REFERENCED_FILE_ID:
        rule = "FS-UID-INVALID" if vr == "UI" else "FS-VALUE-FORM"
        collector.add_at_record(rule, f"{named(tag)}: {problem}", index, tag)
    if padding := padding_fault(vr, raw):
        collector.add_at_record("FS-VALUE-PADDING", f"{named(tag)}: {padding}", index, tag)


def _check_text(collector: Collector, index: int, tag: int, raw: bytes, character_set: str) -> None:
    if not character_set:
        message = f"{named(tag)} has characters beyond ISO IR 6, but there is no Specific Character Set"
        collector.add_at_record("FS-CHARSET-MISSING", message, index, tag)
    elif "\ufffd" in decode(raw, character_set):
        message = f"{named(tag)} has bytes that are not valid in {shown(character_set.encode())}"
        collector.add_at_record("FS-CHARSET-DIFFERS", message, index, tag)
