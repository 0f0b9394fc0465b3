"""The pivot: a directory as encoded records and their links, before and after its bytes exist.

The two links of a record, (0004,1400) and (0004,1420), are UL values of fixed width, so where a record lands does
not change its length. Each record is therefore encoded once, or sliced from the file it was read from; all are
placed by a running sum, and two 4-byte numbers are patched in each. Creating and updating share this one path,
and nothing that was read is ever encoded again.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, repeat
from operator import gt
from struct import Struct
from typing import Final

from attrs import define, field, frozen

from fileset.errors import RuleError

LARGEST_OFFSET: Final = 0xFFFFFFFF
"""Offsets are UL: every record must begin below 4 GiB (PS3.3 F.3.2.2)."""
NONE: Final = -1
"""No record: the end of a chain, no lower-level directory entity."""

_pack: Final = Struct("<I").pack_into
_BATCH: Final = 4096


@frozen
class EncodedRecord:
    """One item of the Directory Record Sequence: its bytes, and where in them its two links stand."""

    body: bytes
    next_at: int
    lower_at: int


@frozen
class Frame:
    """What surrounds the records: `head` up to the first item, `tail` behind the last.

    `first_at`, `last_at`: where in `head` the offsets of the first and last root record stand; `length_at` where the
    length of the Directory Record Sequence stands, or -1 if it is undefined and stays so. All -1 when the file has
    no Directory Information Module.
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


@define
class Directory:
    """Records in their physical order, linked by index.

    `next` and `lower` hold, for each record, the index of the next record of its directory entity and of the first
    record of its lower-level entity, `NONE` at the end; `first` and `last` are those of the root entity.
    `next_at` and `lower_at` are where the links stand in each body: one number when all are alike. `others` are links
    of retired kinds: index of the record, where the link stands in its body, index of the record it leads to.
    """

    frame: Frame
    bodies: Sequence[bytes]
    next: array[int] = field(factory=lambda: array("q"))
    lower: array[int] = field(factory=lambda: array("q"))
    first: int = NONE
    last: int = NONE
    next_at: Sequence[int] | int = 16
    lower_at: Sequence[int] | int = 38
    others: Sequence[tuple[int, int, int]] = ()

    def is_tree(self) -> bool:
        """Whether the links lead to every record once, and to none before."""
        count = len(self.bodies)
        targets = [self.first, *self.next, *self.lower]
        linked = len(targets) - targets.count(NONE)
        ahead = sum(sum(map(gt, links, range(count))) for links in (self.next, self.lower)) + (self.first == 0)
        apart = {target for *_, target in self.others}
        return ahead == linked and len({*targets, NONE}) == linked + 1 and linked + len(apart) == count


def place(directory: Directory) -> array[int]:
    """The offset of each record, counted from the first byte of the file, preamble included; and one more, the end.

    Raises `RuleError` if a record would begin at or beyond 4 GiB, which no offset can say.
    """
    offsets = array("Q", accumulate(map(len, directory.bodies), initial=len(directory.frame.head)))
    if directory.bodies and offsets[-2] > LARGEST_OFFSET:
        raise RuleError(
            f"the directory is {offsets[-1]} bytes long, but offsets cannot count beyond 4 GiB (PS3.3 F.3.2.2): "
            "split the file-set over several volumes"
        )
    return offsets


def encode(directory: Directory) -> Iterator[bytes | bytearray]:
    """The bytes of the DICOMDIR, in parts, with all offsets right."""
    offsets = place(directory)
    yield _head(directory, offsets)
    for start in range(0, len(directory.bodies), _BATCH):
        yield _batch(directory, offsets, start)
    yield directory.frame.tail


def _head(directory: Directory, offsets: array[int]) -> bytes:
    frame = directory.frame
    head = bytearray(frame.head)
    for at, index in ((frame.first_at, directory.first), (frame.last_at, directory.last)):
        if at >= 0:
            _pack(head, at, 0 if index == NONE else offsets[index])
    if frame.length_at >= 0:
        length = offsets[-1] - offsets[0]
        if length >= LARGEST_OFFSET:
            raise RuleError(f"a Directory Record Sequence of {length} bytes needs undefined length (PS3.5 7.5.1)")
        _pack(head, frame.length_at, length)
    return bytes(head)


def _batch(directory: Directory, offsets: array[int], start: int) -> bytearray:
    stop = min(start + _BATCH, len(directory.bodies))
    data = bytearray(b"".join(directory.bodies[start:stop]))
    base = offsets[start]
    for links, places in ((directory.next, directory.next_at), (directory.lower, directory.lower_at)):
        at_each = repeat(places) if isinstance(places, int) else places[start:stop]
        for body_at, at, target in zip(offsets[start:stop], at_each, links[start:stop], strict=False):
            _pack(data, body_at - base + at, offsets[target] if target >= 0 else 0)
    for index, place, target in directory.others:
        if start <= index < stop:
            _pack(data, offsets[index] - offsets[start] + place, offsets[target])
    return data
