"""Open media with Secure DICOM Files (PS3.15 D.1), and report how each file was opened."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from fileset.errors import ENCRYPTED, OPEN_ARCHIVE, OPEN_WITH, RIGHT_PASSWORD, FilesetError, FormatError, RefusedError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import ERROR, Finding, Where
from fileset.media.base import Format, ReadableMedium, UpdatableMedium

if TYPE_CHECKING:
    from fileset.secure.medium import SecureMedium, SecureView
    from fileset.secure.reader import SecureState
    from fileset.secure.security import Security

_WEAK: Final = "its encryption (ZipCrypto) is weak: programs can find the password. Ask the sender for AES"
_NO_INTEGRITY: Final = "it has neither digest nor signature, so a change would go unnoticed"


def is_locked(problem: FilesetError) -> bool:
    """Return whether a file is encrypted and cannot be opened, or must not be trusted."""
    return problem.rule.startswith(("FS-SECURE-", "FS-ZIP-"))


UNOPENED: Final = {"FS-SECURE-KEY": OPEN_WITH, "FS-SECURE-PASSWORD": RIGHT_PASSWORD}
"""The rules for a whole encrypted file that no given key or password opens, each with the advice."""


def unopened(problem: FilesetError | OSError, name: str) -> Finding | None:
    """Return a finding without the advice if `problem` is that no given key or password opens the file `name`."""
    if isinstance(problem, OSError) or problem.rule not in UNOPENED:
        return None
    return Finding(problem.rule, problem.reason, Where(name))


def unreadable(problem: FilesetError | OSError, name: str, *, command: bool = False) -> tuple[str, str]:
    """Return rule and reason for the file `name`, which cannot be read, or cannot be opened as it is encrypted."""
    if isinstance(problem, OSError):
        return "FS-FILE-UNREADABLE", problem.strerror or str(problem)
    rule = problem.rule if is_locked(problem) else "FS-FILE-UNREADABLE"
    return rule, problem.text(known_path=name, command=command)


def no_readable_file(medium: ReadableMedium, findings: Sequence[Finding]) -> FormatError:
    """Choose the error for a medium without a readable DICOM file; if its files are encrypted, with the way to open them.

    `findings` are those about its files; the error names a damaged one.
    """
    locked = [one for one in medium.refused() if one.reason.startswith("encrypted")]
    if locked:
        reason = f"its files are encrypted, {locked[0].name} among them"
        return FormatError(reason, path=medium.name, rule="FS-ZIP-PASSWORD", advice=OPEN_ARCHIVE)
    closed = next((finding for finding in findings if finding.rule in UNOPENED), None)
    if closed:
        without_key = closed.message == ENCRYPTED
        reason = f"its files are {ENCRYPTED}" if without_key else f"no encrypted file can be opened: {closed.placed}"
        return FormatError(reason, path=medium.name, rule=closed.rule, advice=UNOPENED[closed.rule])
    if medium.damage():
        from fileset.media.open import damaged as damaged_medium

        return damaged_medium("there is no readable DICOM file", medium)
    errors = [finding for finding in findings if finding.severity == ERROR and finding.where.file]
    damaged = [finding for finding in errors if not finding.rule.startswith("FS-DICOMDIR-")]
    if damaged:
        return FormatError(
            f"there is no complete DICOM file: {_first(damaged)}", path=medium.name, rule=damaged[0].rule
        )
    return FormatError("there is no DICOM file", path=medium.name)


def _first(damaged: Sequence[Finding]) -> str:
    more = len({finding.where.file for finding in damaged}) - 1
    return damaged[0].placed + (f", and {more} more damaged files" if more > 1 else ", and 1 more" if more else "")


def secure_format(wanted: Format | str | None, security: Security | None) -> Format | str | None:
    """Return the requested kind of medium, with keys and passwords if there are any."""
    if security is None:
        return wanted
    from fileset.media.open import format_named, zip_with
    from fileset.secure.format import SecureFormat

    inner = format_named(wanted) if isinstance(wanted, str) else wanted
    if security.zip_password:
        inner = zip_with(security.zip_password, inner)
    return SecureFormat(security, inner) if security.opens or security.encrypts else inner


def encrypting(wanted: Format, security: Security, beside: Container[FileId]) -> Format:
    """Build a kind of medium that encrypts all files except the files `beside` the file-set.

    Raises `RuleError` if there is no recipient and no password, or an archive password for another kind of medium.
    """
    from fileset.media.open import zip_with
    from fileset.secure.format import SecureFormat

    if security.zip_password:
        wanted = zip_with(security.zip_password, wanted)
    else:
        security.check_encrypts()
    return SecureFormat(security, wanted, beside) if security.encrypts else wanted


def no_pages(security: Security | None) -> list[Finding]:
    """Report pages for a browser that are left out, because their pictures would not be encrypted."""
    if security is None or not security.encrypts:
        return []
    message = "the pages for a browser were left out: their pictures would not be encrypted. --web-plain writes them"
    return [Finding("FS-SECURE-NO-PAGES", message)]


def _layer_with(attribute: str, medium: Any) -> Any:
    """Find the layer of a medium that has an attribute, None if no layer has it."""
    while medium is not None and not hasattr(medium, attribute):
        medium = getattr(medium, "around", None)
    return medium


def view_of(medium: ReadableMedium | None) -> SecureView | None:
    """Find the layer that decrypts the files of a medium, None if the medium has none."""
    return cast("SecureView | None", _layer_with("states", medium))


def around_of(medium: ReadableMedium) -> ReadableMedium:
    """Return a medium without the layer that decrypts it."""
    view = view_of(medium)
    return medium if view is None else view.around


def is_encrypted(medium: ReadableMedium, file_id: FileId) -> bool:
    """Check whether a file was read decrypted."""
    view = view_of(medium)
    return view is not None and view.is_secure_file(file_id)


def opening_of(medium: ReadableMedium) -> Security | None:
    """Return the keys and passwords that open the files of a medium, None if there are none."""
    view = view_of(medium)
    return view.security if view is not None and view.security.opens else None


def check_secure(medium: UpdatableMedium) -> None:
    """Raise `RefusedError` for an update of a plain file-set with a key: only its new files would be encrypted."""
    view = view_of(medium)
    if view is not None and not view.holds_secure_files():
        raise RefusedError(
            "the file-set is not encrypted, and an update would encrypt a part of it",
            path=medium.name,
            advice="Leave out the keys and passwords, or make a new file-set that is encrypted",
        )


# ---------------------------------------------------------------- findings


def secure_findings(medium: ReadableMedium, *, each: bool = False) -> list[Finding]:
    """Report how encrypted files were opened: a finding for `each` file, or one for all files opened in the same way."""
    view = view_of(medium)
    if view is None:
        return list(_weak(medium))
    states = {name: one for name, one in view.states.items() if not isinstance(one, FilesetError)}
    return [
        *_weak(medium),
        *(_states(states) if each else _counts(states)),
        *_doubts(states),
        *(Finding("FS-SECURE-INTEGRITY", _NO_INTEGRITY, Where(name)) for name, one in states.items() if not one.digest),
        *(Finding("FS-SECURE-PLAIN", "is not encrypted", Where(name)) for name in sorted(view.plain) if view.states),
    ]


def _weak(medium: ReadableMedium) -> Iterator[Finding]:
    archive = _layer_with("is_weak", medium)
    if archive is not None and archive.is_weak:
        yield Finding("FS-ZIP-WEAK", _WEAK, Where(medium.name))


def _states(states: dict[str, SecureState]) -> Iterator[Finding]:
    return (Finding("FS-SECURE-STATE", str(state), Where(name)) for name, state in states.items())


def _counts(states: dict[str, SecureState]) -> Iterator[Finding]:
    for state, number in Counter(map(str, states.values())).items():
        yield Finding("FS-SECURE-STATE", f"{number} file{'s' * (number > 1)}: {state}")


def _doubts(states: dict[str, SecureState]) -> Iterator[Finding]:
    """Report each untrusted signer, if there are certificates to trust."""
    doubtful = defaultdict[tuple[str, str], list[str]](list)
    for name, state in states.items():
        for signer in state.signers:
            if signer.doubt and signer.was_looked_up:
                doubtful[signer.name, signer.doubt].append(name)
    for (signer_name, doubt), names in doubtful.items():
        files = f"{len(names)} file{'s' * (len(names) > 1)}"
        yield Finding("FS-SECURE-TRUST", f"{signer_name}, who signed {files}, is not trusted: {doubt}", Where(names[0]))


def former_recipients(medium: ReadableMedium) -> list[Finding]:
    """Return a finding if the former DICOMDIR has recipients who cannot open the new one."""
    view = view_of(medium)
    if view is None:
        return []
    lost = cast("SecureMedium", view).lost_recipients(DICOMDIR)
    message = f"the old DICOMDIR is also for {lost}: name them too if they should open the new one"
    return [Finding("FS-SECURE-RECIPIENTS", message, Where(DICOMDIR.value))] if lost else []
