"""A file-set that another one is made from: what of it is kept, and what of it is not there."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import field, frozen

from fileset.dicomdir.read.directory import Contents
from fileset.errors import FilesetError, FormatError, MediumError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import ReadableMedium
from fileset.plan.dicomdir_file import read_dicomdir
from fileset.report import Skipped


@frozen
class Origin:
    """The identification of a file-set, and the files that its DICOMDIR references but that cannot be read."""

    file_set_id: str = ""
    file_set_uid: str = ""
    missing: list[Skipped] = field(factory=list)
    listed: frozenset[str] = frozenset()


def origin_of(medium: ReadableMedium) -> Origin:
    """What the DICOMDIR on `medium` says. One that cannot be read says nothing, and is missing itself."""
    try:
        contents = Contents(read_dicomdir(medium))
    except FilesetError as problem:
        reason = problem.text(known_path=DICOMDIR.path)
        return Origin(missing=[Skipped(f"{medium.name}/{DICOMDIR}", "FS-MEDIUM-DAMAGED", reason)])
    paths = {path.upper() for path in contents.paths()}
    listed = frozenset(paths | {f"{medium.name.upper()}/{path}" for path in paths})
    return Origin(contents.file_set_id, contents.file_set_uid, list(_missing(medium, contents)), listed)


def _missing(medium: ReadableMedium, contents: Contents) -> Iterator[Skipped]:
    for path in contents.paths():
        try:
            medium.inquire_file(FileId.tolerant(path))
        except (MediumError, FormatError) as problem:
            yield Skipped(path, "FS-FILE-MISSING", problem.text(known_path=path))
