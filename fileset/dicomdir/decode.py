"""Bytes of a DICOMDIR -> flat records with their offsets (PS3.10 8.6, PS3.3 F.3).

Nothing is trusted: the transfer syntax is sniffed, group and sequence lengths are compared with what is there, and
after a damaged record the next one is looked for. Values of keys are not touched; arrays hold a few numbers a record.
"""

from __future__ import annotations

import re
from array import array
from contextlib import suppress
from struct import Struct, error
from typing import Final

from attrs import define, field

from fileset.dicomdir.directory import Frame
from fileset.encoding.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM,
    LONG_VRS,
    SEQUENCE_END,
    SHORT_VRS,
    UNDEFINED,
    Element,
    Syntax,
    element_at,
    element_header,
    elements,
    skip_undefined_item,
)
from fileset.errors import FormatError
from fileset.findings import Finding, Where

NOT_A_DICOMDIR: Final = "not a DICOMDIR"
RECORD_SEQUENCE: Final = 0x00041220
_LINK_NEXT: Final = 0x00041400
_IN_USE: Final = 0x00041410
_LINK_LOWER: Final = 0x00041420
_TYPE: Final = 0x00041430
_DECLARED: Final = {
    b"1.2.840.10008.1.2": IMPLICIT_LITTLE,
    b"1.2.840.10008.1.2.1": EXPLICIT_LITTLE,
    b"1.2.840.10008.1.2.2": EXPLICIT_BIG,
}

# How nearly every record begins: item, next offset, in-use flag, lower offset, type.
_BEGINNING: Final = Struct("<II8sI8sH8sI6sH")
_NEXT_HEADER: Final = b"\x04\x00\x00\x14UL\x04\x00"
_FLAG_HEADER: Final = b"\x04\x00\x10\x14US\x02\x00"
_LOWER_HEADER: Final = b"\x04\x00\x20\x14UL\x04\x00"
_TYPE_HEADER: Final = b"\x04\x00\x30\x14CS"
_ITEM_TAG: Final = 0xE000FFFE
_ABSENT: Final = -1


@define
class FlatDirectory:
    """A DICOMDIR as it lies in the file. Offsets and positions count from the first byte of `data`.

    One entry for each record: `start` and `end` of its item, `next` and `lower` as the file says them, where these
    stand in the item (`next_at`, `lower_at`, -1 if absent), the in-use flag, and the index of its type in `types`.
    """

    data: bytes
    syntax: Syntax = EXPLICIT_LITTLE
    meta: dict[int, bytes] = field(factory=dict)
    top: dict[int, bytes] = field(factory=dict)
    frame: Frame = field(factory=lambda: Frame(b""))
    start: array[int] = field(factory=lambda: array("Q"))
    end: array[int] = field(factory=lambda: array("Q"))
    next: array[int] = field(factory=lambda: array("Q"))
    lower: array[int] = field(factory=lambda: array("Q"))
    next_at: array[int] = field(factory=lambda: array("q"))
    lower_at: array[int] = field(factory=lambda: array("q"))
    in_use: array[int] = field(factory=lambda: array("H"))
    type_of: array[int] = field(factory=lambda: array("H"))
    types: list[str] = field(factory=list)
    findings: list[Finding] = field(factory=list)

    def __len__(self) -> int:
        return len(self.start)

    def number(self, tag: int) -> int:
        """The value of a top-level UL or US element, 0 if it is absent or malformed."""
        raw = self.top.get(tag, b"")
        if len(raw) not in (2, 4):
            return 0
        unpack = self.syntax.short if len(raw) == 2 else self.syntax.long
        return int(unpack(raw, 0)[0])

    def content(self, index: int) -> tuple[int, int]:
        """Where the elements of a record begin and end."""
        start, end = self.start[index], self.end[index]
        undefined = self.syntax.long(self.data, start + 4)[0] == UNDEFINED
        return start + 8, end - 8 if undefined else end

    def elements(self, index: int) -> list[Element]:
        """The elements of a record; those before the damage if it is damaged."""
        found: list[Element] = []
        start, end = self.content(index)
        with suppress(FormatError):
            found.extend(elements(self.data, start, end, self.syntax))
        return found


