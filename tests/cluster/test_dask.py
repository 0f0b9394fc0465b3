"""A Dask cluster gives the same file-set, also when it loses a worker; if it fails, it fails soon and with the reason."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fileset
from fileset.errors import MediumError, RuleError
from fileset.plan import cluster as cluster_module
from fileset.plan.cluster import ClusterExecutor
from tests.support import synthetic
from tests.support.command import ROOT, Runs

distributed = pytest.importorskip("distributed", reason="needs Dask (extra cluster)")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::Warning")]
UID = "2.25.1"


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two workers with a process each."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as found:
        yield found


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "DISC"
    synthetic.ct_series(folder, patients=2, studies=2, series=5, instances=60)
    fileset.index(folder, file_set_uid=UID)
    return folder


def slow_scan(paths: Any, policy: Any) -> Any:
    """Scan like a slow disc, on a worker."""
    from fileset.plan.scan import Scanner

    time.sleep(0.3)
    scanner = Scanner(policy)
    return [scanner.outcome_at(path) for path in paths]


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fileset.plan.scan.scan_chunk", slow_scan)
    monkeypatch.setattr(ClusterExecutor, "largest_chunk", 20)


def later(seconds: float, action: Any) -> threading.Thread:
    thread = threading.Timer(seconds, action)
    thread.start()
    return thread


def test_every_verb_gives_the_same_as_without_a_cluster(
    cluster: Any, corpus: Path, run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = (corpus / "DICOMDIR").read_bytes()
    address = ("--cluster", cluster.scheduler_address)
    monkeypatch.chdir(corpus.parent)
    run("index", corpus.name, "--replace", *address)
    assert (corpus / "DICOMDIR").read_bytes() == alone
    assert run("check", corpus.name, *address).stdout == run("check", corpus.name).stdout
    run("create", corpus / "P001", "-o", tmp_path / "OUT", *address)
    run("add", tmp_path / "OUT", corpus / "P002", *address)
    assert run("list", tmp_path / "OUT", "--paths").stdout.count("\n") == 1200


@pytest.mark.usefixtures("slowly")
def test_a_worker_that_is_killed_in_the_middle_costs_nothing(cluster: Any, corpus: Path) -> None:
    alone = (corpus / "DICOMDIR").read_bytes()
    victim = next(iter(cluster.workers.values())).pid
    killer = later(1.0, lambda: os.kill(victim, signal.SIGKILL))
    with ClusterExecutor.at(cluster.scheduler_address) as executor:
        report = fileset.index(corpus, replace=True, executor=executor)
    killer.join()
    assert report.complete
    assert (corpus / "DICOMDIR").read_bytes() == alone


@pytest.mark.usefixtures("slowly")
def test_a_scheduler_that_goes_away_in_the_middle_ends_the_work_soon(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = (corpus / "DICOMDIR").read_bytes()
    monkeypatch.setattr(cluster_module, "TIME_LIMIT", 3.0)
    found = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    executor = ClusterExecutor.at(found.scheduler_address)
    begin = time.monotonic()
    closing = later(1.0, found.close)
    with pytest.raises(MediumError), executor:
        fileset.index(corpus, replace=True, executor=executor)
    closing.join()
    assert time.monotonic() - begin < 60
    assert (corpus / "DICOMDIR").read_bytes() == alone


@pytest.mark.usefixtures("slowly")
def test_the_user_sees_one_message_about_a_lost_scheduler_and_no_traceback_of_dask(
    corpus: Path,
) -> None:
    program = f"from tests.cluster.test_dask import lose_scheduler; lose_scheduler({str(corpus)!r})"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT, timeout=120
    )
    assert ended.returncode == 5, ended.stderr
    assert "is lost" in ended.stderr
    assert "Traceback" not in ended.stderr


def lose_scheduler(folder: str) -> None:
    """Run `check` with a cluster whose scheduler is killed in the middle, and exit with its code. Run by a process of its own."""
    from fileset.cli import main
    from fileset.plan import scan

    setattr(scan, "scan_chunk", slow_scan)  # noqa: B010  # as the fixture `slowly` does
    ClusterExecutor.largest_chunk = 20
    command = [sys.executable, "-m", "dask"]
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{found.getsockname()[1]}"
    scheduler = subprocess.Popen(
        [*command, "scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard"], **quiet
    )
    worker = subprocess.Popen([*command, "worker", address, "--nthreads", "1", "--no-dashboard"], **quiet)
    try:
        with distributed.Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=60)
        later(6.0, scheduler.kill)
        code = main(["index", folder, "--replace", "--cluster", address])
    finally:
        scheduler.kill()
        worker.kill()
    sys.exit(code)


@pytest.mark.usefixtures("slowly")
def test_an_executor_of_dask_itself_is_supervised_too(cluster: Any, corpus: Path) -> None:
    client = distributed.Client(cluster.scheduler_address, set_as_default=False)
    closing = later(1.0, client.close)
    with pytest.raises(MediumError):
        fileset.index(corpus, replace=True, executor=client.get_executor())
    closing.join()


def test_a_worker_with_another_version_is_named(cluster: Any, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "__version__", "9.9.9")
    with (
        ClusterExecutor.at(cluster.scheduler_address) as executor,
        pytest.raises(MediumError, match=rf"has version {fileset.__version__}, not 9\.9\.9"),
    ):
        fileset.index(corpus, replace=True, executor=executor)


def test_a_worker_that_sees_another_file_is_named(cluster: Any, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    getsize = os.path.getsize
    monkeypatch.setattr("fileset.plan.cluster.os.path.getsize", lambda path: getsize(path) + 1)
    with (
        ClusterExecutor.at(cluster.scheduler_address) as executor,
        pytest.raises(MediumError, match="does not see this file: a file of"),
    ):
        fileset.index(corpus, replace=True, executor=executor)


def test_a_scheduler_that_does_not_answer_is_an_error_after_ten_seconds(corpus: Path, run: Runs) -> None:
    begin = time.monotonic()
    assert "no scheduler answers" in run("check", corpus, "--cluster", "tcp://127.0.0.1:1", code=5).stderr
    assert time.monotonic() - begin < 30


def test_a_cluster_without_workers_is_an_error(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "CONNECT", 2.0)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None) as empty,
        ClusterExecutor.at(empty.scheduler_address) as executor,
        pytest.raises(MediumError, match="no workers"),
    ):
        fileset.check_file_set(corpus, executor=executor)


def test_an_invalid_address_is_a_wrong_argument() -> None:
    with pytest.raises(RuleError, match="not the address"):
        ClusterExecutor.at("nonsense")
