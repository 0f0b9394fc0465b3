"""Offsets that do not all hit a record -> the records that they mean.

A ladder, each step a finding: the offsets as they are; all shifted by one constant (counted without the preamble, or
from the data set); drifting apart from the records, in the same order (counted in characters where names are longer
in bytes); single ones a few bytes beside the start of a record. What none of these explains leads nowhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Final

from fileset.dicomdir.directory import NONE
from fileset.dicomdir.flat import FlatDirectory
from fileset.dicomdir.tree import Tree, unlinked
from fileset.findings import Findings

FIRST: Final = 0x00041200
LAST: Final = 0x00041202
NEAR: Final = 32
"""Bytes that an offset may be beside the start of a record: less than any record that says something."""

_ENDS: Final = 4

_Meanings = Mapping[int, int]
"""Offset as the file says it -> index of the record."""


def resolve(flat: FlatDirectory, found: Findings) -> Tree:
    """The links of `flat` by index, as far as its offsets can be understood; nothing is followed yet."""
    said = {*flat.next, *flat.lower, flat.number(FIRST)} - {0}
    tree = unlinked(len(flat))
    index_of = dict(zip(flat.start, range(len(flat)), strict=True))
    meant, tree.shift = _understood(flat, said, index_of, found)
    near = _near(flat, said - meant.keys(), frozenset(meant.values()), tree.shift) if meant else {}
    meant = {**meant, **near}
    tree.first = meant.get(flat.number(FIRST), NONE)
    tree.last = meant.get(flat.number(LAST), index_of.get(flat.number(LAST) + tree.shift, NONE))
    for offsets, links, tag in ((flat.next, tree.next, 0x00041400), (flat.lower, tree.lower, 0x00041420)):
        for index, offset in enumerate(offsets):
            links[index] = meant.get(offset, NONE)
            if offset in near:
                message = f"offset {offset} points beside the record at {flat.start[near[offset]]}, which it means"
                found.add("FS-OFFSET-NEAR", message, offset=flat.start[index], tag=tag)
            elif meant and offset and links[index] == NONE and offset < len(flat.data):
                message = f"offset {offset} of {flat.record_type(index)}: no record begins there"
                found.add("FS-OFFSET-NOWHERE", message, offset=flat.start[index], tag=tag)
    beyond = sum(offset >= len(flat.data) and offset not in meant for offset in said)
    if beyond:
        found.add("FS-OFFSET-NOWHERE", f"{beyond} offsets lead beyond the end of the file")
    return tree


def check_last(flat: FlatDirectory, tree: Tree, found: Findings) -> None:
    """Compare (0004,1202), which nothing depends on, with the end of the root entity."""
    said, last = flat.number(LAST), tree.last
    if last == NONE:
        is_right = not said and not len(flat)
    else:
        is_right = tree.parent[last] == NONE and (flat.next[last] == 0 or tree.next[last] == NONE)
    if not is_right:
        message = f"offset of the last root record is {said}: there is no record, or not the last one"
        found.add("FS-OFFSET-LAST", message, offset=said, tag=LAST)


def _understood(
    flat: FlatDirectory, said: Collection[int], index_of: _Meanings, found: Findings
) -> tuple[_Meanings, int]:
    """What the offsets mean as a whole, and the constant to add to each."""
    truncated = any(finding.rule == "FS-DICOMDIR-TRUNCATED" for finding in flat.findings)
    there = [offset for offset in said if offset < len(flat.data) or not truncated]
    constant = _constant(flat, sorted(there), index_of)
    for shift in (0, constant):
        meant = {offset: index_of[offset + shift] for offset in said if offset + shift in index_of}
        if 2 * len(meant) >= max(len(there), 1):
            if shift:
                found.add("FS-OFFSET-SHIFTED", f"all offsets are wrong by the same: {shift:+} bytes make them right")
            return meant, shift
    drifting = _drifting(flat, sorted(said))
    if drifting:
        found.add("FS-OFFSET-SHIFTED", "the offsets drift away from the records: taken in their order")
    elif said:
        found.add("FS-OFFSET-UNUSABLE", f"most of the {len(said)} offsets lead to no record: none is followed")
    return drifting, 0


def _constant(flat: FlatDirectory, said: list[int], index_of: _Meanings) -> int:
    """The shift that makes most offsets hit a record, 0 if there is none."""
    ends = ((said[:_ENDS], flat.start[:_ENDS]), (said[-_ENDS:], flat.start[-_ENDS:]))
    shifts = {start - offset for offsets, starts in ends for offset in offsets for start in starts}
    # All are counted: where records are alike, a shift by one of them too many misses but the last.
    return max(shifts, key=lambda shift: (sum(at + shift in index_of for at in said), -abs(shift)), default=0)


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
