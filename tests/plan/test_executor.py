"""Scanning by this process, by others, by threads or by a cluster gives the same file-set."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest

import fileset
from tests.benchmarks.corpus import Shape, write
from tests.support import synthetic

UID = "2.25.1"
SCRIPT = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from threading import Thread
from time import sleep

import fileset

Thread(target=sleep, args=(60,), daemon=True).start()  # so that nothing is forked
fileset.index({folder!r}, jobs=2, executor={executor})
"""


@contextmanager
def _threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(3) as pool:
        yield pool


@contextmanager
def _processes() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield pool


@contextmanager
def _dask() -> Iterator[Executor]:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        yield client.get_executor()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write(folder, Shape(900, per_series=30))
    return folder


@pytest.fixture(scope="module")
def alone(corpus: Path) -> bytes:
    fileset.index(corpus, file_set_uid=UID, jobs=1)
    return (corpus / "DICOMDIR").read_bytes()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::Warning:distributed", "ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("executor", [_threads, _processes, _dask])
def test_any_executor_gives_the_same_directory(corpus: Path, alone: bytes, executor: object) -> None:
    with executor() as pool:  # type: ignore[operator]
        report = fileset.index(corpus, file_set_uid=UID, replace=True, executor=pool)
    assert len(report.added) == 900
    assert (corpus / "DICOMDIR").read_bytes() == alone


@pytest.mark.parametrize("executor", ["None", "ProcessPoolExecutor(2, get_context('spawn'))"])
def test_a_script_without_guard_is_told_of_it(executor: str, tmp_path: Path) -> None:
    for number in range(3):
        synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=number), tmp_path / "IN" / f"IM{number}")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(folder=str(tmp_path / "IN"), executor=executor))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    # Python itself may write more after it, about semaphores of the processes that ended.
    error = [line for line in done.stderr.splitlines() if line.startswith("fileset.errors.MediumError: ")][-1]
    assert 'A script needs the line `if __name__ == "__main__":` before calls' in error
    assert not (tmp_path / "IN" / "DICOMDIR").exists()


def test_no_process_at_all_is_refused(tmp_path: Path) -> None:
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE), tmp_path / "IM1")
    fileset.index(tmp_path)
    for work in (partial(fileset.index, replace=True), fileset.check_file_set, fileset.repair_file_set):
        with pytest.raises(fileset.RuleError, match="jobs: 0 is not a number of 1 or more"):
            work(tmp_path, jobs=0)


def test_processes_of_its_own_give_the_same_directory(corpus: Path, alone: bytes) -> None:
    fileset.index(corpus, file_set_uid=UID, replace=True, jobs=2)
    assert (corpus / "DICOMDIR").read_bytes() == alone
