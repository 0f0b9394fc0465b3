"""`fileset add`: add files to a file-set, or replace instances."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from fileset.cli.cluster_option import add_cluster, cluster
from fileset.cli.options import add_choice, add_format, add_sealing, sources_and_keys
from fileset.cli.output_files import check_files
from fileset.cli.progress import progress
from fileset.cli.verbs.create import SCHEMES
from fileset.cli.write_options import (
    add_documents,
    add_force,
    add_icons,
    add_identification,
    add_preamble,
    add_profile,
    add_record_keys,
    add_rules,
    add_strict_sources,
    add_transcode,
    add_writing,
    identify,
    role_options,
)
from fileset.cli.write_report import Wording, tell
from fileset.errors import RuleError

WRITES: Final = True
EXAMPLES: Final = (
    "fileset add /media/usb new-scans/",
    "fileset add DISC.iso corrected.dcm --replace",
)
WORDING: Final = Wording(verb="add", unchanged=lambda report: f"0 instances added to {report.medium}")
_CHANGES: Final = ("file_set_id", "descriptor", "descriptor_charset")


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset add MEDIUM SOURCE... [options]"
    parser.add_argument("medium", metavar="MEDIUM", help="a folder or image with a DICOMDIR")
    add_format(parser)
    add_sealing(parser)
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="DICOM files and folders, with everything in them; with KEY=VALUE, only the instances that match",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="replace an instance of the file-set by a file with the same UID and other contents",
    )
    parser.add_argument("--naming", choices=SCHEMES, default="counter", help="how files are named (default: counter)")
    add_identification(parser)
    about_files = add_rules(parser)
    add_preamble(about_files)
    add_strict_sources(about_files)
    add_icons(parser)
    add_record_keys(parser)
    add_profile(parser)
    add_transcode(parser)
    add_documents(parser)
    add_choice(parser)
    add_force(parser)
    add_writing(parser)
    add_cluster(parser)


def run(options: Namespace) -> int:
    """Change the file-set, and report."""
    from fileset.updater import Updater

    options.sources, only = sources_and_keys(options.sources)
    if not (options.sources or options.documents or any(getattr(options, name) is not None for name in _CHANGES)):
        raise RuleError(
            "add: no SOURCE given", advice="Name at least one file or folder, or give --file-set-id or --descriptor"
        )
    check_files(options, options.medium)
    with (
        cluster(options) as executor,
        progress(options) as phases,
        Updater(
            options.medium,
            medium_format=options.format,
            executor=executor,
            progress=phases,
            **role_options(options),
        ) as updater,
    ):
        for document in options.documents:
            updater.add_hl7_document(document, native=options.hl7_native)
        updater.add(*options.sources, replace=options.replace, only=only, exclude=options.exclude)
        identify(updater, options)
        report = updater.commit(dry_run=options.dry_run, hashes=bool(options.manifest))
    return tell(report, options, WORDING)
