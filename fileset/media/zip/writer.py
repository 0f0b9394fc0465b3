"""Writing a ZIP archive front to back (PKWARE APPNOTE 6.3; PS3.12 V), into a file or a pipe.

The same files give the same bytes. A member that comes in one piece, as was announced, gets a whole header at once;
that of others is filled in afterwards, or, where seeking is impossible, sizes follow the data. ZIP64 is used where a number
needs it, and only there. (`zipfile` writes the central directory of an abandoned archive when it is collected as garbage, and
keeps an object for each member.)
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import accumulate, chain
from struct import pack
from typing import BinaryIO, Final

from attrs import Factory, define, field

from fileset.errors import MediumError, RuleError
from fileset.file_id import FileId
from fileset.media.base import Chunks, FileInfo
from fileset.media.system.files import creation_time, restricted
from fileset.media.zip.directory import EARLIEST, NO_EXTRAS, Extras
from fileset.media.zip.encryption import locked, locked_extra
from fileset.media.zip.format import CENTRAL, LOCAL, REGULAR_FILE, UNIX, ExtraField, Flag, Keepsake, Method, Signature

LARGE: Final = 0xFF000000
"""Bytes from which a member has ZIP64 headers: short of 4 GiB, because deflating may make it a little longer."""

_MODE: Final = REGULAR_FILE >> 16 & 0o777
_LIMIT: Final = 0xFFFFFFFF
_LIMIT_COUNT: Final = 0xFFFF
_VERSION, _VERSION_64, _VERSION_AES = 20, 45, 51
_UNIX: Final = UNIX << 8
_LAST_DATE: Final = datetime(2107, 12, 31, 23, 59, 58, tzinfo=UTC)

_WHOLE: Final = 1 << 20
"""Bytes of a file up to which it is deflated at once, so that it is stored if that makes it no smaller."""


@define(eq=False, repr=False)
class ZipBuilder:
    """Writes an archive into `file`; `created` is the date of members that have none of their own; a `password` encrypts them.

    `extras` are the facts that an archive keeps from the one that it replaces.
    """

    _file: BinaryIO
    _created: datetime = field(factory=creation_time, kw_only=True)
    _compress: bool = field(default=False, kw_only=True)
    _password: bytes = field(default=b"", kw_only=True)
    _extras: Extras = field(default=NO_EXTRAS, kw_only=True)

    _mode: int = field(default=_MODE, init=False)
    _seekable: bool = field(default=Factory(lambda self: self._file.seekable(), takes_self=True), init=False)
    _at: int = field(default=0, init=False)
    _central: list[bytes] = field(factory=list, init=False)
    _filled: set[str] = field(factory=set, init=False)  # the folders above the members

    def announce(self, names: Sequence[FileId]) -> None:
        """Raise `RuleError` for a name that the archive cannot hold."""
        for name in names:
            name.text()

    def add(self, file_id: FileId, chunks: Chunks, info: FileInfo | None = None) -> None:
        """Write a member. One of 4 GiB or more needs its size beforehand."""
        size, modified = (info.size, info.modified) if info else (None, None)
        keepsake = self._extras.keepsakes.get(file_id.path) or Keepsake(self._attributes(info))
        member = self._member(file_id.text(), modified or self._created, keepsake)
        member.large = size is not None and size >= LARGE
        member.is_locked = bool(self._password)
        member.flags |= Flag.ENCRYPTED if member.is_locked else 0
        self._filled.update(f"{above}/" for above in accumulate(file_id.components[:-1], "{}/{}".format))
        parts = iter(chunks)
        is_small = size is not None and size <= _WHOLE
        first = b"".join(map(bytes, parts)) if is_small else next(parts, b"")
        if size is not None and (len(first) > size or (len(first) == size and next(parts, b""))):
            raise MediumError("grew while it was being copied", path=file_id)
        if len(first) == size:
            self._write_whole(member, first)
        else:
            self._write_parts(member, chain((first,), parts))
        if member.size > _LIMIT and not member.large:
            raise RuleError(f"{member.size} bytes need a ZIP64 header, but were not announced", path=file_id)
        self._central.append(member.central())

    def _attributes(self, info: FileInfo | None) -> int:
        """Compute the permissions of a member: no more than its source has, for the DICOMDIR no more than all files have."""
        self._mode = restricted(self._mode, info.mode if info else None)
        mode = restricted(_MODE, info.mode) if info else self._mode
        return REGULAR_FILE & ~(_MODE << 16) | mode << 16

    def _member(self, path: str, date: datetime, keepsake: Keepsake) -> _MemberHeaders:
        """Prepare the headers of the next member or folder."""
        flags = 0 if path.isascii() else Flag.UTF_8
        return _MemberHeaders(path.encode(), flags, _date_fields(date), self._at, keepsake)

    def _write_whole(self, member: _MemberHeaders, data: bytes | bytearray) -> None:
        packed = b"".join(_deflated([data])) if self._compress else data
        if len(packed) < len(data):
            member.method = Method.DEFLATED
        else:
            packed = data
        member.measured(data)
        if self._password:
            packed = b"".join(locked([packed], self._password))
        member.packed = len(packed)
        self._write(member.local())
        self._write(packed)

    def _write_parts(self, member: _MemberHeaders, chunks: Iterable[bytes | bytearray]) -> None:
        member.flags |= 0 if self._seekable else Flag.SIZES_FOLLOW
        parts: Iterator[bytes | bytearray] = map(member.measured, chunks)
        if self._compress:
            member.method, parts = Method.DEFLATED, _deflated(parts)
        if self._password:
            parts = locked(parts, self._password)
        self._write(member.local())
        begin = self._at
        for part in parts:
            self._write(part)
        member.packed = self._at - begin
        if self._seekable:
            self._file.seek(member.at)
            self._file.write(member.local())
            self._file.seek(self._at)
        else:
            self._write(member.descriptor())

    def finish(self) -> None:
        """Write the empty folders, those with permissions of their own, and the central directory."""
        for folder in sorted({*self._extras.empty_folders, *(self._filled & self._extras.keepsakes.keys())}):
            member = self._member(folder, self._created, self._extras.keepsakes.get(folder, Keepsake()))
            self._write(member.local())
            self._central.append(member.central())
        begin = self._at
        for header in self._central:
            self._write(header)
        self._write(_end(len(self._central), self._at - begin, begin, self._extras.comment))

    def _write(self, data: bytes | bytearray) -> None:
        self._file.write(data)
        self._at += len(data)


@define(eq=False)
class _MemberHeaders:
    """The headers of one member: its encoded name, its dates as in the headers, its position, and what it keeps."""

    name: bytes
    flags: int
    dates: tuple[int, int, bytes]
    at: int
    keepsake: Keepsake
    large: bool = False
    is_locked: bool = False
    method: int = Method.STORED
    crc: int = 0
    packed: int = 0
    size: int = 0

    def measured(self, chunk: bytes | bytearray) -> bytes | bytearray:
        """Return the next data, after a note of its size, and of its CRC-32 unless that would reveal encrypted content."""
        self.size += len(chunk)
        self.crc = 0 if self.is_locked else zlib.crc32(chunk, self.crc)
        return chunk

    def _version(self, *, is_64: bool) -> int:
        """Return the version of APPNOTE that a reader needs."""
        return _VERSION_AES if self.is_locked else _VERSION_64 if is_64 else _VERSION

    @property
    def _shown_method(self) -> int:
        return Method.AES if self.is_locked else self.method

    @property
    def _extra(self) -> bytes:
        return self.dates[2] + (locked_extra(self.method) if self.is_locked else b"") + self.keepsake.extra

    def local(self) -> bytes:
        """Encode the header before the data (APPNOTE 4.3.7)."""
        version = self._version(is_64=self.large)
        sizes = [_LIMIT if self.large else min(size, _LIMIT) for size in (self.packed, self.size)]
        extra = (_zip64(self.size, self.packed) if self.large else b"") + self._extra
        numbers = (version, self.flags, self._shown_method, *self.dates[:2], self.crc, *sizes)
        return LOCAL.pack(Signature.LOCAL, *numbers, len(self.name), len(extra)) + self.name + extra

    def descriptor(self) -> bytes:
        """Encode the sizes after the data (APPNOTE 4.3.9)."""
        return pack("<4sI2Q" if self.large else "<4s3I", Signature.DESCRIPTOR, self.crc, self.packed, self.size)

    def central(self) -> bytes:
        """Encode the header in the central directory (APPNOTE 4.3.12)."""
        numbers = (self.size, self.packed, self.at)
        comment = self.keepsake.comment
        beyond = [number for number in numbers if number >= _LIMIT]
        extra = (_zip64(*beyond) if beyond else b"") + self._extra
        size, packed, at = (min(number, _LIMIT) for number in numbers)
        version = self._version(is_64=bool(beyond))
        header = CENTRAL.pack(
            *(Signature.CENTRAL, _UNIX | version, version, self.flags, self._shown_method, *self.dates[:2]),
            *(self.crc, packed, size, len(self.name), len(extra), len(comment), 0, 0, self.keepsake.attributes, at),
        )
        return header + self.name + extra + comment


def _zip64(*numbers: int) -> bytes:
    """Encode the extra field with the numbers that a header cannot hold (APPNOTE 4.5.3)."""
    return pack(f"<2H{len(numbers)}Q", ExtraField.ZIP64, 8 * len(numbers), *numbers)


def _end(count: int, size: int, at: int, comment: bytes) -> bytes:
    """Encode the end of the central directory, after that of ZIP64 if needed (APPNOTE 4.3.14 to 4.3.16)."""
    before = b""
    if count >= _LIMIT_COUNT or max(size, at) >= _LIMIT:
        before = pack("<4sQ2H2I4Q", b"PK\6\6", 44, _UNIX | _VERSION_64, _VERSION_64, 0, 0, count, count, size, at)
        before += pack("<4sIQI", b"PK\6\7", 0, at + size, 1)
    few = min(count, _LIMIT_COUNT)
    numbers = (0, 0, few, few, min(size, _LIMIT), min(at, _LIMIT), len(comment))
    return before + pack("<4s4H2IH", Signature.END, *numbers) + comment


def _date_fields(date: datetime) -> tuple[int, int, bytes]:
    """Encode time and date in the form of MS-DOS, in UTC, and the extra field with the full values."""
    dos = min(max(date.astimezone(UTC), EARLIEST), _LAST_DATE)
    seconds = int(date.timestamp())
    stamp = pack("<2HBi", ExtraField.TIMESTAMP, 5, 1, seconds) if -(1 << 31) <= seconds < 1 << 31 else b""
    time = dos.hour << 11 | dos.minute << 5 | dos.second // 2
    return time, (dos.year - 1980) << 9 | dos.month << 5 | dos.day, stamp


def _deflated(chunks: Iterable[bytes | bytearray]) -> Iterator[bytes]:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    yield from map(compressor.compress, chunks)
    yield compressor.flush()
