"""Encode the keys of an instance record, with exactly the nested keys of the tables (PS3.3 F.5.4 to F.5.49)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from fileset.dicom.character_sets import TEXT_VRS
from fileset.dicom.elements import EXPLICIT_LITTLE, element, elements, item, items
from fileset.dicom.header import HeaderError
from fileset.dicom.values import UNKNOWN_CODE, canonical, invented
from fileset.findings import ERROR, RULES
from fileset.records.data_sets import DataSet, table_of
from fileset.records.element_rules import key_value
from fileset.records.key_rules import faults_of_items
from fileset.records.levels import Notes, record_character_set
from fileset.standard import tags
from fileset.standard.dictionary import labelled
from fileset.standard.profile_keys import IN_GROUPS
from fileset.standard.record_types import RECORD_TYPES, Key

UNORDERED: Final = 1 << 40
"""Sort number of a record without one: after all others."""
_CODE_TAGS: Final = ((tags.CODE_VALUE, "SH"), (tags.CODING_SCHEME_DESIGNATOR, "SH"), (tags.CODE_MEANING, "LO"))


SHARED_GROUPS: Final = 0x52009229
"""Shared Functional Groups Sequence: the values that hold for all frames of an enhanced image."""


class EncodedKeys(NamedTuple):
    """The encoded keys of a record, its sort number, whether that number was invented, and notes."""

    keys: bytes
    number: int
    invented_number: bool
    notes: Notes


def carried_keys(record_type: str) -> tuple[Key, ...]:
    """List the keys that are copied from instances, in order of tag.

    Without the character set, which depends on the values, and the icon, which a profile requires (PS3.3 F.7).
    """
    keys = (
        key
        for key in RECORD_TYPES[record_type].keys
        if key.tag not in (tags.SPECIFIC_CHARACTER_SET, tags.ICON_IMAGE_SEQUENCE)
    )
    return tuple(sorted(keys, key=lambda key: key.tag))


def encode_keys(
    keys: tuple[Key, ...], values: dict[int, bytes], sop_class: bytes, uid: bytes, *, invent: bool
) -> EncodedKeys:
    """Encode the keys of one record, in order of tag.

    Raises `HeaderError` if a Type 1 key has no value and none can or may be invented, `FormatError` for a damaged sequence.
    """
    encoded: list[bytes] = []
    text: list[bytes] = []
    notes: list[tuple[str, str]] = []
    number, invented_number = UNORDERED, False
    for key in keys:
        value, note = _value(key, values)
        if note:
            notes.append(note)
        if not value and key.type == "1":
            value = _substitute(key, values, sop_class, uid, invent=invent)
            notes.append(("FS-KEY-INVENTED", _invention(key, value)))
            invented_number = invented_number or key.tag == tags.INSTANCE_NUMBER
        if key.tag == tags.INSTANCE_NUMBER and value:
            number = int(value)
        if value or key.type == "2":
            encoded.append(element(key.tag, key.vr, value))
            if key.vr in TEXT_VRS:
                text.append(value)
            elif key.vr == "SQ":
                text.extend(texts_of_sequence(value))
    if text:
        declared = canonical("CS", values.get(tags.SPECIFIC_CHARACTER_SET, b""))
        character_set, charset_notes = record_character_set(declared, text)
        if character_set:
            encoded.insert(0, element(tags.SPECIFIC_CHARACTER_SET, "CS", character_set))
        notes.extend(charset_notes)
    return EncodedKeys(b"".join(encoded), number, invented_number, tuple(notes))


def _value(key: Key, values: dict[int, bytes]) -> tuple[bytes, tuple[str, str] | None]:
    """Find the value for the record, and a note if it was changed or is wrong."""
    derive = _DERIVED.get(key.tag)
    if derive:
        return derive(key, values), None
    raw = values.get(key.tag)
    if not raw and key.condition == IN_GROUPS:
        raw = _in_shared_groups(values.get(SHARED_GROUPS, b""), key.tag)
    if not raw:
        return b"", None
    if key.vr == "SQ":
        return _sequence(key, filtered(raw, key))
    declared = (
        canonical("CS", values.get(tags.SPECIFIC_CHARACTER_SET, b"")).decode("ascii") if key.vr in TEXT_VRS else ""
    )
    return key_value(key.tag, key.vr, raw, declared, is_optional=key.type == "3")


def _sequence(key: Key, value: bytes) -> tuple[bytes, tuple[str, str] | None]:
    """Choose the items for the record; an optional key with an error in its items is left out, with a note."""
    if key.type == "3":
        data = element(key.tag, "SQ", value)
        (part,) = elements(data, 0, len(data), EXPLICIT_LITTLE)
        alone = DataSet(data, EXPLICIT_LITTLE, [part], {}, table_of((key,)))
        for fault in faults_of_items(alone, part):
            if RULES[fault.rule].severity == ERROR and not fault.rule.startswith("FS-CHARSET-"):
                return b"", ("FS-KEY-LEFT-OUT", f"{labelled(key.tag)}: {fault.message}: this optional key is left out")
    return value, None


def _in_shared_groups(groups: bytes, tag: int) -> bytes:
    """Find the value of an attribute in a macro of the Shared Functional Groups Sequence, b"" if none has it."""
    for shared in items(groups, 0, len(groups), EXPLICIT_LITTLE):
        for macro in elements(groups, shared.value_at, shared.value_end, EXPLICIT_LITTLE):
            if macro.tag == tag:
                return groups[macro.value_at : macro.value_end]
            if macro.vr != b"SQ":
                continue
            for one in items(groups, macro.value_at, macro.value_end, EXPLICIT_LITTLE):
                found = _nested(groups, one.value_at, one.value_end, tag)
                if found:
                    return found
    return b""


def filtered(sequence: bytes, key: Key, *, others: bool = False) -> bytes:
    """Copy the items of `sequence` with only the elements that `key` defines for them at every level.

    With `others`, or if the table says so, all other elements are copied too. Elements that must not be empty, and need
    not be there, are left out if they are empty.
    """
    parts = items(sequence, 0, len(sequence), EXPLICIT_LITTLE)
    if not key.items:
        return b"".join(sequence[part.at : part.end] for part in parts)
    others = others or bool(key.others)
    return b"".join(item(_filtered_item(sequence, part.value_at, part.value_end, key, others=others)) for part in parts)


def _filtered_item(data: bytes, at: int, end: int, sequence: Key, *, others: bool) -> bytes:
    keys, kept = {key.tag: key for key in sequence.items}, []
    for part in elements(data, at, end, EXPLICIT_LITTLE):
        key = keys.get(part.tag)
        if key is None:
            if others or part.tag == tags.SPECIFIC_CHARACTER_SET:
                kept.append(data[part.at : part.end])
        elif key.items and part.vr == b"SQ":
            kept.append(element(part.tag, "SQ", filtered(data[part.value_at : part.value_end], key, others=others)))
        elif key.type != "1C" or data[part.value_at : part.value_end].strip(b" \0\\"):
            kept.append(data[part.at : part.end])
    return b"".join(kept)


def texts_of_sequence(sequence: bytes) -> list[bytes]:
    """Collect the text values of items without a Specific Character Set of their own."""
    # Iterative, because the data decides the depth.
    texts, spans = [], [(0, len(sequence))]
    while spans:
        at, end = spans.pop()
        parts = list(elements(sequence, at, end, EXPLICIT_LITTLE))
        if any(part.tag == tags.SPECIFIC_CHARACTER_SET for part in parts):
            continue
        for part in parts:
            if not part.vr or part.vr == b"SQ":
                spans.append((part.value_at, part.value_end))
            elif part.vr.decode("ascii") in TEXT_VRS:
                texts.append(sequence[part.value_at : part.value_end])
    return texts


def _concept_modifiers(key: Key, values: dict[int, bytes]) -> bytes:
    """Select the children of the root content item that modify its concept name (PS3.3 F.5.25)."""
    content = values.get(tags.CONTENT_SEQUENCE, b"")
    modifiers = b"".join(
        content[part.at : part.end]
        for part in items(content, 0, len(content), EXPLICIT_LITTLE)
        if _nested(content, part.value_at, part.value_end, tags.RELATIONSHIP_TYPE) == b"HAS CONCEPT MOD"
    )
    return filtered(modifiers, key)


def _last_verification(_: Key, values: dict[int, bytes]) -> bytes:
    """Find the latest Verification DateTime of the verifying observers (PS3.3 F.5.25)."""
    if canonical("CS", values.get(tags.VERIFICATION_FLAG, b"")) != b"VERIFIED":
        return b""
    observers = values.get(tags.VERIFYING_OBSERVER_SEQUENCE, b"")
    dates = [
        canonical("DT", _nested(observers, part.value_at, part.value_end, tags.VERIFICATION_DATE_TIME))
        for part in items(observers, 0, len(observers), EXPLICIT_LITTLE)
    ]
    return max(dates, default=b"")


def _nested(data: bytes, at: int, end: int, tag: int) -> bytes:
    parts = elements(data, at, end, EXPLICIT_LITTLE)
    return next((data[part.value_at : part.value_end] for part in parts if part.tag == tag), b"").strip(b" \0")


_DERIVED: Final[dict[int, Callable[[Key, dict[int, bytes]], bytes]]] = {
    tags.CONTENT_SEQUENCE: _concept_modifiers,
    tags.VERIFICATION_DATE_TIME: _last_verification,
}


def _substitute(key: Key, values: dict[int, bytes], sop_class: bytes, uid: bytes, *, invent: bool) -> bytes:
    name = f"Type 1 key {labelled(key.tag)}"
    if not invent:
        raise HeaderError("FS-KEY-TYPE1-MISSING", f"{name} has no value")
    value = _unknown_code(key) if key.vr == "SQ" else invented(key.keyword, key.vr, sop_class, uid, values)
    if not value:
        raise HeaderError("FS-KEY-TYPE1-MISSING", f"{name} has no value, and none can be invented")
    return value


def _unknown_code(key: Key) -> bytes:
    if not key.keyword.endswith("CodeSequence"):
        return b""
    parts = zip(_CODE_TAGS, UNKNOWN_CODE, strict=True)
    return item(b"".join(element(tag, vr, value) for (tag, vr), value in parts))


def _invention(key: Key, value: bytes) -> str:
    shown = "the code for Unknown (261665006, SCT)" if key.vr == "SQ" else value.decode("ascii")
    return f"{labelled(key.tag)} has no value: {shown} was invented"
