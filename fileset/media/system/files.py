"""Services of the operating system for every medium: errors with paths, synced files, a lock for one writer, a clock."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import BinaryIO, Final

from fileset.errors import MediumError, NotFoundError, RuleError
from fileset.media.base import Chunks
from fileset.media.system.calls import system
from fileset.media.system.hashing import COPY_SIZE, Hashed, digest_of

STANDARD_OUTPUT: Final = "-"
"""The path that means standard output, which receives a ZIP archive."""


def path_of(path: str | os.PathLike[str]) -> str:
    """Convert a path from the user to text. Raises `RuleError` if no file system can have it, `TypeError` for bytes."""
    name: object = os.fspath(path)
    if not isinstance(name, str):
        raise TypeError(f"a path is text or a pathlib.Path, not {type(name).__name__}: use os.fsdecode")
    try:
        if "\0" not in name and os.fsencode(name):
            return name if "://" in name else system.long_path(name)
    except UnicodeEncodeError:
        pass
    raise RuleError(
        f"{name!r} is not a path: it is empty, or holds NUL or another character that file names cannot have"
    )


def ending_in_name(path: str) -> str:
    """Return a path without separators at its end, absolute if it ends in "." or ".."; only the root of a drive has no name."""
    plain = path.rstrip(os.sep + (os.altsep or ""))
    return os.path.abspath(path) if os.path.basename(plain) in ("", os.curdir, os.pardir) else plain


def upwards(path: str) -> Iterator[str]:
    """List a path and the folders above it, up to the root, which on Windows may be that of a drive without a disc."""
    yield path
    above = os.path.dirname(path)
    while above and above != path:
        yield above
        path, above = above, os.path.dirname(above)


def real_path(path: str) -> str:
    """Resolve the symbolic links in a path. Raises `MediumError`: Windows asks the file system, which may fail."""
    with named(path):
        return os.path.realpath(path)


def not_found(path: str) -> NotFoundError:
    """Choose the error for a path at which there is nothing."""
    drive = os.path.splitdrive(path)[0]
    if drive and not os.path.isdir(drive + os.sep):
        if drive.startswith(("\\\\", "//")):
            return NotFoundError("there is no such network folder, or it cannot be reached", path=path)
        return NotFoundError("there is no such drive, or no disc in it", path=path)
    return NotFoundError("no such file or folder", path=path)


@contextmanager
def named(path: str) -> Iterator[None]:
    """Raise `MediumError`, with the path, for every failure of the operating system."""
    try:
        yield
    except OSError as problem:
        raise MediumError(f"{problem.strerror or problem}", path=problem.filename or path) from problem


@contextmanager
def blamed_on(path: str, advice: str = "") -> Iterator[None]:
    """Raise `MediumError` about `path` for an `OSError` about a temporary file, which users do not know.

    `advice` ends the message.
    """
    try:
        yield
    except OSError as problem:
        raise MediumError(f"{problem.strerror or problem}{advice}", path=path) from problem


# ---------------------------------------------------------------- bytes and names that are on disk


@contextmanager
def closing_descriptor(descriptor: int) -> Iterator[int]:
    """Yield the descriptor of an open file, and close it in the end."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_file(path: str, chunks: Chunks, *, sync: bool = True, mode: int = 0o666) -> tuple[int, str]:
    """Write a new file; return its size in bytes and its XXH3-128 hash.

    With `sync`, wait until the bytes are on the medium. Otherwise the system has begun to write them, and
    `sync_file` or the system's `sync_volume` waits for them.
    """
    hashed = Hashed(chunks)
    with closing_descriptor(system.create(path, mode)) as descriptor:
        for chunk in hashed:
            _write_all(descriptor, chunk)
        if sync:
            system.sync_file(descriptor)
        else:
            system.start_write_back(descriptor)  # the disk writes while the next file is read
    return hashed.size, hashed.digest


