"""Suggestions for misspelt words: verbs, options, choices and paths."""

from __future__ import annotations

import os
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], folder: str = "") -> str:
    """Make the question "Did you mean ...?" with the most similar of the `known` words; "" if none is similar."""
    from difflib import get_close_matches

    by_lower = {one.lower(): one for one in known}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"Did you mean {os.path.join(folder, by_lower[found[0]])}?" if found else ""


def path_like(path: str) -> str:
    """Make the question "Did you mean ...?" with an existing path similar to `path`; "" if there is none."""
    if os.path.islink(path):
        return "It is a symbolic link that leads nowhere"
    folder, name = os.path.split(path.rstrip(os.sep + (os.altsep or "")))
    if not name:
        return ""
    if folder and not os.path.isdir(folder):
        return path_like(folder)
    try:
        return did_you_mean(name, os.listdir(folder or "."), folder)
    except OSError:
        return ""
