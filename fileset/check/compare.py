"""A record against the file that it references: the judge is the record that would be made of the file today."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from attrs import field, frozen

from fileset.check.dicomdir.datasets import named
from fileset.dicom.elements import EXPLICIT_LITTLE, Element, Syntax, elements
from fileset.dicom.header import Header, Keys, Wanted
from fileset.dicom.values import canonical
from fileset.dicomdir.read.values import character_set_of, value_of, vr_of
from fileset.errors import FormatError
from fileset.part10.faults import Fault
from fileset.records.describe import WANTED, Instance
from fileset.standard import tags
from fileset.standard.record_types import RECORD_TYPES, SOP_CLASSES, Key

_REFERENCE: Final = {
    tags.REFERENCED_SOP_CLASS_UID: "FS-SOP-CLASS-DIFFERS",
    tags.REFERENCED_SOP_INSTANCE_UID: "FS-UID-DIFFERS",
    tags.REFERENCED_TRANSFER_SYNTAX_UID: "FS-SYNTAX-DIFFERS",
    tags.REFERENCED_RELATED_GENERAL_SOP_CLASS_UID: "FS-KEY-DIFFERS",
}
_FORMS: Final = frozenset(("DA", "TM", "DT", "CS", "IS", "UI"))
_NOT_FROM_FILES: Final = frozenset((tags.SPECIFIC_CHARACTER_SET, tags.ICON_IMAGE_SEQUENCE))


@frozen
class Side:
    """Elements of one side: the record, or what would be written of the file."""

    data: bytes
    syntax: Syntax
    inherited: str = ""
    parts: dict[int, Element] = field(init=False)
    character_set: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        found = {part.tag: part for part in elements(self.data, 0, len(self.data), self.syntax)}
        object.__setattr__(self, "parts", found)
        object.__setattr__(self, "character_set", character_set_of(self.data, list(found.values()), self.inherited))

    def raw(self, tag: int) -> bytes:
        """The value of an element, b"" if there is none."""
        part = self.parts.get(tag)
        return self.data[part.value_at : part.value_end] if part else b""

    def value(self, tag: int) -> Any:
        """The decoded value of an element, in one form for all that means the same; None if there is none."""
        part = self.parts.get(tag)
        if part is None:
            return None
        vr = part.vr.decode("ascii") or vr_of(tag)
        if vr in _FORMS:
            return _form(vr, self.raw(tag))
        return _plain(value_of(self.data, part, self.syntax, self.character_set))


def _form(vr: str, raw: bytes) -> bytes | int | None:
    value = canonical(vr, raw)
    return int(value) if value and vr == "IS" else value or None


def _plain(value: Any) -> Any:
    """A value without what means nothing: spaces around it, empty components at the end of a name."""
    if isinstance(value, str):
        return value.strip(" ").rstrip("^=") or None
    if isinstance(value, list):
        return [_plain(one) for one in value] or None
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if one is not None}
    return value


def differences(
    instance: Instance, record_type: str, record: Side, header_of: Callable[[Wanted], Header]
) -> Iterator[Fault]:
    """What the record says otherwise than its file. `header_of` reads the file once more, for other keys."""
    fresh = Side(instance.tail, EXPLICIT_LITTLE)
    for tag, rule in _REFERENCE.items():
        said, right = (canonical("UI", side.raw(tag)) for side in (record, fresh))
        if said != right and (said or tag == tags.REFERENCED_RELATED_GENERAL_SOP_CLASS_UID):
            yield Fault(
                rule, f"{named(tag)} is {_shown(tag, said)} in the record, {_shown(tag, right)} in the file", None, tag
            )
    if record_type == "MRDR":
        return
    if record_type != instance.record_type:
        yield from _other_type(instance, record_type, canonical("UI", fresh.raw(tags.REFERENCED_SOP_CLASS_UID)))
        return
    yield from _key_differences(record_type, record, fresh, header_of)


def _other_type(instance: Instance, record_type: str, sop_class: bytes) -> Iterator[Fault]:
    row = SOP_CLASSES.get(sop_class.decode("ascii", "replace"))
    if row is not None and row.record_type == instance.record_type:
        message = f"a record of type {record_type} for {row.name}: {instance.record_type} is right"
        yield Fault("FS-RECORD-TYPE-DIFFERS", message, None, tags.RECORD_TYPE)


def _key_differences(
    record_type: str, record: Side, fresh: Side, header_of: Callable[[Wanted], Header]
) -> Iterator[Fault]:
    keys = {key.tag: key for key in RECORD_TYPES[record_type].keys}
    unlike = [tag for tag in fresh.parts if tag in keys and _unlike(fresh.value(tag), record.value(tag))]
    others = [tag for tag in record.parts if tag >> 16 != 4 and not tag & 0x10000 and tag not in fresh.parts]
    unlike = [tag for tag in unlike if tag not in _NOT_FROM_FILES]
    others = [tag for tag in others if tag not in _NOT_FROM_FILES and record.raw(tag)]
    if not unlike and not others:
        return
    sequences = {tag for tag in others if record.parts[tag].vr == b"SQ"}
    wanted = Wanted(Keys(WANTED.any.tags | set(others), 0x7FE0FFFF), {}, WANTED.sequences | sequences)
    values = header_of(wanted).values
    for tag in unlike:
        yield from _unlike_key(keys[tag], values, record, fresh)
    for tag in others:
        if tag in values:
            yield from _other_key(tag, values, record)
        elif tag in keys:
            yield _differs(tag, record.value(tag), None)


def _unlike_key(key: Key, values: dict[int, bytes], record: Side, fresh: Side) -> Iterator[Fault]:
    tag = key.tag
    if key.type == "1" and not canonical(key.vr, values.get(tag, b"")):
        yield Fault("FS-KEY-SUPPLIED", f"{named(tag)} is not in the file", None, tag)
    elif tag in record.parts:
        yield _differs(tag, record.value(tag), fresh.value(tag))
    elif key.type in ("1C", "2C"):
        yield Fault("FS-KEY-CONDITION", f"{named(tag)} is in the file: the record needs it too", None, tag)


def _other_key(tag: int, values: dict[int, bytes], record: Side) -> Iterator[Fault]:
    """A key beyond those that we would write: a copy all the same (PS3.3 F.5)."""
    vr = record.parts[tag].vr.decode("ascii") or vr_of(tag)
    file_value = _value(tag, vr, values[tag], values.get(tags.SPECIFIC_CHARACTER_SET, b""))
    if _unlike(file_value, record.value(tag)):
        yield _differs(tag, record.value(tag), file_value)


def _value(tag: int, vr: str, raw: bytes, character_set: bytes) -> Any:
    if vr in _FORMS:
        return _form(vr, raw)
    part = Element(tag, vr.encode("ascii"), 0, 0, len(raw), len(raw))
    return _plain(value_of(raw, part, EXPLICIT_LITTLE, character_set.decode("ascii", "replace").strip(" \0")))


def _unlike(file_value: Any, record_value: Any) -> bool:
    """Whether a record says something else; of the items of a sequence it may say less or more."""
    if isinstance(file_value, list) and isinstance(record_value, list) and len(file_value) == len(record_value):
        return any(_unlike(one, other) for one, other in zip(file_value, record_value, strict=True))
    if isinstance(file_value, dict) and isinstance(record_value, dict):
        both = file_value.keys() & record_value.keys() - {"SpecificCharacterSet"}
        return any(_unlike(file_value[name], record_value[name]) for name in both)
    return bool(file_value != record_value)


def _differs(tag: int, record_value: Any, file_value: Any) -> Fault:
    said, right = _shown(tag, record_value), _shown(tag, file_value)
    message = f"{named(tag)} is {said} in the record, {right} in the file" if said != right else f"{named(tag)} differs"
    return Fault("FS-KEY-DIFFERS", message, None, tag)


def _shown(tag: int, value: Any) -> str:
    """A value for a message; those of a patient, and those of a sequence, are not shown."""
    if value is None or value == b"":
        return "missing"
    if tag >> 16 == 0x0010 or isinstance(value, list | dict) or vr_of(tag) == "PN":
        return "other"
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def record_side(tail: bytes, syntax: Syntax, inherited: str) -> Side | None:
    """The record's side; None if it is damaged, which is a finding of its own."""
    try:
        return Side(tail, syntax, inherited)
    except FormatError:
        return None
