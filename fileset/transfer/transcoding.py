"""Another transfer syntax for a peer that does not take that of a file: the work of `send --transcode`."""

from __future__ import annotations

from io import BytesIO
from typing import BinaryIO

from attrs import evolve, frozen

from fileset.file_id import FileId
from fileset.media.base import FileInfo
from fileset.plan.transcode import transcoded
from fileset.transfer.payload import Payload, payload


@frozen
class InMemory:
    """A DICOM file in memory."""

    data: bytes
    file_id: FileId | None = None

    def open(self) -> BinaryIO:
        """The bytes as a file."""
        return BytesIO(self.data)

    def inquire(self) -> FileInfo:
        """The size."""
        return FileInfo(len(self.data), None)


def transcoded_payload(item: Payload) -> tuple[Payload, str]:
    """Make the same instance in Explicit VR Little Endian; also give the changes, as a sentence.

    The whole file is in memory meanwhile. Raises `FilesetError` if it cannot be decoded or its pixels would not stay the
    same, `RuleError` without the extra `images`, where that is needed.
    """
    whole = b"".join(item.whole())
    data, changes = transcoded(lambda at, size: whole[at : at + size])
    return evolve(payload(InMemory(data, item.source.file_id)), values=item.values), changes
