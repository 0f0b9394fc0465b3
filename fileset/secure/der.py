"""Encoding by the Distinguished Encoding Rules (X.690), as far as envelopes need it."""

from __future__ import annotations

from typing import Final

NULL: Final = b"\x05\x00"
SEQUENCE, SET, OCTETS = 0x30, 0x31, 0x04


def header(tag: int, length: int) -> bytes:
    """Tag and length of an element with `length` bytes of content."""
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
