"""Structures of the headers of a ZIP archive (PKWARE APPNOTE 4.3 to 4.5)."""

from __future__ import annotations

from struct import Struct
from typing import Final

LOCAL: Final = Struct("<4s5H3I2H")
"""Local file header: signature, version, flags, method, time, date, CRC-32, sizes, lengths of name and extra field."""
CENTRAL: Final = Struct("<4s6H3I5H2I")
"""Central directory header: as the local one, with its position."""

LOCAL_SIGNATURE: Final = b"PK\3\4"
CENTRAL_SIGNATURE: Final = b"PK\1\2"
END_SIGNATURE: Final = b"PK\5\6"

HEADERS_SIZE: Final = LOCAL.size + CENTRAL.size + 2 * (71 + 9) + 20 + 28
"""Of a member with the longest File ID and every extra field, in bytes."""
END_SIZE: Final = 22 + 56 + 20
"""Of the end of the central directory with that of ZIP64, in bytes."""

STORED, DEFLATED = 0, 8
ENCRYPTED, SIZES_FOLLOW, UTF_8 = 0x0001, 0x0008, 0x0800
"""General purpose flags."""
ZIP64, TIMESTAMP = 0x0001, 0x5455
"""Extra fields."""
