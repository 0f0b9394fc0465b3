"""The journal of a change: the files that it writes and removes, so that an interrupted change can be undone.

Anybody may have written the journal on a medium, so recovery trusts it only with proof: each line has the size and a hash
of a file, and recovery deletes only files that still have both. A line is on disk before its file gets its name.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Final

from attrs import frozen

from fileset.errors import FormatError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.system.files import blocks, named
from fileset.media.system.hashing import digest_of

ADDED, REMOVED = "+", "-"
LARGEST_JOURNAL: Final = 256 << 20
"""Largest size of a journal that is read, in bytes: enough for two million files."""
BEGINNING: Final = 16 << 10
"""Number of bytes of a removed file that are hashed; they contain the identifiers of the instance."""

TEXT: Final = ("utf-8", "surrogateescape")
"""The encoding of names; it also holds those that are not text, as included files may have."""
_LINE: Final = re.compile(r"([+-]) (\d{1,19}) ([0-9a-f]{32}) (.+)\n").fullmatch


@frozen
class JournalEntry:
    """One file of a change, `ADDED` or `REMOVED`: its size in bytes and its XXH3-128 hash.

    For a removed file, only its beginning is hashed: reading all of it would take as long as copying it.
    """

    kind: str
    size: int
    digest: str
    file_id: FileId

    def line(self) -> bytes:
        """Format the line of the journal."""
        return f"{self.kind} {self.size} {self.digest} {self.file_id.value}\n".encode(*TEXT)

    def describes(self, path: str) -> bool:
        """Test whether a file is the one that the change wrote, or was to remove; not if it is absent. Raises `MediumError`."""
        with named(path), suppress(FileNotFoundError):
            found = os.lstat(path)
            if stat.S_ISREG(found.st_mode) and found.st_size == self.size:
                return _digest(path, self.kind) == self.digest
        return False


def removal(file_id: FileId, path: str) -> JournalEntry:
    """Make the entry for a file that will be removed. Raises `OSError`."""
    return JournalEntry(REMOVED, os.stat(path).st_size, _digest(path, REMOVED), file_id)


def _digest(path: str, kind: str) -> str:
    with closing(blocks(path)) as chunks:
        return digest_of(chunks) if kind == ADDED else digest_of([next(chunks, b"")[:BEGINNING]])


def read_entries(path: str) -> Iterator[JournalEntry]:
    """Read the entries of a journal; nothing if there is no journal or it is too large. Raises `MediumError`.

    Lines of another form, and entries for the DICOMDIR, are left out.
    """
    for line in whole_lines(path):
        match = _LINE(line)
        if match:
            with suppress(FormatError):
                file_id = FileId.tolerant(match[4])
                if file_id.path.upper() != DICOMDIR.path:
                    yield JournalEntry(match[1], int(match[2]), match[3], file_id)


def whole_lines(path: str) -> list[str]:
    """Read the complete lines of a file; nothing if it does not exist or is too large. Raises `MediumError`."""
    with named(path), suppress(FileNotFoundError, NotADirectoryError):
        if os.stat(path).st_size <= LARGEST_JOURNAL:
            lines = b"".join(blocks(path)).split(b"\n")[:-1]
            return [f"{line.decode(*TEXT)}\n" for line in lines]
    return []
