"""Rules for names: File IDs of records and the names on the medium (PS3.10 8.1, 8.2, 8.5, 8.6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fileset.check.places import Collector
from fileset.errors import FormatError
from fileset.file_id import DICOMDIR, MAX_COMPONENTS, FileId
from fileset.media.names import enlist, form_of
from fileset.standard import tags

Listing = dict[str, Any]
"""Name in a folder -> the listing of a folder, or the whole path of a file; with all forms that `form_of` knows."""


def listing_of(names: Iterable[str]) -> Listing:
    """All names of a medium, folder by folder."""
    root: Listing = {}
    for name in names:
        listing = root
        *folders, last = name.split("/")
        for folder in folders:
            if not isinstance(listing.get(folder), dict):
                enlist(listing, folder, {})
            listing = listing[folder]
        enlist(listing, last, name)
    return root


def find(path: str, root: Listing) -> str | None:
    """The name under which the medium finds a File ID with this path; None if it finds none."""
    found: Any = root
    for component in path.split("/"):
        found = form_of(component, found) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None


def file_id_of(raw: bytes, to: Collector, index: int, tag: int = tags.REFERENCED_FILE_ID) -> FileId | None:
    """The File ID in a record; what is wrong with it is a finding, and None if it is hostile."""
    try:
        file_id = FileId.tolerant(raw.decode("ascii", "replace"))
    except FormatError as problem:
        to.at_record("FS-FILE-ID-HOSTILE", str(problem), index, tag)
        return None
    if not file_id.conformant:
        to.at_record("FS-FILE-ID-FORM", f"{file_id.path!a} is no File ID: {_fault(file_id)}", index, tag)
    if file_id == DICOMDIR:
        to.at_record("FS-FILE-ID-RESERVED", "the File ID DICOMDIR is that of the directory itself", index, tag)
    return file_id


def _fault(file_id: FileId) -> str:
    if len(file_id.components) > MAX_COMPONENTS:
        return f"it has {len(file_id.components)} components, {MAX_COMPONENTS} are allowed"
    return "components are 1 to 8 of A-Z, 0-9 and _"


def clashes(names: Iterable[str], to: Collector) -> None:
    """Names that differ only in case: one of them is out of reach on media that know no case."""
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.upper(), name)
        if other != name:
            to.at_file("FS-NAME-CLASH", f"differs only in case from {other}", name)
