"""The start of a DICOM file: preamble, prefix and File Meta Information, its rules and its encoding (PS3.10 7.1, 7.5)."""

from __future__ import annotations

from collections.abc import Mapping
from struct import error
from typing import Final, NamedTuple

from fileset.dicom.elements import EXPLICIT_LITTLE, LONG_VRS, SHORT_VRS, element, element_header
from fileset.dicom.preamble import is_known
from fileset.errors import FormatError
from fileset.part10.faults import Fault
from fileset.part10.values import fault, shown, uid_fault
from fileset.standard import tags
from fileset.standard.syntaxes import BIG_ENDIAN, EXPLICIT, IMPLICIT

IMPLEMENTATION_CLASS_UID: Final = b"2.25.259213861316735246139129157219254812346"
IMPLEMENTATION_VERSION_NAME: Final = b"FILESET_0_1"
PREFIX: Final = bytes(128) + b"DICM"
"""An empty preamble, and the prefix."""
_EXECUTABLE: Final = (
    (b"MZ", "a Windows program (PE)"),
    (b"\x7fELF", "a program (ELF)"),
    (b"#!", "a script"),
    (b"\xfe\xed\xfa\xce", "a program (Mach-O)"),
    (b"\xfe\xed\xfa\xcf", "a program (Mach-O)"),
    (b"\xce\xfa\xed\xfe", "a program (Mach-O)"),
    (b"\xcf\xfa\xed\xfe", "a program (Mach-O)"),
    (b"\xca\xfe\xba\xbe", "a program (Mach-O or Java class)"),
    (b"\xbe\xba\xfe\xca", "a program (Mach-O)"),
)
"""The first bytes of executable files (CVE-2019-11687)."""

_REQUIRED: Final = {
    tags.FILE_META_GROUP_LENGTH: "File Meta Information Group Length",
    tags.FILE_META_VERSION: "File Meta Information Version",
    tags.MEDIA_STORAGE_SOP_CLASS_UID: "Media Storage SOP Class UID",
    tags.MEDIA_STORAGE_SOP_INSTANCE_UID: "Media Storage SOP Instance UID",
    tags.TRANSFER_SYNTAX_UID: "Transfer Syntax UID",
    tags.IMPLEMENTATION_CLASS_UID: "Implementation Class UID",
}
_TEXT: Final = ("AE", "SH")
"""VRs in which a backslash separates values: every element of Table 7.1-1 has one value."""
_REAL_TIME: Final = range(0x00020031, 0x00020039)
_NOT_IN_FILES: Final = frozenset((
    b"1.2.840.10008.1.2.4.94", b"1.2.840.10008.1.2.4.95", b"1.2.840.10008.1.2.4.204", b"1.2.840.10008.1.2.4.205",
))  # fmt: skip
"""JPIP transfer syntaxes: the pixel data would not be in the file (PS3.10 7.1)."""


def encode_meta(values: Mapping[int, bytes]) -> bytes:
    """Encode preamble, prefix and File Meta Information with these values, by tag; the writer of the file is this program."""
    own = {
        tags.FILE_META_VERSION: b"\0\1",
        tags.IMPLEMENTATION_CLASS_UID: IMPLEMENTATION_CLASS_UID,
        tags.IMPLEMENTATION_VERSION_NAME: IMPLEMENTATION_VERSION_NAME,
    }
    group = b"".join(element(tag, tags.META_VRS[tag], value) for tag, value in sorted({**values, **own}.items()))
    return PREFIX + element(tags.FILE_META_GROUP_LENGTH, "UL", len(group).to_bytes(4, "little")) + group


def likely_syntax(head: bytes) -> str:
    """Guess the transfer syntax of an uncompressed data set by its first element."""
    if head[4:6] not in SHORT_VRS | LONG_VRS:
        return IMPLICIT
    return BIG_ENDIAN if head[:1] == b"\0" else EXPLICIT


class CheckedMeta(NamedTuple):
    """Checked File Meta Information: its faults, the offset of the data set, and the transfer syntax."""

    faults: list[Fault]
    data_set_at: int
    transfer_syntax: bytes


