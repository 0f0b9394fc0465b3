"""Keywords, tags and VRs of data elements (PS3.6). pydicom's dictionary is loaded only for elements beyond our tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

from fileset.standard import tags
from fileset.standard.record_types import RECORD_TYPES, Key
from fileset.standard.usual_keys import USUAL_KEYS


def _all_keys() -> Iterator[Key]:
    """Collect the keys of all record types and of their items."""
    keys: list[Key] = [key for kind in RECORD_TYPES.values() for key in kind.keys]
    while keys:
        yield (key := keys.pop())
        keys.extend(key.items)


def _known() -> dict[int, tuple[str, str]]:
    known = {
        tags.FILE_SET_ID: ("FileSetID", "CS"),
        tags.DESCRIPTOR_FILE_ID: ("FileSetDescriptorFileID", "CS"),
        tags.DESCRIPTOR_CHARACTER_SET: ("SpecificCharacterSetOfFileSetDescriptorFile", "CS"),
        tags.FIRST_ROOT_RECORD: ("OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity", "UL"),
        tags.LAST_ROOT_RECORD: ("OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity", "UL"),
        tags.CONSISTENCY_FLAG: ("FileSetConsistencyFlag", "US"),
        tags.RECORD_SEQUENCE: ("DirectoryRecordSequence", "SQ"),
        tags.NEXT_RECORD: ("OffsetOfTheNextDirectoryRecord", "UL"),
        tags.RECORD_IN_USE: ("RecordInUseFlag", "US"),
        tags.LOWER_LEVEL_ENTITY: ("OffsetOfReferencedLowerLevelDirectoryEntity", "UL"),
        tags.RECORD_TYPE: ("DirectoryRecordType", "CS"),
        tags.PRIVATE_RECORD_UID: ("PrivateRecordUID", "UI"),
        tags.REFERENCED_FILE_ID: ("ReferencedFileID", "CS"),
        tags.MRDR_OFFSET: ("MRDRDirectoryRecordOffset", "UL"),
        tags.REFERENCED_SOP_CLASS_UID: ("ReferencedSOPClassUIDInFile", "UI"),
        tags.REFERENCED_SOP_INSTANCE_UID: ("ReferencedSOPInstanceUIDInFile", "UI"),
        tags.REFERENCED_TRANSFER_SYNTAX_UID: ("ReferencedTransferSyntaxUIDInFile", "UI"),
        tags.REFERENCED_RELATED_GENERAL_SOP_CLASS_UID: ("ReferencedRelatedGeneralSOPClassUIDInFile", "UI"),
        tags.NUMBER_OF_REFERENCES: ("NumberOfReferences", "UL"),
        tags.SOP_CLASS_UID: ("SOPClassUID", "UI"),
        tags.SOP_INSTANCE_UID: ("SOPInstanceUID", "UI"),
    }
    return known | {key.tag: (key.keyword, key.vr) for key in _all_keys()}


_TAGS: Final = _known()
_USUAL: Final = {key.tag: key for keys in USUAL_KEYS.values() for key in keys}
"""Further attributes, each of one VR in PS3.6."""
_KEYWORDS: Final = {keyword: tag for tag, (keyword, _) in _TAGS.items()} | {
    key.keyword: tag for tag, key in _USUAL.items()
}


KEY_VRS: Final = {
    tag: frozenset(vr.encode("ascii") for vr in (*vrs, "UN"))
    for tag, vrs in {key.tag: key.vrs for key in (*_USUAL.values(), *_all_keys())}.items()
}
"""The VRs of the attributes that can be keys of records. A program writes UN where it does not know the VR (PS3.5 6.2.2)."""


def keyword_of(tag: int) -> str:
    """Look up the keyword of a tag (PS3.6), or "GGGGEEEE" in hexadecimal if it has none."""
    if tag in _TAGS:
        return _TAGS[tag][0]
    if tag in _USUAL:
        return _USUAL[tag].keyword
    if tag & 0x10000:
        return f"{tag:08X}"
    from pydicom.datadict import keyword_for_tag

    return keyword_for_tag(tag) or f"{tag:08X}"


def named(tag: int) -> str:
    """Return the keyword of a tag for a message, or the tag itself if it has none."""
    keyword = keyword_of(tag)
    return tags.text(tag) if keyword == f"{tag:08X}" else keyword


def labelled(tag: int) -> str:
    """Return keyword and number of a tag for a message. The keyword may come from a large dictionary."""
    return f"{named(tag)} {tags.text(tag)}"


def tag_of(keyword: str) -> int | None:
    """Look up the tag of a keyword or of "GGGGEEEE"; None if there is none."""
    if keyword in _KEYWORDS:
        return _KEYWORDS[keyword]
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword)
    if tag is None and len(keyword) == 8:
        try:
            return int(keyword, 16)
        except ValueError:
            return None
    return tag


def keyword_like(text: str) -> str:
    """Find the most similar keyword, "" if there is none."""
    from difflib import get_close_matches

    folded = {keyword.casefold(): keyword for keyword in _KEYWORDS}
    close = get_close_matches(text.casefold(), folded, 1, 0.8)
    return folded[close[0]] if close else ""


def vr_of(tag: int) -> str:
    """Look up the VR of a tag, for encodings without VR; "UN" if unknown."""
    return _TAGS[tag][1] if tag in _TAGS else (vrs_of(tag) or ("UN",))[0]


@cache
def vrs_of(tag: int) -> tuple[str, ...]:
    """Look up every VR that PS3.6 defines for a tag; none if unknown."""
    if not tag & 0xFFFF:  # a group length (PS3.5 7.2)
        return ("UL",)
    if tag in _TAGS and tag >> 16 == 4:
        return (_TAGS[tag][1],)
    if tag in _USUAL:
        return _USUAL[tag].vrs
    from pydicom.datadict import dictionary_VR

    try:
        return tuple(dictionary_VR(tag).split(" or "))
    except KeyError:
        return ()


MULTIPLICITY: Final = {
    tags.SPECIFIC_CHARACTER_SET: (1, None),
    0x00080008: (2, None),  # Image Type
    0x00081050: (1, None),  # Performing Physician's Name
    0x00101000: (1, None),  # Other Patient IDs
    0x00200032: (3, 3),  # Image Position (Patient)
    0x00200037: (6, 6),  # Image Orientation (Patient)
    0x00280030: (2, 2),  # Pixel Spacing
    0x00280034: (2, 2),  # Pixel Aspect Ratio
    0x00281050: (1, None),  # Window Center
    0x00281051: (1, None),  # Window Width
    **dict.fromkeys(
        (0x00100030, 0x00100040, 0x00080090, 0x00080021, 0x00080031, 0x00081010, 0x0008103E, 0x00180015, 0x00181030),
        (1, 1),
    ),  # single usual keys of patient, study and series: dates, names, descriptions
    **dict.fromkeys(
        (0x00200012, 0x00200052, 0x00201041), (1, 1)
    ),  # Acquisition Number, Frame of Reference, Slice Location
    0x00880912: (1, 32),  # Topic Keywords
    tags.REFERENCED_FILE_ID: (1, 8),
    tags.REFERENCED_RELATED_GENERAL_SOP_CLASS_UID: (1, None),
}
"""Fewest and most values of keys of records that may have several, or are optional (PS3.6); all others in the tables have
one.
"""
SEVERAL: Final = frozenset(tag for tag, (fewest, most) in MULTIPLICITY.items() if fewest == most != 1)
"""Keys that must have a certain number of values, more than one."""
_IN_TABLES: Final = frozenset(_TAGS)


def multiplicity(tag: int) -> tuple[int, int | None]:
    """Look up the fewest and the most values of an element (None: any number) by PS3.6; 0 to any number if unknown."""
    if tag in _IN_TABLES or tag in MULTIPLICITY:
        return MULTIPLICITY.get(tag, (1, 1))
    return _multiplicity_by_pydicom(tag)


@cache
def _multiplicity_by_pydicom(tag: int) -> tuple[int, int | None]:
    from pydicom.datadict import dictionary_VM

    try:
        fewest, _, most = dictionary_VM(tag).partition("-")
        return int(fewest), None if "n" in most else int(most or fewest)
    except (KeyError, ValueError):
        return 0, None
