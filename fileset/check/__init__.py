"""Checks a whole file-set: its structure, its keys, its names and its files, in one pass, and changes nothing.

Every fault is a finding under a rule of the catalogue, with its severity, section of the Standard and place. What is
right is what a Creator would write today: no rule is written twice.
"""

from __future__ import annotations

import os
from concurrent.futures import Executor

from fileset.check.advise import advise
from fileset.check.dicomdir.directory import check_directory
from fileset.check.files import FileCheck
from fileset.check.manifest import read_manifest
from fileset.check.places import Collector
from fileset.check.profiles import ProfileCheck
from fileset.check.report import CheckReport
from fileset.findings import Finding
from fileset.media.form import form_of
from fileset.media.open import readable
from fileset.plan.dicomdir_file import read_contents
from fileset.plan.scan import Phases, phase
from fileset.profiles.advisor import Advice
from fileset.profiles.find import find_profile

__all__ = ["Advice", "CheckReport", "advise", "check_file_set"]


def check_file_set(
    medium: str | os.PathLike[str],
    *,
    files: bool = True,
    manifest: str | os.PathLike[str] | None = None,
    profile: str | None = None,
    medium_format: str | None = None,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Phases | None = None,
) -> CheckReport:
    """Check the file-set at `medium`, a folder, an image, or the DICOMDIR in it; `medium_format` names the kind.

    `files` False checks the DICOMDIR alone. `manifest` names a file with SHA-256 digests in the form of `sha256sum`,
    paths relative to the root of the medium: contents are compared with it. `profile` is an
    application profile of PS3.11, such as "STD-GEN-CD": each of its demands that is not met is a finding. `jobs`: processes that look at files, or
    any `executor`. `progress` is called with "check", the number of files done, and in all.

    Raises `RuleError` if there is no such profile, `FormatError` if there is no DICOMDIR that can be read at all, or the manifest is none, and `MediumError` if
    the medium fails.
    """
    wanted = find_profile(profile) if profile is not None else None
    listed = read_manifest(manifest) if manifest is not None else None
    opened, dicomdir = readable(medium, medium_format)
    try:
        contents = read_contents(opened, dicomdir)
        to = Collector(contents)
        directory = check_directory(to)
        under = ProfileCheck(wanted, to) if wanted else None
        if under:
            under.check_medium(form_of(opened), opened.name)
            under.check_records()
        count = 0
        if files:
            check = FileCheck(opened, to, directory, listed, under.check_file if under else None)
            count = check.check(jobs=jobs, executor=executor, progress=phase(progress, "check"))
        for note in opened.damage():
            to.findings.append(Finding("FS-MEDIUM-DAMAGED", note))
    finally:
        opened.close()
    return CheckReport(opened.name, contents.file_set_id, contents.file_set_uid, to.findings, len(contents), count)
