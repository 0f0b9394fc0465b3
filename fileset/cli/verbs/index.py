"""`fileset index`: write the DICOMDIR for DICOM files that stay where they are."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from fileset.cli.output import counted
from fileset.cli.output_files import check_files
from fileset.cli.shared_options import add_options, add_shared, at_work, settings
from fileset.cli.shell import shown
from fileset.cli.write_report import Wording, conflict_hint, none, tell

if TYPE_CHECKING:
    from fileset.report import Report

WRITES: Final = True
EXAMPLES: Final = (
    "fileset index FOLDER --file-set-id ACME_CD1",
    "fileset index FOLDER --replace        # again, after files changed",
)


def _hints(report: Report, options: Namespace) -> Iterator[str]:
    """Suggest how to include files that were left out."""
    yield from conflict_hint(report, "move the other file out of the folder, and index it again with --replace")
    if names := sum(one.rule == "FS-FILE-NAME" for one in report.skipped):
        command = ["fileset", "create", options.folder, "-o", _beside(options.folder)]
        command += ["--file-set-id", options.file_set_id] if options.file_set_id else []
        yield f"{counted(names, 'file')} cannot be listed because of the name. To copy all files under legal names:"
        yield f"  {shown(command)}"


WORDING: Final = Wording(verb="index", unchanged=none("added to"), hints=_hints, is_new=True)


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset index FOLDER [options]"
    parser.add_argument("folder", metavar="FOLDER", help="the folder with the files; none of them is moved or changed")
    add_options(parser)
    add_shared(parser, "--cluster")


def run(options: Namespace) -> int:
    """Index the folder, and report."""
    from fileset.creator import index

    check_files(options, options.folder)
    chosen = {"dry_run": options.dry_run, "hashes": bool(options.manifest), **settings(options)}
    with at_work(options) as tools:
        report = index(options.folder, **tools, **chosen)
    return tell(report, options, WORDING)


def _beside(folder: str) -> str:
    """Choose the path of a new folder next to `folder`; for a bucket and the root of a drive, one in the current folder."""
    plain = folder.rstrip("/" + os.sep)
    if "://" in folder:
        return f"{os.path.basename(plain)}_NEW"
    if os.path.basename(plain) in ("", ".", ".."):
        plain = os.path.abspath(folder)
    return (plain if os.path.basename(plain) else "") + "_NEW"
