"""Rules of PS3.5 for the data sets in a DICOMDIR: order, length, VR, value and character set of each element."""

from __future__ import annotations

from functools import cache
from typing import Final

from fileset.check.dicomdir.datasets import DataSet, named
from fileset.check.places import Collector
from fileset.dicom.character_sets import TEXT_VRS, decode, is_known, needs_character_set
from fileset.dicom.elements import Element
from fileset.dicomdir.read.values import vr_of
from fileset.part10.values import fault, padding_fault, shown
from fileset.standard import tags

_PATIENT: Final = 0x0010
"""The group of the patient, whose values appear in no message."""
_NOT_IN_ITEMS: Final = frozenset((0x0000, 0x0002, 0x0006))


def check_forms(to: Collector, data_set: DataSet) -> str:
    """Check each element of a data set, and return its character set (PS3.5 7.5.3)."""
    character_set = _character_set(to, data_set)
    _check_order(to, data_set)
    for part in data_set.parts:
        if part.tag & 0x10000 == 0:
            _check_vr(to, data_set, part)
        raw = to.flat.data[part.value_at : part.value_end]
        if len(raw) & 1:
            to.at_record("FS-ELEMENT-LENGTH", f"{named(part.tag)} has {len(raw)} bytes", data_set.record, part.tag)
        if raw:
            _check_value(to, data_set.record, part, raw, character_set)
    return character_set


def _character_set(to: Collector, data_set: DataSet) -> str:
    declared = data_set.values.get(tags.SPECIFIC_CHARACTER_SET, b"").decode("ascii", "replace")
    if declared and not is_known(declared):
        message = f"Specific Character Set {declared!a} has no such defined term"
        to.at_record("FS-CHARSET-UNKNOWN", message, data_set.record, tags.SPECIFIC_CHARACTER_SET)
    return declared or data_set.character_set


def _check_order(to: Collector, data_set: DataSet) -> None:
    """Elements rise, are of groups that may stand here, and private ones are announced (PS3.5 7.1, 7.5.1, 7.8.1)."""
    previous = -1
    creators: set[int] = set()
    for part in data_set.parts:
        tag, group = part.tag, part.tag >> 16
        if tag <= previous:
            message = f"{named(tag)} stands behind {named(previous)}"
            to.at_record("FS-ELEMENT-ORDER", message, data_set.record, tag)
        previous = tag
        if group in _NOT_IN_ITEMS:
            to.at_record("FS-ELEMENT-GROUP", f"{named(tag)} cannot stand in an item", data_set.record, tag)
        elif group & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
            creators.add(tag)
        elif group & 1 and tag & 0xFF00 and (group << 16 | tag >> 8 & 0xFF) not in creators:
            to.at_record("FS-PRIVATE-CREATOR", f"{named(tag)} has no private creator", data_set.record, tag)


def _check_vr(to: Collector, data_set: DataSet, part: Element) -> None:
    key = data_set.table.keys.get(part.tag)
    allowed = key.vrs if key else _vrs(part.tag)
    if part.vr and allowed and part.vr.decode("ascii") not in allowed:
        message = f"{named(part.tag)} has VR {part.vr.decode('ascii')}: {' or '.join(allowed)} is right"
        to.at_record("FS-ELEMENT-VR", message, data_set.record, part.tag)


@cache
def _vrs(tag: int) -> tuple[str, ...]:
    """The VRs that PS3.6 gives to a tag; none where nobody knows."""
    if tag >> 16 == 4:
        return (vr_of(tag),)
    from pydicom.datadict import dictionary_VR

    try:
        return tuple(dictionary_VR(tag).split(" or "))
    except KeyError:
        return ()


def _check_value(to: Collector, index: int, part: Element, raw: bytes, character_set: str) -> None:
    tag = part.tag
    vr = part.vr.decode("ascii") or vr_of(tag)
    beyond = vr in TEXT_VRS and needs_character_set(raw)
    if beyond:
        _check_text(to, index, tag, raw, character_set)
    wrong = fault(vr, raw, character_set if beyond else "")
    if wrong and tag >> 16 == _PATIENT:
        wrong = f"the value, which is not shown here, is no {vr}"
    if wrong and tag != tags.REFERENCED_FILE_ID:
        rule = "FS-UID-INVALID" if vr == "UI" else "FS-VALUE-FORM"
        to.at_record(rule, f"{named(tag)}: {wrong}", index, tag)
    padded = padding_fault(vr, raw)
    if padded:
        to.at_record("FS-VALUE-PADDING", f"{named(tag)}: {padded}", index, tag)


def _check_text(to: Collector, index: int, tag: int, raw: bytes, character_set: str) -> None:
    if not character_set:
        message = f"{named(tag)} goes beyond ISO IR 6, and there is no Specific Character Set"
        to.at_record("FS-CHARSET-MISSING", message, index, tag)
    elif "\ufffd" in decode(raw, character_set):
        message = f"{named(tag)} holds bytes that {shown(character_set.encode())} cannot explain"
        to.at_record("FS-CHARSET-DIFFERS", message, index, tag)
