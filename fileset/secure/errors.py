"""The reasons why a Secure DICOM File cannot be opened: an error for each, and one for a library that is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from fileset.errors import OPEN_WITH, RIGHT_PASSWORD, Advice, FormatError, RuleError

PASSWORD: Final = "FS-SECURE-PASSWORD"  # noqa: S105  # the id of a rule
KEY: Final = "FS-SECURE-KEY"
ALGORITHM: Final = "FS-SECURE-ALGORITHM"
DIGEST: Final = "FS-SECURE-DIGEST"
SIGNATURE: Final = "FS-SECURE-SIGNATURE"
INTEGRITY: Final = "FS-SECURE-INTEGRITY"
FORM: Final = "FS-SECURE-FORM"

_ADVICE: Final[dict[str, str | Advice]] = {
    PASSWORD: RIGHT_PASSWORD,
    KEY: OPEN_WITH,
    ALGORITHM: "Ask the sender to encrypt it as PS3.15 D.1 demands",
    DIGEST: "Do not use the file: ask the sender for a new copy",
    SIGNATURE: "Do not use the file: ask the sender for a new copy",
    INTEGRITY: "Compare the file with the original before you use it",
    FORM: "Ask the sender for a new copy",
}


class SecureError(FormatError):
    """A Secure DICOM File that cannot be opened, or must not be trusted (PS3.15 D.1)."""

    kind = "secure"

    def __init__(self, reason: str, *, rule: str, advice: str | Advice = "", **place: Any) -> None:
        super().__init__(reason, rule=rule, advice=advice or _ADVICE[rule], **place)


def damaged(reason: str) -> SecureError:
    """Return the error for an envelope that breaks the syntax of RFC 5652."""
    return SecureError(f"a damaged Secure DICOM File: {reason}", rule=FORM)


@contextmanager
def decoding(part: str) -> Iterator[None]:
    """Raise `SecureError` about a part of an envelope for any error of the library that decodes it."""
    try:
        yield
    except SecureError:
        raise
    except Exception as problem:  # the library raises nearly anything on damaged input
        raise damaged(f"{part} cannot be decoded") from problem


def require_secure(library: str = "cryptography") -> None:
    """Raise `RuleError` if a library of the extra is not installed."""
    try:
        import_module(library)
    except ImportError as problem:
        raise RuleError(
            f"encryption needs the library {library}, which is not installed",
            advice='pip install "dicom-fileset[secure]"',
        ) from problem
