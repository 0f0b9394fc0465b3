"""`fileset list`: what a file-set holds, as a tree for people or as lines and documents for programs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from fileset.cli.findings import PARTLY, finding_rows, hides_records, tell_findings
from fileset.cli.options import add_common, add_keys, keys_of
from fileset.cli.output import escaped, json_text, write, write_document
from fileset.cli.read_options import add_medium, identification, tell_unmatched
from fileset.errors import FilesetError, RuleError

if TYPE_CHECKING:
    from fileset.reader import Reader, Record

EXAMPLES: Final = (
    "fileset list DISC.iso",
    "fileset list DISC Modality=CT --paths",
)


class Found:
    """Instances that are passed on, and how many they were."""

    def __init__(self, instances: Iterator[Record]) -> None:
        self.instances = instances
        self.number = 0

    def __iter__(self) -> Iterator[Record]:
        for instance in self.instances:
            self.number += 1
            yield instance


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset list MEDIUM [KEY=VALUE...] [options]"
    add_medium(parser)
    add_keys(parser)
    add_common(parser, progress=False)
    parser.add_argument("--jsonl", action="store_true", help="write one JSON object a line for each instance")
    parser.add_argument("--paths", action="store_true", help="write the path of each file, one a line")


def run(options: Namespace) -> int:
    """List what matches; the damage of the DICOMDIR goes to standard error."""
    from fileset.reader import Reader

    keys = keys_of(options.keys)
    if options.json + options.jsonl + options.paths > 1:
        raise RuleError("--json, --jsonl and --paths exclude each other")
    with Reader(options.medium, medium_format=options.format) as reader:
        found = Found(reader.find(**keys))
        if options.json:
            _document(reader, found)
        elif options.jsonl:
            write(rows(found))
        elif options.paths:
            write(map(escaped, _paths(found) if keys else reader.paths()))
        else:
            _tree(reader, found if keys else None, instances=options.verbose)
        if not options.json:
            tell_findings(reader.findings, everything=options.verbose, quiet=options.quiet)
        if keys and not (found.number or options.quiet) and any(reader.instances):
            tell_unmatched(keys, options, reader.absent)
        return PARTLY if hides_records(reader.findings) else 0


def _document(reader: Reader, found: Iterable[Record]) -> None:
    def findings() -> Iterator[str]:  # asked for last: some come up only while the instances are read
        yield from finding_rows(reader.findings)

    write_document(
        "fileset.list/1",
        {
            "file_set": identification(reader),
            "instances": rows(found),
            "findings": findings(),
        },
    )


def _paths(found: Iterable[Record]) -> Iterator[str]:
    return (record.file_id.path for record in found if record.file_id)


def _tree(reader: Reader, found: Iterable[Record] | None, *, instances: bool) -> None:
    from fileset.cli.tree_view import show, tree_of

    show(tree_of(reader, found, instances=instances))


def rows(records: Iterable[Record]) -> Iterator[str]:
    """Instances as texts of JSON, each with the keys of its patient, study and series."""
    parent: Record | None = None
    above = ""
    for record in records:
        if not above or record.parent != parent:
            parent = record.parent
            above = _above(record)
        yield f'{_own(record)[:-1]}, {above}, "keys": {json_text(record.keys())}}}'


def _own(record: Record) -> str:
    return json_text(
        {
            "file_id": record.file_id.path if record.file_id else None,
            **_inquired(record),
            "record_type": record.record_type,
            "sop_class_uid": record.sop_class_uid,
            "sop_instance_uid": record.sop_instance_uid,
            "transfer_syntax_uid": record.transfer_syntax_uid,
        }
    )


def _inquired(record: Record) -> dict[str, Any]:
    """M-INQUIRE FILE (PS3.10 8.3): size in bytes, date and time in UTC; null for what the medium does not tell."""
    try:
        info = record.inquire()
    except FilesetError:
        return {"size": None, "modified": None}
    return {"size": info.size, "modified": info.modified.isoformat() if info.modified else None}


def _above(record: Record) -> str:
    """The keys of the records above, encoded once for all instances that share them."""
    levels = {"patient": record.patient, "study": record.study, "series": record.series}
    return json_text({name: level.keys() if level else {} for name, level in levels.items()})[1:-1]
