"""Recipients and signers with X.509 certificates and RSA keys (PS3.15 D.1), and the files of certificates and keys."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import field, frozen

from fileset.errors import RuleError, asked_for
from fileset.media.system.files import path_of
from fileset.secure.ber import NULL, element, identifier, integer, octets, sequence
from fileset.secure.errors import require_secure
from fileset.secure.names import RSA

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from cryptography.x509 import Certificate

File = str | os.PathLike[str]
"""The path of a file in PEM or DER form."""
LARGEST = 1 << 20
"""Most bytes that are read of a file with certificates or a key."""


@frozen
class CertificateRecipient:
    """Encrypts keys for the owner of a certificate (RFC 5652 6.2.1)."""

    certificate: Certificate

    version = 0
    """The lowest version of EnvelopedData that allows this recipient (RFC 5652 6.1)."""

    def info(self, key: bytes) -> bytes:
        """Encode the KeyTransRecipientInfo for the content encryption key `key`."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

        encrypted = public_key(self.certificate).encrypt(key, PKCS1v15())
        return sequence(
            integer(0), issuer_and_serial(self.certificate), sequence(identifier(RSA), NULL), octets(encrypted)
        )


@frozen
class Signer:
    """Signs with the key of a certificate; `chain` leads from it to a certificate that recipients trust."""

    certificate: Certificate
    key: RSAPrivateKey = field(repr=False)
    chain: tuple[Certificate, ...] = ()

    def sign(self, data: bytes) -> bytes:
        """Sign data with RSA and SHA-256 (PKCS #1 v1.5)."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        return self.key.sign(data, PKCS1v15(), SHA256())

    def certificates(self) -> bytes:
        """Encode the certificates as the element of SignedData."""
        from cryptography.hazmat.primitives.serialization import Encoding

        every = dict.fromkeys((self.certificate, *self.chain))
        return element(0xA0, *sorted(one.public_bytes(Encoding.DER) for one in every))


def public_key(certificate: Certificate) -> RSAPublicKey:
    """Return the key of a certificate. Raises `RuleError` if it is not an RSA key."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise RuleError("the certificate has no RSA key, which PS3.15 D.1 demands", path=name_of(certificate))
    return key


def name_of(certificate: Certificate) -> str:
    """Format the subject of a certificate, as RFC 4514 writes it."""
    return certificate.subject.rfc4514_string()


def issuer_and_serial(certificate: Certificate) -> bytes:
    """Encode the IssuerAndSerialNumber of a certificate."""
    return sequence(certificate.issuer.public_bytes(), integer(certificate.serial_number))


# ---------------------------------------------------------------- files


def read_certificates(path: File) -> tuple[Certificate, ...]:
    """Read the certificates in a file. Raises `MediumError` if it cannot be read, `RuleError` if it has none."""
    from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificates

    data = _content(path)
    try:
        return tuple(load_pem_x509_certificates(data) if b"-----BEGIN" in data else [load_der_x509_certificate(data)])
    except ValueError as problem:
        raise RuleError("holds no certificate in PEM or DER form", path=path_of(path)) from problem


def read_recipient(path: File) -> CertificateRecipient:
    """Read the recipient whose certificate is the first in a file. Raises as `read_certificates`."""
    certificate = read_certificates(path)[0]
    public_key(certificate)
    return CertificateRecipient(certificate)


def read_key(path: File, ask: Callable[[str], str] | None = None) -> RSAPrivateKey:
    """Read the private key in a file; `ask` returns the pass phrase of the file, if it needs one.

    Raises `MediumError` if the file cannot be read, `RuleError` if it has no RSA key or the pass phrase is wrong.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    data = _content(path)
    load = load_pem_private_key if b"-----BEGIN" in data else load_der_private_key
    try:
        try:
            key = load(data, None)
        except TypeError:
            phrase = ask(path_of(path)) if ask else ""
            key = load(data, phrase.encode("utf-8") or b"\0")
    except Exception:  # noqa: BLE001  # the library raises several kinds; none of them may show a part of the key
        raise RuleError("holds no private key, or the pass phrase is wrong", path=path_of(path)) from None
    if not isinstance(key, RSAPrivateKey):
        raise RuleError("holds no RSA key, which PS3.15 D.1 demands", path=path_of(path))
    return key


def read_signer(certificate: File, key: File, ask: Callable[[str], str] | None = None) -> Signer:
    """Read a signer: the first certificate in a file, and its key. Raises `RuleError` if they do not belong together."""
    found = read_certificates(certificate)
    private = read_key(key, ask)
    if private.public_key() != public_key(found[0]):
        raise RuleError(f"is not the key of the certificate in {path_of(certificate)}", path=path_of(key))
    return Signer(found[0], private, found[1:])


def _content(path: File) -> bytes:
    require_secure()
    with asked_for(path_of(path)), open(path, "rb") as file:
        return file.read(LARGEST)
