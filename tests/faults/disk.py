"""A model of a disk that loses power: a list of events, and the many states that they may leave.

Only synced bytes and names are certainly on the disk; of the others, any part may be, as the kind of file system
allows. A journaling file system changes names in order, folder by folder, and each change as a whole. FAT knows no order,
moves a file in two independent steps, has one name for a file, and may have given the place of a file
that was replaced or removed to others already.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from posixpath import dirname
from random import Random
from typing import Any, Final

from attrs import frozen

from tests.faults.system import System

SECTOR: Final = 512
FOLDER: Final = -1
"""The value for a folder in the place of the number of a file."""
NOBODY: Final = 0
"""The target of a missing name."""


@frozen
class Names:
    """Names that came to lead to a file, a folder, or nothing, all in one operation."""

    changes: tuple[tuple[str, int], ...]

    @property
    def folders(self) -> set[str]:
        """Where they are."""
        return {above(path) for path, _ in self.changes}


@frozen
class Bytes:
    """Bytes after the former end of a file."""

    file: int
    data: bytes


@frozen
class SyncedBytes:
    """All bytes of a file are on the disk."""

    file: int


@frozen
class SyncedNames:
    """All names in a folder are on the disk."""

    folder: str


def above(path: str) -> str:
    """The folder that a file or folder is in; the root is "."."""
    return dirname(path) or "."


Event = Names | Bytes | SyncedBytes | SyncedNames
State = Mapping[str, bytes]
"""The remaining files, by path."""


@frozen
class Start:
    """The state before the change, all of it on the disk: names, and the bytes of files by number."""

    names: Mapping[str, int]
    contents: Mapping[int, bytes]


class Recorder:
    """Record the effects of an action on a folder as events; with `links`, a file can have several names."""

    def __init__(self, root: Path, *, links: bool) -> None:
        self._root = root
        self._links = links
        paths = sorted(root.rglob("*"))
        files = {number: path for number, path in enumerate(paths, 1) if path.is_file()}
        self.names = {path.relative_to(root).as_posix(): FOLDER for path in (root, *paths)}
        self.names["."] = FOLDER
        self.names |= {path.relative_to(root).as_posix(): number for number, path in files.items()}
        self.start = Start(dict(self.names), {number: path.read_bytes() for number, path in files.items()})
        self.events: list[Event] = []
        self._system = System(root, self._before, self._after)
        self._operation: tuple[str, tuple[Any, ...]] = ("", ())

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record the operations inside the context."""
        with self._system.between():
            yield

    def _before(self, name: str, args: tuple[Any, ...]) -> None:
        if name == "link" and not self._links:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        self._operation = name, args

    def _after(self, outcome: Any) -> None:
        name, args = self._operation
        record: Callable[..., None] | None = getattr(self, f"_{name}", None)
        if record:
            record(*args[:2], outcome)

    def _path(self, argument: object) -> str:
        return os.path.relpath(self._system.path(argument), self._root)

    def _change(self, *changes: tuple[str, int]) -> None:
        self.names.update(changes)
        self.events.append(Names(changes))

    def _open(self, path: str, flags: int, _: int) -> None:
        if flags & os.O_CREAT and not self.names.get(self._path(path)):
            self._change((self._path(path), len(self.names) + len(self.events)))

    def _write(self, file: int, data: bytes, count: int) -> None:
        self.events.append(Bytes(self.names[self._path(file)], bytes(data[:count])))

    def _fsync(self, file: int, _: None) -> None:
        path = self._path(file)
        number = self.names[path]
        self.events.append(SyncedNames(path) if number == FOLDER else SyncedBytes(number))

    def _syncfs(self, _: str, __: None) -> None:
        for path, number in sorted(self.names.items()):
            if number:
                self.events.append(SyncedNames(path) if number == FOLDER else SyncedBytes(number))

    def _link(self, path: str, other: str, _: None) -> None:
        self._change((self._path(other), self.names[self._path(path)]))

    def _rename(self, path: str, other: str, _: None) -> None:
        self._change((self._path(other), self.names[self._path(path)]), (self._path(path), NOBODY))

    _replace = _rename

    def _unlink(self, path: str, _: None) -> None:
        self._change((self._path(path), NOBODY))

    _rmdir = _unlink

    def _mkdir(self, path: str, *_: object) -> None:
        self._change((self._path(path), FOLDER))


