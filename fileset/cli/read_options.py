"""Options and messages of the verbs that read a file-set."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from fileset.cli.options import add_format
from fileset.cli.output import say
from fileset.errors import FormatError, MediumError

if TYPE_CHECKING:
    from fileset.extraction.complete import Complete
    from fileset.extraction.scanned import Scanned
    from fileset.reader import Reader
    from fileset.updater import Updater

MEDIUM_HELP: Final = "a folder with a DICOMDIR, the DICOMDIR itself, an image of a disc, or a ZIP archive"


def add_medium(parser: ArgumentParser) -> None:
    """Add the file-set to read."""
    parser.add_argument("medium", metavar="MEDIUM", help=MEDIUM_HELP)
    add_format(parser)


def opened(medium: str, options: Namespace) -> Reader | Scanned:
    """Open a medium by its DICOMDIR; by its files if --scan is given or the DICOMDIR cannot be read."""
    from fileset.extraction.scanned import scanned, scanned_instead
    from fileset.reader import Reader

    if options.scan:
        return scanned(medium, options.format)
    try:
        return Reader(medium, medium_format=options.format)
    except (FormatError, MediumError) as problem:
        return scanned_instead(medium, options.format, problem)


def opened_whole(medium: str, options: Namespace) -> Complete | Scanned:
    """Open a medium as `opened` does, with the instances that no record references."""
    from fileset.extraction.complete import Complete
    from fileset.extraction.scanned import Scanned

    reader = opened(medium, options)
    return reader if isinstance(reader, Scanned) else Complete(reader)


def identification(reader: Reader | Scanned | Complete) -> dict[str, Any]:
    """Return the `file_set` member of every document."""
    return {"id": reader.file_set_id, "uid": reader.file_set_uid, "path": reader.medium.name}


def tell_unmatched(
    keys: Mapping[str, str], options: Namespace, searched: Reader | Scanned | Complete | Updater
) -> None:
    """Report that nothing matches, because a value may be misspelt, and name the keys that no record has."""
    from fileset.plan.choice import as_text

    say(f"nothing matches {as_text(keys)}")
    lacking = {} if options.quiet else searched.absent(keys)
    if lacking:
        names = " or ".join(f"{key} ({tag >> 16:04X},{tag & 0xFFFF:04X})" for key, tag in lacking.items())
        say(f"no record has {names}. Only keys in the DICOMDIR can be matched; `fileset list --json` shows them")
