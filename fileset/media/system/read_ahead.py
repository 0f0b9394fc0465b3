"""Work that is done by other threads before its results are asked for, and the contents of files that are read so."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from threading import Event
from typing import TYPE_CHECKING, Any, Final, TypeVar

from fileset.errors import MediumError
from fileset.media.system.files import uninterrupted
from fileset.media.system.hashing import Hashed

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

AHEAD: Final = 4 << 20
"""Bytes of files that one thread reads at a time; a larger file is read when it is its turn, part by part."""
LEAST: Final = 64 << 10
"""A smaller file is read when it is its turn, too: to hand it over would cost more."""
MOST: Final = 64
"""Files that one thread reads at a time."""
READERS: Final = 2

Source = tuple[int, Callable[[], Iterator[bytes]]]
"""Size of a file in bytes, and what begins to give its bytes."""
Result = TypeVar("Result")


def in_threads(
    jobs: Iterable[Callable[[], Result]], width: int, stop: Callable[[], None] = lambda: None
) -> Generator[Result]:
    """The results of `jobs` in order, of which `width` are done at the same time.

    In the end none is being done any more: those that have not begun never will, and `stop` is called before the others
    are waited for.
    """
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(width)
    waiting: deque[Future[Result]] = deque()
    try:
        futures = map(pool.submit, jobs)
        waiting.extend(islice(futures, 2 * width))
        while waiting:
            yield waiting[0].result()
            waiting.popleft()
            waiting.extend(islice(futures, 1))
    finally:
        stop()
        uninterrupted(lambda: end(pool, waiting))


def end(pool: ThreadPoolExecutor, futures: Iterable[Future[Any]]) -> None:
    """Return when nothing is being done in `pool`, where these are all that may be."""
    from concurrent.futures import wait

    pool.shutdown(wait=False, cancel_futures=True)
    # Joining a thread is no wait that can be begun again: where it was interrupted once, it is taken to have ended.
    wait([future for future in futures if not future.cancelled()])
    pool.shutdown()


def until(stop: Event, begin: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
    """The bytes that `begin` begins to give, in parts. Raises `MediumError` before the next part when `stop` is set."""
    for chunk in begin():
        if stop.is_set():
            raise MediumError("stopped")
        yield chunk


def contents_ahead(sources: Iterable[Source]) -> Generator[Hashed]:
    """The contents of files in order; while one is used, the next ones are read and hashed."""
    stop = Event()
    jobs = (partial(_fetched, group, stop) for group in _groups(sources))
    with closing(in_threads(jobs, READERS, stop.set)) as groups:
        for group in groups:
            yield from group


def _groups(sources: Iterable[Source]) -> Iterator[list[Source]]:
    """Files that are read together: as many as `MOST` and `AHEAD` allow, but one at least."""
    group: list[Source] = []
    total = 0
    for source in sources:
        total += source[0]
        if group and (total > AHEAD or len(group) == MOST):
            yield group
            group, total = [], source[0]
        group.append(source)
    if group:
        yield group


def _fetched(group: list[Source], stop: Event) -> list[Hashed]:
    contents = [Hashed(until(stop, begin)) for _, begin in group]
    for (size, _), content in zip(group, contents, strict=True):
        if LEAST <= size <= AHEAD:
            content.fetch(size)
    return contents
