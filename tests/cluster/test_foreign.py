"""The boundary to executors of the caller: every failure is an error of ours, and no wait is without end."""

from __future__ import annotations

import asyncio
import concurrent.futures
import pickle
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import fileset
from fileset.errors import MediumError
from fileset.plan import foreign, scan, workers
from fileset.plan.cluster import _is_address
from tests.benchmarks.corpus import Shape, write


class Strange(Exception):  # noqa: N818  # as in KilledWorker of Dask
    """An exception that no executor of the standard library raises."""


class Answering(Executor):
    """An executor whose futures end with an exception, from the `first` on; without one they never end."""

    def __init__(self, problem: BaseException | None, first: int = 0) -> None:
        self._problem, self._left = problem, first
        self.futures: list[Future[Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.futures.append(future)
        self._left -= 1
        if self._left >= 0:
            future.set_result(fn(*args, **kwargs))
        elif self._problem is not None:
            future.set_exception(self._problem)
        return future


class Refusing(Executor):
    """An executor that takes no work."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        raise Strange("the client is closed")


PROBLEMS = [
    Strange("killed"),
    BrokenExecutor(),
    OSError("connection lost"),
    TimeoutError("of the work"),
    concurrent.futures.CancelledError(),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("executor", [*map(Answering, PROBLEMS), Refusing()], ids=lambda one: type(one).__name__)
def test_any_exception_of_an_executor_becomes_an_error_of_fileset_and_nothing_is_written(
    disc: Path, executor: Executor
) -> None:
    before = (disc / "DICOMDIR").read_bytes()
    with pytest.raises(MediumError):
        fileset.index(disc, replace=True, executor=executor)
    assert (disc / "DICOMDIR").read_bytes() == before


def test_a_failure_in_the_middle_leaves_no_hole(disc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "chunk_size", lambda *_: 4)
    before = (disc / "DICOMDIR").read_bytes()
    with pytest.raises(MediumError, match="killed"):
        fileset.index(disc, replace=True, executor=Answering(Strange("killed"), first=2))
    assert (disc / "DICOMDIR").read_bytes() == before


def test_an_executor_that_never_answers_is_not_waited_for_without_end(
    disc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "STALLED", 0.3)
    monkeypatch.setattr(foreign, "PATIENCE", 0.1)
    begin = time.monotonic()
    with pytest.raises(MediumError, match="no worker answered"):
        fileset.index(disc, replace=True, executor=Answering(None))
    assert time.monotonic() - begin < 5


def test_the_results_of_workers_travel_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = 0
    honest = scan.scan_chunk

    def measured(paths: list[str], policy: Any) -> list[Any]:
        nonlocal plain
        found = honest(paths, policy)
        plain += len(pickle.dumps(found))
        return found

    monkeypatch.setattr(scan, "scan_chunk", measured)
    write(tmp_path / "MANY", Shape(300))
    executor = Answering(None, first=300)
    assert len(fileset.index(tmp_path / "MANY", executor=executor).added) == 300
    assert 0 < sum(len(future.result()) for future in executor.futures) < plain / 5


def test_a_file_that_a_worker_does_not_see_is_read_here(disc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = scan.scan_chunk

    def blind(paths: list[str], policy: Any) -> list[Any]:
        refused = scan.Refused("FS-FILE-UNREADABLE", "No such file or directory")
        return [refused if number % 2 else found for number, found in enumerate(honest(paths, policy))]

    monkeypatch.setattr(scan, "scan_chunk", blind)
    with ThreadPoolExecutor(1) as pool:
        report = fileset.index(disc, replace=True, executor=pool)
    assert len(report.added) == 12
    assert report.complete


def test_workers_get_paths_that_do_not_depend_on_their_folder(disc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    honest = scan.scan_chunk

    def watching(paths: list[str], policy: Any) -> list[Any]:
        seen.extend(paths)
        return honest(paths, policy)

    monkeypatch.setattr(scan, "scan_chunk", watching)
    monkeypatch.chdir(disc.parent)
    with ThreadPoolExecutor(1) as pool:
        fileset.index(disc.name, replace=True, executor=pool)
    assert len(seen) >= 12
    assert all(Path(path).is_absolute() for path in seen)


def test_without_dask_the_extra_is_named(disc: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    stderr = run("check", disc, "--cluster", "tcp://127.0.0.1:1", code=2).stderr
    assert 'pip install "dicom-fileset[cluster]"' in stderr


def test_a_cluster_has_its_own_workers(disc: Path, run: Any) -> None:
    assert "exclude each other" in run("check", disc, "--cluster", "tcp://127.0.0.1:1", "--jobs", "2", code=2).stderr


@pytest.mark.parametrize("problem", [concurrent.futures.CancelledError(), asyncio.CancelledError()])
def test_a_lost_connection_is_named_as_such(disc: Path, problem: BaseException) -> None:
    with pytest.raises(MediumError, match="the connection to its executor is lost"):
        fileset.index(disc, replace=True, executor=Answering(problem))


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("tcp://host:8786", True),
        ("tls://10.0.0.1:8786/", True),
        ("scheduler.example.org:8786", True),
        ("tcp://[::1]:8786", True),
        ("", False),
        ("nonsense", False),
        ("http://host:8786", False),
        ("tcp://host:port", False),
        ("tcp://host", False),
        ("C:\\scheduler.json", False),
    ],
)
def test_an_address_is_checked_before_a_client_waits_for_it(address: str, good: bool) -> None:  # noqa: FBT001  # a table of cases
    assert bool(_is_address(address)) == good


def test_an_empty_address_is_not_taken_for_no_cluster(disc: Path, run: Any) -> None:
    pytest.importorskip("distributed", reason="needs Dask (extra cluster)")
    assert "is not the address of a scheduler" in run("check", disc, "--cluster", "", code=2).stderr
