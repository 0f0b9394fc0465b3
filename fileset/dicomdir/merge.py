"""Kept records and new nodes -> one directory, laid out afresh.

Kept records stay in their order, new ones are put among them by number. Only entities that get new records are
looked into; everything else is copied as it is, so that the cost of an update is that of copying bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Final

from attrs import define, field

from fileset.dicomdir.build import RecordBuilder
from fileset.dicomdir.contents import MRDR_OFFSET
from fileset.dicomdir.directory import NONE, Directory, Frame
from fileset.dicomdir.kept import Kept
from fileset.dicomdir.preorder import Links
from fileset.dicomdir.record import LOWER_AT, NEXT_AT
from fileset.dicomdir.transcode import all_sound, body
from fileset.encoding.elements import EXPLICIT_LITTLE, elements
from fileset.records.chain import LEVELS
from fileset.records.tree import Node, Order

MRDR: Final = "MRDR"


@define
class Growth:
    """The new records among the kept ones. A new record is numbered behind all that were read.

    `below` holds the new records of each entity by the record above, in order; `former` the kept record whose place a
    new one takes, with all below it; `bodies` the kept record whose bytes a new one has.
    """

    kept: Kept
    nodes: list[Node] = field(factory=list)
    below: dict[int, list[int]] = field(factory=dict)
    former: dict[int, int] = field(factory=dict)
    bodies: dict[int, int] = field(factory=dict)

    def add(self, node: Node, above: int) -> int:
        """One more new record, below another; its number."""
        reference = len(self.kept.flat) + len(self.nodes)
        self.nodes.append(node)
        self.below.setdefault(above, []).append(reference)
        return reference

    def node(self, reference: int) -> Node | None:
        """The new record of this number, None for a kept one."""
        new = reference - len(self.kept.flat)
        return self.nodes[new] if new >= 0 else None

    def order(self, reference: int) -> Order:
        """Where a record stands among its siblings."""
        node = self.node(reference)
        return node.order if node else self.kept.order(reference)

    def children(self, reference: int) -> Iterator[int]:
        """The records of the lower-level entity of a record, of the root entity for `NONE`."""
        new = self.below.get(reference, [])
        former = self.former.get(reference, reference)
        if former >= len(self.kept.flat):
            return iter(new)
        kept = self.kept.children(former)
        return iter(merged(list(kept), new, self.order)) if new else kept

    def are_kept_leaves(self, above: int, references: list[int]) -> bool:
        """Whether nothing is new among the records of an entity, nor below them."""
        lowers = map(self.kept.tree.lower.__getitem__, references)
        return (
            above not in self.below and max(lowers, default=NONE) == NONE and self.below.keys().isdisjoint(references)
        )


def merged(kept: list[int], new: list[int], order: Callable[[int], Order]) -> list[int]:
    """Both, each in its own order: every new one behind the last kept one that does not come after it."""
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
    """Put `nodes`, in preorder, below the kept records that they belong to.

    A patient, study or series that is kept is extended, or, if it is to be renewed, gets a new record. Raises
    `RefusedError` if it is there several times.
    """
    growth = Growth(kept)
    above = [NONE]
    for node in nodes:
        del above[node.depth + 1 :]
        found = kept.entity(node.record_type, node.key) if node.record_type in LEVELS else NONE
        if found != NONE and found not in kept.renewed:
            above.append(found)
            continue
        above.append(growth.add(node, above[node.depth]))
        if found != NONE:
            growth.former[above[-1]] = found
    for former in growth.former.values():
        kept.dropped[former] = 1
    return growth


def regrow(kept: Kept, nodes: Iterable[Node], former: Callable[[Node], int], sound: Container[int]) -> Growth:
    """Put `nodes`, in preorder, where they say, whatever the old tree was.

    `former` gives the kept record of a node, `NONE` if it has none: of those in `sound` the bytes are kept, of all the
    records below that stay otherwise.
    """
    growth = Growth(kept)
    above = [NONE]
    for node in nodes:
        del above[node.depth + 1 :]
        above.append(growth.add(node, above[node.depth]))
        index = former(node)
        if index != NONE:
            growth.former[above[-1]] = index
        if index in sound:
            growth.bodies[above[-1]] = index
    return growth


def laid_out(growth: Growth, frame: Frame, file_id: Callable[[Node], bytes]) -> Directory:
    """The directory of all records, each entity below the record that refers to it."""
    layout = _Layout(growth, file_id)
    stack = [growth.children(NONE)]
    while stack:
        reference = next(stack[-1], None)
        if reference is None:
            stack.pop()
            continue
        layout.append(reference, len(stack) - 1)
        below = list(growth.children(reference))
        if growth.are_kept_leaves(reference, below):
            layout.append_leaves(below, len(stack))
        else:
            stack.append(iter(below))
    links = layout.links
    directory = Directory(frame, layout.bodies, links.next, links.lower, links.first, links.last)
    if not layout.sound:
        directory.next_at, directory.lower_at = layout.next_at, layout.lower_at
    if MRDR in growth.kept.flat.types:
        _append_mrdrs(growth.kept, layout, directory)
    return directory


class _Layout:
    """Collects records in preorder."""

    def __init__(self, growth: Growth, file_id: Callable[[Node], bytes]) -> None:
        self._growth = growth
        self._flat = growth.kept.flat
        self._builder = RecordBuilder(file_id)
        self.sound = all_sound(self._flat)
        self.links = Links()
        self.bodies: list[bytes] = []
        self.next_at = array("I")
        self.lower_at = array("I")

    def append(self, reference: int, depth: int) -> None:
        """One record."""
        node = self._growth.node(reference)
        if node is None or reference in self._growth.bodies:
            self.append_kept([self._growth.bodies.get(reference, reference)])
        else:
            self.bodies.append(self._builder.body(node))
            self._placed(NEXT_AT, LOWER_AT)
        self.links.append(depth)

    def append_leaves(self, indexes: list[int], depth: int) -> None:
        """Kept records of one entity with nothing below them: nearly all there are."""
        self.append_kept(indexes)
        self.links.extend(depth, len(indexes))

    def append_kept(self, indexes: list[int]) -> None:
        """The bytes of kept records: slices of the file wherever that is possible."""
        flat = self._flat
        if self.sound:
            data, starts, ends = flat.data, flat.start, flat.end
            self.bodies.extend([data[starts[index] : ends[index]] for index in indexes])
            return
        for record in (body(flat, index) for index in indexes):
            self.bodies.append(record.body)
            self._placed(record.next_at, record.lower_at)

    def _placed(self, next_at: int, lower_at: int) -> None:
        if not self.sound:
            self.next_at.append(next_at)
            self.lower_at.append(lower_at)


def _append_mrdrs(kept: Kept, layout: _Layout, directory: Directory) -> None:
    """Multi-Referenced File Directory Records (retired, PS3.3-2003 F.6.2): in no entity, found by offset."""
    flat = kept.flat
    mrdr_at = {flat.start[index]: index for index in range(len(flat)) if kept.contents.type_name(index) == MRDR}
    positions: dict[int, int] = {}
    others = []
    for position in range(len(layout.bodies)):
        place, offset = _mrdr_link(layout.bodies[position])
        offset += kept.tree.shift
        if not place or offset not in mrdr_at:
            continue
        if offset not in positions:
            positions[offset] = len(layout.bodies)
            layout.append_kept([mrdr_at[offset]])
            directory.next.append(NONE)
            directory.lower.append(NONE)
        others.append((position, place, positions[offset]))
    directory.others = others


def _mrdr_link(record: bytes) -> tuple[int, int]:
    """Where (0004,1504) stands in a record, and its value; (0, 0) if there is none."""
    for part in elements(record, 8, len(record), EXPLICIT_LITTLE):
        if part.tag == MRDR_OFFSET and part.value_end - part.value_at == 4:
            return part.value_at, EXPLICIT_LITTLE.long(record, part.value_at)[0]
        if part.tag > MRDR_OFFSET:
            break
    return 0, 0
