"""Check a whole file-set in one pass and change nothing: DICOMDIR, records, names and files.

Every fault is a finding with a rule, a severity, a section of the Standard and a place. The expected record of a file is
the record that a Creator would write, so that no rule exists twice.
"""

from __future__ import annotations

import os
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from fileset.check.advise import advise
from fileset.check.files import FileCheck
from fileset.check.profiles import ProfileCheck
from fileset.check.report import CheckReport
from fileset.check.sealed import check_sealed
from fileset.dicomdir.check.collector import Collector
from fileset.dicomdir.check.directory import check_directory
from fileset.errors import FormatError, MediumError
from fileset.file_id import FileId
from fileset.findings import Finding
from fileset.media.base import FileInfo, MediumFormat, ReadableMedium
from fileset.media.open import readable
from fileset.plan.dicomdir_file import dicomdir_place, read_contents
from fileset.plan.manifest import read_manifest
from fileset.plan.presence import holds_file_set
from fileset.plan.secured import around_of, is_encrypted, secure_findings, secure_format
from fileset.plan.workers import Phases, Workers, phase
from fileset.profiles.advisor import ProfileVerdict
from fileset.profiles.find import find_profile

if TYPE_CHECKING:
    from fileset.media.base import Format
    from fileset.secure.security import Security

CHECK_LATER = "Check it when that has finished"

__all__ = ["CheckReport", "ProfileVerdict", "advise", "check_file_set"]


def check_file_set(
    medium: str | os.PathLike[str],
    *,
    files: bool = True,
    manifest: str | os.PathLike[str] | None = None,
    profile: str | None = None,
    show_values: bool = False,
    medium_format: Format | MediumFormat | None = None,
    security: Security | None = None,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Phases | None = None,
) -> CheckReport:
    """Check the file-set at `medium`; each fault becomes a finding (PS3.10 8, PS3.3 F, PS3.5).

    Args:
        medium: A folder, an image, an archive, or the DICOMDIR in it.
        files: Also check the files; False checks the DICOMDIR alone.
        manifest: A file with SHA-256 digests as `sha256sum` writes them, with paths relative to the root of the
            medium. The contents of all files are compared with it.
        profile: An application profile of PS3.11, such as "STD-GEN-CD"; each unmet requirement is a finding.
        show_values: Show the values of patients in messages too. Patient ID and UIDs are always shown.
        medium_format: "folder", "iso" or "zip"; by default the medium itself decides.
        security: Keys and passwords that open an encrypted file-set (PS3.15 D.1). Without them, the envelopes are checked
            from outside.
        jobs: Number of processes that inspect files.
        executor: Any executor that inspects files instead.
        progress: Called with "check", the number of files done, and the number of all files.

    Raises:
        RuleError: There is no such profile, or `jobs` is below 1.
        FormatError: There is no DICOMDIR that can be read, or the manifest has another form.
        NotFoundError: There is no such medium, or no such manifest.
        MediumError: The medium fails.
    """
    wanted = find_profile(profile) if profile is not None else None
    digests = read_manifest(manifest) if manifest is not None else None
    opened, dicomdir = readable(medium, secure_format(medium_format, security))
    try:
        busy, before = opened.is_busy(), _stamp(opened, dicomdir)
        try:
            contents = read_contents(opened, dicomdir)
        except FormatError as problem:
            if problem.rule.startswith("FS-SECURE-"):
                return check_sealed(around_of(opened), problem)
            raise
        collector = Collector(contents)
        directory = check_directory(collector)
        profile_check = ProfileCheck(wanted, collector) if wanted else None
        if profile_check:
            profile_check.check_medium(opened, is_secure=is_encrypted(opened, dicomdir))
            profile_check.check_records()
        count = 0
        if files:
            on_facts = profile_check.check_file if profile_check else None
            check = FileCheck(opened, collector, directory, digests, on_facts, show_values, wanted.id if wanted else "")
            count = check.check(Workers(jobs, executor, phase(progress, "check")))
        if busy or opened.is_busy() or opened.inquire_file(dicomdir) != before:
            raise MediumError("is being changed by another program", path=opened.name, advice=CHECK_LATER)
        collector.findings.extend(Finding("FS-MEDIUM-DAMAGED", damage) for damage in opened.damage())
        collector.findings.extend(secure_findings(opened, each=True))
    finally:
        opened.close()
    # A DICOMDIR under another name, such as a copy, is not that of its folder.
    place = opened.name if holds_file_set(dicomdir.path) else dicomdir_place(opened, dicomdir)
    return CheckReport(
        place,
        contents.file_set_id,
        contents.file_set_uid,
        collector.findings,
        len(contents),
        count,
        files,
    )


def _stamp(medium: ReadableMedium, dicomdir: FileId) -> FileInfo | None:
    """Return size and date of the DICOMDIR; None if a part of it is missing, which `read_contents` reports."""
    try:
        return medium.inquire_file(dicomdir)
    except FormatError:
        return None
