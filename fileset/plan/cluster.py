"""A Dask cluster whose workers read headers where the files are (extra `cluster`)."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from importlib import import_module
from time import monotonic
from typing import Any, Final, Self, cast

from fileset.errors import FilesetError, MediumError, RuleError, foreign_text

__version__: Final[str] = import_module("fileset").__version__
TIME_LIMIT: Final = 30.0
"""Seconds in which a scheduler must answer at the start, or come back after a loss, and each worker must answer the probe."""
CONNECT: Final = 10.0


_is_address: Final = re.compile(r"(?:(?:tcp|tls|ws|wss)://)?(?:[\w.-]+|\[[0-9A-Fa-f:.%\w]+\]):\d{1,5}/?").fullmatch
"""Checked here, because a client of Dask that cannot read its address takes 20 seconds to end."""
_LOGGERS: Final = ("distributed", "distributed.client", "distributed.comm", "distributed.core", "tornado")


class ClusterExecutor(Executor):
    """An executor that submits work to the workers of a Dask scheduler. Use it as a context manager, or close the client.

    Workers need the same version of this package, and must see the files under the same paths.
    """

    largest_chunk = 2048
    """The number of files that pay for one message to a worker."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._pool = client.get_executor(pure=False)  # else two runs over the same paths would share results
        self._lost_since: float | None = None

    @classmethod
    def at(cls, address: str) -> Self:
        """Connect to a scheduler, such as "tcp://host:8786". Raises `RuleError` without Dask, `MediumError` without answer."""
        try:
            from distributed import Client
        except ImportError:
            raise RuleError('a cluster needs Dask: pip install "dicom-fileset[cluster]"') from None
        if not _is_address(address):
            raise RuleError(f"{address!r} is not the address of a scheduler, such as tcp://host:8786")
        for name in _LOGGERS:  # they would print the tracebacks of Dask beside the message of this package
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        try:
            client: Any = cast("Any", Client)(address, timeout=CONNECT, set_as_default=False)
        except Exception as problem:  # of the network, of the scheduler, or of another version of Dask
            raise MediumError(
                f"no scheduler answers: {problem}", path=address, advice="Start one with `dask scheduler`"
            ) from problem
        return cls(client)

    @property
    def workers(self) -> int:
        """The number of threads of all workers."""
        threads: dict[str, int] = self._ask("list its workers", self._client.nthreads)
        return max(1, sum(threads.values()))

    def probe(self, path: str) -> None:
        """Ask each worker for its version of the package and the size of one file.

        Raises `MediumError` if there is no worker, or one does not answer, has another version, or does not see the file.
        """
        workers = self._workers()
        client = self._client
        asked = {one: client.submit(_probe, path, workers=[one], pure=False, retries=0) for one in workers}
        _, size = _probe(path)
        for worker, future in asked.items():
            answer = self._ask(f"make worker {worker} answer", partial(future.result, timeout=TIME_LIMIT))
            _compare(worker, answer, path, size)

    def _workers(self) -> list[str]:
        """Ask for the addresses of all workers. Raises `MediumError` if none comes within `CONNECT` seconds."""
        with suppress(MediumError):
            self._ask("wait for workers", partial(self._client.wait_for_workers, 1, timeout=CONNECT))
        found = self._ask("list its workers", self._client.nthreads)
        if not found:
            raise MediumError("the cluster has no workers", advice="Start some with `dask worker ADDRESS`")
        return list(found)

    def watch(self) -> None:
        """Raise `MediumError` if the scheduler has been gone for `TIME_LIMIT` seconds, or the client is closed."""
        status = self._client.status
        if status == "running":
            self._lost_since = None
            return
        self._lost_since = self._lost_since or monotonic()
        if status in ("closed", "closing") or monotonic() - self._lost_since > TIME_LIMIT:
            raise MediumError(
                f"the connection to the scheduler of the cluster is lost ({status}). Start it again, and try again"
            )

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit work to a worker."""
        future: Future[Any] = self._pool.submit(fn, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # of Executor
        """Close the connection; the cluster stays."""
        with suppress(Exception):  # the connection may be gone already
            self._client.close(timeout=CONNECT)

    def _ask(self, what: str, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except (FilesetError, KeyboardInterrupt, SystemExit):
            raise
        except TimeoutError as problem:
            raise MediumError(f"the cluster did not {what} within {TIME_LIMIT:.0f} seconds") from problem
        except (ImportError, AttributeError) as problem:
            raise MediumError(f"the cluster cannot {what}: {problem}", advice=_SAME_VERSION) from problem
        except BaseException as problem:
            raise MediumError(f"the cluster cannot {what}: {foreign_text(problem)}") from problem


_SAME_VERSION: Final = f'Install the same version on every worker: pip install "dicom-fileset=={__version__}"'


def _probe(path: str) -> tuple[str, int | None]:
    """Read the version of this package on a worker, and the size of a file there, None if it does not see the file."""
    with suppress(OSError):
        return __version__, os.path.getsize(path)
    return __version__, None


def _compare(worker: str, answer: tuple[str, int | None], path: str, size: int | None) -> None:
    version, seen = answer
    if version != __version__:
        raise MediumError(f"worker {worker} has version {version}, not {__version__}", advice=_SAME_VERSION)
    if seen != size:
        found = "no such file" if seen is None else f"a file of {seen} bytes, not {size}"
        raise MediumError(
            f"worker {worker} does not see this file: {found}",
            path=path,
            advice="Mount the folder under the same path on every worker",
        )
