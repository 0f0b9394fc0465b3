"""Run one program, and measure the wall time of the whole process and the peak memory of all its processes. Linux only.

Memory is measured in two ways, because neither is complete:

* the highest sum of the proportional set sizes (Pss, which counts a page shared by n processes as 1/n in each) of the
  process and all its descendants, sampled every 20 ms. Sampling costs time, so a sampled run is not a timed run;
* the kernel's ``ru_maxrss``: exact and free, but of the largest single process, with its shared pages in full, and never
  less than what this program itself takes, because a new process begins as a copy of it.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import IO

from attrs import frozen

SAMPLE_SECONDS = 0.020
ENDED = (FileNotFoundError, ProcessLookupError)


@frozen
class Run:
    """One run; memory is in bytes, ``pss`` 0 where it was not sampled or the run was shorter than a sample."""

    seconds: float
    exit_code: int
    max_rss: int
    pss: int = 0


def run(
    words: Sequence[str],
    *,
    env: Mapping[str, str],
    stdout: IO[bytes],
    stderr: IO[bytes],
    sampled: bool = False,
) -> Run:
    """Run a command; an exception in this function also ends the command and its children."""
    started = perf_counter()
    process = subprocess.Popen(
        words, env=env, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True
    )
    try:
        pss = watch(process.pid) if sampled else 0
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - started
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(seconds, process.returncode, usage.ru_maxrss * 1024, pss)


def watch(pid: int) -> int:
    """Sample a process and its descendants until it ends; return the highest sum of their Pss in bytes."""
    ended = select.poll()
    handle = os.pidfd_open(pid)
    try:
        ended.register(handle, select.POLLIN)
        peak = 0
        while not ended.poll(SAMPLE_SECONDS * 1000):
            peak = max(peak, sum(proportional_set_size(each) for each in family(pid)))
        return peak
    finally:
        os.close(handle)


def family(pid: int) -> Iterator[int]:
    """Yield a process and all its descendants, except those that end meanwhile."""
    yield pid
    for thread in threads(pid):
        for child in read(f"/proc/{pid}/task/{thread}/children").split():
            yield from family(int(child))


def threads(pid: int) -> list[str]:
    """List the threads of a process; none if it has ended."""
    try:
        return os.listdir(f"/proc/{pid}/task")
    except ENDED:
        return []


def proportional_set_size(pid: int) -> int:
    """Return the Pss of one process in bytes, 0 if it has ended."""
    for line in read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def read(path: str) -> str:
    """Read a file of /proc; return "" if its process has ended."""
    try:
        return Path(path).read_text()
    except ENDED:
        return ""