def append_file(path: str, data: bytes) -> None:
    """Add bytes to a file, and wait until they are on the medium.

    The old bytes are written once more before them, since some drivers for FAT refuse a write that starts within a
    cluster.
    """
    with closing_descriptor(system.open_descriptor(path, os.O_RDWR, follow=False)) as descriptor:
        old = os.read(descriptor, os.fstat(descriptor).st_size)
        os.lseek(descriptor, 0, os.SEEK_SET)
        _write_all(descriptor, old + data)
        system.sync_file(descriptor)


def sync_file(path: str) -> None:
    """Wait until the bytes of a file are on the medium."""
    with closing_descriptor(system.open_descriptor(path, os.O_WRONLY, follow=False)) as descriptor:
        system.sync_file(descriptor)


def _write_all(descriptor: int, data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def set_mode(path: str, mode: int) -> None:
    """Set the permissions of a file, if the file system has them. FAT has none, and its drivers refuse in several ways."""
    try:
        os.chmod(path, mode)
    except OSError as problem:
        if problem.errno not in _NO_PERMISSIONS:
            raise


_NO_PERMISSIONS: Final = frozenset((errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM))


def restricted(mode: int, source: int | None) -> int:
    """Compute permissions for a copy: `mode` without the permissions that the source denies to other users."""
    return mode if source is None else mode & (source | 0o600)


def give_name(temporary: str, final: str) -> None:
    """Give a file its final name. Raises `FileExistsError` if the name is taken."""
    try:
        os.link(temporary, final)  # unlike a rename, never over another file
    except FileExistsError:
        raise
    except OSError:  # a file system on which a file has one name only
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), final) from None
        system.patiently(partial(os.rename, temporary, final), temporary)
    else:
        remove_file(temporary)


def missing_folders(path: str) -> list[str]:
    """Find the missing folders among `path` and the folders above it, the topmost first.

    Raises `MediumError` if one of them exists and is not a folder.
    """
    missing: list[str] = []
    for folder in upwards(os.path.abspath(path)):
        if os.path.isdir(folder):
            break
        missing.insert(0, folder)
    else:
        raise not_found(path)
    if missing and os.path.lexists(missing[0]):
        raise MediumError("exists and is not a folder", path=missing[0])
    return missing


def make_folders(path: str, made: list[str]) -> None:
    """Make the folder `path` and the folders above it, if they do not exist; note them in `made`."""
    with named(path):
        for folder in missing_folders(path):
            made.append(folder)  # noted before the folder exists, so that an interruption right after still undoes it
            try:
                os.mkdir(folder)
            except FileExistsError:
                made.pop()
                if not os.path.isdir(folder):
                    raise MediumError("exists and is not a folder", path=folder) from None
            sync_directory(os.path.dirname(folder))


def check_writable(folder: str, name: str) -> None:
    """Raise `MediumError` if this user may not make `folder` or write below it, as far as permissions show.

    An error names `name`, or the first folder that cannot be made.
    """
    missing = missing_folders(folder)
    if not os.access(os.path.dirname(missing[0]) if missing else folder, os.W_OK | os.X_OK):
        raise MediumError(f"{os.strerror(errno.EACCES)}", path=missing[0] if missing else name)


def unmake_folders(made: list[str]) -> None:
    """Remove the folders that `make_folders` noted, if they are empty."""
    for folder in reversed(made):
        with suppress(OSError):
            os.rmdir(folder)


def remove_file(path: str) -> None:
    """Remove a file, also one that is read-only. Raises `OSError`."""
    _even_read_only(os.unlink, path)


def _even_read_only(remove: Callable[[str], None], path: str) -> None:
    path = system.listed_path(path)
    try:
        system.patiently(partial(remove, path), path)
    except PermissionError:
        if not system.clear_read_only(path):
            raise
        remove(path)


def remove_folder(path: str) -> bool:
    """Remove a folder if it is empty; return whether it was removed."""
    try:
        _even_read_only(os.rmdir, path)
    except FileNotFoundError:
        pass
    except OSError:
        if not os.listdir(path):
            raise
        return False  # systems report it differently
    return True


def sync_directory(path: str) -> None:
    """Wait until the names in a folder are on disk. Raises `MediumError`."""
    with named(path):
        system.sync_directory(path)


