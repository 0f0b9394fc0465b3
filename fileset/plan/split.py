"""Distribute instances over several volumes if one medium cannot hold them.

Each volume becomes a file-set of its own (PS3.10 8.1), so that it can be read without the others. An instance is never
divided. A series is divided only if it is larger than a volume. A study is divided only if it is larger than a volume, or
if that saves a volume. First-fit decreasing decides the number of volumes.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from attrs import frozen

from fileset.errors import RuleError
from fileset.findings import Finding, Where
from fileset.records.arranged import Node

if TYPE_CHECKING:
    from fileset.media.base import Footprint

UNITS: Final = {
    **{name: 1000**power for power, name in enumerate(("", "KB", "MB", "GB", "TB"))},
    **{name: 1024**power for power, name in enumerate(("B", "KIB", "MIB", "GIB", "TIB"))},
}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Z]*)").fullmatch


def bytes_of(size: str | int, discs: Mapping[str, int]) -> int:
    """Parse a number of bytes, a size like 700MB, 4.7 GB or 650MiB, or the name of a disc.

    Raises `RuleError` for any other text, and for a number below 1 MB without a unit: probably its unit is missing.
    """
    text = str(size).strip().upper()
    found = _SIZE(text)
    number = discs.get(text) or (int(float(found[1]) * UNITS[found[2]]) if found and found[2] in UNITS else 0)
    if number < 1:
        raise RuleError(
            f"volume size {size!r} is not a size",
            advice=f"Give a number with KB, MB, GB (thousands) or KiB, MiB, GiB (1024), or one of {', '.join(discs)}",
        )
    if isinstance(size, str) and found and not found[2] and number < UNITS["MB"]:
        unit = "GB" if float(text) < 100 else "MB"
        raise RuleError(f"volume size {size!r} is {number} bytes", advice=f"Did you mean {text}{unit}?")
    return number


# ---------------------------------------------------------------- the load


@frozen
class Load:
    """The load to place: the largest number of bytes that each instance, series and study takes.

    `series_of` has the series of each instance (the instances of a series are adjacent), `study_of` the study of each
    series. The weight of a series or study counts on each volume that has a part of it.
    """

    instances: Sequence[int]
    series_of: Sequence[int]
    series: Sequence[int]
    study_of: Sequence[int]
    studies: Sequence[int]

    def beside(self, series: int) -> int:
        """Sum up the bytes that an instance of a series needs besides its own weight, if it is the only one."""
        return self.series[series] + self.studies[self.study_of[series]]


LONGEST_FILE_ID: Final = 72
LINKS: Final = 42
LONGEST_TYPE: Final = 24
_RECORD: Final = LINKS + LONGEST_TYPE + 8
"""Largest size of a record in bytes without its keys: item, links and type, and the end of an item of undefined length."""
_REFERENCE: Final = 8 + LONGEST_FILE_ID
DICOMDIR_HEAD: Final = 1024
"""Largest size of a DICOMDIR without records, in bytes."""


def load_of(nodes: Iterable[Node], sizes: Sequence[int], footprint: Footprint) -> Load:
    """Compute the load of a tree in preorder whose instances have `sizes` in bytes, on media with this footprint."""
    instances, series_of, series, study_of, studies = (array("Q") for _ in range(5))
    opened: tuple[Node | None, Node | None] = (None, None)
    for node, above in _with_above(nodes):
        # An instance without a series, or a series without a study, is one by itself.
        study, group = above[1] if len(above) > 1 else node, above[2] if len(above) > 2 else node
        if study is not opened[0]:
            studies.append(sum(_RECORD + len(one.tail) + footprint.folder for one in above[:2]))
        if group is not opened[1]:
            series.append(sum(_RECORD + len(one.tail) + footprint.folder for one in above[2:]))
            study_of.append(len(studies) - 1)
        opened = study, group
        instances.append(footprint.of(sizes[len(instances)]) + _RECORD + _REFERENCE + len(node.tail))
        series_of.append(len(series) - 1)
    return Load(instances, series_of, series, study_of, studies)


def _with_above(nodes: Iterable[Node]) -> Iterator[tuple[Node, list[Node]]]:
    """Yield each instance of a tree in preorder, and the records above it; the list changes with the next instance."""
    above: list[Node] = []
    for node in nodes:
        del above[node.depth :]
        if node.source < 0:
            above.append(node)
        else:
            yield node, above


def too_large(load: Load, capacity: int) -> list[int]:
    """Find the instances that fit on no volume."""
    placed = enumerate(zip(load.instances, load.series_of, strict=True))
    return [index for index, (weight, series) in placed if weight + load.beside(series) > capacity]


# ---------------------------------------------------------------- placing it


@frozen
class Packing:
    """The volume of each instance, from 0; the bytes on each volume; the volumes of each divided series and study.

    Volumes are in the order of their first instances.
    """

    volume_of: Sequence[int]
    used: Sequence[int]
    split_series: Mapping[int, Sequence[int]]
    split_studies: Mapping[int, Sequence[int]]


@frozen
class SeriesPart:
    """Instances of one series that stay together, from `first` up to but not including `last`, and their weight."""

    series: int
    first: int
    last: int
    weight: int


Bundle = tuple[SeriesPart, ...]
"""Pieces of one study that stay together if possible."""


def _weight(bundle: Bundle) -> int:
    """Sum up the weight of a bundle without the study itself."""
    return sum(piece.weight for piece in bundle)


def pack(load: Load, capacity: int) -> Packing:
    """Place all instances, none of which is too large, on volumes that take `capacity` bytes."""
    bundles = sorted(_bundles(load, capacity), key=lambda bundle: (-_weight(bundle), bundle[0].first))
    best = _placed(bundles, load, capacity, len(bundles)) or Shelf(load, capacity, 1)
    low, high = -(-sum(map(_weight, bundles)) // capacity), best.count
    while low < high:
        # Splitting studies may save volumes: find the smallest number by bisection.
        middle = (low + high) // 2
        fewer = _placed(bundles, load, capacity, middle)
        if fewer:
            best, high = fewer, fewer.count
        else:
            low = middle + 1
    return _packing(best.placed, load)


def _bundles(load: Load, capacity: int) -> Iterator[Bundle]:
    """Bundle whole studies; for a study larger than a volume, its series; for a series larger than a volume, its parts."""
    for study, group in groupby(_pieces(load, capacity), key=lambda piece: load.study_of[piece.series]):
        pieces = tuple(group)
        fits = _weight(pieces) + load.studies[study] <= capacity
        yield from (pieces,) if fits else ((piece,) for piece in pieces)


def _pieces(load: Load, capacity: int) -> Iterator[SeriesPart]:
    """Yield each series, and a series that is larger than a volume in parts that fill volumes."""
    for series, group in groupby(range(len(load.instances)), key=load.series_of.__getitem__):
        most, own = capacity - load.beside(series), load.series[series]
        indexes = list(group)
        first, weight = indexes[0], 0
        for index in indexes:
            if weight and weight + load.instances[index] > most:
                yield SeriesPart(series, first, index, weight + own)
                first, weight = index, 0
            weight += load.instances[index]
        yield SeriesPart(series, first, indexes[-1] + 1, weight + own)


def _placed(bundles: Iterable[Bundle], load: Load, capacity: int, count: int) -> Shelf | None:
    """Pack the bundles by first-fit decreasing on `count` volumes; None if they do not suffice."""
    shelf = Shelf(load, capacity, count)
    late = [bundle for bundle in bundles if not shelf.put(bundle)]
    pieces = [piece for bundle in late for piece in sorted(bundle, key=lambda one: -one.weight)]
    fits = all(len(bundle) > 1 for bundle in late) and all(shelf.put((piece,)) for piece in pieces)
    return shelf if fits else None


class Shelf:
    """Volumes under construction. A tree over their free bytes finds the first volume with enough room in a few steps."""

    def __init__(self, load: Load, capacity: int, count: int) -> None:
        self._load = load
        self._leaves = 1 << max(count - 1, 0).bit_length()
        self._most = [0] * self._leaves + [capacity] * count + [0] * (self._leaves - count)
        for at in range(self._leaves - 1, 0, -1):
            self._most[at] = max(self._most[2 * at], self._most[2 * at + 1])
        self._volumes_of: dict[int, list[int]] = {}
        self.placed: list[tuple[SeriesPart, int]] = []

    @property
    def count(self) -> int:
        """The number of volumes that are not empty."""
        return len({volume for _, volume in self.placed})

    def put(self, bundle: Bundle) -> bool:
        """Place a bundle on a volume of its study, else on the first volume with room; return whether there is one."""
        study, weight = self._load.study_of[bundle[0].series], _weight(bundle)
        known = self._volumes_of.setdefault(study, [])
        volume = next((volume for volume in known if self._most[self._leaves + volume] >= weight), -1)
        if volume < 0:
            weight += self._load.studies[study]
            volume = self._first(weight)
            if volume < 0:
                return False
            known.append(volume)
        self._take(volume, weight)
        self.placed += ((piece, volume) for piece in bundle)
        return True

    def _first(self, weight: int) -> int:
        if self._most[1] < weight:
            return -1
        at = 1
        while at < self._leaves:
            at = 2 * at + (self._most[2 * at] < weight)
        return at - self._leaves

    def _take(self, volume: int, weight: int) -> None:
        at = self._leaves + volume
        self._most[at] -= weight
        while at > 1:
            at //= 2
            self._most[at] = max(self._most[2 * at], self._most[2 * at + 1])


def _packing(placed: Iterable[tuple[SeriesPart, int]], load: Load) -> Packing:
    """Return the volume of each instance, with the volumes numbered in the order of their first instances."""
    numbers: dict[int, int] = {}
    volume_of, used = array("I", bytes(4 * len(load.instances))), array("Q")
    volumes_of_series, volumes_of_study = ([set[int]() for _ in of] for of in (load.series, load.studies))
    for piece, volume in sorted(placed, key=lambda one: one[0].first):
        number = numbers.setdefault(volume, len(numbers))
        if number == len(used):
            used.append(0)
        study = load.study_of[piece.series]
        used[number] += piece.weight
        used[number] += load.studies[study] if number not in volumes_of_study[study] else 0
        used[number] -= load.series[piece.series] if number in volumes_of_series[piece.series] else 0
        volumes_of_series[piece.series].add(number)
        volumes_of_study[study].add(number)
        volume_of[piece.first : piece.last] = array("I", [number]) * (piece.last - piece.first)
    split_series, split_studies = (
        {at: sorted(volumes) for at, volumes in enumerate(several) if len(volumes) > 1}
        for several in (volumes_of_series, volumes_of_study)
    )
    return Packing(volume_of, used, split_series, split_studies)


# ---------------------------------------------------------------- the volumes


@frozen
class Division:
    """The tree of each volume, the largest number of bytes that it takes, and the divided series and studies."""

    volumes: list[list[Node]]
    planned: list[int]
    findings: list[Finding]


def divide(
    nodes: Iterable[Node], sizes: Sequence[int], footprint: Footprint, capacity: int, name: Callable[[int], str]
) -> Division:
    """Divide a tree in preorder, whose instances have `sizes` in bytes, among media that take `capacity` bytes.

    `name` returns the name of an instance. Raises `RuleError` if one is too large for any of them.
    """
    load, space = load_of(nodes, sizes, footprint), capacity - footprint.fixed - footprint.of(DICOMDIR_HEAD)
    large = too_large(load, space)
    if large:
        others = f", nor do {len(large) - 1} others" if len(large) > 1 else ""
        raise RuleError(
            f"{name(large[0])} has {sizes[large[0]]} bytes: it fits on no volume of {capacity} bytes{others}. "
            f"The medium takes {capacity - space} bytes for itself, and more for each file, folder and record"
        )
    packing = pack(load, space)
    if not packing.used:
        return Division([[]], [capacity - space], [])
    volumes = distribute(nodes, packing)
    return Division(volumes, [capacity - space + used for used in packing.used], list(_divided(packing, load, name)))


def _divided(packing: Packing, load: Load, name: Callable[[int], str]) -> Iterator[Finding]:
    """Report each series and each study that is on several volumes."""
    for series, volumes in packing.split_series.items():
        first = name(bisect_left(load.series_of, series))
        message = f"the series of {first} is larger than a volume: it is on {_listed(volumes)}"
        yield Finding("FS-VOLUME-SERIES-SPLIT", message, Where(record="SERIES"))
    for study, volumes in packing.split_studies.items():
        first = name(bisect_left(load.series_of, bisect_left(load.study_of, study)))
        message = f"the study of {first} is on {_listed(volumes)}"
        yield Finding("FS-VOLUME-STUDY-SPLIT", message, Where(record="STUDY"))


def _listed(volumes: Sequence[int]) -> str:
    return f"volumes {', '.join(str(volume + 1) for volume in volumes[:-1])} and {volumes[-1] + 1}"


def distribute(nodes: Iterable[Node], packing: Packing) -> list[list[Node]]:
    """Build the tree of each volume, in preorder, with positions counted in that volume."""
    volumes: list[list[Node]] = [[] for _ in packing.used]
    opened: list[list[Node]] = [[] for _ in packing.used]  # the records above the last instance of each volume
    for (node, above), number in zip(_with_above(nodes), packing.volume_of, strict=True):
        if opened[number] != above:
            known = set(map(id, opened[number]))
            volumes[number] += (one for one in above if id(one) not in known)
            opened[number] = list(above)
        volumes[number].append(node)
    return [list(_counted(volume)) for volume in volumes]


def _counted(nodes: Iterable[Node]) -> Iterator[Node]:
    """Count the positions of nodes in preorder from 0 within each entity."""
    positions: list[int] = []
    for node in nodes:
        del positions[node.depth + 1 :]
        positions += [-1] * (node.depth + 1 - len(positions))
        positions[-1] += 1
        yield node._replace(position=positions[-1], path=tuple(positions[:-1]))


def numbered(name: str, number: int, longest: int) -> str:
    """Format the File-set ID of a volume: with its number at the end, and short enough; "" stays empty."""
    ending = f"_{number}"
    return name[: longest - len(ending)] + ending if name else ""
