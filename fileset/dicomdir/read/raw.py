"""A DICOMDIR as encoded: flat records with their offsets; no offset followed, no key decoded."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from contextlib import suppress
from typing import Final

from attrs import define, field

from fileset.dicom.elements import (
    EXPLICIT_LITTLE,
    ITEM_END,
    UNDEFINED,
    Element,
    Syntax,
    element_header,
    elements,
)
from fileset.dicomdir.write.layout import NONE, Frame
from fileset.errors import FormatError
from fileset.findings import Finding

ABSENT: Final = -1
"""The position of an absent element."""


@define
class FlatDirectory:
    """A DICOMDIR as encoded. All offsets count from the first byte of `data`.

    The arrays have one entry per record: `start` and `end` of its item, the offsets `next` and `lower` of the file, the
    positions of these in the item (`next_at`, `lower_at`, -1 if absent), the in-use flag, and the index of its type in
    `types`. `misspelt`: index in `types` -> the type as the file writes it. `header`: the elements before the records,
    with File Meta Information, and the header of the sequence of records. `mended`: records with a wrong length, whose
    bytes must not be copied unchanged.
    """

    data: bytes
    syntax: Syntax = EXPLICIT_LITTLE
    meta: dict[int, bytes] = field(factory=dict)
    top: dict[int, bytes] = field(factory=dict)
    header: list[Element] = field(factory=list)
    frame: Frame = field(factory=lambda: Frame(b""))
    start: array[int] = field(factory=lambda: array("Q"))
    end: array[int] = field(factory=lambda: array("Q"))
    next: array[int] = field(factory=lambda: array("I"))
    lower: array[int] = field(factory=lambda: array("I"))
    next_at: array[int] = field(factory=lambda: array("q"))
    lower_at: array[int] = field(factory=lambda: array("q"))
    in_use: array[int] = field(factory=lambda: array("H"))
    type_of: array[int] = field(factory=lambda: array("I"))
    types: list[str] = field(factory=list)
    misspelt: dict[int, str] = field(factory=dict)
    mended: set[int] = field(factory=set)
    findings: list[Finding] = field(factory=list)
    _last: tuple[int, list[Element], FormatError | None] = field(
        default=(NONE, [], None), init=False, repr=False, eq=False
    )

    def __len__(self) -> int:
        return len(self.start)

    @property
    def columns(self) -> tuple[array[int], ...]:
        """The arrays with one entry per record."""
        return self.start, self.end, self.next, self.lower, self.next_at, self.lower_at, self.in_use, self.type_of

    def record_type(self, index: int) -> str:
        """Return the Directory Record Type of a record."""
        return self.types[self.type_of[index]]

    def index_at(self, offset: int) -> int:
        """Find the index of the record that starts at an offset, `NONE` if there is none."""
        index = bisect_left(self.start, offset)
        return index if index < len(self) and self.start[index] == offset else NONE

    def number(self, tag: int) -> int:
        """Decode the value of a top-level UL or US element, 0 if absent or malformed."""
        raw = self.top.get(tag, b"")
        if len(raw) not in (2, 4):
            return 0
        unpack = self.syntax.short if len(raw) == 2 else self.syntax.long
        return int(unpack(raw, 0)[0])

    def content(self, index: int) -> tuple[int, int]:
        """Return the offsets where the elements of a record start and end."""
        start, end = self.start[index], self.end[index]
        if self.syntax.long(self.data, start + 4)[0] == UNDEFINED:
            with suppress(FormatError):
                if element_header(self.data, end - 8, self.syntax)[0] == ITEM_END:
                    return start + 8, end - 8
        return start + 8, end

    def elements(self, index: int) -> list[Element]:
        """Parse the elements of a record; of a damaged record those before the damage.

        The result of the last call is cached: a caller that reads one key often reads others.
        """
        if self._last[0] != index:
            self._parse(index)
        return self._last[1]

    def damage(self, index: int) -> FormatError | None:
        """Return the damage that ends the elements of a record early, None for a whole record."""
        if self._last[0] != index:
            self._parse(index)
        return self._last[2]

    def _parse(self, index: int) -> None:
        parts: list[Element] = []
        damage: FormatError | None = None
        start, end = self.content(index)
        try:
            parts.extend(elements(self.data, start, end, self.syntax))
        except FormatError as problem:
            damage = problem
        self._last = index, parts, damage

    def forget_last(self) -> None:
        """Remove the last record."""
        for column in self.columns:
            column.pop()
