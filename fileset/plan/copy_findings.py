"""What is told of files that are copied: a preamble that is cleared, an end that is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from fileset.errors import RuleError
from fileset.findings import Finding, Where
from fileset.plan.inputs import Sources

PREAMBLES: Final = ("keep", "zero")


def clears(preamble: str) -> bool:
    """Whether preambles are to be cleared. Raises `RuleError` if it is neither "keep" nor "zero"."""
    if preamble not in PREAMBLES:
        raise RuleError(f"preamble {preamble!r}: use one of {', '.join(PREAMBLES)}")
    return preamble == "zero"


def cleared(sources: Sources, indexes: Iterable[int]) -> Iterator[Finding]:
    """What is to be said of those sources whose preamble is zero in the copy."""
    for index in indexes:
        if sources.is_cleared(index):
            message = "the preamble is neither zero nor TIFF: it is zero in the copy"
            yield Finding("FS-PREAMBLE-CLEARED", message, Where(sources.name(index)))
