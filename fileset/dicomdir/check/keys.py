"""Rules for the keys of records: types, conditions, numbers of items, and unique identities (PS3.3 F.5)."""

from __future__ import annotations

from typing import Final

from attrs import define, field

from fileset.dicom.character_sets import decode
from fileset.dicom.elements import Element
from fileset.dicomdir.check.collector import Collector
from fileset.dicomdir.check.conditions import ALLOWED, FORBIDDEN, NEEDED, item_bounds
from fileset.dicomdir.check.data_sets import DataSet, named, sequences
from fileset.dicomdir.check.elements import check_elements
from fileset.dicomdir.check.icons import icon_faults
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


def check_keys(collector: Collector, record: DataSet) -> None:
    """Check a record and all nested items."""
    stack = [record]
    while stack:
        data_set = stack.pop()
        character_set = check_elements(collector, data_set)
        _check_types(collector, data_set)
        _check_enumerated(collector, data_set)
        for part, nested in sequences(collector, data_set, character_set):
            _check_items(collector, data_set, part, nested)
            stack.extend(nested)


def _check_types(collector: Collector, data_set: DataSet) -> None:
    """Check Types 1, 2, 1C and 2C (PS3.5 7.4)."""
    index, values = data_set.record, data_set.values
    for key in data_set.table.required:
        value = values.get(key.tag)
        if value is None:
            rule = "FS-KEY-TYPE1-MISSING" if key.type == "1" else "FS-KEY-TYPE2-MISSING"
            collector.add_at_record(rule, f"Type {key.type} key {named(key.tag)} is missing", index, key.tag)
        elif key.type == "1" and not value.strip(b"\\ "):
            collector.add_at_record("FS-KEY-TYPE1-MISSING", f"Type 1 key {named(key.tag)} has no value", index, key.tag)
    for key in data_set.table.conditional:
        _check_condition(collector, data_set, key)


def _check_condition(collector: Collector, data_set: DataSet, key: Key) -> None:
    value = data_set.values.get(key.tag)
    needed, forbidden = NEEDED.get(key.tag), FORBIDDEN.get(key.tag)
    is_missing = value is None or (key.type == "1C" and not value)
    if is_missing and needed is not None and needed(data_set.values):
        message = f"Type {key.type} key {named(key.tag)} is required: {key.condition}"
        collector.add_at_record("FS-KEY-CONDITION", message, data_set.record, key.tag)
    elif value is not None and forbidden is not None and forbidden(data_set.values):
        message = f"Type {key.type} key {named(key.tag)} is not allowed: {key.condition}"
        collector.add_at_record("FS-KEY-NEEDLESS", message, data_set.record, key.tag)


def _check_enumerated(collector: Collector, data_set: DataSet) -> None:
    for tag in ALLOWED.keys() & data_set.values.keys():
        value = data_set.values[tag]
        if value and value not in ALLOWED[tag]:
            allowed = b" or ".join(ALLOWED[tag]).decode("ascii")
            message = f"{named(tag)} is {shown(value)}; allowed: {allowed}"
            collector.add_at_record("FS-VALUE-ENUMERATED", message, data_set.record, tag)


def _check_items(collector: Collector, data_set: DataSet, part: Element, nested: list[DataSet]) -> None:
    key = data_set.table.keys.get(part.tag)
    if key is not None and nested:
        least, most = item_bounds(key)
        if not least <= len(nested) <= most:
            bounds = str(least) if least == most else f"{least} to {most}" if most < _MANY else f"{least} or more"
            message = f"{len(nested)} items in {named(part.tag)}; allowed: {bounds}"
            collector.add_at_record("FS-KEY-ITEMS", message, data_set.record, part.tag)
    if part.tag == tags.ICON_IMAGE_SEQUENCE:
        for icon in nested:
            for fault, tag in icon_faults(icon.values, collector.flat.syntax):
                collector.add_at_record("FS-KEY-ICON", fault, data_set.record, tag)


@define
class Identities:
    """The identifiers of patients, studies, series and instances met so far: rule -> value -> first record."""

    first_records: dict[str, dict[bytes | str, int]] = field(factory=dict)

    @property
    def instances(self) -> dict[bytes | str, int]:
        """SOP Instance UID -> the first record that references it."""
        return self.first_records.setdefault(_INSTANCE_RULE, {})

    def check(self, collector: Collector, record: DataSet) -> None:
        """Report a record whose identifier another record of its type has (PS3.3 F.5.1 to F.5.3)."""
        kind = collector.contents.type_name(record.record)
        tag, rule = _IDENTITY.get(kind, (tags.REFERENCED_SOP_INSTANCE_UID, _INSTANCE_RULE))
        value: bytes | str = record.values.get(tag, b"")
        if not value:
            return
        if kind == "PATIENT":
            declared = record.values.get(tags.SPECIFIC_CHARACTER_SET, b"").decode("ascii", "replace")
            value = decode(record.values[tag], declared or record.character_set)
        first = self.first_records.setdefault(rule, {}).setdefault(value, record.record)
        if first != record.record:
            collector.add_at_record(rule, f"same {named(tag)} as {collector.path(first)}", record.record, tag)
