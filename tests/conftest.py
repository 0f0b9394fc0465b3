"""Fixtures of all tests, and the counters of repeated tests that pytest prints at the end of a run."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import fileset
from fileset.cli import main
from tests.support import synthetic
from tests.support.command import Run, Runs
from tests.support.long import LONG
from tests.support.tries import Tries, counter
from tests.support.windows import LIBRARIES, MODULES, TESTS, reason_for_module, reason_for_test

# Workers and the command line, started more than a hundred times, would otherwise compile every module each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# A shell that starts the tests in the background has them, and the commands that they start, ignore Ctrl-C; nohup, SIGHUP.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if os.name == "posix" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Machines may be busy. A long run tries other examples each time; all others try the same ones.
settings.register_profile("tests", max_examples=1000 if LONG else 25, deadline=None, derandomize=not LONG)
settings.load_profile("tests")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runs:
    """Run `main` within this process, and assert its exit code."""

    def run_main(*arguments: str | Path, code: int = 0) -> Run:
        capsys.readouterr()
        returned = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert returned == code, captured.err
        return Run(returned, captured.out, captured.err)

    return run_main


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients with two studies of one series of three instances each, indexed in place; do not change it."""
    folder = tmp_path_factory.mktemp("indexed") / "DISC"
    synthetic.ct_series(folder, patients=2, studies=2, series=1, instances=3)
    fileset.index(folder, file_set_id="TWELVE", file_set_uid="2.25.12")
    return folder


@pytest.fixture
def disc(indexed: Path, tmp_path: Path) -> Path:
    """A copy of `indexed` for one test."""
    return Path(shutil.copytree(indexed, tmp_path / "DISC"))


@pytest.fixture
def tries(pytestconfig: pytest.Config) -> Tries:
    """Count tries that passed, by topic."""
    tried = counter(pytestconfig)

    def add(topic: str, number: int) -> None:
        tried[topic] += number

    return add


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out files of tests that this system cannot load."""
    return True if reason_for_module(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests of features that this system does not have."""
    for item in items:
        if reason := reason_for_test(item.name, item.path) or reason_for_module(item.path):
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish() -> None:
    """Keep thousands of tests and modules, which live to the end, out of each search for garbage."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Return 0 workers if the user names files or folders: starting workers takes longer than most of them."""
    return None if config.args_source is pytest.Config.ArgsSource.TESTPATHS else 0


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the counters of a worker of pytest-xdist to the process that started it."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["tried"] = dict(counter(session.config))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add the counters of a worker of pytest-xdist."""
    counter(node.config).update(Counter(getattr(node, "workeroutput", {}).get("tried", {})))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the counters, and the files of tests that were left out."""
    left_out = {name: reason for name in sorted({*MODULES, *LIBRARIES}) if (reason := reason_for_module(TESTS / name))}
    if left_out:
        terminalreporter.section("not for this system")
        for name, reason in left_out.items():
            terminalreporter.write_line(f"tests/{name}: {reason}")
    tried = counter(config)
    if tried:
        terminalreporter.section("tried by tests that passed")
        for topic, number in sorted(tried.items()):
            terminalreporter.write_line(f"{topic}: {number:,}, 0 bad")
