"""The conditions of Type 1C and 2C keys that can be told from the record itself (PS3.3 F.5, 8.8, C.7.6.3, F.7).

Those that depend on the instance are judged by comparing the record with the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from fileset.standard.record_types import Key

Values = Mapping[int, bytes]
"""Tag -> value without padding, of one record or item."""

_CODE_VALUE: Final = 0x00080100
_LONG_CODE_VALUE: Final = 0x00080119
_URN_CODE_VALUE: Final = 0x00080120
_CODES: Final = (_CODE_VALUE, _LONG_CODE_VALUE, _URN_CODE_VALUE)
_MODALITY: Final = 0x00080060
_ANATOMIC_REGION: Final = 0x00082218
_REFERENCED_INSTANCES: Final = 0x0008114A
_REFERENCED_WAVEFORMS: Final = 0x0008113A
_CDA: Final = b"1.2.840.10008.5.1.4.1.1.104.2"


def _palette(values: Values) -> bool:
    return values.get(0x00280004) == b"PALETTE COLOR"


NEEDED: Final[dict[int, Callable[[Values], bool]]] = {
    0x0020000D: lambda values: 0x00041511 not in values,
    _CODE_VALUE: lambda values: _LONG_CODE_VALUE not in values and _URN_CODE_VALUE not in values,
    0x00080102: lambda values: _CODE_VALUE in values or _LONG_CODE_VALUE in values,
    _MODALITY: lambda values: _ANATOMIC_REGION not in values,
    _ANATOMIC_REGION: lambda values: _MODALITY not in values,
    0x00200060: lambda values: _ANATOMIC_REGION in values,
    _REFERENCED_INSTANCES: lambda values: _REFERENCED_WAVEFORMS not in values,
    _REFERENCED_WAVEFORMS: lambda values: _REFERENCED_INSTANCES not in values,
    0x0040A030: lambda values: values.get(0x0040A493) == b"VERIFIED",
    0x0040E001: lambda values: values.get(0x00041510) == _CDA,
    **dict.fromkeys((0x00281101, 0x00281102, 0x00281103, 0x00281201, 0x00281202, 0x00281203), _palette),
}
"""Whether a Type 1C or 2C key must be there."""

FORBIDDEN: Final[dict[int, Callable[[Values], bool]]] = {
    _LONG_CODE_VALUE: lambda values: _CODE_VALUE in values,
    _URN_CODE_VALUE: lambda values: _CODE_VALUE in values or _LONG_CODE_VALUE in values,
    _REFERENCED_WAVEFORMS: lambda values: _REFERENCED_INSTANCES in values,
    0x0040A030: lambda values: values.get(0x0040A493) != b"VERIFIED",
    0x00280006: lambda _: True,
}
"""Whether a Type 1C or 2C key must not be there."""

CONDITIONED: Final = NEEDED.keys() | FORBIDDEN.keys()
"""The tags whose conditions can be told."""

ALLOWED: Final[dict[int, tuple[bytes, ...]]] = {
    0x0040A491: (b"PARTIAL", b"COMPLETE"),
    0x0040A493: (b"UNVERIFIED", b"VERIFIED"),
    0x00720006: (b"MANUFACTURER", b"SITE", b"SINGLE_USER", b"USER_GROUP"),
}
"""Enumerated Values of keys of records (PS3.3 C.17.2, C.23.1); the others have Defined Terms or none."""

ICON_ALLOWED: Final[dict[int, tuple[bytes, ...]]] = {
    0x00280002: (b"\1\0",),
    0x00280004: (b"MONOCHROME1", b"MONOCHROME2", b"PALETTE COLOR"),
    0x00280100: (b"\1\0", b"\x08\0"),
    0x00280101: (b"\1\0", b"\x08\0"),
    0x00280102: (b"\0\0", b"\7\0"),
    0x00280103: (b"\0\0",),
}
"""What PS3.3 F.7 restricts icons to."""

_ITEMS: Final = re.compile(r"(?:(\d)-)?(\d|n) items?\b").search


def item_bounds(key: Key) -> tuple[int, int]:
    """The least and the most items of a sequence, as the condition of its row in the tables says; none to any."""
    found = _ITEMS(key.condition)
    if not found:
        return (1 if key.type in ("1", "1C") else 0), 1 << 32
    most = 1 << 32 if found[2] == "n" else int(found[2])
    return int(found[1] or found[2]), most
