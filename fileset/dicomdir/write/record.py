"""New directory records, encoded (PS3.3 F.3.2.2): links first, then type, file reference and keys."""

from __future__ import annotations

from struct import Struct
from typing import Final

from fileset.dicom.elements import UNDEFINED, element
from fileset.standard import tags

NEXT_AT: Final = 16
LOWER_AT: Final = 38
"""Positions of the links in every record that we write: after the item header of 8 bytes, in order of tag."""

LINKS: Final = (
    element(tags.NEXT_RECORD, "UL", b"\0\0\0\0") + element(tags.RECORD_IN_USE, "US", b"\xff\xff") + element(tags.LOWER_LEVEL_ENTITY, "UL", b"\0\0\0\0")
)  # fmt: skip
_ITEM: Final = Struct("<HHI").pack
_FILE_ID: Final = Struct("<HH2sH").pack
ITEM_DELIMITER: Final = b"\xfe\xff\x0d\xe0\0\0\0\0"


class RecordEncoder:
    """Encodes records; remembers the beginning that all records of one type share."""

    def __init__(self, *, undefined_lengths: bool = False) -> None:
        self._undefined = undefined_lengths
        self._beginnings: dict[str, bytes] = {}

    def body(self, record_type: str, tail: bytes, file_id: bytes = b"", private_record_uid: str = "") -> bytes:
        """The item of a record of `record_type`.

        `file_id` is the value of (0004,1500), components joined by backslashes, b"" for a record that references no
        file; `tail` all elements that follow it in order of tag, encoded.
        """
        beginning = self._beginnings.get(record_type)
        if beginning is None:
            beginning = LINKS + element(tags.RECORD_TYPE, "CS", record_type.encode("ascii"))
            if private_record_uid:
                beginning += element(tags.PRIVATE_RECORD_UID, "UI", private_record_uid.encode("ascii"))
            self._beginnings[record_type] = beginning
        if file_id:
            file_id += b" " * (len(file_id) % 2)
            content = beginning + _FILE_ID(4, 0x1500, b"CS", len(file_id)) + file_id + tail
        else:
            content = beginning + tail
        if self._undefined:
            return _ITEM(0xFFFE, 0xE000, UNDEFINED) + content + ITEM_DELIMITER
        return _ITEM(0xFFFE, 0xE000, len(content)) + content
