"""Time reading headers by a Dask cluster on this computer, relative to our own processes, and with more workers on slow storage.

Run it as `python -m tests.benchmarks.cluster [FILES] [PAIRS]`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import distributed

import fileset
from fileset.plan import scan
from fileset.plan.cluster import ClusterExecutor
from fileset.records.describe import Policy
from tests.benchmarks.corpus import Shape, write

DELAY = 0.005
"""Seconds of slow storage for each file."""
SLOW_FILES = 6_000
_scan_chunk = scan.scan_chunk


def scan_slowly(paths: Sequence[str], policy: Policy) -> list[Any]:
    """Scan files as if from slow storage, in a worker."""
    time.sleep(DELAY * len(paths))
    return _scan_chunk(paths, policy)


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def in_new_process(work: Callable[[Path], float], folder: Path) -> float:
    """Return the result of a measurement in a new process: threads that Dask leaves would slow down what comes after it."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, folder).result()


def own(folder: Path) -> float:
    """Return the seconds of `index` with two processes of our own."""
    (folder / "DICOMDIR").unlink(missing_ok=True)
    return seconds(lambda: fileset.index(folder, jobs=2))


def on_cluster(workers: int, folder: Path) -> float:
    """Return the seconds of `index` with so many workers, without the start of the workers."""
    (folder / "DICOMDIR").unlink(missing_ok=True)
    dask: Any = distributed
    with dask.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster:
        client = dask.Client(cluster, set_as_default=False)
        executor: Executor = ClusterExecutor(client)
        fileset.index(folder, executor=executor, dry_run=True)  # workers import the package once
        taken = seconds(lambda: fileset.index(folder, executor=executor))
        client.close()
    return taken


def main(files: int, pairs: int) -> None:
    """Print each pair and the median ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "many"
        write(folder, Shape(files))
        ratios = []
        for _ in range(pairs):
            alone, dask = in_new_process(own, folder), in_new_process(partial(on_cluster, 2), folder)
            ratios.append(dask / alone)
            print(f"{files} files: two processes {alone:.2f} s, two Dask workers {dask:.2f} s, ratio {ratios[-1]:.2f}")
        print(f"median ratio {median(ratios):.2f}")
        few = Path(name) / "few"
        write(few, Shape(SLOW_FILES))
        scan.scan_chunk = scan_slowly
        gains = []
        for _ in range(pairs):
            two, four = on_cluster(2, few), on_cluster(4, few)
            gains.append(two / four)
            print(
                f"{SLOW_FILES} files at {DELAY * 1000:.0f} ms: 2 workers {two:.2f} s, 4 workers {four:.2f} s, {gains[-1]:.2f} times"
            )
        print(f"median gain {median(gains):.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ("100000", "5")))
