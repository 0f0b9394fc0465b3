"""Describe many files for the directory, in parallel where it pays.

Results come in the order of the files, as plain tuples that are cheap to send.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from threading import get_ident
from typing import Final, NamedTuple, cast

from attrs import evolve

from fileset.dicom.header import Header, HeaderError, Reading, read_header
from fileset.dicom.header_cache import Layouts, Recognised
from fileset.errors import FilesetError
from fileset.media.system.walk import OpenFile
from fileset.part10.whole_file import FileChecker
from fileset.plan.inputs import Sources
from fileset.plan.secured import unreadable
from fileset.plan.stencils import Stencil, Stencils
from fileset.plan.workers import Workers
from fileset.records.describe import Describer, Instance, Policy
from fileset.records.tree import TreeBuilder


class Refused(NamedTuple):
    """A source that cannot be a member of a file-set: the rule that it breaks, and the reason."""

    rule: str
    reason: str


Accepted = Instance
Outcome = Accepted | Refused
"""The result of the scan of one source. An accepted one is a plain tuple with the values of an `Instance`: the processes
send tuples five times as fast as instances of the class.
"""


NO_INSTANCE: Final = frozenset(("FS-FILE-EMPTY", "FS-FILE-NOT-DICOM", "FS-FILE-IS-DICOMDIR"))
"""Rules for files that hold no instance."""


def describe(read: Reading, describer: Describer) -> tuple[Instance, Recognised | None]:
    """Read the instance in a file, and its header if that has a known layout.

    Raises `HeaderError` with rule and reason if there is no instance, or it breaks the profile.
    """
    header: Header | Recognised
    try:
        header = read_header(read, describer.keys.wanted, describer.keys.layouts)
        instance = describer.describe(header, invent=False)
    except HeaderError as problem:
        if problem.rule in _FINAL:
            raise
        # A value is missing in the first bytes: look at the whole data set before reporting it.
        header = read_header(read, describer.keys.everything)
        instance = describer.describe(header, invent=describer.policy.missing == "invent")
    if describer.policy.profile:
        from fileset.plan.conformance import require_conformance

        require_conformance(read, describer.policy.profile)
    return instance, header if isinstance(header, Recognised) else None


_FINAL: Final = frozenset(
    (
        "FS-FILE-EMPTY",
        "FS-FILE-NOT-DICOM",
        "FS-FILE-IS-DICOMDIR",
        "FS-FILE-NO-PREFIX",
        "FS-FILE-NO-META",
        "FS-FILE-BAD-HEADER",
    )
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
        """Find the instance in a file of `size` bytes, with its faults as notes, or the reason why there is none."""
        first = read(0, min(size, self._layouts.first_read))
        instance = self._stencils.instance(first, size) or self._recognised(read, size, first)
        return cast("Accepted", tuple(instance)) if instance else self._examined(read, size, first)

    def _recognised(self, read: Reading, size: int, first: bytes) -> Instance | None:
        """Read the instance in a file whose header and structure are known, if the header has all values."""
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


def outcomes(sources: Sources, policy: Policy, workers: Workers) -> Iterator[Outcome]:
    """Scan all sources in order: the workers read files of the operating system, this process reads all others.

    Raises `MediumError` if the executor fails.
    """
    paths = sources.read_paths()
    if not any(paths):
        workers = evolve(workers, jobs=1, executor=None)  # no other process can read them
    is_elsewhere = workers.executor is not None
    if is_elsewhere:
        paths = [path and os.path.abspath(path) for path in paths]  # a worker may be in another folder
    scanned = workers.share(partial(scan_chunk, policy=policy), paths, workers.prepared(paths, len(paths)))
    if sources.are_files() and not (sources.lost or is_elsewhere):
        return scanned
    return _completed(scanned, sources, paths, Scanner(policy), tries_again=is_elsewhere)


def _completed(
    scanned: Iterator[Outcome], sources: Sources, paths: Sequence[str], scanner: Scanner, *, tries_again: bool
) -> Iterator[Outcome]:
    """Scan here all sources without a path, and files that a worker cannot read if this process `tries_again`.

    A worker of an executor may lack a folder, and that must not cost a record.
    """
    for index, (path, found) in enumerate(zip(paths, scanned, strict=True)):
        if index in sources.lost:
            yield Refused("FS-FILE-UNREADABLE", sources.lost[index])
        elif not path:
            yield _outcome_here(sources, index, scanner)
        else:
            is_unread = isinstance(found, Refused) and found.rule == "FS-FILE-UNREADABLE"
            yield scanner.outcome_at(path) if is_unread and tries_again else found


def _outcome_here(sources: Sources, index: int, scanner: Scanner) -> Outcome:
    """Scan a source that is no file of the operating system: of an image, an archive or a remote folder, or a data set."""
    try:
        with sources.opened(index) as read:
            return scanner.outcome(read, sources.inquire(index).size)
    except (FilesetError, OSError) as problem:
        return Refused(*unreadable(problem, sources.name(index), command=True))


def collect(outcomes: Iterable[tuple[int, Outcome]], tree: TreeBuilder) -> Iterator[tuple[int, Refused]]:
    """Put all accepted sources into a tree, in order; yield the index of each refused source, and the reason.

    Of two copies of an instance the first counts, unless it is incomplete and the second is whole.
    """
    for index, found in outcomes:
        refused = found if isinstance(found, Refused) else None
        if refused is None:
            try:
                tree.add(cast("Accepted", found), index)
            except HeaderError as problem:
                refused = Refused(problem.rule, problem.reason)
        if refused is not None:
            yield index, refused
    for index, displaced in tree.displaced().items():
        yield index, Refused(displaced.rule, displaced.reason)
