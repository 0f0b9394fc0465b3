"""`fileset refresh`: read the keys of instances again from their files."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from fileset.cli.options import keys_of
from fileset.cli.output_files import check_files
from fileset.cli.shared_options import (
    add_identification,
    add_matched,
    add_rules,
    add_shared,
    add_writing,
    at_work,
    identify,
    role_options,
)
from fileset.cli.write_report import Wording, none, tell_matched

WRITES: Final = True
EXAMPLES: Final = (
    "fileset refresh DISC                  # after files were corrected",
    "fileset refresh DISC PatientID=P1 --dry-run -v",
)
WORDING: Final = Wording(verb="refresh", unchanged=none("read again in"))


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset refresh MEDIUM [KEY=VALUE...] [options]"
    add_matched(parser)
    add_identification(parser)
    add_rules(parser)
    add_shared(parser, "--force")
    add_writing(parser)
    parser.epilog = "The exit code is 3 if a file has another patient, study, series or instance than its record; both values are shown."


def run(options: Namespace) -> int:
    """Read the keys again, and report; exit code 3 if nothing matches, because a value may be misspelt."""
    from fileset.updater import Updater

    keys = keys_of(options.keys)
    check_files(options, options.medium)
    with at_work(options) as tools, Updater(options.medium, **tools, **role_options(options)) as updater:
        refreshed = updater.refresh(**keys)
        identify(updater, options)
        report = updater.commit(dry_run=options.dry_run, hashes=bool(options.manifest))
    return tell_matched(report, options, WORDING, updater, matched=refreshed > 0)
