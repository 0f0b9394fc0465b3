"""A plan of changes, and the one commit protocol: files first, DICOMDIR last, removed files after it.

A crash at any moment leaves the old or the new file-set, complete. The steps are numbered as the medium's
transaction offers them; every role and every medium goes through here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import field, frozen

from fileset.dicomdir.decode import decode
from fileset.dicomdir.directory import Directory, encode, place
from fileset.dicomdir.link import link
from fileset.errors import FormatError, MediumError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import ERROR, Finding
from fileset.media.base import FileSetInfo, Transaction, UpdatableMedium, WritableMedium, Written

CLUSTER = 4096
"""Files are counted in whole clusters of this size, in bytes, when the free space is checked."""


@frozen
class Addition:
    """A file to write: its name, its size in bytes, and a function that begins to give its bytes."""

    file_id: FileId
    size: int
    chunks: Callable[[], Iterator[bytes]]


@frozen
class Plan:
    """What shall become of a medium: files to write, the directory that then counts, files to delete after it."""

    directory: Directory
    additions: Sequence[Addition] = ()
    removals: Sequence[FileId] = field(default=())


def commit(plan: Plan, medium: WritableMedium, *, progress: Callable[[int, int], None] | None = None) -> list[Written]:
    """Carry out a plan; what was written, the DICOMDIR last.

    Raises `MediumError` when the medium fails or has not enough space, and then the medium is as it was.
    """
    directory_size = place(plan.directory)[-1] + len(plan.directory.frame.tail)
    check_space(plan, directory_size, medium.inquire_file_set(), medium.name)
    written: list[Written] = []
    with medium.transaction() as transaction:  # 1. the lock
        recover(medium, transaction)
        transaction.announce([addition.file_id for addition in plan.additions], plan.removals)
        for done, addition in enumerate(plan.additions):  # 2. files, under temporary names first
            written.append(transaction.write(addition.file_id, addition.chunks()))
            if written[-1].size != addition.size:
                raise MediumError(f"{addition.file_id}: {written[-1].size} bytes came, {addition.size} were expected")
            if progress:
                progress(done + 1, len(plan.additions))
        transaction.settle()  # 3. all of them on the medium
        records = len(plan.directory.bodies)
        written.append(transaction.publish(encode(plan.directory), lambda data: verify(data, records)))  # 4. and 5.
        for file_id in plan.removals:  # 6. nothing references them any more
            transaction.delete(file_id)
    return written


def check_space(plan: Plan, directory_size: int, info: FileSetInfo, name: str) -> None:
    """M-INQUIRE FILE-SET before the first byte: raise `MediumError` if the plan cannot fit."""
    if info.read_only:
        raise MediumError(f"{name}: the medium is read-only")
    sizes = [addition.size for addition in plan.additions] + [directory_size]
    if info.largest_file is not None and max(sizes) > info.largest_file:
        worst = max(plan.additions, key=lambda addition: addition.size, default=None)
        what = worst.file_id if worst and worst.size == max(sizes) else DICOMDIR
        raise MediumError(f"{name}: {what} has {max(sizes)} bytes, {info.format} takes {info.largest_file} at most")
    needed = sum(-(-size // CLUSTER) * CLUSTER for size in sizes)
    if info.free is not None and needed > info.free:
        raise MediumError(f"{name}: {needed} bytes are needed, {info.free} are free; nothing was written")


def recover(medium: WritableMedium, transaction: Transaction) -> None:
    """Remove what an interrupted change left behind: names in its journal that the DICOMDIR does not reference."""
    leftovers = transaction.leftovers()
    if not leftovers:
        return
    named = referenced(medium) if medium.has_dicomdir() else set()
    for file_id in leftovers:
        if file_id.path.upper() not in named:
            transaction.delete(file_id)


def referenced(medium: WritableMedium) -> set[str]:
    """The paths that the records of a DICOMDIR name, in upper case, "/" between components."""
    readable: UpdatableMedium = medium  # type: ignore[assignment]  # only media that can be read leave journals
    with readable.open(DICOMDIR) as file:
        flat = decode(file.read())
    names = set()
    for index in range(len(flat)):
        for part in flat.elements(index):
            if part.tag == 0x00041500:
                raw = flat.data[part.value_at : part.value_end].decode("ascii", "replace")
                names.add(raw.strip(" \0").replace("\\", "/").upper())
    return names


def verify(data: bytes, records: int) -> None:
    """Raise `FormatError` unless the DICOMDIR that was read back links cleanly and has all its records."""
    flat = decode(data)
    problems: list[Finding] = flat.findings + link(flat).findings
    serious = [problem for problem in problems if problem.severity == ERROR]
    if len(flat) != records:
        raise FormatError(f"the DICOMDIR reads back with {len(flat)} of {records} records; the old one is kept")
    if serious:
        raise FormatError(f"the DICOMDIR reads back damaged ({serious[0]}); the old one is kept")
