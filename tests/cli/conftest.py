"""What the tests of the command line share: a run within this process, and small file-sets."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

import fileset
from fileset.cli import main
from tests import synthetic

PACKAGE = Path(fileset.__file__).parent


@frozen
class Run:
    """The end of a command."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on standard output."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document


Runs = Callable[..., Run]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runs:
    """Run `main` here, and assert its exit code."""

    def run_main(*arguments: str | Path, code: int = 0) -> Run:
        capsys.readouterr()
        returned = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert returned == code, captured.err
        return Run(returned, captured.out, captured.err)

    return run_main


def command(*arguments: str | Path) -> list[str]:
    """The command as a process of its own."""
    return [sys.executable, "-m", "fileset", *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    """Variables for `command`."""
    return {**os.environ, "PYTHONPATH": str(PACKAGE.parent), **more}


def process(*arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run `command`."""
    more = {"capture_output": True, **more}
    return subprocess.run(
        command(*arguments), check=False, text=True, encoding="utf-8", env=environment(), timeout=60, **more
    )


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients with two studies of one series of three instances each, indexed where they lie; not to be changed."""
    folder = tmp_path_factory.mktemp("indexed") / "DISC"
    synthetic.ct_series(folder, patients=2, studies=2, series=1, instances=3)
    fileset.index(folder, file_set_id="TWELVE", file_set_uid="2.25.12")
    return folder


@pytest.fixture
def disc(indexed: Path, tmp_path: Path) -> Path:
    """A copy of `indexed`, to be damaged."""
    return Path(shutil.copytree(indexed, tmp_path / "DISC"))


def damage(disc: Path, before: bytes, after: bytes) -> None:
    """Change each `before` in the DICOMDIR to `after`, of the same length."""
    path = disc / "DICOMDIR"
    data = path.read_bytes()
    assert before in data
    assert len(before) == len(after)
    path.write_bytes(data.replace(before, after))


ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What a terminal obeys."""


def on_terminal(*arguments: str | Path, columns: int = 100) -> str:
    """What a person sees: both streams of a command on a terminal of its own."""
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
        except OSError:  # Linux says so at the end
            return
        if not data:
            return
        yield data
