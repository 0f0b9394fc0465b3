"""Read and decode the DICOMDIR on a medium; errors name its place and the remedy."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.read.query import attribute
from fileset.dicomdir.write.layout import LARGEST_OFFSET
from fileset.errors import COPY_OUT, REPAIR_OR_SCAN, Advice, FormatError, MediumError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import ReadableMedium
from fileset.media.remote.access import is_url
from fileset.plan.secured import is_locked


def read_contents(medium: ReadableMedium, dicomdir: FileId) -> Contents:
    """Read the contents of the DICOMDIR. Raises `FormatError` if it cannot be read at all, `MediumError` if the medium fails."""
    data = read_dicomdir(medium, dicomdir)
    try:
        return Contents(data, file=dicomdir.path)
    except FormatError as problem:
        changes: dict[str, str | Advice] = {"path": dicomdir_place(medium, dicomdir)}
        if dicomdir.path.upper().startswith(DICOMDIR.value) and not is_locked(problem):
            changes["advice"] = REPAIR_OR_SCAN if problem.rule else ""
        raise problem.moved(**changes) from problem


def dicomdir_place(medium: ReadableMedium, dicomdir: FileId) -> str:
    """Return the path of a DICOMDIR as the user would name it."""
    place = f"{medium.name}/{dicomdir.path}"
    return place if is_url(place) else os.path.normpath(place)


def read_dicomdir(medium: ReadableMedium, dicomdir: FileId = DICOMDIR) -> bytes:
    """Read the bytes of the DICOMDIR. Raises the errors of `open_dicomdir`."""
    with open_dicomdir(medium, dicomdir) as file:
        return file.read()


@contextmanager
def open_dicomdir(medium: ReadableMedium, dicomdir: FileId = DICOMDIR) -> Iterator[BinaryIO]:
    """Open the DICOMDIR for reading inside the context.

    Raises `MediumError` if the medium fails, also during reading. Raises `FormatError` if the DICOMDIR is incomplete, as in
    a truncated image, or larger than 32-bit offsets allow (PS3.3 F.3.2.2); then nothing is read.
    """
    try:
        _check_size(medium, dicomdir)
        with medium.open(dicomdir) as file:
            yield file
    except MemoryError as problem:
        raise MediumError(f"{dicomdir}: not enough memory to read it", path=medium.name) from problem
    except OSError as problem:
        raise MediumError(f"{dicomdir}: {problem.strerror or problem}", path=medium.name) from problem
    except FormatError as problem:
        if is_locked(problem):
            raise problem.moved(path=dicomdir_place(medium, dicomdir)) from None
        reason = problem.text(known_path=medium.name)
        raise FormatError(reason, path=medium.name, advice=COPY_OUT, rule=problem.rule) from problem


def _check_size(medium: ReadableMedium, dicomdir: FileId) -> None:
    size = medium.inquire_file(dicomdir).size
    if size > LARGEST_OFFSET:
        raise FormatError(f"{dicomdir} has {size} bytes: too large for a DICOMDIR", path=medium.name)


def absent_from(contents: Contents, keywords: Iterable[str]) -> dict[str, int]:
    """Find the keywords whose key no record has, each with its tag."""
    flat = contents.flat
    return not_among((part.tag for index in range(len(flat)) for part in flat.elements(index)), keywords)


def not_among(tags: Iterable[int], keywords: Iterable[str]) -> dict[str, int]:
    """Select the keywords whose tags are not in `tags`. Raises `RuleError` for a word that is not an attribute."""
    present = frozenset(tags)
    wanted = ((keyword, attribute(keyword)) for keyword in keywords)
    return {keyword: tag for keyword, tag in wanted if tag not in present}
