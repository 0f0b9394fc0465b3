"""The parser of all verbs: common options, KEY=VALUE arguments, and suggestions for mistyped words."""

from __future__ import annotations

import re
from argparse import (
    SUPPRESS,
    Action,
    ArgumentError,
    ArgumentParser,
    ArgumentTypeError,
    RawDescriptionHelpFormatter,
)
from collections.abc import Iterable, Sequence
from os.path import lexists
from typing import TYPE_CHECKING, Any, Final, NoReturn

from fileset.cli.output import write
from fileset.errors import RuleError

if TYPE_CHECKING:
    from argparse import _ActionsContainer

USAGE: Final = SUPPRESS
"""Help of an argument that the usage line explains."""
_KEY: Final = re.compile(r"[A-Z][A-Za-z0-9]*|[0-9A-Fa-f]{8}").fullmatch
_KEYWORD_ALONE: Final = re.compile(r"[A-Z]+[a-z][A-Za-z]*").fullmatch
"""A word that looks like a keyword without a value, such as PatientID or Patient; the user means a path only if it exists."""
_KEYS_HELP: Final = """\
keys:
  KEY is an attribute of patient, study, series or instance; several must all match.
  VALUE may be a list with |, a range of dates, times or numbers, and may hold the wild cards * and ?.
  A backslash separates the values of one attribute.
  Upper and lower case are the same, but not in Patient ID, Accession Number and Study ID.
    PatientID=P1  'PatientName=doe*'  'Modality=CT|MR'  StudyDate=20240101-20241231
    StudyInstanceUID=1.2.3  SeriesNumber=2  InstanceNumber=1-5  'FileID=DICOM/*'"""
_HELP_AT: Final = 30


class UsageError(RuleError):
    """The command line cannot be understood; `hint` names the help to read."""

    kind = "usage"
    hint = ""


