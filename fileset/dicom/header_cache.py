"""A cache of header layouts: read a header with a few comparisons if a similar header was read before.

The files of a scanner have the same elements; only values and the lengths of text differ. A *layout* is one sequence of
tags and VRs. It begins with the lengths of two headers; each further header of its kind that it does not match adds the
elements whose lengths differ. A match compares every element header, so the captured values are exactly those that the
walk would keep, at a tenth of the cost. Without a match the walk decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final

from attrs import frozen

from fileset.dicom.elements import ITEM, ITEM_TAG
from fileset.dicom.header_layout import (
    IDENTIFYING_META_TAGS,
    META_TAGS,
    BeyondError,
    Part,
    SimilarHeaders,
    SpecialError,
    parts_of,
    shape_of,
)
from fileset.errors import FormatError
from fileset.standard import tags

FIRST_READ: Final = 8192
LARGEST_READ: Final = 32768
"""Limit for the first read in bytes, which grows if headers are longer."""
_BLOCK: Final = 4096
"""The first read grows by multiples of this size in bytes."""
MOST_LAYOUTS: Final = 48
MOST_SHAPES: Final = 4 * MOST_LAYOUTS
"""Kinds of headers that are remembered; more are too many for a cache."""
_NOT_WANTED: Final = META_TAGS - IDENTIFYING_META_TAGS | {ITEM}
"""Groups that only the check of the file needs."""
_META_UID: Final = tags.MEDIA_STORAGE_SOP_INSTANCE_UID
_Groups = Sequence[bytes]
"""Values, each preceded by the last two bytes of its length."""


@frozen(eq=False)
class HeaderLayout:
    """The headers of one layout, and the tags of the values that are captured of them, in order.

    `own` selects the values that differ in every file (None if the layout lacks one), `common` those that the files of a
    series share, `meta` those of File Meta Information except the SOP Instance UID. `own_tags` are the tags of `own`.
    Values with the tag of an item are not wanted: `sequences` are the positions of sequences of explicit length, `items` of
    items of explicit length in sequences of undefined length. `judged` selects the values of `meta`, `sequences` and `items`.
    `own_parts` are the numbers of the elements with the values of `own`, `shared_parts` those with values of the others.
    """

    headers: SimilarHeaders
    tags: tuple[int, ...]
    own_tags: tuple[int, ...]
    own: Callable[[_Groups], tuple[bytes, ...]] | None
    common: Callable[[_Groups], tuple[bytes, ...]]
    meta: Callable[[_Groups], tuple[bytes, ...]]
    sequences: tuple[int, ...]
    items: tuple[int, ...]
    judged: Callable[[_Groups], tuple[bytes, ...]]
    uid_at: int
    own_parts: tuple[int, ...]
    shared_parts: frozenset[int]


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
    def stored_uid(self) -> bytes:
        """The SOP Instance UID of File Meta Information."""
        return self.groups[self.layout.uid_at][2:]

    @property
    def judged(self) -> tuple[object, ...]:
        """The bytes that decide whether File Meta Information and sequences are correct."""
        layout, groups = self.layout, self.groups
        return layout, groups[layout.uid_at][:2], layout.judged(groups)

    @property
    def sequences(self) -> list[bytes]:
        """The items of explicit length before `end`, those of a sequence of explicit length together."""
        layout, groups = self.layout, self.groups
        return [groups[at][4:] for at in layout.sequences] + [ITEM_TAG + groups[at] for at in layout.items]

    @property
    def values(self) -> dict[int, bytes]:
        """The wanted values, including those of File Meta Information that a record needs."""
        pairs = zip(self.layout.tags, self.groups, strict=True)
        return {tag: value[2:] for tag, value in pairs if tag not in _NOT_WANTED}

    meta = values


class Layouts:
    """The known layouts, the most recent first. Headers with a wanted value in a VR of long lengths, as SQ or UT, have none.

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
        self._seen: dict[bytes, HeaderLayout | list[int]] = {}  # the lengths of one header, then the layout

    def find(self, data: bytes) -> Recognised | None:
        """Find the header at the start of `data` if its layout is known."""
        layouts = self._layouts
        for at, layout in enumerate(layouts):
            found = layout.headers.match(data)
            if found is not None:
                if at:  # a new list, because other threads may iterate over this one
                    self._layouts = [layout, *layouts[:at], *layouts[at + 1 :]]
                return Recognised(layout, *found)
        return None

    def learn(self, data: bytes, wanted: frozenset[int], last: int) -> Recognised | None:
        """Remember the layout of a header that was walked up to the tag `last`, to capture the `wanted` values.

        Return the header if there was one of the same kind before.
        """
        try:
            parts = list(parts_of(data, last))
        except (FormatError, SpecialError):
            return None
        except BeyondError as problem:
            self.read_more(problem.args[0] + len(data) // 2)
            return None
        shape = shape_of(data, parts)
        known = self._seen.get(shape)
        if isinstance(known, HeaderLayout):
            known.headers.widen(data, parts)
        elif known is not None:
            layout = self._layout(data, parts, known, wanted, last) if len(self._layouts) < MOST_LAYOUTS else None
            if layout is not None:
                self._seen[shape] = layout
                self._layouts = [layout, *self._layouts]
        elif len(self._seen) < MOST_SHAPES:
            self._seen[shape] = [part.length for part in parts]
        return self.find(data) if known else None

    def _layout(
        self, data: bytes, parts: list[Part], lengths: list[int], wanted: frozenset[int], last: int
    ) -> HeaderLayout | None:
        """Build the layout of two headers; None if a wanted value has a length of four bytes, such as a sequence."""
        if any(part.width == 4 and part.tag in wanted - _NOT_WANTED for part in parts):
            return None
        kept = [part.tag in wanted or part.holds_items for part in parts]
        captured = [part for part, keeps in zip(parts, kept, strict=True) if keeps]
        captured_tags = tuple(part.tag if part.tag in wanted else ITEM for part in captured)
        if _META_UID not in captured_tags:
            return None
        headers = SimilarHeaders(data, parts, lengths, kept, last)
        own_tags = self._own + tuple(tag for tag in self._varying if tag in captured_tags)
        own = (
            itemgetter(*map(captured_tags.index, own_tags))
            if self._own and set(self._own) <= set(captured_tags)
            else None
        )
        apart = self._apart | _NOT_WANTED
        of_series = [at for at, tag in enumerate(captured_tags) if tag not in apart]
        of_meta = [at for at, tag in enumerate(captured_tags) if tag in META_TAGS - {_META_UID}]
        sequences = tuple(at for at, part in enumerate(captured) if part.vr == b"SQ")
        items = tuple(at for at, part in enumerate(captured) if part.tag == -ITEM)
        uid_at = captured_tags.index(_META_UID)
        common, meta, judged = (itemgetter(*at) for at in (of_series, of_meta, (*of_meta, *sequences, *items)))
        at_part = [number for number, keeps in enumerate(kept) if keeps]
        shared = frozenset(at_part[at] for at in (*of_series, *of_meta, *sequences, *items))
        own_parts = tuple(at_part[captured_tags.index(tag)] for tag in own_tags) if own else ()
        numbers = own_parts, shared
        return HeaderLayout(
            headers, captured_tags, own_tags, own, common, meta, sequences, items, judged, uid_at, *numbers
        )

    def read_more(self, needed: int) -> None:
        """Let the first read of the next files have at least `needed` bytes, unless these are too many."""
        if self.first_read < needed <= LARGEST_READ:
            self.first_read = -(-needed // _BLOCK) * _BLOCK
