"""`fileset create`: copy DICOM files into a new file-set."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Final

from fileset.cli.options import (
    add_flag,
    add_format,
    add_opening,
    add_sealing,
    add_value,
    add_values,
    file_path,
    sources_and_keys,
)
from fileset.cli.output import picked, say
from fileset.cli.output_files import check_files
from fileset.cli.reconcile_options import add_reconciliation, reconciliation_of, rewriting, tell_changes
from fileset.cli.secure_options import encrypting, opening
from fileset.cli.shared_options import add_options, add_shared, at_work, settings
from fileset.cli.shell import shown
from fileset.cli.web_options import add_web, refuse_web_alone, web_options
from fileset.cli.write_report import WRITTEN, Wording, conflict_hint, none, tell
from fileset.errors import RuleError

if TYPE_CHECKING:
    from fileset.report import Report

WRITES: Final = True
EXAMPLES: Final = (
    "fileset create scans/ -o DISC.iso --file-set-id ACME_CD1",
    "fileset create scans/ OLD.iso -o CD.iso --volume-size CD",
)
SCHEMES = {
    "counter": "PT000000/ST000000/SE000000/IM000000",
    "flat": "DICOM/D0000000/I0000000",
    "uid": "DICOM/AB/CDEFGHIJ, a hash of the SOP Instance UID",
    "keep": "the name of the source, as far as the Standard allows",
}
"""The naming schemes of `fileset.plan.names`, each with an example; that module is too heavy to load for --help."""

OPTIONS = {
    "joliet": "ISO 9660: keep the long names of other files",
    "udf": "ISO 9660: add UDF over the same files, as DVDs have it",
    "compress": "ZIP: deflate the files",
}
"""Optional features of images and archives."""


def _hints(report: Report, _options: Namespace) -> Iterator[str]:
    """Suggest how to include files that were left out."""
    remedy = "leave the other file out of the sources"
    if report.written and not report.volumes and os.path.exists(report.medium):
        remedy += f", or add it afterwards: fileset add {shown([report.medium])} FILE --replace"
    return conflict_hint(report, remedy)


WORDING: Final = Wording(
    verb="create",
    unchanged=none("written to"),
    added=WRITTEN,
    hints=_hints,
    is_new=True,
)


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset create SOURCE... -o MEDIUM [options]"
    _add_sources(parser)
    _add_volumes(parser)
    _add_pages(parser)
    _add_images(parser)
    add_sealing(parser)
    parser.epilog = "\n".join(["naming:", *(f"  {name:10}{look}" for name, look in SCHEMES.items())])
    add_shared(add_options(parser), "--trust-dicomdir", "--add-header", "--preamble")
    add_shared(parser, "--cluster", "--transcode", "--hl7-document", "--hl7-native")
    add_reconciliation(parser)


def _add_sources(parser: ArgumentParser) -> None:
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="DICOM files, folders, images of discs and archives, with everything in them; with KEY=VALUE, only the "
        "instances that match",
    )
    parser.add_argument(
        "-o",
        "--output",
        default="",
        metavar="MEDIUM",
        help="the folder that becomes the file-set, or NAME.iso, NAME.zip, - for a ZIP archive on stdout",
    )
    parser.add_argument(
        "--naming", choices=SCHEMES, help="how files are named (default: counter; keep for the files of a file-set)"
    )
    add_values(
        parser,
        "--include",
        "FILE",
        "also copy this file, or everything in this folder, to the medium: a viewer, README.TXT, AUTORUN.INF; may be "
        "repeated",
    )
    add_value(parser, "--from-medium", "MEDIUM", "the file-set to convert: its File-set ID is kept")
    add_flag(parser, "--keep-file-set-uid", "keep its File-set UID too")
    add_shared(parser, "--exclude")
    add_flag(parser, "--listed-only", "if a SOURCE is a file-set, leave out DICOM files that no record references")


def _add_volumes(parser: ArgumentParser) -> None:
    volumes = parser.add_argument_group("more data than one medium holds")
    add_value(
        volumes,
        "--volume-size",
        "SIZE",
        "size of a medium: 700MB, 4.7GB, 650MiB, or CD, DVD, DVD-DL, BD, BD-DL. More data goes on several media, "
        "OUT_1, OUT_2 and so on, each with its own file-set",
    )
    add_value(volumes, "--plan", "FILE", "write a JSON file that lists the files of each volume", type=file_path)


def _add_pages(parser: ArgumentParser) -> None:
    web = parser.add_argument_group("pages for a browser (IHE PDI)")
    add_flag(web, "--web", "write INDEX.HTM, README.TXT and pictures: a disc that a patient can look at")
    add_web(web)
    add_flag(
        web,
        "--web-plain",
        "write the pages also beside encrypted files. The pages are not encrypted: everyone who has the medium can see "
        "pictures and names",
    )


def _add_images(parser: ArgumentParser) -> None:
    image = parser.add_argument_group("images of discs, and archives")
    add_format(image, opens=False)
    for option, use in OPTIONS.items():
        add_flag(image, f"--{option}", use)
    add_opening(parser)
    add_value(
        parser,
        "--source-password-file",
        "FILE",
        "file with the password of encrypted sources (default: the file of --password-file); - asks on the terminal",
    )


def run(options: Namespace) -> int:
    """Create the file-set, and report."""
    from fileset.creator import Creator

    options.sources, only = sources_and_keys(options.sources)
    _refuse_wrong_use(options)
    check_files(options, options.output)
    reconciliation = reconciliation_of(options)
    above = os.path.dirname(os.path.normpath(options.output))  # DISC/ is not above DISC
    made = above if above and not os.path.isdir(above) else ""
    with at_work(options) as tools:
        creator = Creator(
            options.output,
            medium_options=[option for option in OPTIONS if getattr(options, option)],
            web=web_options(options) if options.web else None,
            rewrite=rewriting(reconciliation),
            security=encrypting(options),
            source_security=opening(options),
            **picked(options, "volume_size", "keep_file_set_uid", "listed_only"),
            **settings(options),
            **tools,
        )
        with closing(creator):
            for document in options.documents:
                creator.add_hl7_document(document, native=options.hl7_native)
            if options.from_medium:
                creator.add_file_set(options.from_medium, only=only, exclude=options.exclude)
            creator.add(*options.sources, only=only, exclude=options.exclude)
            creator.include(*options.include)
            report = creator.commit(dry_run=options.dry_run, hashes=bool(options.manifest))
    if reconciliation and not (options.quiet or options.json):
        tell_changes(reconciliation.changes)
    if made and not (options.quiet or options.json):
        _tell_made(made, report)
    return tell(report, options, WORDING)


def _tell_made(folder: str, report: Report) -> None:
    """Name the folder above the medium that did not exist: the path may be misspelt, or no stick may be mounted there."""
    if report.dry_run and report.planned:
        say(f"the folder {folder} does not exist and would be made")
    elif os.path.isdir(folder):
        say(f"made the folder {folder}, which did not exist")


def _refuse_wrong_use(options: Namespace) -> None:
    """Raise `RuleError` for arguments that are missing, and options that make no sense together."""
    _refuse_missing(options)
    if options.output == "-" and (options.json or options.verbose) and not options.dry_run:
        raise RuleError("standard output takes the archive", advice="Leave out --json and -v, or give -o a name")
    if options.plan and not options.volume_size:
        raise RuleError("--plan lists volumes", advice="Give their size with --volume-size")
    refuse_web_alone(options)


def _refuse_missing(options: Namespace) -> None:
    """Raise `RuleError` that names all missing arguments at once, with an example."""
    needs = {
        "SOURCE (a file, folder, image or archive to copy)": (
            options.sources or options.from_medium or options.documents
        ),
        "-o MEDIUM (the folder, NAME.iso or NAME.zip to write)": options.output,
    }
    missing = [words for words, given in needs.items() if not given]
    if missing:
        raise RuleError(f"create: missing {' and '.join(missing)}", advice=f"Example: {EXAMPLES[0]}")
