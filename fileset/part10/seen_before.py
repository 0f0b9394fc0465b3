"""Data sets whose element headers stand where those of another, right one stood: they need no walk of their own.

Scanners write the images of a series alike. What was learned from one is a few reads and comparisons for the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from attrs import define, field

from fileset.dicom.header import Reading
from fileset.dicom.header_cache import FIRST_READ

MOST: Final = 128
"""Structures that are remembered; each takes some 20 KB."""
MOST_HEADERS: Final = 1000
"""Element headers in one of them."""

Key = tuple[int, int, bytes]
"""Size of the file, position of the data set, transfer syntax."""
Place = tuple[int, int]
"""Position and length of an element header, in bytes from the beginning of the file."""


class Part(NamedTuple):
    """Headers that lie near each other: `length` bytes from `base` on hold them all."""

    base: int
    length: int
    headers: Callable[[bytes], object]
    expected: object


@define
class Structures:
    """Remembers the structure of data sets in which nothing was wrong."""

    _known: dict[Key, tuple[Part, ...]] = field(factory=dict)

    def holds(self, key: Key, read: Reading, first: bytes) -> bool:
        """Whether a file is built as one that is remembered; `first` is its beginning."""
        parts = self._known.get(key)
        if parts is None:
            return False
        for base, length, headers, expected in parts:
            data = read(base, length) if base else first
            if headers(data) != expected:
                return False
        return True

    def learn(self, key: Key, places: Sequence[Place], read: Reading, first: bytes) -> None:
        """Remember the structure of a file with element headers at `places`."""
        if not 1 < len(places) <= MOST_HEADERS:
            return
        parts: list[Part] = []
        group: list[Place] = []
        for place in sorted(places):
            begin = 0 if not group or group[0][0] < len(first) else group[0][0]
            if group and sum(place) - begin > (FIRST_READ if begin else len(first)):
                parts.append(_part(group, read, first))
                group = []
            group.append(place)
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[key] = (*parts, _part(group, read, first))


def _part(places: Sequence[Place], read: Reading, first: bytes) -> Part:
    end = max(map(sum, places))
    base = 0 if end <= len(first) else places[0][0]
    slices = [slice(at - base, at - base + length) for at, length in places]
    headers: Callable[[bytes], object] = itemgetter(*slices)
    return Part(base, end - base, headers, headers(read(base, end - base) if base else first))
