"""A plan of changes, and the one commit protocol: files first, DICOMDIR last, removed files after it.

A crash at any moment leaves the old or the new file-set, complete. `commit` numbers its steps; every role and every
medium uses it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from io import BytesIO
from operator import itemgetter
from typing import Final

from attrs import evolve, field, frozen

from fileset.dicomdir.read.decode import decode, inflated
from fileset.dicomdir.write.layout import Directory, encode, encode_last
from fileset.errors import DONE, FormatError, MediumError, RefusedError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import Finding
from fileset.media.base import Chunks, FileInfo, FileSetInfo, Footprint, Transaction, UpdatableMedium, Written
from fileset.media.system.walk import same_bytes
from fileset.plan.dicomdir_file import open_dicomdir, read_dicomdir
from fileset.plan.digests import Digests
from fileset.plan.recovery import recover, references_in, refuse_listed_work, serious_faults
from fileset.plan.removal import delete_all
from fileset.plan.source_files import LostSourceError, SourceFiles
from fileset.report import Report
from fileset.standard import tags

NAME_SIZE: Final = 128
"""Bytes that the space check adds for each new name: its entry in a folder, and its line in the journal."""

LONG_NAME: Final = 6
"""Bytes that the space check adds for each character of a name that is no File ID: an image has it two times, in up to
3 bytes."""

Progress = Callable[[str, int, int], None]
"""Called with a phase, the number done, and of all: "bytes" and "write" (files) while files are written, "flush" when the
medium begins to save them, "verify" for files that are read back.
"""


def unreported(phase: str, done: int, total: int) -> None:
    """Ignore progress."""


@frozen
class Addition:
    """A file to write: its name, size in bytes, a function that returns its chunks, and its date if it has one."""

    file_id: FileId
    size: int
    chunks: Callable[[], Iterator[bytes | bytearray]]
    modified: datetime | None = None
    mode: int | None = None


def copies(sources: SourceFiles, files: Iterable[tuple[int, FileId]]) -> Iterator[Addition]:
    """Yield the copies of sources under their File IDs, in the order in which a drive reads forward."""
    inquire, chunks = sources.inquire, sources.chunks  # bound once, not once a file
    for source, file_id in sources.in_reading_order(files, itemgetter(0)):
        info = inquire(source)
        yield Addition(file_id, info.size, partial(chunks, source), info.modified, info.mode)


@frozen
class Plan:
    """A change of a medium: files to write, the new directory, and files to delete afterwards.

    `basis` has the bytes of the DICOMDIR that the plan was made from, b"" if there was none. None: the plan may replace
    any DICOMDIR.
    """

    directory: Directory
    additions: Sequence[Addition] = ()
    removals: Sequence[FileId] = field(default=())
    basis: bytes | None = None


def commit(
    plan: Plan,
    medium: UpdatableMedium,
    *,
    progress: Progress = unreported,
    sha256: bool = False,
    findings: list[Finding] | None = None,
) -> list[Written]:
    """Carry out a plan; return the written files, the DICOMDIR last, with SHA-256 hashes if `sha256`.

    A file that cannot be deleted stays, without a record, and is added to `findings`.
    Raises `MediumError` if the medium fails or lacks space, and `RefusedError` if another writer changed the medium after
    the plan was made. The medium is then as it was, unless the exception has a note that the new DICOMDIR is already
    in place.
    """
    refuse_listed_work(medium)
    with Digests() as digests:
        written = _commit(plan, medium, progress, digests.noted if sha256 else iter, findings)
        return digests.of(written) if sha256 else written


def _commit(
    plan: Plan,
    medium: UpdatableMedium,
    progress: Progress,
    noted: Callable[[Chunks], Chunks],
    findings: list[Finding] | None,
) -> list[Written]:
    change = medium.transaction()
    try:
        with change as transaction:  # 1. the lock
            check_basis(plan.basis, medium)
            recover(medium, transaction, partial(_kept, plan))
            check_space(plan, medium.inquire_file_set(), medium.name)
            transaction.announce([addition.file_id for addition in plan.additions], plan.removals)
            written = write(plan.additions, transaction, progress, noted)  # 2. files, under temporary names first
            progress("flush", 0, 0)
            transaction.settle()  # 3. all of them on the medium
            verified = partial(verify, directory=plan.directory)
            dicomdir = noted(encode_last(plan.directory))
            written.append(transaction.publish(dicomdir, verified, partial(progress, "verify")))  # 4. and 5.
            stuck = delete_all(transaction, plan.removals)  # 6. nothing references them any more
            (findings if findings is not None else []).extend(stuck)
        medium.flush()
    except (KeyboardInterrupt, MediumError) as problem:
        if change.done:
            problem.add_note(f"{medium.name}: {DONE if isinstance(problem, KeyboardInterrupt) else _LEFT}")
        raise
    return written


_LEFT: Final = "the new DICOMDIR counts already; `fileset repair` removes the leftovers of the change"


def rehearse(plan: Plan, medium: UpdatableMedium) -> None:
    """Rehearse a plan for a dry run: raise `MediumError` if `commit` would.

    The medium may be read-only or too small, or this user may not write to it.
    """
    if not medium.interrupted():  # `commit` removes leftovers first, and the space that this frees is unknown
        check_space(plan, medium.inquire_file_set(), medium.name)
    medium.check_writable()


def carry_out(plan: Plan, medium: UpdatableMedium, report: Report, progress: Progress = unreported) -> None:
    """Commit a plan and note the written files in `report`; only rehearse it in a dry run."""
    report.planned = True
    if report.dry_run:
        rehearse(plan, medium)
    else:
        stuck: list[Finding] = []
        report.written = commit(plan, medium, progress=progress, sha256=report.hashes, findings=stuck)
        report.note_undeleted(stuck)


# ---------------------------------------------------------------- before anything is written


def check_basis(basis: bytes | None, medium: UpdatableMedium) -> None:
    """Raise `RefusedError` unless the DICOMDIR is still the one that the plan was made from."""
    if basis is not None and not (_is_there(basis, medium) or _is_deflated(basis, medium)):
        raise RefusedError(
            "another writer has changed the file-set in the meantime", path=medium.name, advice="Look at it again"
        )


def _is_there(basis: bytes, medium: UpdatableMedium) -> bool:
    if not medium.has_dicomdir():
        return not basis
    with open_dicomdir(medium) as file:
        return same_bytes(BytesIO(basis), file)


def _is_deflated(basis: bytes, medium: UpdatableMedium) -> bool:
    """Check whether the DICOMDIR is the one with these bytes in a deflated transfer syntax."""
    with suppress(FormatError):
        return medium.has_dicomdir() and inflated(read_dicomdir(medium)) == basis
    return False


def _kept(plan: Plan) -> set[str]:
    """List the paths of existing files that belong to the new file-set."""
    return references_in(decode(b"".join(encode(plan.directory)))) - {
        addition.file_id.path for addition in plan.additions
    }


def check_space(plan: Plan, info: FileSetInfo, name: str) -> None:
    """Raise `MediumError` if the plan does not fit on the medium (M-INQUIRE FILE-SET, PS3.10 8.3)."""
    if info.read_only:
        raise MediumError("the medium is read-only", path=name)
    sizes = [addition.size + info.overhead for addition in plan.additions]
    sizes.append(plan.directory.size + info.overhead)
    largest = max(sizes)
    if info.largest_file is not None and largest > info.largest_file:
        what = [*(addition.file_id for addition in plan.additions), DICOMDIR][sizes.index(largest)]
        raise MediumError(f"{what} has {largest} bytes, {info.format} takes {info.largest_file} at most", path=name)
    folders = _folders(plan)
    needed = _footprint(plan, info).total(sizes, folders) + info.reserve
    drive = "Write it to another drive, or several smaller ones (--volume-size)"
    image = f"an image of {needed} bytes is needed, but its file system takes files of {info.largest_image} at most"
    for limit, wanted, reason, advice in (
        (info.largest_image, needed, image, drive),
        (info.free, needed, f"{needed} bytes are needed, {info.free} are free", ""),
        (info.free_files, len(sizes) + folders, f"no room for {len(sizes)} more files", ""),
    ):
        if limit is not None and wanted > limit:
            raise MediumError(f"{reason}; nothing was written", path=name, advice=advice)


def _folders(plan: Plan) -> int:
    """Count the folders of the new files, and those above them."""
    folders = {addition.file_id.components[:-1] for addition in plan.additions}
    return len({folder[:level] for folder in folders for level in range(1, len(folder) + 1)})


def _footprint(plan: Plan, info: FileSetInfo) -> Footprint:
    """Return the room that new files need: in the image that is written, or in blocks of a file system."""
    if info.footprint is None:
        return Footprint(fixed=0, folder=info.block, entry=NAME_SIZE, unit=info.block)
    names = (addition.file_id for addition in plan.additions)
    long_names = sum(LONG_NAME * len(name.value) for name in names if not name.conformant)
    return evolve(info.footprint, fixed=info.footprint.fixed + long_names)


# ---------------------------------------------------------------- writing


def write(
    additions: Sequence[Addition], transaction: Transaction, progress: Progress, noted: Callable[[Chunks], Chunks]
) -> list[Written]:
    """Write all files in order. If one source is unreadable, read all others before `LostSourceError`, to find every lost one."""
    written: list[Written] = []
    size, total = 0, sum(addition.size for addition in additions)
    progress("bytes", size, total)
    for at, addition in enumerate(additions):
        info = FileInfo(addition.size, addition.modified, addition.mode)
        try:
            written.append(transaction.write(addition.file_id, noted(addition.chunks()), info))
        except LostSourceError:
            for later in additions[at + 1 :]:
                with suppress(LostSourceError):
                    deque(later.chunks(), maxlen=0)
            raise
        if written[-1].size != addition.size:
            came = f"{written[-1].size} bytes came, {addition.size} were expected"
            raise MediumError(came, path=addition.file_id)
        size += addition.size
        progress("bytes", size, total)
        progress("write", len(written), len(additions))
    return written


# ---------------------------------------------------------------- written files


def verify(data: bytes, directory: Directory) -> None:
    """Raise `FormatError` unless the DICOMDIR, read back, has the records and links of `directory`.

    Its links must lead to every record exactly once, and never to an earlier record.
    """
    flat = decode(data)
    if len(flat) != len(directory):
        raise FormatError(f"the DICOMDIR reads back with {len(flat)} of {len(directory)} records; {_KEPT}")
    serious = serious_faults(flat.findings)
    if serious:
        raise FormatError(f"the DICOMDIR reads back damaged ({serious[0]}); {_KEPT}")
    if not directory.is_tree():
        raise FormatError(f"the new DICOMDIR has records that are linked twice or not at all; {_KEPT}")
    ends = directory.offset(directory.first), directory.offset(directory.last)
    said = (
        flat.start,
        (flat.next, flat.lower),
        (flat.number(tags.FIRST_ROOT_RECORD), flat.number(tags.LAST_ROOT_RECORD)),
    )
    if said != (directory.starts[:-1], directory.offsets, ends):
        raise FormatError(f"the DICOMDIR reads back with other links than were written; {_KEPT}")


_KEPT: Final = "the old one is kept"
