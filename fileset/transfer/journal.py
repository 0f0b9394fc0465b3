"""The journal of instances that arrived, so that a second run sends only the rest: one JSON object a line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from hashlib import sha256
from typing import Final, Self, TextIO

from fileset.errors import MediumError, RefusedError

_SCHEMA = "fileset.journal/1"
_BEGIN: Final = f'{{"schema": "{_SCHEMA}"'
"""The start of each line; a crash may have cut the only line before its end."""
_OTHER: Final = "Give another file as journal"
_WRITABLE: Final = "Give a journal in a folder that can be written to"
Entry = tuple[str, str, int, str]
"""Peer, SOP Instance UID, bytes of the data set, digest of the new values."""
Changes = Mapping[str, tuple[str, str]]
"""Keyword -> the old and the new value."""


class Journal:
    """The record of the instances that a peer has; use it as a context manager. Without a path it records nothing.

    It writes a line as soon as the peer confirms an instance. It ignores an incomplete last line. Raises `RefusedError` if
    the file is not a journal, `MediumError` if it cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str] | None, peer: str) -> None:
        self._path = None if path is None else os.fspath(path)
        self._peer = peer
        self._known: set[Entry] = set()
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        if self._path is None:
            return self
        try:
            cut = self._read() if os.path.exists(self._path) else False
            self._file = open(self._path, "a", encoding="utf-8")  # as long as the context
            if cut:
                self._file.write("\n")
        except OSError as problem:
            raise MediumError(f"{self._path}: {problem.strerror or problem}", advice=_WRITABLE) from problem
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def _read(self) -> bool:
        """Read the lines; return whether the last one is incomplete."""
        with open(self._path or "", encoding="utf-8", errors="replace") as file:
            text = file.read()
        *lines, last = text.split("\n")
        if not (lines[0].startswith(_BEGIN) if lines else _BEGIN.startswith(last[: len(_BEGIN)])):
            raise RefusedError(f"{self._path}: is not a journal of `fileset send`", advice=_OTHER)
        self._known.update(filter(None, map(_entry, lines)))
        return bool(last)

    def has(self, uid: str, size: int, changes: Changes) -> bool:
        """Check whether the peer has this instance with the same new values from an earlier run."""
        return (self._peer, uid, size, _digest(changes)) in self._known

    def add(self, uid: str, size: int, changes: Changes) -> None:
        """Note that the peer has an instance with new values. Raises `MediumError` if that cannot be written."""
        if self._file is None:
            return
        digest = _digest(changes)
        self._known.add((self._peer, uid, size, digest))
        row = {"schema": _SCHEMA, "peer": self._peer, "uid": uid, "size": size, "changes": digest}
        try:
            self._file.write(json.dumps(row) + "\n")
            self._file.flush()
        except OSError as problem:
            raise MediumError(f"{self._path}: {problem.strerror or problem}", advice=_WRITABLE) from problem


def _digest(changes: Changes) -> str:
    """Compute a digest of new values, "" if there are none, so that the journal has no names of patients."""
    if not changes:
        return ""
    text = json.dumps(sorted((keyword, new) for keyword, (_, new) in changes.items()))
    return sha256(text.encode()).hexdigest()[:16]


def _entry(line: str) -> Entry | None:
    try:
        row = json.loads(line)
        if row["schema"] != _SCHEMA:
            return None
        return str(row["peer"]), str(row["uid"]), int(row["size"]), str(row.get("changes", ""))
    except (ValueError, KeyError, TypeError):
        return None
