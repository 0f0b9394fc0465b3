"""Options and messages of the verbs that read a file-set."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from fileset.cli.options import add_format
from fileset.cli.output import say

if TYPE_CHECKING:
    from fileset.extraction.complete import Complete
    from fileset.extraction.scanned import Scanned
    from fileset.reader import Reader


MEDIUM_HELP: Final = "a folder with a DICOMDIR, the DICOMDIR itself, an image of a disc, or a ZIP archive"


def add_medium(parser: ArgumentParser) -> None:
    """Add the file-set to read."""
    parser.add_argument(
        "medium",
        metavar="MEDIUM",
        help=MEDIUM_HELP,
    )
    add_format(parser)


def identification(reader: Reader | Scanned | Complete) -> dict[str, Any]:
    """Return the `file_set` member of every document."""
    return {"id": reader.file_set_id, "uid": reader.file_set_uid, "path": reader.medium.name}


def tell_unmatched(
    keys: Mapping[str, str], options: Namespace, absent: Callable[[Iterable[str]], Mapping[str, int]]
) -> None:
    """Report that nothing matches, because a value may be misspelt, and name the keys that no record has."""
    say(f"nothing matches {', '.join(f'{key}={value}' for key, value in keys.items())}")
    lacking = {} if options.quiet else absent(keys)
    if lacking:
        names = " or ".join(f"{key} ({tag >> 16:04X},{tag & 0xFFFF:04X})" for key, tag in lacking.items())
        say(f"no record has {names}. Only keys in the DICOMDIR can be matched; `fileset list --json` shows them")
