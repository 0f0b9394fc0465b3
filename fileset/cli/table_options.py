"""The options of `fileset list` that ask for a table."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Final

from fileset.cli.options import file_path

LEVELS: Final = ("PATIENT", "STUDY", "SERIES", "IMAGE")


def add_table_options(parser: ArgumentParser) -> None:
    """Add the options that ask for a table, and `--scan`, which fills a tree too."""
    parser.add_argument("--scan", action="store_true", help="look into every file; a DICOMDIR is not needed")
    group = parser.add_argument_group("tables")
    group.add_argument(
        "--level", type=str.upper, choices=LEVELS, help="one row for each patient, study, series or instance"
    )
    group.add_argument("--columns", metavar="KEYWORD,...", help="which columns (default: those that identify a row)")
    group.add_argument(
        "--read-files", action="store_true", help="take values from the files, not from the DICOMDIR alone"
    )
    group.add_argument(
        "--csv", action="store_true", help="write CSV (RFC 4180); cells that look like formulas begin with '"
    )
    group.add_argument("--parquet", metavar="FILE", type=file_path, help="write a Parquet file")
    group.add_argument("--dicom-json", action="store_true", help="write DICOM JSON (PS3.18 F), an array of all rows")
    group.add_argument(
        "--ohif", metavar="FILE", type=file_path, help="write a study list for the viewer OHIF (dicomjson)"
    )
    group.add_argument(
        "--base-url", metavar="URL", help="with --ohif: the URL under which a web server offers the files of the medium"
    )


def wants_table(options: Namespace, media: Sequence[str]) -> bool:
    """Return whether the options ask for a table. `--scan` alone gives a tree or paths, as a DICOMDIR does."""
    scan_rows = options.scan and (options.json or options.jsonl)
    asked = options.level or options.columns or options.read_files or scan_rows
    return bool(len(media) > 1 or asked or options.csv or options.parquet or options.dicom_json or options.ohif)
