"""AES and Triple-DES in CBC mode, by the library `cryptography`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from fileset.secure.errors import ALGORITHM, SecureError, damaged
from fileset.secure.names import CIPHERS
from fileset.secure.spliced import Decrypt

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import ciphers

_TRIPLE_DES: Final = "1.2.840.113549.3.7"


def algorithm(cipher: str) -> tuple[str, int, int]:
    """Look up name, size of the key and size of a block in bytes. Raises `SecureError` for a cipher outside PS3.15 D.1."""
    if cipher not in CIPHERS:
        raise SecureError(f"is encrypted with {cipher}, not with AES or Triple-DES in CBC mode", rule=ALGORITHM)
    return *CIPHERS[cipher], 8 if cipher == _TRIPLE_DES else 16


def cbc(cipher: str, key: bytes, iv: bytes) -> ciphers.Cipher[ciphers.modes.CBC]:
    """Make a cipher. Raises `SecureError` if the key or initial vector has the wrong length."""
    from cryptography.hazmat.primitives.ciphers import Cipher as CipherOf
    from cryptography.hazmat.primitives.ciphers import algorithms, modes

    _, size, block = algorithm(cipher)
    if len(key) != size or len(iv) != block:
        raise damaged("its key or initial vector has the wrong length for the cipher")
    if cipher == _TRIPLE_DES:
        from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES

        return CipherOf(TripleDES(key), modes.CBC(iv))
    return CipherOf(algorithms.AES(key), modes.CBC(iv))


def encrypted(cipher: str, key: bytes, iv: bytes, data: bytes) -> bytes:
    """Encrypt whole blocks."""
    return cbc(cipher, key, iv).encryptor().update(data)


def decrypted(cipher: str, key: bytes, iv: bytes, data: bytes) -> bytes:
    """Decrypt whole blocks."""
    return cbc(cipher, key, iv).decryptor().update(data)


def decrypting(cipher: str, key: bytes, iv: bytes) -> Decrypt:
    """Make a function that decrypts blocks at any position. Raises `SecureError` as `cbc` for this initial vector."""
    cbc(cipher, key, iv)
    return partial(decrypted, cipher, key)
