"""The application entity to send to (PS3.8), and the TLS settings of the connection."""

from __future__ import annotations

import re
import ssl
from typing import Final

from attrs import frozen

from fileset.errors import MediumError, RuleError, asked_for

_PEER: Final = re.compile(
    r"(?P<title>[^@\\]{1,16})@(?P<host>\[[0-9A-Fa-f:.]+\]|[^:@\[\]]+):(?P<port>\d{1,5})"
).fullmatch
_TITLE: Final = re.compile(r"[ -\[\]-~]{1,16}").fullmatch
"""An AE Title: up to 16 printable characters of ASCII without backslash (PS3.5 6.2)."""
DEFAULT_TITLE: Final = "FILESET"


class PeerError(MediumError):
    """The peer cannot be reached, or refuses the request."""


@frozen
class Peer:
    """An application entity on the network: its AE Title, host and port."""

    title: str
    host: str
    port: int

    @classmethod
    def of(cls, text: str) -> Peer:
        """Parse "AET@HOST:PORT" into a peer. Raises `RuleError` for another form."""
        found = _PEER(text)
        if found is None or not _TITLE(found["title"]) or not 0 < int(found["port"]) < 65536:
            raise RuleError(f"{text!r} is not of the form AET@HOST:PORT, such as ARCHIVE@pacs.example.org:104")
        return cls(found["title"].strip(), found["host"].strip("[]"), int(found["port"]))

    def __str__(self) -> str:
        return f"{self.title}@{self.host}:{self.port}"


def title_of(text: str) -> str:
    """Check an AE Title. Raises `RuleError` for an illegal one."""
    if not _TITLE(text) or not text.strip():
        raise RuleError(
            f"{text!r} is not an AE Title",
            advice="Give up to 16 characters of ASCII without a backslash, such as ARCHIVE (PS3.5 6.2)",
        )
    return text.strip()


@frozen
class Tls:
    """The certificates of a TLS connection.

    Attributes:
        ca: File of the trusted certificates; "" for the certificates of the system.
        certificate: File of our own certificate, "" for none.
        key: File of its private key, "" if it is in the file of the certificate.
    """

    ca: str = ""
    certificate: str = ""
    key: str = ""

    def context(self, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> ssl.SSLContext:
        """Load the settings to call a peer, or to be called by one; it must have a certificate that we trust.

        `purpose` names the side of the peer. Raises `MediumError` for unreadable files, or files without certificates.
        """
        for file in filter(None, (self.ca, self.certificate, self.key)):
            with asked_for(file), open(file, "rb"):
                pass  # the errors of ssl do not name the file
        try:
            context = ssl.create_default_context(purpose, cafile=self.ca or None)
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key or None)
        except (OSError, ssl.SSLError) as problem:
            names = ", ".join(filter(None, (self.ca, self.certificate, self.key)))
            raise MediumError(
                f"{names}: no usable certificates or key: {problem}",
                advice="Give files in PEM form: the trusted certificates, our own certificate, and its private key",
            ) from problem
        context.verify_mode = ssl.CERT_REQUIRED
        return context
