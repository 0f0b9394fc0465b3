"""Keys, certificates and passwords for Secure DICOM Files, as one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from attrs import field, frozen

from fileset.errors import Advice, RuleError
from fileset.media.system.files import path_of
from fileset.secure.certificates import (
    CertificateRecipient,
    File,
    Signer,
    public_key,
    read_certificates,
    read_key,
    read_recipient,
    read_signer,
)
from fileset.secure.errors import require_secure
from fileset.secure.passwords import PasswordRecipient, checked
from fileset.secure.recipients import Opener, PrivateKey
from fileset.secure.writer import Digested, Sealer, Signed

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


@frozen(init=False)
class Security:
    """Keys and passwords that encrypt, sign and open the files of a secure file-set (PS3.15 D.1); its repr hides them.

    Args:
        recipients: Files with the certificate of each recipient, in PEM or DER form, with RSA keys.
        password: A password that encrypts new files and opens existing ones. Only characters of ISO IR 6 (US-ASCII without
            controls) are allowed.
        signer: Files with the certificate and the private key of the signer; without one, each file has a digest.
        key: A file with the private key to open files with.
        certificate: A file with the certificate of that key. Without one, the key is tried on every recipient.
        zip_password: The password of a ZIP archive that holds the file-set: AES-256 (WinZip AE-2) is written. The archive is
            encrypted as a whole, whether its files are Secure DICOM Files or not.
        trust: Files with certificates. A signer is trusted if its certificate is one of them, or leads to one.
        ask: A function that gets the path of a private key and returns its pass phrase.

    Raises:
        MediumError: A file cannot be read.
        RuleError: A file has no certificate or key, a key is not RSA, a password has characters that the Standard does not
            allow, or the extra `secure` is not installed.
    """

    recipients: tuple[CertificateRecipient, ...] = field(repr=False)
    signer: Signer | None = field(repr=False)
    trust: tuple[Certificate, ...] = field(repr=False)
    opener: Opener = field(repr=False)
    zip_password: bytes = field(repr=False)

    def __init__(
        self,
        *,
        recipients: Iterable[File] = (),
        password: str | None = None,
        signer: tuple[File, File] | None = None,
        key: File | None = None,
        certificate: File | None = None,
        zip_password: str | None = None,
        trust: Iterable[File] = (),
        ask: Callable[[str], str] | None = None,
    ) -> None:
        require_secure("pyzipper" if zip_password is not None else "asn1crypto")
        require_secure()
        if zip_password is not None and not zip_password:
            raise RuleError("the password of the archive is empty")
        if certificate is not None and key is None:
            raise RuleError(
                "a certificate alone opens no file", path=path_of(certificate), advice="Give its private key too"
            )
        keys: tuple[PrivateKey, ...] = ()
        if key is not None:
            own = read_certificates(certificate)[0] if certificate is not None else None
            keys = (PrivateKey(read_key(key, ask), own),)
        self.__attrs_init__(
            tuple(map(read_recipient, recipients)),
            read_signer(*signer, ask) if signer is not None else None,
            tuple(chain.from_iterable(map(read_certificates, trust))),
            Opener(keys, b"" if password is None else checked(password)),
            (zip_password or "").encode("utf-8"),
        )

    @property
    def encrypts(self) -> bool:
        """Whether there is a recipient, or a password, to encrypt for."""
        return bool(self.recipients or self.opener.password)

    @property
    def opens(self) -> bool:
        """Whether there is a key or a password to open files with."""
        return bool(self.opener.keys or self.opener.password)

    def check_encrypts(self) -> None:
        """Raise `RuleError` if there is no recipient to encrypt for."""
        if not self.encrypts:
            raise RuleError("there is no recipient to encrypt for", advice=_RECIPIENT)

    @cached_property
    def sealer(self) -> Sealer:
        """The encryption of files, with one salt for the password. Raises `RuleError` as `check_encrypts`."""
        self.check_encrypts()
        password = self.opener.password
        passwords = (PasswordRecipient(password),) if password else ()
        return Sealer((*self.recipients, *passwords), Signed(self.signer) if self.signer else Digested())

    @property
    def opens_own(self) -> bool:
        """Whether these keys can open the files that they encrypt."""
        own = [one.key.public_key() for one in self.opener.keys]
        return bool(self.opener.password) or any(public_key(one.certificate) in own for one in self.recipients)


_RECIPIENT = Advice(
    "Give `Security` recipients, or a password",
    "Name a certificate with --encrypt-to, or give a password with --password-file",
)
