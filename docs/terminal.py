"""Make `docs/terminal.svg`, the picture in README.md, from a real run of the commands in it.

Run it beside a folder `scans/` with DICOM files: `python docs/terminal.py > terminal.svg`.
"""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

from rich.console import Console
from rich.text import Text

COLUMNS = 88
COMMANDS = (
    "fileset create scans/ -o DISC.iso --file-set-id ACME_CD1",
    "fileset list DISC.iso",
    "fileset check DISC.iso",
)


def shown(command: str) -> str:
    """Return what a terminal shows for a command."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    with subprocess.Popen(shlex.split(command), stdin=theirs, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        text = b"".join(_read(ours))
    os.close(ours)
    return text.decode().replace("\r\n", "\n")


def _read(terminal: int) -> Iterator[bytes]:
    with suppress(OSError):  # Linux reports the end of a terminal as an error
        while data := os.read(terminal, 65536):
            yield data


def picture() -> str:
    """Return the picture as SVG."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        for command in COMMANDS:
            console.print(Text(f"$ {command}", "bold"))
            console.print(Text.from_ansi(shown(f"{command} --no-progress")))
        return console.export_svg(title="fileset")


if __name__ == "__main__":
    sys.stdout.write(picture())
