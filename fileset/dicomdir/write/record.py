"""Encode new directory records (PS3.3 F.3.2.2): links first, then type, file reference and keys."""

from __future__ import annotations

from struct import Struct
from typing import Final

from fileset.dicom.elements import ITEM_DELIMITER, UNDEFINED, element
from fileset.records.describe import PRIVATE_RECORD_UID
from fileset.standard import tags

NEXT_AT: Final = 16
LOWER_AT: Final = 38
"""Positions of the links in every new record: after the item header of 8 bytes, in order of tag."""

LINKS: Final = (
    element(tags.NEXT_RECORD, "UL", b"\0\0\0\0") + element(tags.RECORD_IN_USE, "US", b"\xff\xff") + element(tags.LOWER_LEVEL_ENTITY, "UL", b"\0\0\0\0")
)  # fmt: skip
_ITEM: Final = Struct("<HHI").pack


class RecordEncoder:
    """An encoder of records; it caches the beginning that all records of one type share."""

    def __init__(self, *, undefined_lengths: bool = False) -> None:
        self._undefined = undefined_lengths
        self._beginnings: dict[tuple[str, int], bytes] = {}

    def body(self, record_type: str, tail: bytes, file_id: bytes = b"") -> bytes:
        """Encode the item of a record of `record_type`.

        `file_id` is the value of (0004,1500), components joined by backslashes, b"" for a record without a file; `tail` has
        all elements after it, encoded, in order of tag.
        """
        if len(file_id) & 1:
            file_id += b" "
        beginning = self._beginning(record_type, len(file_id))
        if self._undefined:
            return _ITEM(0xFFFE, 0xE000, UNDEFINED) + beginning + file_id + tail + ITEM_DELIMITER
        return _ITEM(0xFFFE, 0xE000, len(beginning) + len(file_id) + len(tail)) + beginning + file_id + tail

    def size(self, record_type: str, tail: int, file_id: int = 0) -> int:
        """Compute the size of such an item in bytes, from the sizes of `tail` and `file_id`."""
        even = file_id + (file_id & 1)
        return 8 + len(self._beginning(record_type, even)) + even + tail + 8 * self._undefined

    def _beginning(self, record_type: str, length: int) -> bytes:
        """Encode all elements before a File ID of `length` bytes; `length` is 0 for a record without one."""
        beginning = self._beginnings.get((record_type, length))
        if beginning is None:
            beginning = LINKS + element(tags.RECORD_TYPE, "CS", record_type.encode("ascii"))
            if record_type == "PRIVATE":
                beginning += element(tags.PRIVATE_RECORD_UID, "UI", PRIVATE_RECORD_UID.encode("ascii"))
            if length:
                beginning += element(tags.REFERENCED_FILE_ID, "CS", bytes(length))[:-length]
            self._beginnings[record_type, length] = beginning
        return beginning
