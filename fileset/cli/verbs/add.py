"""`fileset add`: add files to a file-set, or replace instances."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any, Final

from fileset.cli.options import add_flag, sources_and_keys
from fileset.cli.output_files import check_files
from fileset.cli.shared_options import (
    IDENTIFICATION,
    add_changed,
    add_identification,
    add_rules,
    add_shared,
    add_writing,
    at_work,
    identify,
    role_options,
)
from fileset.cli.shell import shown
from fileset.cli.verbs.create import SCHEMES
from fileset.cli.write_report import Wording, none, tell
from fileset.errors import FormatError, RuleError

if TYPE_CHECKING:
    from fileset.updater import Updater

WRITES: Final = True
EXAMPLES: Final = ("fileset add /media/usb new-scans/", "fileset add DISC.iso corrected.dcm --replace")
WORDING: Final = Wording(verb="add", unchanged=none("added to"))


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset add MEDIUM SOURCE... [options]"
    add_changed(parser)
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="DICOM files and folders, with everything in them; with KEY=VALUE, only the instances that match",
    )
    add_flag(parser, "--replace", "replace an instance of the file-set by a file with the same UID and other contents")
    parser.add_argument("--naming", choices=SCHEMES, default="counter", help="how files are named (default: counter)")
    add_identification(parser)
    add_shared(add_rules(parser), "--trust-dicomdir", "--add-header", "--preamble", "--strict-sources")
    add_shared(parser, "--icons", "--keys", "--profile", "--strict", "--transcode")
    add_shared(parser, "--hl7-document", "--hl7-native", "--exclude", "--force")
    add_writing(parser)
    add_shared(parser, "--cluster")


def run(options: Namespace) -> int:
    """Change the file-set, and report."""
    options.sources, only = sources_and_keys(options.sources)
    if not (options.sources or options.documents or any(getattr(options, name) is not None for name in IDENTIFICATION)):
        raise RuleError(
            "add: no SOURCE given", advice="Name at least one file or folder, or give --file-set-id or --descriptor"
        )
    check_files(options, options.medium)
    with at_work(options) as tools, _opened(options, tools) as updater:
        for document in options.documents:
            updater.add_hl7_document(document, native=options.hl7_native)
        updater.add(*options.sources, replace=options.replace, only=only, exclude=options.exclude)
        identify(updater, options)
        report = updater.commit(dry_run=options.dry_run, hashes=bool(options.manifest))
    return tell(report, options, WORDING)


def _opened(options: Namespace, tools: dict[str, Any]) -> Updater:
    """Open the file-set; the error for a folder without DICOMDIR names the source that has one: the order was wrong."""
    from fileset.updater import Updater

    try:
        return Updater(options.medium, **tools, **role_options(options))
    except FormatError:
        holder = next(filter(_has_dicomdir, options.sources), "")
        if not holder or not os.path.isdir(options.medium) or _has_dicomdir(options.medium):
            raise
        command = shown(["fileset", "add", holder, options.medium])
        advice = f"The file-set comes first, then what is added: {command}"
        raise RuleError(f"add: {options.medium} has no DICOMDIR, but {holder} has one", advice=advice) from None


def _has_dicomdir(path: str) -> bool:
    return os.path.isfile(os.path.join(path, "DICOMDIR"))
