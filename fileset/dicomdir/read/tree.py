"""The tree of directory entities (PS3.3 F.2.1), as links between the indices of flat records."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import compress, repeat
from operator import ne

from attrs import define, field

from fileset.dicom.elements import MAX_DEPTH
from fileset.dicomdir.write.layout import NONE
from fileset.findings import Finding


@define
class Tree:
    """Links by index: for each record the `next` of its entity, the first of its `lower` entity, and its `parent`.

    `NONE` means no record. `first` is the first record of the root entity, `last` the last one according to the file.
    `reached`: which records are in the tree. `hidden`: which are inactive, by their own in-use flag or that of a record
    above. `shift`: bytes to add to every offset of the file. `in_order`: whether all records are known to be in preorder,
    each before its children, and these before the next record of its entity.
    """

    next: array[int]
    lower: array[int]
    parent: array[int]
    first: int
    last: int
    reached: bytearray
    hidden: bytearray
    shift: int = 0
    in_order: bool = False
    findings: list[Finding] = field(factory=list)

    def entity(self, first: int) -> Iterator[int]:
        """Yield the active records of the directory entity that starts with `first`."""
        index, following, hidden = first, self.next, self.hidden
        while index != NONE:
            if not hidden[index]:
                yield index
            index = following[index]

    def children(self, index: int) -> Iterator[int]:
        """Yield the active records of the lower-level entity of a record."""
        return self.entity(self.lower[index])

    def above(self, index: int) -> Iterator[int]:
        """Yield the records above a record, the nearest first; at most `MAX_DEPTH`."""
        for _ in range(MAX_DEPTH):
            index = self.parent[index]
            if index == NONE:
                return
            yield index

    def walk(self, *, inactive: bool = False) -> Iterator[int]:
        """Walk all active records, each before its children; with `inactive` all records."""
        following, lower, hidden = self.next, self.lower, bytes(len(self.hidden)) if inactive else self.hidden
        stack = [self.first]
        while stack:
            index = stack.pop()
            while index != NONE:
                if not hidden[index]:
                    yield index
                    if lower[index] != NONE:
                        stack.append(following[index])
                        index = lower[index]
                        continue
                index = following[index]

    def adopt(self, index: int, above: int) -> bool:
        """Mark all records that the links reach from `index`, the first record of the entity below `above`.

        Return whether no record was reached twice; such a record is not followed again.
        """
        following, lower, parent, reached = self.next, self.lower, self.parent, self.reached
        stack = [(index, above)]
        clean = True
        while stack:
            index, above = stack.pop()
            while index != NONE:
                if reached[index]:
                    clean = False
                    break
                reached[index] = 1
                parent[index] = above
                if lower[index] != NONE:
                    stack.append((lower[index], index))
                index = following[index]
        return clean

    def adopt_all(self, ends: Sequence[int]) -> bool:
        """Adopt the root entity like `adopt`, but mark consecutive records without lower records together.

        `ends` are, in order, the records that have lower records or are not followed by the next one in the file.
        """
        following, lower, parent, reached = self.next, self.lower, self.parent, self.reached
        stack = [(self.first, NONE)]
        in_order, following_index = True, 0
        while stack:
            index, above = stack.pop()
            while index != NONE:
                last = ends[bisect_left(ends, index)]
                size = last + 1 - index
                if reached.find(1, index, last + 1) != -1:
                    return False
                reached[index : last + 1] = b"\1" * size
                parent[index : last + 1] = array("q", [above]) * size
                in_order &= index == following_index
                following_index = last + 1
                index = following[last]
                if lower[last] != NONE:
                    stack.append((index, above))
                    index, above = lower[last], last
        self.in_order = in_order and following_index == len(following)
        return True

    def end_of_branch(self, index: int) -> int:
        """Find the index after a record and all below it; `NONE` if these are not consecutive, or unknown."""
        if self.lower[index] == NONE:
            return index + 1
        if not self.in_order:
            return NONE
        while index != NONE:
            if self.next[index] != NONE:
                return self.next[index]
            index = self.parent[index]
        return len(self.next)

    def is_deep(self) -> bool:
        """Check whether records are nested more than `MAX_DEPTH` deep."""
        holders = compress(range(len(self.lower)), map(ne, self.lower, repeat(NONE)))
        return any(sum(1 for _ in self.above(index)) >= MAX_DEPTH for index in holders)

    def flatten(self) -> int:
        """Move the entities that are too deep to the end of the root entity, and count them."""
        following, lower, parent = self.next, self.lower, self.parent
        self.in_order = False
        moved: list[int] = []
        stack = [(self.first, 0)]
        while stack:
            index, depth = stack.pop()
            while index != NONE:
                if not depth:
                    parent[index] = NONE
                if lower[index] != NONE and depth < MAX_DEPTH:
                    stack.append((lower[index], depth + 1))
                elif lower[index] != NONE:
                    moved.append(lower[index])
                    stack.append((lower[index], 0))
                    lower[index] = NONE
                index = following[index]
        last = self.first
        for first in moved:
            while following[last] != NONE:
                last = following[last]
            following[last] = first
        return len(moved)

    def hide_below(self) -> None:
        """Mark all records below an inactive record as inactive."""
        for index in self.walk(inactive=True):
            above = self.parent[index]
            if above != NONE and self.hidden[above]:
                self.hidden[index] = 1


def unlinked(count: int) -> Tree:
    """Make a tree of `count` records without links."""
    none = array("q", [NONE]) * count
    return Tree(none[:], none[:], none[:], NONE, NONE, bytearray(count), bytearray(count))
