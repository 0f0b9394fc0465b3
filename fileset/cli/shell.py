"""Words of command lines: those that a command shows, and wild cards, which the shells of Windows leave to each program."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

_PLAIN = re.compile(r"[\w\\/:.~+-]+").fullmatch
_WILD = re.compile(r"[*?]").search


def shown(words: Iterable[str]) -> str:
    """Join words to a command line that the shell of this system takes."""
    if os.name == "nt":
        return " ".join(map(for_windows, words))
    from shlex import join

    return join(words)


def for_windows(word: str) -> str:
    """Quote a word as cmd.exe and PowerShell take it: in double quotes, if it has spaces or signs of theirs.

    Programs of Windows take a backslash before a quote for a part of the word, so one at the end is doubled.
    """
    return word if _PLAIN(word) else '"' + re.sub(r"\\+$", lambda found: found[0] * 2, word) + '"'


def with_files(words: Iterable[str]) -> Iterator[str]:
    """Replace each word that has wild cards by its files; keep the word if there are none.

    KEY=VALUE and options have wild cards of their own.
    """
    from glob import glob

    for word in words:
        wild = _WILD(word) and "=" not in word and not word.startswith("-")
        yield from (wild and sorted(glob(word.replace("[", "[[]")))) or (word,)
