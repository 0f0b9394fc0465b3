"""`fileset remove`: remove matching instances from a file-set."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from fileset.cli.options import add_flag, keys_of
from fileset.cli.output_files import check_files
from fileset.cli.shared_options import add_matched, add_shared, add_writing, role_options
from fileset.cli.shell import shown
from fileset.cli.write_report import Wording, none, tell_matched
from fileset.errors import RuleError

WRITES: Final = True
EXAMPLES: Final = ("fileset remove DISC PatientID=P1 --dry-run -v", "fileset remove DISC Modality=SR --keep-files")
WORDING: Final = Wording(verb="remove", unchanged=none("removed from"))


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset remove MEDIUM KEY=VALUE... [options]"
    add_matched(parser)
    parser.add_argument(
        "--level",
        type=str.upper,
        choices=("PATIENT", "STUDY", "SERIES"),
        help="remove whole patients, studies or series that match",
    )
    add_flag(parser, "--keep-files", "do not delete the files")
    add_shared(parser, "--force")
    add_writing(parser, scans=False)


def run(options: Namespace) -> int:
    """Remove, and report; exit code 3 if nothing matches, because a value may be misspelt."""
    from fileset.updater import Updater

    keys = keys_of(options.keys)
    if not keys:
        example = shown(["fileset", "remove", options.medium, "PatientID=P1", "--dry-run"])
        raise RuleError(
            "remove: no KEY=VALUE given", advice=f"Give one, as `{example}`; PatientID='*' means everything"
        )
    check_files(options, options.medium)
    with Updater(options.medium, **role_options(options)) as updater:
        updater.remove(level=options.level, keep_files=options.keep_files, **keys)
        report = updater.commit(dry_run=options.dry_run, hashes=bool(options.manifest))
    matched = bool(report.removed or report.written)
    return tell_matched(report, options, WORDING, updater, matched=matched)
