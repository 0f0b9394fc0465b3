"""The results of the advisor, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fileset.cli.output import counted, json_text, picked, write_document

if TYPE_CHECKING:
    from fileset.profiles.advisor import ProfileVerdict

SHOWN = 2
"""The most frequent reasons that a line names."""


def advice_lines(advice: Sequence[ProfileVerdict], *, quiet: bool) -> Iterator[str]:
    """Format one line for each profile that is satisfied, then one for each of the others with its main reasons."""
    satisfied = [one for one in advice if one.satisfied]
    for one in satisfied:
        yield f"satisfied  {one.profile.id}: {one.profile.medium.name}"
    if not quiet:
        for one in advice:
            if not one.satisfied:
                yield f"blocked    {one.profile.id}: {_why(one)}"
    files = advice[0].files if advice else 0
    yield f"{counted(files, 'DICOM file')}: {len(satisfied)} of {counted(len(advice), 'profile')} satisfied"


def _why(one: ProfileVerdict) -> str:
    name = one.profile.id
    reasons = [reason.removeprefix(f"{name} ") for reason in one.about_medium]
    if one.blocked:
        main = one.reasons[:SHOWN]
        named = "; ".join(f"{_short(message, name)} ({counted(number, 'file')})" for message, number in main)
        reasons.append(f"{one.blocked:,} of {counted(one.files, 'file')}: {named}")
    return "; ".join(reasons)


def write_advice(medium: str, advice: Sequence[ProfileVerdict]) -> None:
    """Write the document with every reason."""
    rows = (
        {"profile": one.profile.id}
        | picked(one, "satisfied", "files", "blocked", "about_medium")
        | {"reasons": [{"message": message, "files": number} for message, number in one.reasons]}
        for one in advice
    )
    write_document("fileset.advice/1", {"medium": medium, "profiles": map(json_text, rows)})


def _short(message: str, profile: str) -> str:
    """Cut a message to its first half: the value of the file, without the values that the profile allows, or its name."""
    return message.partition("; ")[0].replace(f" is not in {profile}", " is not allowed")
