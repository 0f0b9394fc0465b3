"""Which medium a path is, and where on it the DICOMDIR lies."""

from __future__ import annotations

import os

from fileset.errors import FormatError, MediumError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import ReadableMedium
from fileset.media.folder import FolderMedium

SEARCH_DEPTH = 4
"""Levels of folders that are searched for a DICOMDIR when the root has none."""


def readable(path: str | os.PathLike[str]) -> tuple[ReadableMedium, FileId]:
    """The medium at `path`, and its DICOMDIR. `path` may also name the DICOMDIR itself, whatever it is called.

    Raises `MediumError` if there is nothing at `path`, `FormatError` if no DICOMDIR is found, or several.
    """
    name = os.fspath(path)
    if os.path.isdir(name):
        return _folder(name)
    if os.path.isfile(name):
        return FolderMedium(os.path.dirname(name) or "."), FileId.tolerant(os.path.basename(name))
    raise MediumError(f"{name}: no such file or folder")


def _folder(path: str) -> tuple[ReadableMedium, FileId]:
    medium = FolderMedium(path)
    if medium.has_dicomdir():
        return medium, DICOMDIR
    found = _dicomdirs_below(path)
    if len(found) == 1:
        return FolderMedium(found[0]), DICOMDIR
    if not found:
        raise FormatError(f"{path}: no DICOMDIR: not a file-set (PS3.10 8.1). `fileset index` makes one")
    listed = ", ".join(found)
    raise FormatError(f"{path}: no DICOMDIR here, but several below: open one of {listed}")


def _dicomdirs_below(path: str) -> list[str]:
    found: list[str] = []
    level = [path]
    for _ in range(SEARCH_DEPTH):
        below = []
        for folder in level:
            try:
                with os.scandir(folder) as entries:
                    below.extend(sorted(e.path for e in entries if e.is_dir(follow_symlinks=False)))
            except OSError:
                continue  # what cannot be listed holds no DICOMDIR for us
        found.extend(folder for folder in below if _holds_dicomdir(folder))
        level = below
    return found


def _holds_dicomdir(folder: str) -> bool:
    try:
        return FolderMedium(folder).has_dicomdir()
    except MediumError:
        return False


def writable(path: str | os.PathLike[str]) -> FolderMedium:
    """The medium at `path`, to be written; it need not exist yet."""
    return FolderMedium(path)
