"""A DICOMDIR as it lies in the file: flat records with their offsets, nothing followed, no key decoded."""

from __future__ import annotations

from array import array
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
from fileset.dicomdir.write.layout import Frame
from fileset.errors import FormatError
from fileset.findings import Finding

ABSENT: Final = -1
"""The place of an element that is not there."""


@define
class FlatDirectory:
    """A DICOMDIR as it lies in the file. Offsets and positions count from the first byte of `data`.

    One entry for each record: `start` and `end` of its item, `next` and `lower` as the file says them, where these
    stand in the item (`next_at`, `lower_at`, -1 if absent), the in-use flag, and the index of its type in `types`.
    `misspelt` holds types that are written otherwise, by index in `types`.
    `header` are the elements before the records, those of File Meta Information too, as far as they can be read.
    `mended` are the records whose own length is wrong, so that their bytes must not be copied as they are.
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
    _last: tuple[int, list[Element]] = field(default=(-1, []), init=False, repr=False, eq=False)

    def __len__(self) -> int:
        return len(self.start)

    def record_type(self, index: int) -> str:
        """Directory Record Type of a record."""
        return self.types[self.type_of[index]]

    def number(self, tag: int) -> int:
        """The value of a top-level UL or US element, 0 if it is absent or malformed."""
        raw = self.top.get(tag, b"")
        if len(raw) not in (2, 4):
            return 0
        unpack = self.syntax.short if len(raw) == 2 else self.syntax.long
        return int(unpack(raw, 0)[0])

    def content(self, index: int) -> tuple[int, int]:
        """Where the elements of a record begin and end."""
        start, end = self.start[index], self.end[index]
        if self.syntax.long(self.data, start + 4)[0] == UNDEFINED:
            with suppress(FormatError):
                if element_header(self.data, end - 8, self.syntax)[0] == ITEM_END:
                    return start + 8, end - 8
        return start + 8, end

    def elements(self, index: int) -> list[Element]:
        """The elements of a record; those before the damage if it is damaged.

        Those of the last record asked for are remembered: who asks for one key mostly asks for others.
        """
        last, found = self._last
        if last != index:
            found = []
            start, end = self.content(index)
            with suppress(FormatError):
                found.extend(elements(self.data, start, end, self.syntax))
            self._last = index, found
        return found

    def forget_last(self) -> None:
        """Take the last record out again."""
        for column in (
            *(self.start, self.end, self.next, self.lower),
            *(self.next_at, self.lower_at, self.in_use, self.type_of),
        ):
            column.pop()
