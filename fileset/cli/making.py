"""What `create` and `index` have in common: their options, and how they report."""

from __future__ import annotations

import os
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from fileset.cli.arguments import add_common, positive
from fileset.cli.output import counted, escaped, json_text, say, sized, write, write_document
from fileset.cli.problems import PARTLY, Problem, finding_rows, problems_of, tell_problems

if TYPE_CHECKING:
    from fileset.report import Report


NAMED: Final = 100
"""Up to so many skipped files are named one by one."""


def add_options(parser: ArgumentParser) -> None:
    """The options of the library that both verbs take, and those of every verb."""
    identity = parser.add_argument_group("identification of the file-set")
    identity.add_argument("--file-set-id", metavar="ID", default="", help="up to 16 of A-Z, 0-9 and _, as on a label")
    identity.add_argument("--file-set-uid", metavar="UID", help="the File-set UID (default: a new one)")
    identity.add_argument("--descriptor", metavar="FILE_ID", help="a README-like file of the file-set, such as README")
    identity.add_argument("--descriptor-charset", metavar="CS", help="its character set, such as ISO_IR 100")
    rules = parser.add_argument_group("files that are not as they should be")
    rules.add_argument(
        "--missing",
        choices=("invent", "refuse"),
        default="invent",
        help="for a value that the directory must have: invent one and say so, or refuse the file (default: invent)",
    )
    rules.add_argument(
        "--invalid-uid",
        choices=("refuse", "accept"),
        default="refuse",
        help="for a UID that is none: refuse the file, or take the UID as it is (default: refuse)",
    )
    rules.add_argument(
        "--unknown-sop-class",
        choices=("image", "private", "refuse"),
        default="image",
        help="list it as IMAGE if it has pixels, as PRIVATE, or refuse the file (default: image)",
    )
    parser.add_argument("--replace", action="store_true", help="replace the file-set that is there")
    parser.add_argument("--dry-run", action="store_true", help="write nothing: show what would be added")
    parser.add_argument("--undefined-lengths", action="store_true", help="of the sequences and items in the DICOMDIR")
    parser.add_argument("--jobs", metavar="N", type=positive, help="processes that read (default: one a processor)")
    add_common(parser)


def settings(options: Namespace) -> dict[str, Any]:
    """Options as keyword arguments of `Creator` and `index`."""
    return {
        "file_set_id": options.file_set_id,
        "file_set_uid": options.file_set_uid,
        "descriptor_file_id": options.descriptor,
        "descriptor_character_set": options.descriptor_charset,
        "missing": options.missing,
        "invalid_uid": options.invalid_uid,
        "unknown_sop_class": options.unknown_sop_class,
        "replace": options.replace,
        "undefined_lengths": options.undefined_lengths,
        "jobs": options.jobs,
    }


def tell(report: Report, options: Namespace, verb: str) -> int:
    """Report on both streams, and give the exit code."""
    if options.json:
        _document(report, f"fileset.{verb}/1")
    elif options.verbose or options.dry_run:
        write(f"{escaped(added.source)} -> {added.file_id}" for added in report.added)
    if not (options.json or options.quiet):
        _details(report, everything=options.verbose)
    if not report.complete and verb == "index" and not options.quiet:
        _hint(report, options)
    if not options.quiet or not report.complete:
        say(_summary(report))
    return 0 if report.complete else PARTLY


def _details(report: Report, *, everything: bool) -> None:
    skipped: list[Problem] = [(one.rule, f"{one.source}: {one.reason}") for one in report.skipped]
    findings = report.findings if everything else report.warnings
    # A file that did not go in is worth a line longer than a value that was made good.
    named = everything or len(skipped) <= NAMED
    tell_problems({f"{counted(len(skipped), 'file')} skipped": skipped}, everything=named)
    made_good = {counted(len(findings), "finding" if everything else "warning"): problems_of(findings)}
    tell_problems(made_good, everything=everything)


def _summary(report: Report) -> str:
    verb = "would be added" if report.dry_run else "added"
    parts = [f"{counted(len(report.added), 'instance')} {verb} to {report.medium}"]
    if report.written:
        size = sum(written.size for written in report.written)
        parts.append(f"{sized(size)} in {counted(len(report.written), 'file')} written")
    if report.skipped:
        parts.append(f"{counted(len(report.skipped), 'file')} skipped")
    if report.warnings:
        parts.append(counted(len(report.warnings), "warning"))
    return ", ".join(parts)


def _hint(report: Report, options: Namespace) -> None:
    """How to take in files whose names cannot stand in a DICOMDIR."""
    names = sum(1 for one in report.skipped if one.rule == "FS-FILE-NAME")
    if not names:
        return
    command = ["fileset", "create", options.folder, "-o", _beside(options.folder)]
    if options.file_set_id:
        command += ["--file-set-id", options.file_set_id]
    say(f"{counted(names, 'file')} cannot be referenced by name. To copy everything under names that can:")
    say(f"  {shlex.join(command)}")


def _beside(folder: str) -> str:
    """A new folder next to `folder`, named as the user named that."""
    plain = folder.rstrip(os.sep)
    if os.path.basename(plain) in ("", ".", ".."):
        return os.path.relpath(os.path.abspath(folder) + "_NEW")
    return plain + "_NEW"


def _document(report: Report, schema: str) -> None:
    write_document(
        schema,
        {
            "file_set": {"id": report.file_set_id, "uid": report.file_set_uid, "path": report.medium},
            "dry_run": report.dry_run,
            "complete": report.complete,
            "written": {"files": len(report.written), "bytes": sum(one.size for one in report.written)},
            "added": _added(report),
            "skipped": (
                json_text({"source": one.source, "rule": one.rule, "reason": one.reason}) for one in report.skipped
            ),
            "findings": finding_rows(report.findings),
        },
    )


def _added(report: Report) -> Iterator[str]:
    for one in report.added:
        yield json_text(
            {
                "source": one.source,
                "file_id": one.file_id.path,
                "record_type": one.record_type,
                "sop_instance_uid": one.sop_instance_uid,
            }
        )
