"""Describe many files for the directory, in parallel where it pays.

Works in chunks; a chunk is scanned in this process or by any `concurrent.futures.Executor`, of this machine or of
a cluster. Results come in the order of the files, as plain tuples that are cheap to send.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache, partial
from threading import get_ident
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar, cast

from fileset.dicom.header import HeaderError, Reading, read_header
from fileset.dicom.header_cache import Layouts, Recognised
from fileset.errors import ONE_PROCESS, FilesetError, MediumError
from fileset.media.system.calls import system
from fileset.media.system.walk import OpenFile
from fileset.part10.whole_file import FileChecker
from fileset.plan.foreign import in_order, supervised
from fileset.plan.inputs import Sources
from fileset.plan.secured import is_locked
from fileset.plan.stencils import Stencil, Stencils
from fileset.records.describe import Describer, Instance, Policy
from fileset.records.tree import TreeBuilder

CHUNK: Final = 512
PATIENCE: Final = 1.0
"""Seconds between two counts of the workers while waiting for a result."""
MANAGER_PATIENCE: Final = 2.0
"""Seconds that the thread which serves the workers has to end after they were killed."""
PARALLEL_FROM: Final = 4096
"""Below this number of files, starting processes costs more than it saves: they start only if the user asks for them."""

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess


class Refused(NamedTuple):
    """A source that cannot be a member of a file-set: the rule that it breaks, and the reason."""

    rule: str
    reason: str


Accepted = Instance
Outcome = Accepted | Refused
"""The result of the scan of one source. An accepted one is a plain tuple with the values of an `Instance`: the processes
send tuples five times as fast as instances of the class.
"""
Progress = Callable[[int, int], None]
"""Called with the number of files done and in all."""
Phases = Callable[[str, int, int], None]
"""Called with the name of a phase, the number of files done, and in all."""
Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


def phase(progress: Phases | None, name: str) -> Progress | None:
    """Return the part of a progress callback that counts one phase."""
    return partial(progress, name) if progress else None


def describe(read: Reading, describer: Describer) -> tuple[Instance, Recognised | None]:
    """Read the instance in a file, and its header if that has a known layout.

    Raises `HeaderError` with rule and reason if there is no instance, or it breaks the profile.
    """
    described = _described(read, describer)
    if describer.policy.profile:
        from fileset.plan.conformance import require_conformance

        require_conformance(read, describer.policy.profile)
    return described


def _described(read: Reading, describer: Describer) -> tuple[Instance, Recognised | None]:
    try:
        header = read_header(read, describer.keys.wanted, describer.keys.layouts)
        instance = describer.describe(header, invent=False)
        return instance, header if isinstance(header, Recognised) else None
    except HeaderError as problem:
        if problem.rule in _FINAL:
            raise
    # A value is missing in the first bytes: look at the whole data set before reporting it.
    header = read_header(read, describer.keys.everything)
    return describer.describe(header, invent=describer.policy.missing == "invent"), None


_FINAL: Final = frozenset(
    ("FS-FILE-EMPTY", "FS-FILE-NOT-DICOM", "FS-FILE-IS-DICOMDIR", "FS-FILE-NO-META", "FS-FILE-BAD-HEADER")
)


def scan_chunk(paths: Sequence[str], policy: Policy) -> list[Outcome]:
    """Scan files one after the other. Every worker process runs this."""
    outcome_at = _scanner(policy, get_ident()).outcome_at
    return [outcome_at(path) for path in paths]


@lru_cache(16)
def _scanner(policy: Policy, thread: int) -> Scanner:  # noqa: ARG001  # threads of an executor share no caches
    """Return the scanner of this thread, so that its caches serve all chunks."""
    return Scanner(policy)


class Scanner:
    """Describes files and checks them: their records, File Meta Information and data sets."""

    def __init__(self, policy: Policy) -> None:
        self._describer = Describer(policy, judges=True)
        self._files = FileChecker()
        self._stencils = Stencils()
        # A profile has rules for elements that a layout does not capture.
        self._layouts = Layouts() if policy.profile else self._describer.keys.layouts

    def outcome_at(self, path: str) -> Outcome:
        """Return the outcome of a file of the operating system."""
        try:
            with OpenFile(path) as file:
                return self.outcome(file, file.size)
        except OSError as problem:
            return Refused("FS-FILE-UNREADABLE", problem.strerror or str(problem))

    def outcome(self, read: Reading, size: int) -> Outcome:
        """Return the instance in a file of `size` bytes, with its faults as notes, or the reason why there is none."""
        first = read(0, min(size, self._layouts.first_read))
        instance = self._stencils.instance(first, size) or self._recognised(read, size, first)
        return cast("Accepted", tuple(instance)) if instance else self._examined(read, size, first)

    def _recognised(self, read: Reading, size: int, first: bytes) -> Instance | None:
        """Return the instance in a file whose header and structure are known, if the header has all values."""
        header = self._layouts.find(first)
        if header is None or not self._files.knows(header, read, size, first):
            return None
        try:
            instance = self._describer.describe(header, invent=False)
        except HeaderError:  # the whole data set may have the missing value
            return None
        if self._stencils.wants(size) and (template := self._describer.template(header)):
            structure = self._files.spans(header, size)
            self._layouts.read_more(max(map(sum, structure), default=0))
            self._stencils.learn(size, Stencil.cut(first, header, structure, template))
        return instance

    def _examined(self, read: Reading, size: int, first: bytes) -> Outcome:
        """Return the same for a file that no cache recognises."""

        def cached(at: int, length: int) -> bytes:
            is_cached = not at and (length <= len(first) or len(first) == size)
            return first[:length] if is_cached else read(at, length)

        try:
            instance, header = describe(cached, self._describer)
        except HeaderError as problem:
            return self._refused(problem, cached, size, first)
        faults = self._files.faults(cached, size, first, header)
        if faults:
            notes = tuple((fault.rule, fault.message) for fault in faults)
            instance = instance._replace(notes=instance.notes + notes)
        return cast("Accepted", tuple(instance))

    def _refused(self, problem: HeaderError, read: Reading, size: int, first: bytes) -> Refused:
        """Explain why a file has no instance: what it lacks, or that it ends before."""
        if problem.rule == "FS-FILE-NOT-DICOM":
            from fileset.media.inner_archive import inner_archive

            if lost := inner_archive(read, size):
                return Refused("FS-FILE-UNREADABLE", lost)
        ends = (fault for fault in self._files.faults(read, size, first) if fault.rule == "FS-FILE-TRUNCATED")
        cut = next(ends, None) if problem.rule == "FS-KEY-UID-MISSING" else None
        return (
            Refused(cut.rule, f"cut off: {cut.message}; {problem.reason}")
            if cut
            else Refused(problem.rule, problem.reason)
        )


def scan(
    paths: Sequence[str],
    policy: Policy,
    *,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Iterator[Outcome]:
    """Scan `paths` in order, with at most `jobs` processes (None: chosen by the number of files), or with `executor`.

    If a worker of an executor cannot read a file, this process reads it: the worker may lack a folder, and that must not
    cost a record. Raises `MediumError` if the executor fails.
    """
    if executor is not None:
        paths = [path and os.path.abspath(path) for path in paths]  # a worker may be in another folder
    size = prepared(executor, paths, jobs, len(paths))
    chunks = (paths[at : at + size] for at in range(0, len(paths), size))
    work = partial(scan_chunk, policy=policy)
    scanned = in_chunks(work, chunks, len(paths), jobs=jobs, executor=executor, progress=progress)
    return scanned if executor is None else _unreadable_here(scanned, paths, policy)


def _unreadable_here(scanned: Iterator[Outcome], paths: Sequence[str], policy: Policy) -> Iterator[Outcome]:
    scanner = Scanner(policy)
    for path, found in zip(paths, scanned, strict=True):
        unread = path and isinstance(found, Refused) and found.rule == "FS-FILE-UNREADABLE"
        yield scanner.outcome_at(path) if unread else found


_MORE_CHUNKS: Final = 4
"""Factor: chunks for each worker of a cluster, compared with a process of this machine."""


def prepared(executor: Executor | None, paths: Sequence[str], jobs: int | None, count: int) -> int:
    """Return how many of `count` files make a chunk; first ask a cluster whether its workers see one of the files.

    Raises `MediumError` if they do not.
    """
    known = supervised(executor)
    if known is None:
        return chunk_size(count, jobs)
    first = next(filter(None, paths), "")
    if first:
        known.probe(first)
    # On slow storage a chunk takes seconds. With many chunks for each worker, all workers end at about the same time.
    return chunk_size(count, _MORE_CHUNKS * known.workers, known.largest_chunk)


def chunk_size(count: int, jobs: int | None, largest: int = CHUNK) -> int:
    """Return how many of `count` files make a chunk: fewer than usual if some process would get no chunk otherwise."""
    return min(largest, max(1, -(-count // (4 * jobs)))) if jobs else largest


def in_chunks(
    work: Callable[[Chunk], list[Result]],
    chunks: Iterator[Chunk],
    count: int,
    *,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """Yield the results of `work` on chunks with `count` files in all, in order; in this process or in others.

    Raises `MediumError` if another process ends before its work is done.
    """
    done = 0
    with _pool(count, jobs) if executor is None else nullcontext((None, 0)) as (pool, width):
        if executor is not None:
            outcomes = in_order(work, chunks, executor)
        else:
            outcomes = _by_pool(work, chunks, pool, width) if pool else map(work, chunks)
        for some in outcomes:
            yield from some
            done += len(some)
            if progress:
                progress(done, count)


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
        raise MediumError(
            "a process that reads headers ended before its work was done: it was killed, maybe for want of memory, or"
            " could not start",
            advice=ONE_PROCESS,
        ) from problem
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
    workers = min(jobs or (processors() if count >= PARALLEL_FROM else 1), -(-count // chunk_size(count, jobs)))
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


def processors() -> int:
    """Count the processes that can run at the same time."""
    return system.processors()


def _context() -> BaseContext:
    """Choose how processes start: by fork, which is fast; by a fork server if threads run, because a fork copies their locks."""
    import multiprocessing
    import threading

    known = multiprocessing.get_all_start_methods()
    ways = ("forkserver", "spawn") if threading.active_count() > 1 else ("fork", "spawn")
    usable = [way for way in ways if way in known]  # no generator: a signal is lost in one that is closed early
    return multiprocessing.get_context(usable[0])


def outcomes(
    sources: Sources,
    policy: Policy,
    *,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Iterator[Outcome]:
    """Scan all sources in order: files of the operating system as `scan` does, all others in this process."""
    if not any(sources.read_paths()):
        return _outcomes_here(sources, policy, progress)  # no other process can read them
    scanned = scan(sources.read_paths(), policy, jobs=jobs, executor=executor, progress=progress)
    if sources.are_files() and not sources.lost:
        return scanned
    scanner = Scanner(policy)
    return (
        Refused("FS-FILE-UNREADABLE", sources.lost[index])
        if index in sources.lost
        else found
        if sources.is_file(index)
        else _outcome_here(sources, index, scanner)
        for index, found in enumerate(scanned)
    )


def _outcomes_here(sources: Sources, policy: Policy, progress: Progress | None) -> Iterator[Outcome]:
    """Scan sources that are no files of the operating system: those of images, archives and remote folders."""
    scanner = Scanner(policy)
    for index in range(len(sources)):
        lost = sources.lost.get(index)
        yield Refused("FS-FILE-UNREADABLE", lost) if lost else _outcome_here(sources, index, scanner)
        if progress and (index + 1 == len(sources) or not (index + 1) % CHUNK):
            progress(index + 1, len(sources))


def _outcome_here(sources: Sources, index: int, scanner: Scanner) -> Outcome:
    try:
        with sources.opened(index) as read:
            return scanner.outcome(read, sources.inquire(index).size)
    except FilesetError as problem:
        rule = problem.rule if is_locked(problem) else "FS-FILE-UNREADABLE"
        return Refused(rule, problem.text(known_path=sources.name(index), command=True))
    except OSError as problem:
        return Refused("FS-FILE-UNREADABLE", problem.strerror or str(problem))


def collect(
    outcomes: Iterable[Outcome],
    tree: TreeBuilder,
    accepts: Callable[[int], Refused | None] = lambda _: None,
) -> Iterator[tuple[int, Refused]]:
    """Put all accepted sources into a tree, in order; yield the index of each refused source, and the reason.

    Of two copies of an instance the first counts, unless it is incomplete and the second is whole. `accepts` may refuse
    further instances.
    """
    for index, found in enumerate(outcomes):
        refused = found if isinstance(found, Refused) else accepts(index)
        if refused is None:
            try:
                tree.add(cast("Accepted", found), index)
            except HeaderError as problem:
                refused = Refused(problem.rule, problem.reason)
        if refused is not None:
            yield index, refused
    for index, displaced in tree.displaced().items():
        yield index, Refused(displaced.rule, displaced.reason)
