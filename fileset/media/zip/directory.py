"""The central directory of a ZIP archive (PKWARE APPNOTE 4.3.12), read by `zipfile` and believed only as far as it can
be true: members that hide behind others, or could do harm, are refused with a reason and the rest is read.
"""

from __future__ import annotations

import stat
import struct
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, Final

from attrs import frozen

from fileset.errors import FormatError
from fileset.file_id import FileId
from fileset.media.zip.format import DEFLATED, ENCRYPTED, LOCAL, STORED, TIMESTAMP


@frozen
class Member:
    """One file of an archive: where its local header lies, and before which byte its data must end."""

    name: str
    header_at: int
    limit: int
    deflated: bool
    crc: int
    packed: int
    size: int
    modified: datetime


@frozen
class Refused:
    """A member that is not read, and why."""

    name: str
    reason: str


def read_directory(file: BinaryIO, size: int) -> list[Member | Refused]:
    """The members of the archive `file`, which has `size` bytes, without its folders.

    Raises `FormatError` if there is no central directory that can be read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            found, end = archive.infolist(), archive.start_dir
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError, struct.error) as problem:
        raise FormatError(
            f"not a ZIP archive that can be read: {problem}. If it was cut off, fetch it again"
        ) from problem
    return list(_members(found, min(end, size)))


def _members(found: Sequence[zipfile.ZipInfo], end: int) -> Iterator[Member | Refused]:
    files = [info for info in found if not info.orig_filename.endswith("/")]
    names = Counter(info.orig_filename.upper() for info in files)
    limits = _limits(found, end)
    overlapping = _overlapping(found, end)
    for info in files:
        reason = next((reason for wrong, reason in _CHECKS if wrong(info)), "") or _name_fault(info.orig_filename)
        if names[info.orig_filename.upper()] > 1:
            reason = "several members have this name, in some case of its letters"
        if info.header_offset in overlapping:
            reason = "shares bytes with another member"
        if reason:
            yield Refused(info.orig_filename, reason)
        else:
            yield _member(info, limits[info.header_offset])


_REGULAR: Final = (0, stat.S_IFREG)
_CHECKS: Final[tuple[tuple[Callable[[zipfile.ZipInfo], bool], str], ...]] = (
    (lambda info: bool(info.flag_bits & ENCRYPTED), "encrypted"),
    (lambda info: stat.S_IFMT(info.external_attr >> 16) not in _REGULAR, "a link or device, not a file"),
    (lambda info: info.compress_type not in (STORED, DEFLATED), "neither stored nor deflated"),
    (lambda info: "\\" in info.orig_filename, 'a backslash in the name, where ZIP has "/"'),
    (lambda info: info.orig_filename.startswith("/"), "an absolute name"),
)
"""What is asked of each member, and the reason for refusing it."""


def _name_fault(name: str) -> str:
    try:
        return "" if FileId.tolerant(name).path == name else "blanks around a name"
    except FormatError as problem:
        return str(problem)


def _smallest_end(info: zipfile.ZipInfo) -> int:
    """Before which byte a member cannot end: the extra field of its local header may be longer."""
    return info.header_offset + LOCAL.size + len(info.orig_filename) + info.compress_size


def _limits(found: Sequence[zipfile.ZipInfo], end: int) -> dict[int, int]:
    """Local header -> where the next one, or the central directory, begins."""
    places = sorted({info.header_offset for info in found})
    return dict(zip(places, (*places, end)[1:], strict=True))


def _overlapping(found: Sequence[zipfile.ZipInfo], end: int) -> set[int]:
    """The local headers of all members that reach into another one, or begin in one, or reach behind the last."""
    overlapping: set[int] = set()
    widest: zipfile.ZipInfo | None = None
    for info in sorted(found, key=lambda info: info.header_offset):
        if widest and info.header_offset < max(_smallest_end(widest), widest.header_offset + 1):
            overlapping |= {info.header_offset, widest.header_offset}
        if _smallest_end(info) > end or info.header_offset < 0:
            overlapping.add(info.header_offset)
        if widest is None or _smallest_end(info) > _smallest_end(widest):
            widest = info
    return overlapping


def _member(info: zipfile.ZipInfo, limit: int) -> Member:
    deflated = info.compress_type == DEFLATED
    numbers = (info.CRC, info.compress_size, info.file_size)
    return Member(info.orig_filename, info.header_offset, limit, deflated, *numbers, _modified(info))


def _modified(info: zipfile.ZipInfo) -> datetime:
    """The date in the extended timestamp, or else that of MS-DOS, taken for UTC because nobody knows its zone."""
    at = 0
    while at + 4 <= len(info.extra):
        kind, length = struct.unpack_from("<2H", info.extra, at)
        if kind == TIMESTAMP and length >= 5 and at + 9 <= len(info.extra) and info.extra[at + 4] & 1:
            return datetime.fromtimestamp(struct.unpack_from("<i", info.extra, at + 5)[0], UTC)
        at += 4 + length
    try:
        return datetime(*info.date_time, tzinfo=UTC)
    except ValueError:
        return datetime(1980, 1, 1, tzinfo=UTC)
