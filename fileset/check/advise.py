"""The advisor: which application profiles the files of a medium satisfy, and the reasons against the others (PS3.11)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Final

from attrs import evolve

from fileset.dicom.header import HeaderError, Reading
from fileset.errors import FilesetError, FormatError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import MediumFormat, ReadableMedium, holds
from fileset.media.open import readable, scannable
from fileset.media.system.walk import OpenFile, is_link_fault, random_access
from fileset.plan.secured import is_encrypted
from fileset.plan.workers import Phases, Workers, chunk_size, phase
from fileset.profiles.advisor import Advisor, ProfileVerdict
from fileset.profiles.facts import Facts, read_facts
from fileset.profiles.judge import medium_fault
from fileset.standard.uids import DIRECTORY_CLASS

if TYPE_CHECKING:
    from fileset.media.base import Format

_NO_FILES: Final = frozenset(("FS-FILE-NOT-DICOM", "FS-FILE-IS-DICOMDIR"))
_BROKEN: Final = Facts("", "")
"""The facts of a file whose header cannot be read; such a file blocks every profile."""


def advise(
    medium: str | os.PathLike[str],
    *,
    medium_format: Format | MediumFormat | None = None,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Phases | None = None,
) -> list[ProfileVerdict]:
    """Determine for each of the 82 profiles whether the DICOM files of `medium` satisfy it, and the reasons if they do not.

    `medium` is a folder or image, with or without a DICOMDIR. The header of each file is read once. `jobs`,
    `executor` and `progress` are as for `check_file_set`; the phase is "advise".

    Raises `FormatError` if there is no DICOM file, and `MediumError` if the medium fails.
    """
    opened = _opened(medium, medium_format)
    advisor = Advisor()
    try:
        for facts in _facts(opened, Workers(jobs, executor, phase(progress, "advise"))):
            if facts is not None and facts.sop_class != DIRECTORY_CLASS.decode("ascii"):
                advisor.add(facts)
        kind = opened.form, opened.inquire_file_set().file_systems
        is_secure = holds(opened, DICOMDIR) and is_encrypted(opened, DICOMDIR)
    finally:
        opened.close()
    if not advisor.files:
        raise FormatError(f"{opened.name}: no DICOM file was found there")
    return [
        evolve(advice, about_medium=_about_medium(advice, kind, is_secure=is_secure)) for advice in advisor.advise()
    ]


def _opened(medium: str | os.PathLike[str], medium_format: Format | MediumFormat | None) -> ReadableMedium:
    try:
        return readable(medium, medium_format)[0]
    except FormatError:
        return scannable(medium, medium_format)


def _about_medium(advice: ProfileVerdict, kind: tuple[str, tuple[str, ...]], *, is_secure: bool) -> tuple[str, ...]:
    fault = medium_fault(advice.profile, *kind)
    demands = "demands" if advice.profile.secure else "does not allow"
    wrong = advice.profile.secure is not is_secure
    secure = f"{advice.profile.id} {demands} Secure DICOM Files (PS3.15 D.1)" if wrong else ""
    return tuple(reason for reason in (fault, secure) if reason)


def _facts(medium: ReadableMedium, workers: Workers) -> Iterator[Facts | None]:
    names = list(medium.names())
    if not medium.folder:
        for done, name in enumerate(names, start=1):
            yield _through_medium(medium, name)
            workers.count(done, len(names))
        return
    paths = [os.path.join(medium.folder, name) for name in names]
    yield from workers.share(facts_chunk, paths, chunk_size(len(paths), workers.jobs))


def facts_chunk(paths: Sequence[str]) -> list[Facts | None]:
    """Read the facts of each file, None for one that is not DICOM. Runs in each worker."""
    return [_at_path(path) for path in paths]


def _at_path(path: str) -> Facts | None:
    try:
        with OpenFile(path, follow=False) as file:
            return _read(file, file.size)
    except OSError as problem:
        return None if is_link_fault(problem) else _BROKEN


def _through_medium(medium: ReadableMedium, name: str) -> Facts | None:
    try:
        with medium.open(FileId.tolerant(name)) as file:
            return _read(*random_access(file))
    except (FilesetError, OSError):
        return _BROKEN


def _read(read: Reading, size: int) -> Facts | None:
    try:
        return read_facts(read, size)
    except HeaderError as problem:
        return None if problem.rule in _NO_FILES else _BROKEN
