"""What the verbs that read a file-set have in common."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fileset.cli.arguments import add_format
from fileset.cli.output import say

if TYPE_CHECKING:
    from fileset.extract.scanned import Completed, Scanned
    from fileset.reader import Reader


def add_medium(parser: ArgumentParser) -> None:
    """The file-set to read."""
    parser.add_argument(
        "medium",
        metavar="MEDIUM",
        help="a folder with a DICOMDIR, the DICOMDIR itself, an image of a disc, or a ZIP archive",
    )
    add_format(parser)


def identification(reader: Reader | Scanned | Completed) -> dict[str, Any]:
    """The `file_set` member of every document."""
    return {"id": reader.file_set_id, "uid": reader.file_set_uid, "path": reader.medium.name}


def tell_unmatched(keys: Mapping[str, str]) -> None:
    """Say that nothing matches: an empty answer looks like an empty file-set, and a value may have been misspelt."""
    say(f"nothing matches {', '.join(f'{key}={value}' for key, value in keys.items())}")
