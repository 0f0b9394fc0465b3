"""What is wrong with one file, before its place in the file-set is known."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """A rule of the catalogue that a file breaks, and where in the file: offset in bytes, and tag."""

    rule: str
    message: str
    offset: int | None = None
    tag: int | None = None
