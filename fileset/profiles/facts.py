"""The facts that profiles need about one file: SOP class, transfer syntax, and the few attributes that some profile has a rule for."""

from __future__ import annotations

from collections.abc import Mapping
from struct import error
from typing import Final

from attrs import field, frozen

from fileset.dicom.elements import EXPLICIT_LITTLE, elements, items
from fileset.dicom.header import Header, Reading, Wanted, WantedTags, read_header
from fileset.dicom.values import canonical
from fileset.errors import FormatError
from fileset.profiles.jpeg import frames_without_tables
from fileset.standard.profile_rules import ATTRIBUTES, JPEG_TABLES, SYNTAX, Attribute
from fileset.standard.syntaxes import JPEG_BASELINE, JPEG_EXTENDED, JPEG_LOSSLESS
from fileset.standard.tags import MEDIA_STORAGE_SOP_CLASS_UID, SOP_CLASS_UID

_JPEG: Final = frozenset((JPEG_BASELINE, JPEG_EXTENDED, JPEG_LOSSLESS))
_TOP = tuple(row for row in ATTRIBUTES if not row.within and row.tag not in (SYNTAX, JPEG_TABLES))
_NESTED = tuple(row for row in ATTRIBUTES if row.within)
_TAGS: Final = frozenset(row.within or row.tag for row in (*_TOP, *_NESTED)) | {SOP_CLASS_UID}

FACTS_WANTED: Final = Wanted(
    WantedTags(_TAGS, max(_TAGS)),
    {},
    frozenset(row.within or row.tag for row in ATTRIBUTES if row.within or row.vr == "SQ"),
)
"""The attributes that any profile has a rule for, to search a header for all at once."""


@frozen
class Facts:
    """SOP class, transfer syntax and values of one instance: (tag, value) of each attribute that is there.

    A number is its digits, of several values the first; a sequence is "present", or "" without items.
    """

    sop_class: str
    syntax: str
    values: tuple[tuple[int, str], ...] = ()
    _by_tag: Mapping[int, str] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_by_tag", {SYNTAX: self.syntax, **dict(self.values)})

    def value(self, attribute: Attribute) -> str | None:
        """Return the value of an attribute, None if it is absent."""
        return self._by_tag.get(attribute.tag)


def read_facts(read: Reading, size: int | None = None) -> Facts:
    """Read the facts of a DICOM file of `size` bytes (None if unknown).

    Pixel data is read only where a rule is about it: the tables of JPEG frames. Raises `HeaderError` if there is no
    data set.
    """
    header = read_header(read, FACTS_WANTED)
    facts = facts_of(header)
    if facts.syntax not in _JPEG:
        return facts
    without = frames_without_tables(read, _size(read) if size is None else size)
    known = () if without is None else ((JPEG_TABLES, str(without)),)
    return Facts(facts.sop_class, facts.syntax, facts.values + known)


_IDENTITY: Final = Wanted(WantedTags(frozenset((SOP_CLASS_UID,)), SOP_CLASS_UID), {}, frozenset())


def class_and_syntax(read: Reading) -> tuple[str, str]:
    """Read SOP Class UID and Transfer Syntax UID of a file. Raises `HeaderError` if there is no data set."""
    facts = facts_of(read_header(read, _IDENTITY))
    return facts.sop_class, facts.syntax


def _size(read: Reading) -> int:
    """Find the size of a file of unknown size, by halving."""
    low, high = 0, 1
    while read(high - 1, 1):
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if read(middle, 1) else (low, middle)
    return low


def facts_of(header: Header) -> Facts:
    """Collect the facts that a header gives; those about pixel data are not among them."""
    values, meta = header.values, header.meta
    found = [(row.tag, _text(row.vr, values[row.tag])) for row in _TOP if row.tag in values]
    for row in _NESTED:
        inner = _within(values.get(row.within, b""), row.tag)
        if inner is not None:
            found.append((row.tag, _text(row.vr, inner)))
    return Facts(
        _uid(values.get(SOP_CLASS_UID)) or _uid(meta.get(MEDIA_STORAGE_SOP_CLASS_UID)),
        _uid(meta.get(SYNTAX)),
        tuple(found),
    )


def _uid(raw: bytes | None) -> str:
    return (raw or b"").strip(b"\0 ").decode("ascii", "replace")


def _text(vr: str, raw: bytes) -> str:
    if vr == "US":
        return str(int.from_bytes(raw[:2], "little")) if len(raw) >= 2 else ""
    if vr == "SQ":
        return "present" if raw else ""
    if vr == "CS":
        return (canonical("CS", raw) or raw.strip(b"\0 ")).decode("ascii", "replace")
    return "present" if raw.strip(b"\0 ") else ""


def _within(sequence: bytes, tag: int) -> bytes | None:
    """Find the value of `tag` in the first item that has it; None if none has, or the sequence is damaged."""
    try:
        for part in items(sequence, 0, len(sequence), EXPLICIT_LITTLE):
            for inner in elements(sequence, part.value_at, part.value_end, EXPLICIT_LITTLE):
                if inner.tag == tag:
                    return sequence[inner.value_at : inner.value_end]
    except (FormatError, error):
        return None
    return None
