"""Threads that share tasks, and end early when the user stops the program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from time import monotonic
from typing import Final, Generic, Protocol, TypeVar

from fileset.transfer.peer import PeerError
from fileset.transfer.report import Sent

Task = TypeVar("Task")
Task_contra = TypeVar("Task_contra", contravariant=True)

_POLL: Final = 0.2
"""Seconds after which the main thread looks at the workers again; Ctrl-C can arrive in between."""
_PATIENCE: Final = 0.5
"""Most seconds to wait for threads that wait for a peer; they end with the program in any case."""


class Worker(Protocol[Task_contra]):
    """Works on one task after the other."""

    def send(self, task: Task_contra) -> Iterable[Sent]:
        """Do one task; return an entry for each of its instances. Raises `PeerError` if no further task can be done."""

    def close(self) -> None:
        """Release the connection; a call from another thread aborts it."""


class Crew(Generic[Task]):
    """Workers that share a list of tasks. They end early once `stop` is set."""

    def __init__(self, make_worker: Callable[[Event], Worker[Task]], tasks: Sequence[Task], count: int) -> None:
        self._stop = Event()
        self._tasks = iter(tasks)
        self._lock = Lock()
        self._done: SimpleQueue[Sent] = SimpleQueue()
        self._problem: BaseException | None = None
        self._make_worker = make_worker
        self._workers: list[Worker[Task]] = []
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(min(count, len(tasks)))]

    def results(self) -> Iterator[Sent]:
        """Yield the results of finished tasks. After all results, raise the `PeerError` that ended a worker."""
        for thread in self._threads:
            thread.start()
        try:
            yield from self._results()
        finally:
            self._end()
        if self._problem is not None:
            raise self._problem

    def _end(self) -> None:
        """End the threads. Abort the connections of threads that are still active after an interruption."""
        self._stop.set()
        if any(thread.is_alive() for thread in self._threads):
            for worker in self._workers:
                worker.close()
        latest = monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, latest - monotonic()))

    def _results(self) -> Iterator[Sent]:
        running = True
        while running:
            running = any(thread.is_alive() for thread in self._threads)
            with suppress(Empty):
                while True:
                    yield self._done.get(timeout=_POLL if running else 0)

    def _work(self) -> None:
        worker = None
        try:
            worker = self._make_worker(self._stop)
            self._workers.append(worker)
            while (task := self._next()) is not None:
                for sent in worker.send(task):
                    self._done.put(sent)
        except PeerError as problem:
            self._problem = problem
        except BaseException as problem:  # noqa: BLE001  # a fault of ours must reach the main thread
            self._problem = problem
            self._stop.set()
        finally:
            if worker is not None:
                worker.close()

    def _next(self) -> Task | None:
        with self._lock:
            return None if self._stop.is_set() or self._problem else next(self._tasks, None)