def decode(data: bytes, *, file: str = "DICOMDIR") -> FlatDirectory:
    """Decode the bytes of a DICOMDIR.

    Raises `FormatError` if they are none at all; everything less is a finding of the result.
    """
    flat = FlatDirectory(data)
    at = _file_meta(flat, file)
    flat.syntax = _syntax(flat, at, file)
    sequence = _identification(flat, at, file)
    if sequence is None:
        flat.frame = Frame(data)
        return flat
    _check_meta(flat, file)
    value_at, length = sequence
    bound = len(data)
    if length != UNDEFINED:
        bound = min(bound, value_at + length)
        if value_at + length > len(data):
            message = f"the Directory Record Sequence should end at {value_at + length}, the file at {len(data)}"
            flat.findings.append(Finding("FS-DICOMDIR-TRUNCATED", message, Where(file, offset=value_at)))
    behind = _records(flat, value_at, bound, file)
    _frame(flat, value_at, behind, length)
    return flat


def _file_meta(flat: FlatDirectory, file: str) -> int:
    data = flat.data
    if data[128:132] == b"DICM":
        at = 132
    elif data[:2] in (b"\2\0", b"\4\0", b"\0\4", b"\x08\0", b"\0\x08"):
        at = 0
        flat.findings.append(Finding("FS-DICOMDIR-META", "no preamble and no DICM prefix", Where(file, offset=0)))
    else:
        raise FormatError(f'{file}: {NOT_A_DICOMDIR}: no "DICM" at offset 128')
    begin = at
    try:
        while data[at : at + 2] == b"\2\0":
            found = element_at(data, at, len(data), EXPLICIT_LITTLE)
            flat.meta[found.tag] = data[found.value_at : found.value_end]
            at = found.end
    except FormatError as problem:
        flat.findings.append(Finding("FS-DICOMDIR-META", str(problem), Where(file, offset=at)))
    stated = flat.meta.get(0x00020000, b"")
    if len(stated) == 4 and begin + 12 + EXPLICIT_LITTLE.long(stated, 0)[0] != at:
        message = "the group length (0002,0000) does not match the group"
        flat.findings.append(Finding("FS-DICOMDIR-META", message, Where(file, offset=begin, tag=0x00020000)))
    return at


def _syntax(flat: FlatDirectory, at: int, file: str) -> Syntax:
    """The declared transfer syntax if the data looks like it, else what it looks like."""
    declared = _DECLARED.get(flat.meta.get(0x00020010, b"").rstrip(b"\0 "))
    head = flat.data[at : at + 6]
    if head[4:6] in SHORT_VRS or head[4:6] in LONG_VRS:
        actual = EXPLICIT_LITTLE if head[1:2] == b"\0" else EXPLICIT_BIG
    else:
        actual = IMPLICIT_LITTLE
    if not head:
        return declared or EXPLICIT_LITTLE
    if actual is not EXPLICIT_LITTLE or declared is not EXPLICIT_LITTLE:
        said = flat.meta.get(0x00020010, b"").rstrip(b"\0 ").decode("ascii", "replace") or "nothing"
        names = {IMPLICIT_LITTLE: "Implicit VR Little Endian", EXPLICIT_BIG: "Explicit VR Big Endian"}
        message = f"encoded in {names.get(actual, 'Explicit VR Little Endian')}, declared {said}"
        flat.findings.append(Finding("FS-DICOMDIR-SYNTAX", message, Where(file, offset=at)))
    return actual


