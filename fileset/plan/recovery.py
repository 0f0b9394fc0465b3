"""Undo or finish an interrupted change: remove the files in its journal that the DICOMDIR does not reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Final

from fileset.dicomdir.read.decode import decode
from fileset.dicomdir.read.file_reference import FileReference
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.errors import FormatError, RefusedError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import ERROR, Finding, Where
from fileset.media.base import Transaction, UpdatableMedium, holds
from fileset.media.folder.work_folder import is_unfinished
from fileset.media.names import form_key
from fileset.media.system.walk import WORK
from fileset.plan.dicomdir_file import read_dicomdir
from fileset.plan.removal import delete_all
from fileset.standard import tags


def refuse_listed_work(medium: UpdatableMedium) -> None:
    """Raise `RefusedError` if records reference files in the work folder, because a clean-up deletes its files."""
    if not (medium.interrupted() and medium.has_dicomdir()):
        return
    with suppress(FormatError):  # a DICOMDIR that cannot be read names no files
        listed = [name for name in references_in(decode(read_dicomdir(medium))) if name.partition("/")[0] == WORK]
        if listed:
            raise RefusedError(
                f"the DICOMDIR lists {min(listed)}, in a folder that is for temporary files of a change",
                path=medium.name,
                advice="`fileset extract` copies its files out",
            )


def clean_up(medium: UpdatableMedium, *, adopts: bool = False, dry_run: bool = False) -> list[Finding]:
    """Undo an interrupted change, or finish it if its DICOMDIR is already in place. Every role that writes does this first.

    Returns a finding for each file that is deleted or restored. With `adopts`, the caller lists the files that are on the
    medium, so without a DICOMDIR none of them is deleted: there is no older file-set to return to, and the files that the
    change wrote are complete. A dry run changes nothing; from then on `medium` hides the files that would be deleted.
    Raises `MediumError` if the medium fails, or another writer is active.
    """
    refuse_listed_work(medium)
    if not medium.interrupted():
        return []
    keeps_all = adopts and not medium.has_dicomdir()
    restored = [*_restored(medium, dry_run=dry_run)]
    restored += _unfinished(medium, dry_run=dry_run) if keeps_all else []
    if dry_run:
        return restored + ([] if keeps_all else _rehearsed(medium))
    with medium.transaction() as transaction:
        deleted = [] if keeps_all else recover(medium, transaction)
        transaction.announce((), ())
    return restored + deleted


def _restored(medium: UpdatableMedium, *, dry_run: bool) -> Iterator[Finding]:
    """Report the DICOMDIR that the next change takes from the work folder, or the old one that it deletes."""
    lasting = medium.lasting_damage()
    for note in medium.damage():
        if note not in lasting:
            done = "would be put in its place" if dry_run else "was put in its place"
            yield Finding(LEFTOVER, f"{note}: it {done}", Where(DICOMDIR.value))
    for name in medium.leftovers():
        if name.partition("/")[0] != WORK:
            yield _deleted(name, dry_run=dry_run)


def _unfinished(medium: UpdatableMedium, *, dry_run: bool) -> list[Finding]:
    """Report the copies without a final name, which every change deletes: no file-set has them."""
    number = sum(is_unfinished(name) is not None for name in medium.leftovers())
    done = "would be deleted" if dry_run else "deleted"
    message = f"{number:,} unfinished {'copy' if number == 1 else 'copies'} of an interrupted write, {done}"
    return [Finding(LEFTOVER, message, Where(WORK))] if number else []


def _rehearsed(medium: UpdatableMedium) -> list[Finding]:
    """Report the files that `recover` would delete, and hide them."""
    unneeded = _unneeded(medium, medium.transaction(), set)
    there = [file_id for file_id in unneeded if holds(medium, file_id)]
    medium.hide(unneeded)
    return [_deleted(file_id.path, dry_run=True) for file_id in there]


def recover(medium: UpdatableMedium, transaction: Transaction, kept: Callable[[], set[str]] = set) -> list[Finding]:
    """Remove the leftovers of an interrupted change: names in its journal that the DICOMDIR does not reference.

    Returns a finding for each deleted file. The files that `kept` returns stay, because a plan keeps them.
    """
    unneeded = _unneeded(medium, transaction, kept)
    there = [file_id for file_id in unneeded if holds(medium, file_id)]
    stuck = {finding.where.file for finding in delete_all(transaction, unneeded)}  # these stay in the journal
    return [_deleted(file_id.path) for file_id in there if file_id.path not in stuck]


def _unneeded(medium: UpdatableMedium, transaction: Transaction, kept: Callable[[], set[str]]) -> list[FileId]:
    """List the leftovers that neither the DICOMDIR references nor `kept` returns.

    If the DICOMDIR is damaged, there are none: it may lack the records of files that are needed.
    """
    leftovers = transaction.leftovers()
    if not leftovers:
        return []
    try:
        needed = _sound_references(read_dicomdir(medium)) if medium.has_dicomdir() else set()
    except FormatError:
        return []
    needed |= set(map(form_key, kept()))
    return [file_id for file_id in leftovers if form_key(file_id.path) not in needed]


def _deleted(name: str, *, dry_run: bool = False) -> Finding:
    done = "would be deleted" if dry_run else "deleted"
    return Finding(LEFTOVER, f"left by an interrupted change, and {done}", Where(name))


LEFTOVER: Final = "FS-WRITE-LEFTOVER"
NOTHING_FINISHED: Final = "nothing was written: a write was interrupted before any file was complete. Write it again"
"""The fault of a folder in which an interrupted write left nothing that a DICOMDIR can list."""


def referenced(medium: UpdatableMedium) -> set[str]:
    """Read the paths that the records of the DICOMDIR name, in upper case, with "/" between components.

    Of a record with several names, which is damaged, only the first counts. Raises `FormatError` if the DICOMDIR cannot be
    read.
    """
    flat = decode(read_dicomdir(medium))
    references = (FileReference.of(flat, index) for index in range(len(flat)))
    return {reference.path for reference in references if reference}


def _sound_references(data: bytes) -> set[str]:
    """Collect the keys of all forms of the referenced names. Raises `FormatError` if a record is or may be missing."""
    flat = decode(data)
    if serious_faults(flat.findings):
        raise FormatError(f"{DICOMDIR} is damaged")
    names = references_in(flat) | {FileReference(flat.top.get(tags.DESCRIPTOR_FILE_ID, b"")).path}
    return set(map(form_key, names))  # a journal has the name on the medium, which may be another form


def serious_faults(findings: Iterable[Finding]) -> list[Finding]:
    """Select the errors that affect the records of a DICOMDIR."""
    return [finding for finding in findings if finding.severity == ERROR and finding.rule not in _HARMLESS]


_HARMLESS: Final = frozenset(("FS-RECORD-TYPE",))
"""Errors of records that stay unchanged and do not affect any link."""


def references_in(flat: FlatDirectory) -> set[str]:
    """Collect all names in the records, also further ones of one record: none of these files may be deleted."""
    return {reference.path for index in range(len(flat)) for reference in FileReference.all_of(flat, index)}