def check_meta(data: bytes) -> CheckedMeta:
    """Check the start of a DICOM file; `data` must contain all of the File Meta Information."""
    faults = preamble_faults(data)
    values: dict[int, bytes] = {}
    at, previous = 132, 0
    try:
        while data[at : at + 2] == b"\2\0":
            tag, vr, value_at, length = element_header(data, at, EXPLICIT_LITTLE)
            value = data[value_at : value_at + length]
            if tag <= previous:
                faults.append(Fault("FS-META-FORM", "elements out of order, or twice", at, tag))
            faults.extend(_element_faults(tag, vr.decode("ascii"), value, at))
            values[tag], previous, at = value, tag, value_at + length
    except FormatError as problem:
        faults.append(Fault("FS-META-FORM", problem.text(known_offset=at), at))
    except error as problem:
        faults.append(Fault("FS-META-FORM", str(problem), at))
    faults.extend(_group_faults(values, at))
    return CheckedMeta(faults, at, values.get(tags.TRANSFER_SYNTAX_UID, b"").rstrip(b"\0 "))


def preamble_faults(data: bytes) -> list[Fault]:
    """Check a preamble: it must be zero or start a TIFF file (PS3.10 7.1, 7.5)."""
    preamble = data[:128]
    if is_known(preamble):
        return []
    for magic, what in _EXECUTABLE:
        if preamble.startswith(magic):
            message = f"the preamble starts like {what}, so the file could be executed (CVE-2019-11687)"
            return [Fault("FS-PREAMBLE-EXECUTABLE", message, 0)]
    at = len(preamble) - len(preamble.lstrip(b"\0"))
    return [Fault("FS-PREAMBLE-UNKNOWN", f"unknown bytes in the preamble: {shown(preamble[at : at + 8])}", at)]


def _element_faults(tag: int, vr: str, value: bytes, at: int) -> list[Fault]:
    name = tags.text(tag)
    expected = tags.META_VRS.get(tag)
    if vr == "UN" or (expected and vr != expected):
        return [Fault("FS-META-FORM", f"{name} has VR {vr}{f' instead of {expected}' if expected else ''}", at, tag)]
    if tag in _REAL_TIME:
        return [Fault("FS-META-FORM", f"{name} belongs to real-time communication (PS3.22), not to files", at, tag)]
    if len(value) & 1:
        return [Fault("FS-ELEMENT-LENGTH", f"{name} has {len(value)} bytes", at, tag)]
    if vr == "UI" and value:
        found = uid_fault(value.rstrip(b"\0"))
        return [Fault(found[0], f"{name} {shown(value)} {found[1]}", at, tag)] if found else []
    if expected in _TEXT and b"\\" in value:
        return [Fault("FS-META-FORM", f"{name} has several values instead of one", at, tag)]
    problem = fault(vr, value)
    return [Fault("FS-META-FORM", f"{name}: {problem}", at, tag)] if problem else []


def _group_faults(values: dict[int, bytes], end: int) -> list[Fault]:
    faults = [
        Fault("FS-META-MISSING", f"{name} {tags.text(tag)} is missing", 132, tag)
        for tag, name in _REQUIRED.items()
        if not values.get(tag, b"").strip(b" \0" if tag > tags.FILE_META_VERSION else b"")
    ]
    length = values.get(tags.FILE_META_GROUP_LENGTH, b"")
    if len(length) == 4 and int.from_bytes(length, "little") != end - 144:
        message = f"the group length is {int.from_bytes(length, 'little')}, but the group has {end - 144} bytes"
        faults.append(Fault("FS-META-GROUP-LENGTH", message, 132, tags.FILE_META_GROUP_LENGTH))
    version = values.get(tags.FILE_META_VERSION, b"\0\1")
    if len(version) != 2 or not version[1] & 1:
        faults.append(
            Fault("FS-META-FORM", f"version {version[:8].hex()} instead of 0001", 132, tags.FILE_META_VERSION)
        )
    creator, information = tags.PRIVATE_INFORMATION_CREATOR_UID, tags.PRIVATE_INFORMATION
    for tag, other in ((creator, information), (information, creator)):
        if tag in values and not values.get(other):
            message = f"{tags.text(tag)} without {tags.text(other)}"
            faults.append(Fault("FS-META-FORM", f"private information: {message}", 132, tag))
    if values.get(tags.TRANSFER_SYNTAX_UID, b"").rstrip(b"\0 ") in _NOT_IN_FILES:
        faults.append(
            Fault("FS-META-FORM", "a JPIP transfer syntax is not allowed in a file", 132, tags.TRANSFER_SYNTAX_UID)
        )
    return faults
