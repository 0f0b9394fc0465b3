"""`fileset remove`: remove what matches from a file-set."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from fileset.cli.findings import PARTLY
from fileset.cli.options import add_format, add_keys, keys_of
from fileset.cli.read_options import tell_unmatched
from fileset.cli.write_report import add_writing, check_files, tell
from fileset.errors import RuleError


def configure(parser: ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.usage = "fileset remove MEDIUM KEY=VALUE... [options]"
    parser.add_argument("medium", metavar="MEDIUM", help="a folder or image with a DICOMDIR")
    add_format(parser)
    add_keys(parser)
    parser.add_argument(
        "--level", choices=("PATIENT", "STUDY", "SERIES"), help="remove whole patients, studies or series that match"
    )
    parser.add_argument("--keep-files", action="store_true", help="do not delete the files")
    add_writing(parser, scans=False)


def run(options: Namespace) -> int:
    """Remove, and report; that nothing matches is worth an exit code, for a key may have been misspelt."""
    from fileset.updater import Updater

    keys = keys_of(options.keys)
    if not keys:
        raise RuleError("remove: say what, as KEY=VALUE; PatientID='*' means everything")
    check_files(options, options.medium)
    with Updater(options.medium, medium_format=options.format) as updater:
        updater.remove(level=options.level, keep_files=options.keep_files, **keys)
        report = updater.commit(dry_run=options.dry_run)
    code = tell(report, options, "remove")
    if report.removed or report.written:
        return code
    tell_unmatched(keys, options, updater.absent)
    return PARTLY
