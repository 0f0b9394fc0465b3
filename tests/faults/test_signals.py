"""A signal at any moment ends a command within seconds, workers included, and leaves the old or the new state."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen

import fileset
from tests.support import synthetic
from tests.support.command import environment
from tests.support.long import LONG
from tests.support.tries import Tries

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups here")]

RUNS: Final = 500 if LONG else 25
"""Runs of each of the four verbs for each signal: 100 of each signal, 2,000 with FILESET_LONG."""
FILES: Final = 240
MORE: Final = 60
PATIENCE: Final = 60
"""Seconds after which a process that has not ended hangs. On a busy machine one took 19 of them for its last steps."""
SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP")
CODE: Final = "import sys; from fileset.cli import main; print('ready', flush=True); sys.exit(main(sys.argv[1:]))"


@frozen
class Verb:
    """A command, its preparation in an empty folder, and the numbers of instances that it may leave there."""

    words: tuple[str, ...]
    prepare: Callable[[Path, Path], None]
    result: str
    left: tuple[int, ...]


def _link(name: str) -> Callable[[Path, Path], None]:
    def prepare(shared: Path, folder: Path) -> None:
        shutil.copytree(shared / name, folder / name, copy_function=shutil.copyfile)

    return prepare


def _nothing(shared: Path, folder: Path) -> None:
    """Prepare nothing: the sources are shared."""


VERBS: Final = {
    "create": Verb(("create", "{shared}/FILES", "-o", "OUT"), _nothing, "OUT", (-1, FILES)),
    "index": Verb(("index", "FILES"), _link("FILES"), "FILES", (-1, FILES)),
    "add": Verb(("add", "SET", "{shared}/MORE"), _link("SET"), "SET", (FILES, FILES + MORE)),
    "check": Verb(("check", "SET"), _link("SET"), "SET", (FILES,)),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files without a DICOMDIR, more files, and a file-set."""
    folder = tmp_path_factory.mktemp("shared")
    synthetic.ct_series(folder / "FILES", patients=2, studies=1, series=2, instances=FILES // 4)
    (folder / "MORE").mkdir()
    for number in range(MORE):
        (folder / "MORE" / f"M{number}").write_bytes(synthetic.ct(9, 1, 1, number + 1))
    with fileset.Creator(folder / "SET") as creator:
        creator.add(folder / "FILES")
    return folder


def _instances(folder: Path) -> int:
    """Return the number of instances whose files are there, -1 if there is no file-set."""
    if not (folder / "DICOMDIR").exists():
        return -1
    with fileset.Reader(folder) as reader:
        return sum(record.inquire().size > 0 for record in reader.instances)


def _end(busy: subprocess.Popen[bytes], number: int, after: float) -> None:
    """Send a signal to all processes of a command, and wait until all have ended."""
    assert busy.stdout is not None
    assert busy.stdout.readline()
    with suppress(subprocess.TimeoutExpired):
        busy.wait(after)
    with suppress(ProcessLookupError):
        os.killpg(busy.pid, number)
    busy.communicate(timeout=PATIENCE)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            os.killpg(busy.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    pytest.fail("a worker is left")


def _run(verb: Verb, shared: Path, folder: Path, number: int, after: float) -> float:
    """Run a command that a signal ends after so many seconds; return the seconds it took."""
    words = [word.format(shared=shared) for word in verb.words]
    command = [sys.executable, "-c", CODE, *words, "--jobs", "2", "-q"]
    verb.prepare(shared, folder)
    began = time.monotonic()
    with subprocess.Popen(command, cwd=folder, stdout=-1, stderr=-1, env=environment(), start_new_session=True) as busy:
        try:
            _end(busy, number, after)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(busy.pid, signal.SIGKILL)
    return time.monotonic() - began


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("verb", VERBS)
def test_a_signal_leaves_the_old_or_the_new_state_and_no_process(
    verb: str, name: str, shared: Path, fast_folder: Path, tries: Tries
) -> None:
    chosen, number, chance = VERBS[verb], getattr(signal, name), random.Random(f"{verb} {name}")
    fast_folder.mkdir()
    (fast_folder / "WHOLE").mkdir()
    whole = _run(chosen, shared, fast_folder / "WHOLE", number, after=PATIENCE)
    for run in range(RUNS):
        folder = fast_folder / f"RUN{run}"
        folder.mkdir()
        _run(chosen, shared, folder, number, after=chance.uniform(0, whole))
        assert _instances(folder / chosen.result) in chosen.left, run
        shutil.rmtree(folder)
    tries(f"{verb} ended by {name}", RUNS)
