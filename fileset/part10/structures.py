"""A cache of data set structures: skip the walk if every element header equals that of a correct data set.

Scanners write the images of a series with the same structure, so most walks become a few reads and comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
"""The size of the file, and whatever else files with the same element headers share."""
Span = tuple[int, int]
"""Offset and length of an element header, in bytes."""


class HeaderGroup(NamedTuple):
    """Element headers close to each other: the `length` bytes from `base` contain all of them."""

    base: int
    length: int
    headers: Callable[[bytes], object]
    expected: object


@define
class Structures:
    """The structures of correct data sets."""

    _known: dict[StructureKey, tuple[HeaderGroup, ...]] = field(factory=dict)

    def holds(self, key: StructureKey, read: Reading, first: bytes) -> bool:
        """Return whether a file that starts with `first` has a known structure."""
        groups = self._known.get(key)
        if groups is None:
            return False
        for base, length, headers, expected in groups:
            if headers(read(base, length) if base else first) != expected:
                return False
        return True

    def learn(self, key: StructureKey, spans: Sequence[Span], read: Reading, first: bytes) -> None:
        """Remember the structure of a correct file with element headers at `spans`."""
        if len(spans) > MOST_HEADERS:
            return
        groups: list[HeaderGroup] = []
        near: list[Span] = []
        for span in sorted(spans):
            start = 0 if not near or near[0][0] < len(first) else near[0][0]
            if near and sum(span) - start > (FIRST_READ if start else len(first)):
                groups.append(_group(near, read, first))
                near = []
            near.append(span)
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        self._known[key] = (*groups, _group(near, read, first)) if near else tuple(groups)


def _group(spans: Sequence[Span], read: Reading, first: bytes) -> HeaderGroup:
    end = max(map(sum, spans))
    base = 0 if end <= len(first) else spans[0][0]
    data = read(base, end - base) if base else first
    layout, at = "", base
    for start, length in spans:
        layout += f"{start - at}x{length}s"
        at = start + length
    headers: Callable[[bytes], object] = Struct(layout).unpack_from
    return HeaderGroup(base, end - base, headers, headers(data))
