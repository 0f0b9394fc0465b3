"""Replacing an image by another so that one of them, whole, is there at any moment, whatever the file system.

Where a rename over a name is one step, it is all that is done. Where it is several, as on FAT, a seal first says that the
new image is whole; then the old one goes aside, and only when that is on disk the new one takes its place. Power that
fails meanwhile may leave nothing under the name of the image: then the old one aside stands in for it, or the new one.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

from fileset.media.system import sync_directory, uninterrupted, write_file

WORK_SUFFIX: Final = ".FILESET_"
"""Behind the name of an image: the new image while it is being written, and the lock that keeps other writers out."""
ASIDE: Final = WORK_SUFFIX + "OLD"
SEAL: Final = WORK_SUFFIX + "SEAL"


def counting(path: str) -> str:
    """The path of the image that counts: `path`, unless there is nothing and something stands in for it."""
    if os.path.lexists(path):
        return path
    whole = [path + ASIDE, *([path + WORK_SUFFIX] if os.path.isfile(path + SEAL) else ())]
    return next(filter(os.path.isfile, whole), path)


def is_replaced(path: str) -> bool:
    """Whether a replacement was interrupted, and has left something behind."""
    return any(map(os.path.lexists, (path + SEAL, path + ASIDE)))


def restore(path: str) -> None:
    """Give what stands in for an image its name, and remove what an interrupted replacement left behind."""
    found = counting(path)
    if found != path:
        os.rename(found, path)
        sync_directory(os.path.dirname(path))
    if _removed(path + SEAL, path + ASIDE):
        sync_directory(os.path.dirname(path))


def replace(path: str) -> None:
    """Put the new image, written, synced and verified, in the place of the old one, if there is one."""
    new, folder = path + WORK_SUFFIX, os.path.dirname(path)
    stepwise = os.path.lexists(path) and not _has_links(new, path + SEAL)
    try:
        if stepwise:
            write_file(path + SEAL, [b"whole\n"])
            sync_directory(folder)
            os.rename(path, path + ASIDE)
            sync_directory(folder)
        os.replace(new, path)
        sync_directory(folder)
    except BaseException:
        if stepwise:
            uninterrupted(lambda: _undo(path))
        raise
    if stepwise:
        _removed(path + SEAL, path + ASIDE)


def _undo(path: str) -> None:
    """Give the old image its name again. Where the new one has it already, what stands in for it stays."""
    if not os.path.lexists(path):
        os.rename(path + ASIDE, path)
    if not os.path.lexists(path + ASIDE):
        _removed(path + SEAL)


def _has_links(path: str, other: str) -> bool:
    """Whether a file can have a second name here: then a rename over a name is one step, too."""
    try:
        os.link(path, other)
    except OSError:
        return False
    os.unlink(other)
    return True


def _removed(*paths: str) -> bool:
    """Remove files; whether there was any."""
    there = [path for path in paths if os.path.lexists(path)]
    for path in there:
        with suppress(FileNotFoundError):
            os.unlink(path)
    return bool(there)
