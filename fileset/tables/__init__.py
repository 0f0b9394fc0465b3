"""Tables of the contents of a file-set: rows for programs, and CSV, Parquet, DICOM JSON and OHIF files."""

from __future__ import annotations

from fileset.tables.records import FoundRecords
from fileset.tables.select import default_columns, select
from fileset.tables.table import Table

__all__ = ["FoundRecords", "Table", "default_columns", "select"]
