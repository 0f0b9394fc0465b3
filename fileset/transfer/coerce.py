"""Change values of a data set and keep the old ones in Original Attributes Sequence (PS3.3 C.12.1.1.9).

This module works on bytes: it copies unchanged elements as they are, in any encoding. If the character set of the data set
cannot hold a new value, the data set becomes UTF-8, and all text beyond ASCII is encoded again, also in sequences. Private
elements stay byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from struct import pack
from typing import Final

from attrs import frozen

from fileset.dicom.character_sets import CODECS, TEXT_VRS, decode, needs_character_set
from fileset.dicom.elements import SHORT_VRS, Element, Syntax, elements, items, pad
from fileset.errors import FormatError
from fileset.standard import tags
from fileset.standard.dictionary import vr_of

UTF_8: Final = "ISO_IR 192"
_COERCION_DATE_TIME: Final = 0x00080015
_ORIGINAL_ATTRIBUTES: Final = 0x04000561
_MODIFIED_ATTRIBUTES: Final = 0x04000550
_MODIFIED_AT: Final = 0x04000562
_MODIFYING_SYSTEM: Final = 0x04000563
_SOURCE: Final = 0x04000564
_REASON: Final = 0x04000565
_ORIGIN_STATUS: Final = 0x04000600
OF_PATIENT_ID: Final = (0x00100021, 0x00100022, 0x00100024, 0x00101000, 0x00101002)
"""Issuer of Patient ID, Type of Patient ID, Issuer of Patient ID Qualifiers, Other Patient IDs and their sequence.

