"""File-sets as sources: the kept identification, missing files, and files without a record."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from attrs import define, evolve, field, frozen

from fileset.dicomdir.read.directory import Contents
from fileset.errors import FilesetError, FormatError, MediumError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import Finding, Where
from fileset.media.base import ReadableMedium
from fileset.media.names import form_key
from fileset.plan.dicomdir_file import read_dicomdir
from fileset.plan.inputs import Sources
from fileset.plan.presence import is_dicomdir
from fileset.report import Skipped
from fileset.standard import tags

NOT_LISTED: Final = "no record of the DICOMDIR references it: it was found by its contents and included"
MOVED: Final = "its record gives another name: it was found by its SOP Instance UID"


@frozen
class Origin:
    """The DICOMDIR of the source file-set `name`: its identification, and the files that it references.

    `missing`: referenced files that cannot be found; `uids`: their SOP Instance UIDs by path. `listed`: the File ID paths of
    the records in upper case; `forms`: their keys by `form_key`. Both are None if the DICOMDIR cannot be read.
    """

    name: str = ""
    file_set_id: str = ""
    file_set_uid: str = ""
    missing: list[Skipped] = field(factory=list)
    listed: frozenset[str] = frozenset()
    forms: frozenset[str] | None = None
    uids: dict[str, str] = field(factory=dict)


def origin_of(medium: ReadableMedium) -> Origin:
    """Read the facts of the DICOMDIR on `medium`; if it is unreadable, no facts, and the DICOMDIR counts as missing."""
    try:
        contents = Contents(read_dicomdir(medium))
    except FilesetError as problem:
        reason = problem.moved(path="").text(command=True)
        # An error of the medium names the DICOMDIR in its reason.
        source = medium.name if problem.path == medium.name else f"{medium.name}/{DICOMDIR}"
        return Origin(medium.name, missing=[Skipped(source, "FS-MEDIUM-DAMAGED", reason)])
    paths = frozenset(path.upper() for path in contents.paths())
    forms = paths if all(form_key(path) == path for path in paths) else frozenset(map(form_key, paths))
    missing = list(missing_files(medium, contents))
    if medium.folder:
        medium.close()  # its listings take as much memory as the records, and are made again where needed
    return Origin(
        medium.name,
        contents.file_set_id,
        contents.file_set_uid,
        missing,
        paths,
        forms,
        dict(_uids(contents)) if missing else {},
    )


@define
class SourceFileSets:
    """All file-sets among `sources`, also those in folders, archives and images below a source."""

    sources: Sources
    _origins: dict[str, Origin] = field(factory=dict)
    """By place: the path of the folder of the DICOMDIR, in upper case."""

    def __attrs_post_init__(self) -> None:
        for medium in self.sources.origins:
            place = place_on(medium)
            if place not in self._origins:
                self._origins[place] = origin_of(medium)

    def origin(self, medium: ReadableMedium) -> Origin:
        """Look up the facts of one file-set."""
        return self._origins.get(place_on(medium)) or origin_of(medium)

    def skipped(self, source: int, rule: str, reason: str) -> Skipped:
        """Make the report entry of a source that is not taken. A file with a record counts as a lost DICOM file."""
        one = Skipped(self.sources.name(source), rule, reason)
        listed = one.foreign and any(path in origin.listed for origin, path in self._around(source))
        return evolve(one, rule="FS-REFERENCE-NOT-DICOM") if listed else one

    def is_unlisted(self, source: int) -> bool:
        """Check whether a source is in the folder of a file-set and no record references it by any form of its name."""
        around = [(origin.forms, path) for origin, path in self._around(source) if origin.forms is not None]
        return bool(around) and not any(form_key(path) in forms or is_dicomdir(path) for forms, path in around)

    def compare(self, taken: Iterable[tuple[int, bytes]]) -> tuple[list[Skipped], list[Finding]]:
        """Collect the files that were not found at all, and a finding for each file that was found without a record.

        `taken`: the sources that are taken, each with its SOP Instance UID.
        """
        if not self._origins:
            return [], []
        taken = [(source, uid) for source, uid in taken if source >= 0]
        any_missing = any(origin.missing for origin in self._origins.values())
        uids = {uid.decode("ascii", "replace") for _, uid in taken} if any_missing else set()
        lost: list[Skipped] = []
        moved: list[Skipped] = []
        for origin in self._origins.values():
            for one in origin.missing:
                (moved if origin.uids.get(one.source) in uids else lost).append(self._named(origin.name, one))
        unlisted = [source for source, _ in taken if self.is_unlisted(source)]
        findings = [Finding("FS-FILE-UNLISTED", NOT_LISTED, Where(self.sources.name(source))) for source in unlisted]
        findings += [Finding("FS-FILE-MOVED", MOVED, Where(one.source)) for one in moved]
        return lost, findings

    def _named(self, file_set: str, missing: Skipped) -> Skipped:
        """Add the name of the file-set to that of a missing file, if there are several file-sets."""
        if len(self._origins) == 1 or missing.rule != "FS-FILE-MISSING":
            return missing
        return evolve(missing, source=f"{file_set}/{missing.source}")

    def _around(self, source: int) -> Iterator[tuple[Origin, str]]:
        """Find each file-set that contains a source, with the path of the source below the folder of its DICOMDIR."""
        place = plain_place(self.sources.place(source)) if self._origins else ""
        end = place.rfind("/")
        while end >= 0:
            if origin := self._origins.get(place[:end] or "/"):
                yield origin, place[end + 1 :]
            end = place.rfind("/", 0, end)
        if place and (origin := self._origins.get(".")):
            yield origin, place


def plain_place(place: str) -> str:
    """Normalise a place: upper case, "/" between its parts, without redundant "." and ".."."""
    return os.path.normpath(place).replace(os.sep, "/").upper()


def place_on(medium: ReadableMedium, path: str = "") -> str:
    """Normalise the place of a file of a medium, or of its root, as `plain_place` does."""
    return plain_place(os.path.join(medium.folder or medium.name, path))


def missing_files(medium: ReadableMedium, contents: Contents) -> Iterator[Skipped]:
    """Find each file that a record references and that is not on the medium.

    A file that exists but cannot be read is not among them: a pipe or a file of a truncated image is reported as a
    source, a refused one as damage of the medium.
    """
    names = frozenset(medium.names())
    keys = cache(lambda: frozenset(map(form_key, (*names, *(one.name for one in medium.refused())))))
    for path in contents.paths():
        if path in names:
            continue
        try:
            medium.inquire_file(FileId.tolerant(path))
        except (MediumError, FormatError) as problem:
            if form_key(path) not in keys():
                yield Skipped(path, "FS-FILE-MISSING", problem.moved(path="").text())


def _uids(contents: Contents) -> Iterator[tuple[str, str]]:
    for index in contents.find(None, ()):
        file_id = contents.file_id(index)
        if file_id is not None:
            yield file_id.path, contents.reference(index, tags.REFERENCED_SOP_INSTANCE_UID)
