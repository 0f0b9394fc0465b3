"""A cache of header layouts: read a header with one regular expression if a similar header was read before.

The files of a scanner have the same elements; only values and the lengths of text differ. A *layout* is a regular
expression for one sequence of tags and VRs: each element is its tag, its VR, one of the likely lengths, and that many
bytes. A match compares every element header, so the captured values are exactly those that the walk would keep, at a
tenth of the cost. Without a match the walk decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Final

from attrs import frozen

from fileset.dicom.elements import (
    EXPLICIT_LITTLE,
    ITEM,
    ITEM_END,
    SEQUENCE_END,
    SHORT_VRS,
    UNDEFINED,
    element_header,
)
from fileset.errors import FormatError
from fileset.standard import tags

FIRST_READ: Final = 8192
LARGEST_READ: Final = 32768
"""Limit for the first read in bytes, which grows if headers are longer."""
MOST_LAYOUTS: Final = 48
SEEN_BEFORE: Final = 2
"""Compile a layout for the second header: compiling costs as much as a hundred walks."""

_FIXED: Final = frozenset(b"AT FL FD SL SS UL US".split())
"""VRs of binary numbers: their lengths are the same in all files."""
_USUAL: Final = {
    b"AS": range(0, 5, 4),
    b"DA": range(0, 9, 8),
    b"IS": range(0, 13, 2),
    b"LO": range(0, 65, 2),
    b"PN": range(0, 49, 2),
    b"SH": range(0, 17, 2),
    b"TM": range(0, 17, 2),
    b"UI": range(0, 65, 2),
}
"""Usual lengths in bytes of values of a VR. Fewer compile faster, but each file with another one is walked, at six times the
cost of a match.
"""
_SPREAD: Final = 8
"""Difference in bytes that other values may have from those of the first file."""
_META: Final = 132
IDENTIFYING_META_TAGS: Final = frozenset(
    (tags.MEDIA_STORAGE_SOP_CLASS_UID, tags.MEDIA_STORAGE_SOP_INSTANCE_UID, tags.TRANSFER_SYNTAX_UID)
)
"""The elements of File Meta Information that a record needs."""
META_TAGS: Final = IDENTIFYING_META_TAGS | {
    tags.FILE_META_GROUP_LENGTH,
    tags.FILE_META_VERSION,
    tags.IMPLEMENTATION_CLASS_UID,
    tags.IMPLEMENTATION_VERSION_NAME,
    tags.SOURCE_AE_TITLE,
    tags.SENDING_AE_TITLE,
    tags.RECEIVING_AE_TITLE,
    tags.SOURCE_PRESENTATION_ADDRESS,
    tags.SENDING_PRESENTATION_ADDRESS,
    tags.RECEIVING_PRESENTATION_ADDRESS,
    tags.PRIVATE_INFORMATION_CREATOR_UID,
    tags.PRIVATE_INFORMATION,
}
"""The elements of File Meta Information (PS3.10 Table 7.1-1)."""
_NOT_WANTED: Final = META_TAGS - IDENTIFYING_META_TAGS | {ITEM}
"""Groups that only the check of the file needs."""
_META_UID: Final = tags.MEDIA_STORAGE_SOP_INSTANCE_UID
_ANCHORED: Final = frozenset((tags.TRANSFER_SYNTAX_UID, tags.SOP_CLASS_UID))
"""Transfer syntax and SOP class decide the walk, so their values are part of the layout."""


_Groups = tuple[bytes, ...]
"""Values, each preceded by the last two bytes of its length."""


@frozen(eq=False)
class HeaderLayout:
    """A compiled layout: `match(data, 132)`, and the tags of its groups in order.

    `own` selects the groups that differ in every file (None if the layout lacks one), `common` those that the files of a
    series share, `meta` those of File Meta Information except the SOP Instance UID. A group with the tag of an item is a
    sequence of explicit length that is not wanted; `sequences` are their positions.
    `own_tags` are the tags of `own`.
    """

    match: Callable[[bytes, int], re.Match[bytes] | None]
    tags: tuple[int, ...]
    own_tags: tuple[int, ...]
    own: Callable[[_Groups], _Groups] | None
    common: Callable[[_Groups], _Groups]
    meta: Callable[[_Groups], _Groups]
    sequences: tuple[int, ...]
    uid_at: int


class Recognised:
    """A header of a known layout: like a `Header`, but decoded only on demand. The next element starts at `end`."""

    __slots__ = ("end", "groups", "layout")
    has_pixel_data: Final = False

    def __init__(self, layout: HeaderLayout, groups: _Groups, end: int) -> None:
        self.layout = layout
        self.groups = groups
        self.end = end

    @property
    def meta_shape(self) -> tuple[object, ...]:
        """File Meta Information that files share: all of it but the SOP Instance UID, and its length."""
        layout, groups = self.layout, self.groups
        return layout, groups[layout.uid_at][:2], layout.meta(groups)

    @property
    def sequences(self) -> list[bytes]:
        """The values of the sequences of explicit length before `end`, in Explicit VR Little Endian."""
        return [self.groups[at][4:] for at in self.layout.sequences]

    @property
    def values(self) -> dict[int, bytes]:
        """The wanted values, including those of File Meta Information that a record needs."""
        pairs = zip(self.layout.tags, self.groups, strict=True)
        return {tag: value[2:] for tag, value in pairs if tag not in _NOT_WANTED}

    meta = values


class Layouts:
    """The known layouts, the most recent first. Headers with a wanted sequence have none.

    `own`: two or more tags whose values differ in every file. `apart`: further tags whose values may differ.
    `varying`: tags whose values may differ, and are captured like those of `own`.
    """

    def __init__(
        self, own: tuple[int, ...] = (), apart: frozenset[int] = frozenset(), varying: tuple[int, ...] = ()
    ) -> None:
        self._own = own
        self._varying = varying
        self._apart = apart.union(own, varying)
        self.first_read = FIRST_READ
        self._layouts: list[HeaderLayout] = []
        self._seen: dict[bytes, int] = {}

    def find(self, data: bytes) -> Recognised | None:
        """Find the header at the start of `data` if its layout is known."""
        layouts = self._layouts
        for at, layout in enumerate(layouts):
            found = layout.match(data, _META)
            if found is not None:
                if at:  # a new list, because other threads may iterate over this one
                    self._layouts = [layout, *layouts[:at], *layouts[at + 1 :]]
                return Recognised(layout, found.groups(), found.end())
        return None

    def learn(self, data: bytes, wanted: frozenset[int], last: int) -> None:
        """Remember the layout of a header that was walked up to the tag `last`, to capture the `wanted` values."""
        if len(self._seen) > 4 * MOST_LAYOUTS or len(self._layouts) >= MOST_LAYOUTS:
            return  # too many kinds of files for a cache
        try:
            parts = list(_parts(data, last))
        except (FormatError, _SpecialError):
            return
        except _BeyondError as problem:
            self._read_more(problem.args[0] + len(data) // 2)
            return
        shape = b"".join(data[at : at + 6] for _, _, at, _, _ in parts)
        self._seen[shape] = self._seen.get(shape, 0) + 1
        if self._seen[shape] == SEEN_BEFORE:
            compiled = _compiled(data, parts, wanted, last)
            if compiled and _META_UID in compiled[1]:
                self._layouts = [self._layout(*compiled), *self._layouts]

    def _layout(self, pattern: bytes, captured: tuple[int, ...]) -> HeaderLayout:
        own_tags = self._own + tuple(tag for tag in self._varying if tag in captured)
        own = itemgetter(*map(captured.index, own_tags)) if self._own and set(self._own) <= set(captured) else None
        apart = self._apart | _NOT_WANTED
        common = itemgetter(*(at for at, tag in enumerate(captured) if tag not in apart))
        meta = itemgetter(*(at for at, tag in enumerate(captured) if tag in META_TAGS - {_META_UID}))
        sequences = tuple(at for at, tag in enumerate(captured) if tag == ITEM)
        match, uid_at = re.compile(pattern, re.DOTALL).match, captured.index(_META_UID)
        return HeaderLayout(match, captured, own_tags, own, common, meta, sequences, uid_at)

    def _read_more(self, needed: int) -> None:
        if self.first_read < needed <= LARGEST_READ:
            self.first_read = needed


def _compiled(
    data: bytes, parts: list[_Part], wanted: frozenset[int], last: int
) -> tuple[bytes, tuple[int, ...]] | None:
    """The expression and the tags of its groups; None if a sequence is wanted."""
    pattern, captured = [], []
    for part in parts:
        tag, vr, _, _, length = part
        if tag in wanted and vr == b"SQ":
            return None
        keep = tag in wanted or (vr == b"SQ" and 0 < length < UNDEFINED)
        pattern.append(_pattern(data, part, b"(" if keep else b"(?:"))
        if keep:
            captured.append(tag if tag in wanted else ITEM)
    pattern.append(_greater_than(last))
    return b"".join(pattern), tuple(captured)


_Part = tuple[int, bytes, int, int, int]
"""(tag, VR, offset of the element, offset of the value, length); the tag is negative inside a sequence."""


class _SpecialError(Exception):
    """The header has an element that no layout can express."""


class _BeyondError(Exception):
    """The header continues at the given offset, beyond the bytes that were read."""


def _parts(data: bytes, last: int) -> Iterator[_Part]:
    """All element headers up to the tag `last`, including those in sequences of undefined length.

    Raises `_SpecialError` if no layout can express them.
    """
    at, previous = _META, 0
    while True:
        tag, vr, value_at, length = element_header(data, at, EXPLICIT_LITTLE)
        if tag > last:
            return
        if tag <= previous or (tag >> 16 == 2 and tag not in META_TAGS):
            raise _SpecialError
        previous = tag
        yield tag, vr, at, value_at, length
        at = value_at + length
        if length == UNDEFINED:
            if vr == b"UN":
                raise _SpecialError
            for part in _within(data, value_at):
                yield part
                at = part[3] if part[4] == UNDEFINED else part[3] + part[4]
        if at + 12 > len(data):
            raise _BeyondError(at)


def _within(data: bytes, at: int) -> Iterator[_Part]:
    open_ = 1
    while open_:
        tag, vr, value_at, length = element_header(data, at, EXPLICIT_LITTLE)
        if vr == b"UN" and length == UNDEFINED:
            raise _SpecialError
        yield -tag, vr, at, value_at, length
        if tag in (SEQUENCE_END, ITEM_END):
            open_ -= 1
        elif length == UNDEFINED:
            open_ += 1
        at = value_at if length == UNDEFINED else value_at + length
        if at + 12 > len(data):
            raise _BeyondError(at)


def _pattern(data: bytes, part: _Part, group: bytes) -> bytes:
    """The expression for one element: tag and VR, then a group of length (its last two bytes) and value."""
    tag, vr, at, value_at, length = part
    width = 2 if vr in SHORT_VRS else 4
    head = re.escape(data[at : value_at - width])
    if tag in _ANCHORED:
        return head + group + re.escape(data[value_at - width : value_at + length]) + b")"
    if length == UNDEFINED or vr in _FIXED or -tag in (ITEM_END, SEQUENCE_END):
        lengths = [length]
    else:
        near = range(max(length - _SPREAD, length % 2), length + _SPREAD + 1, 2)
        if vr in _USUAL and length in _USUAL[vr]:
            near = _USUAL[vr]
        lengths = [length, *(other for other in near if other != length)]
    return head + group + b"|".join(_of_length(length, width) for length in lengths) + b")"


def _of_length(length: int, width: int) -> bytes:
    value = b".{%d}" % length if 0 < length < UNDEFINED else b""
    return re.escape(length.to_bytes(width, "little")) + value


def _greater_than(tag: int) -> bytes:
    """A look-ahead for an element with a greater tag, where the walk would stop."""
    group, number = tag >> 16, tag & 0xFFFF
    low, high = re.escape(bytes((group & 0xFF,))), re.escape(bytes((group >> 8,)))
    return b"(?=%s%s(?:%s)|(?:%s))" % (low, high, _above(number), _above(group))


def _above(number: int) -> bytes:
    """An expression for a 16-bit Little Endian number greater than `number`."""
    low, high = number & 0xFF, number >> 8
    forms = []
    if low < 0xFF:
        forms.append(b"[%s-\\xff]%s" % (_hex(low + 1), _hex(high)))
    if high < 0xFF:
        forms.append(b".[%s-\\xff]" % _hex(high + 1))
    return b"|".join(forms) or b"(?!)"


def _hex(byte: int) -> bytes:
    return b"\\x%02x" % byte
