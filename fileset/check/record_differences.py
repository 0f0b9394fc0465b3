"""Compare a record with its file. The expected record is the record that a Creator would make from the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isclose
from typing import Any, Final

from attrs import field, frozen

from fileset.dicom.elements import EXPLICIT_LITTLE, Element, Syntax, elements
from fileset.dicom.header import Header, Wanted, WantedTags
from fileset.dicom.values import canonical
from fileset.dicomdir.read.values import character_set_of, value_of
from fileset.errors import FormatError
from fileset.part10.faults import Fault
from fileset.records.describe import WANTED, Instance
from fileset.standard import tags
from fileset.standard.dictionary import named, vr_of
from fileset.standard.record_types import RECORD_TYPES, Key
from fileset.standard.sop_classes import SOP_CLASSES

_REFERENCE: Final = {
    tags.REFERENCED_SOP_CLASS_UID: "FS-SOP-CLASS-DIFFERS",
    tags.REFERENCED_SOP_INSTANCE_UID: "FS-UID-DIFFERS",
    tags.REFERENCED_TRANSFER_SYNTAX_UID: "FS-SYNTAX-DIFFERS",
    tags.REFERENCED_RELATED_GENERAL_SOP_CLASS_UID: "FS-KEY-DIFFERS",
}
AGAINST_THE_FILE: Final = frozenset(
    (
        *("FS-KEY-DIFFERS", "FS-UID-DIFFERS", "FS-SYNTAX-DIFFERS", "FS-SOP-CLASS-DIFFERS"),
        *("FS-RECORD-TYPE-DIFFERS", "FS-KEY-CONDITION"),
    )
)
"""Rules for records that are not as their files are."""
_CANONICAL: Final = frozenset(("DA", "TM", "DT", "CS", "IS", "UI"))
_NOT_FROM_FILES: Final = frozenset((tags.SPECIFIC_CHARACTER_SET, tags.ICON_IMAGE_SEQUENCE))


@frozen
class RecordSide:
    """The elements of one side of a comparison: the record on the medium, or the expected record."""

    data: bytes
    syntax: Syntax
    inherited: str = ""
    parts: dict[int, Element] = field(init=False)
    character_set: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        parts: dict[int, Element] = {}
        for part in elements(self.data, 0, len(self.data), self.syntax):
            parts.setdefault(part.tag, part)  # of an element given twice, a Reader takes the first
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "character_set", character_set_of(self.data, list(parts.values()), self.inherited))

    def raw(self, tag: int) -> bytes:
        """Return the bytes of a value, b"" if there is none."""
        part = self.parts.get(tag)
        return self.data[part.value_at : part.value_end] if part else b""

    def value(self, tag: int) -> Any:
        """Decode the value into a form in which equivalent values are equal; None if there is none."""
        part = self.parts.get(tag)
        return None if part is None else _value(self.data, part, self.syntax, self.character_set)


def record_side(data: bytes, syntax: Syntax, inherited: str) -> RecordSide | None:
    """Parse the elements of a record; None if it is damaged, which another rule reports."""
    try:
        return RecordSide(data, syntax, inherited)
    except FormatError:
        return None


def _value(data: bytes, part: Element, syntax: Syntax, character_set: str) -> Any:
    vr = part.vr.decode("ascii") or vr_of(part.tag)
    if vr not in _CANONICAL:
        return _normalised(value_of(data, part, syntax, character_set))
    value = canonical(vr, data[part.value_at : part.value_end])
    return int(value) if value and vr == "IS" else value or None


def _normalised(value: Any) -> Any:
    """Strip a value of surrounding spaces, and a name also of empty components at its end."""
    if isinstance(value, str):
        return value.strip(" ").rstrip("^=") or None
    if isinstance(value, list):
        return [_normalised(one) for one in value] or None
    if isinstance(value, dict):
        return {name: _normalised(one) for name, one in value.items() if one is not None}
    return value


def differences(
    instance: Instance,
    record_type: str,
    record: RecordSide,
    header_of: Callable[[Wanted], Header],
    *,
    is_truncated: bool = False,
) -> Iterator[Fault]:
    """Find where a record differs from its file. `header_of` reads the file again for keys that we do not write.

    A key that a truncated file lacks may be in the part that is lost, so it is no difference.
    """
    expected = RecordSide(instance.tail, EXPLICIT_LITTLE)
    for tag, rule in _REFERENCE.items():
        in_record, in_file = (canonical("UI", side.raw(tag)) for side in (record, expected))
        if in_record != in_file and (in_record or tag == tags.REFERENCED_RELATED_GENERAL_SOP_CLASS_UID):
            yield _difference(rule, tag, in_record, in_file)
    if record_type == "MRDR":
        return
    if record_type != instance.record_type:
        yield from _type_difference(instance, record_type, canonical("UI", expected.raw(tags.REFERENCED_SOP_CLASS_UID)))
        return
    yield from _key_differences(record_type, record, expected, header_of, is_truncated=is_truncated)


def _type_difference(instance: Instance, record_type: str, sop_class: bytes) -> Iterator[Fault]:
    row = SOP_CLASSES.get(sop_class.decode("ascii", "replace"))
    if row is not None and row.record_type == instance.record_type:
        message = f"the record type is {record_type}; {row.name} needs {instance.record_type}"
        yield Fault("FS-RECORD-TYPE-DIFFERS", message, None, tags.RECORD_TYPE)


def _key_differences(
    record_type: str,
    record: RecordSide,
    expected: RecordSide,
    header_of: Callable[[Wanted], Header],
    *,
    is_truncated: bool,
) -> Iterator[Fault]:
    keys = {key.tag: key for key in RECORD_TYPES[record_type].keys}
    written = [
        keys[tag]
        for tag in expected.parts
        if tag in keys and tag not in _NOT_FROM_FILES and _differ(expected.value(tag), record.value(tag))
    ]
    for tag in expected.parts.keys() & record.parts.keys() - keys.keys():
        # Optional keys: a record may lack them, but if it has one, the value must be the value of the file.
        if tag >> 16 != 4 and tag not in _NOT_FROM_FILES and _differ(expected.value(tag), record.value(tag)):
            yield _difference("FS-KEY-DIFFERS", tag, record.value(tag), expected.value(tag))
    others = [
        tag
        for tag in record.parts
        if tag >> 16 != 4
        and not tag & 0x10000
        and tag not in expected.parts
        and tag not in _NOT_FROM_FILES
        and record.raw(tag)
    ]
    if not written and not others:
        return
    sequences = {tag for tag in others if record.parts[tag].vr == b"SQ"}
    wanted = Wanted(WantedTags(WANTED.any.tags | set(others), 0x7FE0FFFF), {}, WANTED.sequences | sequences)
    values = header_of(wanted).values
    for key in written:
        if values.get(key.tag) or not is_truncated:
            yield from _written_key(key, values, record, expected)
    for tag in others:
        if tag in values:
            yield from _other_key(tag, values, record)
        elif tag in keys and not is_truncated:
            yield _difference("FS-KEY-DIFFERS", tag, record.value(tag), None)


def _written_key(key: Key, values: dict[int, bytes], record: RecordSide, expected: RecordSide) -> Iterator[Fault]:
    tag = key.tag
    if key.type == "1" and not canonical(key.vr, values.get(tag, b"")):
        yield Fault("FS-KEY-SUPPLIED", f"{named(tag)} is not in the file", None, tag)
    elif tag in record.parts:
        yield _difference("FS-KEY-DIFFERS", tag, record.value(tag), expected.value(tag))
    elif key.type in ("1C", "2C"):
        yield Fault("FS-KEY-CONDITION", f"{named(tag)} is in the file, so the record needs it too", None, tag)


def _other_key(tag: int, values: dict[int, bytes], record: RecordSide) -> Iterator[Fault]:
    """Compare a key that a Creator would not write: if present, it must be the value of the file too (PS3.3 F.5)."""
    part = Element(tag, record.parts[tag].vr, 0, 0, len(values[tag]), len(values[tag]))
    character_set = values.get(tags.SPECIFIC_CHARACTER_SET, b"").decode("ascii", "replace").strip(" \0")
    file_value = _value(values[tag], part, EXPLICIT_LITTLE, character_set)
    if _differ(file_value, record.value(tag)):
        yield _difference("FS-KEY-DIFFERS", tag, record.value(tag), file_value)


def _differ(file_value: Any, record_value: Any) -> bool:
    """Return whether two values differ. Items are compared by the elements that both sides have."""
    if isinstance(file_value, list) and isinstance(record_value, list) and len(file_value) == len(record_value):
        return any(_differ(one, other) for one, other in zip(file_value, record_value, strict=True))
    if isinstance(file_value, dict) and isinstance(record_value, dict):
        names = file_value.keys() & record_value.keys() - {"SpecificCharacterSet"}
        return any(_differ(file_value[name], record_value[name]) for name in names)
    if isinstance(file_value, float) and isinstance(record_value, float):
        # A decimal string may be rounded to 6 digits, or to 6 digits after the point.
        return not isclose(file_value, record_value, rel_tol=1e-5, abs_tol=1e-6)
    return bool(file_value != record_value)


def _difference(rule: str, tag: int, record_value: Any, file_value: Any) -> Fault:
    in_record, in_file = _shown(tag, record_value), _shown(tag, file_value)
    message = f"{named(tag)} is {in_record} in the record, {in_file} in the file"
    return Fault(rule, message if in_record != in_file else f"{named(tag)} differs", None, tag)


def _shown(tag: int, value: Any) -> str:
    """Format a value for a message. Patient values, names and sequences are hidden."""
    if value is None or value == b"":
        return "missing"
    if tag >> 16 == 0x0010 or isinstance(value, list | dict) or vr_of(tag) == "PN":
        return "other"
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
