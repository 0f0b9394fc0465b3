"""Run the command line in tests: within this process, as a separate process, or on a terminal."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import frozen

ROOT: Final = Path(__file__).parents[2]
"""The checkout."""


@frozen
class Run:
    """The result of a command."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on standard output."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document


Runs = Callable[..., Run]
"""The fixture `run`: run a command within this process and assert its exit code."""


def command(*arguments: str | Path) -> list[str]:
    """Return the words that start the command as a process."""
    return [sys.executable, "-m", "fileset", *map(str, arguments)]


def words_of(line: str) -> list[str]:
    """Split a command line as the shell of this system does: a backslash is an escape on Linux alone."""
    return shlex.split(line.replace("\\", "\\\\") if os.name == "nt" else line)


def environment(**more: str) -> dict[str, str]:
    """Return the environment variables for `command`."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def process(*arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run `command` as a process."""
    more = {"capture_output": True, "env": environment(), "timeout": 120, **more}
    return subprocess.run(command(*arguments), check=False, text=True, encoding="utf-8", **more)


def in_process(*arguments: str | Path, cwd: Path | None = None) -> Run:
    """Run the command line within this process, which is several times as fast as a separate process."""
    from fileset.cli import main

    with chdir(cwd or "."), redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = main([str(argument) for argument in arguments])
    return Run(code, out.getvalue(), err.getvalue())


ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""Control sequences of a terminal."""


def on_terminal(*arguments: str | Path, columns: int = 100) -> str:
    """Run the command on a pseudo-terminal; return the text of both streams."""
    pty = pytest.importorskip("pty", reason="needs pseudo-terminals")
    ours, theirs = pty.openpty()
    more = {"COLUMNS": str(columns), "TERM": "xterm-256color"}
    with subprocess.Popen(command(*arguments), stdin=theirs, stdout=theirs, stderr=theirs, env=environment(**more)):
        os.close(theirs)
        shown = b"".join(_read(ours))
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # Linux raises EIO once the other end is closed
            return
        if not data:
            return
        yield data


def damage(disc: Path, before: bytes, after: bytes) -> None:
    """Replace each `before` in the DICOMDIR of `disc` by `after`, of the same length."""
    path = disc / "DICOMDIR"
    data = path.read_bytes()
    assert before in data
    assert len(before) == len(after)
    path.write_bytes(data.replace(before, after))
