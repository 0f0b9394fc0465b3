"""Read the header of a DICOM file: only the values that directory records need.

`read_header` walks File Meta Information and data set over the first bytes, keeps the raw values of the wanted
top-level elements, and stops after the last of them. It handles Explicit and Implicit VR Little Endian, also deflated, and
Explicit VR Big Endian. Everything unusual (no preamble, elements out of order, wrong lengths, wanted sequences in Implicit VR
or Big Endian) goes to pydicom in `header_by_pydicom`, which returns the same `Header`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from struct import Struct, error
from typing import Final, overload

from attrs import frozen

from fileset.dicom.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    LONG_VRS,
    NUMBER_SIZES,
    SHORT_VRS,
    UNDEFINED,
    Syntax,
    skip_undefined,
    swapped,
)
from fileset.dicom.header_cache import FIRST_READ, Layouts, Recognised
from fileset.dicom.header_layout import IDENTIFYING_META_TAGS, META_TAGS
from fileset.dicom.preamble import is_secure, misplaced_prefix
from fileset.errors import ENCRYPTED, FilesetError, FormatError
from fileset.standard import tags

Reading = Callable[[int, int], bytes]
"""(offset, size) -> bytes; fewer than `size` only at the end of the file."""

_CHUNK: Final = 1 << 23
LARGEST_VALUE: Final = 1 << 26
"""Limit for a wanted value or a sequence of undefined length: 64 MiB."""

LARGEST_META: Final = 1 << 20
"""Limit for File Meta Information in bytes; usual are some hundred."""

IMPLICIT_VR_LITTLE_ENDIAN: Final = b"1.2.840.10008.1.2"
EXPLICIT_VR_BIG_ENDIAN: Final = b"1.2.840.10008.1.2.2"
_SYNTAXES: Final = {IMPLICIT_VR_LITTLE_ENDIAN: IMPLICIT_LITTLE, EXPLICIT_VR_BIG_ENDIAN: EXPLICIT_BIG}
DEFLATED: Final = frozenset((b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.4.95"))
"""Deflated Explicit VR Little Endian and JPIP Referenced Deflate (PS3.5 A.5, A.7)."""
_NOT_LEARNT: Final = DEFLATED.union(_SYNTAXES)


PIXEL_DATA: Final = frozenset((tags.FLOAT_PIXEL_DATA, tags.DOUBLE_FLOAT_PIXEL_DATA, tags.PIXEL_DATA))

_HEAD: Final = Struct("<HH2sH").unpack_from
_LENGTH: Final = Struct("<I").unpack_from

DONE: Final = -1
"""Result of a complete walk; any other result is the offset of the next window."""


class HeaderError(FilesetError):
    """A file that no directory record can describe, with the rule that it breaks and the reason."""

    exit_code = 3

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason, rule=rule)

    def __reduce__(self) -> tuple[type[HeaderError], tuple[str, str]]:
        return HeaderError, (self.rule, self.reason)


class UnusualError(Exception):
    """The file needs pydicom."""


def read_all(read: Reading, at: int = 0) -> bytes:
    """Read all bytes from offset `at` to the end of the file."""
    data = bytearray()
    while chunk := read(at + len(data), _CHUNK):
        data += chunk
    return bytes(data)


@frozen
class Header:
    """Wanted values of a file: tag -> raw value in Little Endian with padding.

    A sequence is the bytes of its items in Explicit VR Little Endian. An absent tag was not found before the walk ended.
    """

    meta: dict[int, bytes]
    values: dict[int, bytes]

    @property
    def has_pixel_data(self) -> bool:
        """Whether the walk reached (float, double float) Pixel Data."""
        return not PIXEL_DATA.isdisjoint(self.values)


@frozen
class WantedTags:
    """The top-level tags to keep, and the last of them."""

    tags: frozenset[int]
    last: int


@frozen
class Wanted:
    """The values to keep of a file, by SOP class; its UID comes before nearly all other elements.

    `any` applies until the SOP class is known, and to classes that are not in `of_class`. `sequences` are the tags of all
    classes that are sequences.
    """

    any: WantedTags
    of_class: Mapping[bytes, WantedTags]
    sequences: frozenset[int]

    def for_class(self, sop_class_uid: bytes) -> WantedTags:
        """Return the tags for an encoded SOP Class UID."""
        return self.of_class.get(sop_class_uid.rstrip(b"\0 "), self.any)


@overload
def read_header(read: Reading, wanted: Wanted) -> Header: ...


@overload
def read_header(read: Reading, wanted: Wanted, layouts: Layouts | None) -> Header | Recognised: ...


def read_header(read: Reading, wanted: Wanted, layouts: Layouts | None = None) -> Header | Recognised:
    """Read the header of a file. `layouts` is a cache that recognises similar headers.

    Raises `HeaderError` if there is no data set.
    """
    data = read(0, layouts.first_read if layouts else FIRST_READ)
    if data[128:132] == b"DICM":
        if layouts is not None:
            known = layouts.find(data)
            if known is not None:
                return known
        try:
            header = _read_usual(data, read, wanted)
        except (UnusualError, FormatError, error):
            return _read_foreign(read, wanted)
        return (_learn(layouts, data, header, wanted) if layouts else None) or header
    if not looks_like_data_set(data):
        if not data:
            raise HeaderError("FS-FILE-EMPTY", "the file is empty")
        if is_secure(data):
            raise HeaderError("FS-SECURE-KEY", ENCRYPTED)
        if (at := misplaced_prefix(data)) is not None:
            raise HeaderError("FS-FILE-NO-PREFIX", f'damaged: its "DICM" is at offset {at}, not at 128')
        raise HeaderError("FS-FILE-NOT-DICOM", 'not a DICOM file: no "DICM" at offset 128')
    return _read_foreign(read, wanted)


def _read_foreign(read: Reading, wanted: Wanted) -> Header:
    from fileset.dicom.header_by_pydicom import read_foreign

    return read_foreign(read, wanted)


def _learn(layouts: Layouts, data: bytes, header: Header, wanted: Wanted) -> Recognised | None:
    syntax = header.meta.get(tags.TRANSFER_SYNTAX_UID, b"").rstrip(b"\0 ")
    keys = wanted.for_class(header.values.get(tags.SOP_CLASS_UID, b""))
    if keys is not wanted.any and syntax not in _NOT_LEARNT:
        return layouts.learn(data, keys.tags | META_TAGS, keys.last)
    return None


def syntax_of(transfer_syntax: bytes) -> Syntax:
    """Return how elements are encoded: all but two transfer syntaxes are Explicit VR Little Endian (PS3.5 A.4)."""
    return _SYNTAXES.get(transfer_syntax, EXPLICIT_LITTLE)


def looks_like_data_set(data: bytes) -> bool:
    """Guess whether bytes without a preamble start with an element of group 0002 or 0008, in any encoding."""
    if len(data) < 8:
        return False
    group, _, vr, _ = _HEAD(data, 0)
    has_vr = vr in SHORT_VRS or vr in LONG_VRS
    if group in (0x0200, 0x0800):  # Big Endian
        return has_vr
    return group in (0x0002, 0x0008) and (has_vr or _LENGTH(data, 4)[0] < 1024)


def _read_usual(data: bytes, read: Reading, wanted: Wanted) -> Header:
    meta, at, data = _file_meta(data, read)
    syntax = meta.get(tags.TRANSFER_SYNTAX_UID, b"").rstrip(b"\0 ")
    if not syntax or at == len(data):
        raise UnusualError
    if syntax in DEFLATED:
        return Header(meta, _inflated_values(_Inflated(read, at), wanted))
    values: dict[int, bytes] = {}
    _walk_windows(syntax_of(syntax), data, at, read, wanted, values)
    return Header(meta, values)


def _inflated_values(read: Reading, wanted: Wanted) -> dict[int, bytes]:
    values: dict[int, bytes] = {}
    try:
        _walk_windows(EXPLICIT_LITTLE, read(0, FIRST_READ), 0, read, wanted, values)
    except (UnusualError, FormatError, error):
        return _read_foreign(read, wanted).values
    return values


def _file_meta(data: bytes, read: Reading) -> tuple[dict[int, bytes], int, bytes]:
    # Do not trust the group length (0002,0000): the group ends where another group starts.
    meta: dict[int, bytes] = {}
    at = 132
    while True:
        if at + 12 > len(data):
            data = read(0, 2 * at + FIRST_READ)
            if at == len(data):
                return meta, at, data
        group, number, vr, length = _HEAD(data, at)
        if group != 2:
            return meta, at, data
        value = at + 8
        if vr not in SHORT_VRS:
            length = _LENGTH(data, value)[0]
            value += 4
        at = value + length
        if at > LARGEST_META:
            raise HeaderError("FS-FILE-BAD-HEADER", f"File Meta Information of more than {LARGEST_META} bytes")
        if at > len(data):
            data = read(0, 2 * at + FIRST_READ)
            if at > len(data):
                raise UnusualError
        tag = group << 16 | number
        if tag in IDENTIFYING_META_TAGS:
            meta[tag] = data[value:at]


def _walk_windows(
    syntax: Syntax, data: bytes, at: int, read: Reading, wanted: Wanted, values: dict[int, bytes]
) -> None:
    # Skip a long value that is not wanted: the next window starts after it.
    base, size = 0, max(len(data), FIRST_READ)
    ends = len(data) < FIRST_READ or not read(len(data), 1)
    while True:
        margin = 8 if ends else 12
        stopped = _walk(syntax, data, at, len(data) - margin, wanted, values)
        if stopped == DONE:
            return
        if ends:
            if stopped == len(data):
                return
            raise UnusualError  # the file ends inside an element
        size = size * 8 if stopped == at else FIRST_READ
        if size > LARGEST_VALUE:
            raise UnusualError
        base, at = base + stopped, 0
        data = read(base, size)
        ends = len(data) < size
        if not data and not read(base - 1, 1):
            raise UnusualError  # an element exceeds the file


def _walk(syntax: Syntax, data: bytes, at: int, limit: int, wanted: Wanted, values: dict[int, bytes]) -> int:
    keys = wanted.for_class(values.get(tags.SOP_CLASS_UID, b""))
    kept, last, previous, end, vr = keys.tags, keys.last, 0, len(data), b""
    head, long, little, explicit = syntax.header, syntax.long, syntax.little, syntax.explicit
    while at <= limit:
        if explicit:
            group, number, vr, length = head(data, at)
        else:
            group, number, length = head(data, at)
        start = at
        tag = group << 16 | number
        if tag > last:
            return DONE
        if tag <= previous:
            raise UnusualError  # out of order, or twice
        value = at + 8
        if explicit and vr not in SHORT_VRS:
            if vr not in LONG_VRS:
                raise UnusualError
            length = long(data, value)[0]
            value += 4
        previous = tag
        at = following = value + length
        if length == UNDEFINED:
            if tag in PIXEL_DATA:
                values[tag] = b""
                return DONE
            try:
                at, following = skip_undefined(data, value, end, IMPLICIT_LITTLE if vr == b"UN" else syntax)
            except FormatError:
                return start  # probably the window is too small: try a larger one
        if tag in kept:
            if vr == b"UN" or (tag in wanted.sequences) is not (vr == b"SQ"):
                raise UnusualError  # in Implicit VR, the items need the data dictionary
            if (length == UNDEFINED and not explicit) or (vr == b"SQ" and not little):
                raise UnusualError
            if at > end:
                return start
            values[tag] = data[value:at] if little else little_endian(data[value:at], vr.decode("ascii"))
            if tag == tags.SOP_CLASS_UID:
                kept, last = _narrow(values, wanted)
        elif tag in PIXEL_DATA:
            values[tag] = b""
            return DONE
        at = following
    return at


def _narrow(values: dict[int, bytes], wanted: Wanted) -> tuple[frozenset[int], int]:
    """Narrow the wanted tags now that the SOP class is known, and drop the values of other classes."""
    keys = wanted.for_class(values[tags.SOP_CLASS_UID])
    for tag in values.keys() - keys.tags:
        del values[tag]
    return keys.tags, keys.last


def little_endian(value: bytes, vr: str) -> bytes:
    """Convert a Big Endian value to Little Endian (PS3.5 7.3)."""
    return swapped(value, NUMBER_SIZES.get(vr, 1))


class _Inflated:
    """Random access to a deflated data set: inflates only the requested part, and at most 64 MiB."""

    def __init__(self, read: Reading, start: int) -> None:
        self._read = read
        self._at = start
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._data = bytearray()

    def __call__(self, at: int, size: int) -> bytes:
        if at + size > LARGEST_VALUE + FIRST_READ:
            raise UnusualError
        while len(self._data) < at + size and not self._inflater.eof:
            packed = self._inflater.unconsumed_tail or self._next()
            if not packed:
                break
            try:
                self._data += self._inflater.decompress(packed, at + size - len(self._data))
            except zlib.error as problem:
                raise HeaderError("FS-FILE-BAD-HEADER", f"the deflated data set is damaged: {problem}") from None
        return bytes(self._data[at : at + size])

    def _next(self) -> bytes:
        packed = self._read(self._at, FIRST_READ)
        self._at += len(packed)
        return packed
