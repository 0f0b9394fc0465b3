"""File Meta Information and File-set Identification of a DICOMDIR to be written (PS3.10 7.1, 8.6; PS3.3 F.3.2.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from struct import Struct
from typing import Final
from unicodedata import normalize
from uuid import uuid4

from attrs import field, frozen

from fileset.dicom.elements import SEQUENCE_DELIMITER, UNDEFINED, Element, element, elements
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.dicomdir.write.layout import Frame
from fileset.dicomdir.write.transcode import explicit
from fileset.errors import FormatError, RuleError
from fileset.file_id import DICOMDIR, FileId
from fileset.part10.file_meta import encode_meta
from fileset.standard import tags
from fileset.standard.syntaxes import EXPLICIT
from fileset.standard.uids import DIRECTORY_CLASS

DESCRIPTOR_CHARACTER_SETS: Final = (
    *("ISO_IR 100", "ISO_IR 101", "ISO_IR 109", "ISO_IR 110", "ISO_IR 144", "ISO_IR 127", "ISO_IR 126"),
    *("ISO_IR 138", "ISO_IR 148", "ISO_IR 203", "ISO_IR 166", "ISO_IR 13", "ISO_IR 192"),
)
"""Character sets allowed in (0004,1142): it has one value, so none with code extensions."""

LONGEST_FILE_SET_ID: Final = 16
"""Largest length of a File-set ID in characters (PS3.10 8.1)."""
is_file_set_id: Final = re.compile(rf"[A-Z0-9_]{{0,{LONGEST_FILE_SET_ID}}}").fullmatch
"""Whether a text is a File-set ID, or none (PS3.10 8.1, 8.5)."""
_UID: Final = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))*").fullmatch
_UL: Final = Struct("<I").pack


def _check_file_set_id(_: Identification, __: object, value: str) -> None:
    if not is_file_set_id(value):
        legal = legal_file_set_id(value)
        raise RuleError(
            f"File-set ID {value!r}: use up to 16 of A-Z, 0-9 and _ (PS3.10 8.1, 8.5)",
            advice=f"For example {legal}" if legal else "",
        )


def legal_file_set_id(text: str) -> str:
    """Make the File-set ID most like `text`: "Müller CD 1" becomes MUELLER_CD_1."""
    spelt = text.translate(_UMLAUTS).replace("ß", "ss")
    plain = normalize("NFKD", spelt).encode("ascii", "ignore").decode("ascii").upper()
    return re.sub("[^A-Z0-9]+", "_", plain).strip("_")[:16].strip("_")


_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


def new_uid() -> str:
    """Make a UID that is unique without registration (PS3.5 B.2)."""
    return f"2.25.{uuid4().int}"


def _check_uid(_: Identification, __: object, value: str) -> None:
    if not _UID(value) or len(value) > 64:
        raise RuleError(f"File-set UID {value!r}: not a UID (PS3.5 9.1)")


def _check_character_set(instance: Identification, _: object, value: str) -> None:
    if value and value not in DESCRIPTOR_CHARACTER_SETS:
        allowed = ", ".join(DESCRIPTOR_CHARACTER_SETS)
        raise RuleError(
            f"the descriptor file cannot have the character set {value!r} (PS3.3 F.3.2.1)",
            advice=f"Use one of {allowed}",
        )
    if value and instance.descriptor_file_id is None:
        raise RuleError("a character set of the descriptor file needs a File-set Descriptor File ID (PS3.3 F.3.2.1)")


def _check_descriptor(_: Identification, __: object, value: FileId | None) -> None:
    if value == DICOMDIR:
        raise RuleError("the descriptor file cannot be the DICOMDIR itself (PS3.3 F.3.2.1)")


@frozen
class Identification:
    """The File-set Identification Module, and the File-set UID that is the SOP Instance UID of the DICOMDIR."""

    file_set_uid: str = field(validator=_check_uid)
    file_set_id: str = field(default="", validator=_check_file_set_id)
    descriptor_file_id: FileId | None = field(default=None, validator=_check_descriptor)
    descriptor_character_set: str = field(default="", validator=_check_character_set)


def new_frame(identification: Identification, *, undefined_lengths: bool = False) -> Frame:
    """Build the frame of a directory without records."""
    meta = {tags.MEDIA_STORAGE_SOP_INSTANCE_UID: identification.file_set_uid.encode("ascii")}
    return _framed(meta, identification_elements(identification), undefined=undefined_lengths)


def renewed_frame(flat: FlatDirectory, changes: Mapping[int, bytes | None]) -> Frame:
    """Rebuild the frame of an existing directory for writing it again.

    `changes` has new values of the File-set Identification Module, and the File-set UID, by tag; None removes an element.
    Offsets and length are filled in later, the File-set Consistency Flag becomes 0000H, File Meta Information names this
    package as the writer (PS3.10 7.1), and the preamble is empty. All other elements stay unchanged.
    """
    meta = {tag: value for tag in _KEPT_META if (value := flat.meta.get(tag))}
    parts = {
        part.tag: _as_written(flat, part)
        for part in flat.header
        if _LAST_META < part.tag < tags.RECORD_SEQUENCE and part.tag not in DIRECTORY_INFORMATION and part.tag & 0xFFFF
    }
    for tag, value in changes.items():
        if value is None:
            parts.pop(tag, None)
        elif tag == tags.MEDIA_STORAGE_SOP_INSTANCE_UID:
            meta[tag] = value
        else:
            parts[tag] = element(tag, "CS", value)
    undefined = flat.frame.has_directory and flat.frame.length_at < 0
    return _framed(meta, parts, undefined=undefined, behind=_former_behind(flat))


_KEPT_META: Final = (
    *(tags.MEDIA_STORAGE_SOP_INSTANCE_UID, tags.SENDING_AE_TITLE, tags.RECEIVING_AE_TITLE),
    *(tags.SOURCE_PRESENTATION_ADDRESS, tags.SENDING_PRESENTATION_ADDRESS, tags.RECEIVING_PRESENTATION_ADDRESS),
    *(tags.PRIVATE_INFORMATION_CREATOR_UID, tags.PRIVATE_INFORMATION),
)
"""Elements of File Meta Information that stay. The others describe the file and its writer, or are undefined (PS3.10 7.1)."""
_LAST_META: Final = 0x0002FFFF
DIRECTORY_INFORMATION: Final = frozenset((tags.FIRST_ROOT_RECORD, tags.LAST_ROOT_RECORD, tags.CONSISTENCY_FLAG))
"""Elements of the DICOMDIR as a whole."""
_IDENTIFICATION: Final = frozenset((tags.FILE_SET_ID, tags.DESCRIPTOR_FILE_ID, tags.DESCRIPTOR_CHARACTER_SET))
"""The File-set Identification Module: each element has VR CS."""
_NOT_KEPT: Final = frozenset((0xFFFA, 0xFFFC, 0xFFFE))
"""Groups after the records: digital signatures, which every change invalidates, padding, and the end of the sequence."""


def _as_written(flat: FlatDirectory, part: Element) -> bytes:
    """Convert an element to Explicit VR Little Endian; correct the VR of an element of the File-set Identification Module."""
    if part.tag in _IDENTIFICATION:
        return element(part.tag, "CS", flat.data[part.value_at : part.value_end])
    return explicit(flat.data, part, flat.syntax)


def _former_behind(flat: FlatDirectory) -> bytes:
    """Collect the elements after the records, up to the first damage."""
    tail = flat.frame.tail
    whole: list[Element] = []
    with suppress(FormatError):
        whole.extend(elements(tail, 0, len(tail), flat.syntax))
    kept = (part for part in whole if part.tag > tags.RECORD_SEQUENCE and part.tag >> 16 not in _NOT_KEPT)
    return b"".join(explicit(tail, part, flat.syntax) for part in kept)


def identification_elements(identification: Identification) -> dict[int, bytes]:
    """Encode (0004,1130), (0004,1141) and (0004,1142), by tag."""
    values = {tags.FILE_SET_ID: identification.file_set_id}
    if identification.descriptor_file_id is not None:
        values[tags.DESCRIPTOR_FILE_ID] = identification.descriptor_file_id.value
    if identification.descriptor_character_set:
        values[tags.DESCRIPTOR_CHARACTER_SET] = identification.descriptor_character_set
    return {tag: element(tag, "CS", value.encode("ascii")) for tag, value in values.items()}


def _framed(meta: Mapping[int, bytes], parts: Mapping[int, bytes], *, undefined: bool, behind: bytes = b"") -> Frame:
    """Build a frame with these values of group 0002, these elements of the data set, and those after the records."""
    information = {tag: element(tag, "UL", _UL(0)) for tag in _OFFSETS} | {
        tags.CONSISTENCY_FLAG: element(tags.CONSISTENCY_FLAG, "US", b"\0\0"),
        tags.RECORD_SEQUENCE: element(tags.RECORD_SEQUENCE, "SQ", b""),
    }
    head = bytearray(encode_meta({**meta, **_OF_DIRECTORY}))
    places = {}
    for tag, encoded in sorted(({**parts, **information}).items()):
        head += encoded
        places[tag] = len(head) - 4
    if undefined:
        head[-4:] = _UL(UNDEFINED)
    return Frame(
        bytes(head),
        first_at=places[_OFFSETS[0]],
        last_at=places[_OFFSETS[1]],
        length_at=-1 if undefined else places[tags.RECORD_SEQUENCE],
        tail=(SEQUENCE_DELIMITER if undefined else b"") + behind,
    )


_OFFSETS: Final = (tags.FIRST_ROOT_RECORD, tags.LAST_ROOT_RECORD)
_OF_DIRECTORY: Final = {
    tags.MEDIA_STORAGE_SOP_CLASS_UID: DIRECTORY_CLASS,
    tags.TRANSFER_SYNTAX_UID: EXPLICIT.encode("ascii"),
}
"""The values of File Meta Information that every DICOMDIR has (PS3.10 8.6)."""
