"""Show the comparison of a disc with its image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from attrs import asdict, evolve

from fileset.cli.output import counted, escaped, picked

if TYPE_CHECKING:
    from fileset.burn import Comparison, SectorRange

DIFFERS: Final = 5
"""Exit code: the disc differs from the image."""
_SHOWN: Final = 20
"""Ranges of sectors that are shown."""
_SHOWN_FILES: Final = 10
"""Files of a range that are named; --json names all."""


def comparison_lines(comparison: Comparison, *, quiet: bool) -> Iterator[str]:
    """Format each range of sectors that differs, and a summary; with `quiet` nothing if the disc equals the image."""
    for difference in comparison.differences[:_SHOWN]:
        yield escaped(f"  {_shortened(difference)}")
    if len(comparison.differences) > _SHOWN:
        yield f"  ... and {counted(len(comparison.differences) - _SHOWN, 'more range', 'more ranges')}"
    if quiet and comparison.same:
        return
    device, image = escaped(comparison.device), escaped(comparison.image)
    sectors = counted(comparison.sectors, "sector")
    if comparison.same:
        yield f"{device}: {sectors} as in {image}"
        return
    wrong = sum(one.last - one.first + 1 for one in comparison.differences)
    ended = "" if comparison.compared == comparison.sectors else f"; ended after {comparison.compared:,}"
    yield f"{device}: {wrong:,} of {sectors} not as in {image}{ended}"


def _shortened(difference: SectorRange) -> str:
    """Format a range of sectors with its first files only: if the disc was burnt from another image, all files differ."""
    more = len(difference.files) - _SHOWN_FILES
    if more <= 0:
        return str(difference)
    brief = evolve(difference, files=difference.files[:_SHOWN_FILES])
    return f"{brief} and {counted(more, 'more file', 'more files')} (--json names every one)"


def comparison_members(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as a member of a JSON document."""
    facts = picked(comparison, "image", "device", "sectors", "compared", "same")
    return facts | {"differences": list(map(asdict, comparison.differences))}
