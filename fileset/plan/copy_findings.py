"""What is told of files that are copied: a preamble that is cleared, an end that is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from fileset.errors import FilesetError, RuleError
from fileset.findings import Finding, Where
from fileset.part10.whole_file import FileChecker
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


def cut_off(sources: Sources) -> Iterator[Finding]:
    """What is to be said of the sources that were copied, after a closer look at those that are not plainly whole."""
    if not sources.doubtful:
        return
    checker = FileChecker()
    for index in sorted(sources.doubtful):
        with suppress(OSError, FilesetError), sources.opened(index) as read:  # what is gone by now was copied in full
            for fault in checker.faults(read, sources.inquire(index).size):
                if fault.rule == "FS-FILE-TRUNCATED":
                    yield Finding(fault.rule, f"{fault.message}; it is copied as it is", Where(sources.name(index)))
