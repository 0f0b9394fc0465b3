"""Names in an image: found in whatever form they lie there, and never one that could do harm.

ISO 9660 (with or without Joliet) and UDF each give a `Volume`; what is wrong with it is noted, and the rest is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from threading import Lock
from typing import Final, Protocol, TypeVar

from attrs import frozen

from fileset.errors import FormatError
from fileset.file_id import MAX_READ_COMPONENTS, FileId

Anything = TypeVar("Anything")

MAX_DIRECTORY: Final = 64 << 20
"""Bytes of one directory that are read: over a million files."""

KEPT_NAMES: Final = 10_000
"""Names in the listings that are kept."""

MAX_NOTES: Final = 100
"""Notes of damage that are kept."""

TAILS: Final = ("", ".", ";1", ".;1", ".DCM", ".DCM;1")
"""Behind a File ID Component, the forms in which systems show names of ISO 9660, and users' additions."""


@frozen(slots=True)
class Entry:
    """A file or folder: its name, and the pieces it lies in, as (position, length) in bytes of the image."""

    name: str
    folder: bool
    extents: tuple[tuple[int, int], ...]
    modified: datetime | None = None

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(length for _, length in self.extents)


class Volume(Protocol):
    """One hierarchy of an image."""

    root: Entry

    def entries(self, folder: Entry) -> Iterator[Entry]:
        """What is in a folder, in any order; raises `FormatError` if the folder cannot be read at all."""
        ...


class Notes(list[str]):
    """What is wrong with an image, each thing said once, and not without end."""

    def add(self, note: str) -> None:
        """One more."""
        if len(self) < MAX_NOTES and note not in self:
            self.append(note)


class Namespace:
    """The names of a volume. Some listings are kept, and what is wrong goes to `notes`.

    `budget` is how many bytes of directories there can be: those of an image do not overlap.
    """

    def __init__(self, volume: Volume, notes: Notes, budget: int) -> None:
        self._volume = volume
        self._notes = notes
        self._budget = budget
        self._listings: dict[tuple[tuple[int, int], ...], dict[str, Entry]] = {}
        self._lock = Lock()

    def find(self, file_id: FileId) -> Entry | None:
        """The file that a File ID names, in any case and with any of `TAILS`; None if there is none."""
        entry: Entry | None = self._volume.root
        for component in file_id.components:
            if entry is None or not entry.folder:
                return None
            entry = form_of(component, self._listing(entry))
        return None if entry is None or entry.folder else entry

    def walk(self) -> Iterator[tuple[str, Entry]]:
        """Path and entry of every file, each folder sorted by name. A folder met twice is noted and left out."""
        visited = {self._volume.root.extents}
        left = self._budget - self._volume.root.size
        stack = [self._sorted("", self._volume.root)]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
                continue
            path, entry = found
            if not entry.folder:
                yield path, entry
            elif entry.extents in visited:
                self._notes.add(f"{path}: this folder is another one too; not entered again")
            elif len(stack) > MAX_READ_COMPONENTS:
                self._notes.add(f"{path}: folders are nested too deep")
            elif entry.size > left:
                self._notes.add(f"{path}: more directories than an image of this size can hold")
            else:
                left -= entry.size
                visited.add(entry.extents)
                stack.append(self._sorted(path + "/", entry))

    def _sorted(self, prefix: str, folder: Entry) -> Iterator[tuple[str, Entry]]:
        listing = self._listing(folder)
        return ((prefix + name, listing[name]) for name in sorted(listing) if name[0] != FOLDED)

    def _listing(self, folder: Entry) -> dict[str, Entry]:
        with self._lock:
            if folder.extents not in self._listings:
                listing = self._listed(folder)
                # Files are mostly asked for folder by folder: a few listings are as good as all, which may be a million names.
                while self._listings and sum(map(len, self._listings.values())) + len(listing) > KEPT_NAMES:
                    del self._listings[next(iter(self._listings))]
                self._listings[folder.extents] = listing
            return self._listings[folder.extents]

    def _listed(self, folder: Entry) -> dict[str, Entry]:
        listing: dict[str, Entry] = {}
        for entry in self._read(folder):
            if entry.name in listing:
                self._notes.add(f"{entry.name}: two files or folders have this name; the first is read")
            elif self._harmless(entry.name):
                enlist(listing, entry.name, entry)
        return listing

    def _read(self, folder: Entry) -> Iterator[Entry]:
        if folder.size > MAX_DIRECTORY:
            self._notes.add(f"{folder.name or 'the root'}: a directory of {folder.size} bytes; not read")
            return
        try:
            yield from self._volume.entries(folder)
        except FormatError as problem:
            self._notes.add(f"{folder.name or 'the root'}: {problem}")

    def _harmless(self, name: str) -> bool:
        try:
            if len(FileId.tolerant(name).components) == 1 and name.strip(" ") == name:
                return True
        except FormatError:
            pass
        self._notes.add(f"{name[:64]!r}: a name that can do harm; the file is not read")
        return False


FOLDED: Final = "\0"
"""Before the upper-case form of a name in a listing; no name holds it."""


def enlist(listing: dict[str, Anything], name: str, found: Anything) -> None:
    """Put a name into a listing that `form_of` looks into."""
    listing[name] = found
    if (folded := name.upper()) != name:
        listing.setdefault(FOLDED + folded, found)


def form_of(component: str, listing: Mapping[str, Anything]) -> Anything | None:
    """What a listing has for a File ID Component: the name itself, or the nearest form of it."""
    if component in listing:
        return listing[component]
    forms = (component.upper() + tail for tail in TAILS)
    return next((listing[key] for form in forms for key in (form, FOLDED + form) if key in listing), None)
