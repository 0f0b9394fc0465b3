"""Find the members of a ZIP archive: in its central directory (PKWARE APPNOTE 4.3.12), or by their own headers.

`zipfile` reads the central directory. Members that share bytes with others or could do harm are refused with a reason.
Names are normalised first: PowerShell and .NET write backslashes, bsdtar writes a leading "./".
"""

from __future__ import annotations

import stat
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, Final

from attrs import frozen

from fileset.errors import LOCKED, FormatError
from fileset.file_id import FileId, harm_of
from fileset.media.base import RefusedName
from fileset.media.zip.encryption import Lock, aes_field
from fileset.media.zip.format import (
    LARGEST_EXTRA,
    LOCAL,
    ExtraField,
    Flag,
    Keepsake,
    Method,
    extra_fields,
    is_folder,
    other_extra,
)

if TYPE_CHECKING:
    import zipfile

EARLIEST: Final = datetime(1980, 1, 1, tzinfo=UTC)


@frozen
class ZipMember:
    """One file of an archive. `name` is normalised, `raw_name` as the headers have it.

    Its local header is at `header_at`, its data end before `limit`. `crc` is None if unknown. `lock` is None for a member
    without encryption.
    """

    name: str
    raw_name: str
    header_at: int
    limit: int
    deflated: bool
    crc: int | None
    packed: int
    size: int
    modified: datetime = EARLIEST
    lock: Lock | None = None


@frozen
class Extras:
    """The facts of an archive that a change keeps besides the contents of its files.

    `keepsakes`: unusual attributes, extra fields and comments of members and folders, by name. `before`: number of bytes
    before the first member. `too_long`: names of members with more extra fields than a new archive can have.
    """

    comment: bytes
    keepsakes: Mapping[str, Keepsake]
    empty_folders: Sequence[str]
    before: int
    too_long: Sequence[str] = ()


NO_EXTRAS: Final = Extras(b"", MappingProxyType({}), (), 0)


def read_extras(file: BinaryIO) -> Extras:
    """Read the facts of an archive besides the contents of its files. Raises as `read_directory`."""
    found, _, comment = _infos(file)
    kept = {normalised(info.orig_filename): Keepsake.of(info) for info in found}
    before = min((info.header_offset for info in found), default=0)
    usual = Keepsake()
    keepsakes = {name: one for name, one in kept.items() if one != usual}
    too_long = [info.filename for info in found if len(other_extra(info.extra)) > LARGEST_EXTRA]
    return Extras(comment, keepsakes, _empty_folders(kept), before, too_long)


def _empty_folders(names: Iterable[str]) -> list[str]:
    """Find the empty folders, sorted. In the order of names, the contents of a folder follow it."""
    following = pairwise([*sorted(names), ""])
    return [name for name, after in following if is_folder(name) and not after.startswith(name)]


def read_directory(file: BinaryIO, size: int, *, opens: bool = False) -> list[ZipMember | RefusedName]:
    """Read the members in the central directory of an archive of `size` bytes, without folders.

    Encrypted members are refused unless it `opens` them. Raises `FormatError` if there is no central directory that can be read.
    """
    found, directory_at, _ = _infos(file)
    end = min(directory_at, size)
    limits = _limits(found, end)
    overlapping = _overlapping(found, end)
    members: list[ZipMember | RefusedName] = []
    for info in found:
        name = normalised(info.orig_filename)
        if is_folder(info.orig_filename):
            members += [RefusedName(name, FILLED_FOLDER)] if info.file_size else []
            continue
        method, lock = _packing(info)
        reason = _fault(info, method, opens=opens) or name_fault(name)
        if info.header_offset in overlapping:
            reason = "shares bytes with another member"
        member = _member(info, name, limits[info.header_offset], method, lock)
        members.append(RefusedName(name, reason) if reason else member)
    return refuse_twins(members)


