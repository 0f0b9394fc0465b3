"""`fileset repair`: rebuild the DICOMDIR of a file-set from the files that are there."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from fileset.cli.output import counted
from fileset.cli.output_files import check_files
from fileset.cli.shared_options import add_changed, add_rules, add_shared, add_writing, at_work, role_options
from fileset.cli.shell import shown
from fileset.cli.write_report import Wording, tell

if TYPE_CHECKING:
    from fileset.report import Report

WRITES: Final = True
EXAMPLES: Final = ("fileset repair DISC --dry-run", "fileset repair DISC.iso")


def _unchanged(report: Report) -> str:
    """Describe the result if the repair added and removed no instance: it corrected links, or found nothing to do."""
    if report.leftovers:
        were = "would be" if report.dry_run else "were" if report.leftovers > 1 else "was"
        files = counted(report.leftovers, "file")
        return f"{files} of an interrupted write {were} removed: there is no file-set in {report.medium}"
    if report.written:
        return f"the DICOMDIR was rebuilt in {report.medium}"
    rebuilt = report.dry_run and report.planned
    if rebuilt:
        return f"the DICOMDIR would be rebuilt in {report.medium}"
    return f"{'nothing to repair' if report.complete else 'nothing could be repaired'} in {report.medium}"


def _hints(report: Report, _options: Namespace) -> Iterator[str]:
    """Give advice if a record that stays and its file have different UIDs."""
    unchanged = not (report.written or report.planned)
    if unchanged and any(finding.rule == "FS-UID-DIFFERS" for finding in report.findings):
        yield "a record and its file differ. To list each file under its own values:"
        yield f"  fileset create {shown([report.medium])} -o NEW"


WORDING: Final = Wording(
    verb="repair", removed="dropped from", refreshed="listed again in", unchanged=_unchanged, hints=_hints, drops=True
)


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset repair MEDIUM [options]"
    add_changed(parser, "a folder or image, with or without a DICOMDIR")
    add_shared(add_rules(parser, patients=False), "--trust-dicomdir")
    add_shared(parser, "--force")
    add_writing(parser)
    parser.epilog = "The exit code is 3 if records were dropped because their files are missing, or if DICOM files could not be listed."


def run(options: Namespace) -> int:
    """Repair, and report."""
    from fileset.repair import repair_file_set

    check_files(options, options.medium)
    with at_work(options) as tools:
        report = repair_file_set(options.medium, dry_run=options.dry_run, **tools, **role_options(options))
    return tell(report, options, WORDING)
