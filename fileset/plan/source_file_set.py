"""A file-set as the source of another: the kept identification, and the missing files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from attrs import field, frozen

from fileset.dicomdir.read.directory import Contents
from fileset.errors import FilesetError, FormatError, MediumError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import Finding, Where
from fileset.media.base import ReadableMedium
from fileset.plan.dicomdir_file import read_dicomdir
from fileset.plan.inputs import Sources
from fileset.plan.presence import form_key, is_dicomdir
from fileset.records.tree import Node
from fileset.report import Skipped
from fileset.standard import tags

NOT_LISTED: Final = "no record of the DICOMDIR references it: it was found by its contents"
MOVED: Final = "it is missing under the name that its record gives: it was found by its SOP Instance UID"


@frozen
class Origin:
    """A file-set that is a source: its identification, and the files that its DICOMDIR references.

    `missing` cannot be read; `uids` are their SOP Instance UIDs by path. `forms` has the parts that all forms of a listed name have
    in common; None if the DICOMDIR cannot be read.
    """

    file_set_id: str = ""
    file_set_uid: str = ""
    missing: list[Skipped] = field(factory=list)
    listed: frozenset[str] = frozenset()
    medium: str = ""
    forms: frozenset[str] | None = None
    uids: dict[str, str] = field(factory=dict)

    def lacks(self, name: str, *, whole: bool) -> bool:
        """Return whether a source is a file of this file-set that no record references; `whole`: with its medium."""
        if self.forms is None or (whole and not name.startswith(f"{self.medium}/")):
            return False
        path = name.removeprefix(f"{self.medium}/") if whole else name
        return form_key(path) not in self.forms and not is_dicomdir(path)


def origin_of(medium: ReadableMedium) -> Origin:
    """Return the facts of the DICOMDIR on `medium`; an unreadable one gives none, and is missing itself."""
    try:
        contents = Contents(read_dicomdir(medium))
    except FilesetError as problem:
        reason = problem.text(known_path=DICOMDIR.path)
        return Origin(missing=[Skipped(f"{medium.name}/{DICOMDIR}", "FS-MEDIUM-DAMAGED", reason)])
    paths = {path.upper() for path in contents.paths()}
    listed = frozenset(paths | {f"{medium.name.upper()}/{path}" for path in paths})
    missing = list(_missing(medium, contents))
    return Origin(
        contents.file_set_id,
        contents.file_set_uid,
        missing,
        listed,
        medium.name,
        frozenset(map(form_key, paths)),
        dict(_uids(contents)) if missing else {},
    )


def _uids(contents: Contents) -> Iterator[tuple[str, str]]:
    for index in contents.find(None, ()):
        file_id = contents.file_id(index)
        if file_id is not None:
            yield file_id.path, contents.reference(index, tags.REFERENCED_SOP_INSTANCE_UID)


def unlisted(origins: Sequence[Origin], sources: Sources) -> Callable[[int], bool]:
    """Return a function that tests whether a source is a file of a file-set without a record."""
    whole = sources.are_several()
    return lambda index: any(origin.lacks(sources.name(index), whole=whole) for origin in origins)


def compare(origins: Sequence[Origin], sources: Sources, nodes: Sequence[Node]) -> tuple[list[Skipped], list[Finding]]:
    """Return the files that are missing for good, and a finding for each file that was found without a record."""
    lost = [(origin, one) for origin in origins for one in origin.missing]
    added = {node.sop_instance_uid.decode("ascii", "replace") for node in nodes} if lost else set()
    moved = {one.source for origin, one in lost if origin.uids.get(one.source) in added}
    is_unlisted = unlisted(origins, sources)
    found = [node.source for node in nodes if node.source >= 0 and is_unlisted(node.source)] if origins else []
    findings = [Finding("FS-FILE-UNLISTED", NOT_LISTED, Where(sources.name(source))) for source in found]
    findings += [Finding("FS-FILE-MOVED", MOVED, Where(path)) for path in sorted(moved)]
    return [one for _, one in lost if one.source not in moved], findings


def _missing(medium: ReadableMedium, contents: Contents) -> Iterator[Skipped]:
    for path in contents.paths():
        try:
            medium.inquire_file(FileId.tolerant(path))
        except (MediumError, FormatError) as problem:
            yield Skipped(path, "FS-FILE-MISSING", problem.text(known_path=path))
