"""Find the records to which wrong offsets refer.

It tries these explanations, each with a finding: all offsets are shifted by one constant (a writer did not count the
preamble); the distance grows from record to record (a writer counted characters instead of bytes); single offsets are a few
bytes off the start of a record. Any other wrong offset is ignored.
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
"""Maximum distance in bytes between an offset and the record to which it refers: less than the shortest record."""

_ENDS: Final = 4
"""Number of records and offsets at either end from which candidates for a shift are computed."""
_SAMPLE: Final = 256
"""Number of offsets that are tried to find the likely shifts."""

_Meanings = Mapping[int, int]
"""Offset in the file -> index of the record."""


def resolve(flat: FlatDirectory, findings: Findings) -> Tree:
    """Resolve the links of `flat` to indices as far as its offsets are understood, without following them."""
    first, last = flat.number(tags.FIRST_ROOT_RECORD), flat.number(tags.LAST_ROOT_RECORD)
    stated = {*flat.next, *flat.lower, first} - {0}
    tree = unlinked(len(flat))
    index_of = dict(zip(flat.start, range(len(flat)), strict=True))
    right, tree.shift = _understood(flat, stated, index_of, findings)
    near = _near(flat, stated - right.keys(), frozenset(right.values()), tree.shift) if right else {}
    meant = {**right, **near}
    tree.first = meant.get(first, NONE)
    tree.last = right.get(last, index_of.get(last + tree.shift, NONE))
    if first in near:
        _report_near(flat, first, near[first], tags.FIRST_ROOT_RECORD, first, findings)
    for offsets, links, tag in (
        (flat.next, tree.next, tags.NEXT_RECORD),
        (flat.lower, tree.lower, tags.LOWER_LEVEL_ENTITY),
    ):
        for index, offset in enumerate(offsets):
            links[index] = meant.get(offset, NONE)
            if offset in near:
                _report_near(flat, offset, near[offset], tag, flat.start[index], findings)
            elif right and offset and links[index] == NONE and offset < len(flat.data):
                message = f"offset {offset} of {flat.record_type(index)} is not the start of a record"
                findings.add("FS-OFFSET-NOWHERE", message, offset=flat.start[index], tag=tag)
    beyond = sum(offset >= len(flat.data) and offset not in meant for offset in stated)
    if beyond:
        findings.add("FS-OFFSET-NOWHERE", f"offsets beyond the end of the file: {beyond}")
    return tree


def _report_near(flat: FlatDirectory, offset: int, index: int, tag: int, where: int, findings: Findings) -> None:
    message = f"offset {offset} probably means the record at {flat.start[index]}"
    findings.add("FS-OFFSET-NEAR", message, offset=where, tag=tag)


def check_last(flat: FlatDirectory, tree: Tree, findings: Findings) -> None:
    """Compare (0004,1202), which no link depends on, with the end of the root entity."""
    stated, last = flat.number(tags.LAST_ROOT_RECORD), tree.last
    if last == NONE:
        is_right = not stated and not len(flat)
    else:
        is_right = tree.parent[last] == NONE and (flat.next[last] == 0 or tree.next[last] == NONE)
    if not is_right:
        message = f"offset of the last root record is {stated}: there is no record, or not the last one"
        findings.add("FS-OFFSET-LAST", message, offset=stated, tag=tags.LAST_ROOT_RECORD)


def _understood(
    flat: FlatDirectory, stated: Collection[int], index_of: _Meanings, findings: Findings
) -> tuple[_Meanings, int]:
    """Find the meanings of all offsets, and the constant to add to each."""
    truncated = any(finding.rule == "FS-DICOMDIR-TRUNCATED" for finding in flat.findings)
    there = [offset for offset in stated if offset < len(flat.data) or not truncated]

    def shifted(shift: int) -> _Meanings:
        meant = {offset: index_of[offset + shift] for offset in stated if offset + shift in index_of}
        return meant if 2 * len(meant) >= len(there) else {}

    if meant := shifted(0):
        return meant, 0
    shift = _constant(flat, sorted(there), index_of)
    if meant := shifted(shift):
        findings.add("FS-OFFSET-SHIFTED", f"all offsets are wrong by a constant: {shift:+} bytes correct them")
        return meant, shift
    if meant := _drifting(flat, sorted(stated)):
        findings.add(
            "FS-OFFSET-SHIFTED", "the distance between offsets and records grows: the order of the offsets is used"
        )
    elif stated:
        findings.add(
            "FS-OFFSET-UNUSABLE", f"most of the {len(stated)} offsets are not the start of a record: all are ignored"
        )
    return meant, 0


def _constant(flat: FlatDirectory, stated: list[int], index_of: _Meanings) -> int:
    """Find the shift with which most offsets hit a record, 0 if there is none."""

    def hits(shift: int, offsets: Sequence[int]) -> int:
        return sum(offset + shift in index_of for offset in offsets)

    ends = ((stated[:_ENDS], flat.start[:_ENDS]), (stated[-_ENDS:], flat.start[-_ENDS:]))
    shifts = {start - offset for offsets, starts in ends for offset in offsets for start in starts}
    sample = stated[:: max(1, len(stated) // _SAMPLE)]
    most = max((hits(shift, sample) for shift in shifts), default=0)
    likely = [shift for shift in shifts if hits(shift, sample) >= most - _ENDS]
    # Try all offsets with these: if records are alike, a shift by one record too many misses only the last.
    return max(likely, key=lambda shift: (hits(shift, stated), -abs(shift)), default=0)


def _drifting(flat: FlatDirectory, stated: list[int]) -> _Meanings:
    """Guess the meanings if there are as many offsets as records and their distance changes slowly."""
    linked = [index for index in range(len(flat)) if flat.record_type(index) != "MRDR"]
    if len(stated) != len(linked):
        return {}
    distances = [flat.start[index] - offset for index, offset in zip(linked, stated, strict=True)]
    steady = all(abs(one - other) <= NEAR for one, other in pairwise(distances))
    return dict(zip(stated, linked, strict=True)) if steady else {}


def _near(flat: FlatDirectory, offsets: Collection[int], taken: Collection[int], shift: int) -> _Meanings:
    """Find the meanings of offsets close to the start of a record to which no other offset leads."""

    def meanings() -> Iterator[tuple[int, int]]:
        for offset in offsets:
            right = bisect_left(flat.start, offset + shift)
            beside = [index for index in (right - 1, right) if 0 <= index < len(flat)]
            nearest = min(beside, key=lambda index: abs(flat.start[index] - offset - shift))
            if abs(flat.start[nearest] - offset - shift) <= NEAR and nearest not in taken:
                yield offset, nearest

    return dict(meanings())
