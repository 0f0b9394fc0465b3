"""Merge kept records and new nodes into one directory with new offsets.

Kept records stay in their order; new records are inserted by number. Only entities that change are examined. All other
records are copied many at a time, so that an update costs as much as copying bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from attrs import define, field

from fileset.dicom.elements import EXPLICIT_LITTLE, elements
from fileset.dicomdir.write.kept import Kept
from fileset.dicomdir.write.layout import NONE, Directory, Frame
from fileset.dicomdir.write.links import Links
from fileset.dicomdir.write.record import LOWER_AT, NEXT_AT, RecordEncoder
from fileset.dicomdir.write.transcode import EncodedRecord, all_sound, body
from fileset.records.arranged import Node, Order
from fileset.records.levels import LEVELS
from fileset.standard import tags

MRDR: Final = "MRDR"
TOGETHER: Final = 4096
"""The number of kept records that are copied together."""


class RecordRun(NamedTuple):
    """Records of an entity: a run of kept records with everything below them, up to the index `end`.

    If `end` is `NONE`, it is a single record whose lower-level entity changes.
    """

    first: int
    last: int
    end: int


_NOTHING: Final = RecordRun(NONE, NONE, NONE)


@define
class Growth:
    """The new records among the kept ones. New records have numbers after all old ones.

    `below`: the new records of each entity in order, by the record above. `former`: the kept record whose place a new one
    takes, with everything below it. `bodies`: the kept record whose bytes a new one reuses.
    """

    kept: Kept
    nodes: list[Node] = field(factory=list)
    below: dict[int, list[int]] = field(factory=dict)
    former: dict[int, int] = field(factory=dict)
    bodies: dict[int, int] = field(factory=dict)

    def add(self, node: Node, above: int) -> int:
        """Add a new record below another; return its number."""
        reference = len(self.kept.flat) + len(self.nodes)
        self.nodes.append(node)
        self.below.setdefault(above, []).append(reference)
        return reference

    def parents(self) -> dict[int, int]:
        """Map each new record to the one above it, `NONE` for the root entity."""
        return {reference: above for above, references in self.below.items() for reference in references}

    def node(self, reference: int) -> Node | None:
        """Return the new record of this number, None for a kept one."""
        new = reference - len(self.kept.flat)
        return self.nodes[new] if new >= 0 else None

    def order(self, reference: int) -> Order:
        """Return the position of a record among its siblings."""
        node = self.node(reference)
        return node.order if node else self.kept.order(reference)

    def children(self, reference: int) -> Iterator[int]:
        """Yield the records of the lower-level entity of a record; of the root entity for `NONE`."""
        new = self.below.get(reference, [])
        former = self.former.get(reference, reference)
        if former >= len(self.kept.flat):
            return iter(new)
        kept = self.kept.children(former)
        return iter(merged(list(kept), new, self.order)) if new else kept

    def pieces(self, above: int) -> Iterator[RecordRun]:
        """Yield the kept records of the lower-level entity of a record; of the root entity for `NONE`.

        Adjacent unchanged branches come together, other records one by one.
        """
        piece = _NOTHING
        for reference in self.children(above):
            end = self._end_of_branch(reference)
            if end != NONE and reference == piece.end == self.kept.tree.next[piece.last]:
                piece = RecordRun(piece.first, reference, end)
                continue
            if piece is not _NOTHING:
                yield piece
            piece = RecordRun(reference, reference, end)
        if piece is not _NOTHING:
            yield piece

    def _end_of_branch(self, reference: int) -> int:
        """Find the index after a kept record and everything below it; `NONE` if something there changes or is inserted."""
        kept = self.kept
        if reference >= len(kept.flat) or reference in self._touched:
            return NONE
        end = kept.tree.end_of_branch(reference)
        return end if kept.dropped.find(1, reference, end) == -1 else NONE

    @cached_property
    def _touched(self) -> set[int]:
        """The kept records that get new records below them."""
        known = [above for above in self.below if NONE < above < len(self.kept.flat)]
        return {*known, *(further for above in known for further in self.kept.tree.above(above))}


def merged(kept: list[int], new: list[int], order: Callable[[int], Order]) -> list[int]:
    """Merge both lists: each new record follows the last kept one with no higher position."""
    at = len(kept)
    result: list[int] = []
    for one in reversed(new):
        place = order(one)
        stop = at
        while at and order(kept[at - 1]) > place:
            at -= 1
        result.extend(reversed(kept[at:stop]))
        result.append(one)
    result.extend(reversed(kept[:at]))
    result.reverse()
    return result


def grow(kept: Kept, nodes: Iterable[Node]) -> Growth:
    """Add `nodes`, in preorder, to the kept records, below the records that they belong to.

    A kept patient, study or series is extended, or gets a new record if its node has keys. Raises `RefusedError` if the
    directory has several records for it.
    """
    growth = Growth(kept)
    above = [NONE]
    for node in nodes:
        del above[node.depth + 1 :]
        found = kept.entity(node.record_type, node.key) if node.record_type in LEVELS else NONE
        if found != NONE and not node.tail:
            above.append(found)
            continue
        above.append(growth.add(node, above[node.depth]))
        if found != NONE:
            growth.former[above[-1]] = found
    for former in growth.former.values():
        kept.dropped[former] = 1
    return growth


def laid_out(growth: Growth, frame: Frame, file_id: Callable[[Node], bytes]) -> Directory:
    """Lay out the directory of all records in preorder."""
    layout = _Preorder(growth, len(frame.head), file_id)
    stack = [growth.pieces(NONE)]
    while stack:
        piece = next(stack[-1], None)
        if piece is None:
            stack.pop()
        elif piece.end != NONE:
            layout.extend(piece, len(stack) - 1)
        else:
            layout.append(piece.first, len(stack) - 1)
            stack.append(growth.pieces(piece.first))
    others = _append_mrdrs(growth.kept, layout) if MRDR in growth.kept.flat.types else ()
    return layout.directory(frame, others)


class _Preorder:
    """Collects records in preorder, the first of them at offset `at`."""

    def __init__(self, growth: Growth, at: int, file_id: Callable[[Node], bytes]) -> None:
        self._growth = growth
        self._kept = growth.kept
        self._flat = growth.kept.flat
        self._data = memoryview(self._flat.data)
        self._encoder = RecordEncoder()
        self._file_id = file_id
        self._alike = all_sound(self._flat) and MRDR not in self._flat.types
        self._starts = array("Q", [at])
        self._said = array("I"), array("I")
        self._places = array("I"), array("I")
        self.links = Links()
        self.bodies: list[bytes | memoryview] = []

    def append(self, reference: int, depth: int) -> None:
        """Append a new record."""
        node = self._growth.node(reference)
        if node is None or reference in self._growth.bodies:
            self.append_kept(self._growth.bodies.get(reference, reference))
        else:
            file_id = self._file_id(node) if node.source >= 0 else b""
            self._append(EncodedRecord(self._encoder.body(node.record_type, node.tail, file_id)))
        self.links.append(depth)

    def extend(self, piece: RecordRun, depth: int) -> None:
        """Append unchanged branches of kept records, which most records belong to."""
        flat, tree, begun, end = self._flat, self._kept.tree, piece.first, piece.end
        shift = len(self._starts) - 1 - begun
        self.links.extend(depth, tree.next[begun:end], tree.lower[begun:end], shift, piece.last)
        if not self._alike:
            for index in range(begun, end):
                self.append_kept(index)
            return
        moved = self._starts.pop() - flat.start[begun]
        places = flat.start[begun:end]
        places.append(flat.end[end - 1])
        self._starts.extend(array("Q", map(moved.__add__, places)) if moved else places)
        for said, values in zip(self._said, (flat.next, flat.lower), strict=True):
            said.extend(values[begun:end])
        for at in range(begun, end, TOGETHER):
            self.bodies.append(self._data[flat.start[at] : flat.end[min(at + TOGETHER, end) - 1]])

    def append_kept(self, index: int) -> None:
        """Append a kept record without its links."""
        self._append(body(self._flat, index))

    def _append(self, record: EncodedRecord) -> None:
        self.bodies.append(record.body)
        self._starts.append(self._starts[-1] + len(record.body))
        for said, value in zip(self._said, record.said, strict=True):
            said.append(value)
        for places, place in zip(self._places, record.places, strict=True):
            places.append(place)

    def directory(self, frame: Frame, others: Sequence[tuple[int, int, int]]) -> Directory:
        """Build the directory of all appended records."""
        links = self.links
        next_at, lower_at = (NEXT_AT, LOWER_AT) if self._alike else self._places
        return Directory(
            frame,
            self.bodies,
            links.next,
            links.lower,
            links.first,
            links.last,
            next_at,
            lower_at,
            others,
            self._starts,
            self._said,
        )


def _append_mrdrs(kept: Kept, layout: _Preorder) -> Sequence[tuple[int, int, int]]:
    """Append the Multi-Referenced File Directory Records, which are in no entity (retired, PS3.3-2003 F.6.2)."""
    flat, links = kept.flat, layout.links
    mrdr_at = {flat.start[index]: index for index in range(len(flat)) if kept.contents.type_name(index) == MRDR}
    positions: dict[int, int] = {}
    others = []
    for position in range(len(layout.bodies)):
        place, offset = _mrdr_link(bytes(layout.bodies[position]))
        offset += kept.tree.shift
        if not place or offset not in mrdr_at:
            continue
        if offset not in positions:
            positions[offset] = len(layout.bodies)
            layout.append_kept(mrdr_at[offset])
            links.next.append(NONE)
            links.lower.append(NONE)
        others.append((position, place, positions[offset]))
    return others


def _mrdr_link(record: bytes) -> tuple[int, int]:
    """Find the position of (0004,1504) in a record, and its value; (0, 0) if absent."""
    for part in elements(record, 8, len(record), EXPLICIT_LITTLE):
        if part.tag == tags.MRDR_OFFSET and part.value_end - part.value_at == 4:
            return part.value_at, EXPLICIT_LITTLE.long(record, part.value_at)[0]
    return 0, 0
