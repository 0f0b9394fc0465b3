"""Quote words of the command lines in advice, and expand wild cards, which the shells of Windows leave to each program."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from fileset.errors import RuleError

_PLAIN = re.compile(r"[\w\\/:.~+-]+").fullmatch
_PATH = re.compile(r'(?:[A-Za-z]:)?[^"*:<=>?|]+').fullmatch
_WILD = re.compile(r"[*?]").search


def shown(words: Iterable[str]) -> str:
    """Join words into a command line for the shell of this system."""
    if os.name == "nt":
        return " ".join(map(for_windows, words))
    from shlex import join

    return join(words)


def for_windows(word: str) -> str:
    """Quote a word for cmd.exe and PowerShell: in double quotes, if it has spaces or special characters.

    A backslash at the end is doubled, because programs of Windows read a backslash before a quote as an escape.
    """
    return word if _PLAIN(word) else '"' + re.sub(r"\\+$", lambda found: found[0] * 2, word) + '"'


def refuse_glued(words: Iterable[str]) -> None:
    r"""Raise `RuleError` for a path that has the words after it in it, as of "D:\A B\" -o X.

    Programs of Windows take a quotation mark after a backslash for a character. No path can have it, but a text such as
    the name of an institution can: there the first mark is not before a space.
    """
    for word in words:
        path, mark, further = word.partition('"')
        if mark and further.startswith(" ") and _PATH(path):
            raise RuleError(
                f"{word}: a quotation mark in a path",
                advice=f'Windows takes a backslash before it for a part of the word: write "{path}" without one at the end',
            )


def with_files(words: Iterable[str]) -> Iterator[str]:
    r"""Replace each word with wild cards by the matching files; keep the word if no file matches.

    KEY=VALUE, options, and the pattern after --exclude are left alone: their wild cards have another meaning.
    The quotation mark at the end of "D:\A B\" is left out.
    """
    from glob import glob

    before = ""
    for given in words:
        word = given[:-1] if given.endswith('"') and _PATH(given[:-1]) else given
        wild = _WILD(word) and "=" not in word and not word.startswith("-") and before != "--exclude"
        yield from (wild and sorted(glob(word.replace("[", "[[]")))) or (word,)
        before = word
