"""The calls that differ between operating systems, as one interface. Each system implements it in a module of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from attrs import frozen


@frozen
class VolumeFacts:
    """One mounted volume: sizes in bytes, None where unknown.

    `kind` is the type of the file system as this operating system calls it, `root` the folder or drive where the volume
    is mounted, `block` the size of a cluster, `clusters` their number, `free_files` how many more files it takes.
    """

    kind: str
    root: str
    free: int
    capacity: int
    block: int
    clusters: int
    free_files: int | None = None
    read_only: bool = False
    removable: bool = False


@frozen
class Drive:
    """A mounted medium that can be taken out.

    `root` is the folder where it is mounted, `device` the drive as the system calls it, `kind` the type of the file system
    as the system calls it; `optical` is a disc.
    """

    root: str
    device: str
    kind: str
    optical: bool


class SystemCalls(Protocol):
    """One operating system. Every call raises `OSError` when the system fails."""

    MOVES_OPEN_FILES: bool
    """Whether an open file can be renamed, replaced and removed."""

    HAS_SYNC_VOLUME: bool
    """Whether `sync_volume` waits for the files that `start_write_back` began; where it does not, each must be synced."""

    WORK_FOLDER_MODE: int
    """Permissions of a folder for unfinished files. Its files keep the permissions that they inherit, also if they move."""

    def open_descriptor(self, path: str, flags: int, *, follow: bool = True) -> int:
        """Open a file in binary mode without waiting, as for a pipe. Unless `follow`, raise `OSError` for a link."""

    def create(self, path: str, mode: int) -> int:
        """Create a file for reading and writing, with permissions; raise `FileExistsError` if the name is taken."""

    def is_link(self, entry: os.DirEntry[str]) -> bool:
        """Test whether an entry of a folder is a symbolic link, or anything else that leads elsewhere."""

    def long_path(self, path: str) -> str:
        """Convert the path to a form without a limit of length."""

    def listed_path(self, path: str) -> str:
        """Convert the path of a listed file to a form under which it can be opened, whatever its name."""

    def read_at(self, descriptor: int, size: int, at: int) -> bytes:
        """Read up to `size` bytes from position `at`; fewer only at the end of the file."""

    def read_into(self, descriptor: int, view: memoryview, at: int) -> int:
        """Fill a buffer from position `at`; return how many bytes came, 0 at the end of the file."""

    def lock(self, descriptor: int) -> None:
        """Lock a file until it is closed. Raise `BlockingIOError` if another process has it, `OSError` without locks."""

    def replace(self, source: str, target: str) -> None:
        """Rename a file over another one, also over one that is read-only."""

    def patiently(self, action: Callable[[], None], path: str) -> None:
        """Carry out `action`, which renames or removes the file at `path`; wait while another program has it open."""

    def clear_read_only(self, path: str) -> bool:
        """Take the attribute from a file or folder that forbids to remove it; return False if it has none."""

    def start_write_back(self, descriptor: int) -> None:
        """Let the system begin to write the file to the disk, without waiting. Systems may ignore it."""

    def forget_cached(self, descriptor: int) -> None:
        """Let the system drop the file from memory, so that a read comes from the disk. Systems may ignore it."""

    def sync_file(self, descriptor: int) -> None:
        """Wait until the bytes of a file, open for writing, would survive a loss of power."""

    def sync_directory(self, path: str) -> None:
        """Wait until the names in a folder would survive a loss of power, if the system can guarantee that."""

    def sync_volume(self, descriptor: int) -> None:
        """Wait until everything that was written to the volume of an open file would survive a loss of power.

        The file must have been opened before the writes: some systems report the errors of later writes only.
        """

    def volume(self, path: str) -> VolumeFacts:
        """Look up the volume of an existing folder."""

    def drives(self) -> list[Drive]:
        """List the mounted media that can be taken out."""

    def size(self, descriptor: int) -> int:
        """Measure an open file, or the disc in a drive, in bytes."""

    def processors(self) -> int:
        """Count the processes that can run at the same time."""
