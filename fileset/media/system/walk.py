"""Find and read files of the operating system: the sources of a Creator."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Final, NamedTuple, Self

from fileset.errors import MediumError
from fileset.media.base import FileInfo
from fileset.media.system.calls import system
from fileset.media.system.files import (
    blocks_of,
    closing_descriptor,
    named,
    not_found,
    open_plain,
    open_status,
    path_of,
    real_path,
    upwards,
)
from fileset.media.system.hashing import COPY_SIZE


class SourceFile(NamedTuple):
    """A source file: its `path`, and `relative`, its path below the source that the user named, with "/".

    `linked` is true for a symbolic link, `regular` for a file that is neither a link nor a pipe, socket or device.
    """

    path: str
    relative: str
    linked: bool
    regular: bool = True


_PART_SUFFIX: Final = ".part"
is_part: Final = re.compile(r"\.[0-9a-f]{16}\.part").fullmatch
"""Whether a name is the name of an unfinished file of an extraction."""

WORK: Final = "FILESET_"
"""The name of the work folder of a writer."""
LOCK, LOCK_OLD, JOURNAL, SEAL = "LOCK", "LOCK_OLD", "JOURNAL", "SEAL"
MARKS: Final = frozenset((LOCK, LOCK_OLD, JOURNAL, SEAL))
"""Files of a work folder, of which an interrupted writer leaves at least one. Without them, a folder of its name is another's."""

_SYSTEM_FOLDERS: Final = frozenset(
    (
        "lost+found",
        "System Volume Information",
        "$RECYCLE.BIN",
        ".DocumentRevisions-V100",
        ".Spotlight-V100",
        ".TemporaryItems",
        ".Trashes",
        ".fseventsd",
    )
)
"""Folders of the operating system, which users may often not list and which never hold DICOM files."""


def walk(
    source: str | os.PathLike[str],
    *,
    skip: frozenset[str] = frozenset(),
    unlistable: Callable[[str, str], None] | None = None,
) -> Iterator[SourceFile]:
    """List the file `source`, or all files below the folder `source`, sorted by path, without the relative paths in `skip`.

    `unlistable` is called with the relative path of each folder that cannot be listed, and the reason. Raises `MediumError`
    if `source` does not exist or cannot be listed; without `unlistable`, also for every other such folder. Links to folders
    are not followed, because they may form circles; those to a folder below `source` are left out, and so are unfinished
    files of an extraction and the work folders of writers.
    """
    path = path_of(source)
    try:
        folder = stat.S_ISDIR(os.stat(path).st_mode)
    except FileNotFoundError as problem:
        if not os.path.islink(path):  # a broken link is a source that cannot be read
            raise not_found(path) from problem
        folder = False
    except OSError as problem:
        if problem.errno == errno.EINVAL:  # Windows: no file can have this name
            raise not_found(path) from problem
        raise MediumError(f"{problem.strerror or problem}", path=path) from problem
    if folder:
        yield from _walk(path, skip, unlistable)
    else:
        yield SourceFile(path, os.path.basename(path), os.path.islink(path))


def _walk(folder: str, skip: frozenset[str], unlistable: Callable[[str, str], None] | None) -> Iterator[SourceFile]:
    # A stack instead of recursion; entries of a folder sorted, files and folders together.
    stack: list[Iterator[os.DirEntry[str]]] = [iter(_listed(folder))]
    prefixes = [""]
    while stack:
        for entry in stack[-1]:
            relative = prefixes[-1] + entry.name
            if relative in skip or (relative.endswith(_PART_SUFFIX) and is_part(entry.name)):
                continue
            if entry.is_dir(follow_symlinks=False) and not system.is_link(entry):
                if entry.name == WORK and is_work_folder(entry.path):
                    continue
                try:
                    stack.append(iter(_listed(entry.path)))
                except MediumError as problem:
                    if entry.name in _SYSTEM_FOLDERS:
                        continue
                    if unlistable is None:
                        raise
                    unlistable(relative, f"the folder cannot be listed: {problem.reason}")
                    continue
                prefixes.append(relative + "/")
                break
            linked = system.is_link(entry)
            if linked and os.path.isdir(entry.path) and not leads_out(entry.path, folder):
                continue  # its files are listed in their own place
            yield SourceFile(entry.path, relative, linked, entry.is_file(follow_symlinks=False))
        else:
            stack.pop()
            prefixes.pop()


def is_work_folder(folder: str) -> bool:
    """Test whether a folder named `WORK` is the work folder of a running or interrupted writer."""
    return any(os.path.lexists(os.path.join(folder, mark)) for mark in MARKS)


def entries_of(folder: str) -> list[os.DirEntry[str]]:
    """List the entries of a folder, sorted by name. Raises `OSError`.

    The empty root of a drive, such as a new stick, has no entries at all on Windows, which reports that as a missing file.
    """
    try:
        with os.scandir(system.listed_path(folder)) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        if not os.path.isdir(folder):
            raise
        return []


def _listed(folder: str) -> list[os.DirEntry[str]]:
    with named(folder):
        return entries_of(folder)


