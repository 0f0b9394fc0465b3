"""Keys and certificates for the tests of secure file-sets, made once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from fileset.secure import passwords

PASSWORD = "correct horse battery staple"  # noqa: S105  # a test needs one


@frozen
class Identity:
    """Somebody with a private key and a certificate, as files."""

    name: str
    key: Path
    certificate: Path
    private: RSAPrivateKey
    loaded: x509.Certificate


def identity(folder: Path, name: str, issuer: Identity | None = None) -> Identity:
    """Return somebody whose certificate is signed by the issuer, or by the holder."""
    private = generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.loaded.subject if issuer else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
    )
    if issuer is None:
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(usage, critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
    else:
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.private.public_key())
        builder = builder.add_extension(above, critical=False)
    certificate = builder.sign(issuer.private if issuer else private, SHA256())
    stem = name.lower().replace(" ", "_")
    key, path = folder / f"{stem}.key.pem", folder / f"{stem}.pem"
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    return Identity(name, key, path, private, certificate)


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Derive keys in a hundredth of the rounds: no test depends on how long the derivation takes."""
    monkeypatch.setattr(passwords, "ROUNDS", passwords.ROUNDS // 100)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder for keys."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="session")
def authority(keys: Path) -> Identity:
    """Return a certificate authority."""
    return identity(keys, "Authority")


@pytest.fixture(scope="session")
def alice(keys: Path, authority: Identity) -> Identity:
    """Return a recipient and signer whose certificate the authority signed."""
    return identity(keys, "Alice", authority)


@pytest.fixture(scope="session")
def bob(keys: Path, authority: Identity) -> Identity:
    """Return another one."""
    return identity(keys, "Bob", authority)
