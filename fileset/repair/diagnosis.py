"""The state of a file-set for a rebuild: its correct records, its files without a record, and whether a repair helps."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from attrs import evolve

from fileset.check import CheckReport
from fileset.check.files import FileCheck
from fileset.check.record_differences import AGAINST_THE_FILE
from fileset.dicomdir.check.collector import Collector
from fileset.dicomdir.check.directory import check_directory
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.write.patch import REFERENCE, Wrong
from fileset.errors import FilesetError
from fileset.file_id import DICOMDIR
from fileset.findings import ERROR, Finding
from fileset.media.base import UpdatableMedium
from fileset.media.open import updatable
from fileset.plan.old_dicomdir import State
from fileset.plan.rebuild import ABOUT_FILES, Diagnosis, is_unshared
from fileset.plan.recovery import LEFTOVER, serious_faults
from fileset.plan.workers import Workers
from fileset.records.levels import IDENTITY

_OF_THE_RECORD: Final = (
    *("FS-RECORD-MALFORMED", "FS-RECORD-ELEMENT", "FS-RECORD-PRIVATE-UID", "FS-RECORD-REFERENCE", "FS-RECORD-TYPE"),
    *("FS-ELEMENT-", "FS-PRIVATE-CREATOR", "FS-KEY-", "FS-VALUE-", "FS-CHARSET-", "FS-FILE-ID-", "FS-UID-"),
)
"""Prefixes of rules for the values of a record, not for its links or its place in the tree."""
_ANY_ELEMENT: Final = ("FS-RECORD-MALFORMED", "FS-CHARSET-", "FS-RECORD-TYPE-DIFFERS")
"""Prefixes of rules that cast doubt on every element of a record."""
_IDENTIFIERS: Final = frozenset(row.tag for row in IDENTITY if row.level)
STAYING: Final = frozenset(("FS-HIERARCHY", "FS-RECORD-REFERENCE"))
"""Rules for faults that remain if no file shows the parent of a record, or the file that it references."""
_UNCERTAIN: Final = (
    *("PR-", "FS-SECURE-", "FS-MEDIUM-", "FS-VALUE-", "FS-CHARSET-", "FS-UID-INVALID", "FS-KEY-ITEMS", "FS-DESCRIPTOR"),
    *("FS-PATIENT-", "FS-STUDY-", "FS-SERIES-", "FS-RECORD-INACTIVE", "FS-DIRECTORY-", "FS-FILE-SET-", "FS-PRIVATE-"),
    *STAYING,
)
"""Prefixes of rules for faults that a rebuild cures only if the files and the medium allow it."""
_BLOCKING: Final = ("FS-MEDIUM-", "FS-SECURE-", "FS-DIRECTORY-ABSENT", "FS-PATIENT-CONFLICT")
"""Prefixes of rules for faults that a repair cannot cure: the user needs a better copy, a key, or a look at the images."""
_UNREAD: Final = "FS-FILE-UNREADABLE"


def diagnose(
    medium: UpdatableMedium,
    old: State,
    workers: Workers,
    *,
    trust_dicomdir: bool = False,
) -> Diagnosis:
    """Check the whole file-set. With `trust_dicomdir`, a record stays if its files name another patient, study or series.

    If the DICOMDIR could not be read, or may lack records, the complete files of an interrupted change are listed too: no
    records show which of them belong to an older file-set.
    """
    contents = old.contents
    adopts = not old.was_read or bool(serious_faults(contents.flat.findings))
    collector = Collector(contents)
    directory = check_directory(collector)
    directory.complete = True  # also if records are lost: a rebuild lists every DICOM file
    check = FileCheck(medium, collector, directory, show_values=True, adopts=adopts)
    check.check(workers)
    findings, settled = _settled(collector.findings) if trust_dicomdir else (collector.findings, [])
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        if _spoils(finding, contents.file):
            by_path.setdefault(finding.where.record, []).append(finding)
    walk = contents.tree.walk()
    faults = {index: found for index in walk if (found := by_path.get(collector.path(index)))} if by_path else {}
    sound = (index for index in contents.tree.walk() if index not in faults and is_unshared(contents, index))
    return Diagnosis(
        frozenset(sound),
        {index: _wrong(found) for index, found in faults.items()},
        faults,
        [finding.where.file for finding in findings if finding.rule == "FS-FILE-UNLISTED"],
        [finding for finding in findings if finding.rule == _UNREAD and not finding.where.record],
        [finding for finding in findings if finding.rule == LEFTOVER],
        [finding for finding in findings if _is_mended(finding, contents.file)],
        [finding for finding in findings if _remains(finding, contents.file)] + settled,
    )


def _settled(findings: list[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Split findings into the open ones and those that trust in the DICOMDIR settles.

    If a file names another patient, study or series than its record, their other differences do not count either.
    """
    disputed = {one.where.record for one in findings if _is_disputed(one)}
    settled = [one for one in findings if one.where.record in disputed and one.rule in AGAINST_THE_FILE]
    others = [one for one in findings if one.where.record not in disputed or one.rule not in AGAINST_THE_FILE]
    return others, [evolve(one, message=f"{one.message}: the record is used") for one in settled]


