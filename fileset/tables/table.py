"""A table: named columns of decoded values, one row for each record of a level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final, overload

from attrs import frozen

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN: Final = 10
"""Most rows that a notebook shows."""

Row = dict[str, Any]


@frozen(eq=False, repr=False)
class Table(Sequence[Row]):
    """Rows of one level: a sequence of dictionaries, and a source for pandas, polars, pyarrow and duckdb.

    `table[0]` is a row and `table["Modality"]` a column. Values have the types of `Record.get`: str, int, float, lists
    of these, or None. With pyarrow installed (extra `tables`) the table is an Arrow stream, which
    `polars.DataFrame(table)`, `pandas.DataFrame.from_arrow(table)`, `pyarrow.table(table)` and duckdb's `from name`
    take directly; dates and times then have their own types.

    Attributes:
        level: PATIENT, STUDY, SERIES or IMAGE.
        columns: The values by name, all of the same length.
        vrs: The VR of each column (PS3.5 6.2), by name.
    """

    level: str
    columns: Mapping[str, list[Any]]
    vrs: Mapping[str, str]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    @overload
    def __getitem__(self, key: int) -> Row: ...

    @overload
    def __getitem__(self, key: slice) -> Table: ...

    @overload
    def __getitem__(self, key: str) -> list[Any]: ...

    def __getitem__(self, key: int | slice | str) -> Row | Table | list[Any]:
        if isinstance(key, str):
            return self.columns[key]
        if isinstance(key, slice):
            return Table(self.level, {name: column[key] for name, column in self.columns.items()}, self.vrs)
        return {name: column[key] for name, column in self.columns.items()}

    def __iter__(self) -> Iterator[Row]:
        names = tuple(self.columns)
        return (dict(zip(names, row, strict=True)) for row in self.rows())

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the values of each row, in the order of the columns."""
        return zip(*self.columns.values(), strict=True)

    def __repr__(self) -> str:
        return f"<{len(self):,} rows of level {self.level}: {', '.join(self.columns)}>"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(text_of(value))}</td>' for value in row)}</tr>" for row in self[:_SHOWN].rows()
        )
        more = f"<p>and {len(self) - _SHOWN:,} more rows</p>" if len(self) > _SHOWN else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"

    def to_arrow(self) -> pa.Table:
        """Convert the table to a `pyarrow.Table`. Raises `RuleError` if pyarrow is not installed."""
        from fileset.tables.arrow import arrow_table

        return arrow_table(self.columns, self.vrs)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table by the Arrow PyCapsule interface. Raises `RuleError` if pyarrow is not installed."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)


def text_of(value: Any) -> str:
    """Format a value as DICOM does: backslashes between several values, "" for None."""
    if isinstance(value, list):
        return "\\".join(map(text_of, value))
    if isinstance(value, float):
        return f"{value:.16g}"
    return "" if value is None else value.hex().upper() if isinstance(value, bytes) else str(value)


def joined(name: str, tables: Mapping[str, Table]) -> Table:
    """Join the rows of several tables of one level, with the key of each in a first column `name`.

    If a table lacks a column of another, its rows have None there.
    """
    names = dict.fromkeys(column for table in tables.values() for column in table.columns)
    columns: dict[str, list[Any]] = {name: [key for key, table in tables.items() for _ in range(len(table))]}
    for column in names:
        columns[column] = [
            value for table in tables.values() for value in table.columns.get(column, [None] * len(table))
        ]
    vrs = {name: "UT"} | {column: vr for table in tables.values() for column, vr in table.vrs.items()}
    return Table(next((table.level for table in tables.values()), "IMAGE"), columns, vrs)
