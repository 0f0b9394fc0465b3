"""Encrypt a DICOM file while it is copied: EnvelopedData with DigestedData or SignedData inside (PS3.15 D.1).

All lengths are definite and follow from the size of the file. So both layers are written in one pass, and the writer of an
image knows the size of each envelope beforehand.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Final

from attrs import field, frozen

from fileset.errors import MediumError
from fileset.secure.ber import NULL, OCTETS, SEQUENCE, element, header, identifier, integer, octets, sequence, set_of
from fileset.secure.certificates import CertificateRecipient, Signer, issuer_and_serial
from fileset.secure.ciphers import cbc
from fileset.secure.names import (
    AES_256,
    CONTENT_TYPE,
    DATA,
    DIGESTED,
    ENVELOPED,
    MESSAGE_DIGEST,
    RSA,
    SHA_256,
    SIGNED,
    SIGNING_TIME,
)
from fileset.secure.passwords import PasswordRecipient

BLOCK: Final = 16
_DIGEST: Final = sequence(identifier(SHA_256), NULL)
_NO_DIGEST: Final = bytes(32)


@frozen
class Digested:
    """DigestedData with SHA-256 (RFC 5652 7): it shows accidental changes, and changes by people without a key."""

    content_type = DIGESTED
    tail_size = len(octets(_NO_DIGEST))

    def head(self, size: int) -> bytes:
        """Encode the part before a content of `size` bytes."""
        return _head(size, integer(0) + _DIGEST, self.tail_size)

    def tail(self, digest: bytes) -> bytes:
        """Encode the part after a content with this SHA-256: the digest."""
        return octets(digest)


@frozen
class Signed:
    """SignedData with one RSA signature and SHA-256 (RFC 5652 5)."""

    signer: Signer
    _time: datetime = field(factory=lambda: datetime.now(UTC))

    content_type = SIGNED

    @cached_property
    def tail_size(self) -> int:
        """Size of certificates and signature in bytes: a signature is as long as its key."""
        return len(self._around(bytes((self.signer.key.key_size + 7) // 8), _NO_DIGEST))

    def head(self, size: int) -> bytes:
        """Encode the part before a content of `size` bytes."""
        return _head(size, integer(1) + set_of(_DIGEST), self.tail_size)

    def tail(self, digest: bytes) -> bytes:
        """Encode the part after a content with this SHA-256: the certificates and the signature."""
        signed = element(0x31, *self._attributes(digest))
        return self._around(self.signer.sign(signed), digest)

    def _attributes(self, digest: bytes) -> list[bytes]:
        time = element(0x17, self._time.strftime("%y%m%d%H%M%SZ").encode("ascii"))
        values = ((CONTENT_TYPE, identifier(DATA)), (SIGNING_TIME, time), (MESSAGE_DIGEST, octets(digest)))
        return sorted(sequence(identifier(name), element(0x31, value)) for name, value in values)

    def _around(self, signature: bytes, digest: bytes) -> bytes:
        info = sequence(
            integer(1),
            issuer_and_serial(self.signer.certificate),
            _DIGEST,
            element(0xA0, *self._attributes(digest)),
            sequence(identifier(RSA), NULL),
            octets(signature),
        )
        return self.signer.certificates() + set_of(info)


def _head(size: int, first: bytes, tail: int) -> bytes:
    """Encode the start of a layer: a content of `size` bytes and a tail of `tail` bytes follow."""
    string = header(OCTETS, size)
    explicit = header(0xA0, len(string) + size) + string
    content = identifier(DATA) + explicit
    body = first + header(SEQUENCE, len(content) + size) + content
    return header(SEQUENCE, len(body) + size + tail) + body


@frozen
class Sealer:
    """Encrypts files for its recipients with AES-256 in CBC mode: a new key and initial vector for each file."""

    recipients: Sequence[CertificateRecipient | PasswordRecipient]
    protection: Digested | Signed

    def size(self, size: int) -> int:
        """Compute the size of the envelope of a file of `size` bytes."""
        encrypted = self._encrypted(size)
        return len(self._envelope(bytes(32), bytes(BLOCK), encrypted)) + encrypted

    @property
    def most(self) -> int:
        """The most bytes that an envelope adds to its file."""
        return self.size(1 << 40) - (1 << 40)

    def chunks(self, chunks: Iterable[bytes | bytearray], size: int) -> Iterator[bytes]:
        """Yield the envelope of a file of `size` bytes. Raises `MediumError` if the chunks have another size."""
        key, iv = os.urandom(32), os.urandom(BLOCK)
        encryptor = cbc(AES_256, key, iv).encryptor()
        digest, seen = sha256(), 0
        yield self._envelope(key, iv, self._encrypted(size)) + encryptor.update(self.protection.head(size))
        for chunk in chunks:
            digest.update(chunk)
            seen += len(chunk)
            yield encryptor.update(chunk)
        if seen != size:
            raise MediumError(f"{seen} bytes came, {size} were expected: the file changed while it was encrypted")
        tail = self.protection.tail(digest.digest())
        padding = self._encrypted(size) - self._inner(size)
        yield encryptor.update(tail + bytes((padding,)) * padding) + encryptor.finalize()

    def _encrypted(self, size: int) -> int:
        return (self._inner(size) // BLOCK + 1) * BLOCK

    def _inner(self, size: int) -> int:
        return len(self.protection.head(size)) + size + self.protection.tail_size

    def _envelope(self, key: bytes, iv: bytes, encrypted: int) -> bytes:
        """Encode the envelope up to its encrypted content, of `encrypted` bytes, which ends it."""
        version = max(recipient.version for recipient in self.recipients)
        infos = set_of(*(recipient.info(key) for recipient in self.recipients))
        cipher = sequence(identifier(AES_256), octets(iv))
        content = identifier(self.protection.content_type) + cipher + header(0x80, encrypted)
        body = integer(version) + infos + header(SEQUENCE, len(content) + encrypted) + content
        explicit = header(SEQUENCE, len(body) + encrypted) + body
        whole = identifier(ENVELOPED) + header(0xA0, len(explicit) + encrypted) + explicit
        return header(SEQUENCE, len(whole) + encrypted) + whole
