"""The frame around the verbs: which one is meant, how it ends, and what is said then.

One module for each verb, imported only when its verb was chosen, so that `--help` and `--version` cost nothing. Data
goes to standard output; messages, findings and progress go to standard error.
"""

from __future__ import annotations

import sys
from argparse import REMAINDER, Namespace
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Final, Protocol, cast

from fileset.cli import INTERRUPTED
from fileset.cli.options import USAGE, Parser
from fileset.cli.output import abandon, complain, flush, prepare_streams, say, write
from fileset.errors import FilesetError

VERBS: Final = {
    "create": "copy DICOM files into a new file-set",
    "index": "write the DICOMDIR for DICOM files that stay where they are",
    "add": "add files to a file-set, or read their keys again",
    "remove": "remove what matches from a file-set",
    "repair": "rebuild the DICOMDIR from the files that are there",
    "list": "show patients, studies, series and instances",
    "info": "show identification, counts and free space",
    "check": "say what is wrong with a file-set",
    "extract": "copy files out of a file-set",
    "profiles": "list the application profiles of PS3.11, or show the rules of one",
}
"""Each verb, which is the name of its module, and what it does."""

RETAINED: Final = 31 << 20
"""Bytes of memory that are used again when they were freed."""
BROKEN_PIPE: Final = 141
"""What a shell reports for a program that the end of a pipe stopped: 128 + SIGPIPE."""


class Verb(Protocol):
    """What the module of a verb has."""

    def configure(self, parser: Parser) -> None:
        """Say what the verb takes."""
        ...

    def run(self, options: Namespace) -> int:
        """Do it, and give the exit code."""
        ...


def run(argv: Sequence[str] | None) -> int:
    """Run the command line with `argv`, those of the process if None, and give the exit code."""
    prepare_streams()
    try:
        return _answered(argv)
    except BrokenPipeError:  # whoever reads our output has seen enough
        abandon(sys.stdout)
        return BROKEN_PIPE


def _answered(argv: Sequence[str] | None) -> int:
    try:
        code = _carried_out(argv)
        flush()
    except FilesetError as problem:
        if isinstance(problem.__cause__, BrokenPipeError):
            raise problem.__cause__ from None
        complain("; ".join((problem.text(command=True), *_notes(problem))))
        return problem.exit_code
    except KeyboardInterrupt as end:
        say(f"fileset: {'; '.join((str(end) or 'interrupted', *_notes(end)))}")
        return getattr(end, "exit_code", INTERRUPTED)
    return code


def _notes(problem: BaseException) -> Sequence[str]:
    """What was done in spite of a problem."""
    return getattr(problem, "__notes__", ())


def _carried_out(argv: Sequence[str] | None) -> int:
    try:
        chosen = _parser().parse_args(argv)
        if chosen.version:
            return _version()
        verb, options = _verb(chosen.verb, chosen.arguments)
    except SystemExit as stop:  # argparse has said all that is to be said
        return int(stop.code or 0)
    from fileset.cli.signals import ending_as_interrupted  # --help needs none of it

    # glibc takes pieces as large as the largest that was freed, up to 32 MiB, from memory that it retains, and has larger
    # ones mapped anew, every page of them zeroed. This one is never touched, and so costs nothing itself.
    with suppress(MemoryError):
        bytes(RETAINED)
    with ending_as_interrupted():
        return verb.run(options)


def _version() -> int:
    from fileset import __version__

    write([f"fileset {__version__}"])
    return 0


def _verb(name: str | None, arguments: Sequence[str]) -> tuple[Verb, Namespace]:
    parser = Parser(prog=f"fileset {name}") if name in VERBS else _parser()
    if name is None:
        parser.error("no verb")
    if name not in VERBS:
        parser.error(f"there is no verb {name!r}: use {', '.join(VERBS)}")
    verb = cast("Verb", import_module(f"fileset.cli.verbs.{name}"))
    parser.description = VERBS[name][0].upper() + VERBS[name][1:] + "."
    verb.configure(parser)
    return verb, parser.parse_intermixed_args(arguments)


def _parser() -> Parser:
    verbs = "\n".join(f"  {name:9}{does}" for name, does in VERBS.items())
    parser = Parser(
        prog="fileset",
        usage="fileset VERB ... [options]",
        description=f"Create, index and read DICOM file-sets: the folders and discs that carry a DICOMDIR.\n\n"
        f"verbs:\n{verbs}",
        epilog="`fileset VERB --help` tells the options of a verb.\n\n"
        "exit codes:\n  0 done, 1 the check found errors, 2 wrong usage, 3 done in part (something skipped, missing or cut off),\n"
        f"  4 not a file-set or unreadable, 5 I/O error or medium full, 6 refused for safety, {INTERRUPTED} interrupted,\n"
        f"  143 and 129 told to end, {BROKEN_PIPE} whoever read the output went away",
    )
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    parser.add_argument("verb", nargs="?", help=USAGE)
    parser.add_argument("arguments", nargs=REMAINDER, help=USAGE)
    return parser
