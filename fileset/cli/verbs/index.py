"""`fileset index`: write the DICOMDIR for the DICOM files that already lie in a folder."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from fileset.cli.progress import progress
from fileset.cli.write_report import add_options, check_files, settings, tell
from fileset.errors import RuleError


def configure(parser: ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.usage = "fileset index FOLDER [options]"
    parser.add_argument("folder", metavar="FOLDER", help="where the files lie; none of them is moved or changed")
    add_options(parser)


def run(options: Namespace) -> int:
    """Index the folder, and report."""
    from fileset.creator import index

    if os.path.lexists(options.folder) and not os.path.isdir(options.folder):
        raise RuleError("is not a folder: `index` writes the DICOMDIR of folders alone", path=options.folder)
    check_files(options, options.folder)
    with progress(options) as phases:
        report = index(options.folder, progress=phases, dry_run=options.dry_run, **settings(options))
    return tell(report, options, "index")
