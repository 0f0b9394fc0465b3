"""Rebuild the DICOMDIR of a file-set from its files and its correct records.

A check finds the wrong records; all others keep their bytes, and only their positions change. The tree
follows from the files. No file is moved, changed or deleted, except files of an interrupted write.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING

from fileset.dicom.preamble import is_secure
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.write.header import renewed_frame
from fileset.dicomdir.write.layout import encode
from fileset.errors import OPEN_WITH, FilesetError, FormatError
from fileset.file_id import FileId
from fileset.findings import Finding, Where
from fileset.media.base import UpdatableMedium
from fileset.media.open import damaged, dicomdirs_below, file_set_around, no_dicomdir, updatable
from fileset.plan.commit import carry_out
from fileset.plan.inputs import Sources
from fileset.plan.losses import refuse_losses
from fileset.plan.old_dicomdir import State, mended_identification, read_state
from fileset.plan.rebuild import Diagnosis, rebuild
from fileset.plan.recovery import NOTHING_FINISHED, clean_up
from fileset.plan.scan import Outcome, outcomes
from fileset.plan.secured import around_of, check_secure, secure_findings, secure_format
from fileset.plan.self_check import unlisted_on
from fileset.plan.workers import Phases, Workers, phase
from fileset.records.describe import InvalidUid, Missing, Policy, UnknownSopClass
from fileset.records.key_choice import USUAL
from fileset.repair.diagnosis import STAYING, diagnose, staying
from fileset.report import Report, Skipped
from fileset.standard import tags

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from fileset.media.base import Format
    from fileset.secure.security import Security

__all__ = ["repair_file_set"]


def repair_file_set(
    medium: str | os.PathLike[str],
    *,
    medium_format: Format | str | None = None,
    security: Security | None = None,
    missing: Missing = "invent",
    unknown_sop_class: UnknownSopClass = "image",
    invalid_uid: InvalidUid = "accept",
    trust_dicomdir: bool = False,
    force: bool = False,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Phases | None = None,
    dry_run: bool = False,
) -> Report:
    """Rebuild the DICOMDIR of the file-set at `medium`; with `dry_run` only plan it.

    Repair keeps the File-set UID and File-set ID, all files in their places, and the bytes of every correct record. In the
    report, `removed` are records whose file is missing, also by its SOP Instance UID; `added` are DICOM files without a
    record, if their names are File IDs (else they are `skipped`); `refreshed` are wrong records that were rebuilt. Without a
    readable DICOMDIR, repair scans all files. It writes nothing if there is nothing to repair.

    Parameters are those of `Updater`. With `trust_dicomdir`, a record stays although its file names another patient, study
    or series, and the difference is reported. If only files of an interrupted write exist, repair removes them, counts
    them in `leftovers`, and is not `complete`.

    Raises `FormatError` if there is neither a DICOMDIR nor a DICOM file, nor the leftovers of a write, `RefusedError` if the
    DICOMDIR has no Directory Information Module, which may not be added (PS3.4 I.3.3), and `MediumError` if the medium
    fails.
    """
    policy = Policy(missing, unknown_sop_class, invalid_uid, USUAL)

    def workers(name: str) -> Workers:
        return Workers(jobs, executor, phase(progress, name))

    with closing(updatable(medium, secure_format(medium_format, security))) as opened:
        report = _repaired(
            opened,
            partial(diagnose, opened, workers=workers("check"), trust_dicomdir=trust_dicomdir),
            partial(outcomes, policy=policy, workers=workers("scan")),
            trust_dicomdir=trust_dicomdir,
            force=force,
            dry_run=dry_run,
        )
        report.findings += secure_findings(opened)
        report.findings += unlisted_on(opened, _without_record(report))
        return report


def _without_record(report: Report) -> list[str]:
    """List the names of files that stay on the medium without a record."""
    return [one.source for one in report.skipped] + [one.file_id.path for one in report.removed if not one.deleted]


def _repaired(
    medium: UpdatableMedium,
    diagnosed: Callable[[State], Diagnosis],
    scanned: Callable[[Sources], Iterable[Outcome]],
    *,
    trust_dicomdir: bool,
    force: bool,
    dry_run: bool,
) -> Report:
    check_secure(medium)
    if medium.folder and not medium.has_dicomdir() and file_set_around(medium.folder):
        raise no_dicomdir(medium)
    state = read_state(medium)
    contents, diagnosis = state.contents, diagnosed(state)
    changes = mended_identification(contents, partial(_is_there, medium))
    report = Report(medium.name, dry_run=dry_run, findings=[*state.findings, *diagnosis.general])
    report.skipped += [Skipped(one.where.file, one.rule, one.message) for one in diagnosis.skipped]
    _report_losses(report, medium, contents, changes)
    report.file_set_id = _text(changes.get(tags.FILE_SET_ID), contents.file_set_id)
    report.file_set_uid = _text(changes.get(tags.MEDIA_STORAGE_SOP_INSTANCE_UID), contents.file_set_uid)
    former = len(report.findings)
    if state.was_read and not (diagnosis.mended or diagnosis.leftovers or changes):
        _put_remaining_last(report, diagnosis.remaining, former)
        return report
    frame = renewed_frame(contents.flat, changes)
    plan, uncured = rebuild(medium, state, diagnosis, scanned, frame, report, trust_dicomdir=trust_dicomdir)
    _put_remaining_last(report, diagnosis.remaining, former, uncured)
    if not state.was_read and not len(plan.directory):
        if diagnosis.leftovers and not medium.has_dicomdir() and _tidied(medium, diagnosis.leftovers, report):
            return report
        raise _nothing_to_list(medium, report.lost)
    if b"".join(encode(plan.directory)) == contents.flat.data and not diagnosis.leftovers:
        report.mended = 0
        return report
    if any(one.rule in STAYING for one in diagnosis.mended):
        report.findings += staying(b"".join(encode(plan.directory)))
    refuse_losses(medium, report, force=force)
    carry_out(plan, medium, report)
    return report


def _report_losses(
    report: Report, medium: UpdatableMedium, contents: Contents, changes: Mapping[int, bytes | None]
) -> None:
    """Report damage of the medium that no repair cures, and a descriptor file that is not there."""
    for note in medium.lasting_damage():
        reason = f"{note}: that cannot be repaired; `fileset extract` copies out the rest"
        report.skipped.append(Skipped(medium.name, "FS-MEDIUM-DAMAGED", reason))
    if changes.get(tags.DESCRIPTOR_FILE_ID, b"") is None:
        lost = contents.text(tags.DESCRIPTOR_FILE_ID)
        message = f"the descriptor file {lost} is not on the medium: it is left out of the DICOMDIR"
        report.findings.append(Finding("FS-DESCRIPTOR", message, Where(contents.file, tag=tags.DESCRIPTOR_FILE_ID)))


def _nothing_to_list(medium: UpdatableMedium, lost: Sequence[Skipped]) -> FormatError:
    """Choose the error for a medium with neither a DICOMDIR nor a DICOM file that a DICOMDIR can list."""
    if _holds_encrypted(medium):
        reason = "no DICOMDIR, and its files are encrypted: none of the given keys and passwords opens them"
        return FormatError(reason, path=medium.name, advice=OPEN_WITH, rule="FS-SECURE-KEY")
    if dicomdirs_below(medium):
        return no_dicomdir(medium)
    broken = [one for one in lost if one.rule not in ("FS-FILE-NAME", "FS-MEDIUM-DAMAGED", "FS-WRITE-LEFTOVER")]
    if broken:
        reason = f"no DICOMDIR, and no whole DICOM file: {broken[0].source}: {broken[0].reason}"
        return FormatError(reason, path=medium.name, rule=broken[0].rule)
    reason = "no DICOMDIR, and no DICOM file that a DICOMDIR can list"
    if medium.damage() and not any(one.rule == "FS-FILE-NAME" for one in lost):
        return damaged(reason, medium)
    advice = "DICOM files with other names, such as A.dcm, need `fileset create`, which copies them under legal names"
    return FormatError(f"{reason}: not a file-set", path=medium.name, advice=advice)


def _holds_encrypted(medium: UpdatableMedium) -> bool:
    """Check whether there is a Secure DICOM File (PS3.10 7.4); its first bytes show that without a key."""
    as_written = around_of(medium)
    for name in as_written.names():
        with suppress(FilesetError, OSError), as_written.open(FileId.tolerant(name)) as file:
            if is_secure(file.read(132)):
                return True
    return False


def _put_remaining_last(
    report: Report, remaining: Sequence[Finding], former: int, uncured: Container[Finding] = ()
) -> None:
    """Move the findings that no rebuild cures to the end, each once: all before them are repaired.

    The first `former` findings are about the old DICOMDIR; of these, the `uncured` ones also hold for the new one.
    """
    known = {(one.rule, one.where.file) for one in remaining}
    mended: list[Finding] = []
    lasting: list[Finding] = []
    for at, one in enumerate(report.findings):
        lasts = at >= former or one in uncured or (one.rule, one.where.file) in known
        (lasting if lasts else mended).append(one)
    named = {(one.rule, one.where.file) for one in lasting}
    report.mended = len(mended)
    report.findings = mended + lasting + [one for one in remaining if (one.rule, one.where.file) not in named]


def _tidied(medium: UpdatableMedium, leftovers: Sequence[Finding], report: Report) -> bool:
    """Remove the files of an interrupted write if nothing else is wrong; return whether there were any."""
    if report.dry_run:
        medium.check_writable()
    else:
        clean_up(medium, adopts=True)
    stay = [] if report.dry_run else [one for one in leftovers if os.path.lexists(f"{medium.name}/{one.where.file}")]
    if all(one.foreign for one in report.skipped):
        report.findings.append(Finding("FS-NOTHING-ADDED", NOTHING_FINISHED, Where(medium.name)))
    report.skipped += [
        Skipped(one.where.file, one.rule, "is not a file that a write leaves, and stays") for one in stay
    ]
    report.leftovers = len(leftovers) - len(stay)
    return report.leftovers > 0


def _text(changed: bytes | None, former: str) -> str:
    return former if changed is None else changed.decode("ascii")


def _is_there(medium: UpdatableMedium, file_id: FileId) -> bool:
    try:
        medium.inquire_file(file_id)
    except FilesetError:
        return False
    return True
