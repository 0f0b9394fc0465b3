"""`fileset extract`: copy files out of a file-set."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from fileset.cli.findings import LINES, PARTLY, finding_rows, hides_records, tell_findings
from fileset.cli.options import add_common, add_flag, add_keys, add_value, keys_of
from fileset.cli.output import counted, grouped, json_text, picked, say, sized, write_document
from fileset.cli.progress import progress
from fileset.cli.read_options import add_medium, identification, opened, tell_unmatched
from fileset.cli.reconcile_options import (
    add_reconciliation,
    reconciled,
    reconciliation_of,
    tell_changes,
)
from fileset.cli.shared_options import add_shared
from fileset.cli.signals import after_work, noting
from fileset.cli.write_report import refused_foreign, tell_skipped
from fileset.errors import RuleError
from fileset.extraction.layout import DEFAULT, STRUCTURE
from fileset.extraction.names import LONGEST_PATH

if TYPE_CHECKING:
    from fileset.extraction import Copy, ExtractReport, Lost
    from fileset.extraction.scanned import Scanned
    from fileset.plan.instances import Finder
    from fileset.reader import Reader
    from fileset.report import Skipped

EXAMPLES: Final = (
    "fileset extract DISC.iso -o copies Modality=CT",
    "fileset extract DISC -o copies --template '{PatientID}/{SOPInstanceUID}.dcm'",
)


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset extract MEDIUM -o FOLDER [KEY=VALUE...] [options]"
    add_medium(parser)
    add_keys(parser)
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="FOLDER",
        help="the folder for the copies; files that are already there are not copied again",
    )
    add_value(
        parser,
        "--template",
        "TEMPLATE",
        "names of the copies: keywords in braces, such as {InstanceNumber:05}; the default is below",
    )
    parser.epilog = f"{parser.epilog}\n\ndefault names:\n  {DEFAULT}"
    add_flag(parser, "--keep-structure", "keep the folders and names of the medium")
    add_flag(parser, "--ascii", "only ASCII characters in names: Müller becomes Muller")
    add_flag(parser, "--listed-only", "leave out DICOM files that no record references (they are counted, exit code 3)")
    add_flag(
        parser, "--scan", "look into every file instead of the DICOMDIR; this is the default if no DICOMDIR can be read"
    )
    add_shared(parser, "--strict-sources", "--trust-dicomdir")
    add_reconciliation(parser)
    add_common(parser)


def run(options: Namespace) -> int:
    """Copy the matching instances, and report."""
    keys: dict[str, Any] = keys_of(options.keys)
    template = _template(options)
    if os.path.lexists(options.output) and not os.path.isdir(options.output):
        raise RuleError(
            "is not a folder, as the output must be", path=options.output, advice="`fileset create` writes images"
        )
    reconciliation = reconciliation_of(options)
    with opened(options.medium, options) as reader:
        source = reconciled(reader, reconciliation, keys, listed_only=options.listed_only)
        report = _extracted(source, template, keys, options)
        with after_work(f"the copies in {report.folder} stay" if report.files else ""):
            _tell(report, reader, options)
        if reconciliation is not None and not (options.quiet or options.json):
            tell_changes(reconciliation.changes)
        nothing = not (report.files or report.missing or report.failed) and _tell_nothing(report, reader, keys, options)
        strict = bool(refused_foreign(report.skipped, options))
        hidden = hides_records(reader.findings) or any(one.rule == "FS-FILE-LINK" for one in reader.findings)
        return 0 if report.complete and not (strict or nothing or hidden) else PARTLY


def _extracted(source: Finder, template: str, keys: dict[str, Any], options: Namespace) -> ExtractReport:
    from fileset.extraction import extract

    chosen = {"template": template, "ascii_only": options.ascii, **picked(options, "listed_only", "trust_dicomdir")}
    with noting("the copies stay; run it again to continue"), progress(options) as phases:
        return extract(source, options.output, progress=phases, **chosen, **keys)


def _tell_nothing(report: ExtractReport, reader: Reader | Scanned, keys: dict[str, Any], options: Namespace) -> bool:
    """Say why nothing was copied; return whether that is a fault: keys that match nothing, or no file to read."""
    from fileset.findings import Finding, Where
    from fileset.plan.secured import no_readable_file

    if keys and any(reader.instances):
        tell_unmatched(keys, options, reader)
        if not (options.scan or options.quiet):
            say("the records were searched; --scan searches the files themselves, which may be of other patients")
        return True
    if options.scan:
        claiming = [
            Finding("FS-FILE-UNREADABLE", one.reason, Where(one.source)) for one in report.skipped if not one.foreign
        ]
        say(no_readable_file(reader.medium, (*report.findings, *reader.findings, *claiming)).text(command=True))
    return bool(options.scan)


def _template(options: Namespace) -> str:
    """Choose the template that the options ask for."""
    if not options.keep_structure:
        return str(options.template or DEFAULT)
    if options.template:
        raise RuleError("--keep-structure and --template exclude each other: both name the copies")
    return STRUCTURE


def _tell(report: ExtractReport, reader: Reader | Scanned, options: Namespace) -> None:
    if options.json:
        _document(report, reader)
    else:
        claiming = [one for one in report.skipped if not one.foreign]
        told = [*refused_foreign(report.skipped, options), *claiming] if options.quiet else report.skipped
        tell_skipped(told, everything=options.verbose)
        for lost, fault in ((report.missing, "missing"), (report.failed, "not copied")):
            if lost:
                say(f"{counted(len(lost), 'file')} {fault}:", *lost_lines(lost, everything=options.verbose))
        findings = [*reader.findings, *report.findings]
        tell_findings(findings, everything=options.verbose, quiet=options.quiet)
    if not options.quiet:
        say(*_notes(report, options))
    say(*_left_behind(report))
    if not options.quiet or not report.complete:
        say(_summary(report))


def _notes(report: ExtractReport, options: Namespace) -> Iterator[str]:
    """Remark on names."""
    if report.beside:
        yield from _beside(report, options)
    for keyword, number in report.lacking.items():
        yield f"{counted(number, 'file has', 'files have')} no {keyword}: left out of the names"
    if report.shortened:
        yield f"{counted(report.shortened, 'path was', 'paths were')} longer than {LONGEST_PATH} characters: shortened"


def _left_behind(report: ExtractReport) -> Iterator[str]:
    """Report the files that --listed-only left out."""
    if report.left_behind:
        left = counted(
            report.left_behind,
            "DICOM file that no record references stays",
            "DICOM files that no record references stay",
        )
        yield f"{left} on the medium; without --listed-only they are copied too"


def _beside(report: ExtractReport, options: Namespace) -> Iterator[str]:
    """Report files whose name differs from the template, because another file has that name."""
    files = counted(report.beside, "file has", "files have")
    apart = (
        "" if "{SOPInstanceUID" in _template(options) else "; a template with {SOPInstanceUID} makes the names unique"
    )
    advice = "" if options.verbose else f" (-v or --json names each{apart})"
    yield f"{files} another name than the template gives, because another file already has that name{advice}"
    if options.verbose:
        yield from (f"  {copy.file_id} -> {copy.path}" for copy in report.files if copy.beside)


def lost_lines(lost: Sequence[Lost], *, everything: bool) -> Iterator[str]:
    """List lost instances below their series; if there are many and `everything` is not set, only counts by series."""
    groups = grouped((_series(one), one) for one in lost)
    brief = not everything and len(lost) > LINES
    for series, instances in islice(groups.items(), LINES if brief else None):
        yield f"  {series}: {counted(len(instances), 'instance')}"
        if not brief:
            yield from map(_instance, instances)
    if brief:
        more = f"and {counted(len(groups) - LINES, 'more series', 'more series')}; " if len(groups) > LINES else ""
        yield f"  ({more}-v or --json names every instance)"


def _series(lost: Lost) -> str:
    known = (
        ("patient", f"{lost.patient_id} {lost.patient_name}"),
        ("study", f"{lost.study_date} {lost.study_instance_uid}"),
        ("series", f"{lost.modality} {lost.series_number} {lost.series_instance_uid}"),
    )
    return ", ".join(f"{name} {' '.join(text.split())}" for name, text in known if text.strip()) or "patient unknown"


def _instance(lost: Lost) -> str:
    known = " ".join(f"{lost.instance_number} {lost.sop_instance_uid}".split())
    return f"    instance {known}: {lost.reason}" if known else f"    {lost.reason}"


def _summary(report: ExtractReport) -> str:
    numbers = {
        "already there": report.already_there,
        "missing": len(report.missing),
        "not copied": len(report.failed),
        "of them damaged or not as in their records": len({finding.where.file for finding in report.doubtful}),
    }
    copied = f"{counted(report.copied, 'file')} ({sized(report.size)}) copied to {report.folder}"
    return ", ".join([copied, *(f"{number:,} {words}" for words, number in numbers.items() if number)])


def _document(report: ExtractReport, reader: Reader | Scanned) -> None:
    write_document(
        "fileset.extract/1",
        {
            "file_set": identification(reader),
            **picked(report, "folder", "copied", "already_there"),
            "bytes": report.size,
            "files": _rows(report.files),
            "missing": _rows(report.missing),
            "failed": _rows(report.failed),
            "skipped": _rows(report.skipped),
            "unlisted_left_behind": report.left_behind,
            "shortened": report.shortened,
            "findings": finding_rows([*reader.findings, *report.findings]),
        },
    )


def _rows(rows: Iterable[Lost | Copy | Skipped]) -> Iterator[str]:
    from attrs import asdict

    return (json_text(asdict(one)) for one in rows)
