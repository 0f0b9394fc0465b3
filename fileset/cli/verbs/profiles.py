"""`fileset profiles`: the application profiles of PS3.11, and the rules of one."""

from __future__ import annotations

import sys
import textwrap
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Final

from fileset.cli.options import add_common, add_value
from fileset.cli.output import json_text, paragraph, write, write_document
from fileset.errors import RuleError

if TYPE_CHECKING:
    from fileset.profiles.find import Profile
    from fileset.profiles.words import Table

EXAMPLES: Final = ("fileset profiles --medium CD", "fileset profiles STD-GEN-CD")
WIDTH: Final = 100
"""Characters of a line in a file or pipe; a terminal has its own width."""
NARROW: Final = 24
"""Fewest characters for a last column with more than one line a row."""


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset profiles [ID] [options]"
    parser.add_argument("profile", nargs="?", metavar="ID", help="show the rules of this one, such as STD-GEN-CD")
    add_value(parser, "--medium", "WORD", "list the profiles for a medium: CD, DVD, USB, UDF ...", default="")
    add_value(
        parser, "--class", "SOP", "list the profiles that allow a SOP class: UID or name", dest="sop_class", default=""
    )
    add_value(parser, "--syntax", "SYNTAX", "list the profiles that allow a transfer syntax: UID or name", default="")
    add_common(parser, progress=False)
    parser.epilog = "`fileset check MEDIUM --profiles` names the profiles that a medium satisfies."


def run(options: Namespace) -> int:
    """List profiles, or show one."""
    from fileset.profiles.find import find_profile, select_profiles

    if options.profile:
        if options.medium or options.sop_class or options.syntax:
            raise RuleError("profiles: give an ID, or --medium, --class and --syntax to list several; not both")
        _show(find_profile(options.profile), as_json=options.json)
    else:
        _list(list(select_profiles(options.medium, options.sop_class, options.syntax)), as_json=options.json)
    return 0


def _show(profile: Profile, *, as_json: bool) -> None:
    from fileset.profiles.words import document_of, facts_of_profile, tables_of

    if as_json:
        write_document("fileset.profile/1", {"profile": document_of(profile)})
        return
    write(_wrapped(f"{name + ':':10}{text}") for name, text in facts_of_profile(profile))
    for title, table in tables_of(profile):
        write(["", f"{title}:"])
        write(_lines(table))


def _list(profiles: list[Profile], *, as_json: bool) -> None:
    if as_json:
        from fileset.profiles.words import document_of

        write_document("fileset.profiles/1", {"profiles": map(json_text, map(document_of, profiles))})
        return
    rows: Table = [("PROFILE", "ROLES", "PS3.11", "MEDIUM")]
    rows += [(one.id, " ".join(one.roles), one.annex, one.medium.name) for one in profiles]
    write(_lines(rows))


def _lines(table: Table) -> Iterator[str]:
    """Lay out a table in columns, the last one broken between words; on a narrow terminal give each cell a line."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    before = sum(widths[:-1]) + 2 * len(widths)
    is_terminal = sys.stdout.isatty()
    room = get_terminal_size().columns - before if is_terminal else max(WIDTH - before, 40)
    needed = max(NARROW, *(len(word) for row in table for word in row[-1].split()))
    if is_terminal and room < min(needed, widths[-1]):
        yield from _in_lines(table)
        return
    for row in table:
        head = "".join(f"  {cell:{width}}" for cell, width in zip(row[:-1], widths, strict=False)) + "  "
        for at, part in enumerate(textwrap.wrap(row[-1], room) or [""]):
            yield ((head if not at else " " * len(head)) + part).rstrip()


def _in_lines(table: Table) -> Iterator[str]:
    """Yield a line for each cell, and an empty one between rows."""
    for at, row in enumerate(table[1:]):
        yield from [""] if at else []
        yield from (paragraph(f"  {name}: {cell}") for name, cell in zip(table[0], row, strict=True))


def _wrapped(line: str) -> str:
    """Break a line at spaces on a terminal."""
    return paragraph(line) if sys.stdout.isatty() else line
