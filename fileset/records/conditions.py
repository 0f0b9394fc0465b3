"""Conditions of Type 1C and 2C keys that the record alone decides (PS3.3 F.5, 8.8, C.7.6.3, F.7).

Conditions that depend on the instance are checked by comparing the record with its file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from fileset.standard import tags
from fileset.standard.record_types import Key

Values = Mapping[int, bytes]
"""Tag -> value without padding, for one record or item."""

_CDA: Final = b"1.2.840.10008.5.1.4.1.1.104.2"


_WITH_RELATIONSHIP: Final = frozenset(
    b"1.2.840.10008.5.1.4.1.1." + suffix for suffix in (b"11.1", b"11.2", b"11.3", b"11.5", b"11.12", b"9.100.1")
)
"""SOP classes with a (Waveform) Presentation State Relationship Module (PS3.3 A.33)."""
_BLENDING: Final = b"1.2.840.10008.5.1.4.1.1.11.4"


_VALUE_TYPE: Final = 0x0040A040
_NAMED: Final = frozenset((b"TEXT", b"NUM", b"CODE", b"DATETIME", b"DATE", b"TIME", b"UIDREF", b"PNAME"))
"""Value types of content items that need a Concept Name (PS3.3 C.17.3)."""


def _palette(values: Values) -> bool:
    return values.get(tags.PHOTOMETRIC_INTERPRETATION) == b"PALETTE COLOR"


NEEDED: Final[dict[int, Callable[[Values], bool]]] = {
    tags.STUDY_INSTANCE_UID: lambda values: tags.REFERENCED_SOP_INSTANCE_UID not in values,
    tags.CODE_VALUE: lambda values: tags.LONG_CODE_VALUE not in values and tags.URN_CODE_VALUE not in values,
    tags.CODING_SCHEME_DESIGNATOR: lambda values: tags.CODE_VALUE in values or tags.LONG_CODE_VALUE in values,
    tags.MODALITY: lambda values: tags.ANATOMIC_REGION_SEQUENCE not in values,
    tags.ANATOMIC_REGION_SEQUENCE: lambda values: tags.MODALITY not in values,
    0x00200060: lambda values: tags.ANATOMIC_REGION_SEQUENCE in values,
    tags.REFERENCED_INSTANCE_SEQUENCE: lambda values: tags.REFERENCED_WAVEFORM_SEQUENCE not in values,
    tags.REFERENCED_WAVEFORM_SEQUENCE: lambda values: tags.REFERENCED_INSTANCE_SEQUENCE not in values,
    tags.VERIFICATION_DATE_TIME: lambda values: values.get(tags.VERIFICATION_FLAG) == b"VERIFIED",
    0x0040A043: lambda values: values.get(_VALUE_TYPE) in _NAMED,
    0x0040A168: lambda values: values.get(_VALUE_TYPE) == b"CODE",
    0x0040A160: lambda values: values.get(_VALUE_TYPE) == b"TEXT",
    0x00080080: lambda values: 0x00080082 not in values,
    0x00080082: lambda values: 0x00080080 not in values,
    0x00081115: lambda values: values.get(tags.REFERENCED_SOP_CLASS_UID) in _WITH_RELATIONSHIP,
    0x00700402: lambda values: values.get(tags.REFERENCED_SOP_CLASS_UID) == _BLENDING,
    0x0040E001: lambda values: values.get(tags.REFERENCED_SOP_CLASS_UID) == _CDA,
    **dict.fromkeys((0x00281101, 0x00281102, 0x00281103, 0x00281201, 0x00281202, 0x00281203), _palette),
}
"""Tag of a Type 1C or 2C key -> whether the key is required."""

FORBIDDEN: Final[dict[int, Callable[[Values], bool]]] = {
    tags.LONG_CODE_VALUE: lambda values: tags.CODE_VALUE in values,
    tags.URN_CODE_VALUE: lambda values: tags.CODE_VALUE in values or tags.LONG_CODE_VALUE in values,
    tags.REFERENCED_WAVEFORM_SEQUENCE: lambda values: tags.REFERENCED_INSTANCE_SEQUENCE in values,
    tags.VERIFICATION_DATE_TIME: lambda values: values.get(tags.VERIFICATION_FLAG) != b"VERIFIED",
    0x00280006: lambda _: True,
}
"""Tag of a Type 1C or 2C key -> whether the key is forbidden."""

CONDITIONED: Final = NEEDED.keys() | FORBIDDEN.keys()
"""The tags whose conditions are checked."""

ALLOWED: Final[dict[int, tuple[bytes, ...]]] = {
    0x0040A491: (b"PARTIAL", b"COMPLETE"),
    tags.VERIFICATION_FLAG: (b"UNVERIFIED", b"VERIFIED"),
    0x00720006: (b"MANUFACTURER", b"SITE", b"SINGLE_USER", b"USER_GROUP"),
}
"""Enumerated Values of record keys (PS3.3 C.17.2, C.23.1). All other keys have Defined Terms or free values."""

ICON_ALLOWED: Final[dict[int, tuple[bytes, ...]]] = {
    0x00280002: (b"\1\0",),
    tags.PHOTOMETRIC_INTERPRETATION: (b"MONOCHROME1", b"MONOCHROME2", b"PALETTE COLOR"),
    0x00280100: (b"\1\0", b"\x08\0"),
    0x00280101: (b"\1\0", b"\x08\0"),
    0x00280102: (b"\0\0", b"\7\0"),
    0x00280103: (b"\0\0",),
}
"""The values that PS3.3 F.7 allows in an icon."""

_ITEMS: Final = re.compile(r"(?:(\d)-)?(\d|n) items?\b").search


def item_bounds(key: Key) -> tuple[int, int]:
    """Read the fewest and the most items that a sequence may have from the condition in its table row."""
    match = _ITEMS(key.condition)
    if not match:
        if key.tag == tags.LANGUAGE_CODE_SEQUENCE:  # a description has one language (PS3.3 10.9)
            return 1, 1
        return (1 if key.type in ("1", "1C") else 0), 1 << 32
    most = 1 << 32 if match[2] == "n" else int(match[2])
    return int(match[1] or match[2]), most
