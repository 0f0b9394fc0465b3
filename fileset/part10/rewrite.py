"""A DICOM file in another transfer syntax, element by element: elements that need not change stay byte for byte (PS3.5 8.2, A).

Native data sets in Implicit VR or Big Endian, deflated ones too, become Explicit VR Little Endian. Of compressed ones,
which are in Explicit VR Little Endian already, only pixel data and its description are replaced. For peers on the network a
native data set can become Implicit VR Little Endian.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Final

from attrs import frozen

from fileset.dicom.elements import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    MAX_DEPTH,
    NUMBER_SIZES,
    SHORT_VRS,
    UNDEFINED,
    Element,
    Syntax,
    element,
    elements,
    item,
    items,
)
from fileset.dicom.header import DEFLATED, syntax_of
from fileset.errors import FormatError
from fileset.part10.file_meta import check_meta
from fileset.standard import tags

LARGEST_SHORT: Final = 0xFFFE
"""Bytes of a value whose length has 16 bits (PS3.5 7.1.2)."""
MOST_INFLATED: Final = 1 << 31
_BITS_ALLOCATED, _PIXEL_REPRESENTATION = 0x00280100, 0x00280103
_META_GROUP: Final = 0x00020000
_IMPLICIT_HEADER: Final = Struct("<HHI").pack


@frozen
class DicomFile:
    """A DICOM file in memory: the bytes before the data set, and its elements as they are encoded."""

    preamble: bytes
    meta: bytes
    body: bytes
    transfer_syntax: bytes

    @property
    def syntax(self) -> Syntax:
        """How the elements of `body` are encoded."""
        return syntax_of(self.transfer_syntax)


def parse_file(data: bytes) -> DicomFile:
    """Split a DICOM file into its parts; inflate a deflated data set.

    Raises `FormatError` if it has no File Meta Information, or the deflated data set is damaged.
    """
    if data[128:132] != b"DICM":
        raise FormatError("no File Meta Information")
    found = check_meta(data)
    body = data[found.data_set_at :]
    if found.transfer_syntax in DEFLATED:
        body = _inflated(body)
    return DicomFile(data[:132], data[132 : found.data_set_at], body, found.transfer_syntax)


def _inflated(packed: bytes) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = inflater.decompress(packed, MOST_INFLATED)
    except zlib.error as problem:
        raise FormatError(f"the deflated data set is damaged: {problem}") from problem
    if not inflater.eof:
        raise FormatError("the deflated data set ends too early, or is too large")
    return body


def explicit_body(file: DicomFile) -> bytes:
    """Convert the data set to Explicit VR Little Endian. Raises `FormatError` if an element is damaged."""
    syntax, data = file.syntax, file.body
    if syntax is EXPLICIT_LITTLE:
        return data
    parts = list(elements(data, 0, len(data), syntax))
    numbers = {
        part.tag: int.from_bytes(data[part.value_at : part.value_end], "little" if syntax.little else "big")
        for part in parts
        if part.tag in (_BITS_ALLOCATED, _PIXEL_REPRESENTATION)
    }
    signed, width = numbers.get(_PIXEL_REPRESENTATION) == 1, numbers.get(_BITS_ALLOCATED, 16) // 8
    return b"".join(
        _pixels(data, part, width)
        if part.tag == tags.PIXEL_DATA and not syntax.little and part.vr == b"OW" and width > 2
        else _converted(data, part, syntax, signed=signed)
        for part in parts
        if not _is_group_length(part)
    )


def implicit_body(body: bytes) -> bytes:
    """Convert a native data set in Explicit VR Little Endian to Implicit VR (PS3.5 A.1). Raises `FormatError` if it is damaged."""
    parts = elements(body, 0, len(body), EXPLICIT_LITTLE)
    return b"".join(_implicit(body, part, 0) for part in parts if not _is_group_length(part))


def _implicit(data: bytes, part: Element, depth: int) -> bytes:
    if depth > MAX_DEPTH:
        raise FormatError(f"sequences nested more than {MAX_DEPTH} deep", offset=part.at)
    if part.vr != b"SQ":  # a sequence of VR UN has its items in Implicit VR already (PS3.5 6.2.2)
        length = part.value_end - part.value_at if part.end == part.value_end else UNDEFINED
        return _IMPLICIT_HEADER(part.tag >> 16, part.tag & 0xFFFF, length) + data[part.value_at : part.end]
    content = b"".join(
        item(
            b"".join(
                _implicit(data, inner, depth + 1)
                for inner in elements(data, one.value_at, one.value_end, EXPLICIT_LITTLE)
                if not _is_group_length(inner)
            )
        )
        for one in items(data, part.value_at, part.value_end, EXPLICIT_LITTLE)
    )
    return _IMPLICIT_HEADER(part.tag >> 16, part.tag & 0xFFFF, len(content)) + content


def _pixels(data: bytes, part: Element, width: int) -> bytes:
    """Swap the bytes of pixels of 32 or 64 bits in Big Endian: each is one number, not several words."""
    return element(part.tag, "OW", swapped(data[part.value_at : part.value_end], width))


def _is_group_length(part: Element) -> bool:
    # Retired, and wrong as soon as anything in the group is encoded in another way (PS3.5 7.2).
    return part.tag & 0xFFFF == 0


def _converted(data: bytes, part: Element, syntax: Syntax, *, signed: bool, depth: int = 0) -> bytes:
    if depth > MAX_DEPTH:
        raise FormatError(f"sequences nested more than {MAX_DEPTH} deep", offset=part.at)
    vr = part.vr.decode("ascii") or _vr_of(part.tag, signed=signed)
    inner = IMPLICIT_LITTLE if vr == "UN" else syntax
    if vr == "SQ" or part.end != part.value_end:  # a value of undefined length is a sequence, whatever its name
        nested = items(data, part.value_at, part.value_end, inner)
        content = (_content(data, one, inner, signed=signed, depth=depth) for one in nested)
        return element(part.tag, "SQ", b"".join(item(one) for one in content))
    value = data[part.value_at : part.value_end]
    width = NUMBER_SIZES.get(vr, 1)
    if not syntax.little and width > 1:
        value = swapped(value, width)
    if len(value) > LARGEST_SHORT and vr.encode("ascii") in SHORT_VRS:
        vr = "UN"  # PS3.5 6.2.2: its length has 32 bits
    return element(part.tag, vr, value)


def _content(data: bytes, found: Element, syntax: Syntax, *, signed: bool, depth: int) -> bytes:
    inside = elements(data, found.value_at, found.value_end, syntax)
    return b"".join(
        _converted(data, part, syntax, signed=signed, depth=depth + 1) for part in inside if not _is_group_length(part)
    )


def _vr_of(tag: int, *, signed: bool) -> str:
    """Look up the VR of an element in Implicit VR; if PS3.6 gives several, the one that PS3.5 A.1 and C.7.6.3 name."""
    from pydicom.datadict import dictionary_VR

    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return "UN"
    if "OW" in vr:
        return "OW"
    if vr == "US or SS":
        return "SS" if signed else "US"
    return vr


def swapped(value: bytes, width: int) -> bytes:
    """Reverse the byte order of numbers of `width` bytes."""
    out = bytearray(value)
    whole = len(value) - len(value) % width
    for at in range(width):
        out[at:whole:width] = value[width - 1 - at : whole : width]
    return bytes(out)


def changed_body(body: bytes, changes: Mapping[int, bytes]) -> bytes:
    """Replace some top-level elements of a data set in Explicit VR Little Endian.

    `changes`: tag -> the encoded element, b"" to leave it out. Those that are not there are added in order of tag.
    """
    parts = {part.tag: body[part.at : part.end] for part in elements(body, 0, len(body), EXPLICIT_LITTLE)}
    parts.update(changes)
    return b"".join(parts[tag] for tag in sorted(parts))


def file_bytes(file: DicomFile, body: bytes, transfer_syntax: str, implementation: Mapping[int, bytes]) -> bytes:
    """Encode the file with another data set and transfer syntax; `implementation` are elements that name the writer."""
    changes = {tags.TRANSFER_SYNTAX_UID: element(tags.TRANSFER_SYNTAX_UID, "UI", transfer_syntax.encode("ascii"))}
    meta = changed_body(file.meta, {**changes, **implementation, _META_GROUP: b""})
    return file.preamble + element(_META_GROUP, "UL", len(meta).to_bytes(4, "little")) + meta + body


def elements_of(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (tag, value) of the top-level elements of a data set in Explicit VR Little Endian."""
    for part in elements(body, 0, len(body), EXPLICIT_LITTLE):
        yield part.tag, body[part.value_at : part.value_end]
