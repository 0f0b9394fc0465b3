"""The arranged tree: all records in preorder. Instances are in columns, because there may be a million."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, count, repeat
from typing import Any, Final, NamedTuple, TypeVar, cast

from fileset.records.packed import PackedBytes

Value = TypeVar("Value")
Order = tuple[Any, ...]
"""Sorts the records of one directory entity: patients, studies or series first, then instances."""


class Node(NamedTuple):
    """One record of the arranged tree: depth 0 is the root entity.

    `tail` follows the File ID in the record; `source` is the index of the instance's source, -1 for a record that
    references no file. `position` counts within the entity, and `path` holds the positions of the records above.
    `key` identifies a patient, study or series: Patient ID as the record has it, or UID; there is no `tail` if the
    directory has a record for it that stays. `order` is among siblings.
    """

    depth: int
    record_type: str
    position: int
    tail: bytes
    source: int = -1
    sop_instance_uid: bytes = b""
    path: tuple[int, ...] = ()
    key: bytes | str = b""
    order: Order = ()


InstanceRow = tuple[int, bytes, str, bytes, int]
"""Instance Number, SOP Instance UID, record type, tail, and index of the source."""
Instances = tuple[list[int], list[bytes], list[str]]
"""The sources, SOP Instance UIDs and record types of several instances."""
_TOGETHER: Final = 1024
_NODE: Final = partial(tuple.__new__, Node)
"""Makes a node from all its values, three times as fast as a call of the class."""


class InstanceColumns:
    """Instances in the order in which they were added, with a column for each value of their records.

    `settle` moves added instances into the columns, many at a time.
    """

    __slots__ = ("_new", "numbers", "record_types", "sources", "tails", "uids")

    def __init__(self) -> None:
        self._new: list[InstanceRow] = []
        self.numbers = array("q")
        self.record_types: list[str] = []
        self.sources = array("q")
        self.tails = PackedBytes()
        self.uids = PackedBytes()

    def append(self, row: InstanceRow) -> int:
        """Add an instance, and return its index."""
        if len(self._new) == _TOGETHER:
            self.settle()
        self._new.append(row)
        return len(self.sources) + len(self._new) - 1

    def settle(self) -> None:
        """Move the most recent instances into the columns."""
        if self._new:
            numbers, uids, record_types, tails, sources = zip(*self._new, strict=True)
            self.numbers.extend(numbers)
            self.uids.extend(uids)
            self.record_types.extend(record_types)
            self.tails.extend(tails)
            self.sources.extend(sources)
            self._new.clear()

    def in_order(self, indexes: Sequence[int], *, by_type: bool = False) -> array[int]:
        """Sort the indexes of instances in the order of their records: by number and UID, before that `by_type`."""
        kinds = map(self.record_types.__getitem__, indexes) if by_type else repeat("")
        numbers = map(self.numbers.__getitem__, indexes)
        rows = sorted(zip(kinds, numbers, self.uids.take(indexes), indexes, strict=False))
        return array("I", [row[3] for row in rows])


class InstanceRun(NamedTuple):
    """Instances below one record, by their indexes in the columns: from `position` on, below the records `path`."""

    members: array[int]
    position: int
    path: tuple[int, ...]

    def nodes(self, columns: InstanceColumns) -> Iterator[Node]:
        """Build the records."""
        numbers = map(columns.numbers.__getitem__, self.members)
        sources, uids, types = self.instances(columns)
        orders: Iterable[Order] = zip(repeat(1), numbers, uids) if self.path else zip(repeat(1), types, numbers, uids)
        tails = columns.tails.take(self.members)
        own = zip(repeat(len(self.path)), types, count(self.position), tails, sources, uids)
        rows = ((*values, self.path, b"", order) for values, order in zip(own, orders, strict=True))
        return cast("Iterator[Node]", map(_NODE, rows))

    def instances(self, columns: InstanceColumns) -> Instances:
        """Return the sources, SOP Instance UIDs and record types."""
        members = self.members
        sources, types = map(columns.sources.__getitem__, members), map(columns.record_types.__getitem__, members)
        return list(sources), columns.uids.take(members), list(types)


class Arranged:
    """The records of a tree in preorder. Each iteration makes them again.

    `items` are the records of patients, studies and series, and runs of instances between them.
    """

    def __init__(self, items: Iterable[Node | InstanceRun] = (), columns: InstanceColumns | None = None) -> None:
        self._items = list(items)
        self._columns = columns or InstanceColumns()

    def __len__(self) -> int:
        return sum(len(one.members) if isinstance(one, InstanceRun) else 1 for one in self._items)

    def __iter__(self) -> Iterator[Node]:
        for one in self._items:
            if isinstance(one, InstanceRun):
                yield from one.nodes(self._columns)
            else:
                yield one

    def instances(self) -> Iterator[Instances]:
        """Yield the sources, SOP Instance UIDs and record types of instances, series by series."""
        for one in self._items:
            if isinstance(one, InstanceRun):
                yield one.instances(self._columns)
            elif one.source >= 0:
                yield [one.source], [one.sop_instance_uid], [one.record_type]

    def sources(self) -> Iterator[int]:
        """Yield the source of each instance."""
        return chain.from_iterable(sources for sources, _, _ in self.instances())

    def identities(self) -> Iterator[tuple[int, bytes]]:
        """Yield the source and the SOP Instance UID of each instance."""
        return chain.from_iterable(zip(sources, uids, strict=True) for sources, uids, _ in self.instances())

    def depths(self) -> Iterator[int]:
        """Yield the depth of each record."""
        return chain.from_iterable(
            repeat(len(one.path), len(one.members)) if isinstance(one, InstanceRun) else (one.depth,)
            for one in self._items
        )

    def records(self, file_ids: Iterable[bytes]) -> Iterator[tuple[str, bytes, bytes]]:
        """Yield type, tail and File ID of each record; `file_ids` has the File IDs of the records that reference files."""
        return self._rows(self._columns.tails.take, bytes, iter(file_ids), b"")

    def sizes(self, file_ids: Iterable[bytes]) -> Iterator[tuple[str, int, int]]:
        """Yield the same with the numbers of bytes of tail and File ID."""
        return self._rows(self._columns.tails.lengths, len, map(len, file_ids), 0)

    def _rows(
        self,
        of_instances: Callable[[Iterable[int]], list[Value]],
        of_other: Callable[[bytes], Value],
        references: Iterator[Value],
        no_reference: Value,
    ) -> Iterator[tuple[str, Value, Value]]:
        record_type = self._columns.record_types.__getitem__
        for one in self._items:
            if isinstance(one, InstanceRun):
                tails = of_instances(one.members)
                yield from zip(map(record_type, one.members), tails, references, strict=False)
            else:
                yield one.record_type, of_other(one.tail), next(references) if one.source >= 0 else no_reference

    def count(self, record_type: str) -> int:
        """Count the records of a type of patients, studies or series."""
        return sum(isinstance(one, Node) and one.record_type == record_type for one in self._items)

    def clear(self) -> None:
        """Free the memory of all records."""
        self._items, self._columns = [], InstanceColumns()
