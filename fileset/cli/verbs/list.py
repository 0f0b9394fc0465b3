"""`fileset list`: the contents of a file-set, as a tree for people or as lines and documents for programs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from fileset.cli.findings import PARTLY, finding_rows, hides_records, tell_findings
from fileset.cli.options import add_common, add_flag, add_media, split_media
from fileset.cli.output import counted, escaped, json_text, picked, say, write, write_document
from fileset.cli.read_options import identification, tell_unmatched
from fileset.cli.table_options import add_table_options, wants_table
from fileset.errors import FilesetError, RuleError

if TYPE_CHECKING:
    from fileset.findings import Finding
    from fileset.plan.presence import Presence
    from fileset.reader import Reader, Record

EXAMPLES: Final = ("fileset list DISC.iso", "fileset list discs/* Modality=CT --level SERIES --csv")


MAY_LACK: Final = (
    "the list may be incomplete: `fileset extract` copies every readable file, `fileset repair` rebuilds the DICOMDIR"
)


class FoundInstances:
    """An iterable of instances that counts them."""

    def __init__(self, instances: Iterator[Record]) -> None:
        self.instances = instances
        self.number = 0

    def __iter__(self) -> Iterator[Record]:
        for instance in self.instances:
            self.number += 1
            yield instance


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset list MEDIUM... [KEY=VALUE...] [options]"
    add_media(parser)
    add_common(parser, progress=False)
    add_flag(parser, "--jsonl", "write one JSON object a line for each instance")
    add_flag(parser, "--paths", "write the path of each file as it is on the medium")
    add_flag(parser, "--file-ids", "write the File ID of each record")
    add_table_options(parser)


def run(options: Namespace) -> int:
    """List the matching instances; findings go to standard error."""
    from fileset.reader import Reader

    media, keys = split_media(options.arguments)
    if wants_table(options, media):
        from fileset.cli.table_output import list_table

        return list_table(media, keys, options)
    if options.json + options.jsonl + options.paths + options.file_ids > 1:
        raise RuleError("--json, --jsonl, --paths and --file-ids exclude each other")
    with Reader(media[0], scan=options.scan, medium_format=options.format) as reader:
        return (_list_scanned if options.scan else _list_records)(reader, keys, options)


def _list_records(reader: Reader, keys: Mapping[str, str], options: Namespace) -> int:
    """List the instances that match, and report missing and unlisted files. Return the exit code."""
    from fileset.plan.presence import presence_of

    found = FoundInstances(reader.find(**keys))
    presence = presence_of(reader)
    absent = list(presence.findings())
    if options.json:
        _document(reader, found, absent)
    elif options.paths:
        write(map(escaped, _paths(found if keys else None, presence)))
    else:
        _write(reader, found, options, selects=bool(keys))
    if not options.json:
        _tell_absent([*reader.findings, *absent], len(presence.unlisted), options)
        if hides_records(reader.findings) and not options.quiet:
            say(MAY_LACK)
    if keys and not (found.number or options.quiet) and any(reader.instances):
        tell_unmatched(keys, options, reader)
    return PARTLY if absent or hides_records(reader.findings) else 0


def _write(reader: Reader, found: FoundInstances, options: Namespace, *, selects: bool) -> None:
    """Write a line for each instance, or the tree; if the user selects nothing, faster than through `found`."""
    if options.jsonl:
        write(rows(found))
    elif options.file_ids:
        write(map(escaped, _file_ids(found) if selects else reader.paths()))
    else:
        _tree(reader, found if selects else None, instances=options.verbose)


def _list_scanned(reader: Reader, keys: Mapping[str, str], options: Namespace) -> int:
    """Show the tree or the paths of all files; the findings name the files that are left out. Return the exit code."""
    found = FoundInstances(reader.find(**keys))
    if options.paths or options.file_ids:
        write(map(escaped, _file_ids(found)))
    else:
        _tree(reader, found if keys else None, instances=options.verbose)
    tell_findings(reader.findings, everything=options.verbose, quiet=options.quiet)
    if keys and not (found.number or options.quiet):
        tell_unmatched(keys, options, reader)
    return PARTLY if hides_records(reader.findings) else 0


def _tell_absent(findings: Sequence[Finding], unlisted: int, options: Namespace) -> None:
    """Report the findings; without -v only count the files without a record."""
    wanted = [one for one in findings if options.verbose or one.rule != "FS-FILE-UNLISTED"]
    tell_findings(wanted, everything=options.verbose, quiet=options.quiet)
    if unlisted:
        files = counted(
            unlisted, "DICOM file that no record references is", "DICOM files that no record references are"
        )
        say(f"{files} on the medium too (-v or --json names each; `fileset extract` copies them)")


def _document(reader: Reader, found: Iterable[Record], absent: Iterable[Finding]) -> None:
    def findings() -> Iterator[str]:  # asked for last: some come up only while the instances are read
        yield from finding_rows([*reader.findings, *absent])

    members = {"file_set": identification(reader), "instances": rows(found), "findings": findings()}
    write_document("fileset.list/1", members)


def _file_ids(found: Iterable[Record]) -> Iterator[str]:
    return (record.file_id.path for record in found if record.file_id)


def _paths(found: Iterable[Record] | None, presence: Presence) -> Iterator[str]:
    """Yield the paths of the files on the medium, relative to the path that the user gave."""
    wanted = presence.listed if found is None else (presence.prefix + name for name in _file_ids(found))
    return (presence.present[path] for path in wanted if path in presence.present)


def _tree(reader: Reader, found: Iterable[Record] | None, *, instances: bool) -> None:
    from fileset.cli.tree_view import show, tree_of

    show(tree_of(reader, found, instances=instances), icons=reader.contents.icons if found is None else 0)


def rows(records: Iterable[Record]) -> Iterator[str]:
    """Encode instances as texts of JSON, each with the keys of its patient, study and series."""
    parent: Record | None = None
    above = ""
    for record in records:
        if not above or record.parent != parent:
            parent = record.parent
            above = _above(record)
        yield f'{_own(record)[:-1]}, {above}, "keys": {json_text(record.keys())}}}'


def _own(record: Record) -> str:
    where = {"file_id": record.file_id.path if record.file_id else None, **_inquired(record)}
    return json_text(where | picked(record, "record_type", "sop_class_uid", "sop_instance_uid", "transfer_syntax_uid"))


def _inquired(record: Record) -> dict[str, Any]:
    """Ask for size in bytes, and date and time in UTC (M-INQUIRE FILE, PS3.10 8.3); null if the medium lacks them."""
    try:
        info = record.inquire()
    except FilesetError:
        return {"size": None, "modified": None}
    return {"size": info.size, "modified": info.modified.isoformat() if info.modified else None}


def _above(record: Record) -> str:
    """Encode the keys of the records above, once for all instances that share them."""
    levels = {"patient": record.patient, "study": record.study, "series": record.series}
    return json_text({name: level.keys() if level else {} for name, level in levels.items()})[1:-1]
