"""Processes that end in the middle of a change, at every file operation: nothing is undone, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

import fileset
from fileset.cli import main
from fileset.media.folder.transaction import FolderTransaction
from tests.faults.scenarios import SCENARIOS, Expected, begin, expect, finish, state_of
from tests.faults.system import System
from tests.support.command import ROOT
from tests.support.long import LONG
from tests.support.tries import Tries

KILLED: Final = 77
NOT_AUDITED: Final = ("write", "fsync", "close")
"""Operations that Python does not report to audit hooks."""


class Killer:
    """Ends this process at the operation with number `at` below `folder`, counted by audit hooks and between them."""

    def __init__(self, folder: Path, at: int) -> None:
        self._folder = str(folder)
        self._left = at
        sys.addaudithook(self._audit)
        self.system = System(folder, self.operate)

    def _audit(self, _: str, args: tuple[Any, ...]) -> None:
        if any(isinstance(arg, str) and arg.startswith(self._folder) for arg in args[:2]):
            self._count()

    def operate(self, name: str, _: tuple[Any, ...] = ()) -> None:
        """Count an operation."""
        if name in NOT_AUDITED:
            self._count()

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            os._exit(KILLED)


def run(expected: Expected, folder: Path, at: int) -> int:
    """Carry out a scenario in a process that ends at an operation: its exit code, 0 if it came to its own end."""
    process = os.fork()
    if process == 0:
        try:
            with Killer(folder / "DISC", at).system.between():
                expected.scenario.change(folder)
        finally:
            os._exit(sys.exc_info()[0] is not None)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def kill_everywhere(expected: Expected, folder: Path) -> int:
    """End processes at every operation; how many."""
    for at in count(1):
        begin(expected, folder)
        code = run(expected, folder, at)
        if code == 0:
            break
        assert code == KILLED
        state = state_of(folder, expected)
        finish(folder, expected, state, again=LONG or at % 5 == 0)
        shutil.rmtree(folder)
    return at - 1


pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")


@pytest.mark.slow
def test_a_killed_process_leaves_the_old_or_the_new_file_set(
    expected: Expected, fast_folder: Path, tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FolderTransaction, "batch_files", 2)
    runs = kill_everywhere(expected, fast_folder)
    assert runs > 20
    tries("processes killed at the n-th file operation", runs)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["create --replace", "add --replace"])
def test_a_process_killed_while_it_writes_in_several_threads(
    name: str, tmp_path: Path, fast_folder: Path, tries: Tries
) -> None:
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
    tries("processes killed at the n-th file operation", kill_everywhere(expect(scenario, tmp_path), fast_folder))


# --- kills by the kernel, between system calls -----------------------------------------------------------------------

CALLS: Final[Mapping[str, int]] = {
    "?mkdir,?mkdirat": 2,
    "?rename,?renameat,?renameat2": 3,
    "?link,?linkat": 1,
    "?unlink,?unlinkat": 4,
    "fsync": 5,
    "?rmdir": 1,
}
"""System calls, and how many of each are tried, all of which there are; with FILESET_LONG, every one."""


def need_strace() -> str:
    """The tracer, or the test is skipped."""
    strace = shutil.which("strace") or pytest.skip("strace is not installed")
    probe = subprocess.run([strace, "-qq", "-o", os.devnull, "true"], capture_output=True, check=False)
    return strace if probe.returncode == 0 else pytest.skip("processes cannot be traced here")


def trace(strace: str, calls: str, at: int, name: str, folder: Path) -> int:
    """Carry out a scenario, killed by the kernel at one of some system calls: the exit code."""
    inject = f"inject={calls}:signal=KILL:when={at}"
    command = [strace, "-f", "-qq", "-o", os.devnull, "-e", f"trace={calls}", "-e", inject]
    command += [sys.executable, "-m", "tests.faults.change", name, str(folder)]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, timeout=60, check=False).returncode


@pytest.mark.parametrize(
    "calls", [*(pytest.param(name, marks=pytest.mark.slow) for name in list(CALLS)[:-1]), list(CALLS)[-1]]
)
def test_a_process_killed_at_a_system_call_leaves_the_old_or_the_new_file_set(
    calls: str, tmp_path: Path, fast_folder: Path, tries: Tries
) -> None:
    strace = need_strace()
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == "add --replace")
    expected = expect(scenario, tmp_path)
    for at in count(1) if LONG else range(1, CALLS[calls] + 1):
        begin(expected, fast_folder)
        if trace(strace, calls, at, scenario.name, fast_folder) == 0:
            assert LONG
            break
        finish(fast_folder, expected, state_of(fast_folder, expected), again=True)
        shutil.rmtree(fast_folder)
        tries("processes killed at a system call", 1)


def test_an_old_dicomdir_in_lower_case_that_a_kill_left_beside_the_new_one_is_removed_by_repair(disc: Path) -> None:
    (disc / "DICOMDIR").rename(disc / "dicomdir")
    if (disc / "DICOMDIR").exists():
        pytest.skip("the names are the same file here")
    process = os.fork()
    if process == 0:
        FolderTransaction._remove_variant = lambda *_: os._exit(KILLED)  # type: ignore[method-assign]  # noqa: SLF001
        with fileset.Updater(disc) as updater:
            updater.remove(PatientID="P1")
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == KILLED
    assert {"DICOMDIR", "dicomdir"} <= {path.name for path in disc.iterdir()}
    planned = fileset.repair_file_set(disc, dry_run=True)
    done = fileset.repair_file_set(disc)
    for report in (planned, done):
        found = {one.where.file for one in report.findings if one.rule == "FS-WRITE-LEFTOVER"}
        assert "dicomdir" in found
    assert "dicomdir" not in {path.name for path in disc.iterdir()}
    assert main(["check", str(disc), "-q"]) == 0


def test_a_dicomdir_in_lower_case_that_no_kill_left_stays(disc: Path) -> None:
    shutil.copyfile(disc / "DICOMDIR", disc / "dicomdir")
    fileset.repair_file_set(disc)
    assert (disc / "dicomdir").exists()
