"""Offsets that do not all hit a record -> the records that they mean.

A ladder, each step a finding: the offsets as they are; all shifted by one constant (counted without the preamble, or
from the data set); drifting apart from the records, in the same order (counted in characters where names are longer
in bytes); single ones a few bytes beside the start of a record. What none of these explains leads nowhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from fileset.dicomdir.read.raw import FlatDirectory
from fileset.dicomdir.read.tree import Tree, unlinked
from fileset.dicomdir.write.layout import NONE
from fileset.findings import Findings
from fileset.standard import tags

NEAR: Final = 32
"""Bytes that an offset may be beside the start of a record: less than any record that says something."""

_ENDS: Final = 4
"""So many records from either end are compared with so many offsets to find a shift,"""
_SAMPLE: Final = 256
"""and so many offsets tell which shifts are likely."""

_Meanings = Mapping[int, int]
"""Offset as the file says it -> index of the record."""


def resolve(flat: FlatDirectory, found: Findings) -> Tree:
    """The links of `flat` by index, as far as its offsets can be understood; nothing is followed yet."""
    first, last = flat.number(tags.FIRST_ROOT_RECORD), flat.number(tags.LAST_ROOT_RECORD)
    said = {*flat.next, *flat.lower, first} - {0}
    tree = unlinked(len(flat))
    index_of = dict(zip(flat.start, range(len(flat)), strict=True))
    right, tree.shift = _understood(flat, said, index_of, found)
    near = _near(flat, said - right.keys(), frozenset(right.values()), tree.shift) if right else {}
    meant = {**right, **near}
    tree.first = meant.get(first, NONE)
    tree.last = right.get(last, index_of.get(last + tree.shift, NONE))
    if first in near:
        _report_near(flat, first, near[first], tags.FIRST_ROOT_RECORD, first, found)
    for offsets, links, tag in (
        (flat.next, tree.next, tags.NEXT_RECORD),
        (flat.lower, tree.lower, tags.LOWER_LEVEL_ENTITY),
    ):
        for index, offset in enumerate(offsets):
            links[index] = meant.get(offset, NONE)
            if offset in near:
                _report_near(flat, offset, near[offset], tag, flat.start[index], found)
            elif right and offset and links[index] == NONE and offset < len(flat.data):
                message = f"offset {offset} of {flat.record_type(index)}: no record begins there"
                found.add("FS-OFFSET-NOWHERE", message, offset=flat.start[index], tag=tag)
    beyond = sum(offset >= len(flat.data) and offset not in meant for offset in said)
    if beyond:
        found.add("FS-OFFSET-NOWHERE", f"{beyond} offsets lead beyond the end of the file")
    return tree


def _report_near(flat: FlatDirectory, offset: int, index: int, tag: int, where: int, found: Findings) -> None:
    message = f"offset {offset} points beside the record at {flat.start[index]}, which it means"
    found.add("FS-OFFSET-NEAR", message, offset=where, tag=tag)


def check_last(flat: FlatDirectory, tree: Tree, found: Findings) -> None:
    """Compare (0004,1202), which nothing depends on, with the end of the root entity."""
    said, last = flat.number(tags.LAST_ROOT_RECORD), tree.last
    if last == NONE:
        is_right = not said and not len(flat)
    else:
        is_right = tree.parent[last] == NONE and (flat.next[last] == 0 or tree.next[last] == NONE)
    if not is_right:
        message = f"offset of the last root record is {said}: there is no record, or not the last one"
        found.add("FS-OFFSET-LAST", message, offset=said, tag=tags.LAST_ROOT_RECORD)


def _understood(
    flat: FlatDirectory, said: Collection[int], index_of: _Meanings, found: Findings
) -> tuple[_Meanings, int]:
    """What the offsets mean as a whole, and the constant to add to each."""
    truncated = any(finding.rule == "FS-DICOMDIR-TRUNCATED" for finding in flat.findings)
    there = [offset for offset in said if offset < len(flat.data) or not truncated]

    def shifted(shift: int) -> _Meanings:
        meant = {offset: index_of[offset + shift] for offset in said if offset + shift in index_of}
        return meant if 2 * len(meant) >= len(there) else {}

    if meant := shifted(0):
        return meant, 0
    shift = _constant(flat, sorted(there), index_of)
    if meant := shifted(shift):
        found.add("FS-OFFSET-SHIFTED", f"all offsets are wrong by the same: {shift:+} bytes make them right")
        return meant, shift
    if meant := _drifting(flat, sorted(said)):
        found.add("FS-OFFSET-SHIFTED", "the offsets drift away from the records: taken in their order")
    elif said:
        found.add("FS-OFFSET-UNUSABLE", f"most of the {len(said)} offsets lead to no record: none is followed")
    return meant, 0


def _constant(flat: FlatDirectory, said: list[int], index_of: _Meanings) -> int:
    """The shift that makes most offsets hit a record, 0 if there is none."""

    def hits(shift: int, offsets: Sequence[int]) -> int:
        return sum(offset + shift in index_of for offset in offsets)

    ends = ((said[:_ENDS], flat.start[:_ENDS]), (said[-_ENDS:], flat.start[-_ENDS:]))
    shifts = {start - offset for offsets, starts in ends for offset in offsets for start in starts}
    sample = said[:: max(1, len(said) // _SAMPLE)]
    most = max((hits(shift, sample) for shift in shifts), default=0)
    likely = [shift for shift in shifts if hits(shift, sample) >= most - _ENDS]
    # Of these all offsets are tried: where records are alike, a shift by one of them too many misses but the last.
    return max(likely, key=lambda shift: (hits(shift, said), -abs(shift)), default=0)


def _drifting(flat: FlatDirectory, said: list[int]) -> _Meanings:
    """The meanings if there are as many offsets as records, and their distance changes little by little."""
    linked = [index for index in range(len(flat)) if flat.record_type(index) != "MRDR"]
    if len(said) != len(linked):
        return {}
    distances = [flat.start[index] - offset for index, offset in zip(linked, said, strict=True)]
    steady = all(abs(one - other) <= NEAR for one, other in pairwise(distances))
    return dict(zip(said, linked, strict=True)) if steady else {}


def _near(flat: FlatDirectory, offsets: Collection[int], taken: Collection[int], shift: int) -> _Meanings:
    """What offsets beside the start of a record mean, if nothing else leads to that record."""

    def meanings() -> Iterator[tuple[int, int]]:
        for offset in offsets:
            right = bisect_left(flat.start, offset + shift)
            beside = [index for index in (right - 1, right) if 0 <= index < len(flat)]
            nearest = min(beside, key=lambda index: abs(flat.start[index] - offset - shift))
            if abs(flat.start[nearest] - offset - shift) <= NEAR and nearest not in taken:
                yield offset, nearest

    return dict(meanings())
