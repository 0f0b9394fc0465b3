"""Rules for the keys of records: types, conditions, enumerated values and numbers of items (PS3.3 F.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fileset.dicom.elements import EXPLICIT_LITTLE, Element, elements
from fileset.part10.faults import Fault
from fileset.part10.values import WIDTHS, shown
from fileset.records.conditions import ALLOWED, FORBIDDEN, NEEDED, item_bounds
from fileset.records.data_sets import DataSet, record_data_set, sequences, table_of, values_of
from fileset.records.element_rules import character_set_of, element_faults
from fileset.records.icon_rules import icon_faults
from fileset.standard import tags
from fileset.standard.dictionary import named
from fileset.standard.record_types import Key

_MANY: Final = 1 << 31


def tail_faults(record_type: str, tail: bytes) -> list[Fault]:
    """Find the faults of an encoded record of ours, without the elements before its keys."""
    parts = list(elements(tail, 0, len(tail), EXPLICIT_LITTLE))
    return list(record_faults(record_data_set(record_type, tail, EXPLICIT_LITTLE, parts)))


def record_faults(record: DataSet) -> Iterator[Fault]:
    """Find the faults of a record and of all nested items."""
    stack = [record]
    while stack:
        data_set = stack.pop()
        character_set = character_set_of(data_set)
        yield from element_faults(data_set, character_set)
        yield from _type_faults(data_set)
        yield from _enumerated_faults(data_set)
        for part, nested, damage in sequences(data_set, character_set):
            if damage:
                yield damage
            yield from _item_faults(data_set, part, nested)
            stack.extend(nested)


def faults_of_items(record: DataSet, part: Element) -> Iterator[Fault]:
    """Find the faults of the items of one sequence of a record."""
    key = record.table.keys.get(part.tag)
    alone = values_of(record.data, [part])
    return record_faults(record._replace(parts=[part], values=alone, table=table_of((key,) if key else ())))


def _type_faults(data_set: DataSet) -> Iterator[Fault]:
    """Find the faults of Types 1, 2, 1C and 2C (PS3.5 7.4)."""
    for key in data_set.table.required:
        value = data_set.values.get(key.tag)
        if value is None:
            rule = "FS-KEY-TYPE1-MISSING" if key.type == "1" else "FS-KEY-TYPE2-MISSING"
            yield Fault(rule, f"Type {key.type} key {named(key.tag)} is missing", None, key.tag)
    for key in data_set.table.never_empty:
        value = data_set.values.get(key.tag)
        if value is not None and not (value if key.vr in WIDTHS else value.strip(b"\\ ")):
            yield Fault("FS-KEY-TYPE1-MISSING", f"Type {key.type} key {named(key.tag)} has no value", None, key.tag)
    for key in data_set.table.conditional:
        yield from _condition_faults(data_set, key)


def _condition_faults(data_set: DataSet, key: Key) -> Iterator[Fault]:
    value = data_set.values.get(key.tag)
    needed, forbidden = NEEDED.get(key.tag), FORBIDDEN.get(key.tag)
    if value is None and needed is not None and needed(data_set.values):
        message = f"Type {key.type} key {named(key.tag)} is required: {key.condition}"
        yield Fault("FS-KEY-CONDITION", message, None, key.tag)
    elif value is not None and forbidden is not None and forbidden(data_set.values):
        message = f"Type {key.type} key {named(key.tag)} is not allowed: {key.condition}"
        yield Fault("FS-KEY-NEEDLESS", message, None, key.tag)


def _enumerated_faults(data_set: DataSet) -> Iterator[Fault]:
    for tag in ALLOWED.keys() & data_set.values.keys():
        value = data_set.values[tag]
        if value and value not in ALLOWED[tag]:
            allowed = b" or ".join(ALLOWED[tag]).decode("ascii")
            yield Fault("FS-VALUE-ENUMERATED", f"{named(tag)} is {shown(value)}; allowed: {allowed}", None, tag)


def _item_faults(data_set: DataSet, part: Element, nested: list[DataSet]) -> Iterator[Fault]:
    key = data_set.table.keys.get(part.tag)
    if key is not None and nested:
        least, most = item_bounds(key)
        if not least <= len(nested) <= most:
            bounds = str(least) if least == most else f"{least} to {most}" if most < _MANY else f"{least} or more"
            message = f"{len(nested)} items in {named(part.tag)}; allowed: {bounds}"
            yield Fault("FS-KEY-ITEMS", message, None, part.tag)
    if part.tag == tags.ICON_IMAGE_SEQUENCE:
        for icon in nested:
            for message, tag in icon_faults(icon.values, icon.syntax):
                yield Fault("FS-KEY-ICON", message, None, tag)
