"""A cache of stencils: recognise a file of a series by all the bytes that it shares with the files before it.

A *stencil* is cut from a file that the other caches know: its header layout, its structure, and the template of its record.
The shared bytes decide about faults and record: preamble, File Meta Information, every element header, and the values that
go into the records. So a file that has them differs only in its own values, which the template tests, and in values that
nothing depends on. One comparison then replaces those of the other caches.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from operator import itemgetter
from struct import Struct, error
from typing import Final, NamedTuple, Self

from attrs import define, field

from fileset.dicom.elements import Unpack
from fileset.dicom.header_cache import Recognised
from fileset.part10.structures import Span
from fileset.records.describe import Instance
from fileset.records.record_cache import Own, Template

MOST_STENCILS: Final = 256
"""Limit of the cache, in stencils of about 10 KB."""
COST: Final = 16
"""Files that a stencil must recognise to be worth its making."""
ADVANCE: Final = 64 * COST
"""Stencils are made until they have cost so much more than they were worth: in some series no two files are alike."""


class Stencil(NamedTuple):
    """The bytes that files share, and the record of these files.

    `shared` takes the bytes that must equal `expected`; `own` takes the values of a file, and `order` sorts them as the
    template has them.
    """

    shared: Unpack
    expected: tuple[bytes, ...]
    own: Unpack
    order: Callable[[Own], Own]
    template: Template

    @classmethod
    def cut(cls, first: bytes, header: Recognised, structure: Sequence[Span], template: Template) -> Self | None:
        """Cut a stencil from a file that starts with `first`; None if later bytes decide, too.

        `structure`: the spans of the element headers after `header`, in order.
        """
        if not structure or structure[0][0] != header.end or sum(structure[-1]) > len(first):
            return None
        values = list(header.layout.headers.values(first))
        own = [values[number] for number in header.layout.own_parts]
        shared = Struct(_shared(values, header.layout.shared_parts) + _at(structure, header.end)).unpack_from
        take = Struct(_at([(start - 2, end - start + 2) for start, end in sorted(own)])).unpack_from
        order = itemgetter(*(sorted(own).index(span) for span in own))
        return cls(shared, shared(first), take, order, template)

    def instance(self, first: bytes) -> Instance | None:
        """Read the instance in a file that starts with `first`, None if this stencil does not fit."""
        try:
            if self.shared(first) != self.expected:
                return None
        except error:  # the file is shorter
            return None
        return self.template.filled(self.order(self.own(first)))


@define
class Stencils:
    """The stencils of one scanner by the size of the file, which most differences of length change."""

    _known: dict[int, Stencil | None] = field(factory=dict)
    _credit: int = ADVANCE

    def instance(self, first: bytes, size: int) -> Instance | None:
        """Return the instance in a file of `size` bytes that starts with `first`, None if no stencil fits."""
        stencil = self._known.get(size)
        instance = stencil and stencil.instance(first)
        self._credit += instance is not None
        return instance

    def wants(self, size: int) -> bool:
        """Decide whether to cut a stencil from a file of this size: the second in a row for which there is none."""
        if len(self._known) >= MOST_STENCILS:
            self._known.clear()
        repeated = self._known.get(size, self) is None and self._credit > 0
        self._known[size] = None
        return repeated

    def learn(self, size: int, stencil: Stencil | None) -> None:
        """Remember a stencil for files of this size."""
        self._known[size] = stencil
        self._credit -= COST


def _shared(values: Sequence[tuple[int, int]], kept: Collection[int]) -> str:
    """Build the format of the bytes from the start of the file to the last value, without values that are not `kept`."""
    form, at = "", 0
    for number, (start, end) in enumerate(values):
        if number not in kept and start < end:
            form += f"{start - at}s{end - start}x"
            at = end
    return f"{form}{values[-1][1] - at}s"


def _at(spans: Iterable[Span], at: int = 0) -> str:
    """Build the format of spans, for bytes from `at` on."""
    form = ""
    for start, length in spans:
        form += f"{start - at}x{length}s"
        at = start + length
    return form
