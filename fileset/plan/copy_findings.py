"""Findings about copied files: a cleared preamble, a missing end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, get_args

from fileset.file_id import FileId
from fileset.findings import Finding, Where
from fileset.media.base import ReadableMedium, holds
from fileset.plan.inputs import Sources

Preamble = Literal["keep", "zero"]
PREAMBLES: Final = get_args(Preamble)


def cleared(sources: Sources, indexes: Iterable[int]) -> Iterator[Finding]:
    """Report each source whose preamble is cleared in the copy."""
    for index in indexes:
        if sources.is_cleared(index):
            message = "the preamble is neither zero nor TIFF: it is zero in the copy"
            yield Finding("FS-PREAMBLE-CLEARED", message, Where(sources.name(index)))


_CURED: Final = frozenset(("FS-PREAMBLE-EXECUTABLE", "FS-PREAMBLE-UNKNOWN"))
"""Faults of preambles, which a copy with a cleared preamble does not have."""


def without_cured(findings: Iterable[Finding]) -> list[Finding]:
    """Drop the findings about preambles that were cleared in the copy."""
    findings = list(findings)
    names = {finding.where.file for finding in findings if finding.rule == "FS-PREAMBLE-CLEARED"}
    return [one for one in findings if one.rule not in _CURED or one.where.file not in names]


_PAGES: Final = (FileId.tolerant("INDEX.HTM"), FileId.tolerant("IHE_PDI/ST000000.HTM"))
"""Files that pages for a browser always have."""


def stale_pages(medium: ReadableMedium) -> Iterator[Finding]:
    """Yield a finding if the changed medium has pages for a browser, because they still show the old contents."""
    if all(holds(medium, name) for name in _PAGES):
        message = (
            "the pages for a browser still show the old contents, also instances that were removed: delete INDEX.HTM "
            "and IHE_PDI, or make a new medium with --web"
        )
        yield Finding("FS-PAGES-STALE", message, Where(medium.name))
