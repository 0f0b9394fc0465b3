"""DIMSE messages of C-STORE and C-ECHO (PS3.7 9.3) and the PDUs that carry them (PS3.8 9.3.5), as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Final

from fileset.dicom.elements import IMPLICIT_LITTLE, elements, pad

C_STORE: Final = 0x0001
C_ECHO: Final = 0x0030
_NO_DATA_SET: Final = 0x0101
_LOW_PRIORITY: Final = 0x0002

_AFFECTED_SOP_CLASS: Final = 0x00000002
_COMMAND: Final = 0x00000100
_MESSAGE_ID: Final = 0x00000110
_RESPONDED_TO: Final = 0x00000120
_PRIORITY: Final = 0x00000700
_DATA_SET_TYPE: Final = 0x00000800
STATUS: Final = 0x00000900
ERROR_COMMENT: Final = 0x00000902
_AFFECTED_SOP_INSTANCE: Final = 0x00001000

P_DATA: Final = 4
_LAST: Final = 2
COMMAND_SET: Final = 1
_PDV: Final = Struct(">BxIIBB").pack
"""PDU type and length, then length, context and control header of the one value in it."""
_PDV_HEADER: Final = Struct(">IBB").unpack_from
_ELEMENT: Final = Struct("<HHI").pack
_GATHERED: Final = 1 << 18
"""Number of bytes that are passed to the system in one call."""


def store_request(message_id: int, sop_class: str, sop_instance: str) -> bytes:
    """Encode the command set of a C-STORE request (PS3.7 9.3.1.1)."""
    return _command_set(
        {
            _AFFECTED_SOP_CLASS: sop_class.encode("ascii"),
            _COMMAND: _short(C_STORE),
            _MESSAGE_ID: _short(message_id),
            _PRIORITY: _short(_LOW_PRIORITY),
            _DATA_SET_TYPE: _short(1),
            _AFFECTED_SOP_INSTANCE: sop_instance.encode("ascii", "replace"),
        }
    )


def echo_request(message_id: int, sop_class: str) -> bytes:
    """Encode the command set of a C-ECHO request (PS3.7 9.3.5.1)."""
    return _command_set(
        {
            _AFFECTED_SOP_CLASS: sop_class.encode("ascii"),
            _COMMAND: _short(C_ECHO),
            _MESSAGE_ID: _short(message_id),
            _DATA_SET_TYPE: _short(_NO_DATA_SET),
        }
    )


def _command_set(values: dict[int, bytes]) -> bytes:
    """Encode elements in Implicit VR Little Endian after their group length (PS3.7 6.3.1)."""
    body = b"".join(_element(tag, value) for tag, value in values.items())
    return _element(0, len(body).to_bytes(4, "little")) + body


def _element(tag: int, value: bytes) -> bytes:
    padded = pad(value, "UI")
    return _ELEMENT(tag >> 16, tag & 0xFFFF, len(padded)) + padded


def _short(number: int) -> bytes:
    return number.to_bytes(2, "little")


def response(command_set: bytes) -> tuple[int, int, str]:
    """Decode a response: the message that it answers, its status and its comment.

    Raises `FormatError` if it is not a command set.
    """
    values = {
        part.tag: command_set[part.value_at : part.value_end]
        for part in elements(command_set, 0, len(command_set), IMPLICIT_LITTLE)
    }
    comment = values.get(ERROR_COMMENT, b"").decode("latin_1").strip(" \0")
    answered, status = (int.from_bytes(values.get(tag, b""), "little") for tag in (_RESPONDED_TO, STATUS))
    return answered, status, comment


# ---------------------------------------------------------------- PDUs


def pdus(context_id: int, chunks: Iterable[bytes], length: int, limit: int, kind: int = 0) -> Iterator[bytes]:
    """Split a message of `length` bytes into PDUs; `kind` is `COMMAND_SET`, or 0 for a data set.

    `limit` is the longest PDU that the peer takes, 0 for any.
    """
    size = min(limit or _GATHERED, _GATHERED) - 6
    rest = b""
    for chunk in chunks:
        view = memoryview(rest + chunk if rest else chunk)  # fragments are copied once, when they are joined
        gathered: list[bytes | memoryview] = []
        at = 0
        while len(view) - at >= size or (len(view) - at == length and length):
            fragment = view[at : at + size]
            at += len(fragment)
            length -= len(fragment)
            control = kind | (0 if length else _LAST)
            gathered += [_PDV(P_DATA, len(fragment) + 6, len(fragment) + 2, context_id, control), fragment]
        if gathered:
            yield b"".join(gathered)
        rest = bytes(view[at:])


def values_of(pdu: bytes) -> Iterator[tuple[bool, bool, bytes]]:
    """Decode the values in a P-DATA PDU: whether it is of a command set, whether it is the last one, and its bytes."""
    at = 0
    while at + 6 <= len(pdu):
        length, _, control = _PDV_HEADER(pdu, at)
        yield bool(control & COMMAND_SET), bool(control & _LAST), pdu[at + 6 : at + 4 + length]
        at += 4 + max(length, 2)
