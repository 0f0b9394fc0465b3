"""Processes that scan: one that dies is reported, Ctrl-C ends all, and other threads do no harm."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pydicom
import pytest

from fileset.errors import MediumError
from fileset.plan.inputs import Sources
from fileset.plan.workers import Workers
from tests.support import synthetic
from tests.support.long import LONG

COUNT: Final = 20_000
RUNS: Final = 20 if LONG else 6
PATIENCE: Final = 10
"""Seconds after which an interrupted command has ended."""


def _die(_: Sequence[int]) -> list[int]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def _same(chunk: Sequence[int]) -> list[int]:
    return list(chunk)


def _start_method(_: Sequence[int]) -> list[str]:
    import multiprocessing

    return [type(multiprocessing.current_process()).__name__]


def _chunks() -> Iterator[range]:
    return (range(at, at + 100) for at in range(0, 1000, 100))


@pytest.fixture
def thread() -> Iterator[None]:
    """A thread beside."""
    end = threading.Event()
    beside = threading.Thread(target=end.wait)
    beside.start()
    yield
    end.set()
    beside.join()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_process_that_dies_is_an_error_of_ours() -> None:
    with pytest.raises(MediumError, match="killed"):
        list(Workers(2).in_chunks(_die, _chunks(), 1000))


def _die_in_the_middle_of_a_message(_: Sequence[int]) -> list[int]:
    """Send the first half of a message, as a worker that is killed at the wrong moment does."""
    from multiprocessing import connection

    def half(self: connection.Connection, data: bytes) -> None:
        os.write(self.fileno(), data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    connection.Connection._send_bytes = half  # type: ignore[attr-defined]  # noqa: SLF001
    return [1] * 100


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_process_that_dies_in_the_middle_of_a_message_hangs_nothing() -> None:
    start = time.monotonic()
    with pytest.raises(MediumError, match="killed"):
        list(Workers(2).in_chunks(_die_in_the_middle_of_a_message, _chunks(), 1000))
    assert time.monotonic() - start < 2 * PATIENCE


def _ignores(_: Sequence[int]) -> list[bool]:
    ignored = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    return [
        {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} <= ignored or signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    ]


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signal masks here")
def test_workers_ignore_the_signals_that_end_a_program() -> None:
    found: list[bool] = list(Workers(2).in_chunks(_ignores, _chunks(), 1000))
    assert all(found)


def _no_thread(*_: object, **__: object) -> None:
    raise RuntimeError("can't start new thread")


def test_a_system_that_starts_no_thread_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor.submit", _no_thread)
    with pytest.raises(MediumError, match="jobs=1"):
        list(Workers(2).in_chunks(_same, _chunks(), 1000))


def test_no_more_processes_start_than_the_system_can_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    real, started = concurrent.futures.ProcessPoolExecutor, []

    def noted(number: int, *more: Any) -> concurrent.futures.ProcessPoolExecutor:
        started.append(number)
        return real(number, *more)

    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", noted)
    monkeypatch.setattr("fileset.plan.workers._MOST", 2)  # 61 on Windows
    list(Workers(8).in_chunks(_same, _chunks(), 1000))
    assert started == [2]


def test_an_abandoned_scan_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    found = Workers(2).in_chunks(_same, _chunks(), 1000)
    assert next(found) == 0
    found.close()  # type: ignore[attr-defined]  # a generator
    assert set(threading.enumerate()) <= before


@pytest.mark.usefixtures("thread")
def test_beside_threads_nothing_is_forked() -> None:
    assert set(Workers(2).in_chunks(_start_method, _chunks(), 1000)) <= {"ForkServerProcess", "SpawnProcess"}


def test_naming_data_sets_takes_no_search() -> None:
    sources = Sources()
    dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(synthetic.ct()))
    for index in range(4):
        if index == 2:
            sources.add_file("A/B", "B")
        sources.add_dataset(dataset)
    assert [sources.name(index) for index in range(5)] == ["data set 1", "data set 2", "B", "data set 3", "data set 4"]


# --- Ctrl-C ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More files than are scanned before the last interruption."""
    folder = tmp_path_factory.mktemp("many")
    data = synthetic.ct()
    for part in range(0, COUNT, 10_000):  # a file system may allow no more than some ten thousand names of one file
        below = folder / f"D{part}"
        below.mkdir()
        (below / "I0").write_bytes(data)
        for number in range(1, 10_000):
            os.link(below / "I0", below / f"I{number}")
    return folder


