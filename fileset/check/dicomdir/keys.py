"""Rules for the keys of records: their types, conditions, numbers of items, and what may occur only once (PS3.3 F.5)."""

from __future__ import annotations

from typing import Final

from attrs import define, field

from fileset.check.dicomdir.conditions import ALLOWED, FORBIDDEN, ICON_ALLOWED, NEEDED, item_bounds
from fileset.check.dicomdir.datasets import DataSet, below, named
from fileset.check.dicomdir.forms import check_forms
from fileset.check.places import Collector
from fileset.dicom.character_sets import decode
from fileset.dicom.elements import Element
from fileset.part10.values import shown
from fileset.standard import tags
from fileset.standard.record_types import Key

_INSTANCE_RULE: Final = "FS-INSTANCE-TWICE"
_IDENTITY: Final = {
    "PATIENT": (tags.PATIENT_ID, "FS-PATIENT-TWICE"),
    "STUDY": (tags.STUDY_INSTANCE_UID, "FS-STUDY-TWICE"),
    "SERIES": (tags.SERIES_INSTANCE_UID, "FS-SERIES-TWICE"),
}
_MANY: Final = 1 << 31


def check_keys(to: Collector, record: DataSet) -> None:
    """Check a record and all that is nested in it."""
    stack = [record]
    while stack:
        data_set = stack.pop()
        character_set = check_forms(to, data_set)
        _check_types(to, data_set)
        _check_enumerated(to, data_set)
        for part, content in below(to, data_set, character_set):
            _check_items(to, data_set, part, content)
            stack.extend(content)


def _check_types(to: Collector, data_set: DataSet) -> None:
    """Types 1, 2, 1C and 2C (PS3.5 7.4)."""
    index, values = data_set.record, data_set.values
    for key in data_set.table.required:
        value = values.get(key.tag)
        if value is None:
            rule = "FS-KEY-TYPE1-MISSING" if key.type == "1" else "FS-KEY-TYPE2-MISSING"
            to.at_record(rule, f"Type {key.type} key {named(key.tag)} is missing", index, key.tag)
        elif key.type == "1" and not value.strip(b"\\ "):
            to.at_record("FS-KEY-TYPE1-MISSING", f"Type 1 key {named(key.tag)} has no value", index, key.tag)
    for key in data_set.table.conditional:
        _check_condition(to, data_set, key)


def _check_condition(to: Collector, data_set: DataSet, key: Key) -> None:
    value = data_set.values.get(key.tag)
    needed, forbidden = NEEDED.get(key.tag), FORBIDDEN.get(key.tag)
    lacking = value is None or (key.type == "1C" and not value)
    if lacking and needed is not None and needed(data_set.values):
        message = f"Type {key.type} key {named(key.tag)} is needed here: {key.condition}"
        to.at_record("FS-KEY-CONDITION", message, data_set.record, key.tag)
    elif value is not None and forbidden is not None and forbidden(data_set.values):
        message = f"Type {key.type} key {named(key.tag)} must not stand here: {key.condition}"
        to.at_record("FS-KEY-NEEDLESS", message, data_set.record, key.tag)


def _check_enumerated(to: Collector, data_set: DataSet) -> None:
    for tag in ALLOWED.keys() & data_set.values.keys():
        value = data_set.values[tag]
        if value and value not in ALLOWED[tag]:
            right = b" or ".join(ALLOWED[tag]).decode("ascii")
            message = f"{named(tag)} is {shown(value)}: {right} is right"
            to.at_record("FS-VALUE-ENUMERATED", message, data_set.record, tag)


def _check_items(to: Collector, data_set: DataSet, part: Element, content: list[DataSet]) -> None:
    key = data_set.table.keys.get(part.tag)
    if key is not None and content:
        least, most = item_bounds(key)
        if not least <= len(content) <= most:
            bounds = str(least) if least == most else f"{least} to {most}" if most < _MANY else f"{least} or more"
            message = f"{len(content)} items in {named(part.tag)}: {bounds} are right"
            to.at_record("FS-KEY-ITEMS", message, data_set.record, part.tag)
    if part.tag == tags.ICON_IMAGE_SEQUENCE:
        for icon in content:
            for tag in ICON_ALLOWED.keys() & icon.values.keys():
                if icon.values[tag] not in ICON_ALLOWED[tag]:
                    to.at_record("FS-KEY-ICON", f"an icon cannot have this {named(tag)}", data_set.record, tag)


@define
class OnceOnly:
    """Remembers what identifies a patient, study, series or instance: by rule, the value and its first record."""

    seen: dict[str, dict[bytes | str, int]] = field(factory=dict)

    @property
    def instances(self) -> dict[bytes | str, int]:
        """SOP Instance UID -> the first record that references it."""
        return self.seen.setdefault(_INSTANCE_RULE, {})

    def check(self, to: Collector, one: DataSet) -> None:
        """No two records of one type say that they are the same (PS3.3 F.5.1 to F.5.3)."""
        kind = to.contents.type_name(one.record)
        tag, rule = _IDENTITY.get(kind, (tags.REFERENCED_SOP_INSTANCE_UID, _INSTANCE_RULE))
        value: bytes | str = one.values.get(tag, b"")
        if not value:
            return
        if kind == "PATIENT":
            own = one.values.get(tags.SPECIFIC_CHARACTER_SET, b"").decode("ascii", "replace")
            value = decode(one.values[tag], own or one.character_set)
        first = self.seen.setdefault(rule, {}).setdefault(value, one.record)
        if first != one.record:
            to.at_record(rule, f"{named(tag)} is that of {to.path(first)} too", one.record, tag)
