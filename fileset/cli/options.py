"""What the verbs have in common on the command line: options, KEY=VALUE, and how a mistake is answered."""

from __future__ import annotations

import re
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from fileset.cli.output import complain, say
from fileset.errors import RuleError

if TYPE_CHECKING:
    from argparse import _ActionsContainer

USAGE: Final = SUPPRESS
"""Help of an argument that the usage line tells enough about."""
_KEY: Final = re.compile(r"[A-Z][A-Za-z0-9]*|[0-9A-Fa-f]{8}").fullmatch
_KEYS_HELP: Final = """\
keys:
  KEY is an attribute of patient, study, series or instance; several must all match.
  VALUE may be a list with |, a range of dates, times or numbers, and may hold the wild cards * and ?.
  Upper and lower case are the same, but not in Patient ID, Accession Number and Study ID.
    PatientID=P1  'PatientName=doe*'  'Modality=CT|MR'  StudyDate=20240101-20241231
    StudyInstanceUID=1.2.3  SeriesNumber=2  InstanceNumber=1-5  SOPInstanceUID=1.2.3.4"""
_HELP_AT: Final = 30
_HELP_WIDTH: Final = 100


class Parser(ArgumentParser):
    """An argument parser whose errors are one sentence and a hint, in the form of all our errors."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"formatter_class": _Formatter, "allow_abbrev": False, "add_help": False, **settings})
        self.add_argument("-h", "--help", action="help", help="show this help and exit")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with exit code 2."""
        complain(message)
        say(f"`{self.prog} --help` tells what it takes")
        raise SystemExit(RuleError.exit_code)


class _Formatter(RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=_HELP_AT)
        self._width = min(self._width, _HELP_WIDTH)


def add_common(parser: ArgumentParser, *, progress: bool = True) -> None:
    """Options of every verb; without `progress`, those of one that shows none all the same take the option."""
    parser.add_argument("--json", action="store_true", help="write one JSON document to standard output")
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("-q", "--quiet", action="store_true", help="say only what went wrong")
    loudness.add_argument("-v", "--verbose", action="store_true", help="say everything")
    told = "show no progress, even on a terminal" if progress else SUPPRESS
    parser.add_argument("--no-progress", action="store_true", help=told)


def add_keys(parser: ArgumentParser) -> None:
    """The KEY=VALUE arguments of a verb that selects."""
    parser.add_argument("keys", nargs="*", default=[], metavar="KEY=VALUE", help="take only what matches all of these")
    parser.epilog = _KEYS_HELP


def keys_of(arguments: Sequence[str]) -> dict[str, str]:
    """KEY=VALUE arguments by key. Raises `RuleError` for another form, or a key given twice."""
    keys: dict[str, str] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or not _KEY(key):
            raise RuleError(f"{argument!r} is not of the form KEY=VALUE, such as PatientID=P1")
        if key in keys:
            raise RuleError(f"{key} is given twice: all keys must match, so give one value, with * and ? if need be")
        keys[key] = value
    return keys


def add_format(parser: _ActionsContainer) -> None:
    """What the medium is."""
    parser.add_argument(
        "--format", metavar="FORMAT", help="what MEDIUM is, where nothing else tells: folder, iso or zip"
    )


def positive(text: str) -> int:
    """A number of 1 or more, as argparse wants it."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def file_path(text: str) -> str:
    """The path of a file to write, as argparse wants it: here "-" is not standard output, nor a file."""
    if text == "-":
        raise ArgumentTypeError("'-': standard output takes the report: give the name of a file")
    return text
