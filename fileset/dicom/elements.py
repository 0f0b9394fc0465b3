"""Read data elements in the three classic encodings, and write Explicit VR Little Endian (PS3.5 7.1, 7.5).

Reading is iterative and checks every length, so that no input can make it hang, recurse or leave its buffer. Any bytes
give elements, or a `FormatError` with the offset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct, error
from typing import Any, Final, NamedTuple

from attrs import field, frozen

from fileset.errors import FormatError
from fileset.standard import tags

Unpack = Callable[..., tuple[Any, ...]]

UNDEFINED: Final = 0xFFFFFFFF
ITEM: Final = 0xFFFEE000
ITEM_END: Final = 0xFFFEE00D
SEQUENCE_END: Final = 0xFFFEE0DD
MAX_DEPTH: Final = 64
"""Limit for nested sequences: no IOD needs a tenth of it."""

SHORT_VRS: Final = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
"""VRs with a 16-bit length (PS3.5 7.1.2). All others have two reserved bytes and a 32-bit length."""
NUMBER_SIZES: Final = {
    **dict.fromkeys(("US", "SS", "OW", "AT"), 2),
    **dict.fromkeys(("UL", "SL", "FL", "OF", "OL"), 4),
    **dict.fromkeys(("FD", "OD", "SV", "UV", "OV"), 8),
}
"""Bytes of one number in values whose byte order is that of the data set (PS3.5 7.3)."""
LONG_VRS: Final = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))


@frozen
class Syntax:
    """An encoding of data elements: with or without VR, little or big endian."""

    explicit: bool
    little: bool
    header: Unpack = field(init=False, eq=False, repr=False)
    long: Unpack = field(init=False, eq=False, repr=False)
    short: Unpack = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        order = "<" if self.little else ">"
        form = "HH2sH" if self.explicit else "HHI"
        for name, layout in (("header", form), ("long", "I"), ("short", "H")):
            object.__setattr__(self, name, Struct(order + layout).unpack_from)


EXPLICIT_LITTLE: Final = Syntax(explicit=True, little=True)
IMPLICIT_LITTLE: Final = Syntax(explicit=False, little=True)
EXPLICIT_BIG: Final = Syntax(explicit=True, little=False)


class Element(NamedTuple):
    """The position of a data element; all offsets count from the start of the buffer."""

    tag: int
    vr: bytes  # b"" where the encoding carries none
    at: int
    value_at: int
    value_end: int
    end: int

    @property
    def is_group_length(self) -> bool:
        """Whether it is the length of its group: retired, and wrong once an element changes (PS3.5 7.2)."""
        return self.tag & 0xFFFF == 0


def element_header(data: bytes, at: int, syntax: Syntax) -> tuple[int, bytes, int, int]:
    """Decode (tag, VR or b"", offset of the value, length) of the element at `at`."""
    try:
        if not syntax.explicit:
            group, number, length = syntax.header(data, at)
            return group << 16 | number, b"", at + 8, length
        group, number, vr, length = syntax.header(data, at)
        if group == 0xFFFE:  # items and delimiters have no VR in any syntax
            return group << 16 | number, b"", at + 8, syntax.long(data, at + 4)[0]
        if vr in SHORT_VRS:
            return group << 16 | number, vr, at + 8, length
        if vr not in LONG_VRS and not (vr.isalpha() and vr.isupper()):
            raise FormatError(f"{vr.decode('latin-1')!a} is not a VR", offset=at)
        return group << 16 | number, vr, at + 12, syntax.long(data, at + 8)[0]
    except error:
        raise FormatError("the data ends inside the header of a data element", offset=at) from None


def skip_undefined(data: bytes, at: int, end: int, syntax: Syntax) -> tuple[int, int]:
    """Find (end of the content, offset after its delimiter) of a sequence or encapsulated value of undefined length.

    `at` is the offset of its first item.
    """
    return _skip(data, at, end, [(True, syntax)])


def skip_undefined_item(data: bytes, at: int, end: int, syntax: Syntax) -> tuple[int, int]:
    """Find the same for an item of undefined length whose first element starts at `at`."""
    return _skip(data, at, end, [(False, syntax)])


def _skip(data: bytes, at: int, end: int, stack: list[tuple[bool, Syntax]]) -> tuple[int, int]:
    # For each level: whether it is a sequence (else an item), and the encoding of its elements.
    while True:
        in_sequence, inner = stack[-1]
        tag, vr, value_at, length = element_header(data, at, inner)
        if value_at > end:
            raise FormatError("the data ends inside the header of a data element", offset=at)
        if tag == (SEQUENCE_END if in_sequence else ITEM_END):
            stack.pop()
            if not stack:
                return at, value_at
            at = value_at
            continue
        if (tag == ITEM) is not in_sequence or tag in (ITEM_END, SEQUENCE_END):
            raise FormatError(f"{tags.text(tag)} is not allowed here", offset=at)
        if length == UNDEFINED:
            # PS3.5 6.2.2: the content of a UN element of undefined length is Implicit VR Little Endian
            stack.append((not in_sequence, IMPLICIT_LITTLE if vr == b"UN" else inner))
            if len(stack) > 2 * MAX_DEPTH:
                raise FormatError(f"sequences nested more than {MAX_DEPTH} deep", offset=at)
            at = value_at
            continue
        at = value_at + length
        if at > end:
            raise FormatError(f"a length of {length} exceeds the data", offset=value_at)


def element_at(data: bytes, at: int, end: int, syntax: Syntax) -> Element:
    """Parse the element at `at` in an area that ends at `end`."""
    tag, vr, value_at, length = element_header(data, at, syntax)
    if length != UNDEFINED:
        stop = value_at + length
        if stop > end:
            raise FormatError(f"a length of {length} exceeds the data", offset=at)
        return Element(tag, vr, at, value_at, stop, stop)
    skip = skip_undefined_item if tag == ITEM else skip_undefined
    stop, following = skip(data, value_at, end, IMPLICIT_LITTLE if vr == b"UN" else syntax)
    return Element(tag, vr, at, value_at, stop, following)


def elements(data: bytes, at: int, end: int, syntax: Syntax) -> Iterator[Element]:
    """Yield the elements (or the items of a sequence) between `at` and `end`."""
    while at < end:
        element = element_at(data, at, end, syntax)
        yield element
        at = element.end


def items(data: bytes, value_at: int, value_end: int, syntax: Syntax) -> Iterator[Element]:
    """Yield the items of a sequence value."""
    for item in elements(data, value_at, value_end, syntax):
        if item.tag != ITEM:
            raise FormatError(f"{tags.text(item.tag)} instead of an item", offset=item.at)
        yield item


def swapped(value: bytes, width: int) -> bytes:
    """Reverse the byte order of numbers of `width` bytes (PS3.5 7.3)."""
    out = bytearray(value)
    whole = len(value) - len(value) % width
    for at in range(width):
        out[at:whole:width] = value[width - 1 - at : whole : width]
    return bytes(out)


# ---------------------------------------------------------------- writing, always Explicit VR Little Endian

_SHORT: Final = Struct("<HH2sH").pack
_LONG: Final = Struct("<HH2sHI").pack
ITEM_TAG: Final = b"\xfe\xff\0\xe0"
"""The encoded tag of an item in Little Endian."""
ITEM_DELIMITER: Final = b"\xfe\xff\x0d\xe0\0\0\0\0"
SEQUENCE_DELIMITER: Final = b"\xfe\xff\xdd\xe0\0\0\0\0"
_ITEM: Final = Struct("<HHI").pack


def pad(value: bytes, vr: str) -> bytes:
    """Pad `value` to even length as its VR requires (PS3.5 6.2)."""
    if len(value) % 2:
        return value + (b"\0" if vr in ("UI", "OB", "UN") else b" ")
    return value


def element(tag: int, vr: str, value: bytes) -> bytes:
    """Encode a data element; `value` is padded to even length."""
    value = pad(value, vr)
    code = vr.encode("ascii")
    if code not in SHORT_VRS:
        return _LONG(tag >> 16, tag & 0xFFFF, code, 0, len(value)) + value
    if len(value) > 0xFFFE:  # PS3.5 6.2.2: a short-form VR that does not fit becomes UN
        return _LONG(tag >> 16, tag & 0xFFFF, b"UN", 0, len(value)) + value
    return _SHORT(tag >> 16, tag & 0xFFFF, code, len(value)) + value


def item(content: bytes) -> bytes:
    """Encode an item of explicit length."""
    return _ITEM(0xFFFE, 0xE000, len(content)) + content
