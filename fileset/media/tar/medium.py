"""Tar archives, plain or compressed, and single compressed files, as media that are only read."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import BinaryIO, Final, NoReturn

from attrs import frozen

from fileset.errors import FormatError, MediumError, RuleError
from fileset.file_id import FileId, harm_of
from fileset.media.base import FileInfo, FileSetInfo, Footprint
from fileset.media.image.bytes import first_bytes
from fileset.media.image.opened import OpenImage
from fileset.media.names import enlist, form_of
from fileset.media.tar.packed import opener_for, unpacked

_HEAD: Final = 512
_LONGEST_NAME: Final = 1 << 16
_FAULTS: Final = (tarfile.TarError, EOFError, ValueError, RecursionError)
"""Errors of `tarfile` about damaged headers; a long chain of headers for names exceeds the limit of recursion."""
_OF_NAMES: Final = frozenset(
    (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
)
"""Types of headers for the name of the next member."""
_FOREIGN: Final = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"(\xb5/\xfd": "Zstandard",
}


@frozen
class Member:
    """A file in an archive: its name, its place and size in bytes, and its date."""

    name: str
    at: int
    size: int
    modified: datetime | None


class TarMedium(OpenImage):
    """A tar archive, or a single compressed file, that is open for reading.

    Links, devices and names that lead out of the archive are refused, as Python's data filter does.
    """

    def __init__(self, path: str) -> None:
        opener = opener_for(first_bytes(path, _HEAD))
        self._temporary, damage = ("", "") if opener is None else unpacked(path, opener)
        try:
            super().__init__(path, self._temporary)
            self._members = self._read(damage) if _is_tar(self._temporary or path) else self._single(damage)
        except BaseException:
            self._forget()
            raise
        if os.name == "posix":
            self._forget()  # the open descriptor keeps the contents
        self._listing: dict[str, Member] = {}
        for name in sorted(self._members):
            enlist(self._listing, name, self._members[name])

    def _single(self, damage: str) -> dict[str, Member]:
        """Return the file that is compressed, without the suffix of its name. Raises `FormatError` if it is damaged."""
        if damage:
            raise FormatError(damage, path=self._path)
        name = os.path.splitext(os.path.basename(self._path))[0] or "FILE"
        return {name: Member(name, 0, self._image.size, None)}

    def _read(self, damage: str) -> dict[str, Member]:
        members: dict[str, Member] = {}
        if damage:
            self._notes.add(damage)
        try:
            with tarfile.open(self._temporary or self._path, "r:") as archive:
                for info in archive:
                    self._add(info, members)
                end: int = archive.offset
            if self._image.size < end + 512 or any(self._image.read(end, 512)):
                # `tarfile` silently stops at an incomplete header.
                raise tarfile.ReadError("the end mark is missing")
        except _FAULTS as problem:
            reason = "too many headers for one name" if isinstance(problem, RecursionError) else problem
            files = "1 file" if len(members) == 1 else f"{len(members)} files"
            self._notes.add(f"the archive is damaged or cut off after {files}: {reason}")
            self._read_after_damage(members)
        except OSError as problem:
            raise MediumError(f"{problem.strerror or problem}", path=self._path) from problem
        return members

    def _read_after_damage(self, members: dict[str, Member]) -> None:
        """Add the members whose headers come after a damaged one."""
        known = frozenset(members)
        with suppress(OSError), _LimitedReads(self._temporary or self._path) as file:
            for info in _after_damage(file, self._image.size):
                if _plain(info.name) not in known:
                    self._add(info, members)

    def _add(self, info: tarfile.TarInfo, members: dict[str, Member]) -> None:
        if info.isdir():
            return
        name = _plain(info.name)
        try:
            name = _plain(tarfile.data_filter(info, os.path.abspath(os.sep)).name)
        except tarfile.FilterError as problem:
            self._notes.refuse(name, str(problem))
            return
        if reason := harm_of(name):
            self._notes.refuse(name, reason)
            return
        if not info.isfile() or info.issparse():
            self._notes.refuse(name, "a link or device, not a file")
            return
        if name in members:
            self._notes.add(f"{name}: several files have this name; the last one is used")
        modified = None
        with suppress(ValueError, OverflowError, OSError):  # an impossible date
            modified = datetime.fromtimestamp(info.mtime, UTC)
        members[name] = Member(name, info.offset_data, info.size, modified)

    def _member(self, file_id: FileId) -> Member:
        member = form_of(file_id.path, self._listing)
        if member is None:
            raise MediumError(f"not on the medium {self._path} (PS3.10 8.2)", path=file_id)
        return member

    def open(self, file_id: FileId) -> BinaryIO:
        """Open a file of the archive for reading (M-READ)."""
        member = self._member(file_id)
        try:
            return self._image.open([(member.at, member.size)], member.name)
        except FormatError as problem:
            raise FormatError(f"{problem}", path=file_id) from problem

    def position(self, file_id: FileId) -> int:
        """Find the offset of a file in the archive in bytes, 0 if there is no such file."""
        member = form_of(file_id.path, self._listing)
        return member.at if member else 0

    def inquire_file(self, file_id: FileId) -> FileInfo:
        """Look up size and date of a file (M-INQUIRE FILE)."""
        member = self._member(file_id)
        return FileInfo(member.size, member.modified)

    def inquire_file_set(self) -> FileSetInfo:
        """Measure the archive, and the volume that holds it."""
        return self._volume(format="tar", largest_file=None, used=os.path.getsize(self._path), read_only=True)

    def names(self) -> Iterator[str]:
        """List the paths of all files that can be read."""
        return iter(sorted(self._members, key=lambda path: path.split("/")))

    def close(self) -> None:
        """Release the archive, and remove the temporary file."""
        super().close()
        self._forget()

    def _forget(self) -> None:
        if self._temporary:
            with suppress(OSError):
                os.unlink(self._temporary)
            self._temporary = ""


def _plain(name: str) -> str:
    """Write the name of a member with "/" between its parts, and without the "./" that some programs put first."""
    return name.replace("\\", "/").removeprefix("./")


class _LimitedReads(io.FileIO):
    """An archive from which one read gets a limited number of bytes: a damaged header may claim a name of any length."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read some bytes, at most `_LONGEST_NAME`."""
        wanted = _LONGEST_NAME if size is None or size < 0 else min(size, _LONGEST_NAME)
        return super().read(wanted) or b""


