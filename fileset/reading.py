"""The DICOMDIR on a medium, read and decoded; what cannot be says where it lies, and what can be done about it."""

from __future__ import annotations

from posixpath import normpath
from typing import Final

from fileset.dicomdir.contents import Contents
from fileset.dicomdir.decode import NOT_A_DICOMDIR
from fileset.dicomdir.directory import LARGEST_OFFSET
from fileset.errors import FormatError, MediumError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import ReadableMedium

ADVICE: Final = "`fileset repair` rebuilds it from the files, `fileset extract --scan` copies them out without it"


def read_contents(medium: ReadableMedium, dicomdir: FileId) -> Contents:
    """What the DICOMDIR says. Raises `FormatError` if it cannot be read at all, `MediumError` if the medium fails."""
    data = _read(medium, dicomdir)
    try:
        return Contents(data, file=dicomdir.path)
    except FormatError as problem:
        reason = str(problem).removeprefix(f"{dicomdir.path}: ")
        lost = reason.startswith(NOT_A_DICOMDIR) and dicomdir.path.upper().startswith(DICOMDIR.value)
        advice = f". {ADVICE}" if lost else ""
        raise FormatError(f"{normpath(f'{medium.name}/{dicomdir.path}')}: {reason}{advice}") from problem


def _read(medium: ReadableMedium, dicomdir: FileId) -> bytes:
    """The bytes. No offset counts beyond 4 GiB (PS3.3 F.3.2.2), so what is larger is not even read."""
    size = medium.inquire_file(dicomdir).size
    if size > LARGEST_OFFSET:
        raise FormatError(f"{medium.name}: {dicomdir} has {size} bytes: too large for a DICOMDIR")
    with medium.open(dicomdir) as file:
        try:
            return file.read()
        except OSError as problem:
            raise MediumError(f"{medium.name}: {problem.strerror or problem}") from problem
