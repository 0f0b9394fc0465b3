"""Checks a whole file-set: its structure, its keys, its names and its files, in one pass, and changes nothing.

Every fault is a finding under a rule of the catalogue, with its severity, section of the Standard and place. What is
right is what a Creator would write today: no rule is written twice.
"""

from __future__ import annotations

import os
from concurrent.futures import Executor

from fileset.check.dicomdir.directory import check_directory
from fileset.check.files import FileCheck
from fileset.check.manifest import read_manifest
from fileset.check.places import Collector
from fileset.check.report import CheckReport
from fileset.findings import Finding
from fileset.media.open import readable
from fileset.plan.dicomdir_file import read_contents
from fileset.plan.scan import Phases, phase

__all__ = ["CheckReport", "check_file_set"]


def check_file_set(
    medium: str | os.PathLike[str],
    *,
    files: bool = True,
    manifest: str | os.PathLike[str] | None = None,
    medium_format: str | None = None,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Phases | None = None,
) -> CheckReport:
    """Check the file-set at `medium`, a folder, an image, or the DICOMDIR in it; `medium_format` names the kind.

    `files` False checks the DICOMDIR alone. `manifest` names a file with SHA-256 digests in the form of `sha256sum`,
    paths relative to the root of the medium: contents are compared with it. `jobs`: processes that look at files, or
    any `executor`. `progress` is called with "check", the number of files done, and in all.

    Raises `FormatError` if there is no DICOMDIR that can be read at all, or the manifest is none, and `MediumError` if
    the medium fails.
    """
    listed = read_manifest(manifest) if manifest is not None else None
    opened, dicomdir = readable(medium, medium_format)
    try:
        contents = read_contents(opened, dicomdir)
        to = Collector(contents)
        directory = check_directory(to)
        count = 0
        if files:
            check = FileCheck(opened, to, directory, listed)
            count = check.check(jobs=jobs, executor=executor, progress=phase(progress, "check"))
        for note in opened.damage():
            to.findings.append(Finding("FS-MEDIUM-DAMAGED", note))
    finally:
        opened.close()
    return CheckReport(opened.name, contents.file_set_id, contents.file_set_uid, to.findings, len(contents), count)
