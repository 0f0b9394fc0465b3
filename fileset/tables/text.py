"""Tables as CSV (RFC 4180) and as JSON, one object a line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any, Final

from fileset.tables.table import Table, text_of

_FORMULA: Final = re.compile(r"[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]").match
"""Matches the first characters of cells that a spreadsheet takes for a formula, including full-width forms."""
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?").fullmatch


def csv_lines(table: Table) -> Iterator[str]:
    """Format a table as CSV lines with a header, without line ends; cells that look like a formula begin with '.

    Values come from discs of strangers: a spreadsheet must not run them. A cell may contain line breaks.
    """
    yield _line(table.columns)
    for row in table.rows():
        yield _line(map(cell, row))


def cell(value: Any) -> str:
    """Format a cell as text; put an apostrophe before text that a spreadsheet would run as a formula."""
    text = text_of(value)
    return f"'{text}" if _FORMULA(text) and not _NUMBER(text) else text


def _line(cells: Any) -> str:
    target = StringIO()
    csv.writer(target, lineterminator="").writerow(cells)
    return target.getvalue()
