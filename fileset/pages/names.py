"""The names of pages and pictures: ISO 9660 8.3 names below IHE_PDI that mirror the File IDs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from fileset.file_id import FileId

ROOT: Final = "IHE_PDI"
INDEX: Final = "INDEX.HTM"
README: Final = "README.TXT"
_OTHERS: Final = "OTHER"
_DEEPEST: Final = 7
"""Most components of a File ID that fit below IHE_PDI: ISO 9660 allows eight levels of folders, including the root."""


def stems(file_ids: Iterable[FileId]) -> dict[FileId, str]:
    """Map each File ID to the path of its page or picture below IHE_PDI, without the ending.

    A File ID that is too long, too deep or not conformant gets a number instead.
    """
    found: dict[FileId, str] = {}
    others = 0
    for file_id in file_ids:
        if _can_be_mirrored(file_id):
            found[file_id] = file_id.path
        else:
            others += 1
            found[file_id] = f"{_OTHERS}/X{others:07}"
    return found


def _can_be_mirrored(file_id: FileId) -> bool:
    # A File ID of one component would land directly in IHE_PDI, among the pages.
    return file_id.conformant and 1 < len(file_id.components) <= _DEEPEST and file_id.components[0] != _OTHERS


def page_name(level: str, number: int) -> str:
    """Return the name of a page below IHE_PDI: of a patient (PA), study (ST) or series (SE)."""
    return f"{level}{number:06}.HTM"
