"""A directory as encoded records and their links, ready to be written.

The two links of a record, (0004,1400) and (0004,1420), are UL values of fixed width, so the position of a record does not
change its length. Each record is encoded once, or cut out of the old file, alone or with its neighbours. A running sum of
the lengths gives all offsets; then the writer fills in the two links of each record, unless they are already right. Creating
and updating share this path, and no record of the old file is encoded again.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, compress, repeat
from operator import gt, ne
from struct import Struct
from typing import Final

from attrs import Factory, define, field, frozen

from fileset.errors import FormatError, RuleError

LARGEST_OFFSET: Final = 0xFFFFFFFF
"""Offsets are UL: every record must begin below 4 GiB (PS3.3 F.3.2.2)."""
NONE: Final = -1
"""Index for "no record": the end of an entity, or no lower-level entity."""

_pack: Final = Struct("<I").pack_into
_BATCH: Final = 1 << 20
"""Smallest size of the written chunks in bytes."""


@frozen
class Frame:
    """The parts around the records: `head` up to the first item, `tail` after the last.

    `first_at` and `last_at` are the positions in `head` of the offsets of the first and last root record. `length_at` is the
    position of the length of the Directory Record Sequence, -1 if the length is undefined. All are -1 if the file has no
    Directory Information Module.
    """

    head: bytes
    first_at: int = -1
    last_at: int = -1
    length_at: int = -1
    tail: bytes = b""

    @property
    def has_directory(self) -> bool:
        """Whether there is a Directory Information Module (PS3.3 F.3.2.2, usage U)."""
        return self.first_at >= 0


def _running_sum(directory: Directory) -> array[int]:
    return array("Q", accumulate(map(len, directory.bodies), initial=len(directory.frame.head)))


@define
class Directory:
    """Records in their physical order, linked by index.

    `next` and `lower` hold, for each record, the index of the next record of its directory entity and of the first
    record of its lower-level entity, `NONE` at the end; `first` and `last` belong to the root entity.
    `next_at` and `lower_at` are the positions of the links in each record, one number if all are equal. `others` has links
    of retired kinds: index of the record, position of the link in it, index of its target.

    `bodies` are the items of the records in sequence, and can be iterated over several times. `starts` has the offset of each
    record, counted from the first byte of the file, preamble included, and one more, the end; it must be given if one of the
    `bodies` holds several records.
    `said` are the values of both links of all records in the bodies, None if unknown.

    Raises `RuleError` if a record would begin at or beyond 4 GiB, the limit of offsets.
    """

    frame: Frame
    bodies: Iterable[bytes | memoryview]
    next: array[int] = field(factory=lambda: array("q"))
    lower: array[int] = field(factory=lambda: array("q"))
    first: int = NONE
    last: int = NONE
    next_at: Sequence[int] | int = 16
    lower_at: Sequence[int] | int = 38
    others: Sequence[tuple[int, int, int]] = ()
    starts: array[int] = field(default=Factory(_running_sum, takes_self=True))
    said: tuple[Iterable[int], Iterable[int]] | None = None

    def __attrs_post_init__(self) -> None:
        if len(self) and self.starts[-2] > LARGEST_OFFSET:
            raise RuleError(
                f"the directory is {self.starts[-1]} bytes long, but offsets cannot count beyond 4 GiB (PS3.3 F.3.2.2): "
                "split the file-set over several volumes"
            )

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def size(self) -> int:
        """Bytes of the DICOMDIR."""
        return self.starts[-1] + len(self.frame.tail)

    @cached_property
    def offsets(self) -> tuple[array[int], array[int]]:
        """The values of both links of all records: offsets, 0 for `NONE`. Raises `FormatError` for an invalid index."""
        if max(max(self.next, default=NONE), max(self.lower, default=NONE)) >= len(self):
            raise FormatError("the DICOMDIR was to have links that lead beyond its last record; nothing was changed")
        offsets = self.starts[:]
        offsets[NONE] = 0  # links that lead nowhere have the value 0, which takes the place of the end here
        following, lower = (array("I", map(offsets.__getitem__, links)) for links in (self.next, self.lower))
        return following, lower

    def offset(self, index: int) -> int:
        """Return the offset of a record, 0 for `NONE`."""
        return 0 if index == NONE else self.starts[index]

    def is_tree(self) -> bool:
        """Check whether the links lead to each record exactly once, and never backwards."""
        count = len(self)
        targets = array("q", (self.first,)) + self.next + self.lower
        linked = len(targets) - targets.count(NONE)
        seen = bytearray(count + 1)  # the last one is for NONE
        for target in targets:
            seen[target] = 1
        ahead = sum(sum(map(gt, links, range(count))) for links in (self.next, self.lower)) + (self.first == 0)
        apart = {target for *_, target in self.others}
        return ahead == linked and sum(seen[:count]) == linked and linked + len(apart) == count


def encode_last(directory: Directory) -> Iterator[bytes | bytearray]:
    """Encode as `encode` does, and then free the memory of the records: links and offsets stay."""
    yield from encode(directory)
    if hasattr(directory.bodies, "clear"):
        directory.bodies.clear()


def encode(directory: Directory) -> Iterator[bytes | bytearray]:
    """Encode the DICOMDIR in chunks, with all offsets set."""
    yield _head(directory)
    starts, count, begun = directory.starts, len(directory), 0
    patches = list(_patches(directory))
    for data in _batches(directory.bodies):
        base = starts[begun]
        end = bisect_left(starts, base + len(data), begun, count)
        for places, values, indices in patches:
            some = indices[bisect_left(indices, begun) : bisect_left(indices, end)]
            at_each = repeat(places) if isinstance(places, int) else map(places.__getitem__, some)
            for index, at in zip(some, at_each, strict=False):
                _pack(data, starts[index] - base + at, values[index])
        for index, place, target in directory.others:
            if begun <= index < end:
                _pack(data, starts[index] - base + place, starts[target])
        begun = end
        yield data
    yield directory.frame.tail


def _patches(directory: Directory) -> Iterator[tuple[Sequence[int] | int, Sequence[int], Sequence[int]]]:
    """Yield for each of both links its position in the records, its values, and the records that need a patch."""
    indices = range(len(directory))
    said = directory.said or (None, None)
    for places, values, former in zip((directory.next_at, directory.lower_at), directory.offsets, said, strict=True):
        yield places, values, indices if former is None else array("Q", compress(indices, map(ne, values, former)))


def _batches(bodies: Iterable[bytes | memoryview]) -> Iterator[bytearray]:
    batch: list[bytes | memoryview] = []
    size = 0
    for body in bodies:
        batch.append(body)
        size += len(body)
        if size >= _BATCH:
            yield bytearray().join(batch)
            batch.clear()
            size = 0
    if batch:
        yield bytearray().join(batch)


def _head(directory: Directory) -> bytes:
    frame = directory.frame
    head = bytearray(frame.head)
    for at, index in ((frame.first_at, directory.first), (frame.last_at, directory.last)):
        if at >= 0:
            _pack(head, at, directory.offset(index))
    if frame.length_at >= 0:
        length = directory.starts[-1] - directory.starts[0]
        if length >= LARGEST_OFFSET:
            raise RuleError(f"a Directory Record Sequence of {length} bytes needs undefined length (PS3.5 7.5.1)")
        _pack(head, frame.length_at, length)
    return bytes(head)
