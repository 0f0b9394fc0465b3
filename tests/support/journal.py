"""Journals of interrupted changes, as the writer of a folder leaves them."""

from __future__ import annotations

from pathlib import Path

from fileset.file_id import FileId
from fileset.media.folder.journal import ADDED, TEXT, JournalEntry, removal
from fileset.media.system.files import blocks
from fileset.media.system.hashing import digest_of
from fileset.media.system.walk import JOURNAL, WORK


def added(medium: Path, name: str) -> str:
    """Return the line for a file that the change wrote; `name` has "/" between components."""
    path = medium / name
    return (
        JournalEntry(ADDED, path.stat().st_size, digest_of(blocks(str(path))), FileId.tolerant(name))
        .line()
        .decode(*TEXT)
    )


def removed(medium: Path, name: str) -> str:
    """Return the line for a file that the change was to remove."""
    return removal(FileId.tolerant(name), str(medium / name)).line().decode(*TEXT)


def leave_journal(medium: Path, *lines: str) -> None:
    """Leave the journal of an interrupted change on a medium."""
    (medium / WORK).mkdir(exist_ok=True)
    (medium / WORK / JOURNAL).write_bytes("".join(lines).encode(*TEXT))
