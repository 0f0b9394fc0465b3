"""The reasons why a Secure DICOM File cannot be opened: an error for each, with its rule and its advice."""

from __future__ import annotations

from typing import Final

from fileset.errors import OPEN_WITH, Advice, FormatError

PASSWORD: Final = "FS-SECURE-PASSWORD"  # noqa: S105  # the id of a rule
KEY: Final = "FS-SECURE-KEY"
ALGORITHM: Final = "FS-SECURE-ALGORITHM"
DIGEST: Final = "FS-SECURE-DIGEST"
SIGNATURE: Final = "FS-SECURE-SIGNATURE"
INTEGRITY: Final = "FS-SECURE-INTEGRITY"
FORM: Final = "FS-SECURE-FORM"

_ADVICE: Final[dict[str, str | Advice]] = {
    PASSWORD: Advice("Give the right password to `Security`", "Give the right password with --password-file"),
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

    def __init__(
        self,
        reason: str,
        *,
        rule: str,
        path: object = "",
        offset: int | None = None,
        tag: int | None = None,
        advice: str | Advice = "",
    ) -> None:
        super().__init__(reason, path=path, offset=offset, tag=tag, rule=rule, advice=advice or _ADVICE[rule])


def damaged(reason: str) -> SecureError:
    """Return the error for an envelope that breaks the syntax of RFC 5652."""
    return SecureError(f"a damaged Secure DICOM File: {reason}", rule=FORM)
