"""Delete files of a medium: only files that are certainly the listed ones, under their own names."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import closing
from typing import Final

from fileset.errors import FormatError, MediumError
from fileset.file_id import DICOMDIR, SEPARATOR, FileId
from fileset.findings import Finding, Where
from fileset.media.base import LinkError, Transaction, UpdatableMedium
from fileset.media.names import form_key
from fileset.media.system.files import blocks, named

LINKED: Final = "its folder is a link, and nothing is deleted through a link; the file stays"


def deletable(medium: UpdatableMedium, file_id: FileId, where: Where) -> tuple[FileId | None, Finding | None]:
    """Return the actual name of a file that can be deleted, or a finding that says why it cannot.

    Anything but a regular file stays, because after an interruption nothing proves that it is the listed file. A file that
    cannot be read is deleted, as the user asked for. Raises `MediumError` if the medium fails.
    """
    try:
        actual = medium.actual(file_id)
        if actual is None:
            return None, Finding("FS-FILE-MISSING", f"{file_id}: not on the medium (PS3.10 8.2)", where)
        folders = actual.components[:-1]  # a link among them gives the file another name, which a record may have
        if folders and medium.occupation(SEPARATOR.join(folders)) != "folder":
            return None, Finding("FS-FILE-LINK", f"{file_id}: {LINKED}", where)
        path = medium.path(actual)
        if path and not os.access(os.path.dirname(path), os.W_OK | os.X_OK):
            return None, undeleted(actual, os.strerror(errno.EACCES))
        if path and not _is_regular(path):
            return None, Finding("FS-FILE-UNREADABLE", f"{file_id} stays, because it is not a regular file", where)
        if path and (problem := _unreadable(path)):
            return actual, Finding("FS-FILE-UNREADABLE", f"{file_id}: {problem}; the file is deleted unread", where)
    except LinkError as problem:
        return None, Finding("FS-FILE-LINK", f"{problem}; the link stays", where)
    except FormatError as problem:
        return None, Finding("FS-FILE-MISSING", str(problem), where)
    except MediumError as problem:
        if not os.path.isdir(problem.path):  # only a folder that cannot be listed costs no more than its files
            raise
        return None, undeleted(file_id, str(problem))
    return actual, None


def undeleted(file_id: FileId, reason: str) -> Finding:
    """Report a file that no record references any more, but that this user cannot delete."""
    message = f"cannot be deleted: {reason}; the file stays on the medium, and no record references it"
    return Finding("FS-FILE-UNDELETED", message, Where(file_id.path))


def _unreadable(path: str) -> str:
    """Return the reason why the first bytes of the file at `path` cannot be read, "" if they can."""
    try:
        with closing(blocks(path)) as chunks:
            next(chunks, b"")
    except OSError as problem:
        return problem.strerror or str(problem)
    return ""


def _is_regular(path: str) -> bool:
    with named(path):
        try:
            return stat.S_ISREG(os.stat(path).st_mode)
        except FileNotFoundError:  # a link to nothing
            return False


def delete_all(transaction: Transaction, file_ids: Iterable[FileId]) -> list[Finding]:
    """Delete files, never the DICOMDIR; report each that the medium does not let go, and go on with the others."""
    stuck = []
    for file_id in file_ids:
        if form_key(file_id.path) == DICOMDIR.value:
            continue
        try:
            transaction.delete(file_id)
        except MediumError as problem:
            stuck.append(undeleted(file_id, problem.reason))
    return stuck
