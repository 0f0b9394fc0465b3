"""Find the reader among the recipients of an envelope, and decrypt the key of the content (RFC 5652 6.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from fileset.errors import RuleError
from fileset.secure.certificates import public_key
from fileset.secure.ciphers import algorithm
from fileset.secure.errors import ALGORITHM, KEY, PASSWORD, SecureError, damaged, decoding
from fileset.secure.names import PASSWORD_WRAP, PBKDF2, PRFS, RSA
from fileset.secure.passwords import MOST_ROUNDS, derived, unwrapped

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

MOST_KNOWN: Final = 16384
"""Most keys of files that are remembered: callers open a file several times, and RSA takes about a millisecond."""
MOST: Final = 64
"""Most recipients of one file that are tried."""
_SHOWN: Final = 3


@frozen
class PrivateKey:
    """A private key and its certificate; without a certificate, the key is tried on every RSA recipient."""

    key: RSAPrivateKey = field(repr=False)
    certificate: Certificate | None = None

    def __attrs_post_init__(self) -> None:
        if self.certificate is not None and public_key(self.certificate) != self.key.public_key():
            raise RuleError("the private key and the certificate do not belong together")


@frozen
class Opener:
    """The keys and the password of a reader; its repr hides them."""

    keys: tuple[PrivateKey, ...] = field(default=(), repr=False)
    password: bytes = field(default=b"", repr=False)
    _known: dict[bytes, bytes | None] = field(factory=dict, repr=False, eq=False)

    @property
    def names_recipients(self) -> bool:
        """Whether each key has its certificate, so that it is tried only where that certificate is a recipient."""
        return all(key.certificate is not None for key in self.keys)

    def content_keys(self, recipients: bytes, size: int) -> Iterator[tuple[bytes, str]]:
        """Yield the likely keys of the content, of `size` bytes, and how each was found: "password" or "certificate".

        A private key turns data for another key into random bytes, about once in 250 times of the right size. So a key
        may be wrong and a later one right; if none opens a layer, the file is for other recipients (`is_for_others`).
        Raises `SecureError` if there is no key: a wrong password, other recipients, an algorithm outside PS3.15 D.1.
        """
        found = parsed(recipients)
        if self.password:
            _check_rounds(found)
        problem: SecureError | None = None
        is_found = False
        for kind, info in found[:MOST]:
            try:
                key = self._opened(kind, info)
            except SecureError as reason:
                problem = problem or reason
                continue
            if key is not None and len(key) == size:
                is_found = True
                yield key, "password" if kind == "pwri" else "certificate"
        if is_found:
            return
        kinds = [kind for kind, _ in found]
        raise problem or (
            SecureError("the password is wrong", rule=PASSWORD)
            if self.password and "pwri" in kinds
            else is_for_others(found)
        )

    def _opened(self, kind: str, info: Any) -> bytes | None:
        if kind == "pwri":
            return _by_password(info, self.password) if self.password else None
        return self._by_key(info) if kind == "ktri" else None

    def _by_key(self, info: Any) -> bytes | None:
        mine = [one for one in self.keys if one.certificate is None or is_named(info["rid"], one.certificate)]
        if mine and info["key_encryption_algorithm"]["algorithm"].dotted != RSA:
            name = info["key_encryption_algorithm"]["algorithm"].native
            raise SecureError(f"the key of the content is encrypted by {name}, not by RSA", rule=ALGORITHM)
        data = info["encrypted_key"].native
        if data not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[data] = next(filter(None, (self._decrypted(one.key, data) for one in mine)), None)
        return self._known[data]

    def _decrypted(self, key: RSAPrivateKey, data: bytes) -> bytes | None:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

        try:
            return key.decrypt(data, PKCS1v15())
        except ValueError:  # the data is for another key: its size or its padding does not fit
            return None


@lru_cache(maxsize=64)  # callers open a file several times, and decoding takes about two milliseconds
@decoding("its recipients")
def parsed(recipients: bytes) -> list[tuple[str, Any]]:
    """Decode kind and content of each RecipientInfo. Raises `SecureError` if they cannot be decoded."""
    from asn1crypto import cms

    found = [(one.name, one.chosen) for one in cms.RecipientInfos.load(recipients)]
    for _, info in found:
        _ = info.native  # decodes every part, so that no later use fails
    return found


def described(found: Sequence[tuple[str, Any]]) -> str:
    """Describe the recipients of a file: issuers and serial numbers of certificates, and the number of passwords."""
    certificates = [_certificate(info) for kind, info in found if kind == "ktri"]
    passwords = sum(kind == "pwri" for kind, _ in found)
    others = len(found) - len(certificates) - passwords
    more = [f"{len(certificates) - _SHOWN} more"] if len(certificates) > _SHOWN else []
    words = [*certificates[:_SHOWN], *more]
    words += [f"{passwords} password{'s' * (passwords > 1)}"] if passwords else []
    words += [f"{others} of another kind"] if others else []
    return ", ".join(words) or "no recipient"


def is_for_others(found: Sequence[tuple[str, Any]]) -> SecureError:
    """Return the error for a file with these recipients, which none of the given keys opens."""
    return SecureError(f"is encrypted for {described(found)}: none of the given keys opens it", rule=KEY)


def _certificate(info: Any) -> str:
    rid = info["rid"]
    if rid.name == "issuer_and_serial_number":
        return f"certificate {rid.chosen['serial_number'].native} of {rid.chosen['issuer'].human_friendly}"
    return f"the certificate with key identifier {rid.native.hex()}"


def is_named(name: Any, certificate: Certificate) -> bool:
    """Test whether an identifier of RFC 5652 (issuer and serial number, or key identifier) names a certificate."""
    if name.name == "issuer_and_serial_number":
        same = name.chosen["serial_number"].native == certificate.serial_number
        return bool(same and name.chosen["issuer"].dump() == certificate.issuer.public_bytes())
    return bytes(name.native) in _key_identifiers(certificate)


def _key_identifiers(certificate: Certificate) -> Sequence[bytes]:
    from cryptography.x509 import ExtensionNotFound, SubjectKeyIdentifier

    computed = SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
    try:
        named = certificate.extensions.get_extension_for_class(SubjectKeyIdentifier).value.digest
    except (ExtensionNotFound, ValueError):
        return (computed,)
    return computed, named


# ---------------------------------------------------------------- passwords


def _check_rounds(found: Sequence[tuple[str, Any]]) -> None:
    """Raise `SecureError` if trying all passwords of a file would take minutes."""
    rounds = 0
    for info in (info for kind, info in found if kind == "pwri"):
        with suppress(SecureError):
            rounds += max(_derivation(info)[1], 0)
    if rounds > MOST_ROUNDS:
        raise damaged(f"its passwords need {rounds} rounds of PBKDF2; at most {MOST_ROUNDS} are computed")


def _by_password(info: Any, password: bytes) -> bytes | None:
    wrap = info["key_encryption_algorithm"]
    if wrap["algorithm"].dotted != PASSWORD_WRAP:
        raise SecureError("the key of the content is wrapped in a way that PS3.15 D.1 does not allow", rule=ALGORITHM)
    cipher, iv = _cipher(wrap)
    _, size, block = algorithm(cipher)
    salt, rounds, prf = _derivation(info)
    if prf not in PRFS:
        raise SecureError("PBKDF2 uses a function that PS3.15 D.1 does not allow", rule=ALGORITHM)
    if rounds <= 0:
        raise damaged(f"the password needs {rounds} rounds of PBKDF2")
    if len(iv) != block:
        raise damaged("the initial vector of the wrapped key has the wrong length for the cipher")
    return unwrapped(cipher, derived(password, salt, rounds, size, PRFS[prf]), iv, info["encrypted_key"].native)


@decoding("a recipient")
def _cipher(wrap: Any) -> tuple[str, bytes]:
    from asn1crypto.algos import EncryptionAlgorithm

    found = EncryptionAlgorithm.load(wrap["parameters"].dump())
    return found["algorithm"].dotted, bytes(found["parameters"].native)


@decoding("a recipient")
def _derivation(info: Any) -> tuple[bytes, int, str]:
    derivation = info["key_derivation_algorithm"]
    if derivation["algorithm"].dotted != PBKDF2:
        raise SecureError("the key is not derived by PBKDF2, as PS3.15 D.1 demands", rule=ALGORITHM)
    parameters = derivation["parameters"]
    if parameters["salt"].name != "specified":
        raise SecureError("the salt of the password is not in the file, as PS3.15 D.1 demands", rule=ALGORITHM)
    return (
        parameters["salt"].chosen.native,
        parameters["iteration_count"].native,
        parameters["prf"]["algorithm"].dotted,
    )
