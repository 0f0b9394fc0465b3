"""`fileset pages`: pages for a browser that show the contents of a medium."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import Final

from fileset.cli.output import say
from fileset.cli.web_options import add_pages, make_pages

EXAMPLES: Final = (
    "fileset pages /media/cdrom -o pages",
    "fileset pages DISC -o pages --web-language de --institution 'KH Nord'",
)


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset pages MEDIUM -o FOLDER [options]"
    parser.add_argument(
        "-o", "--output", required=True, metavar="FOLDER", help="a new folder: open INDEX.HTM in it with a browser"
    )
    add_pages(parser)


def run(options: Namespace) -> int:
    """Write the pages, report them, and name the page to open."""
    code = make_pages(options, options.output, f"the pages in {options.output} are complete")
    index = os.path.join(options.output, "INDEX.HTM")
    if not (options.quiet or options.json):
        say(f"to see the pages, open {index} in a browser")
    return code
