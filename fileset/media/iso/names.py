"""Turn the name of a file into a name of ISO 9660 Level 1 or Joliet.

A File ID Component is already a Level 1 name: PS3.12 F.1.2.1 makes `IMAGE1` the file `IMAGE1.;1`. Other files of the disc
need 8.3 names too; if Joliet or UDF keeps the long name, a short one is invented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from fileset.errors import RuleError

_FILE: Final = re.compile(r"([A-Z0-9_]{1,8})(?:\.([A-Z0-9_]{0,3}))?").fullmatch
_FOLDER: Final = re.compile(r"[A-Z0-9_]{1,8}").fullmatch
_NOT_D: Final = re.compile(r"[^A-Z0-9_]")
_NOT_JOLIET: Final = re.compile(r"[\x00-\x1f*/:;?\\]")

JOLIET_LENGTH: Final = 64
"""Largest length of a Joliet name in UCS-2 characters; one outside the Basic Multilingual Plane counts as two."""


def level_1(name: str, *, folder: bool) -> bytes | None:
    """Encode a name that Level 1 allows, in either case, as File or Directory Identifier; None for other names."""
    upper = name.upper()
    if folder:
        return upper.encode("ascii") if _FOLDER(upper) else None
    found = _FILE(upper)
    return f"{found[1]}.{found[2] or ''};1".encode("ascii") if found else None


class Shortener:
    """Invents the nearest free identifiers for the names of one folder that Level 1 does not allow."""

    def __init__(self, taken: Iterable[bytes]) -> None:
        self._taken = set(taken)
        self._next: dict[tuple[str, str], int] = {}

    def __call__(self, name: str, *, folder: bool) -> bytes:
        """Invent a new identifier that is similar to `name`."""
        stem, dot, extension = ("", "", name.upper()) if folder else name.upper().rpartition(".")
        if not dot:
            stem, extension = extension, ""
        stem, extension = _NOT_D.sub("_", stem) or "_", _NOT_D.sub("_", extension)[:3]
        for number in range(self._next.get((stem, extension), 0), 10**7):
            digits = str(number) if number else ""
            short = stem[: 8 - len(digits)] + digits
            identifier = (short if folder else f"{short}.{extension};1").encode("ascii")
            if identifier not in self._taken:
                self._next[stem, extension] = number + 1
                self._taken.add(identifier)
                return identifier
        raise RuleError(f"no Level 1 name is left for {name!r}. Spread the files over more folders")


def level_1_key(identifier: bytes) -> tuple[bytes, bytes]:
    """Compute the sort key of ISO 9660 9.3: name, then extension, each padded with spaces."""
    name, _, extension = identifier.partition(b";")[0].partition(b".")
    return name, extension


def joliet(name: str) -> bytes:
    """Encode the Joliet identifier of a name, without ";1", which some systems would show (PS3.12 F.1.2.1 note 3).

    Raises `RuleError` for a name that Joliet does not allow.
    """
    identifier = name.encode("utf-16-be", "replace")
    if len(identifier) > 2 * JOLIET_LENGTH:
        raise RuleError(f"{name!r} is longer than the {JOLIET_LENGTH} characters of Joliet. Shorten the name")
    if _NOT_JOLIET.search(name):
        raise RuleError(f"{name!r} has a character that Joliet does not take (one of * / : ; ? \\). Rename the file")
    return identifier


def shown(identifier: str) -> str:
    """Format a name as users know it: without version, and without the dot of an empty extension."""
    stem, semicolon, version = identifier.rpartition(";")
    name = stem if semicolon and version.isdecimal() and version.isascii() else identifier
    return name.removesuffix(".") or name