def _infos(file: BinaryIO) -> tuple[list[zipfile.ZipInfo], int, bytes]:
    """Read the entries of the central directory, its position, and the comment of the archive."""
    import zipfile

    try:
        with zipfile.ZipFile(file) as archive:
            return archive.infolist(), archive.start_dir, archive.comment
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError, struct.error) as problem:
        raise FormatError(
            f"not a ZIP archive that can be read: {problem}", advice="If it was cut off, fetch it again"
        ) from problem


def normalised(name: str) -> str:
    """Write the name of a member with "/" between its parts and without "." parts."""
    parts = name.replace("\\", "/").split("/")
    return "/".join(part for part in parts if part != ".")


FILLED_FOLDER: Final = "the name of a folder, but with contents"


def name_fault(name: str) -> str:
    """Find the reason why a normalised name cannot be used, "" if it can."""
    if name.startswith("/"):
        return "an absolute name"
    return harm_of(name) or ("" if FileId.tolerant(name).path == name else "blanks around a name")


def refuse_twins(members: Sequence[ZipMember | RefusedName]) -> list[ZipMember | RefusedName]:
    """Refuse all members whose names are equal apart from case."""
    names = Counter(member.name.upper() for member in members)
    twins = "several members have this name, apart from upper and lower case"
    return [RefusedName(one.name, twins) if names[one.name.upper()] > 1 else one for one in members]


def _fault(info: zipfile.ZipInfo, method: int, *, opens: bool) -> str:
    """Find the reason why a member cannot be read, "" if it can."""
    if info.flag_bits & Flag.ENCRYPTED and not opens:
        return LOCKED
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return "a link or device, not a file"
    return "" if method in (Method.STORED, Method.DEFLATED) else "neither stored nor deflated"


def _smallest_end(info: zipfile.ZipInfo) -> int:
    """Compute the earliest possible end of a member; a longer extra field in its local header moves the end further."""
    return info.header_offset + LOCAL.size + len(info.orig_filename) + info.compress_size


def _limits(found: Sequence[zipfile.ZipInfo], end: int) -> dict[int, int]:
    """Map each local header to the start of the next one, or of the central directory."""
    starts = sorted({info.header_offset for info in found})
    return dict(zip(starts, (*starts, end)[1:], strict=True))


def _overlapping(found: Sequence[zipfile.ZipInfo], end: int) -> set[int]:
    """Find the local headers of all members that overlap another member, or reach beyond the end."""
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


def _packing(info: zipfile.ZipInfo) -> tuple[int, Lock | None]:
    """Find the compression method of a member, which is in the extra field if AES encrypts it, and its encryption."""
    if not info.flag_bits & Flag.ENCRYPTED:
        return info.compress_type, None
    if info.compress_type == Method.AES and (field := aes_field(info.extra)):
        return field[2], Lock(field[1])
    time = info.date_time[3] << 11 | info.date_time[4] << 5 | info.date_time[5] // 2
    return info.compress_type, Lock(0, time >> 8 if info.flag_bits & Flag.SIZES_FOLLOW else info.CRC >> 24)


def _member(info: zipfile.ZipInfo, name: str, limit: int, method: int, lock: Lock | None) -> ZipMember:
    crc = None if lock and lock.strength and not info.CRC else info.CRC  # AE-2 has none
    numbers = (crc, info.compress_size, info.file_size)
    date = modified(info.extra, info.date_time)
    is_deflated = method == Method.DEFLATED
    return ZipMember(name, info.orig_filename, info.header_offset, limit, is_deflated, *numbers, date, lock)


def modified(extra: bytes, dos: tuple[int, ...]) -> datetime:
    """Decode the date in the extended timestamp, else the date of MS-DOS, taken as UTC because its zone is unknown."""
    for kind, value in extra_fields(extra):
        if kind == ExtraField.TIMESTAMP and len(value) >= 5 and value[0] & 1:
            return datetime.fromtimestamp(struct.unpack_from("<i", value, 1)[0], UTC)
    try:
        year, month, day, hour, minute, second = dos
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return EARLIEST
