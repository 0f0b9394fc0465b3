"""`fileset repair`: rebuild the DICOMDIR of a file-set from what is there."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from fileset.cli.options import add_format
from fileset.cli.progress import progress
from fileset.cli.write_report import add_rules, add_writing, check_files, rules, tell


def configure(parser: ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.usage = "fileset repair MEDIUM [options]"
    parser.add_argument("medium", metavar="MEDIUM", help="a folder or image, with a DICOMDIR or without")
    add_format(parser)
    add_rules(parser, invalid_uid="accept")
    add_writing(parser)
    parser.epilog = "Ends with exit code 3 if records were dropped because their files are gone,\nor DICOM files could not be listed."


def run(options: Namespace) -> int:
    """Repair, and report."""
    from fileset.repair import repair_file_set

    check_files(options, options.medium)
    with progress(options) as phases:
        report = repair_file_set(
            options.medium, medium_format=options.format, progress=phases, dry_run=options.dry_run, **rules(options)
        )
    return tell(report, options, "repair")
