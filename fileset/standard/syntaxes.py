"""The transfer syntaxes of PS3.5 Annex A and PS3.6 Table A-1 that files on media use, with names for people."""

from __future__ import annotations

from typing import Final

IMPLICIT: Final = "1.2.840.10008.1.2"
EXPLICIT: Final = "1.2.840.10008.1.2.1"
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
RLE: Final = "1.2.840.10008.1.2.5"
JPEG_BASELINE: Final = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED: Final = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS: Final = "1.2.840.10008.1.2.4.70"
J2K_LOSSLESS: Final = "1.2.840.10008.1.2.4.90"
J2K: Final = "1.2.840.10008.1.2.4.91"
MPEG2_MPML: Final = "1.2.840.10008.1.2.4.100"
MPEG2_MPHL: Final = "1.2.840.10008.1.2.4.101"
MPEG4_HPLV41: Final = "1.2.840.10008.1.2.4.102"
MPEG4_HPLV41BD: Final = "1.2.840.10008.1.2.4.103"
MPEG4_HPLV42_2D: Final = "1.2.840.10008.1.2.4.104"
MPEG4_HPLV42_3D: Final = "1.2.840.10008.1.2.4.105"
MPEG4_SHPLV42: Final = "1.2.840.10008.1.2.4.106"

SYNTAX_NAMES: Final[dict[str, str]] = {
    IMPLICIT: "Implicit VR Little Endian",
    EXPLICIT: "Explicit VR Little Endian",
    DEFLATED: "Deflated Explicit VR Little Endian",
    BIG_ENDIAN: "Explicit VR Big Endian",
    RLE: "RLE Lossless",
    JPEG_BASELINE: "JPEG Baseline (Process 1)",
    JPEG_EXTENDED: "JPEG Extended (Process 2 and 4)",
    "1.2.840.10008.1.2.4.57": "JPEG Lossless (Process 14)",
    JPEG_LOSSLESS: "JPEG Lossless (Process 14, Selection Value 1)",
    "1.2.840.10008.1.2.4.80": "JPEG-LS Lossless",
    "1.2.840.10008.1.2.4.81": "JPEG-LS Near-Lossless",
    J2K_LOSSLESS: "JPEG 2000 (Lossless Only)",
    J2K: "JPEG 2000",
    "1.2.840.10008.1.2.4.92": "JPEG 2000 Part 2 (Lossless Only)",
    "1.2.840.10008.1.2.4.93": "JPEG 2000 Part 2",
    MPEG2_MPML: "MPEG2 Main Profile / Main Level",
    MPEG2_MPHL: "MPEG2 Main Profile / High Level",
    MPEG4_HPLV41: "MPEG-4 AVC/H.264 High Profile / Level 4.1",
    MPEG4_HPLV41BD: "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1",
    MPEG4_HPLV42_2D: "MPEG-4 AVC/H.264 High Profile / Level 4.2 for 2D video",
    MPEG4_HPLV42_3D: "MPEG-4 AVC/H.264 High Profile / Level 4.2 for 3D video",
    MPEG4_SHPLV42: "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2",
    "1.2.840.10008.1.2.4.107": "HEVC/H.265 Main Profile / Level 5.1",
    "1.2.840.10008.1.2.4.108": "HEVC/H.265 Main 10 Profile / Level 5.1",
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
    "1.2.840.10008.1.2.4.201": "High-Throughput JPEG 2000 (Lossless Only)",
    "1.2.840.10008.1.2.4.202": "High-Throughput JPEG 2000 with RPCL Options (Lossless Only)",
    "1.2.840.10008.1.2.4.203": "High-Throughput JPEG 2000",
}
"""UID -> name (PS3.6 Table A-1)."""


def syntax_name(uid: str) -> str:
    """Return the name of a transfer syntax, or its UID if it is unknown."""
    return SYNTAX_NAMES.get(uid, uid or "no transfer syntax")
