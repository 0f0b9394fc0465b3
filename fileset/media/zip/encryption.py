"""Members of a ZIP archive with a password: AES of WinZip (AE-1, AE-2; APPNOTE 7.2), and ZipCrypto for reading (APPNOTE 6.1).

pyzipper has the ciphers. A member is verified before any of its bytes is returned.
"""

from __future__ import annotations

import io
import struct
from collections import deque
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any, BinaryIO, Final, cast

from attrs import frozen

from fileset.errors import Advice, FormatError, RuleError
from fileset.media.seekable import ForwardFile
from fileset.media.zip.format import ExtraField, extra_fields

_SALTS: Final = {1: 8, 2: 12, 3: 16}
_VERIFIER: Final = 2
_MAC: Final = 10
_AE_2: Final = 2
_AES_256: Final = 3
AES_OVERHEAD: Final = _SALTS[_AES_256] + _VERIFIER + _MAC
"""Number of bytes by which AES-256 enlarges a member."""
AES_EXTRA: Final = 11
ZIPCRYPTO_HEAD: Final = 12

IN_MEMORY: Final = 16 << 20
"""Members up to this number of bytes are decrypted at once, larger ones piece by piece."""
LARGEST_ZIPCRYPTO: Final = 512 << 20
"""Largest size in bytes of a member with ZipCrypto: it must be decrypted at once, which is slow."""
PIECE: Final = 1 << 20


@frozen
class Lock:
    """The encryption of a member: AES with a `strength` from 1 to 3, or ZipCrypto (0); `check` verifies its password."""

    strength: int
    check: int = 0

    @property
    def overhead(self) -> int:
        """Number of bytes that the encryption adds to the packed data."""
        return _SALTS[self.strength] + _VERIFIER + _MAC if self.strength else ZIPCRYPTO_HEAD


def require_pyzipper() -> None:
    """Raise `RuleError` if pyzipper is not installed."""
    try:
        import pyzipper  # noqa: F401  # whether it can be imported is the question
    except ImportError as problem:
        raise RuleError(
            "a ZIP archive with a password needs the library pyzipper, which is not installed",
            advice='pip install "dicom-fileset[secure]"',
        ) from problem


def aes_field(extra: bytes) -> tuple[int, int, int] | None:
    """Read version, strength and compression method in the extra field of AES, None if there is no such field."""
    for kind, value in extra_fields(extra):
        if kind == ExtraField.AES and len(value) >= 7:
            version, vendor, strength, method = struct.unpack_from("<H2sBH", value)
            return (version, strength, method) if vendor == b"AE" and strength in _SALTS else None
    return None


def unlocked(packed: BinaryIO, size: int, lock: Lock, password: bytes, name: str) -> BinaryIO:
    """Decrypt the packed bytes of a member; `packed` has `size` bytes and is closed with it.

    Raises `FormatError` for a wrong password, and if the member was changed.
    """
    if lock.strength:
        if size < lock.overhead:
            raise FormatError("is too short for an encrypted member", path=name)
        opened = _Aes(packed, size, lock, password, name)
        if size > IN_MEMORY:
            deque(opened.verified(), maxlen=0)
            return cast("BinaryIO", io.BufferedReader(opened, PIECE))
        with opened:
            return io.BytesIO(b"".join(opened.verified()))
    if size > LARGEST_ZIPCRYPTO:
        raise FormatError("is encrypted with ZipCrypto and too large to be decrypted here", path=name)
    with packed:
        return io.BytesIO(_zipcrypto(packed.read(size), lock, password, name))


def _zipcrypto(data: bytes, lock: Lock, password: bytes, name: str) -> bytes:
    from pyzipper.zipfile import CRCZipDecrypter

    member = SimpleNamespace(filename=name, use_datadescripter=False, CRC=lock.check << 24)
    try:
        decrypter = CRCZipDecrypter(member, password, data[:ZIPCRYPTO_HEAD])
    except (RuntimeError, IndexError) as problem:
        raise wrong_password(name) from problem
    return bytes(decrypter.decrypt(data[ZIPCRYPTO_HEAD:]))


def wrong_password(name: str) -> FormatError:
    """Return the error for a wrong password."""
    return FormatError("the password of the archive is wrong", path=name, rule="FS-ZIP-PASSWORD", advice=_ADVICE)


_ADVICE: Final = Advice(
    "Give the right one: `security=Security(zip_password=...)`", "Give the right one with --zip-password-file"
)


class _Aes(ForwardFile):
    """The bytes of a member with AES encryption."""

    def __init__(self, packed: BinaryIO, size: int, lock: Lock, password: bytes, name: str) -> None:
        self._name, self._password = name, password
        self._member = SimpleNamespace(filename=name, wz_aes_strength=lock.strength)
        self._data_at = _SALTS[lock.strength] + _VERIFIER
        super().__init__(packed, size - lock.overhead)

    def _restart(self) -> None:
        from pyzipper.zipfile_aes import AESZipDecrypter

        super()._restart()
        try:
            self._cipher: Any = AESZipDecrypter(self._member, self._password, self._packed.read(self._data_at))
        except (RuntimeError, ValueError, struct.error) as problem:
            raise wrong_password(self._name) from problem

    def verified(self) -> Iterator[bytes]:
        """Yield all bytes. In the end, raise `FormatError` unless the authentication code proves that they are unchanged."""
        from pyzipper import BadZipFile

        while self._piece_at + len(self._piece) < self._size:
            yield self._advance()
        try:
            self._cipher.check_hmac(self._packed.read(_MAC))
        except BadZipFile as problem:
            reason = "was changed: its authentication code is wrong"
            raise FormatError(reason, path=self._name, rule="FS-ZIP-CHANGED") from problem
        self._restart()

    def _next(self) -> bytes:
        data = self._packed.read(min(PIECE, self._size - self._piece_at))
        if not data:
            raise FormatError("is cut off", path=self._name)
        return bytes(self._cipher.decrypt(data))


def locked(chunks: Iterable[bytes | bytearray], password: bytes) -> Iterator[bytes]:
    """Encrypt a new member with AES-256 (AE-2): its own salt, and no CRC-32, which would reveal its content."""
    from pyzipper.zipfile_aes import AESZipEncrypter

    cipher: Any = AESZipEncrypter(password, nbits=256, force_wz_aes_version=_AE_2)
    yield bytes(cipher.encryption_header())
    for chunk in chunks:
        yield bytes(cipher.encrypt(bytes(chunk)))
    yield bytes(cipher.flush())  # the authentication code


def locked_extra(method: int) -> bytes:
    """Build the extra field of a member with AES-256 encryption, packed by `method`."""
    return struct.pack("<2HH2sBH", ExtraField.AES, 7, _AE_2, b"AE", _AES_256, method)
