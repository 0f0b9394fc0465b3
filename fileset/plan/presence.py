"""Compare the records of a DICOMDIR with the files on the medium: find missing files and files without a record."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import chain

from attrs import frozen

from fileset.dicom.header import looks_like_data_set
from fileset.dicom.preamble import is_part_10, misplaced_prefix
from fileset.errors import FilesetError, MediumError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import Finding, Where
from fileset.media.base import ReadableMedium, holds
from fileset.media.folder.medium import FolderMedium
from fileset.media.image.subfolder import Below
from fileset.media.names import form_key
from fileset.media.open import scannable
from fileset.media.system.walk import place_below
from fileset.plan.instances import RecordFinder

HEAD = 140
"""Bytes that show whether a file is DICOM: the preamble, the prefix, and the first element."""


def is_dicomdir(name: str) -> bool:
    """Test whether a path names a DICOMDIR, or a copy of one such as DICOMDIR.OLD."""
    upper = name.upper()
    return DICOMDIR.value in upper and upper.rpartition("/")[2].startswith(DICOMDIR.value)


def holds_file_set(name: str) -> bool:
    """Test whether a path names the DICOMDIR of its folder, under any form of the name."""
    return DICOMDIR.value in name.upper() and form_key(name.rpartition("/")[2]) == DICOMDIR.value


def looks_like_dicom(medium: ReadableMedium, name: str) -> bool:
    """Check whether a file begins as a DICOM file, or as a data set without the Part 10 header (PS3.10 7.1)."""
    try:
        with medium.open(FileId.tolerant(name)) as file:
            data = file.read(HEAD)
    except (FilesetError, OSError):
        return False
    return is_part_10(data) or misplaced_prefix(data) is not None or looks_like_data_set(data)


@frozen
class Presence:
    """The files of `medium`, compared with the File IDs of the records; the DICOMDIR is in the folder `prefix`.

    `listed` has the File ID paths of the records in order. `present` maps each to the path of its file as the medium shows
    it; `missing` has the paths without a file, each with the reason. `extra` has the other files (DICOM or not),
    `dicomdirs` all DICOMDIRs. `nameless` counts the instance records without a usable File ID.
    """

    medium: ReadableMedium
    prefix: str
    listed: Sequence[str]
    present: dict[str, str]
    missing: dict[str, str]
    extra: tuple[str, ...]
    nameless: int
    dicomdirs: tuple[str, ...]

    @cached_property
    def unlisted(self) -> list[str]:
        """The files that look like DICOM and that no record references."""
        return [name for name in self.extra if looks_like_dicom(self.medium, name)]

    @property
    def is_incomplete(self) -> bool:
        """Whether a record has no file, or a DICOM file no record."""
        return bool(self.missing or self.nameless or self.unlisted)

    def findings(self) -> Iterator[Finding]:
        """Report each missing file, each unlisted one, and, in one finding, the records without a File ID."""
        for path, reason in self.missing.items():
            yield Finding("FS-FILE-MISSING", f"referenced by a record, but {reason}", Where(path))
        if self.nameless:
            message = f"{self.nameless} instance records name no file that can be read"
            yield Finding("FS-RECORD-REFERENCE", message, Where(DICOMDIR.value))
        for name in self.unlisted:
            yield Finding("FS-FILE-UNLISTED", "a DICOM file that no record of the DICOMDIR references", Where(name))


def _unusable(medium: ReadableMedium, present: dict[str, str]) -> dict[str, str]:
    """Find the listed paths of links that lead nowhere or out of the medium, and of pipes, sockets and devices."""
    if not isinstance(medium, FolderMedium) or not medium.irregular:
        return {}
    unusable = {}
    for path in [path for path, name in present.items() if name in medium.irregular]:
        try:
            medium.inquire_file(FileId.tolerant(present[path]))
        except FilesetError as problem:
            unusable[path] = f"its file cannot be read: {problem.reason}"
    return unusable


def _around(reader: RecordFinder) -> tuple[ReadableMedium, str]:
    """Find the whole medium that the user gave, and the folder of the DICOMDIR in it, with a final "/"."""
    medium = reader.medium
    if isinstance(medium, Below):
        is_given = os.path.abspath(medium.around.name) == os.path.abspath(reader.given)
        return (medium.around, medium.subfolder + "/") if is_given else (medium, "")
    if os.path.isdir(reader.given) and (below := place_below(medium.name, reader.given)):
        return scannable(reader.given), below + "/"
    return medium, ""


def presence_of(reader: RecordFinder) -> Presence:
    """Compare the records of `reader` with the files on the whole medium that the user gave."""
    medium, prefix = _around(reader)
    names: dict[str, str] = {}
    with suppress(MediumError):  # A folder cannot be listed, so each of its files is asked for by name
        names = {name: name for name in medium.names()}
    # Records and files share the text of a path: of a million files, a second one of each takes 80 MB.
    listed = [names.get(path, path) for path in map(prefix.__add__, reader.paths())]
    present = {path: path for path in listed if path in names}
    unclaimed = defaultdict[str, list[str]](list)  # by the common part of all forms of a name
    for name in names:
        if name not in present:
            unclaimed[form_key(name)].append(name)
    missing: dict[str, str] = {}
    for path in listed if len(present) < len(listed) else ():
        forms = unclaimed.get(form_key(path))
        found = present.get(path) or (forms.pop(0) if forms else None)
        if found is None and holds(medium, FileId.tolerant(path)):
            found = path
        if found is None:
            missing[path] = "not on the medium"
        else:
            present[path] = found
    missing |= _unusable(medium, present)
    present = {path: found for path, found in present.items() if path not in missing} if missing else present
    left = tuple(chain.from_iterable(unclaimed.values()))
    extra = tuple(name for name in left if not is_dicomdir(name))
    hostile = sum(finding.rule == "FS-FILE-ID-HOSTILE" for finding in reader.findings)  # each has its own finding
    nameless = max(sum(1 for _ in reader.instances) - len(listed) - hostile, 0)
    return Presence(medium, prefix, listed, present, missing, extra, nameless, tuple(filter(holds_file_set, left)))
