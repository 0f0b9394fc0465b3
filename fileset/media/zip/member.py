"""Random access to one member of a ZIP archive; reading it from front to back checks its CRC-32."""

from __future__ import annotations

import zlib
from io import BufferedIOBase
from typing import TYPE_CHECKING, BinaryIO, Final

from fileset.errors import FormatError
from fileset.media.seekable import ForwardFile, SeekableFile

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
    """A member open for reading. Its `content`, closed with it, is stored or inflated.

    The CRC-32 is checked at the end if everything was read in order from the start.
    """

    def __init__(self, content: BufferedIOBase | InflatedFile, member: ZipMember) -> None:
        self._content = content
        self._member = member
        self._size = member.size
        self._checked = self._crc = 0

    @property
    def name(self) -> str:
        """The name of the member; pydicom uses it."""
        return self._member.name

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read some bytes. Raises `FormatError` if the member contradicts its headers."""
        view = memoryview(buffer).cast("B")[: max(self._size - self._at, 0)]
        self._content.seek(self._at)
        read = self._content.readinto(view) if view else 0
        self._check(view[:read])
        self._at += read
        return read

    def _check(self, data: memoryview) -> None:
        """Add bytes read at the position to the checksum; after the last byte it must be right."""
        if not data or self._at != self._checked:
            return
        self._crc = zlib.crc32(data, self._crc)
        self._checked += len(data)
        if self._checked == self._size and self._member.crc not in (self._crc, None):
            raise FormatError("damaged in the ZIP archive: its checksum (CRC-32) differs", path=self.name)

    def close(self) -> None:
        """Close the archive below."""
        self._content.close()
        super().close()


class InflatedFile(ForwardFile):
    """The content of a deflated member; `packed` is the file with its packed bytes, closed with it."""

    def __init__(self, packed: BinaryIO, member: ZipMember, allowance: Allowance) -> None:
        self._member = member
        self._allowance = allowance
        super().__init__(packed, member.size)

    def _restart(self) -> None:
        super()._restart()
        self._inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)

    def _next(self) -> bytes:
        piece = b""
        while not piece:
            packed = self._inflater.unconsumed_tail or self._packed.read(PIECE)
            if self._inflater.eof or not packed:
                raise FormatError(f"inflates to {self._piece_at} bytes, not {self._size}", path=self._member.name)
            try:
                piece = self._inflater.decompress(packed, PIECE)
            except zlib.error as problem:
                raise FormatError(f"cannot be inflated: {problem}", path=self._member.name) from problem
        inflated = self._piece_at + len(piece)
        if inflated > self._size:
            raise FormatError(f"inflates to more than the {self._size} bytes of its header", path=self._member.name)
        self._allowance.spend(self._member, inflated)
        return piece