They qualify the old Patient ID, and together with a new one would name another person (PS3.3 C.2.2)."""
_ITEM: Final = (0xFFFE, 0xE000)
_DEPTH: Final = 16


@frozen
class Stamp:
    """Time of a change to a data set, and the author of the old values.

    Attributes:
        moment: A DT value, such as 20261127224500+0000.
        source: Source of Previous Values (0400,0564): the author of the old values, "" if unknown.
    """

    moment: str
    source: str = ""


def coerced(
    data: bytes, syntax: Syntax, changes: Mapping[int, str], stamp: Stamp
) -> tuple[bytes, dict[int, tuple[str, str]]]:
    """Return the data set with new values, and the old and new value of each changed tag.

    If Patient ID changes, the elements `OF_PATIENT_ID` are left out, unless `changes` has a value for them. If nothing
    changes, the bytes stay the same. `data` must consist of whole top-level elements. Raises `FormatError` if it is damaged.
    """
    parts = {part.tag: part for part in elements(data, 0, len(data), syntax)}
    declared = _text(data, parts.get(tags.SPECIFIC_CHARACTER_SET))
    old = {tag: decode(_raw(data, parts.get(tag)), declared, vr_of(tag)).strip(" \0") for tag in changes}
    changed = {tag: (old[tag], new) for tag, new in changes.items() if old[tag] != new}
    if not changed:
        return data, {}
    gone = [tag for tag in OF_PATIENT_ID if tag in parts and tag not in changes] if tags.PATIENT_ID in changed else []
    writer = _Writer(syntax)
    widened = not _holds(declared, (new for _, new in changed.values()))
    character_set = UTF_8 if widened else declared
    kept = {
        tag: writer.recoded(data, part, declared) if widened else data[part.at : part.end]
        for tag, part in parts.items()
        if tag & 0xFFFF and tag not in gone  # group lengths would be wrong; they are retired (PS3.5 7.2)
    }
    new = {tag: writer.element(tag, vr_of(tag), encoded(value, character_set)) for tag, (_, value) in changed.items()}
    if widened:
        new[tags.SPECIFIC_CHARACTER_SET] = writer.element(tags.SPECIFIC_CHARACTER_SET, "CS", UTF_8.encode())
    before = {tag: data[parts[tag].at : parts[tag].end] if tag in parts else b"" for tag in (*new, *gone)}
    new[_ORIGINAL_ATTRIBUTES] = writer.sequence(
        _ORIGINAL_ATTRIBUTES, [*_existing(kept.get(_ORIGINAL_ATTRIBUTES, b""), syntax), _item(writer, before, stamp)]
    )
    new[_COERCION_DATE_TIME] = writer.element(_COERCION_DATE_TIME, "DT", stamp.moment.encode())
    new[_ORIGIN_STATUS] = writer.element(_ORIGIN_STATUS, "CS", b"IMPORTED")
    differences = changed | {tag: (_shown(data, parts[tag], declared), "") for tag in gone}
    return b"".join(content for _, content in sorted((kept | new).items())), differences


def encoded(text: str, character_set: str) -> bytes:
    """Encode text in a character set of one value. Raises `UnicodeError` if it does not hold the text."""
    name = character_set.strip()
    # The codec has more characters than ISO_IR 13, which has only Katakana beside ASCII.
    codec = "ascii" if text.isascii() or name == "ISO_IR 13" else CODECS[name]
    return text.encode(codec)


def _holds(character_set: str, texts: Iterable[str]) -> bool:
    """Test whether a character set can hold all texts; with code extensions, only ASCII."""
    try:
        for text in texts:
            encoded(text, character_set)
    except (UnicodeError, KeyError):
        return False
    return True


def _existing(sequence: bytes, syntax: Syntax) -> list[bytes]:
    """Read the existing items of Original Attributes Sequence, unchanged."""
    if not sequence:
        return []
    (part,) = elements(sequence, 0, len(sequence), syntax)
    if part.vr == b"UN":
        raise FormatError("Original Attributes Sequence has VR UN instead of SQ")
    return [sequence[item.at : item.end] for item in items(sequence, part.value_at, part.value_end, syntax)]


def _item(writer: _Writer, before: Mapping[int, bytes], stamp: Stamp) -> bytes:
    """Encode an item with the unchanged old values; an element that was absent is empty (PS3.3 C.12.1.1.9).

    If the character set changes, the item has its old value too, because the other old values need it.
    """
    values = (content or writer.element(tag, vr_of(tag), b"") for tag, content in sorted(before.items()))
    return writer.item(
        writer.sequence(_MODIFIED_ATTRIBUTES, [writer.item(b"".join(values))])
        + writer.element(_MODIFIED_AT, "DT", stamp.moment.encode())
        + writer.element(_MODIFYING_SYSTEM, "LO", b"fileset")
        + writer.element(_SOURCE, "LO", stamp.source.encode("ascii", "replace"))
        + writer.element(_REASON, "CS", b"COERCE")
    )


def _shown(data: bytes, part: Element, character_set: str) -> str:
    """Format a value for the report; "(a sequence)" for a sequence."""
    vr = vr_of(part.tag)
    return "(a sequence)" if vr == "SQ" else decode(_raw(data, part), character_set, vr).strip(" \0")


def _raw(data: bytes, part: Element | None) -> bytes:
    return data[part.value_at : part.value_end] if part else b""


def _text(data: bytes, part: Element | None) -> str:
    return _raw(data, part).decode("ascii", "replace").strip(" \0")


class _Writer:
    """Writes elements in the encoding of a data set (PS3.5 7.1)."""

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        self._order = "<" if syntax.little else ">"

    def element(self, tag: int, vr: str, value: bytes) -> bytes:
        """Encode an element; pad its value."""
        value = pad(value, vr)
        head = pack(self._order + "HH", tag >> 16, tag & 0xFFFF)
        if not self._syntax.explicit:
            return head + pack(self._order + "I", len(value)) + value
        if vr.encode() in SHORT_VRS:
            if len(value) > 0xFFFF:
                raise FormatError(f"{tags.text(tag)} is too long for its VR {vr}")
            return head + vr.encode() + pack(self._order + "H", len(value)) + value
        return head + vr.encode() + pack(self._order + "HI", 0, len(value)) + value

    def item(self, content: bytes) -> bytes:
        """Encode an item."""
        return pack(self._order + "HHI", *_ITEM, len(content)) + content

    def sequence(self, tag: int, content: Iterable[bytes]) -> bytes:
        """Encode a sequence of such items."""
        return self.element(tag, "SQ", b"".join(content))

    def recoded(self, data: bytes, part: Element, character_set: str, depth: int = 0) -> bytes:
        """Convert the text of an element to UTF-8; private elements and items with their own character set stay unchanged."""
        if part.tag >> 16 & 1:
            return data[part.at : part.end]
        vr = part.vr.decode("ascii") if part.vr else vr_of(part.tag)
        raw = data[part.value_at : part.value_end]
        if vr in TEXT_VRS and needs_character_set(raw):
            return self.element(part.tag, vr, decode(raw, character_set, vr).rstrip(" \0").encode("utf_8"))
        if vr != "SQ" or raw.isascii() or depth == _DEPTH:
            return data[part.at : part.end]
        return self.sequence(
            part.tag, (self._recoded_item(data, one, character_set, depth) for one in self._items(data, part))
        )

    def _items(self, data: bytes, part: Element) -> list[Element]:
        return list(items(data, part.value_at, part.value_end, self._syntax))

    def _recoded_item(self, data: bytes, item: Element, character_set: str, depth: int) -> bytes:
        parts = list(elements(data, item.value_at, item.value_end, self._syntax))
        if any(part.tag == tags.SPECIFIC_CHARACTER_SET for part in parts):
            return data[item.at : item.end]
        # Group lengths are left out: they would be wrong.
        return self.item(
            b"".join(self.recoded(data, part, character_set, depth + 1) for part in parts if part.tag & 0xFFFF)
        )
