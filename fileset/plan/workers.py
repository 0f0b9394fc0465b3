"""Share work on many files: among processes of this machine, or on any `concurrent.futures.Executor`, also of a cluster.

Work comes in chunks, and the results come in the order of the files.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from attrs import evolve, frozen

from fileset.errors import GUARD_OR_ONE_PROCESS, ONE_PROCESS, MediumError, require_from
from fileset.media.system.calls import system
from fileset.plan.foreign import ENDED, in_order, supervised

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

CHUNK: Final = 512
PATIENCE: Final = 1.0
"""Seconds between two counts of the workers while waiting for a result."""
MANAGER_PATIENCE: Final = 2.0
"""Seconds that the thread which serves the workers has to end after they were killed."""
PARALLEL_FROM: Final = 4096
"""Below this number of files, starting processes costs more than it saves: they start only if the user asks for them."""
_MOST: Final = 61 if sys.platform == "win32" else sys.maxsize
"""Largest number of processes: Windows waits for 61 at most, and `concurrent.futures` refuses more."""
_MORE_CHUNKS: Final = 4
"""Factor: chunks for each worker of a cluster, compared with a process of this machine."""

Progress = Callable[[int, int], None]
"""Called with the number of files done and in all."""
Phases = Callable[[str, int, int], None]
"""Called with the name of a phase, the number of files done, and in all."""
Item = TypeVar("Item")
Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


def phase(progress: Phases | None, name: str) -> Progress | None:
    """Return the part of a progress callback that counts one phase."""
    return partial(progress, name) if progress else None


@frozen
class Workers:
    """The processes that share work: at most `jobs` of this machine (None: chosen by the number of files), or `executor`.

    `progress` counts the files. Raises `RuleError` if `jobs` is below 1.
    """

    jobs: int | None = None
    executor: Executor | None = None
    progress: Progress | None = None

    def __attrs_post_init__(self) -> None:
        if self.jobs is not None:
            require_from(1, "jobs", self.jobs)

    def enough_for(self, count: int, parallel_from: int) -> Workers:
        """Choose the number of processes, unless it is given: one for each processor if there are so many files, else one."""
        return evolve(self, jobs=self.jobs or (system.processors() if count >= parallel_from else 1))

    def count(self, done: int, total: int) -> None:
        """Count files that this process works on without the others."""
        if self.progress:
            self.progress(done, total)

    def prepared(self, paths: Sequence[str], count: int) -> int:
        """Choose how many of `count` files make a chunk; first ask a cluster whether its workers see one of the files.

        Raises `MediumError` if they do not.
        """
        known = supervised(self.executor)
        if known is None:
            return chunk_size(count, self.jobs)
        first = next(filter(None, paths), "")
        if first:
            known.probe(first)
        # On slow storage a chunk takes seconds. With many chunks for each worker, all workers end at about the same time.
        return chunk_size(count, _MORE_CHUNKS * known.workers, known.largest_chunk)

    def share(
        self, work: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item], size: int
    ) -> Iterator[Result]:
        """Yield the results of `work` on `items`, in chunks of `size`, in order. Raises as `in_chunks`."""
        return self.in_chunks(work, (items[at : at + size] for at in range(0, len(items), size)), len(items))

    def in_chunks(self, work: Callable[[Chunk], list[Result]], chunks: Iterator[Chunk], count: int) -> Iterator[Result]:
        """Yield the results of `work` on chunks with `count` files in all, in order; in this process or in others.

        Raises `MediumError` if another process ends before its work is done.
        """
        done = 0
        with _pool(count, self.jobs) if self.executor is None else nullcontext((None, 0)) as (pool, width):
            if self.executor is not None:
                results = in_order(work, chunks, self.executor)
            else:
                results = _by_pool(work, chunks, pool, width) if pool else map(work, chunks)
            for some in results:
                yield from some
                done += len(some)
                self.count(done, count)


def chunk_size(count: int, jobs: int | None, largest: int = CHUNK) -> int:
    """Choose how many of `count` files make a chunk: fewer than usual if some process would get no chunk otherwise."""
    return min(largest, max(1, -(-count // (4 * jobs)))) if jobs else largest


def _by_pool(
    work: Callable[[Chunk], list[Result]], chunks: Iterator[Chunk], pool: Executor, width: int
) -> Iterator[list[Result]]:
    # A limited number of chunks is submitted: enough that no worker waits, and few enough to bound the memory.
    waiting: deque[Future[list[Result]]] = deque()
    with _failures_of_workers():
        for chunk in chunks:
            with _no_signals():  # this may start a process
                future = pool.submit(work, chunk)
            waiting.append(future)
            if len(waiting) > width:
                yield _result(waiting.popleft(), pool)
        while waiting:
            yield _result(waiting.popleft(), pool)


def _result(future: Future[Result], pool: Executor) -> Result:
    """Wait for the result of a future. Raises `BrokenExecutor` if a worker died in the middle of a message.

    `concurrent.futures` notices most dead workers, but waits for ever for the rest of an incomplete message. A signal in
    the middle of `Future.result` may leave its lock held, and then the thread that serves the workers never ends. So
    signals are blocked there, and this function waits in a queue, where a signal does no harm.
    """
    from concurrent.futures import BrokenExecutor
    from queue import Empty, SimpleQueue

    done = SimpleQueue[object]()
    with _no_signals():
        future.add_done_callback(done.put)
    while True:
        with suppress(Empty):
            done.get(timeout=PATIENCE)
            with _no_signals():
                return future.result()
        if any(worker.exitcode is not None for worker in _workers(pool)):
            raise BrokenExecutor


@contextmanager
def _failures_of_workers() -> Iterator[None]:
    """Raise `MediumError` if a worker dies, or if the system refuses to start one."""
    from concurrent.futures import BrokenExecutor

    try:
        yield
    except BrokenExecutor as problem:
        raise MediumError(ENDED, advice=GUARD_OR_ONE_PROCESS) from problem
    except (MemoryError, BlockingIOError) as problem:
        raise MediumError(str(problem) or "not enough memory", advice=ONE_PROCESS) from problem
    except RuntimeError as problem:
        if "thread" not in str(problem):
            raise
        raise MediumError(f"{problem}", advice=ONE_PROCESS) from problem


@contextmanager
def _no_signals() -> Iterator[None]:
    """Block the signals that end a program, here inside the context, and for ever in the processes and threads it starts.

    If a signal ended a worker in the middle of a message, all others would wait for the rest of it. So the parent process
    ends the workers.
    """
    if sys.platform != "win32":
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    else:  # Ctrl-C cannot be blocked there
        yield


def _begin_worker() -> None:
    """Prepare a worker process: it leaves signals to its parent, and ends when the parent ends."""
    import multiprocessing
    import threading

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)  # the main thread may wait for a message that never comes


@contextmanager
def _pool(count: int, jobs: int | None) -> Iterator[tuple[Executor | None, int]]:
    wanted = jobs or (system.processors() if count >= PARALLEL_FROM else 1)
    workers = min(wanted, -(-count // chunk_size(count, jobs)), _MOST)
    if workers < 2:
        yield None, 0
        return
    from concurrent.futures import ProcessPoolExecutor

    pool = ProcessPoolExecutor(workers, _context(), _begin_worker)
    try:
        yield pool, workers * 2 + 1
    except BaseException:
        _kill(pool)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _workers(pool: Executor) -> list[BaseProcess]:
    return list((getattr(pool, "_processes", None) or {}).values())


def _kill(pool: Executor) -> None:
    """End the workers at once, and the threads that wait for messages from or to them."""
    for worker in _workers(pool):
        worker.kill()
    _close(pool, "_result_queue", "_writer")
    manager = getattr(pool, "_executor_manager_thread", None)
    if manager is not None:
        # That thread closes the other pipe itself, and two threads must not close one pipe. Python 3.11.4 and older do not close it.
        manager.join(MANAGER_PATIENCE)
        if manager.is_alive():
            _close(pool, "_call_queue", "_reader")


def _close(pool: Executor, queue: str, end: str) -> None:
    pipe = getattr(getattr(pool, queue, None), end, None)
    if pipe is not None:
        with suppress(OSError):
            pipe.close()


def _context() -> BaseContext:
    """Choose how processes start: by fork, which is fast; by a fork server if threads run, because a fork copies their locks."""
    import multiprocessing
    import threading

    known = multiprocessing.get_all_start_methods()
    ways = ("forkserver", "spawn") if threading.active_count() > 1 else ("fork", "spawn")
    usable = [way for way in ways if way in known]  # no generator: a signal is lost in one that is closed early
    return multiprocessing.get_context(usable[0])
