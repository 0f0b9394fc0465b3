"""`fileset info`: identification, counts and free space of a file-set."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from fileset.cli.findings import NOUNS, PARTLY, finding_rows, hides_records, joint_code, tell_findings
from fileset.cli.options import add_common, add_format
from fileset.cli.output import aligned, counted, escaped, json_text, paragraph, picked, sized, write, write_document
from fileset.cli.read_options import MEDIUM_HELP, identification
from fileset.errors import FilesetError

if TYPE_CHECKING:
    from fileset.plan.presence import Presence
    from fileset.reader import Reader

EXAMPLES: Final = ("fileset info DISC.iso", "fileset info /media/usb --json")


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset info MEDIUM... [options]"
    parser.add_argument("media", nargs="+", metavar="MEDIUM", help=f"{MEDIUM_HELP}; several give one line each")
    add_format(parser)
    add_common(parser, progress=False)


def run(options: Namespace) -> int:
    """Show the facts; findings on opening the DICOMDIR go to standard error. No record and no file is checked."""
    if len(options.media) > 1:
        return _several(options)
    from fileset.plan.presence import presence_of
    from fileset.reader import Reader

    with Reader(options.media[0], medium_format=options.format) as reader:
        presence = presence_of(reader)
        if options.json:
            _document(reader, presence)
        else:
            write(_rows(facts(reader, presence)))
            tell_findings(reader.findings, everything=options.verbose, quiet=options.quiet)
        return PARTLY if presence.is_incomplete or hides_records(reader.findings) else 0


def _rows(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Format names and values in two columns; on a terminal, break a long value at spaces."""
    is_terminal = sys.stdout.isatty()
    for name, value in pairs:
        row = f"{name:{_NAMES}}{escaped(value) or '-'}"
        yield paragraph(row, _NAMES) if is_terminal else row


_NAMES: Final = 18
"""Width of the column of names."""
_COLUMNS: Final = ("medium", "file_set_id", "patients", "studies", "series", "instances", "bytes", "verdict")


def _several(options: Namespace) -> int:
    """Write one line for each medium, also for one that cannot be read."""
    from fileset.plan.presence import presence_of
    from fileset.reader import Reader

    found: list[dict[str, Any]] = []
    for name in options.media:
        row: dict[str, Any] = dict.fromkeys(_COLUMNS) | {"medium": name, "verdict": "ok"}
        try:
            with Reader(name, medium_format=options.format) as reader:
                row |= _counted(reader)
                lost = presence_of(reader).is_incomplete
                row["verdict"] = "incomplete" if lost else _findings(reader) or "ok"
                row["code"] = PARTLY if lost or hides_records(reader.findings) else 0
        except FilesetError as problem:
            row |= {"verdict": problem.text(known_path=name, command=True), "code": problem.exit_code}
        found.append(row)
    code = joint_code([row.pop("code") for row in found])
    if options.json:
        write_document("fileset.infos/1", {"media": map(json_text, found)})
    else:
        cells = [["" if row[name] is None else escaped(str(row[name])) for name in _COLUMNS] for row in found]
        write(aligned([_COLUMNS, *cells]))
    return code


def _counted(reader: Reader) -> dict[str, object]:
    numbers = {name: len(getattr(reader, name)) for name in ("patients", "studies", "series", "instances")}
    return {"file_set_id": reader.file_set_id, **numbers, "bytes": reader.medium_info().used}


def facts(reader: Reader, presence: Presence) -> Iterator[tuple[str, str]]:
    """List the facts about a file-set, as names and values."""
    yield "Medium", reader.medium.name
    yield "File-set ID", reader.file_set_id
    yield "File-set UID", reader.file_set_uid
    yield "Descriptor file", str(reader.descriptor_file_id or "")
    yield "DICOMDIR", f"{counted(len(reader), 'record')}, {sized(len(reader.flat.data))}"
    for at, (name, number) in enumerate(counts(reader).items()):
        yield "" if at else "Records", f"{number:>9,} {name}"
    icons = reader.contents.icons
    if icons:
        yield "Icons", f"{icons:,}"
    yield "Files", _files(presence)
    yield "Findings", f"{_findings(reader) or 'none'} on opening the DICOMDIR; `fileset check` checks records and files"
    yield from _medium(reader)


def _medium(reader: Reader) -> Iterator[tuple[str, str]]:
    """List the facts about the medium (M-INQUIRE FILE-SET, PS3.10 8.3)."""
    medium = reader.medium_info()
    if medium.used is not None:
        disc = f", fits a {medium.disc}, which holds {sized(medium.disc_capacity or 0)}" if medium.disc else ""
        yield "Image", f"{medium.format}, {sized(medium.used)}{disc}"
    elif medium.format:
        yield "File system", medium.format
    yield "Free space", _space(reader)
    if medium.caveat:
        yield "Note", medium.caveat


def counts(reader: Reader) -> Counter[str]:
    """Count the active records by type, in the order of the file."""
    return Counter(record.record_type for record in reader.records)


def _findings(reader: Reader) -> str:
    severities = Counter(finding.severity for finding in reader.findings)
    return ", ".join(counted(severities[name], *nouns) for name, nouns in NOUNS.items() if severities[name])


def _space(reader: Reader) -> str:
    medium = reader.medium_info()
    if medium.read_only:
        return f"none, {medium.format or 'the medium'} is read-only"
    if medium.free is None:
        return "unknown"
    return sized(medium.free) + (f" of {sized(medium.capacity)}" if medium.capacity else "")


def _files(presence: Presence) -> str:
    """Format the numbers of referenced files, missing files, and DICOM files without a record."""
    parts = [f"{len(presence.present):,} referenced"]
    parts += [f"{len(presence.missing):,} missing"] if presence.missing else []
    parts += [f"{counted(presence.nameless, 'record')} without a usable File ID"] if presence.nameless else []
    unlisted = len(presence.unlisted)
    files = counted(unlisted, "DICOM file that no record references", "DICOM files that no record references")
    return ", ".join(parts + ([files] if unlisted else []))


_OF_MEDIUM: Final = (
    *("format", "free", "capacity", "read_only", "largest_file", "used"),
    *("disc", "disc_capacity", "removable", "caveat"),
)
"""The facts about the medium in the document; null if unknown."""


def _document(reader: Reader, presence: Presence) -> None:
    medium = reader.medium_info()
    descriptor = reader.descriptor_file_id
    write_document(
        "fileset.info/1",
        {
            "file_set": identification(reader) | {"descriptor_file_id": descriptor.path if descriptor else None},
            "dicomdir": {"records": len(reader), "bytes": len(reader.flat.data)},
            "records": dict(counts(reader)),
            "icons": reader.contents.icons,
            "files": {
                "referenced": len(presence.present),
                "missing": len(presence.missing),
                "records_without_file_id": presence.nameless,
                "unlisted": len(presence.unlisted),
            },
            "medium": picked(medium, *_OF_MEDIUM) | {"disc": medium.disc or None, "caveat": medium.caveat or None},
            "findings": finding_rows(reader.findings),
        },
    )