def place_below(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> str | None:
    """Make `path` relative to `folder`, with "/" between components, "" for the folder itself; None if it is elsewhere.

    Symbolic links are followed first, because the files matter, not their names: a file system may take one name for several
    spellings, in upper and lower case, or with accents as characters of their own (NFD, as macOS writes them).
    """
    inner, outer = real_path(path_of(path)), real_path(path_of(folder))
    above = next((place for place in upwards(inner) if place == outer or _is_same(place, outer)), None)
    return None if above is None else inner[len(above) :].lstrip(os.sep).replace(os.sep, "/")


def _is_same(path: str, other: str) -> bool:
    """Test whether two paths lead to the same file or folder. Some network drives have no numbers to compare."""
    try:
        one, two = os.stat(path), os.stat(other)
    except OSError:
        return False
    return one.st_ino != 0 and os.path.samestat(one, two)


def leads_out(path: str, folder: str) -> bool:
    """Test whether the file at `path` is really outside `folder`, symbolic links followed."""
    return place_below(path, folder) is None


class OpenFile:
    """Random access to a regular file of `size` bytes: call it with position and length.

    Raises `OSError` for any other kind of file; unless `follow`, also for a symbolic link: see `is_link_fault`.
    """

    __slots__ = ("_descriptor", "size")

    def __init__(self, path: str, *, follow: bool = True) -> None:
        self._descriptor, status = open_status(path, follow=follow)
        self.size = status.st_size

    def __call__(self, at: int, size: int) -> bytes:
        """Read up to `size` bytes from position `at`; fewer only at the end of the file."""
        return system.read_at(self._descriptor, size, at)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def is_link_fault(problem: OSError) -> bool:
    """Test whether `OpenFile` failed because there is a symbolic link."""
    return problem.errno in (errno.ELOOP, errno.EMLINK)


def random_access(file: BinaryIO) -> tuple[Callable[[int, int], bytes], int]:
    """Return random access to an open file, as of `OpenFile`, and its size in bytes."""
    size = file.seek(0, os.SEEK_END)

    def read(at: int, length: int) -> bytes:
        file.seek(at)
        return file.read(length)

    return read, size


def open_regular(path: str) -> BinaryIO:
    """Open a regular file for reading. Raises `OSError` for anything else."""
    return os.fdopen(open_plain(path), "rb")


def same_contents(one: str, other: str) -> bool:
    """Test whether two files hold the same bytes. Raises `MediumError` if one cannot be read."""
    with named(one), open_regular(one) as first, open_regular(other) as second:
        if os.fstat(first.fileno()).st_size != os.fstat(second.fileno()).st_size:
            return False
        return same_bytes(first, second)


def same_bytes(first: BinaryIO, second: BinaryIO) -> bool:
    """Test whether two open files give the same bytes from here on."""
    while data := first.read(COPY_SIZE):
        if data != second.read(len(data)):
            return False
    return not second.read(1)


Stamp = tuple[int, int]
"""Size of a file in bytes and modification time in nanoseconds; a difference shows a later change."""

NO_STAMP: Final[Stamp] = (-1, -1)


def stamp_of(path: str) -> Stamp:
    """Read the current stamp of a file, `NO_STAMP` if it is unavailable."""
    try:
        found = os.stat(system.listed_path(path))
    except OSError:
        return NO_STAMP
    return _stamp(found)


def _stamp(found: os.stat_result) -> Stamp:
    """Make a stamp of two 64-bit numbers: times before 1678 or after 2262 do not fit in nanoseconds."""
    return found.st_size, found.st_mtime_ns & _LARGEST


_LARGEST: Final = (1 << 63) - 1


def contents(path: str, stamp: Stamp = NO_STAMP) -> Iterator[bytes]:
    """Read a file in chunks.

    Raises `MediumError` if the file cannot be read, has changed since the `stamp`, or changes during reading.
    """
    with named(path):
        opened, before = open_status(path)
        with closing_descriptor(opened) as descriptor:
            if stamp not in (NO_STAMP, _stamp(before)):
                raise MediumError("has changed since its header was read", path=path)
            yield from blocks_of(descriptor)
            after = os.fstat(descriptor)
    if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
        raise MediumError("changed while it was being copied", path=path)


def inquire(path: str) -> FileInfo:
    """Look up size and date of a file. Raises `MediumError` if they are unknown."""
    return _info(_status(path))


def inquire_regular(path: str) -> FileInfo:
    """Look up size and date as `inquire`. Raises `MediumError` also for a folder or a special file."""
    found = _status(path)
    if not stat.S_ISREG(found.st_mode):
        raise MediumError("a folder or a special file, not a file", path=path)
    return _info(found)


def _status(path: str) -> os.stat_result:
    with named(path):
        return os.stat(system.listed_path(path))


def _info(found: os.stat_result) -> FileInfo:
    mode = stat.S_IMODE(found.st_mode)
    try:
        return FileInfo(found.st_size, datetime.fromtimestamp(found.st_mtime, UTC), mode)
    except (ValueError, OverflowError, OSError):  # a year out of range
        return FileInfo(found.st_size, None, mode)
