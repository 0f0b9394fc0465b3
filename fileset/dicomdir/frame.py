"""File Meta Information and File-set Identification of a new DICOMDIR (PS3.10 7.1, 8.6; PS3.3 F.3.2.1)."""

from __future__ import annotations

import re
from struct import Struct
from typing import Final

from attrs import field, frozen

from fileset.dicomdir.directory import Frame
from fileset.encoding.elements import UNDEFINED, element
from fileset.errors import RuleError
from fileset.file_id import FileId

DIRECTORY_CLASS: Final = b"1.2.840.10008.1.3.10"
EXPLICIT_VR_LITTLE_ENDIAN: Final = b"1.2.840.10008.1.2.1"
IMPLEMENTATION_CLASS_UID: Final = b"2.25.259213861316735246139129157219254812346"
IMPLEMENTATION_VERSION_NAME: Final = b"FILESET_0_1"
SEQUENCE_DELIMITER: Final = b"\xfe\xff\xdd\xe0\0\0\0\0"

DESCRIPTOR_CHARACTER_SETS: Final = (
    *("ISO_IR 100", "ISO_IR 101", "ISO_IR 109", "ISO_IR 110", "ISO_IR 144", "ISO_IR 127", "ISO_IR 126"),
    *("ISO_IR 138", "ISO_IR 148", "ISO_IR 203", "ISO_IR 166", "ISO_IR 13", "ISO_IR 192"),
)
"""(0004,1142) has one value, so no code extensions."""

_FILE_SET_ID: Final = re.compile(r"[A-Z0-9_]{0,16}").fullmatch
_UID: Final = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))*").fullmatch
_UL: Final = Struct("<I").pack


def _check_file_set_id(_: Identification, __: object, value: str) -> None:
    if not _FILE_SET_ID(value):
        raise RuleError(f"File-set ID {value!r}: use up to 16 of A-Z, 0-9 and _ (PS3.10 8.1, 8.5)")


def _check_uid(_: Identification, __: object, value: str) -> None:
    if not _UID(value) or len(value) > 64:
        raise RuleError(f"File-set UID {value!r}: not a UID (PS3.5 9.1)")


def _check_character_set(instance: Identification, _: object, value: str) -> None:
    if value and value not in DESCRIPTOR_CHARACTER_SETS:
        allowed = ", ".join(DESCRIPTOR_CHARACTER_SETS)
        raise RuleError(f"character set {value!r} of the descriptor file: use one of {allowed} (PS3.3 F.3.2.1)")
    if value and instance.descriptor_file_id is None:
        raise RuleError("a character set of the descriptor file needs a File-set Descriptor File ID (PS3.3 F.3.2.1)")


@frozen
class Identification:
    """The File-set Identification Module, and the File-set UID that is the SOP Instance UID of the DICOMDIR."""

    file_set_uid: str = field(validator=_check_uid)
    file_set_id: str = field(default="", validator=_check_file_set_id)
    descriptor_file_id: FileId | None = None
    descriptor_character_set: str = field(default="", validator=_check_character_set)


def new_frame(identification: Identification, *, undefined_lengths: bool = False) -> Frame:
    """The frame of a directory that holds no record yet."""
    head = bytearray(b"\0" * 128 + b"DICM" + _file_meta(identification.file_set_uid))
    head += identification_elements(identification)
    places = {}
    for tag in (0x00041200, 0x00041202):
        places[tag] = len(head) + 8
        head += element(tag, "UL", _UL(0))
    head += element(0x00041212, "US", b"\0\0")
    head += element(0x00041220, "SQ", b"")
    length_at = len(head) - 4
    if undefined_lengths:
        head[length_at:] = _UL(UNDEFINED)
    return Frame(
        bytes(head),
        first_at=places[0x00041200],
        last_at=places[0x00041202],
        length_at=-1 if undefined_lengths else length_at,
        tail=SEQUENCE_DELIMITER if undefined_lengths else b"",
    )


def identification_elements(identification: Identification) -> bytes:
    """(0004,1130), (0004,1141) and (0004,1142), encoded."""
    encoded = element(0x00041130, "CS", identification.file_set_id.encode("ascii"))
    if identification.descriptor_file_id is not None:
        encoded += element(0x00041141, "CS", identification.descriptor_file_id.value.encode("ascii"))
    if identification.descriptor_character_set:
        encoded += element(0x00041142, "CS", identification.descriptor_character_set.encode("ascii"))
    return encoded


def _file_meta(file_set_uid: str) -> bytes:
    group = (
        element(0x00020001, "OB", b"\0\1")
        + element(0x00020002, "UI", DIRECTORY_CLASS)
        + element(0x00020003, "UI", file_set_uid.encode("ascii"))
        + element(0x00020010, "UI", EXPLICIT_VR_LITTLE_ENDIAN)
        + element(0x00020012, "UI", IMPLEMENTATION_CLASS_UID)
        + element(0x00020013, "SH", IMPLEMENTATION_VERSION_NAME)
    )
    return element(0x00020000, "UL", _UL(len(group))) + group
