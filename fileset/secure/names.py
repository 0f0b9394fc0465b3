"""Object identifiers of PS3.15 D.1, and the names of their algorithms."""

from __future__ import annotations

from typing import Final

DATA: Final = "1.2.840.113549.1.7.1"
SIGNED: Final = "1.2.840.113549.1.7.2"
ENVELOPED: Final = "1.2.840.113549.1.7.3"
DIGESTED: Final = "1.2.840.113549.1.7.5"

RSA: Final = "1.2.840.113549.1.1.1"
PBKDF2: Final = "1.2.840.113549.1.5.12"
PASSWORD_WRAP: Final = "1.2.840.113549.1.9.16.3.9"  # noqa: S105  # id-alg-PWRI-KEK of RFC 3211
AES_256: Final = "2.16.840.1.101.3.4.1.42"
SHA_256: Final = "2.16.840.1.101.3.4.2.1"

CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"

CIPHERS: Final = {
    "2.16.840.1.101.3.4.1.2": ("AES-128", 16),
    "2.16.840.1.101.3.4.1.22": ("AES-192", 24),
    AES_256: ("AES-256", 32),
    "1.2.840.113549.3.7": ("Triple-DES", 24),
}
"""Ciphers in CBC mode: name, and size of the key in bytes."""

DIGESTS: Final = {
    "1.3.14.3.2.26": "sha1",
    SHA_256: "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}

SIGNATURES: Final = {
    RSA: "",
    "1.2.840.113549.1.1.5": "sha1",
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
}
"""RSA signatures of PKCS #1 v1.5: the digest that the identifier names, "" for the one of the SignerInfo."""

PRFS: Final = {
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.8": "sha224",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
}
"""Pseudo-random functions of PBKDF2 (RFC 8018)."""
