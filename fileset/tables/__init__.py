"""Tables of the contents of a file-set: rows for programs, and CSV, Parquet, DICOM JSON and OHIF files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Generic, TypeVar, overload

from fileset.tables.select import default_columns, select
from fileset.tables.table import Table

__all__ = ["FoundRecords", "Table", "default_columns", "select"]

Item_co = TypeVar("Item_co", covariant=True)

_SHOWN = 10


class FoundRecords(Sequence[Item_co], Generic[Item_co]):
    """The records that a search finds, as a sequence; also an iterator over them, once.

    Iteration yields the first record at once. `len`, an index, and `in` find all records first, and keep them.
    """

    def __init__(self, noun: str, find: Callable[[], Iterator[Item_co]]) -> None:
        self._noun = noun
        self._find = find
        self._kept: list[Item_co] | None = None
        self._running: Iterator[Item_co] | None = None

    def _all(self) -> list[Item_co]:
        if self._kept is None:
            self._kept = list(self._find())
        return self._kept

    def __iter__(self) -> Iterator[Item_co]:
        return self._find() if self._kept is None else iter(self._kept)

    def __next__(self) -> Item_co:
        """Return the next record: `next(reader.patients)` is the first one."""
        if self._running is None:
            self._running = iter(self)
        return next(self._running)

    def __len__(self) -> int:
        return len(self._all())

    def __bool__(self) -> bool:
        return any(True for _ in self)

    @overload
    def __getitem__(self, key: int) -> Item_co: ...

    @overload
    def __getitem__(self, key: slice) -> Sequence[Item_co]: ...

    def __getitem__(self, key: int | slice) -> Item_co | Sequence[Item_co]:
        return self._all()[key]

    def __repr__(self) -> str:
        return f"<{len(self):,} {self._noun}>"

    def _repr_html_(self) -> str:
        rows = "".join(f"<li>{escape(repr(one))}</li>" for one in self[:_SHOWN])
        more = f"<p>and {len(self) - _SHOWN:,} more</p>" if len(self) > _SHOWN else ""
        return f"<p>{escape(repr(self))}</p><ol>{rows}</ol>{more}"
