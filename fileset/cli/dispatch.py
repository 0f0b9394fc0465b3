"""Choose the verb, run it, and report how it ended.

Each verb is a module of `fileset.cli.verbs`, imported only when it was chosen, so that `--help` and `--version` stay fast.
Data goes to standard output; messages, findings and progress go to standard error.
"""

from __future__ import annotations

import os
import sys
from argparse import REMAINDER, Namespace
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from time import monotonic
from typing import Final, Protocol, cast

from fileset.cli import INTERRUPTED
from fileset.cli.options import USAGE, Parser
from fileset.cli.output import abandon, complain, flush, prepare_streams, say, started, write, write_document
from fileset.cli.verbs import SHORTHAND, VERBS
from fileset.errors import FilesetError, NotFoundError

RETAINED: Final = 31 << 20
"""Largest number of freed bytes that the C library keeps for the next allocation."""
BROKEN_PIPE: Final = 141
"""Exit code of a program that the end of a pipe stopped, as a shell reports it: 128 + SIGPIPE."""
ERROR_SCHEMA: Final = "fileset.error/1"


class Verb(Protocol):
    """The contents of the module of a verb."""

    EXAMPLES: Sequence[str]

    def configure(self, parser: Parser) -> None:
        """Add the arguments."""

    def run(self, options: Namespace) -> int:
        """Do the work, and return the exit code."""


def run(argv: Sequence[str] | None) -> int:
    """Run the command line with `argv`, else with the arguments of the process, and return the exit code."""
    prepare_streams()
    arguments = _own_arguments() if argv is None else list(argv)
    try:
        return _run(arguments)
    except BrokenPipeError:  # the reader of our output has closed it
        abandon(sys.stdout)
        return BROKEN_PIPE


def _own_arguments() -> list[str]:
    if os.name != "nt":
        return sys.argv[1:]
    from fileset.cli.shell import with_files

    return list(with_files(sys.argv[1:]))


def _run(arguments: Sequence[str]) -> int:
    try:
        code = _carry_out(arguments)
        flush()
    except FilesetError as problem:
        if isinstance(problem.__cause__, BrokenPipeError):
            raise problem.__cause__ from None
        return _report_error(problem, arguments)
    except KeyboardInterrupt as end:
        return _report_interruption(end, arguments)
    return code


def _carry_out(arguments: Sequence[str]) -> int:
    if os.name == "nt":
        from fileset.cli.shell import refuse_glued

        refuse_glued(arguments)
    try:
        chosen = _parser().parse_args(_expanded(arguments))
        if chosen.version:
            return _show_version()
        verb, options = _parse(chosen.verb, chosen.arguments)
    except SystemExit as stop:  # --help ends the program after its text
        return int(stop.code or 0)
    from fileset.cli.secure_options import add_security
    from fileset.cli.signals import ending_as_interrupted  # --help needs none of it

    _keep_freed_memory()
    try:
        options.began = monotonic()
        with ending_as_interrupted():
            add_security(chosen.verb, options)
            return verb.run(options)
    except KeyboardInterrupt as end:
        if getattr(verb, "WRITES", False) and not options.dry_run and not _notes(end):
            end.add_note("nothing was written")
        raise


@cache
def _keep_freed_memory() -> None:
    """Make the C library reuse freed memory, once in a process.

    glibc reuses freed blocks up to the size of the largest block freed so far, at most 32 MiB. It asks the system for each
    larger block, and the system zeroes every page. Freeing one large block, never touched, raises that limit.
    """
    with suppress(MemoryError):
        bytes(RETAINED)


def _expanded(arguments: Sequence[str]) -> Sequence[str]:
    """Expand shorthand verbs to options: `help VERB` is `VERB --help`, `help help` is `--help`."""
    if not arguments:
        return ["--help"]
    option = SHORTHAND.get(arguments[0])
    if option is None:
        return arguments
    verb = [name for name in arguments[1:2] if name not in SHORTHAND]
    return [*verb, option] if option == "--help" else [option]


def _show_version() -> int:
    from fileset import __version__

    write([f"fileset {__version__}"])
    return 0


