"""The errors that leave the public API because of data, media or requests.

Each error carries its facts as data; `str(error)` composes them once: place, reason, advice. `RuleError` means that the
caller asked for something the Standard forbids, `FormatError` that the medium holds something illegal, `MediumError` that
the medium failed. `exit_code` is the exit code of the command line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

DONE: Final = "the change was complete by then"
"""Note on an interruption that came too late to undo anything."""


class Advice(NamedTuple):
    """The next step: one sentence for a Python program, one for the command line."""

    python: str
    command: str


_FUNCTIONS: Final = {
    "create": "Creator",
    "extract": "fileset.extract()",
    "index": "fileset.index()",
    "repair": "fileset.repair_file_set()",
}
"""The verbs that advice names, each with its name in Python."""


def _naming(sentence: str) -> Advice:
    """Make advice from a sentence that has {VERB} in the place of the function, or of the verb."""
    functions = {verb: f"`{function}`" for verb, function in _FUNCTIONS.items()}
    verbs = {verb: f"`fileset {verb}`" for verb in _FUNCTIONS}
    return Advice(sentence.format_map(functions), sentence.format_map(verbs))


REPAIR: Final = _naming("{repair} rebuilds it from the files")
MERGE: Final = _naming("{repair} makes one of them")
ONE_PROCESS: Final = Advice("Try again with one process (jobs=1)", "Try again with one process (--jobs 1)")
_GUARD: Final = 'A script needs the line `if __name__ == "__main__":` before calls that start processes'
GUARD: Final = Advice(_GUARD, "Try again without --cluster")
GUARD_OR_ONE_PROCESS: Final = Advice(f"{_GUARD}. If it has that line: {ONE_PROCESS.python}", ONE_PROCESS.command)
REPAIR_OR_SCAN: Final = Advice(
    f"{REPAIR.python}, `Reader(..., scan=True)` reads them without it",
    f"{REPAIR.command}, `fileset extract --scan` copies them out without it",
)
COPY_OUT: Final = Advice("`Reader(..., scan=True)` reads the rest", "`fileset extract` copies out the rest")
CREATE: Final = _naming("{create} makes one of the DICOM files in it")
INDEX_FOLDER: Final = _naming("{index} writes the DICOMDIR of a folder")
INDEX_INSTEAD: Final = _naming("Use {index} for files that stay where they are, or write the file-set elsewhere")
ENCRYPTED: Final = "encrypted (a Secure DICOM File, PS3.15 D.1): it cannot be opened without a key or password"
OPEN_WITH: Final = Advice(
    "Give `security=Security(key=...)` or `Security(password=...)`",
    "Give the private key with --key, or a file with the password with --password-file",
)
RIGHT_PASSWORD: Final = Advice("Give the right password to `Security`", "Give the right password with --password-file")
LOCKED: Final = "encrypted, as the archive has a password"
"""Why a member of an archive is refused without the password."""
OPEN_ARCHIVE: Final = Advice(
    "Give `security=Security(zip_password=...)`",
    "Give a file with the password of the archive with --zip-password-file",
)
EXTRACT: Final = _naming("{extract} copies out its DICOM files")
INDEX: Final = Advice(
    "`fileset.index()` makes one; `Reader(..., scan=True)` reads the files without it",
    "`fileset index` makes one; `fileset list --scan` shows the files without it",
)
WRITE_AGAIN: Final = "Write it again"
WRITE_OR_INDEX: Final = _naming("Write it again, or use {index}, which lists the files that are complete")
NAME_MEDIUM: Final = _naming("Name the folder that the file is in; {index} makes a DICOMDIR there")
NAME_FOLDER_OF: Final = "For a single DICOM file, name the folder that it is in"
NAME_FOLDER: Final = "Name the folder that has the DICOMDIR"
NAME_FOLDER_ABOVE: Final = _naming(NAME_FOLDER + "; {index} makes a DICOMDIR for this one alone")
INDEX_AGAIN: Final = Advice(
    "`fileset.index(folder, replace=True)` makes a new file-set of the same files",
    "`fileset index --replace` makes a new file-set of the same files",
)
REPLACE_OR_ADD: Final = Advice(
    "Use `Updater` to add to it, or replace=True to make a new one",
    "Use `fileset add` to add to it, or --replace to make a new one",
)


class FilesetError(Exception):
    """Root of every error that `fileset` raises because of data, media or requests.

    Attributes:
        reason: The fault, without the place and the advice.
        path: The file or medium, "" if unknown.
        offset: The byte in that file, counted from 0; None if unknown.
        tag: The data element, as a number; None if there is none.
        advice: The next step, "" if there is nothing to suggest.
        rule: The id in the catalogue of rules (`fileset check --rules`), "" if there is none.
        kind: The kind of error in one word, as `--json` names it.
        exit_code: The exit code of the command line.
    """

    exit_code = 5
    kind = "error"

    reason: str = ""
    path: str = ""
    offset: int | None = None
    tag: int | None = None
    rule: str = ""
    _advice: str | Advice = ""

    def __init__(
        self,
        reason: str,
        *,
        path: object = "",
        offset: int | None = None,
        tag: int | None = None,
        advice: str | Advice = "",
        rule: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = str(path)
        self.offset = offset
        self.tag = tag
        self.rule = rule
        self._advice = advice

    @property
    def advice(self) -> str:
        """Advice for a Python program."""
        return self._advice.python if isinstance(self._advice, Advice) else self._advice

    @property
    def command_advice(self) -> str:
        """Advice for a user of the command line."""
        return self._advice.command if isinstance(self._advice, Advice) else self._advice

    def __str__(self) -> str:
        return self.text()

    def text(self, *, known_path: str = "", known_offset: int | None = None, command: bool = False) -> str:
        """Format the message without the place that the reader knows already; with `command`, for the command line.

        A path below the medium counts as known too if `known_path` ends with it.
        """
        place = [] if f"/{known_path}".endswith(f"/{self.path}") else [self.path]
        if self.offset not in (None, known_offset):
            place.append(f"offset {self.offset}")
        if self.tag is not None:
            place.append(f"({self.tag >> 16:04X},{self.tag & 0xFFFF:04X})")
        advice = self.command_advice if command else self.advice
        where = ", ".join(filter(None, place)).removesuffix(":")  # of a drive such as D:
        message = ": ".join(filter(None, (where, self.reason)))
        return f"{message}. {advice}" if advice else message

    def moved(self, **changes: Any) -> FilesetError:
        """Return the same error with another `path`, `offset`, `reason` or `advice`."""
        facts = {name: getattr(self, name) for name in ("reason", "path", "offset", "tag", "rule")}
        return type(self)(**facts | {"advice": self._advice} | changes)


class RuleError(FilesetError, ValueError):
    """The request breaks a rule of the Standard; nothing was written."""

    exit_code = 2
    kind = "rule"


def refuse_path(given: object, wanted: str) -> None:
    """Raise `RuleError` for the path of a medium where a function takes `wanted`, which a `Reader` of the medium gives."""
    if isinstance(given, str) or hasattr(given, "__fspath__"):
        raise RuleError(
            f"{given!r} is a path, not {wanted}", advice=f"Give {wanted}: `with Reader(path) as reader: ...`"
        )


def require_one_of(option: str, value: object, choices: Iterable[str]) -> None:
    """Raise `RuleError` unless `value` is one of the choices of an option."""
    known = tuple(choices)
    if value not in known:
        raise RuleError(f"there is no {option} {value!r}", advice=f"Use one of {', '.join(known)}")


def require_from(least: int, option: str, value: int) -> None:
    """Raise `RuleError` if the value of an option is a number below `least`."""
    if value < least:
        raise RuleError(f"{option}: {value} is not a number of {least} or more")


def one_of(option: str, choices: Iterable[str]) -> Callable[[object, object, str], None]:
    """Return a validator for a field of an attrs class that has only these values; it raises as `require_one_of`."""
    return lambda _, __, value: require_one_of(option, value, choices)


def foreign_text(problem: BaseException) -> str:
    """Describe an exception of another library in one line: the text of some holds a whole traceback."""
    return f"{type(problem).__name__}: {str(problem).strip().partition(chr(10))[0]}"


def without_password(text: str) -> str:
    """Remove the users, passwords and signed queries that addresses in a text may hold."""
    return re.sub(r"(https?://[^\s?]*\?)\S+", r"\1...", re.sub(r"//[^\s/]*@", "//", text))


class RefusedError(RuleError):
    """The request is refused because it could lose or endanger data; nothing was written."""

    exit_code = 6
    kind = "refused"


class FormatError(FilesetError, ValueError):
    """The medium holds something illegal or damaged."""

    exit_code = 4
    kind = "format"


class FindingsError(ExceptionGroup[FormatError], FormatError):
    """All findings on a medium, raised together by a strict reader: `exceptions` has one error for each finding.

    It is a group for `except*`, and a `FilesetError` like all others.
    """

    def __init__(self, message: str, exceptions: Sequence[FormatError]) -> None:
        super().__init__(message, exceptions)
        self.reason = message

    def derive(self, excs: Sequence[FormatError]) -> FindingsError:  # type: ignore[override]  # it holds no other kind
        """Return a group of some of these errors."""
        return FindingsError(self.message, excs)

    def text(self, *, known_path: str = "", known_offset: int | None = None, command: bool = False) -> str:  # noqa: ARG002  # the place is in each error of the group
        """Return the message of the group."""
        return self.message


class MediumError(FilesetError):
    """The medium failed: an I/O error, no space, no permission, a missing file."""

    exit_code = 5
    kind = "medium"


class NotFoundError(MediumError):
    """A path that the caller named does not exist."""

    exit_code = 2
    kind = "not-found"


@contextmanager
def asked_for(path: str) -> Iterator[None]:
    """Raise `NotFoundError` if the file that the caller named does not exist, `MediumError` if it cannot be read."""
    try:
        yield
    except FileNotFoundError as problem:
        raise NotFoundError("no such file", path=path) from problem
    except OSError as problem:
        raise MediumError(problem.strerror or str(problem), path=path) from problem