def _check_meta(flat: FlatDirectory, file: str) -> None:
    for tag, name, right in (
        (0x00020002, "Media Storage SOP Class UID", b"1.2.840.10008.1.3.10"),
        (0x00020003, "Media Storage SOP Instance UID, the File-set UID,", None),
    ):
        value = flat.meta.get(tag, b"").rstrip(b"\0 ")
        if not value or (right and value != right):
            message = f"{name} is {value.decode('ascii', 'replace') or 'missing'}"
            flat.findings.append(Finding("FS-DICOMDIR-META", message, Where(file, tag=tag)))


def _identification(flat: FlatDirectory, at: int, file: str) -> tuple[int, int] | None:
    """(position of the first item, declared length) of the Directory Record Sequence; None if there is none."""
    data, end = flat.data, len(flat.data)
    places: dict[int, int] = {}
    try:
        while at < end:
            tag, _, value_at, length = element_header(data, at, flat.syntax)
            if tag == RECORD_SEQUENCE:
                flat.frame = _placed(places)
                return value_at, length
            found = element_at(data, at, end, flat.syntax)
            if found.tag >> 16 in (0x0004, 0x0008):
                flat.top[tag] = data[found.value_at : found.value_end]
                places[tag] = found.value_at
            at = found.end
    except FormatError as problem:
        flat.findings.append(Finding("FS-DICOMDIR-TRUNCATED", str(problem), Where(file, offset=at)))
    if not any(tag >> 16 == 4 for tag in flat.top):
        raise FormatError(f"{file}: {NOT_A_DICOMDIR}: no element of group 0004")
    if 0x00041200 in flat.top:
        # A directory with an empty root may lack the sequence altogether.
        message = "no Directory Record Sequence (0004,1220)"
        flat.findings.append(Finding("FS-DICOMDIR-TRUNCATED", message, Where(file, tag=RECORD_SEQUENCE)))
    else:
        message = "no Directory Information Module: the files of the file-set are not listed"
        flat.findings.append(Finding("FS-DIRECTORY-ABSENT", message, Where(file)))
    return None


def _placed(places: dict[int, int]) -> Frame:
    return Frame(b"", first_at=places.get(0x00041200, _ABSENT), last_at=places.get(0x00041202, _ABSENT))


def _frame(flat: FlatDirectory, value_at: int, behind: int, length: int) -> None:
    flat.frame = Frame(
        flat.data[:value_at],
        first_at=flat.frame.first_at,
        last_at=flat.frame.last_at,
        length_at=_ABSENT if length == UNDEFINED else value_at - 4,
        tail=flat.data[behind:],
    )


def _records(flat: FlatDirectory, at: int, bound: int, file: str) -> int:
    """Fill the arrays; returns the position behind the last item."""
    known: dict[bytes, int] = {}
    while True:
        if flat.syntax is EXPLICIT_LITTLE:
            at = _usual_records(flat, at, bound, known)
        if at >= bound or _is_delimiter(flat, at):
            return at
        try:
            at = _any_record(flat, at, bound, known, file)
        except FormatError as problem:
            resumed = _resume(flat, at, bound)
            rule = "FS-RECORD-MALFORMED" if resumed >= 0 else "FS-DICOMDIR-TRUNCATED"
            flat.findings.append(Finding(rule, str(problem), Where(file, offset=at)))
            if resumed < 0:
                return len(flat.data)
            at = resumed


def _is_delimiter(flat: FlatDirectory, at: int) -> bool:
    try:
        return element_header(flat.data, at, flat.syntax)[0] == SEQUENCE_END
    except FormatError:
        return False


