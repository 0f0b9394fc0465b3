"""Keys from passwords: PBKDF2 (RFC 8018) and the key wrap of RFC 3211, as PS3.15 D.1 demands them."""

from __future__ import annotations

import hashlib
import os
from functools import cached_property, lru_cache
from typing import Final

from attrs import field, frozen

from fileset.errors import RuleError
from fileset.secure.ber import element, identifier, integer, octets, sequence
from fileset.secure.ciphers import decrypted, encrypted
from fileset.secure.names import AES_256, PASSWORD_WRAP, PBKDF2

ROUNDS: Final = 200_000
"""Rounds of PBKDF2 for new files: they take about 0.1 s, once for a file-set."""
MOST_ROUNDS: Final = 5_000_000
"""Most rounds that a reader computes for one file: more would take minutes."""
_CHECKED: Final = 3


def checked(password: str) -> bytes:
    """Encode a password as bytes. Raises `RuleError` if it is empty or has characters that PS3.15 D.1 does not allow."""
    if not password:
        raise RuleError("the password is empty")
    if not all(" " <= character <= "~" for character in password):
        raise RuleError(
            "the password has a character outside ISO IR 6 (PS3.15 D.1), which other programs could not enter",
            advice="Use only letters without accents, digits, spaces and the signs of a US keyboard",
        )
    return password.encode("ascii")


@lru_cache(maxsize=64)
def derived(password: bytes, salt: bytes, rounds: int, size: int, prf: str) -> bytes:
    """Derive a key with PBKDF2; files that share a salt share the result."""
    return hashlib.pbkdf2_hmac(prf, password, salt, rounds, size)


@frozen
class PasswordRecipient:
    """Wraps keys with a password: one salt for a file-set, so that the key is derived once."""

    _password: bytes = field(repr=False)
    _salt: bytes = field(factory=lambda: os.urandom(16), repr=False)

    version = 3
    """The lowest version of EnvelopedData that allows this recipient (RFC 5652 6.1)."""

    @cached_property
    def _key(self) -> bytes:
        return derived(self._password, self._salt, ROUNDS, 32, "sha1")

    def info(self, key: bytes) -> bytes:
        """Encode the PasswordRecipientInfo for the content encryption key `key` (RFC 5652 6.2.4)."""
        iv = os.urandom(16)
        return element(
            0xA3,
            integer(0),
            element(0xA0, identifier(PBKDF2), sequence(octets(self._salt), integer(ROUNDS), integer(32))),
            sequence(identifier(PASSWORD_WRAP), sequence(identifier(AES_256), octets(iv))),
            octets(wrapped(self._key, iv, key)),
        )


def wrapped(wrapping: bytes, iv: bytes, key: bytes) -> bytes:
    """Wrap a key with AES (RFC 3211 2.3.1)."""
    data = bytes((len(key),)) + bytes(byte ^ 0xFF for byte in key[:_CHECKED]) + key
    data += os.urandom(max(32, -(-len(data) // 16) * 16) - len(data))
    first = encrypted(AES_256, wrapping, iv, data)
    return encrypted(AES_256, wrapping, first[-16:], first)


def unwrapped(cipher: str, wrapping: bytes, iv: bytes, data: bytes) -> bytes | None:
    """Unwrap a key (RFC 3211 2.3.2). None if its check bytes do not match, as after a wrong password."""
    block = len(iv)
    if len(data) < 2 * block or len(data) % block:
        return None
    last = decrypted(cipher, wrapping, data[-2 * block : -block], data[-block:])
    plain = decrypted(cipher, wrapping, iv, decrypted(cipher, wrapping, last, data))
    key = plain[1 + _CHECKED : 1 + _CHECKED + plain[0]]
    is_right = len(key) == plain[0] and bytes(byte ^ 0xFF for byte in key[:_CHECKED]) == plain[1 : 1 + _CHECKED]
    return key if is_right else None
