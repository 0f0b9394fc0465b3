"""Threads that work on tasks side by side, and end when the user wants to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from time import monotonic
from typing import Final, Generic, Protocol, TypeVar

from fileset.transfer.peer import PeerError
from fileset.transfer.report import Sent

Task = TypeVar("Task")
Task_contra = TypeVar("Task_contra", contravariant=True)

_POLL: Final = 0.2
"""Seconds after which the main thread looks whether all have ended; Ctrl-C arrives in between."""
_PATIENCE: Final = 0.5
"""Seconds that all threads have to end, of those that wait for a peer; they end with the program in any case."""


class Worker(Protocol[Task_contra]):
    """Works on one task after the other."""

    def send(self, task: Task_contra) -> Iterable[Sent]:
        """Do one task; give an entry for each instance of it. Raises `PeerError` if none can be done any more."""
        ...

    def close(self) -> None:
        """Release the connection; from another thread, break it off."""
        ...


class Crew(Generic[Task]):
    """A number of workers for a list of tasks. `stop` is set when they shall end early."""

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
        """Yield the results of the tasks, as they end. Raises the `PeerError` that ended a worker, after all results."""
        for thread in self._threads:
            thread.start()
        try:
            yield from self._results()
        finally:
            self._end()
        if self._problem is not None:
            raise self._problem

    def _end(self) -> None:
        """Let the threads end. Those still at work were interrupted: their connections are broken off."""
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
            try:
                while True:
                    yield self._done.get(timeout=_POLL if running else 0)
            except Empty:
                pass

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
