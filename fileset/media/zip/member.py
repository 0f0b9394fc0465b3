"""Random access to one member of a ZIP archive; reading it from front to back checks its CRC-32."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, BinaryIO, Final

from fileset.errors import FormatError
from fileset.media.seekable import SeekableFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from fileset.media.zip.directory import ZipMember

PIECE: Final = 64 << 10
"""Number of bytes that are inflated at once and cached."""

LARGEST_RATIO: Final = 200
"""Largest compression ratio. Images hardly exceed it, even empty ones; the densest bomb that deflate allows has 1,032."""
SMALL_MEMBER: Final = 64 << 20
SMALL_ARCHIVE: Final = 1 << 30
"""Size in bytes to which a member, and all members together, may inflate with any ratio."""


class Checksum:
    """The CRC-32 of a member. It checks reads in order from the start, and ignores other reads."""

    def __init__(self, member: ZipMember) -> None:
        self._member = member
        self._at = 0
        self._crc = 0

    def add(self, at: int, data: bytes | memoryview) -> None:
        """Add bytes read at a position. Raises `FormatError` after the last byte if the checksum differs."""
        if at != self._at or not data:
            return
        self._crc = zlib.crc32(data, self._crc)
        self._at += len(data)
        if self._at == self._member.size and self._member.crc not in (self._crc, None):
            raise FormatError("damaged in the ZIP archive: its checksum (CRC-32) differs", path=self._member.name)


class Allowance:
    """The total size to which the members of an archive of `size` bytes may inflate; each member counts once."""

    def __init__(self, size: int) -> None:
        self._left = max(SMALL_ARCHIVE, LARGEST_RATIO * size)
        self._counted: dict[int, int] = {}

    def spend(self, member: ZipMember, inflated: int) -> None:
        """Raise `FormatError` if the inflated size of a member shows that it is a decompression bomb."""
        known = self._counted.get(member.header_at, 0)
        if inflated <= known:
            return
        self._counted[member.header_at] = inflated
        self._left -= inflated - known
        if inflated > max(SMALL_MEMBER, LARGEST_RATIO * member.packed) or self._left < 0:
            raise FormatError(
                f"inflates beyond {LARGEST_RATIO} times its size, as a decompression bomb does. "
                "If you trust the archive, unpack it with another tool",
                path=member.name,
            )


class MemberFile(SeekableFile):
    """A member open for reading; `packed` is the file with its packed bytes, closed with it."""

    def __init__(self, packed: BinaryIO, member: ZipMember) -> None:
        self._packed = packed
        self._member = member
        self._checksum = Checksum(member)
        self._size = member.size

    def _fill(self, view: memoryview) -> int:
        """Read at least one byte from the position, which must be before the end."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """The name of the member; pydicom uses it."""
        return self._member.name

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read some bytes. Raises `FormatError` if the member contradicts its headers."""
        view = memoryview(buffer).cast("B")[: max(self._member.size - self._at, 0)]
        if not view:
            return 0
        read = self._fill(view)
        self._checksum.add(self._at, view[:read])
        self._at += read
        return read

    def close(self) -> None:
        """Close the archive below."""
        self._packed.close()
        super().close()


class StoredFile(MemberFile):
    """A member that is stored as it is."""

    def _fill(self, view: memoryview) -> int:
        self._packed.seek(self._at)
        data = self._packed.read(len(view))
        view[: len(data)] = data
        return len(data)


class InflatedFile(MemberFile):
    """A deflated member. Reading inflates piece by piece up to the requested byte; going back starts again."""

    def __init__(self, packed: BinaryIO, member: ZipMember, allowance: Allowance) -> None:
        super().__init__(packed, member)
        self._allowance = allowance
        self._restart()

    def _restart(self) -> None:
        self._packed.seek(0)
        self._inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        self._piece = b""
        self._piece_at = 0

    def _fill(self, view: memoryview) -> int:
        if self._at < self._piece_at:
            self._restart()
        while self._at >= self._piece_at + len(self._piece):
            self._inflate()
        data = self._piece[self._at - self._piece_at :][: len(view)]
        view[: len(data)] = data
        return len(data)

    def _inflate(self) -> None:
        """Inflate the next piece."""
        self._piece_at += len(self._piece)
        self._piece = b""
        while not self._piece:
            packed = self._inflater.unconsumed_tail or self._packed.read(PIECE)
            if self._inflater.eof or not packed:
                raise FormatError(
                    f"inflates to {self._piece_at} bytes, not {self._member.size}", path=self._member.name
                )
            try:
                self._piece = self._inflater.decompress(packed, PIECE)
            except zlib.error as problem:
                raise FormatError(f"cannot be inflated: {problem}", path=self._member.name) from problem
        inflated = self._piece_at + len(self._piece)
        if inflated > self._member.size:
            raise FormatError(
                f"inflates to more than the {self._member.size} bytes of its header", path=self._member.name
            )
        self._allowance.spend(self._member, inflated)
