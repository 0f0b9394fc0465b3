"""A DICOM file in another transfer syntax, element by element: elements that need not change stay byte for byte (PS3.5 8.2, A).

Native data sets in Implicit VR or Big Endian, deflated ones too, become Explicit VR Little Endian. Of compressed ones,
which are in Explicit VR Little Endian already, only pixel data and its description are replaced. For peers on the network a
native data set can become Implicit VR Little Endian.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from functools import partial
from struct import Struct
from typing import Final

from attrs import frozen

from fileset.dicom.elements import (
    EXPLICIT_LITTLE,
    MAX_DEPTH,
    UNDEFINED,
    Element,
    Syntax,
    element,
    elements,
    item,
    items,
    swapped,
)
from fileset.dicom.explicit import explicit_element
from fileset.dicom.header import DEFLATED, syntax_of
from fileset.errors import FormatError
from fileset.part10.file_meta import check_meta
from fileset.standard import tags

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
    width = numbers.get(_BITS_ALLOCATED, 16) // 8
    vr_of = partial(_vr_of, signed=numbers.get(_PIXEL_REPRESENTATION) == 1)
    return b"".join(
        _pixels(data, part, width)
        if part.tag == tags.PIXEL_DATA and not syntax.little and part.vr == b"OW" and width > 2
        else explicit_element(data, part, syntax, vr_of)
        for part in parts
        if not part.is_group_length
    )


def implicit_body(body: bytes) -> bytes:
    """Convert a native data set in Explicit VR Little Endian to Implicit VR (PS3.5 A.1). Raises `FormatError` if it is damaged."""
    parts = elements(body, 0, len(body), EXPLICIT_LITTLE)
    return b"".join(_implicit(body, part, 0) for part in parts if not part.is_group_length)


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
                if not inner.is_group_length
            )
        )
        for one in items(data, part.value_at, part.value_end, EXPLICIT_LITTLE)
    )
    return _IMPLICIT_HEADER(part.tag >> 16, part.tag & 0xFFFF, len(content)) + content


def _pixels(data: bytes, part: Element, width: int) -> bytes:
    """Swap the bytes of pixels of 32 or 64 bits in Big Endian: each is one number, not several words."""
    return element(part.tag, "OW", swapped(data[part.value_at : part.value_end], width))


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