def _is_disputed(finding: Finding) -> bool:
    """Return whether a file names another patient, study or series than its record, or another person."""
    of_identity = finding.rule in AGAINST_THE_FILE and finding.where.tag in _IDENTIFIERS
    return of_identity or finding.rule == "FS-PATIENT-CONFLICT"


def _wrong(findings: list[Finding]) -> Wrong:
    """Collect the elements of a record that the findings about it name or cast doubt on."""
    named: set[int] = set()
    doubtful: set[int] = set()
    for finding in findings:
        if finding.where.tag is not None:
            wrong = doubtful if finding.rule == "FS-ELEMENT-ORDER" else named
            wrong |= REFERENCE if finding.rule == "FS-RECORD-REFERENCE" else {finding.where.tag}
    others = any(one.where.tag is None or one.rule.startswith(_ANY_ELEMENT) for one in findings)
    return Wrong(frozenset(named), others, frozenset(doubtful))


def _spoils(finding: Finding, dicomdir: str) -> bool:
    """Return whether a finding is an error in the values of a record."""
    if finding.severity != ERROR or not finding.where.record:
        return False
    here = finding.where.file == dicomdir and finding.rule.startswith(_OF_THE_RECORD)
    return here or finding.rule in AGAINST_THE_FILE


def _remains(finding: Finding, dicomdir: str) -> bool:
    """Return whether a finding is an error that a rebuild cannot repair."""
    has_record = finding.rule != _UNREAD or bool(finding.where.record)  # unreadable files without one are skipped files
    return finding.severity == ERROR and has_record and not _is_mended(finding, dicomdir)


def _is_mended(finding: Finding, dicomdir: str) -> bool:
    where, rule = finding.where, finding.rule
    return finding.severity == ERROR and (where.file == dicomdir or rule in ABOUT_FILES or rule in AGAINST_THE_FILE)


def repair_helps(report: CheckReport) -> bool:
    """Decide whether a repair cures an error in the report of a check, and can write to the medium without a loss."""
    blocked = any(finding.rule.startswith(_BLOCKING) for finding in report.findings)
    return not blocked and any(map(_is_curable, report.findings)) and _takes_repair(report.medium)


def _takes_repair(path: str) -> bool:
    try:
        with closing(updatable(path)) as medium:
            medium.check_writable()
            return not (medium.not_carried_over() or medium.lasting_damage())
    except (FilesetError, OSError):
        return False


def _is_curable(finding: Finding) -> bool:
    """Return whether a finding of a check is an error that a rebuild can cure.

    A file of another patient, study or series is not: first a person must find out whose images they are.
    """
    where = finding.where
    dicomdir = where.file if where.file.rpartition("/")[2] == DICOMDIR.value else ""
    certain = not finding.rule.startswith(_UNCERTAIN) and not _is_disputed(finding)
    return certain and bool(where.file) and _is_mended(finding, dicomdir)


def staying(dicomdir: bytes) -> list[Finding]:
    """Find the errors of a rebuilt DICOMDIR in records that stay where they were, such as those of nested directories."""
    collector = Collector(Contents(dicomdir))
    check_directory(collector)
    found = (one for one in collector.findings if one.rule in STAYING and one.severity == ERROR)
    return [evolve(one, message=f"{one.message}; it stays") for one in found]
