"""Writing a ZIP archive front to back (PKWARE APPNOTE 6.3; PS3.12 V), into a file or a pipe.

The same files give the same bytes. A member that comes in one piece, as was announced, gets a whole header at once;
that of others is filled in afterwards, or, where seeking is impossible, sizes follow the data. ZIP64 is used where a number
needs it, and only there. (`zipfile` writes the central directory of an abandoned archive when it is collected as garbage, and
keeps an object for each member.)
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate, chain
from struct import pack
from typing import BinaryIO, Final

from attrs import Factory, define, field

from fileset.errors import MediumError, RuleError
from fileset.file_id import FileId
from fileset.media.base import Chunks, FileInfo
from fileset.media.system.files import restricted
from fileset.media.zip.encryption import AES_METHOD, Locking, locked_extra
from fileset.media.zip.format import (
    CENTRAL,
    CENTRAL_SIGNATURE,
    DEFLATED,
    ENCRYPTED,
    LOCAL,
    LOCAL_SIGNATURE,
    REGULAR_FILE,
    SIZES_FOLLOW,
    STORED,
    TIMESTAMP,
    UNIX,
    UTF_8,
    ZIP64,
    Keepsake,
)

LARGE: Final = 0xFF000000
"""Bytes from which a member has ZIP64 headers: short of 4 GiB, because deflating may make it a little longer."""

_MODE: Final = REGULAR_FILE >> 16 & 0o777
_LIMIT: Final = 0xFFFFFFFF
_LIMIT_COUNT: Final = 0xFFFF
_VERSION, _VERSION_64, _VERSION_AES = 20, 45, 51
_UNIX: Final = UNIX << 8
_FIRST_DATE: Final = datetime(1980, 1, 1, tzinfo=UTC)
_LAST_DATE: Final = datetime(2107, 12, 31, 23, 59, 58, tzinfo=UTC)

_WHOLE: Final = 1 << 20
"""Bytes of a file up to which it is deflated at once, so that it is stored if that makes it no smaller."""


@define(eq=False, repr=False)
class ZipBuilder:
    """Writes an archive into `file`; `created` is the date of members that have none of their own; a `password` encrypts them.

    An archive that replaces another keeps its `comment`, the `keepsakes` of its members by name, and its `empty_folders`.
    """

    _file: BinaryIO
    _created: datetime = field(kw_only=True)
    _compress: bool = field(default=False, kw_only=True)
    _password: bytes = field(default=b"", kw_only=True)
    _comment: bytes = field(default=b"", kw_only=True)
    _keepsakes: Mapping[str, Keepsake] = field(factory=dict, kw_only=True)
    _empty_folders: Sequence[str] = field(default=(), kw_only=True)

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
        dates = _date_fields(modified or self._created)
        member = _MemberHeaders(*_encoded(file_id), dates, self._at, large=size is not None and size >= LARGE)
        member.keep(self._keepsakes.get(file_id.path) or Keepsake(self._attributes(info)))
        self._filled.update(f"{above}/" for above in accumulate(file_id.components[:-1], "{}/{}".format))
        member.is_locked = bool(self._password)
        member.flags |= ENCRYPTED if member.is_locked else 0
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

    def _write_whole(self, member: _MemberHeaders, data: bytes | bytearray) -> None:
        packed = _deflated(data) if self._compress else data
        if len(packed) < len(data):
            member.method = DEFLATED
        else:
            packed = data
        member.crc, member.size = zlib.crc32(data), len(data)
        if self._password:
            locking = Locking(self._password)
            packed = b"".join((locking.head, locking.encrypt(packed), locking.tail))
            member.crc = 0
        member.packed = len(packed)
        self._write(member.local())
        self._write(packed)

    def _write_parts(self, member: _MemberHeaders, chunks: Iterator[bytes | bytearray]) -> None:
        compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS) if self._compress else None
        member.method = DEFLATED if compressor else STORED
        member.flags |= 0 if self._seekable else SIZES_FOLLOW
        self._write(member.local())
        begin = self._at
        locking = Locking(self._password) if self._password else None
        encrypt = locking.encrypt if locking else bytes
        self._write(locking.head if locking else b"")
        for chunk in chunks:
            member.crc = 0 if locking else zlib.crc32(chunk, member.crc)
            member.size += len(chunk)
            self._write(encrypt(compressor.compress(chunk)) if compressor else encrypt(chunk) if locking else chunk)
        if compressor:
            self._write(encrypt(compressor.flush()))
        self._write(locking.tail if locking else b"")
        member.packed = self._at - begin
        if self._seekable:
            self._file.seek(member.at)
            self._file.write(member.local())
            self._file.seek(self._at)
        else:
            self._write(member.descriptor())

    def finish(self) -> None:
        """Write the empty folders, those with permissions of their own, and the central directory."""
        for folder in sorted({*self._empty_folders, *(self._filled & self._keepsakes.keys())}):
            self._add_folder(folder)
        begin = self._at
        for header in self._central:
            self._write(header)
        self._write(_end(len(self._central), self._at - begin, begin, self._comment))

    def _add_folder(self, path: str) -> None:
        name = path.encode("utf-8")
        member = _MemberHeaders(
            name, 0 if name.isascii() else UTF_8, _date_fields(self._created), self._at, large=False
        )
        member.keep(self._keepsakes.get(path))
        self._write(member.local())
        self._central.append(member.central())

    def _write(self, data: bytes | bytearray) -> None:
        self._file.write(data)
        self._at += len(data)


class _MemberHeaders:
    """The headers of one member."""

    def __init__(self, name: bytes, flags: int, dates: tuple[int, int, bytes], at: int, *, large: bool) -> None:
        self.name = name
        self.flags = flags
        self.time, self.date, self.stamp = dates
        self.at = at
        self.large = large
        self.method = STORED
        self.is_locked = False
        self.crc = self.packed = self.size = 0
        self._keepsake = Keepsake()

    def keep(self, keepsake: Keepsake | None) -> None:
        """Take over what the member of a former archive had."""
        if keepsake:
            self._keepsake = keepsake

    @property
    def _version(self) -> int:
        """The version of APPNOTE that a reader needs."""
        return _VERSION_AES if self.is_locked else _VERSION

    @property
    def _shown_method(self) -> int:
        return AES_METHOD if self.is_locked else self.method

    @property
    def _extra(self) -> bytes:
        return self.stamp + (locked_extra(self.method) if self.is_locked else b"") + self._keepsake.extra

    def local(self) -> bytes:
        """Encode the header before the data (APPNOTE 4.3.7)."""
        sizes = (self.packed, self.size)
        extra = self._extra
        if self.large:
            extra, sizes = pack("<2H2Q", ZIP64, 16, self.size, self.packed) + extra, (_LIMIT, _LIMIT)
        header = LOCAL.pack(
            LOCAL_SIGNATURE,
            self._version if self.is_locked or not self.large else _VERSION_64,
            *(self.flags, self._shown_method, self.time, self.date, self.crc),
            *(min(size, _LIMIT) for size in sizes),
            *(len(self.name), len(extra)),
        )
        return header + self.name + extra

    def descriptor(self) -> bytes:
        """Encode the sizes after the data (APPNOTE 4.3.9)."""
        return pack("<4sI2Q" if self.large else "<4s3I", b"PK\7\x08", self.crc, self.packed, self.size)

    def central(self) -> bytes:
        """Encode the header in the central directory (APPNOTE 4.3.12)."""
        numbers = (self.size, self.packed, self.at)
        comment = self._keepsake.comment
        beyond = [number for number in numbers if number >= _LIMIT]
        extra = (pack(f"<2H{len(beyond)}Q", ZIP64, 8 * len(beyond), *beyond) if beyond else b"") + self._extra
        size, packed, at = (min(number, _LIMIT) for number in numbers)
        version = _VERSION_64 if beyond and not self.is_locked else self._version
        header = CENTRAL.pack(
            *(CENTRAL_SIGNATURE, _UNIX | version, version, self.flags, self._shown_method, self.time, self.date),
            *(self.crc, packed, size, len(self.name), len(extra), len(comment), 0, 0, self._keepsake.attributes, at),
        )
        return header + self.name + extra + comment


def _end(count: int, size: int, at: int, comment: bytes) -> bytes:
    """Encode the end of the central directory, after that of ZIP64 if needed (APPNOTE 4.3.14 to 4.3.16)."""
    before = b""
    if count >= _LIMIT_COUNT or max(size, at) >= _LIMIT:
        before = pack("<4sQ2H2I4Q", b"PK\6\6", 44, _UNIX | _VERSION_64, _VERSION_64, 0, 0, count, count, size, at)
        before += pack("<4sIQI", b"PK\6\7", 0, at + size, 1)
    few = min(count, _LIMIT_COUNT)
    numbers = (0, 0, few, few, min(size, _LIMIT), min(at, _LIMIT), len(comment))
    return before + pack("<4s4H2IH", b"PK\5\6", *numbers) + comment


def _encoded(file_id: FileId) -> tuple[bytes, int]:
    """Encode the name of a member, with the flags that it needs."""
    name = file_id.text().encode()
    return name, 0 if name.isascii() else UTF_8


def _date_fields(date: datetime) -> tuple[int, int, bytes]:
    """Encode time and date in the form of MS-DOS, in UTC, and the extra field with the full values."""
    dos = min(max(date.astimezone(UTC), _FIRST_DATE), _LAST_DATE)
    seconds = int(date.timestamp())
    stamp = pack("<2HBi", TIMESTAMP, 5, 1, seconds) if -(1 << 31) <= seconds < 1 << 31 else b""
    time = dos.hour << 11 | dos.minute << 5 | dos.second // 2
    return time, (dos.year - 1980) << 9 | dos.month << 5 | dos.day, stamp


def _deflated(data: bytes | bytearray) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()
