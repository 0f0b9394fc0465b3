"""Files on a medium beside the file-set: a viewer, README.TXT, AUTORUN.INF (PS3.10 8.1).

No record references them, and their content is the user's choice. Their names must not collide with the file-set.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from functools import partial
from typing import Final

from fileset.errors import FormatError, RefusedError, RuleError
from fileset.file_id import DICOMDIR, FileId, folders_above
from fileset.media.base import UpdatableMedium
from fileset.media.names import opens_on_windows
from fileset.media.system.files import real_path
from fileset.media.system.walk import contents, inquire, walk
from fileset.plan.commit import Addition

_RENAME: Final = "Rename it, or leave it out"


class Included(dict[FileId, str]):
    """The paths of the included files by their names on the medium; the names need not be File IDs."""

    def __init__(self) -> None:
        super().__init__()
        self._spellings: dict[str, FileId] = {}

    def add(self, source: str | os.PathLike[str]) -> None:
        """Add a file, under its own name at the root of the medium, or the contents of a folder, below the root.

        Raises `MediumError` if it does not exist, and `RuleError` for a name that a medium cannot have or Windows cannot
        open.
        """
        for file in walk(source):
            name = _named(file.relative.replace(os.sep, "/"))
            first = self._spellings.setdefault(name.path.upper(), name)
            if first != name or self.setdefault(name, file.path) != file.path:
                advice = "Rename one of them, or leave it out: Windows ignores upper and lower case"
                raise RuleError(f"included twice, as {self[first]} and {file.path}", path=name, advice=advice)

    def find(self, name: FileId) -> str | None:
        """Return the path of the included file that has this name in upper or lower case, None if there is none."""
        spelling = self._spellings.get(name.path.upper())
        return None if spelling is None else self[spelling]

    def paths(self) -> dict[str, str]:
        """Map the name of each file on the medium to its path."""
        return {name.path: path for name, path in self.items()}

    def copies(self) -> Callable[[str], bool]:
        """Return a test whether the file at a path is an included one, also by a link or another spelling of its path."""
        real = frozenset(map(real_path, self.values()))
        return lambda path: bool(real) and real_path(path) in real

    def sizes(self) -> tuple[list[int], int]:
        """Look up the size of each file in bytes, and count the folders that they need."""
        folders = {folder for name in self for folder in folders_above(name.path, "/")}
        return [inquire(path).size for path in self.values()], len(folders)

    def additions(self, medium: UpdatableMedium, present: Collection[str]) -> list[Addition]:
        """List the files to write; an existing file, among the upper-case paths in `present`, stays.

        Raises `RefusedError` if it is another file.
        """
        found = []
        for name, path in self.items():
            info = inquire(path)
            addition = Addition(name, info.size, partial(contents, path), info.modified, info.mode)
            if name.path.upper() not in present:
                found.append(addition)
            elif not has_same_file(addition, medium):
                raise RefusedError(f"another file on {medium.name} has this name", path=name, advice="Remove it first")
        return found


def has_same_file(addition: Addition, medium: UpdatableMedium) -> bool:
    """Check whether the medium has a file of this name with the same bytes."""
    if medium.inquire_file(addition.file_id).size != addition.size:
        return False
    with medium.open(addition.file_id) as file:
        return all(chunk == file.read(len(chunk)) for chunk in addition.chunks())


def _named(path: str) -> FileId:
    if not opens_on_windows(path):
        raise RuleError("cannot be included: Windows cannot open a file of this name", path=path, advice=_RENAME)
    try:
        name = FileId.tolerant(path)
    except FormatError as problem:
        raise RuleError(f"cannot be included: {problem.reason}", path=path, advice=_RENAME) from problem
    if name.path != path:
        raise RuleError(f"{path!r}: cannot be included under this name", advice=_RENAME)
    if name.path.upper() == DICOMDIR.path:
        raise RuleError("cannot be included: a DICOMDIR is written, and there is only one (PS3.10 8.6)", path=path)
    return name
