"""The options of `fileset list` that ask for a table."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Final

from fileset.cli.options import add_flag, add_value, file_path

LEVELS: Final = ("PATIENT", "STUDY", "SERIES", "IMAGE")


def add_table_options(parser: ArgumentParser) -> None:
    """Add the options that ask for a table, and `--scan`, which fills a tree too."""
    add_flag(parser, "--scan", "look into every file; a DICOMDIR is not needed")
    group = parser.add_argument_group("tables")
    group.add_argument(
        "--level", type=str.upper, choices=LEVELS, help="one row for each patient, study, series or instance"
    )
    add_value(group, "--columns", "KEYWORD,...", "the columns (default: those that identify a row)")
    add_flag(group, "--read-files", "take values from the files, where they have them")
    add_flag(group, "--csv", "write CSV (RFC 4180); cells that look like formulas begin with '")
    add_value(group, "--parquet", "FILE", "write a Parquet file", type=file_path)
    add_flag(group, "--dicom-json", "write DICOM JSON (PS3.18 F), an array of all rows")
    add_value(group, "--ohif", "FILE", "write a study list for the viewer OHIF (dicomjson)", type=file_path)
    add_value(
        group, "--base-url", "URL", "with --ohif: the URL under which a web server offers the files of the medium"
    )


def wants_table(options: Namespace, media: Sequence[str]) -> bool:
    """Decide whether the options ask for a table. `--scan` alone gives a tree or paths, as a DICOMDIR does."""
    scan_rows = options.scan and (options.json or options.jsonl)
    asked = options.level or options.columns or options.read_files or scan_rows
    return bool(len(media) > 1 or asked or options.csv or options.parquet or options.dicom_json or options.ohif)
