"""Verify the signatures of SignedData (RFC 5652 5.4 and 5.6), and whether a signer is trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from fileset.secure.certificates import name_of
from fileset.secure.errors import ALGORITHM, SIGNATURE, SecureError, damaged, decoding
from fileset.secure.names import CONTENT_TYPE, DATA, DIGESTS, MESSAGE_DIGEST, SIGNATURES
from fileset.secure.recipients import is_named

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

MOST: Final = 16
"""Most signatures of one file that are verified."""


@frozen
class SignedBy:
    """A signer whose signature is good: subject of the certificate, and the reason why it is not trusted, or "".

    `was_looked_up` is false if the reader has no certificates to trust.
    """

    name: str
    doubt: str
    was_looked_up: bool = True


def decoded(data: bytes) -> Any:
    """Decode SignedData without its content, with `asn1crypto`. Raises `SecureError` if it is damaged."""
    from asn1crypto import cms

    with decoding("its signatures"):
        found = cms.SignedData.load(data)
        _ = found.native  # decodes every part
    if not 0 < len(found["signer_infos"]) <= MOST:
        raise damaged(f"it has {len(found['signer_infos'])} signatures")
    return found


def digests_of(signed: Any) -> set[str]:
    """Collect the names of the digests that the signatures need. Raises `SecureError` for one outside PS3.15 D.1."""
    return {digest_name(info["digest_algorithm"]["algorithm"].dotted) for info in signed["signer_infos"]}


def digest_name(dotted: str) -> str:
    """Look up the name of a digest. Raises `SecureError` for one outside PS3.15 D.1."""
    if dotted not in DIGESTS:
        raise SecureError(f"the digest {dotted} is not one of SHA-1, SHA-256, SHA-384 and SHA-512", rule=ALGORITHM)
    return DIGESTS[dotted]


def verified(signed: Any, digests: Mapping[str, bytes], trust: Sequence[Certificate]) -> tuple[SignedBy, ...]:
    """Verify all signatures of a content with these digests; return the signers. Raises `SecureError` if one is wrong."""
    certificates = [*_certificates(signed), *trust]
    return tuple(_verified(info, digests, certificates, trust) for info in signed["signer_infos"])


def _certificates(signed: Any) -> list[Certificate]:
    from cryptography.x509 import load_der_x509_certificate

    found = []
    for one in signed["certificates"] or ():
        try:
            found.append(load_der_x509_certificate(one.chosen.dump()))
        except ValueError:
            continue  # this one cannot verify anything; the signer may have another
    return found


def _verified(
    info: Any, digests: Mapping[str, bytes], certificates: Sequence[Certificate], trust: Sequence[Certificate]
) -> SignedBy:
    digest = digest_name(info["digest_algorithm"]["algorithm"].dotted)
    signer = next((one for one in certificates if is_named(info["sid"], one)), None)
    if signer is None:
        raise SecureError(
            "the certificate of the signer is missing, so its signature cannot be verified", rule=SIGNATURE
        )
    algorithm = info["signature_algorithm"]["algorithm"].dotted
    if SIGNATURES.get(algorithm) not in ("", digest):
        raise SecureError(f"the signature is of the kind {algorithm}, not RSA (PKCS #1 v1.5)", rule=ALGORITHM)
    attributes = info["signed_attrs"]
    if len(attributes):
        _compare(attributes, digests[digest])
        is_good = _is_good(signer, info, b"\x31" + attributes.dump()[1:], digest, hashed=False)
    else:
        is_good = _is_good(signer, info, digests[digest], digest, hashed=True)
    name = name_of(signer)
    if not is_good:
        raise SecureError(f"the signature of {name} is wrong: the file was changed", rule=SIGNATURE)
    return SignedBy(name, _doubt(signer, certificates, trust), bool(trust))


def _compare(attributes: Any, digest: bytes) -> None:
    """Raise `SecureError` unless the signed attributes are about this content (RFC 5652 11.1 and 11.2)."""
    found = {one["type"].dotted: one["values"] for one in attributes}
    content_type, message_digest = found.get(CONTENT_TYPE), found.get(MESSAGE_DIGEST)
    if content_type is None or message_digest is None or len(content_type) != 1 or len(message_digest) != 1:
        raise SecureError("the signed attributes lack content type or digest", rule=SIGNATURE)
    if content_type[0].dotted != DATA or message_digest[0].native != digest:
        raise SecureError("the signature belongs to other content: the file was changed", rule=SIGNATURE)


def _is_good(signer: Certificate, info: Any, data: bytes, digest: str, *, hashed: bool) -> bool:
    """Verify the signature of data, or of data that is `hashed` already."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    try:
        key = signer.public_key()
        if not isinstance(key, RSAPublicKey):
            raise SecureError("the signer has no RSA key", rule=ALGORITHM)
        kind = getattr(hashes, digest.upper())()  # also SHA1, which PS3.15 D.1 has for reading
        key.verify(info["signature"].native, data, PKCS1v15(), Prehashed(kind) if hashed else kind)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _doubt(signer: Certificate, certificates: Sequence[Certificate], trust: Sequence[Certificate]) -> str:
    """Explain why a signer is not trusted; return "" if its certificate is trusted, or leads to one that is."""
    from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

    if not trust:
        return "no certificate to trust was given"
    try:
        if signer in trust:
            is_valid = signer.not_valid_before_utc <= datetime.now(UTC) <= signer.not_valid_after_utc
            return "" if is_valid else "it is expired or not yet valid"
        anything = ExtensionPolicy.permit_all()  # a signer of media needs no host name
        builder = PolicyBuilder().store(Store(list(trust)))
        builder = builder.extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=anything)
        builder.build_client_verifier().verify(signer, [one for one in certificates if one != signer])
    except (VerificationError, ValueError) as problem:
        return str(problem) or "its certificate does not lead to a trusted one"
    return ""
