"""`fileset list` as a table: rows of one or many media, on the terminal or as a file for another program."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from fileset.cli.findings import PARTLY, finding_row, hides_records, joint_code
from fileset.cli.output import (
    FILLER,
    aligned,
    counted,
    escaped,
    in_cells,
    json_text,
    say,
    write,
    write_array,
    write_document,
)
from fileset.cli.read_options import tell_unmatched
from fileset.errors import FilesetError, MediumError, RuleError

if TYPE_CHECKING:
    from fileset.findings import Finding
    from fileset.reader import Reader, Record
    from fileset.tables import Table

MEDIUM: Final = "Medium"
"""The name of the first column if there are several media."""
_ONE_OF: Final = ("csv", "parquet", "dicom_json", "ohif", "jsonl", "json")
_WIDEST: Final = 40
"""Largest width of a cell on a terminal, in characters."""


@define
class _MediumResult:
    """The result for one medium."""

    name: str
    table: Table | None = None
    attributes: list[dict[str, Any]] = field(factory=list)
    studies: list[dict[str, Any]] = field(factory=list)
    findings: list[Finding] = field(factory=list)
    problems: list[str] = field(factory=list)
    problem: FilesetError | None = None

    @property
    def code(self) -> int:
        """The exit code for this medium alone."""
        if self.problem is not None:
            return self.problem.exit_code
        return PARTLY if self.problems or hides_records(self.findings) else 0

    @property
    def rows(self) -> int:
        """The number of rows that were found."""
        return 0 if self.table is None else len(self.table)

    @property
    def row(self) -> dict[str, Any]:
        """The medium as a member of a document."""
        findings = list(map(finding_row, self.findings))
        facts = {"path": self.name, "verdict": self.verdict, "exit_code": self.code, "rows": self.rows}
        return facts | {"findings": findings, "problems": self.problems}

    @property
    def verdict(self) -> str:
        """One line for a person."""
        if self.problem is not None:
            return f"not read: {self.problem.text(known_path=self.name, command=True)}"
        found = counted(self.rows, "row")
        trouble = [one.placed for one in self.findings[:1]] + self.problems[:1]
        more = len(self.findings) + len(self.problems) - len(trouble)
        said = "; ".join([*trouble, *([f"and {more} more"] if more else [])])
        return f"{found}, {'incomplete: ' if self.code else ''}{said or 'ok'}"


def list_table(media: Sequence[str], keys: Mapping[str, str], options: Namespace) -> int:
    """Write the table of all media, and a verdict for each if there are several; return the exit code."""
    chosen = [name for name in _ONE_OF if getattr(options, name)]
    if len(chosen) > 1 or options.paths or options.file_ids:
        raise RuleError(
            "a table is written in one form",
            advice="Choose one of --csv, --parquet, --jsonl, --json, --dicom-json, --ohif",
        )
    if options.ohif and not options.base_url:
        raise RuleError("--ohif needs --base-url URL: the viewer gets the files from a web server")
    options.level = options.level or ("STUDY" if len(media) > 1 and not options.columns else "IMAGE")
    if options.columns is not None:
        options.columns = [name.strip() for name in options.columns.split(",") if name.strip()]
    discs = [_read(medium, keys, options) for medium in media]
    if len(discs) == 1 and discs[0].problem is not None:
        raise discs[0].problem
    _write(discs, chosen[0] if chosen else "", options)
    _tell(discs, options)
    return joint_code(disc.code for disc in discs)


def _read(medium: str, keys: Mapping[str, str], options: Namespace) -> _MediumResult:
    from fileset.plan.presence import presence_of
    from fileset.reader import Reader

    disc = _MediumResult(medium)
    try:
        with Reader(medium, scan=options.scan, medium_format=options.format) as reader:
            _fill(disc, reader, keys, options)
            absent = [] if options.scan else list(presence_of(reader).findings())  # it examines every record
            lost = [one for one in reader.findings if hides_records([one])]
            disc.findings = lost + [one for one in reader.findings if one.contradicts] + absent
            if keys and not (disc.rows or options.quiet):
                tell_unmatched(keys, options, reader)
    except FilesetError as problem:
        if isinstance(problem, RuleError):
            raise
        disc.problem = problem
    return disc


def _fill(disc: _MediumResult, reader: Reader, keys: Mapping[str, Any], options: Namespace) -> None:
    disc.table = reader.table(options.level, options.columns, **keys)
    if options.read_files:
        from fileset.tables.files import complete

        records = reader.find(None if options.level == "IMAGE" else options.level, **keys)
        disc.table = complete(disc.table, [_with_file(one) for one in records], disc.table.columns, disc.problems)
    if options.dicom_json:
        from fileset.tables.dicom_json import dicom_json

        disc.attributes = list(dicom_json(reader.contents, options.level, keys))
    if options.ohif:
        from fileset.tables.ohif import ohif

        disc.studies = ohif(reader.find(**keys), options.base_url, disc.problems)["studies"]


def _with_file(record: Record) -> Record | None:
    """Choose the record if it references a file, else the first record below it that does; None if there is none."""
    while record.file_id is None:
        below = next(iter(record.children), None)
        if below is None:
            return None
        record = below
    return record


def _write(discs: Sequence[_MediumResult], form: str, options: Namespace) -> None:
    from fileset.tables.table import Table, joined

    tables = {disc.name: disc.table for disc in discs if disc.table is not None}
    if len(discs) == 1:
        table = next(iter(tables.values()))
    else:
        table = joined(MEDIUM, tables) if tables else Table(options.level, {MEDIUM: []}, {MEDIUM: "UT"})
    if form == "csv":
        _write_csv(table)
    elif form == "parquet":
        from fileset.tables.arrow import write_parquet

        write_parquet(table, options.parquet)
        _tell_written(options, counted(len(table), "row"), options.parquet)
    elif form == "jsonl":
        write(map(json_text, table))
    elif form == "dicom_json":
        write_array(json_text(one) for disc in discs for one in disc.attributes)
    elif form == "ohif":
        studies = [study for disc in discs for study in disc.studies]
        _write_file(options.ohif, json_text({"studies": studies}))
        _tell_written(options, counted(len(studies), "study", "studies"), options.ohif)
    elif form == "json":
        _write_document(discs, table)
    else:
        _show(table)


def _tell_written(options: Namespace, number: str, path: str) -> None:
    if not options.quiet:
        say(f"{number} written to {path}")


def _write_csv(table: Table) -> None:
    from fileset.tables.text import csv_lines

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(newline="\n")  # the lines end with CR LF on every system
    write(line + "\r" for line in csv_lines(table))


def _write_file(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text + "\n")
    except OSError as problem:
        raise MediumError(f"{problem.strerror or problem}", path=path) from problem


def _write_document(discs: Sequence[_MediumResult], table: Table) -> None:
    media = (json_text(disc.row) for disc in discs)
    members = {"level": table.level, "columns": list(table.columns), "media": media, "rows": map(json_text, table)}
    write_document("fileset.table/1", members)


def _show(table: Table) -> None:
    """Write the table with aligned columns; on a terminal, cut long cells, or write a line for each value if it is narrow."""
    from fileset.tables.table import text_of

    cut = _WIDEST if sys.stdout.isatty() else None
    header = [name[:cut] for name in table.columns]
    rows = [[_cut(escaped(text_of(value)), cut) for value in row] for row in table.rows()]
    widths = [max(len(in_cells(cell)) for cell in column) for column in zip(header, *rows, strict=True)]
    if cut and rows and sum(widths) + 2 * len(widths) - 2 > get_terminal_size().columns:
        write(_in_lines(header, rows))
        return
    write(aligned([header, *rows]))


def _in_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a line for each value, and an empty one between rows: a terminal would break wider lines within words."""
    width = max(map(len, header))
    for at, row in enumerate(rows):
        yield from [""] if at else []
        yield from (f"{name.ljust(width)}  {value}".rstrip() for name, value in zip(header, row, strict=True))


def _cut(text: str, width: int | None) -> str:
    cells = in_cells(text)
    if width is None or len(cells) <= width:
        return text
    end = width - 3
    return cells[: end - (cells[end] == FILLER)].replace(FILLER, "") + "..."


def _tell(discs: Sequence[_MediumResult], options: Namespace) -> None:
    """Print a verdict for each of several media; for a single one, its faults."""
    if options.json:
        return
    if len(discs) > 1:
        for disc in discs:
            if disc.code or not options.quiet:
                say(f"{disc.name}: {disc.verdict}")
    elif discs[0].code or (discs[0].findings and not options.quiet):
        say(discs[0].verdict)
