"""Read a ZIP archive as a medium (PS3.12 V): random access to its members; every value in its headers is checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BufferedIOBase, BufferedReader
from typing import BinaryIO, cast

from fileset.errors import LOCKED, OPEN_ARCHIVE, FormatError, MediumError
from fileset.file_id import FileId
from fileset.media.base import FileInfo, FileSetInfo, RefusedName
from fileset.media.image.bytes import BUFFER
from fileset.media.image.opened import OpenImage
from fileset.media.names import enlist, form_of
from fileset.media.zip.directory import NO_EXTRAS, Extras, ZipMember, read_directory, read_extras
from fileset.media.zip.encryption import unlocked
from fileset.media.zip.format import LOCAL, Flag, Method, Signature
from fileset.media.zip.local_headers import read_local_headers
from fileset.media.zip.member import Allowance, InflatedFile, MemberFile


class ZipMedium(OpenImage):
    """An archive that is open for reading. `damage` has its faults; `password` opens encrypted members.

    Raises `FormatError` if it is not a readable archive, `MediumError` if the system cannot read it.
    """

    form = "zip"

    def __init__(self, path: str, password: bytes = b"") -> None:
        self._password = password
        super().__init__(path)
        self._allowance = Allowance(self._image.size)
        with self._closed_on_error(), self._image.open([(0, self._image.size)], "") as file:
            found = self._read(file)
        self._refused = {one.name.upper(): one for one in found if isinstance(one, RefusedName)}
        for one in self._refused.values():
            self._notes.refuse(one.name, one.reason)
        members = [one for one in found if isinstance(one, ZipMember)]
        self._members = {one.name: one for one in members}
        self._listings = _listings(self._members)

    def extras(self) -> Extras:
        """Read the facts of the archive besides the contents of its files; none if its directory is unreadable."""
        with suppress(FormatError), self._image.open([(0, self._image.size)], "") as file:
            return read_extras(file)
        return NO_EXTRAS

    def _read(self, file: BinaryIO) -> list[ZipMember | RefusedName]:
        """Read the members by the central directory, or by their own headers if there is none."""
        try:
            return read_directory(file, self._image.size, opens=bool(self._password))
        except FormatError as problem:
            found = read_local_headers(file, self._image.size)
            if not any(isinstance(one, ZipMember) for one in found):
                raise
            self._notes.add(f"{problem.reason}. Its files were found by their own headers; some may be missing")
            return found

    @property
    def is_weak(self) -> bool:
        """Whether any member is encrypted with ZipCrypto, which is weak."""
        return any(member.lock and not member.lock.strength for member in self._members.values())

    @property
    def compressed(self) -> bool:
        """Whether any member is deflated."""
        return any(member.deflated for member in self._members.values())

    def open(self, file_id: FileId) -> BinaryIO:
        """Open a member for reading; a deflated member is inflated as far as it is read."""
        member = self._member(file_id)
        try:
            packed = self._image.open([(self._data_at(member), member.packed)], member.name)
        except FormatError as problem:
            raise FormatError(f"{problem}", path=file_id) from problem
        if member.lock:
            packed = unlocked(packed, member.packed, member.lock, self._password, member.name)
        content = InflatedFile(packed, member, self._allowance) if member.deflated else cast("BufferedIOBase", packed)
        return cast("BinaryIO", BufferedReader(MemberFile(content, member), BUFFER))

    def position(self, file_id: FileId) -> int:
        """Find the byte of the archive at which a member begins, 0 if there is no such member."""
        try:
            return self._member(file_id).header_at
        except (FormatError, MediumError):
            return 0

    def inquire_file(self, file_id: FileId) -> FileInfo:
        """Look up size, date and time of the member."""
        member = self._member(file_id)
        return FileInfo(member.size, member.modified)

    def _member(self, file_id: FileId) -> ZipMember:
        path: str | None = ""
        for component in file_id.components:
            path = form_of(component, self._listings.get(path or "", {}))
            if path is None:
                break
        if path in self._members:
            return self._members[path]
        if refused := self._refused.get(file_id.path.upper()):
            if refused.reason == LOCKED:
                raise FormatError(LOCKED, path=file_id, rule="FS-ZIP-PASSWORD", advice=OPEN_ARCHIVE)
            raise FormatError(f"{refused.reason}; not read", path=file_id)
        raise MediumError(f"not on the medium {self._path} (PS3.10 8.2)", path=file_id)

    def _data_at(self, member: ZipMember) -> int:
        """Find the position of the data of a member. Raises `FormatError` if its header contradicts the directory."""
        header = self._image.read(member.header_at, LOCAL.size)
        signature, _, flags, method, *_, name_length, extra_length = LOCAL.unpack(header)
        name = self._image.read(member.header_at + LOCAL.size, name_length)
        data_at: int = member.header_at + LOCAL.size + name_length + extra_length
        if signature != Signature.LOCAL:
            raise FormatError("the directory of the archive points to bytes that are not a member")
        if name.decode("utf-8" if flags & Flag.UTF_8 else "cp437", "replace") != member.raw_name:
            raise FormatError("has another name in its own header than in the directory of the archive")
        lock = member.lock
        expected = Method.AES if lock and lock.strength else Method.DEFLATED if member.deflated else Method.STORED
        if bool(flags & Flag.ENCRYPTED) is not bool(lock) or method != expected:
            raise FormatError("has another compression in its own header than in the directory of the archive")
        if member.packed != member.size + (lock.overhead if lock else 0) and not member.deflated:
            raise FormatError(f"is stored in {member.packed} bytes, but shall have {member.size}")
        if data_at + member.packed > member.limit:
            raise FormatError("shares bytes with another member")
        return data_at

    def inquire_file_set(self) -> FileSetInfo:
        """Measure the archive, and the volume that holds it."""
        return self._volume(format="ZIP", largest_file=None, used=self._image.size)

    def names(self) -> Iterator[str]:
        """List the paths of all readable members."""
        return iter(sorted(self._members, key=lambda path: path.split("/")))


def _listings(paths: Iterable[str]) -> dict[str, dict[str, str]]:
    """Collect for each folder, "" for the top, the paths of its entries, by name and its other forms."""
    listings: dict[str, dict[str, str]] = {}
    for path in sorted(paths):
        below, known = path, False
        while below and not known:
            folder, _, name = below.rpartition("/")
            known = folder in listings
            enlist(listings.setdefault(folder, {}), name, below)
            below = folder
    return listings