def _usual_records(flat: FlatDirectory, at: int, bound: int, known: dict[bytes, int]) -> int:
    """As many records as begin in the usual way, fast; the position of the first that does not."""
    data, unpack = flat.data, _BEGINNING.unpack_from
    starts, ends, following, lower = flat.start.append, flat.end.append, flat.next.append, flat.lower.append
    flags, type_of = flat.in_use.append, flat.type_of.append
    count = len(flat)
    limit = bound - _BEGINNING.size
    while at <= limit:
        tag, length, head1, next_, head2, flag, head3, below, head4, size = unpack(data, at)
        if (
            tag != _ITEM_TAG
            or head1 != _NEXT_HEADER
            or head3 != _LOWER_HEADER
            or head2 != _FLAG_HEADER
            or head4 != _TYPE_HEADER
        ):
            break
        end = at + 8 + length
        if end > bound:
            if length != UNDEFINED:
                break
            try:
                _, end = skip_undefined_item(data, at + 8, bound, EXPLICIT_LITTLE)
            except FormatError:
                break
        raw = data[at + 50 : at + 50 + size]
        index = known.get(raw)
        if index is None:
            index = known[raw] = _new_type(flat, raw)
        starts(at)
        ends(end)
        following(next_)
        lower(below)
        flags(flag)
        type_of(index)
        at = end
    more = len(flat) - count
    flat.next_at.extend(array("q", [16]) * more)
    flat.lower_at.extend(array("q", [38]) * more)
    return at


def _new_type(flat: FlatDirectory, raw: bytes) -> int:
    name = raw.strip(b" \0").decode("ascii", "replace")
    if name not in flat.types:
        flat.types.append(name)
    return flat.types.index(name)


def _any_record(flat: FlatDirectory, at: int, bound: int, known: dict[bytes, int], file: str) -> int:
    record = _item(flat, at, bound, file)
    found = {_LINK_NEXT: (0, _ABSENT), _LINK_LOWER: (0, _ABSENT), _IN_USE: (0xFFFF, _ABSENT)}
    raw = b""
    try:
        for part in elements(flat.data, record.value_at, record.value_end, flat.syntax):
            if part.tag in found:
                unpack = flat.syntax.short if part.tag == _IN_USE else flat.syntax.long
                found[part.tag] = unpack(flat.data, part.value_at)[0], part.value_at - at
            elif part.tag == _TYPE:
                raw = flat.data[part.value_at : part.value_end]
    except (FormatError, error) as problem:
        flat.findings.append(Finding("FS-RECORD-MALFORMED", str(problem), Where(file, offset=at)))
    if raw not in known:
        known[raw] = _new_type(flat, raw)
    flat.start.append(at)
    flat.end.append(record.end)
    flat.next.append(found[_LINK_NEXT][0])
    flat.next_at.append(found[_LINK_NEXT][1])
    flat.lower.append(found[_LINK_LOWER][0])
    flat.lower_at.append(found[_LINK_LOWER][1])
    flat.in_use.append(found[_IN_USE][0])
    flat.type_of.append(known[raw])
    return record.end


def _item(flat: FlatDirectory, at: int, bound: int, file: str) -> Element:
    tag, _, value_at, length = element_header(flat.data, at, flat.syntax)
    if tag != ITEM:
        raise FormatError(f"offset {at}: no item of the Directory Record Sequence begins here")
    if length == UNDEFINED or value_at + length <= bound:
        return element_at(flat.data, at, bound, flat.syntax)
    if _resume(flat, at, bound) >= 0:
        raise FormatError(f"offset {at}: the length of the record, {length}, reaches beyond the directory")
    # The last record: what is there of it may still be whole.
    message = f"the last record should be {length} bytes long, {bound - value_at} are there"
    flat.findings.append(Finding("FS-DICOMDIR-TRUNCATED", message, Where(file, offset=at)))
    return Element(tag, b"", at, value_at, bound, bound)


_LITTLE_ITEM: Final = re.compile(rb"\xfe\xff\x00\xe0....\x04\x00.\x14", re.DOTALL)
_BIG_ITEM: Final = re.compile(rb"\xff\xfe\xe0\x00....\x00\x04\x14.", re.DOTALL)


def _resume(flat: FlatDirectory, at: int, bound: int) -> int:
    """Where behind a damaged record the next one begins; -1 if none does."""
    pattern = _LITTLE_ITEM if flat.syntax.little else _BIG_ITEM
    found = pattern.search(flat.data, at + 1, bound)
    return found.start() if found else -1
