"""Find and list the files of an image by name.

Each directory tree of an image (ISO 9660, Joliet, UDF) is an `ImageTree`. `FileNames` refuses harmful names, notes damage,
and reads everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from threading import Lock
from typing import Final, Protocol

from attrs import frozen

from fileset.errors import FormatError, MediumError
from fileset.file_id import MAX_READ_COMPONENTS, FileId, harm_of
from fileset.media.base import RefusedName
from fileset.media.names import FOLDED, enlist, form_of

MAX_DIRECTORY: Final = 64 << 20
"""Largest directory that is read, in bytes: over a million files."""

KEPT_NAMES: Final = 10_000
KEPT_FOLDERS: Final = 16
"""Limits of the cache of listings, in names and in folders; a listing is dropped when both are exceeded.

Each look-up needs the listings of all folders above a file, so these stay cached however long they are.
"""

MAX_NOTES: Final = 100
"""Largest number of notes about damage."""

Extents = tuple[tuple[int, int], ...]
"""Pieces of a file or directory, each as (position, length) in bytes of the image."""


@frozen(slots=True)
class Entry:
    """A file or folder of an image."""

    name: str
    folder: bool
    extents: Extents
    modified: datetime | None = None

    @property
    def size(self) -> int:
        """The size in bytes."""
        return sum(length for _, length in self.extents)


class ImageTree(Protocol):
    """One directory tree of an image."""

    root: Entry

    def entries(self, folder: Entry) -> Iterator[Entry]:
        """Read the contents of a folder, in any order. Raises `FormatError` if the folder cannot be read at all."""


class Notes(list[str]):
    """Descriptions of damage to an image, without repetition, at most `MAX_NOTES`; and the `refused` files."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: dict[str, RefusedName] = {}

    def add(self, note: str) -> None:
        """Add a note."""
        if len(self) < MAX_NOTES and note not in self:
            self.append(note)

    def refuse(self, name: str, reason: str) -> None:
        """Note a file that cannot be opened safely."""
        self.refused.setdefault(name, RefusedName(name, reason))

    def everything(self) -> tuple[str, ...]:
        """List all notes, then a sentence for each refused file."""
        return (*self, *(f"{one.name}: {one.reason}; not read" for one in self.refused.values()))


class FileNames:
    """The files of an `ImageTree` by name. Damage and refused files go to `notes`.

    `budget` limits the size of all directories together, because in a sound image they do not overlap.
    """

    def __init__(self, tree: ImageTree, notes: Notes, budget: int) -> None:
        self._tree = tree
        self._notes = notes
        self._budget = budget
        self._listings: dict[Extents, dict[str, Entry]] = {}  # least recently used first
        self._lock = Lock()

    def find(self, file_id: FileId) -> Entry | None:
        """Find the file with a File ID, or with the nearest form of that name; None if there is none."""
        entry: Entry | None = self._tree.root
        for component in file_id.components:
            if entry is None or not entry.folder:
                return None
            entry = form_of(component, self._listing(entry))
        return None if entry is None or entry.folder else entry

    def walk(self) -> Iterator[tuple[str, Entry]]:
        """Yield path and entry of every file, each folder sorted by name. Note and skip a folder that occurs twice."""
        return ((path, entry) for path, entry in self._everything() if not entry.folder)

    def empty_folders(self) -> list[str]:
        """Find the paths of the folders that have neither files nor folders, sorted."""
        empty: dict[str, None] = {}
        for path, entry in self._everything():
            empty.pop(path.rpartition("/")[0], None)
            if entry.folder:
                empty[path] = None
        return sorted(empty)

    def _everything(self) -> Iterator[tuple[str, Entry]]:
        """Yield path and entry of every file and folder, a folder before its contents."""
        visited = {self._tree.root.extents}
        left = self._budget - self._tree.root.size
        stack = [self._sorted("", self._tree.root)]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
                continue
            path, entry = found
            if not entry.folder:
                yield path, entry
            elif entry.extents in visited:
                self._notes.add(f"{path}: this folder was already read under another name; not read again")
            elif len(stack) > MAX_READ_COMPONENTS:
                self._notes.add(f"{path}: folders are nested too deep")
            elif entry.size > left:
                self._notes.add(f"{path}: more directories than an image of this size can hold")
            else:
                left -= entry.size
                visited.add(entry.extents)
                yield path, entry
                stack.append(self._sorted(path + "/", entry))

    def _sorted(self, prefix: str, folder: Entry) -> Iterator[tuple[str, Entry]]:
        listing = self._listing(folder)
        return ((prefix + name, listing[name]) for name in sorted(listing) if name[0] != FOLDED)

    def _listing(self, folder: Entry) -> dict[str, Entry]:
        with self._lock:
            listing = self._listings.pop(folder.extents, None)
            if listing is None:
                listing = self._listed(folder)
                self._drop_listings(len(listing))
            self._listings[folder.extents] = listing
            return listing

    def _drop_listings(self, names: int) -> None:
        """Drop cached listings until `names` fits. A few listings suffice, because files are mostly read folder by folder."""
        names += sum(map(len, self._listings.values()))
        while names > KEPT_NAMES and len(self._listings) >= KEPT_FOLDERS:
            names -= len(self._listings.pop(next(iter(self._listings))))

    def _listed(self, folder: Entry) -> dict[str, Entry]:
        listing: dict[str, Entry] = {}
        for entry in self._read(folder):
            if entry.name in listing:
                self._notes.add(f"{entry.name}: two files or folders have this name; the first is read")
            elif reason := _harm(entry.name):
                self._notes.refuse(f"{folder.name}/{entry.name[:64]!r}".lstrip("/"), reason)
            else:
                enlist(listing, entry.name, entry)
        return listing

    def _read(self, folder: Entry) -> Iterator[Entry]:
        if folder.size > MAX_DIRECTORY:
            self._notes.add(f"{folder.name or 'the root'}: a directory of {folder.size} bytes; not read")
            return
        try:
            yield from self._tree.entries(folder)
        except (FormatError, MediumError) as problem:
            self._notes.add(f"{folder.name or 'the root'}: {problem}")


def _harm(name: str) -> str:
    """Find the reason why a name cannot be used, "" if it can."""
    reason = harm_of(name)
    if reason or (len(FileId.tolerant(name).components) == 1 and name.strip(" ") == name):
        return reason
    return "a name that can do harm"
