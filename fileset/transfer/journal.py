"""The journal of what arrived, so that a second run sends the rest only: one JSON object a line."""

from __future__ import annotations

import json
import os
from types import TracebackType
from typing import Self, TextIO

from fileset.errors import MediumError, RefusedError

_SCHEMA = "fileset.journal/1"
Entry = tuple[str, str, int]
"""Peer, SOP Instance UID, bytes of the data set."""


class Journal:
    """Remembers the instances that a peer has; a context. Without a path it remembers nothing.

    A line is written as soon as the peer has confirmed an instance. A last line that is cut off is ignored. Raises
    `RefusedError` if the file is something else, `MediumError` if it cannot be read or written.
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
            raise MediumError(f"{self._path}: {problem.strerror or problem}") from problem
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def _read(self) -> bool:
        """Take in the lines; whether the last one is cut off."""
        with open(self._path or "", encoding="utf-8", errors="replace") as file:
            text = file.read()
        *lines, last = text.split("\n")
        for number, line in enumerate(lines):
            entry = _entry(line)
            if entry is None and number == 0:
                raise RefusedError(f"{self._path}: is not a journal of `fileset send`. Give another --journal")
            if entry is not None:
                self._known.add(entry)
        return bool(last)

    def has(self, uid: str, size: int) -> bool:
        """Whether the peer has this instance by a former run."""
        return (self._peer, uid, size) in self._known

    def add(self, uid: str, size: int) -> None:
        """Note that the peer has an instance. Raises `MediumError` if that cannot be written."""
        if self._file is None:
            return
        self._known.add((self._peer, uid, size))
        try:
            self._file.write(json.dumps({"schema": _SCHEMA, "peer": self._peer, "uid": uid, "size": size}) + "\n")
            self._file.flush()
        except OSError as problem:
            raise MediumError(f"{self._path}: {problem.strerror or problem}") from problem


def _entry(line: str) -> Entry | None:
    try:
        row = json.loads(line)
        return (str(row["peer"]), str(row["uid"]), int(row["size"])) if row["schema"] == _SCHEMA else None
    except (ValueError, KeyError, TypeError):
        return None