class Parser(ArgumentParser):
    """An argument parser that raises `UsageError`, suggests similar words, and ends its help with examples."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"formatter_class": _Formatter, "allow_abbrev": False, "add_help": False, **settings})
        self.add_argument("-h", "--help", action="help", help="show this help and exit")
        self._example = ""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError`."""
        problem = UsageError(message)
        example = f"Example: {self._example}; " if "required" in message and self._example else ""
        problem.hint = f"{example}`{self.prog} --help` shows the options"
        raise problem

    def refuse(self, message: str, word: str, known: Iterable[str]) -> NoReturn:
        """Raise `UsageError` for a word that is not `known`; suggest a similar word."""
        from fileset.cli.suggest import did_you_mean

        self.error(". ".join(filter(None, (message, did_you_mean(word, known)))))

    def refuse_unknown(self, arguments: Sequence[str]) -> NoReturn:
        """Raise `UsageError` for arguments that the verb does not know."""
        option = next((one for one in arguments if one.startswith("-")), "")
        if option:
            self.refuse(f"there is no option {option}", option.partition("=")[0], self._option_string_actions)
        self.error(f"too many arguments: {' '.join(arguments)}")

    def add_examples(self, examples: Sequence[str]) -> None:
        """End the help with command lines; the first one is the example for an argument that is missing."""
        self._example = examples[0]
        self.epilog = "\n\n".join(filter(None, (self.epilog, "\n  ".join(("examples:", *examples)))))

    def _print_message(self, message: str, _: object = None) -> None:
        """Write the help as other output is written: argparse ignores that it cannot be written."""
        write(message.splitlines())

    def _check_value(self, action: Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            from fileset.cli.suggest import did_you_mean

            choices = list(map(str, action.choices))
            question = did_you_mean(str(value), choices)
            raise ArgumentError(action, f"{value!r} is not one of {', '.join(choices)}. {question}".rstrip(". "))


class _Formatter(RawDescriptionHelpFormatter):
    """Help as wide as the terminal; lines of descriptions keep their indent when they are broken."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=_HELP_AT)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        from textwrap import fill

        def filled(line: str) -> str:
            lead = indent + line[: len(line) - len(line.lstrip())]
            return fill(line.strip(), width, initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False)

        return "\n".join(map(filled, text.splitlines()))


def add_flag(target: _ActionsContainer, name: str, text: str) -> None:
    """Add an option without a value, whose help is `text`."""
    target.add_argument(name, action="store_true", help=text)


def add_value(target: _ActionsContainer, name: str, metavar: str, text: str, **settings: Any) -> None:
    """Add an option with one value, which the help names `metavar`."""
    target.add_argument(name, metavar=metavar, help=text, **settings)


def add_values(target: _ActionsContainer, name: str, metavar: str, text: str, **settings: Any) -> None:
    """Add an option that may be repeated; its values become a list."""
    target.add_argument(name, metavar=metavar, help=text, action="append", default=[], **settings)


def add_common(parser: ArgumentParser, *, progress: bool = True) -> None:
    """Add the options of every verb; without `progress`, --no-progress is accepted and not shown in the help."""
    add_flag(parser, "--json", "write one JSON document to standard output")
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("-q", "--quiet", action="store_true", help="report only problems")
    loudness.add_argument("-v", "--verbose", action="store_true", help="report every file and every finding")
    add_flag(parser, "--no-progress", "show no progress, even on a terminal" if progress else SUPPRESS)


def add_keys(parser: ArgumentParser) -> None:
    """Add the KEY=VALUE arguments of a verb that selects."""
    parser.add_argument(
        "keys", nargs="*", default=[], metavar="KEY=VALUE", help="take only instances that match all of these"
    )
    parser.epilog = _KEYS_HELP


def add_media(parser: ArgumentParser) -> None:
    """Add the argument for media and KEY=VALUE, which may be mixed; `split_media` separates them."""
    parser.add_argument(
        "arguments",
        nargs="+",
        metavar="MEDIUM",
        help="folders with a DICOMDIR, DICOMDIRs, images of discs, or ZIP archives; and KEY=VALUE to select",
    )
    add_format(parser)
    parser.epilog = _KEYS_HELP


def keys_of(arguments: Sequence[str]) -> dict[str, str]:
    """Parse KEY=VALUE arguments into values by key. Raises `RuleError` for another form, or a key given twice."""
    keys: dict[str, str] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or not _KEY(key):
            from fileset.standard.dictionary import keyword_like

            meant = keyword_like(key) if equals else ""
            advice = f"Did you mean {meant}={value}?" if meant else ""
            raise RuleError(f"{argument!r} is not of the form KEY=VALUE, such as PatientID=P1", advice=advice)
        if key in keys:
            raise RuleError(f"{key} is given twice: all keys must match, so give one value, with * and ? if need be")
        keys[key] = value
    return keys


def split_media(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Split the arguments into media, and keys by name. A path that looks like KEY=VALUE must begin with "./".

    Raises `RuleError` if there is no medium, or as `keys_of`.
    """
    import os

    media: list[str] = []
    keys: list[str] = []
    for argument in arguments:
        key, equals, _ = argument.partition("=")
        exists = "://" in key or os.path.lexists(argument)  # a remote folder may be s3://bucket/day=1
        if media and _KEYWORD_ALONE(argument) and not exists:
            raise RuleError(
                f"{argument!r} is neither a condition KEY=VALUE, such as PatientID=P1, nor a path that exists"
            )
        # If a word looks like a key and no such path exists, the user means a key; `keys_of` reports its fault.
        keyed = bool(equals and (_KEY(key) or not exists))
        (keys if keyed else media).append(argument)
    if not media:
        raise RuleError("no MEDIUM given", advice="Name at least one folder, image or archive")
    return media, keys_of(keys)


def sources_and_keys(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Split SOURCE and KEY=VALUE arguments; an existing path is a source. Raises as `keys_of`."""
    keys = [word for word in arguments if _KEY(word.partition("=")[0]) and "=" in word and not lexists(word)]
    return [word for word in arguments if word not in keys], keys_of(keys)


def add_format(parser: _ActionsContainer, *, opens: bool = True) -> None:
    """Add the option for the kind of medium; with `opens`, also the options that open an encrypted medium."""
    add_value(
        parser, "--format", "FORMAT", "kind of MEDIUM, if its name and contents do not show it: folder, iso or zip"
    )
    if opens:
        add_opening(parser)


def add_opening(parser: _ActionsContainer, prefix: str = "--") -> None:
    """Add the options that open Secure DICOM Files (PS3.15 D.1); `prefix` begins those for key and certificate."""
    group = parser.add_argument_group("encrypted files (Secure DICOM Files, PS3.15 D.1)")
    add_value(group, f"{prefix}key", "KEY", "file with the private key that opens them", dest="private_key")
    add_value(
        group,
        f"{prefix}cert",
        "CERT",
        "file with the certificate of that key, if there are several recipients",
        dest="certificate",
    )
    add_value(group, "--password-file", "FILE", "file with the password that opens them; - asks on the terminal")
    add_value(group, "--zip-password-file", "FILE", "file with the password of a ZIP archive; - asks on the terminal")
    add_values(
        group,
        "--trust",
        "CERT",
        "file with the certificate of a trusted signer, or of the authority that issued it; may be repeated",
    )


def add_sealing(parser: _ActionsContainer) -> None:
    """Add the options that encrypt what is written."""
    group = parser.add_argument_group("encryption of the written files")
    add_values(
        group,
        "--encrypt-to",
        "CERT",
        "encrypt every DICOM file and the DICOMDIR for the owner of this certificate; may be repeated. --password-file "
        "encrypts for a password",
    )
    group.add_argument(
        "--sign-with", nargs=2, metavar=("CERT", "KEY"), help="sign every file with this certificate and private key"
    )


def positive(text: str) -> int:
    """Parse a number of 1 or more. Raises `ArgumentTypeError` for anything else."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def file_path(text: str) -> str:
    """Check the path of a file to write.

    Raises `ArgumentTypeError` for "-", which means standard output elsewhere, and for no text, as of an unset variable.
    """
    if not text:
        raise ArgumentTypeError("the name of the file is empty")
    if text == "-":
        raise ArgumentTypeError("'-': standard output takes the report: give the name of a file")
    return text
