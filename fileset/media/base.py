"""The five Media Storage Services of PS3.10 8.3 as protocols, one for each role (Table 8.3-1).

A medium knows names and bytes, but not DICOM. A `Transaction` writes, in the steps of the commit protocol. Each medium
makes the steps safe in its own way: a folder by fsync and rename, ISO 9660 and ZIP by a whole new image beside the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import BinaryIO, Literal, Protocol

from attrs import evolve, frozen

from fileset.errors import FormatError, MediumError
from fileset.file_id import DICOMDIR, FileId

Chunks = Iterable[bytes | bytearray]
Counter = Callable[[int, int], None]
"""Called with the number of finished files, and of all files."""


def uncounted(done: int, total: int) -> None:
    """Ignore a count."""


@frozen
class FileInfo:
    """M-INQUIRE FILE: size in bytes, date and time of creation or last update, permissions; None if unknown."""

    size: int
    modified: datetime | None
    mode: int | None = None

    def not_after(self, latest: datetime) -> FileInfo:
        """Return the same facts with a date not after `latest`, as SOURCE_DATE_EPOCH demands."""
        return evolve(self, modified=min(self.modified, latest) if self.modified else None)


@frozen
class FileSetInfo:
    """M-INQUIRE FILE-SET: bytes free for new files and capacity of the medium; None if unknown.

    `format` names the file system or image format; `largest_file` is its limit in bytes for one file. Files and folders
    take whole blocks (clusters, sectors) of `block` bytes. A change needs `reserve` bytes more until it is complete. There is
    room for `free_files` more files and folders.

    For an image, `free` and `capacity` describe the medium that holds it, `used` is the size of the image, and `disc` the
    smallest disc that can hold it, with `disc_capacity` in bytes. `largest_image` is the limit of its file system in bytes.

    `removable`: whether the medium can be taken out. `caveat`: the reason why PS3.12 does not allow such a medium, "" if it
    does. `overhead`: bytes that each file takes besides its content, for encryption. `file_systems`: the file systems of the
    medium itself, such as "FAT32" or "UDF 1.02"; () for a folder whose files the user will copy to a medium.
    `footprint`: the room that a new image needs; None if each file takes blocks of its own.
    """

    free: int | None
    capacity: int | None
    format: str = ""
    read_only: bool = False
    largest_file: int | None = None
    largest_image: int | None = None
    block: int = 4096
    reserve: int = 0
    free_files: int | None = None
    used: int | None = None
    disc: str = ""
    disc_capacity: int | None = None
    removable: bool = False
    caveat: str = ""
    overhead: int = 0
    file_systems: tuple[str, ...] = ()
    footprint: Footprint | None = None


@frozen
class Written:
    """A written file: its File ID, size in bytes, and SHA-256 in hexadecimal if requested, else ""."""

    file_id: FileId
    size: int
    sha256: str = ""


@frozen
class Footprint:
    """The largest number of bytes that a kind of medium needs.

    `fixed` for itself, `folder` for each folder, and for each file `entry` plus its size, which grows by `growth` bytes for
    each 1,000. Sizes are rounded up to multiples of `unit` (sectors, clusters).
    """

    fixed: int
    folder: int
    entry: int
    unit: int = 1
    growth: int = 0

    def total(self, sizes: Iterable[int], folders: int) -> int:
        """Sum up the bytes that files of these sizes need in this number of folders."""
        return self.fixed + folders * self.folder + sum(map(self.of, sizes))

    def of(self, size: int) -> int:
        """Compute the largest number of bytes that a file of `size` bytes needs."""
        grown = max(size + size * self.growth // 1000, 1)  # an empty file takes a unit too
        return self.entry + -(-grown // self.unit) * self.unit


class LinkError(FormatError):
    """A symbolic link leads out of the medium; it is not followed."""


@frozen
class RefusedName:
    """A file on the medium that cannot be opened safely: its name there, and the reason."""

    name: str
    reason: str


class Medium(Protocol):
    """The answers that readers and writers both need."""

    @property
    def name(self) -> str:
        """The medium as the user named it."""

    def inquire_file_set(self) -> FileSetInfo:
        """Look up free space, capacity and format of the medium (M-INQUIRE FILE-SET)."""


class ReadableMedium(Medium, Protocol):
    """A medium as a File-set Reader needs it: M-READ and M-INQUIRE FILE.

    The defaults are those of a sound medium without paths in the operating system, which a writer replaces as a whole.
    """

    folder: str = ""
    """The folder of the operating system that holds the files, "" for an image or archive."""

    @property
    def form(self) -> str:
        """The form of the medium for application profiles (PS3.12): "folder", "iso", "iso+udf", "udf" or "zip"."""
        return "folder"

    def path(self, file_id: FileId) -> str:  # noqa: ARG002  # without `folder` all files have the same answer
        """Return the path of a file in the operating system, "" on a medium without `folder`. Raises as `open`."""
        return ""

    def position(self, file_id: FileId) -> int:  # noqa: ARG002  # an unknown position is the same for all files
        """Find the offset of a file on the medium in bytes, 0 if unknown. Reading in this order avoids seeks."""
        return 0

    def open(self, file_id: FileId) -> BinaryIO:
        """Open a file for reading (M-READ).

        Raises `MediumError` if it is absent or unreadable, `LinkError` for a link that leads out of the medium, and
        `FormatError` if the medium describes it in an impossible way.
        """

    def inquire_file(self, file_id: FileId) -> FileInfo:
        """Look up size and date of a file (M-INQUIRE FILE). Raises `MediumError` if it is absent."""

    def names(self) -> Iterator[str]:
        """List the paths of all files on the medium, "/" between components, in sorted order, whatever their names."""

    def refused(self) -> Sequence[RefusedName]:
        """List the files found so far that `names` leaves out because they cannot be opened safely."""
        return ()

    def leftovers(self) -> list[str]:
        """List the paths of temporary files that a running or interrupted change left on the medium."""
        return []

    def is_busy(self) -> bool:
        """Check whether a writer is changing the file-set at this moment."""
        return False

    def announced(self) -> frozenset[str]:
        """List the names that a running or interrupted change was adding or removing, by its journal."""
        return frozenset()

    def damage(self) -> Sequence[str]:
        """List the faults of the medium itself found so far, such as an image that was cut off."""
        return ()

    def close(self) -> None:
        """Close all open files."""


def in_reading_order(medium: ReadableMedium, names: Iterable[str]) -> list[str]:
    """Sort names of files by their position on the medium, so that a drive reads forward.

    Where the positions are unknown, the order stays.
    """
    return list(names) if medium.folder else sorted(names, key=lambda name: medium.position(FileId.tolerant(name)))


def holds(medium: ReadableMedium, file_id: FileId) -> bool:
    """Test whether a medium has a file, complete or not."""
    try:
        medium.inquire_file(file_id)
    except MediumError:
        return False
    except FormatError:  # a part of it is missing: reading it will fail
        return True
    return True


class Transaction(AbstractContextManager["Transaction"], Protocol):
    """One change of a medium. It takes effect when `publish` returns, not before."""

    @property
    def done(self) -> bool:
        """Whether the new DICOMDIR is in place, however the change ended."""

    def leftovers(self) -> list[FileId]:
        """List the files that an earlier, interrupted change may have left; by default it left none."""
        return []

    def announce(self, added: Iterable[FileId], removed: Iterable[FileId]) -> None:
        """Receive the names that this change adds and removes; called first."""

    def write(self, file_id: FileId, chunks: Chunks, info: FileInfo | None = None) -> Written:
        """Write a new file (M-WRITE), never over an existing one.

        `info` has the known facts: the size, which some formats store before the file, and a date that images keep.
        """

    def settle(self) -> None:
        """Wait until everything written would survive a power failure; by default `publish` does that."""
        return

    def publish(self, dicomdir: Chunks, verify: Callable[[bytes], None], count: Counter = uncounted) -> Written:
        """Put the new DICOMDIR in place, after `verify` accepted its bytes as read back.

        Media that read all files back call `count` with the number of files read back, and of all.
        """

    def delete(self, file_id: FileId) -> None:  # noqa: ARG002  # `publish` did it
        """Delete a file (M-DELETE), only after `publish`; by default that has written a whole medium without it."""
        return


class WritableMedium(Medium, Protocol):
    """A medium as a File-set Creator needs it: M-WRITE and M-INQUIRE FILE-SET."""

    def exists(self) -> bool:
        """Check whether anything exists at the path of the medium."""

    def has_dicomdir(self) -> bool:
        """Check whether there is a DICOMDIR already."""

    def occupied(self) -> bool:
        """Decide whether a new file-set would replace something: the DICOMDIR, on some media a whole image file."""
        return self.has_dicomdir()

    def interrupted(self) -> bool:
        """Check whether a writer is active, or was interrupted and left files."""
        return False

    def hide(self, file_ids: Iterable[FileId]) -> None:  # noqa: ARG002  # by default there are none
        """Answer from now on as if these files, which an interrupted change left, were deleted; for a dry run."""
        return

    def check_writable(self) -> None:
        """Raise `MediumError` if this user may not write to the medium; change nothing."""

    def transaction(self) -> Transaction:
        """Begin a change; leaving the context without `publish` undoes it."""

    def flush(self) -> None:
        """Wait after a change until the medium can be removed safely."""
        return


class UpdatableMedium(ReadableMedium, WritableMedium, Protocol):
    """A medium as a File-set Updater needs it: all five services."""

    def has_dicomdir(self) -> bool:
        """Check whether there is a DICOMDIR already."""
        return holds(self, DICOMDIR)

    def actual(self, file_id: FileId) -> FileId | None:
        """Find the actual name of a file on the medium, None if it is absent. Raises as `open`."""

    def occupation(self, value: str) -> str:
        """Return "folder" if a folder has exactly this File ID value, "" if nothing has it, else "file"."""

    def not_sources(self) -> frozenset[str]:
        """List the names at the root that are never sources: the DICOMDIR."""
        return frozenset((DICOMDIR.value,))

    def lasting_damage(self) -> Sequence[str]:
        """Select the part of `damage` that the next change does not repair: by default all of it."""
        return self.damage()

    def not_carried_over(self) -> Sequence[str]:
        """List the features other than files that the next change would lose, such as the boot record of an image."""
        return ()

    def entitle(self, label: str) -> None:  # noqa: ARG002  # by default it has none
        """Give the medium a new name with the next change, if its format has a name (PS3.12 F.1.1)."""
        return


class Builder(Protocol):
    """Writes one image (PS3.12 F, P, V) into an empty file; raises `RuleError` for files that it cannot hold."""

    def announce(self, names: Sequence[FileId]) -> None:
        """Receive all files that will follow, in order; called once, first."""

    def add(self, file_id: FileId, chunks: Chunks, info: FileInfo | None = None) -> None:
        """Write one of the announced files, with the facts `info`; a file without a date gets the date of the image.

        Each chunk is written before the next is asked for.
        """

    def finish(self) -> None:
        """Write the rest of the image after the last file."""


MediumFormat = Literal["folder", "iso", "zip"]


class Format(Protocol):
    """A kind of medium, with its options as attributes: how a path of that kind is recognised, read, made and changed."""

    @property
    def name(self) -> str:
        """The name for users: "folder", "iso", "zip"."""

    @property
    def form(self) -> str:
        """The `form` of media written in this format."""

    @property
    def suffix(self) -> str:
        """The end of a path, in lower case, that asks for this kind; "" for none."""

    @property
    def footprint(self) -> Footprint:
        """The room that a file-set needs on a medium of this kind."""

    def recognises(self, path: str) -> bool:
        """Test whether the file at `path`, if there is one, is of this kind by its content."""

    def readable(self, path: str) -> ReadableMedium:
        """Open the medium at `path`. Raises `FormatError` if it is of another kind, `MediumError` if it cannot be read."""

    def writable(self, path: str, label: str) -> UpdatableMedium:
        """Return a medium for a new file-set, named `label` if the format has a name for the medium (PS3.12 F.1.1)."""

    def updatable(self, path: str) -> UpdatableMedium:
        """Open the medium at `path` and its files for a change."""
