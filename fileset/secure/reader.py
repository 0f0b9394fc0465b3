"""Open a Secure DICOM File: decrypt it and verify its digest or signatures before a caller gets any byte of the content.

A first pass verifies the content. After that, each read decrypts its part again: decrypted bytes are written nowhere, and a
file of 4 GB needs no more memory than one of 4 kB.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from fileset.secure.ber import SEQUENCE, SET, BerElement, Decoder, Reading, element, identifier, integer, sequence
from fileset.secure.ciphers import algorithm, decrypting
from fileset.secure.errors import DIGEST, INTEGRITY, SecureError, damaged
from fileset.secure.names import CIPHERS, DATA, DIGESTED, ENVELOPED, SIGNED
from fileset.secure.recipients import Opener, is_for_others, parsed
from fileset.secure.signatures import SignedBy, decoded, digest_name, digests_of, verified
from fileset.secure.spliced import Decrypt, Decrypted, Spliced

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

PIECE: Final = 1 << 20
"""Bytes that the first pass decrypts at a time."""
_SMALL: Final = 1 << 16
_LARGE: Final = 1 << 20
"""Most bytes of recipients, and of certificates and signatures, that are read."""
_WINDOW: Final = 4096
_PREFIX: Final = slice(128, 132)
_HEAD: Final = 144
"""Bytes to the end of the prefix, in whole blocks."""

Layer = tuple[Spliced, set[str], Any]
"""The layer inside an envelope: its content, the digests that it needs, and a function that checks them."""


@frozen
class Envelope:
    """An envelope before decryption: its recipients, the type of the layer inside, the cipher, and the encrypted bytes."""

    recipients: bytes
    content_type: str
    cipher: str
    iv: bytes
    encrypted: Spliced


@frozen
class SecureState:
    """The facts about an opened file: the kind of key that opened it, its cipher, its digest or "", and its signers."""

    opened_by: str
    cipher: str
    digest: str
    signers: tuple[SignedBy, ...] = ()

    def __str__(self) -> str:
        """Return the facts in words."""
        layer = f"{self.digest.upper().replace('SHA', 'SHA-')} good" if self.digest else "no digest or signature"
        signers = [f"signed by {one.name} ({one.doubt or 'trusted'})" for one in self.signers]
        return ", ".join((f"decrypted by {self.opened_by}", self.cipher, layer, *signers))


@frozen
class Opened:
    """A file that was decrypted and verified: random access to its `size` plain bytes, and its state."""

    read: Reading
    size: int
    state: SecureState


def parse(read: Reading, size: int) -> Envelope:
    """Parse the envelope in a file of `size` bytes. Raises `SecureError` if it is damaged, or has an algorithm outside D.1."""
    decoder = Decoder(_windowed(read), size)
    whole = _expect(decoder.element(0), SEQUENCE)
    parts = decoder.children(whole)
    if decoder.identifier(_next(parts)) != ENVELOPED:
        raise damaged("it is not EnvelopedData")
    enveloped = decoder.only(_expect(_next(parts), 0xA0), SEQUENCE)
    parts = decoder.children(enveloped)
    _expect(_next(parts), 0x02)
    recipients = _next(parts)
    if recipients.tag == 0xA0:  # originatorInfo
        recipients = _next(parts)
    infos = decoder.bytes_of(_expect(recipients, SET), _LARGE)
    content = decoder.children(_expect(_next(parts), SEQUENCE))
    content_type = decoder.identifier(_next(content))
    cipher, iv = _cipher(decoder, _expect(_next(content), SEQUENCE))
    string = _next(content)
    if string.tag not in (0x80, 0xA0):
        raise damaged("it has no encrypted content")
    return Envelope(infos, content_type, cipher, iv, Spliced(read, decoder.pieces(string)))


def _cipher(decoder: Decoder, found: BerElement) -> tuple[str, bytes]:
    parts = decoder.children(found)
    cipher = decoder.identifier(_next(parts))
    algorithm(cipher)
    iv = _expect(_next(parts), 0x04)
    return cipher, decoder.read(iv.content, min((iv.end or iv.content) - iv.content, 64))


def open_envelope(
    read: Reading, size: int, opener: Opener, trust: Sequence[Certificate] = (), verified: SecureState | None = None
) -> Opened:
    """Open and verify the content of an envelope of `size` bytes; `verified` is its state if it was just verified.

    Raises `SecureError`: no key, a wrong password, an algorithm outside PS3.15 D.1, damage, a wrong digest or signature.
    """
    envelope = parse(read, size)
    plain, layer, opened_by = _decrypted(envelope, opener)
    state = partial(SecureState, opened_by, f"{CIPHERS[envelope.cipher][0]}-CBC")
    if layer is None:
        return Opened(plain, plain.size, state(""))
    content, digests, check = layer
    if verified is not None:
        return Opened(content, content.size, verified)
    found = _digests(content, digests)
    signers = check(found, trust)
    return Opened(content, content.size, state(max(digests), signers))


def content_size(read: Reading, size: int, opener: Opener) -> int:
    """Find the size of the content of an envelope, unverified. Reads little; raises as `open_envelope`."""
    plain, layer, _ = _decrypted(parse(read, size), opener)
    return plain.size if layer is None else layer[0].size


def _decrypted(envelope: Envelope, opener: Opener) -> tuple[Decrypted, Layer | None, str]:
    """Decrypt with the first key that opens a layer; return the plain bytes, the layer, and the kind of key."""
    problem = damaged("none of its keys is right")
    for key, opened_by in opener.content_keys(envelope.recipients, CIPHERS[envelope.cipher][1]):
        try:
            decrypt = decrypting(envelope.cipher, key, envelope.iv)
            if opened_by == "certificate" and not opener.names_recipients and not _begins(envelope, decrypt):
                raise is_for_others(parsed(envelope.recipients))
            plain = Decrypted(envelope.encrypted, decrypt, envelope.iv)
            return plain, _layer(plain, envelope.content_type), opened_by
        except SecureError as reason:
            problem = reason
    raise problem


# ---------------------------------------------------------------- the layer inside


def _begins(envelope: Envelope, decrypt: Decrypt) -> bool:
    """Test whether the decrypted bytes begin like a layer or a DICOM file; with a wrong key they hardly ever do."""
    block = len(envelope.iv)
    whole = min(_HEAD, envelope.encrypted.size // block * block)
    head = decrypt(envelope.iv, envelope.encrypted(0, whole))
    return not head or head[0] == SEQUENCE or head[_PREFIX] == b"DICM"


def _layer(plain: Decrypted, label: str) -> Layer | None:
    """Read the content of the inner layer, the digests that it needs, and their check; None for a plain DICOM file.

    The layer is bare, or in a ContentInfo, as pipelines of several programs write it. Both may have the label id-data.
    """
    if label == DATA and plain(0, 132)[_PREFIX] == b"DICM":
        return None
    if label not in (DATA, DIGESTED, SIGNED):
        raise SecureError(f"holds {label}, neither digest nor signature", rule=INTEGRITY)
    decoder = Decoder(_windowed(plain), plain.size)
    layer = decoder.element(0)
    if layer.tag != SEQUENCE:
        raise _neither(label)
    parts = decoder.children(layer)
    first = _next(parts)
    is_wrapped = first.tag == 0x06
    label = decoder.identifier(first) if is_wrapped else label
    if label not in (DIGESTED, SIGNED):
        raise _neither(DATA)
    if is_wrapped:
        parts = decoder.children(decoder.only(_expect(_next(parts), 0xA0), SEQUENCE))
        first = _next(parts)
    _expect(first, 0x02)
    return (_digested if label == DIGESTED else _signed)(decoder, parts, plain)


def _neither(label: str) -> SecureError:
    if label == DATA:
        return SecureError("holds neither a digest nor a signature, nor a DICOM file (PS3.15 D.1)", rule=INTEGRITY)
    return SecureError("the content was changed, or the key is wrong", rule=DIGEST)


def _digested(decoder: Decoder, parts: Iterator[BerElement], plain: Decrypted) -> Layer:
    kind = decoder.identifier(_next(decoder.children(_expect(_next(parts), SEQUENCE))))
    name = digest_name(kind)
    content = _content(decoder, _next(parts), plain)
    digest = _next(parts)
    expected = b"".join(plain(at, min(size, 64)) for at, size in decoder.pieces(digest))
    if digest.tag & 0xDF != 0x04 or len(expected) != hashlib.new(name, usedforsecurity=False).digest_size:
        raise damaged("its digest is missing")

    def check(digests: dict[str, bytes], _: Sequence[Certificate]) -> tuple[()]:
        if not hmac.compare_digest(digests[name], expected):
            raise SecureError("the digest does not match: the file was changed", rule=DIGEST)
        return ()

    return content, {name}, check


def _signed(decoder: Decoder, parts: Iterator[BerElement], plain: Decrypted) -> Layer:
    kinds = decoder.bytes_of(_expect(_next(parts), SET), _SMALL)
    content = _content(decoder, _next(parts), plain)
    rest = [decoder.bytes_of(part, _LARGE) for part in parts]
    # The content is left out, because it may be large; lengths are definite, because the library needs that.
    signed = decoded(element(SEQUENCE, integer(1), kinds, sequence(identifier(DATA)), *rest))
    return content, digests_of(signed), partial(verified, signed)


def _content(decoder: Decoder, found: BerElement, plain: Decrypted) -> Spliced:
    """Find the content of an EncapsulatedContentInfo."""
    parts = decoder.children(_expect(found, SEQUENCE))
    if decoder.identifier(_next(parts)) != DATA:
        raise damaged("the layer inside holds something other than data")
    string = next(decoder.children(_expect(_next(parts), 0xA0)), None)
    if string is None or string.tag & 0xDF != 0x04:
        raise damaged("the layer inside holds no content")
    return Spliced(plain, decoder.pieces(string))


def _digests(content: Spliced, names: Iterable[str]) -> dict[str, bytes]:
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in names}
    for at in range(0, content.size, PIECE):
        piece = content(at, PIECE)
        for one in hashes.values():
            one.update(piece)
    return {name: one.digest() for name, one in hashes.items()}


def _windowed(read: Reading) -> Reading:
    """Wrap `read` in a buffer, because headers are read in small steps."""
    start, window = 0, b""

    def windowed(at: int, size: int) -> bytes:
        nonlocal start, window
        if size > _WINDOW:
            return read(at, size)
        if not start <= at <= at + size <= start + len(window):
            start, window = at, read(at, _WINDOW)
        return window[at - start : at - start + size]

    return windowed


def _next(parts: Iterator[BerElement]) -> BerElement:
    found = next(parts, None)
    if found is None:
        raise damaged("a part is missing")
    return found


def _expect(found: BerElement, tag: int) -> BerElement:
    if found.tag != tag:
        raise damaged(f"there is {found.tag:02X}H where {tag:02X}H is expected")
    return found