def _parse(name: str | None, arguments: Sequence[str]) -> tuple[Verb, Namespace]:
    if name is None:
        _parser().error("no verb")
    if name not in VERBS or name in SHORTHAND:
        _parser().refuse(f"there is no verb {name!r}", name, VERBS)
    verb = cast("Verb", import_module(f"fileset.cli.verbs.{name}"))
    parser = configured(Parser(prog=f"fileset {name}"), name, verb)
    options, unknown = parser.parse_known_intermixed_args(arguments)
    if unknown:
        parser.refuse_unknown(unknown)
    return verb, options


def configured(parser: Parser, name: str, verb: Verb) -> Parser:
    """Add the arguments and the help of a verb to the parser."""
    parser.description = f"{VERBS[name][0].upper()}{VERBS[name][1:]}."
    verb.configure(parser)
    parser.add_examples(verb.EXAMPLES)
    return parser


def _parser() -> Parser:
    width = max(map(len, VERBS)) + 2
    verbs = "\n".join(f"  {name:{width}}{does}" for name, does in VERBS.items())
    parser = Parser(
        prog="fileset",
        usage="fileset VERB ... [options]",
        description="Create, check, repair and read DICOM media: the CDs, USB sticks, ISO images and ZIP archives that "
        f"carry a DICOMDIR.\n\nverbs:\n{verbs}",
        epilog="exit codes:\n"
        "  0 done, 1 the check found errors, 2 wrong usage, 3 done in part (each skipped, missing or damaged file is "
        "named), 4 not a file-set or unreadable, 5 I/O error or medium full, 6 refused for safety, "
        f"{INTERRUPTED} interrupted, 143 and 129 stopped by a signal, {BROKEN_PIPE} the reader of the output went away",
    )
    parser.add_argument("-V", "--version", action="store_true", help="show the version and exit")
    parser.add_argument("verb", nargs="?", help=USAGE)
    parser.add_argument("arguments", nargs=REMAINDER, help=USAGE)
    parser.add_examples(("fileset create scans/ -o DISC.iso", "fileset help create"))
    return parser


# ---------------------------------------------------------------- how it ended


def _report_error(problem: FilesetError, arguments: Sequence[str]) -> int:
    hint, advice = getattr(problem, "hint", ""), problem.command_advice
    if isinstance(problem, NotFoundError) and not advice:
        from fileset.cli.suggest import path_like

        advice = path_like(problem.path)
        problem = problem.moved(advice=advice)
    notes = _notes(problem)
    beside, below = (notes, ()) if len(notes) == 1 else ((), notes)
    complain("; ".join((problem.text(command=True), *beside)))
    say(*(f"  {note}" for note in below))
    if hint:
        say(hint)
    facts: dict[str, object] = {"kind": problem.kind, "rule": problem.rule or None, "message": problem.reason}
    facts |= {"path": problem.path or None, "offset": problem.offset}
    facts |= {"advice": advice or hint or None, "notes": list(notes)}
    return _write_outcome(arguments, facts, problem.exit_code)


def _report_interruption(end: KeyboardInterrupt, arguments: Sequence[str]) -> int:
    message = str(end) or "interrupted"
    say(f"fileset: {'; '.join((message, *_notes(end)))}")
    facts = {"kind": "interrupted", "rule": None, "message": message, "path": None, "offset": None, "advice": None}
    return _write_outcome(arguments, facts | {"notes": list(_notes(end))}, getattr(end, "exit_code", INTERRUPTED))


def _write_outcome(arguments: Sequence[str], facts: Mapping[str, object], code: int) -> int:
    """Write the error as a JSON document if --json is given and no document is begun yet; return the exit code."""
    if "--json" in arguments and not started():
        with suppress(FilesetError):
            write_document(ERROR_SCHEMA, {"error": facts, "exit_code": code})
            flush()
    return code


def _notes(problem: BaseException) -> Sequence[str]:
    """Return the notes on a problem, such as work that was complete before it."""
    return getattr(problem, "__notes__", ())
