"""Run work on an executor of the caller: threads, processes, or a cluster. Each of its exceptions becomes a `MediumError`.

A cluster may lose workers or its scheduler, and a future may never complete. So every wait has a limit, and the executor
can watch its cluster during the wait.
"""

from __future__ import annotations

import pickle
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from fileset.errors import GUARD, FilesetError, MediumError, foreign_text

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from fileset.plan.cluster import ClusterExecutor

WIDTH: Final = 64
"""Chunks that are under way at the same time."""
PATIENCE: Final = 1.0
"""Seconds between two looks at the cluster while waiting for a result."""
STALLED: Final = 600.0
"""Seconds without any result after which a wait ends."""

ENDED: Final = (
    "a process that reads headers ended before its work was done: it was killed, maybe for want of memory, or"
    " could not start"
)

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


def supervised(executor: Executor | None) -> ClusterExecutor | None:
    """Return an executor that can watch its cluster, None if it cannot. An executor of Dask itself is wrapped in one."""
    if executor is None or hasattr(executor, "watch"):
        return executor  # type: ignore[return-value]  # the module of the class is loaded only for Dask
    if type(executor).__module__.partition(".")[0] == "distributed":
        from fileset.plan.cluster import ClusterExecutor

        return ClusterExecutor(getattr(executor, "_client"))  # noqa: B009  # Dask offers no other way to it
    return None


def in_order(
    work: Callable[[Chunk], list[Result]], chunks: Iterator[Chunk], executor: Executor
) -> Iterator[list[Result]]:
    """Yield the results of `work` on chunks, in order. Raises `MediumError` for every failure outside `work` itself."""
    known = supervised(executor)
    waiting: deque[Future[bytes]] = deque()
    try:
        for chunk in chunks:
            try:
                waiting.append(executor.submit(_packed, work, chunk))
            except Exception as problem:  # noqa: BLE001  # a foreign executor may raise anything
                _fail(problem)
            if len(waiting) > WIDTH:
                yield _unpacked(_result(waiting.popleft(), known))
        while waiting:
            yield _unpacked(_result(waiting.popleft(), known))
    finally:
        for future in waiting:
            with suppress(Exception):
                future.cancel()


def _packed(work: Callable[[Chunk], list[Result]], chunk: Chunk) -> bytes:
    """Do work on a worker. The results of many files are much alike, so that packed they have a twelfth of the bytes."""
    return zlib.compress(pickle.dumps(work(chunk), pickle.HIGHEST_PROTOCOL), 1)


def _unpacked(packed: bytes) -> Any:
    return pickle.loads(zlib.decompress(packed))  # noqa: S301  # executors themselves unpickle what workers send


def _result(future: Future[Result], known: ClusterExecutor | None) -> Result:
    deadline = monotonic() + STALLED
    while True:
        try:
            return future.result(PATIENCE)
        except (FilesetError, KeyboardInterrupt, SystemExit):
            raise
        except TimeoutError as problem:
            if future.done():
                _fail(future.exception() or problem)
        except BaseException as problem:  # noqa: BLE001  # a CancelledError of asyncio is no Exception
            _fail(problem)
        if known:
            known.watch()
        if monotonic() > deadline:
            raise MediumError(f"no worker answered for {STALLED:.0f} seconds. Look at the cluster, and try again")


def _fail(problem: BaseException) -> NoReturn:
    """Raise a `MediumError` for an exception of a foreign executor."""
    from concurrent.futures import BrokenExecutor

    if isinstance(problem, FilesetError):
        raise problem
    if isinstance(problem, BrokenExecutor):
        raise MediumError(ENDED, advice=GUARD) from problem
    if type(problem).__name__ == "CancelledError":  # of this library, of asyncio or of Dask
        raise MediumError("the work was cancelled: the connection to its executor is lost. Try again") from problem
    raise MediumError(f"the executor that reads headers failed: {foreign_text(problem)}") from problem
