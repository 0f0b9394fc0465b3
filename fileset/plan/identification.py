"""The File-set Identification of a new file-set: from the options, a file-set among the sources, or the one it replaces."""

from __future__ import annotations

import os
from collections.abc import Sequence

from attrs import evolve

from fileset.dicomdir.write.header import Identification, is_file_set_id, new_uid
from fileset.errors import FilesetError, RuleError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import Finding, Where
from fileset.media.folder.medium import FolderMedium
from fileset.media.open import readable
from fileset.media.remote.access import is_url
from fileset.media.system.files import path_of
from fileset.plan.dicomdir_file import read_contents
from fileset.plan.source_file_set import Origin
from fileset.standard.tags import DESCRIPTOR_CHARACTER_SET, DESCRIPTOR_FILE_ID


def identify(
    file_set_id: str, file_set_uid: str | None, descriptor: FileId | str | None, character_set: str | None
) -> Identification:
    """Make the File-set Identification of a new file-set, with a new UID unless one is given (PS3.5 B.2)."""
    if isinstance(descriptor, str):
        descriptor = FileId.from_path(descriptor)
    return Identification(file_set_uid or new_uid(), file_set_id, descriptor, character_set or "")


def taken_over(
    given: Identification, origins: Sequence[Origin], *, keeps_id: bool, keeps_uid: bool
) -> tuple[Identification, list[Finding]]:
    """Take over the File-set ID and UID of the one file-set among the sources, with a finding for an illegal ID.

    Raises `RuleError` if there is no UID to keep.
    """
    findings = []
    origin = origins[0] if len(origins) == 1 else Origin()
    if keeps_id and is_file_set_id(origin.file_set_id):
        given = evolve(given, file_set_id=origin.file_set_id)
    elif keeps_id:
        message = f"File-set ID {origin.file_set_id!r} breaks the rules: it is left out"
        findings.append(Finding("FS-FILE-SET-ID", message, Where(origin.name)))
    if keeps_uid and not origin.file_set_uid:
        raise RuleError("there is no File-set UID to keep (PS3.10 8.6)", advice="Add one file-set that has one")
    return evolve(given, file_set_uid=origin.file_set_uid) if keeps_uid else given, findings


def former_identification(folder: str | os.PathLike[str]) -> tuple[Identification, list[Finding]]:
    """Read the identification of the file-set in `folder`, or make a new one, and a finding for each part that is not kept."""
    try:
        path = path_of(folder)
        medium = readable(path)[0] if is_url(path) else FolderMedium(path)
        contents = read_contents(medium, DICOMDIR)
        kept = Identification(contents.file_set_uid)  # a UID that breaks the rules is not kept
    except FilesetError:
        return Identification(new_uid()), []
    if is_file_set_id(contents.file_set_id):
        kept = evolve(kept, file_set_id=contents.file_set_id)
    descriptor, character_set = (contents.text(tag) for tag in (DESCRIPTOR_FILE_ID, DESCRIPTOR_CHARACTER_SET))
    try:
        if descriptor:
            medium.inquire_file(FileId(descriptor))
            kept = evolve(kept, descriptor_file_id=FileId(descriptor), descriptor_character_set=character_set)
    except FilesetError as problem:
        message = f"the descriptor file {descriptor} is not kept: {problem}"
        return kept, [Finding("FS-DESCRIPTOR", message, Where(DICOMDIR.path, tag=DESCRIPTOR_FILE_ID))]
    return kept, []