def _after_damage(file: _LimitedReads, size: int) -> Iterator[tarfile.TarInfo]:
    """Find all members whose headers are whole, also after damage. Blocks and names are tried once, so the time is linear."""
    at, is_tried = 0, False
    while at < size:
        file.seek(at)
        start, at = at, at + _HEAD
        with suppress(*_FAULTS):
            kind = tarfile.TarInfo.frombuf(file.read(_HEAD), tarfile.ENCODING, "surrogateescape").type
            if is_tried and kind in _OF_NAMES:
                continue
            is_tried = kind in _OF_NAMES
            file.seek(start)
            with tarfile.open(fileobj=file, mode="r:") as rest:
                is_tried = False
                for info in rest:
                    at = max(at, rest.offset if rest.offset <= size else info.offset_data)
                    yield info


@frozen
class Tar:
    """The format of tar archives and compressed files, which are read, never written.

    It also recognises archives that are not read: the error names the way to unpack them.
    """

    name = "tar"
    form = "folder"
    suffix = ""
    footprint = Footprint(fixed=0, folder=0, entry=0)

    def recognises(self, path: str) -> bool:
        """Test whether the file at `path` begins as an archive or a compressed file."""
        head = first_bytes(path, _HEAD)
        return opener_for(head) is not None or begins_as_tar(head) or bool(kind_not_read(head))

    def readable(self, path: str) -> TarMedium:
        """Open the archive at `path`. Raises `FormatError` with the remedy for one that is not read."""
        _refuse_unread(path)
        return TarMedium(path)

    def writable(self, path: str, label: str) -> NoReturn:  # noqa: ARG002  # no archive of this kind is written
        """Raise `RuleError`, or `FormatError` as `readable`: archives of this kind are not written."""
        _refuse_unread(path)
        raise RuleError("archives of this kind are read, not written", advice="Write a .zip", path=path)

    def updatable(self, path: str) -> NoReturn:
        """Raise as `writable`."""
        self.writable(path, "")


def _refuse_unread(path: str) -> None:
    if kind := kind_not_read(first_bytes(path, _HEAD)):
        advice = "Unpack it first, for example with 7-Zip, and give the folder"
        raise FormatError(f"a {kind} archive, which is not read", path=path, advice=advice)


def kind_not_read(head: bytes) -> str:
    """Look up the kind of an archive that is recognised by its first bytes but not read, "" for any other file."""
    return next((name for magic, name in _FOREIGN.items() if head.startswith(magic)), "")


def begins_as_tar(head: bytes) -> bool:
    """Test whether a file begins as a tar archive: with the mark of a header that may be damaged, or an old header."""
    if head[257:262] == b"ustar":
        return True
    try:
        tarfile.TarInfo.frombuf(head[:_HEAD], tarfile.ENCODING, "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def _is_tar(path: str) -> bool:
    with suppress(OSError):
        return tarfile.is_tarfile(path) or begins_as_tar(first_bytes(path, _HEAD))
    return False
