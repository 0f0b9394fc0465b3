"""Sources that an Updater or a repair offers to an existing file-set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

from attrs import define, field

from fileset.errors import RuleError
from fileset.file_id import FileId
from fileset.media.base import UpdatableMedium
from fileset.media.system.walk import WORK, OpenFile, SourceFile, leads_out, place_below, walk
from fileset.plan.choice import Choice
from fileset.plan.inputs import Sources
from fileset.report import Skipped


@define
class Offer:
    """Sources that are offered to an existing file-set.

    `in_place`: index of a source that is on the medium already -> its value of (0004,1500). `record_of`: index of a source
    that has a record in the old directory -> that record.
    """

    medium: UpdatableMedium
    sources: Sources = field(factory=Sources)
    in_place: dict[int, bytes] = field(factory=dict)
    record_of: dict[int, int] = field(factory=dict)
    listed: int = 0
    """Number of offered files that have a record already."""

    def add_member(self, file_id: FileId, value: bytes) -> int:
        """Add a file of the medium and return its index. Raises `MediumError` if it is not there."""
        if path := self.medium.path(file_id):
            index = self.sources.add_file(path, path.removeprefix(self.medium.folder).lstrip("/" + os.sep))
        else:
            self.medium.inquire_file(file_id)
            index = self.sources.add_member(self.medium, file_id)
        self.in_place[index] = value
        self.sources.read_again = [self.medium]
        return index

    def add_path(
        self, source: str | os.PathLike[str], is_listed: Callable[[str], bool], choice: Choice | None = None
    ) -> Iterator[Skipped]:
        """Add files, folders and images. Unlisted files of the medium itself are offered in their place.

        Yields each file of the medium that cannot be referenced, and each folder that cannot be listed. Raises as
        `Sources.add_path`.
        """
        root = self.medium.folder
        if not root:
            self.sources.add_path(source, choice=choice)
            return
        place = place_below(source, root)
        if place is None:
            own = place_below(root, source)
            self.sources.add_path(source, skip=frozenset((own,) if own else ()), choice=choice)
            return
        self.sources.searched.append(os.fspath(source))
        above = place if os.path.isdir(source) else place.rpartition("/")[0]
        unlistable: dict[str, str] = {}
        skip = frozenset() if place else self.medium.not_sources()
        for file in walk(source, skip=skip, unlistable=unlistable.__setitem__):
            if choice is None or not self.sources.leaves_out(choice, file.relative, partial(OpenFile, file.path)):
                yield from self._add_in_place(f"{above}/{file.relative}".lstrip("/"), file, is_listed)
        for folder, reason in unlistable.items():
            yield Skipped(f"{above}/{folder}".lstrip("/"), "FS-MEDIUM-DAMAGED", reason)

    def _add_in_place(self, name: str, file: SourceFile, is_listed: Callable[[str], bool]) -> Iterator[Skipped]:
        if file.linked and leads_out(file.path, self.medium.name):
            yield Skipped(name, "FS-FILE-LINK", "a symbolic link that leads out of the file-set")
            return
        try:
            file_id = id_in_place(name)
        except RuleError as problem:
            yield Skipped(name, "FS-FILE-NAME", problem.text(known_path=name))
            return
        if is_listed(file_id.value):
            self.listed += 1
        else:
            self.add_member(file_id, file_id.value.encode("ascii"))


def id_in_place(name: str) -> FileId:
    """Return the File ID of a file that stays in its place. Raises `RuleError` if a record cannot reference such a name.

    The folder of writers holds only temporary files, so no record may reference a file in a folder of this name.
    """
    if name.partition("/")[0] == WORK:
        advice = "Move its files into another folder"
        raise RuleError(f"the folder {WORK} is kept free for temporary files of a change", path=name, advice=advice)
    return FileId.from_path(name)
