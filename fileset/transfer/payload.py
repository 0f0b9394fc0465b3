"""Find the data set of a file to send, without decoding it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final, Protocol, cast

from attrs import field, frozen

from fileset.dicom.character_sets import decode
from fileset.dicom.elements import (
    EXPLICIT_LITTLE,
    LONG_VRS,
    SHORT_VRS,
    UNDEFINED,
    Syntax,
    element_at,
    element_header,
)
from fileset.dicom.header import DEFLATED, HeaderError, Reading, Wanted, WantedTags, read_header, syntax_of
from fileset.errors import FilesetError, FormatError, MediumError
from fileset.file_id import FileId
from fileset.media.base import FileInfo
from fileset.media.seekable import PositionalFile
from fileset.media.system.walk import random_access
from fileset.part10.file_meta import encode_meta, likely_syntax
from fileset.records.levels import IDENTITY
from fileset.records.person import PERSON_TAGS
from fileset.standard import tags
from fileset.standard.dictionary import vr_of

CHUNK: Final = 1 << 18
_META: Final = 1 << 16
"""Most bytes that are read for File Meta Information, which usually has a few hundred."""
_WINDOW: Final = 1 << 13
_IDENTITY: Final = (tags.SOP_CLASS_UID, *(row.tag for row in IDENTITY), *PERSON_TAGS)
_WANTED: Final = Wanted(
    WantedTags(frozenset((*_IDENTITY, tags.SPECIFIC_CHARACTER_SET)), max(_IDENTITY)), {}, frozenset()
)
_CHECK: Final = "`fileset check` shows the faults of the file"
_OTHER_COPY: Final = "Export the file again from the system that made it"


class PayloadSource(Protocol):
    """An instance on a medium: a record of a Reader, or a file found by its contents."""

    @property
    def file_id(self) -> FileId | None:
        """Referenced File ID."""

    def open(self) -> BinaryIO:
        """Open the file for reading (M-READ)."""

    def inquire(self) -> FileInfo:
        """Look up size and date of the file (M-INQUIRE FILE)."""


@frozen
class OpenSource:
    """A file of `size` bytes that `read` reads: it is in memory, or already open."""

    read: Reading
    size: int
    file_id: FileId | None = None

    def open(self) -> BinaryIO:
        """Open the file again at its beginning."""
        return cast("BinaryIO", PositionalFile(self.read, self.size))

    def inquire(self) -> FileInfo:
        """Return the size."""
        return FileInfo(self.size, None)


class UnsendableError(FilesetError):
    """A file that cannot be sent unchanged; the message has the reason."""

    exit_code = 3


@frozen
class Payload:
    """A file for the network: its identity, and its bytes as chunks.

    Attributes:
        identity: Values of the file by tag: SOP Class, SOP Instance, Study and Series Instance UID, Patient ID, and name, birth
            date and sex of the patient.
        transfer_syntax_uid: From the File Meta Information.
        meta: Preamble and File Meta Information.
        start: Position of the data set in the file, or of the rest of it after `changed`.
        size: Bytes of the data set.
        changed: Bytes that replace the beginning of the data set; b"" if nothing changes.
        values: Old and new value of each changed key, by keyword.
    """

    source: PayloadSource
    identity: dict[int, str]
    transfer_syntax_uid: str
    meta: bytes
    start: int
    size: int
    changed: bytes = b""
    values: dict[str, tuple[str, str]] = field(factory=dict)

    @property
    def length(self) -> int:
        """Size of the sent data set in bytes, an even number."""
        return self.size + self.size % 2

    @property
    def sop_class_uid(self) -> str:
        """SOP Class UID."""
        return self.identity[tags.SOP_CLASS_UID]

    @property
    def sop_instance_uid(self) -> str:
        """SOP Instance UID."""
        return self.identity[tags.SOP_INSTANCE_UID]

    @property
    def pair(self) -> tuple[str, str]:
        """SOP Class and Transfer Syntax: the subject of a presentation context."""
        return self.sop_class_uid, self.transfer_syntax_uid

    def data_set(self) -> Iterator[bytes]:
        """Yield `length` bytes of the data set. Raises `MediumError` if the file is shorter than the medium states."""
        if self.changed:
            yield self.changed
        left = self.size - len(self.changed)
        with self.source.open() as file:
            file.seek(self.start)
            while left > 0:
                chunk = file.read(min(CHUNK, left))
                if not chunk:
                    raise MediumError(
                        f"{self.source.file_id}: the file ends {left} bytes too early", advice=_OTHER_COPY
                    )
                left -= len(chunk)
                yield chunk
        if self.size % 2:  # only a deflated data set; it is padded with a zero (PS3.5 A.5)
            yield b"\0"

    def whole(self) -> Iterator[bytes]:
        """Yield the bytes of the DICOM file."""
        yield self.meta
        yield from self.data_set()


def payload(source: PayloadSource) -> Payload:
    """Read the payload of a file.

    Raises `UnsendableError` for a file that is not DICOM or cannot be sent as it is, `MediumError` if it cannot be read.
    """
    with source.open() as file:
        size = source.inquire().size
        head = file.read(_META)
        meta_end, syntax, meta_values = _file_meta(head)
        read, _ = random_access(file)
        try:
            header = read_header(read, _WANTED)
        except HeaderError as problem:
            raise UnsendableError(str(problem), advice=_CHECK) from problem
        if syntax.encode() not in DEFLATED:
            _require_whole(read, meta_end, size, syntax_of(syntax.encode()))
    raw = {tag: header.values.get(tag, b"") for tag in _IDENTITY}
    raw[tags.SOP_CLASS_UID] = raw[tags.SOP_CLASS_UID] or header.meta.get(tags.MEDIA_STORAGE_SOP_CLASS_UID, b"")
    raw[tags.SOP_INSTANCE_UID] = raw[tags.SOP_INSTANCE_UID] or header.meta.get(tags.MEDIA_STORAGE_SOP_INSTANCE_UID, b"")
    character_set = header.values.get(tags.SPECIFIC_CHARACTER_SET, b"").decode("ascii", "replace").strip(" \0")
    identity = {tag: value.decode("latin_1").strip(" \0") for tag, value in raw.items()}
    for tag in (tags.PATIENT_ID, tags.PATIENT_NAME):
        identity[tag] = decode(raw[tag], character_set, vr_of(tag)).strip(" \0")
    _require_sendable(identity, size - meta_end, syntax)
    meta = head[:meta_end] if meta_values else _made_meta(identity, syntax)
    return Payload(source, identity, syntax, meta, meta_end, size - meta_end)


def _file_meta(head: bytes) -> tuple[int, str, bool]:
    """Find the position of the data set, its transfer syntax, and whether there is File Meta Information (PS3.10 7.1)."""
    at = 132 if head[128:132] == b"DICM" else 0
    syntax = b""
    start = at
    try:
        while head[at : at + 2] == b"\x02\0":
            part = element_at(head, at, len(head), EXPLICIT_LITTLE)
            if part.tag == tags.TRANSFER_SYNTAX_UID:
                syntax = head[part.value_at : part.value_end].strip(b" \0")
            at = part.end
    except FormatError as problem:
        raise UnsendableError(f"File Meta Information cannot be read: {problem}", advice=_CHECK) from problem
    if not syntax:
        return at, likely_syntax(head[at : at + 8]), False
    return at, syntax.decode("latin_1"), start == 132


def _require_whole(read: Reading, start: int, size: int, syntax: Syntax) -> None:
    """Raise `UnsendableError` if the file ends inside an element, or contradicts its transfer syntax.

    The peer would wait for the rest, or abort.
    """
    at, window, data = start, start, read(start, _WINDOW)
    if len(data) > 8 and (data[4:6] in SHORT_VRS or data[4:6] in LONG_VRS) is not syntax.explicit:
        forms = {True: "with", False: "without"}
        contradiction = f"{forms[syntax.explicit]} VRs, and the data set is {forms[not syntax.explicit]} them"
        raise UnsendableError(f"its transfer syntax says {contradiction} (PS3.10 7.1)", advice=_CHECK)
    while at < size:
        if at + 12 > window + len(data) and window + len(data) < size:
            window, data = at, read(at, _WINDOW)
        try:
            tag, _, value_at, length = element_header(data, at - window, syntax)
        except FormatError:
            return  # the peer must judge it
        if length == UNDEFINED:
            return  # only a decoder knows its end
        at = window + value_at + length
        if at > size:
            message = f"the file is cut off: it ends {at - size:,} bytes before the end of element {tags.text(tag)}"
            raise UnsendableError(message, advice=_OTHER_COPY)


def _made_meta(identity: dict[int, str], syntax: str) -> bytes:
    """Make a preamble and File Meta Information for a file without them (PS3.10 7.1)."""
    return encode_meta(
        {
            tags.MEDIA_STORAGE_SOP_CLASS_UID: identity[tags.SOP_CLASS_UID].encode("latin_1"),
            tags.MEDIA_STORAGE_SOP_INSTANCE_UID: identity[tags.SOP_INSTANCE_UID].encode("latin_1"),
            tags.TRANSFER_SYNTAX_UID: syntax.encode("ascii"),
        }
    )


def _require_sendable(identity: dict[int, str], size: int, syntax: str) -> None:
    """Raise `UnsendableError` for a data set that would stall or abort an association."""
    for tag, name in ((tags.SOP_CLASS_UID, "SOP Class UID"), (tags.SOP_INSTANCE_UID, "SOP Instance UID")):
        if not identity[tag]:
            raise UnsendableError(f"the file has no {name} {tags.text(tag)}", advice=_CHECK)
    if size <= 0:
        raise UnsendableError("the file has no data set", advice=_OTHER_COPY)
    if size % 2 and syntax.encode() not in DEFLATED:
        raise UnsendableError(
            f"the data set has an odd number of bytes ({size:,}), which DICOM forbids (PS3.5 7.1)", advice=_CHECK
        )
