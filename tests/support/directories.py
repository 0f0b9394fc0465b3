"""DICOMDIRs of other programs, right or wrong: any transfer syntax, any lengths, any offsets.

This module uses no encoder of `fileset`, so that a test compares the result of reading with independent bytes. `directory`
lays out records and their links; each deviation is one of its arguments, or of the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from struct import pack
from typing import Final

from attrs import define, field, frozen

EXPLICIT: Final = "1.2.840.10008.1.2.1"
IMPLICIT: Final = "1.2.840.10008.1.2"
BIG: Final = "1.2.840.10008.1.2.2"
CT: Final = "1.2.840.10008.5.1.4.1.1.2"
FILE_SET_UID: Final = "1.2.3.4.5"

NEXT, IN_USE, LOWER, TYPE = 0x00041400, 0x00041410, 0x00041420, 0x00041430
FIRST, LAST, CONSISTENCY, SEQUENCE = 0x00041200, 0x00041202, 0x00041212, 0x00041220
_LONG: Final = ("OB", "OW", "SQ", "UN", "UT")
_UNDEFINED: Final = 0xFFFFFFFF

Value = tuple[str, bytes]
"""VR and value."""


@frozen
class Coding:
    """An encoding of elements."""

    explicit: bool
    order: str

    def element(self, tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
        """Encode a data element, padded; `length` replaces the right length."""
        value += b"\0" * (len(value) % 2) if vr in ("UI", "OB", "UN") else b" " * (len(value) % 2)
        size = len(value) if length is None else length
        head = pack(self.order + "HH", tag >> 16, tag & 0xFFFF)
        if not self.explicit:
            return head + pack(self.order + "I", size) + value
        code = vr.encode()
        long = pack(self.order + "2sHI", code, 0, size)
        return head + (long if vr in _LONG else pack(self.order + "2sH", code, size)) + value

    def item(self, content: bytes, *, undefined: bool = False) -> bytes:
        """Encode an item."""
        head = pack(self.order + "HH", 0xFFFE, 0xE000)
        if undefined:
            return head + pack(self.order + "I", _UNDEFINED) + content + pack(self.order + "HHI", 0xFFFE, 0xE00D, 0)
        return head + pack(self.order + "I", len(content)) + content

    def number(self, value: int) -> bytes:
        """Encode a UL value."""
        return pack(self.order + "I", value)

    def short(self, value: int) -> bytes:
        """Encode a US value."""
        return pack(self.order + "H", value)


CODINGS: Final = {
    EXPLICIT: Coding(explicit=True, order="<"),
    IMPLICIT: Coding(explicit=False, order="<"),
    BIG: Coding(explicit=True, order=">"),
}


@define(eq=False)
class Rec:
    """A directory record: its type, its elements except links and type, and the records below it.

    `undefined` gives it undefined length; `without` leaves elements out; `mrdr` is the target of (0004,1504); `linked` is
    false for a record to which no offset leads. `leads_to` replaces the targets of its links, by tag, and `astray` shifts the
    links by a number of bytes.
    """

    type: str
    keys: dict[int, Value]
    lower: list[Rec] = field(factory=list)
    undefined: bool = False
    without: frozenset[int] = frozenset()
    in_use: int = 0xFFFF
    mrdr: Rec | None = None
    linked: bool = True
    leads_to: dict[int, Rec] = field(factory=dict)
    astray: dict[int, int] = field(factory=dict)

    def walk(self) -> Iterator[Rec]:
        """Yield this record and all records below it."""
        yield self
        for below in self.lower:
            yield from below.walk()


def text(value: str | bytes, vr: str = "LO") -> Value:
    """Return a value of a text VR."""
    return vr, value if isinstance(value, bytes) else value.encode("ascii")


def patient(number: str | bytes, *lower: Rec, name: str | bytes = "Doe^Jane", **more: Value) -> Rec:
    """Return a PATIENT record."""
    return Rec("PATIENT", {0x00100010: text(name, "PN"), 0x00100020: text(number), **_tagged(more)}, list(lower))


def study(uid: str, *lower: Rec, **more: Value) -> Rec:
    """Return a STUDY record."""
    return Rec("STUDY", {0x00080020: text("20240101", "DA"), 0x0020000D: text(uid, "UI"), **_tagged(more)}, list(lower))


def series(uid: str, *lower: Rec, **more: Value) -> Rec:
    """Return a SERIES record."""
    return Rec("SERIES", {0x00080060: text("CT", "CS"), 0x0020000E: text(uid, "UI"), **_tagged(more)}, list(lower))


def image(path: str, uid: str, kind: str = "IMAGE", **more: Value) -> Rec:
    """Return a record with a file reference; backslashes separate the components of `path`."""
    keys = {
        0x00041500: text(path, "CS"),
        0x00041510: text(CT, "UI"),
        0x00041511: text(uid, "UI"),
        0x00041512: text(EXPLICIT, "UI"),
        0x00200013: text("1", "IS"),
    }
    return Rec(kind, {**keys, **_tagged(more)})


def _tagged(more: dict[str, Value]) -> dict[int, Value]:
    """Return further elements by tag; each name is "t" and eight hexadecimal digits."""
    return {int(name[1:], 16): value for name, value in more.items()}


def usual() -> list[Rec]:
    """Return two patients, each with two studies of one series of three images: 12 images, 22 records."""
    return [
        patient(
            f"P{p}",
            *(
                study(
                    f"1.{p}.{t}",
                    series(f"1.{p}.{t}.1", *(image(rf"P{p}\T{t}\IM{n}", f"1.{p}.{t}.1.{n}") for n in (1, 2, 3))),
                )
                for t in (1, 2)
            ),
        )
        for p in (1, 2)
    ]


USUAL: Final = frozenset((f"P{p}", f"1.{p}.{t}", f"1.{p}.{t}.1.{n}") for p in (1, 2) for t in (1, 2) for n in (1, 2, 3))
"""(Patient ID, Study Instance UID, SOP Instance UID) of the images of `usual`."""


def directory(
    roots: Iterable[Rec],
    *,
    syntax: str = EXPLICIT,
    declared: str | None = None,
    preamble: bytes = b"\0" * 128 + b"DICM",
    meta: bool = True,
    group_length: int = 0,
    offset: Callable[[int], int] = lambda right: right,
    last: int | None = None,
    first: int | None = None,
    top: dict[int, Value] | None = None,
    without: frozenset[int] = frozenset(),
    undefined: bool = False,
    consistency: int = 0,
    arrange: Callable[[list[Rec]], list[Rec]] = list,
    tail: bytes = b"",
) -> bytes:
    """Encode a DICOMDIR.

    `offset` maps the right offset of a record to the written one; `first` and `last` replace those of the root entity;
    `declared` is another Transfer Syntax UID than the right one; `group_length` is added to that of group 0002; `arrange`
    orders the records in the file; `without` leaves elements out of all records.
    """
    coding = CODINGS[syntax]
    roots = list(roots)
    begin = preamble + (_meta(syntax if declared is None else declared, group_length) if meta else b"")
    records = arrange([record for root in roots for record in root.walk()])
    records += [record.mrdr for record in records if record.mrdr is not None]
    linked = [record for record in roots if record.linked]

    def lay_out(places: dict[int, int]) -> bytes:
        said = {key: offset(place) for key, place in places.items()}
        ends = [said.get(id(record), 0) for record in (linked[:1] + linked[-1:])] or [0, 0]
        top_level: dict[int, Value] = {0x00041130: text("TEST", "CS"), **(top or {})}
        top_level[FIRST] = "UL", coding.number(ends[0] if first is None else first)
        top_level[LAST] = "UL", coding.number(ends[-1] if last is None else last)
        top_level[CONSISTENCY] = "US", coding.short(consistency)
        head = b"".join(coding.element(tag, *top_level[tag]) for tag in sorted(top_level))
        following = _following(linked) | {id(below[0]): below[1] for root in records for below in _pairs(root)}
        at = len(begin) + len(head) + (12 if coding.explicit else 8)
        items = b""
        for record in records:
            places[id(record)] = at + len(items)
            items += _item(record, said, following, coding, without)
        end = pack(coding.order + "HHI", 0xFFFE, 0xE0DD, 0) if undefined else b""
        length = _UNDEFINED if undefined else len(items)
        return begin + head + coding.element(SEQUENCE, "SQ", items, length) + end + tail

    places: dict[int, int] = {}
    lay_out(places)  # lengths do not depend on links, so the first run finds the positions
    return lay_out(dict(places))


def _pairs(record: Rec) -> Iterator[tuple[Rec, Rec]]:
    linked = [below for below in record.lower if below.linked]
    yield from pairwise(linked)


def _following(roots: list[Rec]) -> dict[int, Rec]:
    return {id(one): other for one, other in pairwise(roots)}


def _item(
    record: Rec, said: dict[int, int], following: dict[int, Rec], coding: Coding, without: frozenset[int]
) -> bytes:
    below = next((one for one in record.lower if one.linked), None)
    links = {NEXT: following.get(id(record)), LOWER: below, **record.leads_to}
    offsets = {
        tag: said.get(id(target), 0) + (record.astray.get(tag, 0) if said else 0) for tag, target in links.items()
    }
    elements: dict[int, Value] = {
        NEXT: ("UL", coding.number(offsets[NEXT])),
        IN_USE: ("US", coding.short(record.in_use)),
        LOWER: ("UL", coding.number(offsets[LOWER])),
        TYPE: ("CS", record.type.encode()),
        **record.keys,
    }
    if record.mrdr is not None:
        elements[0x00041504] = "UL", coding.number(said.get(id(record.mrdr), 0))
    left = sorted(elements.keys() - record.without - without)
    return coding.item(b"".join(coding.element(tag, *elements[tag]) for tag in left), undefined=record.undefined)


def _meta(transfer_syntax: str, more: int) -> bytes:
    coding = CODINGS[EXPLICIT]
    group = (
        coding.element(0x00020001, "OB", b"\0\1")
        + coding.element(0x00020002, "UI", b"1.2.840.10008.1.3.10")
        + coding.element(0x00020003, "UI", FILE_SET_UID.encode())
        + coding.element(0x00020010, "UI", transfer_syntax.encode())
    )
    return coding.element(0x00020000, "UL", pack("<I", len(group) + more)) + group
