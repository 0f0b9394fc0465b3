"""`fileset create`: copy DICOM files into a new file-set."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from fileset.cli.arguments import add_format
from fileset.cli.making import add_options, settings, tell
from fileset.cli.progress import progress
from fileset.errors import RuleError

SCHEMES = {
    "counter": "PT000000/ST000000/SE000000/IM000000",
    "flat": "DICOM/D0000000/I0000000",
    "uid": "DICOM/AB/CDEFGHIJ, a hash of the SOP Instance UID",
    "keep": "the name it has, as far as the Standard allows",
}
"""The naming schemes, with what their names look like."""

OPTIONS = {
    "joliet": "ISO 9660: keep the long names of other files",
    "udf": "ISO 9660: add UDF over the same files, as DVDs have it",
    "compress": "ZIP: deflate the files",
}
"""What an image may have more than it must."""


def configure(parser: ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.usage = "fileset create SOURCE... -o MEDIUM [options]"
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="DICOM files, and folders with all below them")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="MEDIUM",
        help="the folder that becomes the file-set, or NAME.iso, NAME.zip, - for a ZIP archive on stdout",
    )
    parser.add_argument("--naming", choices=SCHEMES, default="counter", help="how files are named (default: counter)")
    parser.add_argument(
        "--include",
        metavar="FILE",
        action="append",
        default=[],
        help="copy a file, or all that is in a folder, beside the file-set: a viewer, README.TXT, AUTORUN.INF; repeat it",
    )
    image = parser.add_argument_group("images of discs, and archives")
    add_format(image)
    for option, use in OPTIONS.items():
        image.add_argument(f"--{option}", action="store_true", help=use)
    parser.epilog = "\n".join(["naming:", *(f"  {name:10}{look}" for name, look in SCHEMES.items())])
    add_options(parser)


def run(options: Namespace) -> int:
    """Create the file-set, and report."""
    from fileset.creator import Creator

    if options.output == "-" and (options.json or options.verbose) and not options.dry_run:
        raise RuleError("standard output takes the archive: leave out --json and -v, or give -o a name")
    with progress(options) as phases:
        creator = Creator(
            options.output,
            medium_format=options.format,
            medium_options=[option for option in OPTIONS if getattr(options, option)],
            naming=options.naming,
            progress=phases,
            **settings(options),
        )
        creator.add(*options.sources)
        creator.include(*options.include)
        report = creator.commit(dry_run=options.dry_run)
    return tell(report, options, "create")
