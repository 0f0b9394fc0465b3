"""`fileset burn`: check an image, burn it, compare the disc with it, and check the disc."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Final

from fileset.cli.comparison import DIFFERS, comparison_lines, comparison_members
from fileset.cli.options import add_common, add_flag, add_value, positive
from fileset.cli.output import picked, write, write_document
from fileset.cli.progress import progress
from fileset.cli.shell import shown
from fileset.cli.signals import after_work
from fileset.cli.verbs.check import FOUND, lines, show

if TYPE_CHECKING:
    from fileset.burn import BurnReport

SEALED: Final = "encrypted: without a key, only the names and envelopes of the files were checked, not what is inside"
EXAMPLES: Final = ("fileset burn DISC.iso --device /dev/sr0 --blank", "fileset burn DISC.iso --device D:")


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset burn IMAGE --device DEVICE [options]"
    parser.add_argument("image", metavar="IMAGE", help="the ISO image")
    add_value(parser, "--device", "DEVICE", "the drive, such as /dev/sr0 or D:", required=True)
    add_flag(parser, "--blank", "erase a rewritable disc first")
    add_value(parser, "--speed", "N", "speed, as the burning program counts it", type=positive)
    add_value(parser, "--program", "NAME", "xorriso, wodim, cdrecord, hdiutil or isoburn")
    add_flag(parser, "--force", "burn the image also if a check finds errors in it")
    add_flag(parser, "--dry-run", "burn nothing; show the command that would burn")
    add_common(parser)
    parser.epilog = "Ends with exit code 5 if the burning program fails or the disc differs from the image."


def run(options: Namespace) -> int:
    """Burn, and report on standard output."""
    from fileset.burn import burn_image

    with progress(options) as phases:
        report = burn_image(
            options.image,
            options.device,
            progress=phases,
            **picked(options, "program", "blank", "speed", "force", "dry_run"),
        )
    with after_work(f"{options.device}: the disc was burned" if report.comparison else ""):
        if options.json:
            _document(options, report)
        else:
            _tell(options, report)
    if report.comparison and not report.comparison.same:
        return DIFFERS
    return FOUND if report.check and not report.check.conformant else 0


def _tell(options: Namespace, report: BurnReport) -> None:
    if report.comparison is None:
        write([f"would run: {' '.join(report.command)}"])
        return
    write(comparison_lines(report.comparison, quiet=options.quiet))
    if report.check:
        show(lines(report.check, everything=options.verbose, quiet=options.quiet))
        if report.sealed:
            command = shown(["fileset", "check", report.check.medium])
            show([(f"{SEALED}: `{command}` with --key or --password-file checks all", "")])


def _document(options: Namespace, report: BurnReport) -> None:
    members = picked(options, "image", "device", "dry_run") | {
        "command": report.command,
        "comparison": comparison_members(report.comparison) if report.comparison else None,
        "check": picked(report.check, "errors", "warnings") | {"sealed": report.sealed} if report.check else None,
    }
    write_document("fileset.burn/1", members)