CODE: Final = "import sys; from fileset.cli import main; print('ready', flush=True); sys.exit(main(sys.argv[1:]))"


def _gone(group: int) -> bool:
    """Whether the processes of a group end; the last of them may take a moment."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def _interrupted(source: Path, out: Path, after: float, by: int = signal.SIGINT) -> tuple[int, str, float]:
    """Create a file-set, press Ctrl-C `after` so many seconds: exit code, errors, and the seconds that it took."""
    command = [sys.executable, "-c", CODE, "create", str(source), "-o", str(out), "--jobs", "2"]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, start_new_session=True) as busy:
        try:
            assert busy.stdout is not None
            assert busy.stdout.readline() == "ready\n"
            began = time.monotonic()
            try:
                errors = busy.communicate(timeout=after)[1]
            except subprocess.TimeoutExpired:
                (os.killpg if by == signal.SIGINT else os.kill)(busy.pid, by)
                errors = busy.communicate(timeout=PATIENCE)[1]
            assert _gone(busy.pid), f"after {after} seconds: processes are left"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(busy.pid, signal.SIGKILL)  # nothing is there if all is well
    return busy.returncode, errors, time.monotonic() - began


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups here")
def test_control_c_ends_all_processes(many: Path, tmp_path: Path) -> None:
    code, _, whole = _interrupted(many, tmp_path / "WHOLE", after=600)
    assert code == 0
    interrupted = 0
    for run in range(RUNS):
        out = tmp_path / f"OUT{run}"
        code, errors, _ = _interrupted(many, out, after=whole * (0.25 + 0.5 * run / RUNS))
        if code != 0 and "skipped" not in errors:  # else it was done before, for once
            assert code == 130, run
            assert errors.startswith("fileset: interrupted"), run
            assert not out.exists(), run
            interrupted += 1
    assert interrupted > RUNS / 2


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups here")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("target", ["OUT", "OUT.iso"])
def test_a_signal_to_end_undoes_the_change(name: str, target: str, many: Path, tmp_path: Path) -> None:
    number = getattr(signal, name)
    code, _, whole = _interrupted(many / "D0", tmp_path / "WHOLE", after=600)
    assert code == 0
    interrupted = 0
    for share in (0.2, 0.4, 0.6):
        code, errors, _ = _interrupted(many / "D0", tmp_path / target, after=whole * share, by=number)
        if code != 0 and "skipped" not in errors:
            assert code == 128 + number
            assert errors.startswith(f"fileset: stopped by {name}")
            assert sorted(path.name for path in tmp_path.iterdir()) == ["WHOLE"]
            interrupted += 1
    assert interrupted  # the others were done before


class _LateError(Exception):
    """The pool has not ended in time."""


def _late(*_: object) -> None:
    raise _LateError


def _stopped_at(step: int) -> object:
    """Scan with a signal when the n-th function of the libraries for processes returns; return the exception."""
    seen, sent = 0, False

    def watch(frame: FrameType, event: str, _: object) -> object:
        nonlocal seen, sent
        if not frame.f_code.co_filename.endswith(("threading.py", "_base.py", "process.py", "scan.py")):
            return None
        frame.f_trace_lines = False
        seen += event == "return"
        if seen >= step and not sent and signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ()):
            sent = True
            raise KeyboardInterrupt
        return watch

    try:
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        sys.settrace(watch)  # type: ignore[arg-type]
        list(Workers(2).in_chunks(_same, iter([[number] for number in range(6)]), 6))
    except BaseException as problem:  # noqa: BLE001  # the test judges it
        return type(problem)
    finally:
        sys.settrace(None)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
    return sent


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_a_signal_at_any_step_of_waiting_for_a_process_ends_the_wait() -> None:
    before = signal.signal(signal.SIGALRM, _late)
    try:
        for step in range(1, 10_000):
            outcome = _stopped_at(step)
            if outcome is False:
                break
            assert outcome is KeyboardInterrupt, step
    finally:
        signal.signal(signal.SIGALRM, before)
    assert step > 50
