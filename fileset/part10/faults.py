"""A fault of one DICOM file, before its place in the file-set is known."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """A rule that a file breaks, with the offset in bytes and the tag if known."""

    rule: str
    message: str
    offset: int | None = None
    tag: int | None = None