# --- possible states after the loss of power -------------------------------------------------------------------------

Model = Callable[[Start, Sequence[Event], Random], State]


def journaling(start: Start, events: Sequence[Event], random: Random) -> State:
    """One of the states that a journaling file system may be in, when power fails after these events."""
    certain = _certain(events)
    cuts: dict[str, float] = {}
    names = dict(start.names)
    for at, event in enumerate(events):
        if isinstance(event, Names):
            here = [cuts.setdefault(folder, random.uniform(-0.3, 1.3) * len(events)) for folder in event.folders]
            if certain[at] or all(at <= cut for cut in here):
                names.update(event.changes)
            else:
                cuts.update((folder, -1) for folder in event.folders)  # nothing later than this happens here
    return _left(names, _contents(start, events, random))


def _certain(events: Sequence[Event]) -> list[bool]:
    """Which changes of names are on the disk: those before a sync, with all that came before them in the same folders."""
    certain = [False] * len(events)
    synced: set[str] = set()
    for at in reversed(range(len(events))):
        event = events[at]
        if isinstance(event, SyncedNames):
            synced.add(event.folder)
        elif isinstance(event, Names) and event.folders & synced:
            certain[at] = True
            synced |= event.folders
    return certain


def fat(start: Start, events: Sequence[Event], random: Random) -> State:
    """One of the states that a FAT file system may be in, when power fails after these events."""
    versions: dict[str, list[int]] = {path: [number] for path, number in start.names.items()}
    synced: dict[str, int] = {}
    for event in events:
        if isinstance(event, Names):
            for path, number in event.changes:
                versions.setdefault(path, [NOBODY]).append(number)
        elif isinstance(event, SyncedNames):
            synced.update((path, len(all_) - 1) for path, all_ in versions.items() if above(path) == event.folder)
    names = {path: random.choice(all_[synced.get(path, 0) :]) for path, all_ in versions.items()}
    # Between two versions there may be no file.
    names |= {
        path: NOBODY for path, all_ in versions.items() if synced.get(path, 0) < len(all_) - 1 and random.random() < 0.2
    }
    contents = _contents(start, events, random)
    freed = contents.keys() - {all_[-1] for all_ in versions.values()}
    contents |= {number: _torn(contents[number], 0, random) for number in freed if random.random() < 0.7}
    return _left(names, contents)


def _left(names: Mapping[str, int], contents: Mapping[int, bytes]) -> State:
    """The files with all their folders."""

    def reachable(path: str) -> bool:
        return path == "." or (names.get(path) == FOLDER and reachable(above(path)))

    return {path: contents[number] for path, number in names.items() if number > 0 and reachable(above(path))}


def _contents(start: Start, events: Sequence[Event], random: Random) -> dict[int, bytes]:
    """Choose the bytes of each file: the synced ones, and any part of the rest."""
    contents = dict(start.contents)
    synced = {number: len(data) for number, data in start.contents.items()}
    for event in events:
        if isinstance(event, Names):
            for _, number in event.changes:
                contents.setdefault(number, b"")
        elif isinstance(event, Bytes):
            contents[event.file] += event.data
        elif isinstance(event, SyncedBytes):
            synced[event.file] = len(contents[event.file])
    return {
        number: data
        if synced.get(number, 0) == len(data) or random.random() < 0.3
        else _torn(data, synced.get(number, 0), random)
        for number, data in contents.items()
    }


def _torn(data: bytes, whole: int, random: Random) -> bytes:
    """Data that is right up to `whole` only: cut off, or with sectors that were never written."""
    if random.random() < 0.5:
        return data[: random.choice([whole, random.randint(whole, len(data))])]
    torn = bytearray(data)
    for at in range(whole, len(data), SECTOR):
        if random.random() < 0.5:
            end = min(at + SECTOR, len(data))
            torn[at:end] = random.choice([bytes(end - at), random.randbytes(end - at)])
    return bytes(torn)
