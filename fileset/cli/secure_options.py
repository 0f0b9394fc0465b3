"""Keys and passwords of the command line: read from files or asked on the terminal, never given as arguments."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from fileset.errors import RuleError, asked_for

if TYPE_CHECKING:
    from fileset.secure.security import Security

_ARCHIVE: Final = "Password of the archive"
_TERMINAL: Final = "-"
_LONGEST: Final = 4096
"""Characters of a password."""


def add_security(verb: str, options: Namespace) -> None:
    """Replace `options.format` by a format with keys and passwords, with which every verb but `create` opens the medium."""
    if verb == "create" or not hasattr(options, "private_key"):
        return
    security = _security(options, twice=verb == "add")  # asked twice: a typing error would lock the files for ever
    if security is None:
        return
    from fileset.plan.secured import secure_format

    _refuse_manifest(options)
    options.format = secure_format(options.format, security)


def encrypting(options: Namespace) -> Security | None:
    """Return the security of a new file-set, None if it stays plain. Raises `RuleError` for a signer without encryption."""
    encrypts = options.encrypt_to or options.password_file
    if options.sign_with and not encrypts:
        raise RuleError("--sign-with signs files that are encrypted", advice="Add --encrypt-to or --password-file")
    if not (encrypts or _locks_archive(options)):
        return None
    _refuse_manifest(options)
    return _security(options, twice=True, with_zip=_locks_archive(options))


def _locks_archive(options: Namespace) -> bool:
    """Decide whether the password of --zip-password-file locks the output of `create`; otherwise it opens a source."""
    is_zip = options.format == "zip" or (
        not options.format and (options.output.lower().endswith(".zip") or options.output == "-")
    )
    return bool(options.zip_password_file) and is_zip


def opening(options: Namespace) -> Security | None:
    """Return the security that opens encrypted sources; None if `encrypting` returns the same keys and passwords."""
    opens_archive = options.zip_password_file and not _locks_archive(options)
    if not (options.private_key or options.source_password_file or opens_archive):
        return None
    if opens_archive:
        _require_archive([*options.sources, *filter(None, [options.from_medium])])
    password = password_of(options.source_password_file, "Password of the sources")
    return _with_keys(options, password=password, zip_password=password_of(options.zip_password_file, _ARCHIVE))


def _with_keys(options: Namespace, **secrets: Any) -> Security:
    from fileset.secure.security import Security

    return Security(key=options.private_key, certificate=options.certificate, trust=options.trust, ask=asked, **secrets)


def _require_archive(sources: Iterable[str]) -> None:
    """Raise `RuleError` if no source is an archive: the user probably expects the password to lock the new file-set."""
    if not any(map(_holds_archive, sources)):
        raise RuleError(
            "--zip-password-file: neither the output nor a SOURCE is a ZIP archive, so nothing would be encrypted",
            advice="Write to NAME.zip, or encrypt the files with --password-file or --encrypt-to",
        )


def _holds_archive(source: str) -> bool:
    """Check whether a source is a ZIP archive, or a folder with a file that is named like one."""
    from os import path, walk
    from zipfile import is_zipfile

    if not path.isdir(source):
        return not path.isfile(source) or is_zipfile(source)  # an absent or remote source is judged where it is opened
    return any(name.lower().endswith(".zip") for _, _, names in walk(source) for name in names)


def _security(options: Namespace, *, twice: bool, with_zip: bool = True) -> Security | None:
    password_file, zip_file = options.password_file, options.zip_password_file if with_zip else None
    sealing = {"recipients": getattr(options, "encrypt_to", ()), "signer": getattr(options, "sign_with", None)}
    given = (options.private_key, options.certificate, password_file, zip_file, options.trust, *sealing.values())
    if not any(given):
        return None
    password = password_of(password_file, "Password", twice=twice)
    return _with_keys(options, password=password, zip_password=password_of(zip_file, _ARCHIVE, twice=twice), **sealing)


def _refuse_manifest(options: Namespace) -> None:
    if getattr(options, "manifest", None):
        raise RuleError(
            "--manifest would list digests of plain files, but the files on the medium are encrypted",
            advice="Leave out --manifest: each encrypted file has a digest or signature inside",
        )


# ---------------------------------------------------------------- passwords


def password_of(file: str | None, prompt: str, *, twice: bool = False) -> str | None:
    """Read the password from the first line of a file, or from the terminal for "-"; None if there is no file.

    Raises `MediumError` if the file cannot be read, `RuleError` if there is no terminal, or the two
    answers differ.
    """
    if file is None:
        return None
    if file != _TERMINAL:
        return _first_line(file)
    password = asked(prompt)
    if twice and password != asked(f"{prompt} again"):
        raise RuleError("the two passwords differ: nothing was done")
    return password


def asked(prompt: str) -> str:
    """Ask for a password on the terminal without echo. Raises `RuleError` if there is no terminal."""
    import warnings
    from getpass import GetPassWarning, getpass

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", GetPassWarning)
            password = getpass(f"{prompt}: ") if has_console() else None
    except (GetPassWarning, EOFError, OSError):
        password = None
    if password is None:
        raise RuleError("there is no terminal to ask for the password", advice="Put it into a file")
    return password


def has_console() -> bool:
    """Test whether standard input is a console, on Windows: without one, `getpass` waits there for ever. NUL passes `isatty`."""
    console = True
    if sys.platform == "win32":
        import ctypes
        import msvcrt

        handle = ctypes.c_void_p(msvcrt.get_osfhandle(0))
        console = bool(ctypes.windll.kernel32.GetConsoleMode(handle, ctypes.byref(ctypes.c_ulong())))
    return console


def _first_line(file: str) -> str:
    try:
        with asked_for(file), open(file, encoding="utf-8-sig") as lines:  # Windows writes a byte order mark
            line = lines.readline(_LONGEST + 1).rstrip("\r\n")
    except UnicodeDecodeError:
        raise RuleError("is not a text file; the password must be its first line", path=file) from None
    if len(line) > _LONGEST:
        raise RuleError(f"the first line, which is the password, has more than {_LONGEST:,} characters", path=file)
    return line
