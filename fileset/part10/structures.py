"""A cache of data set structures: skip the walk if every element header equals that of a correct data set.

Scanners write the images of a series with the same structure, so most walks become a few reads and comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from struct import Struct
from typing import Final, NamedTuple

from attrs import define, field

from fileset.dicom.header import Reading
from fileset.dicom.header_cache import FIRST_READ

CACHE_SIZE: Final = 128
"""Limit of the cache, in structures of about 20 KB."""
MOST_HEADERS: Final = 1000
"""Limit for the element headers of one structure."""

StructureKey = tuple[object, ...]
"""The number of bytes from the first compared element to the end of the file, and other shared facts."""
Span = tuple[int, int]
"""Offset and length of an element header, in bytes."""


class HeaderGroup(NamedTuple):
    """Element headers close to each other, at `spans`: the `length` bytes from `base` contain all of them.

    `base` and `spans` count from the first compared element.
    """

    base: int
    length: int
    spans: Sequence[Span]
    headers: Callable[[bytes, int], object]
    expected: object


@define
class Structures:
    """The structures of correct data sets."""

    _known: dict[StructureKey, tuple[HeaderGroup, ...]] = field(factory=dict)

    def holds(self, key: StructureKey, read: Reading, first: bytes, start: int) -> bool:
        """Check whether a file that starts with `first` has a known structure from the element at `start` on."""
        groups = self._known.get(key)
        if groups is None:
            return False
        for base, length, _, headers, expected in groups:
            at = start + base
            is_read = at + length <= len(first)
            if (headers(first, at) if is_read else headers(read(at, length), 0)) != expected:
                return False
        return True

    def spans(self, key: StructureKey, start: int) -> list[Span]:
        """Return the spans of all element headers of a known structure that starts at `start`."""
        return [(start + at, length) for group in self._known[key] for at, length in group.spans]

    def learn(self, key: StructureKey, spans: Sequence[Span], read: Reading, first: bytes, start: int) -> None:
        """Remember the structure of a correct file from `start` on, with element headers at `spans`."""
        spans = sorted(set(spans))
        if len(spans) > MOST_HEADERS or any(sum(span) > after[0] for span, after in pairwise(spans)):
            return  # damaged lengths let elements overlap
        groups: list[HeaderGroup] = []
        near: list[Span] = []
        for span in spans:
            leaves_first = near and sum(near[-1]) <= len(first) < sum(span)
            if leaves_first or (near and sum(span) - near[0][0] > FIRST_READ):
                groups.append(_group(near, read, start))
                near = []
            near.append(span)
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        self._known[key] = (*groups, _group(near, read, start)) if near else tuple(groups)


def _group(spans: Sequence[Span], read: Reading, start: int) -> HeaderGroup:
    base, end = spans[0][0], max(map(sum, spans))
    layout, at = "", base
    for span_at, length in spans:
        layout += f"{span_at - at}x{length}s"
        at = span_at + length
    headers: Callable[[bytes, int], object] = Struct(layout).unpack_from
    within = [(at - start, length) for at, length in spans]
    return HeaderGroup(base - start, end - base, within, headers, headers(read(base, end - base), 0))
