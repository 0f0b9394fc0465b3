"""`fileset completion`: print a script that completes commands in your shell."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from importlib import import_module
from typing import Final, cast

from fileset.cli.dispatch import Verb, configured
from fileset.cli.options import Parser
from fileset.cli.output import write
from fileset.cli.verbs import SHORTHAND, VERBS

SHELLS: Final = ("bash", "zsh", "fish", "powershell")
EXAMPLES: Final = (
    "fileset completion bash > ~/.local/share/bash-completion/completions/fileset",
    "fileset completion powershell >> $PROFILE",
)


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = f"fileset completion {{{','.join(SHELLS)}}}"
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")


def run(options: Namespace) -> int:
    """Print the script."""
    import shtab

    write([shtab.complete(_whole_parser(), options.shell)])
    return 0


def _whole_parser() -> ArgumentParser:
    """Build one parser with a subparser for each verb, as shtab needs it."""
    parser = Parser(prog="fileset")
    verbs = parser.add_subparsers(parser_class=Parser)
    for name, does in VERBS.items():
        part = verbs.add_parser(name, help=does)
        if name == "help":
            part.add_argument("verb", nargs="?", choices=list(VERBS))
        elif name not in SHORTHAND:
            configured(part, name, cast("Verb", import_module(f"fileset.cli.verbs.{name}")))
    return parser
