"""Work that is done by other threads before its results are asked for, and the contents of files that are read so."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from fileset.media.hashing import Hashed
from fileset.media.system import uninterrupted

AHEAD: Final = 4 << 20
"""Bytes of files that one thread reads at a time; a larger file is read when it is its turn, part by part."""
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
    try:
        futures = map(pool.submit, jobs)
        waiting = deque(islice(futures, 2 * width))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(islice(futures, 1))
    finally:
        stop()
        uninterrupted(lambda: pool.shutdown(cancel_futures=True))


def contents_ahead(sources: Iterable[Source]) -> Generator[Hashed]:
    """The contents of files in order; while one is used, the next ones are read and hashed."""
    jobs = (partial(_fetched, group) for group in _groups(sources))
    with closing(in_threads(jobs, READERS)) as groups:
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


def _fetched(group: list[Source]) -> list[Hashed]:
    contents = [Hashed(begin()) for _, begin in group]
    for (size, _), content in zip(group, contents, strict=True):
        if size <= AHEAD:
            content.fetch(size)
    return contents
