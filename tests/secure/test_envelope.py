"""Envelopes: OpenSSL opens ours, fileset opens those of OpenSSL, and neither opens damaged ones."""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path
from typing import Any

import pytest

from fileset.errors import MediumError, NotFoundError, RuleError
from fileset.secure import passwords
from fileset.secure.ber import NULL, Decoder, Reading, element, header, identifier, integer, octets, sequence, set_of
from fileset.secure.certificates import CertificateRecipient
from fileset.secure.ciphers import encrypted
from fileset.secure.errors import SecureError
from fileset.secure.names import AES_256, DATA, DIGESTED, ENVELOPED, PASSWORD_WRAP, PBKDF2, SHA_256, SIGNED
from fileset.secure.passwords import ROUNDS
from fileset.secure.reader import Opened, content_size, open_envelope
from fileset.secure.security import Security
from tests.secure import openssl
from tests.secure.conftest import PASSWORD, Identity

PLAIN = bytes(128) + b"DICM" + bytes(range(256)) * 37 + b"the end"
SIZES = (132, 133, 4000, 65535, 65536, 1 << 20)


def reading(data: bytes) -> Reading:
    return lambda at, size: data[at : at + size]


def opened(data: bytes, security: Security) -> Opened:
    return open_envelope(reading(data), len(data), security.opener, security.trust)


def plain(found: Opened) -> bytes:
    return found.read(0, found.size)


def sealed(security: Security, data: bytes = PLAIN) -> bytes:
    return b"".join(security.sealer.chunks((data[:1000], data[1000:]), len(data)))


def rule_of(data: bytes, security: Security) -> str:
    with pytest.raises(SecureError) as caught:
        opened(data, security)
    assert caught.value.advice
    return caught.value.rule


# ---------------------------------------------------------------- OpenSSL as the judge


@openssl.needed
@pytest.mark.judges
@pytest.mark.parametrize("size", SIZES)
def test_openssl_opens_files_that_we_encrypt_for_a_certificate(
    size: int, alice: Identity, bob: Identity, tmp_path: Path
) -> None:
    data, target = os.urandom(size), tmp_path / "sealed"
    target.write_bytes(sealed(Security(recipients=[alice.certificate, bob.certificate]), data))
    assert openssl.content(target, tmp_path, alice) == openssl.content(target, tmp_path, bob) == data


@openssl.needed
@pytest.mark.judges
def test_openssl_opens_files_that_we_encrypt_with_a_password(tmp_path: Path) -> None:
    target = tmp_path / "sealed"
    target.write_bytes(sealed(Security(password=PASSWORD)))
    assert openssl.content(target, tmp_path) == PLAIN


@openssl.needed
@pytest.mark.judges
def test_openssl_verifies_our_signature(authority: Identity, alice: Identity, bob: Identity, tmp_path: Path) -> None:
    target = tmp_path / "sealed"
    signing = Security(recipients=[alice.certificate], signer=(bob.certificate, bob.key))
    target.write_bytes(sealed(signing))
    assert openssl.content(target, tmp_path, alice, authority) == PLAIN


CIPHERS = {"-aes-128-cbc": "AES-128", "-aes-192-cbc": "AES-192", "-aes-256-cbc": "AES-256", "-des3": "Triple-DES"}


@openssl.needed
@pytest.mark.judges
@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("stream", [(), ("-stream",)], ids=["definite", "indefinite"])
def test_we_open_files_that_openssl_encrypts(
    cipher: str, stream: tuple[str, ...], alice: Identity, tmp_path: Path
) -> None:
    data = os.urandom(100_000)
    (tmp_path / "plain").write_bytes(data)
    openssl.cms("-digest_create", tmp_path / "plain", tmp_path / "digested", "-md", "sha384")
    found = openssl.cms(
        "-encrypt", tmp_path / "digested", tmp_path / "sealed", cipher, *stream, "-recip", alice.certificate
    )
    result = opened(found, Security(key=alice.key, certificate=alice.certificate))
    assert plain(result) == data
    assert result.read(4711, 100) == data[4711:4811]
    assert (result.state.opened_by, result.state.cipher, result.state.digest) == (
        "certificate",
        f"{CIPHERS[cipher]}-CBC",
        "sha384",
    )


