"""`fileset view`: show the contents of a medium in a browser, from a temporary folder."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Final

from fileset.cli.output import say
from fileset.cli.web_options import add_pages, make_pages

EXAMPLES: Final = ("fileset view /media/cdrom", "fileset view DISC.iso --web-pictures 50")


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset view MEDIUM [options]"
    parser.epilog = "The pages hold patient data: fileset deletes them when you press Enter or Ctrl-C."
    add_pages(parser)


def run(options: Namespace) -> int:
    """Write the pages, open a browser, and remove the pages when the user presses Enter."""
    import webbrowser

    folder = mkdtemp(prefix="fileset-")
    keep = False
    try:
        code = make_pages(options, folder)
        index = Path(folder) / "INDEX.HTM"
        if not webbrowser.open(index.as_uri()):
            say(f"no browser could be opened: open {index}")
        keep = not sys.stdin.isatty()
        if keep:  # without a terminal there is no Enter, and the browser still needs the pages
            say(f"the pages stay in {folder}: they hold patient data, so delete that folder afterwards")
        else:
            say(f"the pages are in {folder}; press Enter to remove them")
            sys.stdin.readline()
    finally:
        if not keep:
            rmtree(folder, ignore_errors=True)
    return code
