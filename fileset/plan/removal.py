"""Which files of a medium may be deleted: those that are certainly the listed ones, and only under their own names."""

from __future__ import annotations

from typing import Final

from fileset.errors import FormatError, MediumError
from fileset.file_id import SEPARATOR, FileId
from fileset.findings import Finding, Where
from fileset.media.base import LinkError, UpdatableMedium

LINKED: Final = "its folder is a link, and nothing is deleted through a link; the file stays"


def deletable(medium: UpdatableMedium, file_id: FileId, where: Where) -> tuple[FileId | None, Finding | None]:
    """Return the actual name of a file that can be deleted, or a finding that says why it cannot.

    A file that cannot be read stays: after an interruption nothing could prove that it is the listed one.
    """
    try:
        actual = medium.actual(file_id)
        if actual is None:
            return None, Finding("FS-FILE-MISSING", f"{file_id}: not on the medium (PS3.10 8.2)", where)
        if _is_linked(medium, actual):
            return None, Finding("FS-FILE-LINK", f"{file_id}: {LINKED}", where)
        if medium.folder:
            with medium.open(actual) as file:
                file.read(1)
    except LinkError as problem:
        return None, Finding("FS-FILE-LINK", f"{problem}; the link stays", where)
    except FormatError as problem:
        return None, Finding("FS-FILE-MISSING", str(problem), where)
    except (MediumError, OSError) as problem:
        return None, Finding("FS-FILE-UNREADABLE", f"{file_id} stays, because it cannot be read: {problem}", where)
    return actual, None


def _is_linked(medium: UpdatableMedium, actual: FileId) -> bool:
    """Return whether a file lies below a link: it has another name too, and what has that one is unknown."""
    folders = actual.components[:-1]
    return bool(folders) and medium.occupation(SEPARATOR.join(folders)) != "folder"