@openssl.needed
@pytest.mark.judges
@pytest.mark.parametrize("cipher", CIPHERS)
def test_we_open_files_that_openssl_encrypts_with_a_password(cipher: str, tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(PLAIN)
    openssl.cms("-digest_create", tmp_path / "plain", tmp_path / "digested", "-md", "sha1")
    found = openssl.cms("-encrypt", tmp_path / "digested", tmp_path / "sealed", cipher, "-pwri_password", PASSWORD)
    assert plain(opened(found, Security(password=PASSWORD))) == PLAIN


@openssl.needed
@pytest.mark.judges
@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize(
    "options", [(), ("-noattr",), ("-keyid",), ("-stream",)], ids=lambda one: "".join(one) or "usual"
)
def test_we_verify_the_signatures_of_openssl(
    digest: str, options: tuple[str, ...], authority: Identity, alice: Identity, bob: Identity, tmp_path: Path
) -> None:
    (tmp_path / "plain").write_bytes(PLAIN)
    signers: tuple[str | Path, ...] = ("-signer", authority.certificate, "-inkey", authority.key)
    if "-keyid" not in options:  # the certificate of the second signer has no key identifier
        signers += ("-signer", bob.certificate, "-inkey", bob.key)
    openssl.cms("-sign", tmp_path / "plain", tmp_path / "signed", "-nodetach", "-md", digest, *signers, *options)
    found = openssl.cms(
        "-encrypt", tmp_path / "signed", tmp_path / "sealed", "-aes-256-cbc", "-recip", alice.certificate
    )
    result = opened(found, Security(key=alice.key, trust=[authority.certificate]))
    assert plain(result) == PLAIN
    names = {one.name for one in result.state.signers if not one.doubt}
    assert names == ({"CN=Authority"} if "-keyid" in options else {"CN=Authority", "CN=Bob"})


# ---------------------------------------------------------------- the shapes of the plaintext


def by_hand(inner: bytes, label: str, **choices: Any) -> bytes:
    """Return an envelope for PASSWORD around any bytes."""
    key, iv = choices.get("key") or os.urandom(32), os.urandom(16)
    padding = 16 - len(inner) % 16
    data = encrypted(AES_256, key, iv, inner + bytes((padding,)) * padding)
    recipient = passwords.PasswordRecipient(PASSWORD.encode())
    cipher = sequence(identifier(choices.get("cipher", AES_256)), octets(iv))
    content = sequence(identifier(label), cipher, element(0x80, data))
    infos = choices.get("infos") or set_of(recipient.info(key))
    return sequence(identifier(ENVELOPED), element(0xA0, sequence(integer(3), infos, content)))


def digested(data: bytes = PLAIN, digest: bytes | None = None, algorithm: str = SHA_256) -> bytes:
    from hashlib import sha256

    return sequence(
        integer(0),
        sequence(identifier(algorithm), NULL),
        sequence(identifier(DATA), element(0xA0, octets(data))),
        octets(sha256(data).digest() if digest is None else digest),
    )


def wrapped(inner: bytes, kind: str = DIGESTED) -> bytes:
    return sequence(identifier(kind), element(0xA0, inner))


SHAPES = {
    "bare": (digested(), DIGESTED),
    "with its own ContentInfo": (wrapped(digested()), DIGESTED),
    "labelled as data": (wrapped(digested()), DATA),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_the_plaintext_is_read(shape: str) -> None:
    result = opened(by_hand(*SHAPES[shape]), Security(password=PASSWORD))
    assert plain(result) == PLAIN
    assert result.state.digest == "sha256"


def test_a_plain_dicom_file_inside_is_read_and_has_no_integrity() -> None:
    result = opened(by_hand(PLAIN, DATA), Security(password=PASSWORD))
    assert plain(result) == PLAIN
    assert result.state.digest == ""


def indefinite(tag: int, *parts: bytes) -> bytes:
    return bytes((tag, 0x80)) + b"".join(parts) + b"\0\0"


def test_content_in_nested_pieces_of_indefinite_length_is_read() -> None:
    from hashlib import sha256

    pieces = [octets(PLAIN[at : at + 1000]) for at in range(0, len(PLAIN), 1000)]
    string = indefinite(0x24, indefinite(0x24, *pieces[:3]), *pieces[3:])
    content = indefinite(0x30, identifier(DATA), indefinite(0xA0, string))
    inner = indefinite(0x30, integer(0), sequence(identifier(SHA_256), NULL), content, octets(sha256(PLAIN).digest()))
    assert plain(opened(by_hand(inner, DIGESTED), Security(password=PASSWORD))) == PLAIN


# ---------------------------------------------------------------- a rule for each fault


def test_a_wrong_password_is_named() -> None:
    assert rule_of(sealed(Security(password=PASSWORD)), Security(password=PASSWORD + "!")) == "FS-SECURE-PASSWORD"


def test_a_missing_key_is_named_and_the_recipients_too(alice: Identity, bob: Identity) -> None:
    data = sealed(Security(recipients=[alice.certificate]))
    with pytest.raises(SecureError, match=str(alice.loaded.serial_number)) as caught:
        opened(data, Security(key=bob.key, certificate=bob.certificate))
    assert caught.value.rule == "FS-SECURE-KEY"
    assert rule_of(data, Security(key=bob.key)) == "FS-SECURE-KEY"
    assert rule_of(data, Security(password=PASSWORD)) == "FS-SECURE-KEY"


@pytest.mark.parametrize("cipher", ["2.16.840.1.101.3.4.1.46", "1.2.840.113549.3.4", "1.2.3"])
def test_a_cipher_outside_the_profile_is_named(cipher: str) -> None:
    assert rule_of(by_hand(digested(), DIGESTED, cipher=cipher), Security(password=PASSWORD)) == "FS-SECURE-ALGORITHM"


def test_a_digest_outside_the_profile_is_named() -> None:
    md5 = digested(algorithm="1.2.840.113549.2.5")
    assert rule_of(by_hand(md5, DIGESTED), Security(password=PASSWORD)) == "FS-SECURE-ALGORITHM"


def test_a_wrong_digest_is_named() -> None:
    inner = digested(digest=bytes(32))
    assert rule_of(by_hand(inner, DIGESTED), Security(password=PASSWORD)) == "FS-SECURE-DIGEST"


def test_a_wrong_signature_is_named(bob: Identity) -> None:
    security = Security(password=PASSWORD, signer=(bob.certificate, bob.key))
    protection = security.sealer.protection
    other = PLAIN[:-1] + b"!"
    from hashlib import sha256

    forged = protection.head(len(other)) + other + protection.tail(sha256(PLAIN).digest())
    assert rule_of(by_hand(forged, SIGNED), Security(password=PASSWORD)) == "FS-SECURE-SIGNATURE"
    tail = bytearray(protection.tail(sha256(PLAIN).digest()))
    tail[-5] ^= 1
    broken = protection.head(len(PLAIN)) + PLAIN + bytes(tail)
    assert rule_of(by_hand(broken, SIGNED), Security(password=PASSWORD)) == "FS-SECURE-SIGNATURE"


def test_an_envelope_without_integrity_layer_is_named() -> None:
    assert rule_of(by_hand(b"not DICOM" * 40, DATA), Security(password=PASSWORD)) == "FS-SECURE-INTEGRITY"
    assert rule_of(by_hand(wrapped(octets(PLAIN), DATA), DATA), Security(password=PASSWORD)) == "FS-SECURE-INTEGRITY"
    assert rule_of(by_hand(PLAIN, ENVELOPED), Security(password=PASSWORD)) == "FS-SECURE-INTEGRITY"


def test_a_signer_that_leads_to_no_trusted_certificate_is_not_trusted(
    authority: Identity, bob: Identity, tmp_path: Path
) -> None:
    from tests.secure.conftest import identity

    stranger = identity(tmp_path, "Stranger")
    data = sealed(Security(password=PASSWORD, signer=(bob.certificate, bob.key)))
    for trust, is_trusted in (([authority.certificate], True), ([stranger.certificate], False), ([], False)):
        signers = opened(data, Security(password=PASSWORD, trust=trust)).state.signers
        assert [not one.doubt for one in signers] == [is_trusted]


# ---------------------------------------------------------------- limits


def by_pbkdf2(salt: bytes, rounds: int) -> bytes:
    return element(
        0xA3,
        integer(0),
        element(0xA0, identifier(PBKDF2), sequence(salt, integer(rounds), integer(32))),
        sequence(identifier(PASSWORD_WRAP), sequence(identifier(AES_256), octets(bytes(16)))),
        octets(bytes(48)),
    )


@pytest.mark.parametrize(("recipients", "rounds"), [(1, 1 << 40), (60, passwords.MOST_ROUNDS)])
def test_too_many_rounds_are_refused_at_once(recipients: int, rounds: int) -> None:
    infos = (by_pbkdf2(octets(bytes((number,))), rounds) for number in range(recipients))
    data = by_hand(digested(), DIGESTED, infos=set_of(*infos))
    assert rule_of(data, Security(password=PASSWORD)) == "FS-SECURE-FORM"


def test_deep_nesting_is_refused() -> None:
    string = octets(PLAIN)
    for _ in range(200):
        string = indefinite(0x24, string)
    inner = sequence(
        integer(0),
        sequence(identifier(SHA_256), NULL),
        sequence(identifier(DATA), indefinite(0xA0, string)),
        octets(bytes(32)),
    )
    assert rule_of(by_hand(inner, DIGESTED), Security(password=PASSWORD)) == "FS-SECURE-FORM"


def test_each_element_is_passed_once_however_deep_it_is_nested() -> None:
    string = octets(b"A") * 100
    for _ in range(14):
        string = indefinite(0x24, string)
    data, reads = sequence(string), itertools.count()

    def counted(at: int, size: int) -> bytes:
        assert next(reads) < 1000
        return data[at : at + size]

    decoder = Decoder(counted, len(data))
    assert len(list(decoder.children(decoder.element(0)))) == 1


def test_a_salt_that_is_not_in_the_file_is_named() -> None:
    data = by_hand(digested(), DIGESTED, infos=set_of(by_pbkdf2(sequence(identifier(AES_256)), 1000)))
    assert rule_of(data, Security(password=PASSWORD)) == "FS-SECURE-ALGORITHM"


def test_a_private_key_without_certificate_opens_a_file_that_is_also_encrypted_for_another_key(
    alice: Identity, bob: Identity
) -> None:
    security = Security(key=bob.key)
    misleading = misleading_info(security, alice)
    key = os.urandom(32)
    data = by_hand(
        digested(), DIGESTED, key=key, infos=element(0x31, misleading, CertificateRecipient(bob.loaded).info(key))
    )
    assert plain(opened(data, security)) == PLAIN
    assert content_size(reading(data), len(data), security.opener) == len(PLAIN)


def test_a_file_for_another_person_is_so_even_if_a_key_gives_random_bytes_of_the_right_length(
    alice: Identity, bob: Identity
) -> None:
    security = Security(key=bob.key)
    misleading = misleading_info(security, alice)
    for layer, label in ((digested(), DIGESTED), (PLAIN, DATA)):
        data = by_hand(layer, label, key=os.urandom(32), infos=element(0x31, misleading))
        assert rule_of(data, security) == "FS-SECURE-KEY"


def misleading_info(security: Security, other: Identity) -> bytes:
    """Encrypt keys for another person until the key of `security` decrypts one to random bytes as long as a key."""
    recipient = CertificateRecipient(other.loaded)
    infos = (recipient.info(os.urandom(32)) for _ in range(20_000))
    return next(info for info in infos if is_like_a_key(security, info))


def is_like_a_key(security: Security, info: bytes) -> bool:
    try:
        return bool(list(security.opener.content_keys(set_of(info), 32)))
    except SecureError:
        return False


def test_the_derived_key_is_computed_once_for_a_file_set(monkeypatch: pytest.MonkeyPatch) -> None:
    from hashlib import pbkdf2_hmac

    calls = itertools.count()

    def counted(*arguments: Any) -> bytes:
        next(calls)
        return pbkdf2_hmac(*arguments)

    monkeypatch.setattr("hashlib.pbkdf2_hmac", counted)
    sealer = Security(password=PASSWORD).sealer
    files = [b"".join(sealer.chunks((PLAIN,), len(PLAIN))) for _ in range(5)]
    passwords.derived.cache_clear()
    assert next(calls) == 1
    reader = Security(password=PASSWORD)
    assert all(plain(opened(data, reader)) == PLAIN for data in files)
    assert next(calls) == 3  # this call, and one of the reader
    assert ROUNDS >= 100_000


# ---------------------------------------------------------------- requests


@pytest.mark.parametrize("password", ["", "Größe", "tab\there", "5€", "\x7f"])
def test_a_password_outside_iso_ir_6_is_refused(password: str) -> None:
    with pytest.raises(RuleError, match="password"):
        Security(password=password)


def test_no_secret_is_shown(alice: Identity) -> None:
    security = Security(
        recipients=[alice.certificate], password=PASSWORD, key=alice.key, signer=(alice.certificate, alice.key)
    )
    shown = f"{security!r} {security.sealer!r} {security.opener!r}"
    assert PASSWORD not in shown
    assert str(alice.private.private_numbers().d) not in shown


def test_a_key_of_another_certificate_is_refused(alice: Identity, bob: Identity) -> None:
    with pytest.raises(RuleError, match="belong together"):
        Security(key=alice.key, certificate=bob.certificate)
    with pytest.raises(RuleError, match="not the key"):
        Security(recipients=[alice.certificate], signer=(alice.certificate, bob.key))


def test_files_that_are_no_keys_are_refused(alice: Identity, tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("junk")
    with pytest.raises(RuleError, match="no certificate"):
        Security(recipients=[tmp_path / "junk"])
    with pytest.raises(RuleError, match="no private key"):
        Security(key=tmp_path / "junk")
    with pytest.raises(NotFoundError, match="no such file"):
        Security(recipients=[tmp_path / "absent"])
    with pytest.raises(RuleError, match="alone opens no file"):
        Security(certificate=alice.certificate)


def test_a_source_of_another_size_than_announced_is_an_error() -> None:
    sealer = Security(password=PASSWORD).sealer
    with pytest.raises(MediumError, match="changed"):
        list(sealer.chunks((PLAIN,), len(PLAIN) + 1))


@pytest.mark.parametrize("size", [0, 1, 15, 16, 127, 128, 255, 256, 65535, 65536, 1 << 24, (1 << 32) - 1, 1 << 33])
def test_the_length_is_known_beforehand(size: int, alice: Identity) -> None:
    signing = Security(recipients=[alice.certificate], password=PASSWORD, signer=(alice.certificate, alice.key))
    for sealer in (signing.sealer, Security(password=PASSWORD).sealer):
        assert size < sealer.size(size) <= size + sealer.most
        if size <= 1 << 16:
            data = b"".join(sealer.chunks((bytes(size),), size))
            assert len(data) == sealer.size(size)
            assert content_size(reading(data), len(data), Security(password=PASSWORD).opener) == size


def test_lengths_are_encoded_in_as_few_bytes_as_possible() -> None:
    assert [header(4, length) for length in (0, 127, 128, 256)] == [b"\4\0", b"\4\x7f", b"\4\x81\x80", b"\4\x82\1\0"]


# ---------------------------------------------------------------- damage


def mutants(data: bytes, number: int, seed: int) -> list[bytes]:
    """Return damaged copies: flipped bits, other bytes, lost and doubled parts; most of them near the beginning or the end."""
    chance = random.Random(seed)
    made = []
    for _ in range(number):
        one = bytearray(data)
        for _ in range(chance.randint(1, 3)):
            part = chance.choice((0, 0, len(one) - 300, chance.randrange(len(one))))
            at = min(max(part + chance.randrange(700), 0), len(one) - 1)
            match chance.randrange(5):
                case 0:
                    one[at] ^= 1 << chance.randrange(8)
                case 1:
                    one[at] = chance.randrange(256)
                case 2:
                    del one[at : at + chance.randint(1, 40)]
                case 3:
                    one[at:at] = one[at : at + chance.randint(1, 40)]
                case _:
                    one[at : at + 2] = b"\x30\x80"
        made.append(bytes(one))
    return made


@pytest.mark.slow
def test_of_2000_mutants_none_is_accepted_with_a_wrong_content(
    alice: Identity, bob: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileset.secure.recipients.MOST_ROUNDS", 100_000)
    reader = Security(key=alice.key, password=PASSWORD)
    signing = Security(recipients=[alice.certificate], password=PASSWORD, signer=(bob.certificate, bob.key))
    sources = [
        sealed(Security(password=PASSWORD)),
        sealed(Security(recipients=[alice.certificate])),
        sealed(signing),
        by_hand(wrapped(digested()), DATA),
    ]
    refused = 0
    for seed, source in enumerate(sources):
        for mutant in mutants(source, 500, seed):
            try:
                found = plain(opened(mutant, reader))
            except SecureError:
                refused += 1
            else:
                assert found == PLAIN
    assert refused > 1500


def test_every_truncation_is_refused() -> None:
    data = sealed(Security(password=PASSWORD), PLAIN[:300])
    security = Security(password=PASSWORD)
    for end in range(len(data)):
        with pytest.raises(SecureError):
            opened(data[:end], security)
