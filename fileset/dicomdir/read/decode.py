"""Decode the bytes of a DICOMDIR into flat records with their offsets (PS3.10 8.6, PS3.3 F.3).

The decoder trusts nothing: it detects the transfer syntax, compares group and sequence lengths with the data, and
resumes after damage at the next element or record that it recognises. It does not decode keys.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Final

from fileset.dicom.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    LONG_VRS,
    SEQUENCE_END,
    SHORT_VRS,
    UNDEFINED,
    Element,
    Syntax,
    element_at,
    element_header,
    elements,
)
from fileset.dicom.header import DEFLATED
from fileset.dicom.preamble import is_secure
from fileset.dicomdir.read.raw import ABSENT, FlatDirectory
from fileset.dicomdir.read.records import next_record, take_records
from fileset.dicomdir.write.layout import Frame
from fileset.errors import ENCRYPTED, NAME_MEDIUM, OPEN_WITH, FormatError
from fileset.findings import Findings
from fileset.standard import tags
from fileset.standard.sop_classes import SOP_CLASSES
from fileset.standard.uids import DIRECTORY_CLASS

_NAMES: Final = {
    EXPLICIT_LITTLE: "Explicit VR Little Endian",
    IMPLICIT_LITTLE: "Implicit VR Little Endian",
    EXPLICIT_BIG: "Explicit VR Big Endian",
}
_BEGINNINGS: Final = (b"\2\0", b"\4\0", b"\0\4", b"\x08\0", b"\0\x08")
"""Groups 0002, 0004 and 0008 in either byte order: the possible start of a DICOMDIR without preamble."""
_IDENTIFICATION: Final = re.compile(
    rb"\x04\x00[\x30\x41\x42]\x11|\x04\x00[\x00\x02\x12\x20]\x12|\x00\x04\x11[\x30\x41\x42]|\x00\x04\x12[\x00\x02\x12\x20]"
)
"""The tags of the File-set Identification and Directory Information Modules, in either byte order."""
_ATTEMPTS: Final = 16
"""How often decoding resumes in a damaged header before it skips to the first record."""


def decode(data: bytes, *, file: str = "DICOMDIR") -> FlatDirectory:
    """Decode the DICOMDIR; damage becomes a finding of the result.

    Raises `FormatError` if the bytes are not a DICOMDIR.
    """
    data = inflated(data)
    flat, findings = FlatDirectory(data), Findings(file)
    start = _start(data, findings)
    first = _first_record(data, start)
    header_end = len(data) if first < 0 else first
    at = _file_meta(flat, start, header_end, findings)
    flat.syntax = _syntax(flat, (first + 8, at) if first >= 0 else (at,), findings)
    sequence = _identification(flat, at, header_end, findings)
    if sequence is None:
        flat.frame = Frame(data)
    else:
        _check_meta(flat, findings)
        end = take_records(flat, *sequence, findings)
        _check_end(flat, *sequence, end, findings)
        _frame(flat, *sequence, end)
    flat.findings = findings.listed()
    return flat


def inflated(data: bytes) -> bytes:
    """Inflate the data set of a DICOMDIR in a deflated transfer syntax; leave any other one unchanged.

    The Standard does not allow it (PS3.10 8.6); the declared transfer syntax becomes a finding.
    """
    at, syntax = 132, b""
    try:
        while data[128:132] == b"DICM" and data[at : at + 2] == b"\2\0":
            part = element_at(data, at, len(data), EXPLICIT_LITTLE)
            syntax = data[part.value_at : part.value_end] if part.tag == tags.TRANSFER_SYNTAX_UID else syntax
            at = part.end
        if syntax.rstrip(b"\0 ") not in DEFLATED:
            return data
        return data[:at] + zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[at:], _MOST_INFLATED)
    except (FormatError, zlib.error):
        return data


_MOST_INFLATED: Final = 1 << 28
"""Limit for inflating a DICOMDIR, in bytes, against decompression bombs."""


def _start(data: bytes, findings: Findings) -> int:
    """Find the offset of the File Meta Information, or of the data set if there is none."""
    if data[128:132] == b"DICM":
        return 132
    for at, is_it, message in (
        (0, data[:2] in _BEGINNINGS, "no preamble and no DICM prefix"),
        (4, data[:4] == b"DICM", "no preamble"),
        (132, data[132:134] in _BEGINNINGS and _has_vr(data, 132), 'no "DICM" at offset 128'),
    ):
        if is_it:
            findings.add("FS-DICOMDIR-META", message, offset=0)
            return at
    if is_secure(data):
        raise FormatError(ENCRYPTED, path=findings.file, rule="FS-SECURE-KEY", advice=OPEN_WITH)
    reason = 'no "DICM" at offset 128' if data else "the file is empty"
    raise FormatError(f"not a DICOMDIR: {reason}", path=findings.file, rule="FS-DICOMDIR-UNREADABLE")


def _has_vr(data: bytes, at: int) -> bool:
    vr = data[at + 4 : at + 6]
    return vr in SHORT_VRS or vr in LONG_VRS


def _first_record(data: bytes, at: int) -> int:
    """Find the likely offset of the first directory record, -1 if there is none."""
    little = next_record(data, at, EXPLICIT_LITTLE)
    return little if little >= 0 else next_record(data, at, EXPLICIT_BIG)


def _file_meta(flat: FlatDirectory, start: int, end: int, findings: Findings) -> int:
    """Collect group 0002, which is always Explicit VR Little Endian; return the offset after it."""
    data, at = flat.data, start
    try:
        while data[at : at + 2] == b"\2\0":
            part = element_at(data, at, end, EXPLICIT_LITTLE)
            flat.meta[part.tag] = data[part.value_at : part.value_end]
            flat.header.append(part)
            at = part.end
    except FormatError as problem:
        findings.add("FS-DICOMDIR-META", problem.text(known_offset=at), offset=at)
        at = _resumed(data, at, end)
    stated = flat.meta.get(tags.FILE_META_GROUP_LENGTH, b"")
    if len(stated) == 4 and start + 12 + EXPLICIT_LITTLE.long(stated, 0)[0] != at:
        message = "the group length (0002,0000) does not match the group"
        findings.add("FS-DICOMDIR-META", message, offset=start, tag=tags.FILE_META_GROUP_LENGTH)
    return at


def _resumed(data: bytes, at: int, end: int) -> int:
    """Find the offset of the next element after `at` that can be recognised, else the end."""
    following = _IDENTIFICATION.search(data, at + 1, end)
    return following.start() if following else end


def _syntax(flat: FlatDirectory, samples: Sequence[int], findings: Findings) -> Syntax:
    """Detect the real transfer syntax, judged by some elements; the declared one may be wrong."""
    declared = flat.meta.get(tags.TRANSFER_SYNTAX_UID, b"").rstrip(b"\0 ").decode("ascii", "replace")
    explicit = [at for at in samples if _has_vr(flat.data, at)]
    if explicit:
        actual = EXPLICIT_LITTLE if flat.data[explicit[0] + 1] == 0 else EXPLICIT_BIG
    else:
        actual = IMPLICIT_LITTLE if flat.data[samples[-1] :] else EXPLICIT_LITTLE
    if actual is not EXPLICIT_LITTLE or declared != "1.2.840.10008.1.2.1":
        message = f"encoded in {_NAMES[actual]}, declared {declared or 'nothing'}"
        findings.add("FS-DICOMDIR-SYNTAX", message, offset=samples[-1])
    return actual


def _check_meta(flat: FlatDirectory, findings: Findings) -> None:
    for tag, name, right in (
        (tags.MEDIA_STORAGE_SOP_CLASS_UID, "Media Storage SOP Class UID", DIRECTORY_CLASS),
        (tags.MEDIA_STORAGE_SOP_INSTANCE_UID, "Media Storage SOP Instance UID, the File-set UID,", None),
    ):
        value = flat.meta.get(tag, b"").rstrip(b"\0 ")
        if not value or (right and value != right):
            findings.add("FS-DICOMDIR-META", f"{name} is {value.decode('ascii', 'replace') or 'missing'}", tag=tag)


def _identification(flat: FlatDirectory, at: int, end: int, findings: Findings) -> tuple[int, int] | None:
    """Find (offset of the first item, declared length) of the Directory Record Sequence; None if there is none.

    `end` is the offset of the first record, or the end of the file.
    """
    data, value_offsets, attempts = flat.data, dict[int, int](), 0
    while at < end:
        try:
            tag, vr, value_at, length = element_header(data, at, flat.syntax)
            if tag == tags.RECORD_SEQUENCE:
                if vr in SHORT_VRS:  # a wrong VR: the length of a sequence has 4 bytes, after 2 reserved ones
                    header = data[: at + 4] + b"SQ" + data[at + 6 : at + 12]
                    value_at, length = element_header(header, at, flat.syntax)[2:]
                flat.header.append(Element(tag, vr, at, value_at, value_at, value_at))
                first, last = (
                    value_offsets.get(tags.FIRST_ROOT_RECORD, ABSENT),
                    value_offsets.get(tags.LAST_ROOT_RECORD, ABSENT),
                )
                flat.frame = Frame(b"", first_at=first, last_at=last)
                return value_at, length
            part = element_at(data, at, end, flat.syntax)
        except FormatError as problem:
            findings.add("FS-DICOMDIR-TRUNCATED", problem.text(known_offset=at), offset=at)
            attempts += 1
            at = _resumed(data, at, end) if attempts < _ATTEMPTS else end
            continue
        flat.header.append(part)
        if part.tag >> 16 in (0x0004, 0x0008):
            flat.top[tag] = data[part.value_at : part.value_end]
            value_offsets[tag] = part.value_at
        at = part.end
    if end < len(data):
        message = "the header of the Directory Record Sequence is damaged, but the records exist"
        findings.add("FS-DICOMDIR-TRUNCATED", message, offset=end, tag=tags.RECORD_SEQUENCE)
        return end, UNDEFINED
    _check_absence(flat, findings)
    return None


def _check_absence(flat: FlatDirectory, findings: Findings) -> None:
    """Report a missing Directory Record Sequence. Raise `FormatError` if the file is not a DICOMDIR at all."""
    if not any(tag >> 16 == 4 for tag in flat.top):
        raise FormatError(
            f"not a DICOMDIR, but {_described(flat.top.get(tags.SOP_CLASS_UID, b''))}",
            advice=NAME_MEDIUM,
            path=findings.file,
            rule="FS-DICOMDIR-UNREADABLE",
        )
    if tags.FIRST_ROOT_RECORD in flat.top:
        # A directory with an empty root entity may lack the sequence.
        findings.add("FS-DICOMDIR-TRUNCATED", "no Directory Record Sequence (0004,1220)", tag=tags.RECORD_SEQUENCE)
    else:
        message = "no Directory Information Module: the files of the file-set are not listed"
        findings.add("FS-DIRECTORY-ABSENT", message)


def _described(sop_class: bytes) -> str:
    """Name a DICOM file by its SOP class, such as "a DICOM file of CT Image Storage"."""
    uid = sop_class.decode("ascii", "replace").rstrip("\0 ")
    known = SOP_CLASSES.get(uid)
    return f"a DICOM file of {known.name}" if known else "another DICOM file" if uid else "cut off before its records"


def _check_end(flat: FlatDirectory, value_at: int, length: int, end: int, findings: Findings) -> None:
    size = len(flat.data)
    if length == UNDEFINED:
        if end >= size:
            message = "the file ends before the Directory Record Sequence does"
            findings.add("FS-DICOMDIR-TRUNCATED", message, offset=end)
    elif value_at + length > size:
        message = f"the Directory Record Sequence should end at {value_at + length}, the file at {size}"
        findings.add("FS-DICOMDIR-TRUNCATED", message, offset=value_at)
    elif value_at + length != end:
        message = f"the sequence should end at {value_at + length}, the last record ends at {end}"
        findings.add("FS-RECORD-SEQUENCE-LENGTH", message, offset=value_at, tag=tags.RECORD_SEQUENCE)
    if _is_trailing(flat, end):
        findings.add("FS-DICOMDIR-TRAILING", f"{size - end} bytes after the data set", offset=end)


def _is_trailing(flat: FlatDirectory, at: int) -> bool:
    """Check whether the bytes after the records are not the sequence delimiter and further data elements."""
    try:
        met = [part.tag for part in elements(flat.data, at, len(flat.data), flat.syntax)]
    except FormatError:
        return True
    return any(tag <= tags.RECORD_SEQUENCE or (tag >> 16 == 0xFFFE and tag != SEQUENCE_END) for tag in met)


def _frame(flat: FlatDirectory, value_at: int, length: int, end: int) -> None:
    flat.frame = Frame(
        flat.data[:value_at],
        first_at=flat.frame.first_at,
        last_at=flat.frame.last_at,
        length_at=ABSENT if length == UNDEFINED else value_at - 4,
        tail=flat.data[end:],
    )
