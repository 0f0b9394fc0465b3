"""Patch a record: replace its wrong elements, and keep all others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from fileset.dicom.character_sets import TEXT_VRS, decode, guess, needs_character_set
from fileset.dicom.elements import EXPLICIT_LITTLE, Element, Syntax, element, elements
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.dicomdir.read.values import NUMBERS, value_of
from fileset.dicomdir.write.transcode import explicit, is_written
from fileset.errors import FormatError
from fileset.part10.private_elements import creator_of
from fileset.part10.values import shown as quoted
from fileset.records.data_sets import record_data_set
from fileset.records.instance_keys import texts_of_sequence
from fileset.records.key_rules import faults_of_items
from fileset.standard import tags
from fileset.standard.dictionary import vr_of

REFERENCE: Final = frozenset(
    (
        *(tags.REFERENCED_SOP_CLASS_UID, tags.REFERENCED_SOP_INSTANCE_UID, tags.REFERENCED_TRANSFER_SYNTAX_UID),
        tags.REFERENCED_RELATED_GENERAL_SOP_CLASS_UID,
    )
)
"""Elements of group 0004 that describe the file. The writer makes the others: links, type, File ID."""
_DIRECTORY_GROUP: Final = 0x0004
_UTF_8: Final = "ISO_IR 192"
_SEQUENCE_HEADER: Final = 12
"""Bytes before the value of a sequence in Explicit VR."""


class Wrong(NamedTuple):
    """The wrong elements of a record.

    The `doubtful` ones are wrong only if the file has them too; with `others`, so is every further element.
    """

    named: frozenset[int]
    others: bool = False
    doubtful: frozenset[int] = frozenset()

    def __contains__(self, tag: object) -> bool:
        return self.others or tag in self.named or tag in self.doubtful

    def __bool__(self) -> bool:
        return self.others or bool(self.named or self.doubtful)


class Change(NamedTuple):
    """A changed element of a record: its tag, and old and new value as text; "" for none."""

    tag: int
    old: str
    new: str


class _Value(NamedTuple):
    """One element in Explicit VR Little Endian, and the character set of its text."""

    vr: str
    encoded: bytes
    value: bytes
    character_set: str

    @property
    def is_beyond_ascii(self) -> bool:
        """Whether the text needs a character set."""
        if self.vr == "SQ":
            return any(map(needs_character_set, texts_of_sequence(self.encoded[_SEQUENCE_HEADER:])))
        return self.vr in TEXT_VRS and needs_character_set(self.value)

    @property
    def unpadded(self) -> bytes:
        """The value without padding; a binary number has no padding, so its zeros stay."""
        return self.encoded if self.vr in NUMBERS else self.value.strip(b" \0")

    @property
    def shown(self) -> str:
        """The value for a message."""
        if self.vr == "SQ":
            return "a sequence"
        if self.vr in NUMBERS:
            part = next(iter(elements(self.encoded, 0, len(self.encoded), EXPLICIT_LITTLE)))
            found = value_of(self.encoded, part, EXPLICIT_LITTLE, "")
            return "" if found is None else "\\".join(map(str, found if isinstance(found, list) else [found]))
        if self.vr in TEXT_VRS:
            return decode(self.value, self.character_set, self.vr).strip(" \0")
        text = self.value.decode("latin_1").strip(" \0")
        return text if text.isascii() and text.isprintable() else quoted(self.value)


def is_whole(flat: FlatDirectory, index: int) -> bool:
    """Check whether all elements of a record can be read."""
    return index not in flat.mended and flat.damage(index) is None


def patched(
    flat: FlatDirectory, index: int, tail: bytes, wrong: Wrong, inherited: str = ""
) -> tuple[bytes, list[Change]]:
    """Return the elements of a record after its File ID, with the `wrong` ones replaced from `tail`; and the changes.

    Elements that only the record has stay, unless `wrong` names them or the creator of their block. `inherited` is the
    character set of the whole DICOMDIR.
    Raises `FormatError` if text in a sequence would need another character set.
    """
    own = _own_parts(flat, index)
    charset_is_wrong = tags.SPECIFIC_CHARACTER_SET in wrong
    old = _values(flat.data, own, flat.syntax, inherited, guessed=charset_is_wrong)
    new = _values(tail, list(elements(tail, 0, len(tail), EXPLICIT_LITTLE)), EXPLICIT_LITTLE, "")
    if nested := (wrong.named | wrong.doubtful) - old.keys() - new.keys():
        wrong = wrong._replace(named=wrong.named | _sequences_around(nested, flat, index, own))
    chosen = {}
    for tag in sorted(old.keys() | new.keys()):
        if tag in new and tag in wrong:
            chosen[tag] = new[tag]
        elif tag in old and tag not in wrong.named:
            chosen[tag] = old[tag]
    chosen = {tag: one for tag, one in chosen.items() if not tag & 0x10000 or creator_of(tag) in chosen}
    _settle_character_set(chosen, old, new)
    return b"".join(one.encoded for _, one in sorted(chosen.items())), list(_changes(old, chosen))


def _sequences_around(nested: frozenset[int], flat: FlatDirectory, index: int, own: list[Element]) -> frozenset[int]:
    """Find the sequences of a record with faults of these elements in their items."""
    record = record_data_set(flat.types[flat.type_of[index]], flat.data, flat.syntax, own)
    return frozenset(part.tag for part in own if any(fault.tag in nested for fault in faults_of_items(record, part)))


def unpatched(flat: FlatDirectory, index: int) -> bytes:
    """Encode the elements as `patched` does for a record without faults."""
    return b"".join(explicit(flat.data, part, flat.syntax) for part in _own_parts(flat, index))


def _own_parts(flat: FlatDirectory, index: int) -> list[Element]:
    return [part for part in flat.elements(index) if _is_own(part.tag)]


def _is_own(tag: int) -> bool:
    if tag >> 16 <= _DIRECTORY_GROUP:  # no record may have elements of lower groups
        return tag in REFERENCE
    return is_written(tag)


_CHARACTER_SET: Final = frozenset((tags.SPECIFIC_CHARACTER_SET,))


def unlike(flat: FlatDirectory, index: int, tail: bytes) -> frozenset[int]:
    """List the elements that only a record has, or only the new elements `tail`; the character set follows the text."""
    new = {part.tag for part in elements(tail, 0, len(tail), EXPLICIT_LITTLE)}
    return frozenset(new.symmetric_difference(part.tag for part in _own_parts(flat, index))) - _CHARACTER_SET


def own_elements(flat: FlatDirectory, index: int) -> bytes:
    """Return the File ID of a record and its readable elements after it, unchanged."""
    kept = [part for part in flat.elements(index) if _is_own(part.tag) or part.tag == tags.REFERENCED_FILE_ID]
    return b"".join(explicit(flat.data, part, flat.syntax) for part in sorted(kept, key=lambda part: part.tag))


def _values(
    data: bytes, parts: Sequence[Element], syntax: Syntax, inherited: str, *, guessed: bool = False
) -> dict[int, _Value]:
    declared = next((_raw(data, part) for part in parts if part.tag == tags.SPECIFIC_CHARACTER_SET), b"")
    character_set = declared.decode("ascii", "replace").strip(" \0") or inherited
    found: dict[int, _Value] = {}
    for part in parts:
        vr = part.vr.decode("ascii", "replace") if part.vr and part.vr != b"UN" else vr_of(part.tag)
        raw = _raw(data, part)
        text_set = guess(raw) if guessed and vr in TEXT_VRS and needs_character_set(raw) else character_set
        found.setdefault(part.tag, _Value(vr, explicit(data, part, syntax), raw, text_set))
    return found


def _raw(data: bytes, part: Element) -> bytes:
    return data[part.value_at : part.value_end]


def _settle_character_set(chosen: dict[int, _Value], old: dict[int, _Value], new: dict[int, _Value]) -> None:
    """Choose one character set that can hold the text of the old and the new elements."""
    needed = {one.character_set for one in chosen.values() if one.is_beyond_ascii}
    tag = tags.SPECIFIC_CHARACTER_SET
    if len(needed) > 1:
        for at, one in chosen.items():
            if one.is_beyond_ascii and one.character_set != _UTF_8:
                chosen[at] = _in_utf_8(at, one)
        needed = {_UTF_8}
    for character_set in needed:
        known = [side[tag] for side in (old, new) if tag in side and _name(side[tag]) == character_set]
        chosen[tag] = known[0] if known else _character_set(character_set)


def _name(one: _Value) -> str:
    return one.value.decode("ascii", "replace").strip(" \0")


def _character_set(name: str) -> _Value:
    encoded = element(tags.SPECIFIC_CHARACTER_SET, "CS", name.encode("ascii"))
    return _Value("CS", encoded, name.encode("ascii"), "")


def _in_utf_8(tag: int, one: _Value) -> _Value:
    if one.vr == "SQ":
        raise FormatError("text in a sequence needs another character set than the rest of the record", tag=tag)
    value = decode(one.value, one.character_set, one.vr).encode()
    return _Value(one.vr, element(tag, one.vr, value), value, _UTF_8)


def _changes(old: dict[int, _Value], chosen: dict[int, _Value]) -> Iterator[Change]:
    for tag in sorted(old.keys() | chosen.keys()):
        before, after = old.get(tag), chosen.get(tag)
        if before is None or after is None or before.unpadded != after.unpadded:
            yield Change(tag, before.shown if before else "", after.shown if after else "")
