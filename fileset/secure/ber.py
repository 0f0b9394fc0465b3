"""Decode nested elements of the Basic Encoding Rules at any position of a file, and encode them by DER (X.690).

The decoder reads only headers: an envelope of 4 GB needs no more memory than one of 4 kB. Depth and number of elements
are limited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from attrs import frozen

from fileset.secure.errors import damaged

Reading = Callable[[int, int], bytes]
"""A function `(position, size)` that returns up to `size` bytes from there."""

DEEPEST: Final = 16
"""Most levels of nested elements of indefinite length."""
MOST_ELEMENTS: Final = 1 << 20
"""Most parts of an element, and pieces of a string: OpenSSL writes 4 GB in about 500,000."""
_LONGEST_HEADER: Final = 10
_CONSTRUCTED: Final = 0x20


@frozen
class BerElement:
    """An element: first byte, position, position of the content, and end (None if the length is indefinite)."""

    tag: int
    at: int
    content: int
    end: int | None

    @property
    def is_constructed(self) -> bool:
        """Whether the content consists of elements."""
        return bool(self.tag & _CONSTRUCTED)


@frozen
class Decoder:
    """Decodes elements in the first `size` bytes of the data that `read` accesses."""

    read: Reading
    size: int

    def element(self, at: int, limit: int | None = None) -> BerElement:
        """Read the element at a position, which ends before `limit`. Raises `SecureError` if there is none."""
        limit = self.size if limit is None else limit
        head = self.read(at, min(_LONGEST_HEADER, limit - at)) if 0 <= at < limit else b""
        if len(head) < 2:
            raise damaged("it is cut off")
        if head[0] & 0x1F == 0x1F:
            raise damaged("an element has a tag that CMS does not have")
        if head[1] == 0x80:
            if not head[0] & _CONSTRUCTED:
                raise damaged("a primitive element has no length")
            return BerElement(head[0], at, at + 2, None)
        more = head[1] & 0x7F if head[1] & 0x80 else 0
        if more > 8 or len(head) < 2 + more:
            raise damaged("an element has an impossible length")
        length = int.from_bytes(head[2 : 2 + more], "big") if more else head[1]
        content = at + 2 + more
        if content + length > limit:
            raise damaged("an element is longer than the one that contains it")
        return BerElement(head[0], at, content, content + length)

    def children(self, parent: BerElement, depth: int = 0) -> Iterator[BerElement]:
        """Read the elements in a constructed element, in order."""
        at, limit = parent.content, self.size if parent.end is None else parent.end
        for _ in range(MOST_ELEMENTS):
            if parent.end is None:
                if self.read(at, 2) == b"\0\0":
                    return
            elif at == limit:
                return
            child = self.element(at, limit)
            yield child
            at = self.after(child, depth + 1)
        raise damaged(f"an element has more than {MOST_ELEMENTS} parts")

    def after(self, found: BerElement, depth: int = 0) -> int:
        """Find the position after an element."""
        if found.end is not None:
            return found.end
        if depth > DEEPEST:
            raise damaged(f"elements are nested more than {DEEPEST} levels deep")
        at = found.content
        for _ in range(MOST_ELEMENTS):
            if self.read(at, 2) == b"\0\0":
                return at + 2
            at = self.after(self.element(at), depth + 1)
        raise damaged(f"an element has more than {MOST_ELEMENTS} parts")

    def only(self, parent: BerElement, tag: int) -> BerElement:
        """Read the first child, the only one of an explicit tag. Raises `SecureError` if it has another tag than `tag`."""
        child = next(self.children(parent), None)
        if child is None or child.tag != tag:
            raise damaged(f"the element {tag:02X}H is missing")
        return child

    def bytes_of(self, found: BerElement, most: int) -> bytes:
        """Read a whole element with its header. Raises `SecureError` if it has more than `most` bytes."""
        size = self.after(found) - found.at
        if size > most:
            raise damaged(f"a part has {size} bytes; at most {most} are read")
        return self.read(found.at, size)

    def identifier(self, found: BerElement) -> str:
        """Decode an OBJECT IDENTIFIER into dotted form."""
        if found.tag != 0x06 or found.end is None or not 0 < found.end - found.content <= 64:
            raise damaged("an object identifier is missing")
        raw = self.read(found.content, found.end - found.content)
        numbers, value = list[int](), 0
        for byte in raw:
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                numbers.append(value)
                value = 0
        if not numbers:
            raise damaged("an object identifier is cut off")
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))

    def pieces(self, found: BerElement, depth: int = 0) -> Iterator[tuple[int, int]]:
        """Find position and length of each piece of an octet string; pieces may be nested (X.690 8.7)."""
        if not found.is_constructed:
            yield found.content, (found.end or 0) - found.content
            return
        if depth > DEEPEST:
            raise damaged(f"elements are nested more than {DEEPEST} levels deep")
        for child in self.children(found, depth):
            if child.tag & ~_CONSTRUCTED != 0x04:
                raise damaged("an octet string has pieces of another kind")
            yield from self.pieces(child, depth + 1)


NULL: Final = b"\x05\x00"
SEQUENCE, SET, OCTETS = 0x30, 0x31, 0x04


def header(tag: int, length: int) -> bytes:
    """Encode tag and length of an element with `length` bytes of content."""
    if length < 0x80:
        return bytes((tag, length))
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big")


def element(tag: int, *parts: bytes) -> bytes:
    """Encode an element."""
    content = b"".join(parts)
    return header(tag, len(content)) + content


def sequence(*parts: bytes) -> bytes:
    """Encode a SEQUENCE."""
    return element(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """Encode a SET OF, in the order that DER demands."""
    return element(SET, *sorted(parts))


def octets(content: bytes) -> bytes:
    """Encode an OCTET STRING."""
    return element(OCTETS, content)


def integer(value: int) -> bytes:
    """Encode an INTEGER of 0 or more."""
    return element(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def identifier(dotted: str) -> bytes:
    """Encode an OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    return element(0x06, *map(_base128, (40 * first + second, *rest)))


def _base128(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(0x80 | value & 0x7F)
    return bytes(reversed(digits))
