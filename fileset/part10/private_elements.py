"""Rules for the numbers of private elements and their creators (PS3.5 7.8.1)."""

from __future__ import annotations

from typing import Final

from fileset.dicom.header_layout import FIRST_OF_BLOCKS
from fileset.standard import tags

FIRST_CREATOR: Final = 0x10


def private_fault(tag: int, length: int, creators: set[int]) -> str:
    """Return the fault of an element of an odd group whose value has `length` bytes; "" if it is correct.

    `creators` are the private creators seen so far in the data set or item. A creator is added when it is first seen or
    first missing, so that a missing creator is reported once.
    """
    number = tag & 0xFFFF
    if not number:  # a group length
        return ""
    if number < FIRST_CREATOR:
        return "a private element has a number below 0010"
    creator = creator_of(tag)
    if creator in creators:
        return ""
    creators.add(creator)
    if creator != tag:
        return f"there is no private creator {tags.text(creator)}"
    return "" if length else "the private creator is empty"


def creator_of(tag: int) -> int:
    """Return the tag of the creator that a private element needs; a creator is its own."""
    number = tag & 0xFFFF
    return tag if number < FIRST_OF_BLOCKS else tag - number | number >> 8