def read_back(path: str) -> tuple[bytes, str]:
    """Read a synced file, from the medium itself if the system can drop its cached copy; also return its hash."""
    with closing_descriptor(open_plain(path)) as descriptor:
        system.forget_cached(descriptor)
        with open(descriptor, "rb", buffering=0, closefd=False) as file:  # read in one piece, in memory of that size
            whole = file.read()
    return whole, digest_of([whole])


def open_plain(path: str) -> int:
    """Open a regular file for reading, as a descriptor.

    Raises `OSError` for a folder, and for a pipe or device, because reading it may never end.
    """
    return open_status(path)[0]


def open_status(path: str, *, follow: bool = True) -> tuple[int, os.stat_result]:
    """Open a file as `open_plain` does, and return its status too; unless `follow`, refuse a symbolic link."""
    descriptor = system.open_descriptor(path, os.O_RDONLY, follow=follow)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return descriptor, status


def is_pipe(path: str) -> bool:
    """Test whether there is a named pipe at `path`; opening it would wait for a writer."""
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


def blocks(path: str) -> Generator[bytes]:
    """Read a file in chunks."""
    with closing_descriptor(open_plain(path)) as descriptor:
        yield from blocks_of(descriptor)


def blocks_of(descriptor: int) -> Iterator[bytes]:
    """Read the rest of an open file in chunks.

    Each chunk is a new object, so that it may be kept. Reading into one buffer is not faster, and four times slower if malloc
    places it 16 bytes after the beginning of a page, as some processors then copy byte by byte.
    """
    while data := os.read(descriptor, COPY_SIZE):
        yield data


# ---------------------------------------------------------------- one writer at a time


def open_locked(path: str) -> BinaryIO:
    """Open the file at `path`, made if necessary, and locked inside the context.

    Raises `MediumError` if another process has locked it, `FileNotFoundError` if its folder does not exist.
    """
    for _ in range(_TURNS):
        file, made = _open_or_make(path)
        try:
            _lock(file, path, made=made)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                    return file
        except BaseException:
            file.close()
            raise
        file.close()  # the other writer has just finished, and removed it
    raise MediumError(
        "cannot be locked: the number of the file is another one each time",
        advice="Write to another drive: this one cannot keep a second writer out",
        path=path,
    )


_TURNS: Final = 1000
"""How often a lock is tried that other writers have just removed. Some network drives give a file no lasting number."""


def _open_or_make(path: str) -> tuple[BinaryIO, bool]:
    while True:
        with suppress(FileExistsError):
            return os.fdopen(system.create(path, 0o600), "r+b"), True
        with suppress(FileNotFoundError):
            return os.fdopen(system.open_descriptor(path, os.O_RDWR, follow=False), "r+b"), False


def _lock(file: BinaryIO, path: str, *, made: bool) -> None:
    """Lock an open file, or raise `MediumError`. The lock ends with the process, so it is never stale.

    On a system without such locks, the process that made the file owns it; after a crash the user must remove it.
    """
    try:
        system.lock(file.fileno())
    except BlockingIOError:
        raise MediumError("another writer is at work", advice="Wait until it has finished", path=path) from None
    except OSError:
        if not made:
            raise MediumError(
                "another writer is at work, or was stopped", advice="If none is at work, remove this file", path=path
            ) from None


def uninterrupted(action: Callable[[], None]) -> None:
    """Retry an idempotent action until it is done; re-raise Ctrl-C afterwards."""
    interruption = None
    while True:
        try:
            action()
            break
        except KeyboardInterrupt as again:
            interruption = again
    if interruption:
        raise interruption


def creation_time() -> datetime:
    """Choose the date and time of a new image: now, or SOURCE_DATE_EPOCH, so that the same files make the same image.

    Raises `RuleError` if SOURCE_DATE_EPOCH is not a number of seconds since 1970.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        return datetime.fromtimestamp(int(given), UTC) if given else datetime.now(UTC)
    except (ValueError, OverflowError, OSError) as problem:
        raise RuleError(f"SOURCE_DATE_EPOCH is {given!r}, not a number of seconds since 1970") from problem
