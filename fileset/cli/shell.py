"""Quote words of the command lines in advice, and expand wild cards, which the shells of Windows leave to each program."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

_PLAIN = re.compile(r"[\w\\/:.~+-]+").fullmatch
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


def with_files(words: Iterable[str]) -> Iterator[str]:
    """Replace each word with wild cards by the matching files; keep the word if no file matches.

    KEY=VALUE and options are left alone: their wild cards have another meaning.
    """
    from glob import glob

    for word in words:
        wild = _WILD(word) and "=" not in word and not word.startswith("-")
        yield from (wild and sorted(glob(word.replace("[", "[[]")))) or (word,)
