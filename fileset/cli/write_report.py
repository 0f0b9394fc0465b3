"""Report the result of a verb that writes: a few lines for people, or one JSON document.

Each verb owns the words of its report (`Wording`); this module puts them in order.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

from fileset.cli.findings import LINES, PARTLY, Problem, is_problem, problems_of, tell_problems
from fileset.cli.options import keys_of
from fileset.cli.output import counted, cut, escaped, grouped, lasting, say, sized, write
from fileset.cli.read_options import tell_unmatched
from fileset.cli.report_document import write_report_document
from fileset.cli.signals import after_work
from fileset.cli.volumes import in_words, manifests, write_plan
from fileset.errors import DONE, LOCKED

if TYPE_CHECKING:
    from fileset.findings import Finding
    from fileset.report import Replaced, Report, Skipped
    from fileset.updater import Updater

WRITTEN: Final = "written to"
"""Completes the summary of a verb that writes all files of a new file-set."""
NAMED: Final = 100
"""Up to this number, dropped instances are named one by one."""
EXAMPLES: Final = 3
"""Files that are not DICOM named as examples."""
OLD_FAULT: Final = "fault of the old DICOMDIR"
CHOSEN_FAULT: Final = "accepted fault"
"""A fault of the new file-set, or of a source, that an option or its default accepts."""
PLURALS: Final = {OLD_FAULT: "faults of the old DICOMDIR"}


class Wording(NamedTuple):
    """The words of a verb's report.

    `removed`, `refreshed` and `added` complete "1 instance ... MEDIUM". `unchanged` returns the sentence for a report
    without any of these. `hints` returns lines about including skipped files. `is_new`: the verb makes a new
    file-set, so a manifest lists this run alone. `drops`: the verb may remove instances that the user did not choose; the
    report names each, and the exit code is 3.
    """

    verb: str
    unchanged: Callable[[Report], str]
    removed: str = "removed from"
    refreshed: str = "read again in"
    added: str = "added to"
    hints: Callable[[Report, Namespace], Iterable[str]] = lambda *_: ()
    is_new: bool = False
    drops: bool = False


def none(words: str) -> Callable[[Report], str]:
    """Make the sentence for a report without any change, such as "0 instances added to DISC"."""
    return lambda report: f"0 instances {'would be ' if report.dry_run else ''}{words} {report.medium}"


def tell(report: Report, options: Namespace, wording: Wording) -> int:
    """Report on both streams, write the plan and the manifest, and return the exit code."""
    with after_work(f"{report.medium}: {DONE}" if report.written else ""):
        return _tell(report, options, wording)


def tell_matched(report: Report, options: Namespace, wording: Wording, updater: Updater, *, matched: bool) -> int:
    """Report as `tell`; unless something `matched` the keys, say so, and return exit code 3: a value may be misspelt."""
    code, keys = tell(report, options, wording), keys_of(options.keys)
    if matched or not keys:
        return code
    tell_unmatched(keys, options, updater)
    return PARTLY


def _tell(report: Report, options: Namespace, wording: Wording) -> int:
    if getattr(options, "plan", None):
        write_plan(options.plan, report)
    _write_manifests(report, options, wording)
    complete = _is_complete(report, options, wording)
    if options.json:
        write_report_document(report, options, f"fileset.{wording.verb}/1", complete=complete)
    else:
        _tell_files(report, options, wording)
    if not (report.complete or options.quiet):
        say(*_option_hints(report, options), *wording.hints(report, options))
    if not options.quiet or not complete:
        say(_summary(report, options, wording))
    if report.removable and report.written and not options.quiet:
        say(f"everything is on {report.medium}; unmount or eject it, then it is safe to remove")
    return 0 if complete else PARTLY


def _is_complete(report: Report, options: Namespace, wording: Wording) -> bool:
    return report.complete and not refused_foreign(report.skipped, options) and not (wording.drops and report.removed)


def refused_foreign(skipped: Sequence[Skipped], options: Namespace) -> list[Skipped]:
    """Select the files that are not DICOM if --strict-sources counts them as lost."""
    return [one for one in skipped if one.foreign] if getattr(options, "strict_sources", False) else []


def _write_manifests(report: Report, options: Namespace, wording: Wording) -> None:
    if options.manifest and not report.dry_run:
        from fileset.plan.manifest import write_manifest

        for path, part in manifests(options.manifest, report):
            write_manifest(path, part, keep=not wording.is_new)


# ---------------------------------------------------------------- files


def _tell_files(report: Report, options: Namespace, wording: Wording) -> None:
    if options.verbose:
        write(_lines(report))
    elif wording.drops:
        _tell_dropped(report)
    if options.quiet:
        tell_skipped([*refused_foreign(report.skipped, options), *report.lost], everything=False)
        new = {kind: [*filter(is_problem, found)] for kind, found in _by_severity(report).items() if kind != OLD_FAULT}
        _tell_kinds(new, everything=False)
        return
    _tell_details(report, everything=options.verbose)
    say(*(_former(replaced, dry_run=report.dry_run) for replaced in report.replaced))
    if report.dry_run and not options.verbose:
        write(map(in_words, report.volumes))


def _lines(report: Report) -> Iterator[str]:
    """Yield a line for each instance: removed, read again, or added."""
    would = "would be " if report.dry_run else ""
    unlisted = "would no longer be referenced" if report.dry_run else "no longer referenced"
    for removed in report.removed:
        yield f"{removed.file_id} {would + 'removed' if removed.deleted else unlisted}"
    for refreshed in report.refreshed:
        yield f"{refreshed.file_id} {would}read again"
    for added in () if report.volumes else report.added:
        stays = added.source == added.file_id.path
        yield f"{added.file_id} {would}listed" if stays else f"{escaped(added.source)} -> {added.file_id}"
    for volume in report.volumes:
        yield in_words(volume)
        yield from _lines(volume.report)


def _tell_dropped(report: Report) -> None:
    """Name the instances that are gone although the user did not ask for it."""
    if report.removed:
        say(f"{counted(len(report.removed), 'instance')} {'would be ' if report.dry_run else ''}dropped:")
    lines = [f"  {one.file_id}, {one.sop_instance_uid or 'no SOP Instance UID'}" for one in report.removed]
    say(*cut(lines, NAMED, "  and {:,} more (-v or --json names every one)"))


def _tell_details(report: Report, *, everything: bool) -> None:
    tell_skipped(report.skipped, everything=everything)
    _tell_kinds({"finding": report.findings} if everything else _by_severity(report), everything=everything)


def _tell_kinds(kinds: Mapping[str, Sequence[Finding]], *, everything: bool) -> None:
    sections = {_heading(kind, findings): problems_of(findings) for kind, findings in kinds.items()}
    tell_problems(sections, everything=everything)


def _by_severity(report: Report) -> dict[str, list[Finding]]:
    """Sort findings into errors, which lead to exit code 3, other faults, which do not, and warnings."""
    from fileset.report import ASKED_FOR

    kinds: dict[str, list[Finding]] = {"error": [], CHOSEN_FAULT: [], OLD_FAULT: [], "warning": []}
    for at, one in enumerate(report.findings):
        fault = OLD_FAULT if at < report.mended else CHOSEN_FAULT if one.rule in ASKED_FOR else "error"
        kind = fault if one.severity == "error" else one.severity
        if kind in kinds:
            kinds[kind].append(one)
    return kinds


def _heading(kind: str, findings: Sequence[Finding]) -> str:
    return counted(len(findings), kind, PLURALS.get(kind, ""))


def tell_skipped(skipped: Sequence[Skipped], *, everything: bool) -> None:
    """Write one line about the files that are not DICOM, then the other skipped files, grouped by rule if there are many."""
    foreign = [one for one in skipped if one.foreign]
    if foreign:
        _tell_foreign(foreign, everything=everything)
    others = [one for one in skipped if not one.foreign]
    lost = [(one.rule, f"{one.source}: {one.reason}") for one in others]
    if not everything and len(together := list(_encrypted_together(others))) <= LINES:
        lost = together
    tell_problems({f"{counted(len(others), 'file')} skipped": lost}, everything=everything)


def _encrypted_together(skipped: Sequence[Skipped]) -> Iterator[Problem]:
    """Yield a problem for each skipped file, but one for all encrypted files with one reason, or in one archive."""
    groups = grouped((_encrypted(one) or str(at), one) for at, one in enumerate(skipped))
    for opened_by, (one, *others) in groups.items():
        text = f"{one.source}: {one.reason}"
        if others and opened_by == one.reason:
            text = f"{one.source} and {counted(len(others), 'more file')} (-v names each): {one.reason}"
        elif others:
            text = f"{opened_by}: {len(others) + 1:,} files (-v names each)"
        yield one.rule, text


def _encrypted(skipped: Skipped) -> str:
    """Return what all encrypted files share that one key or password opens: the reason, or the archive; else ""."""
    if LOCKED in skipped.reason:
        return f"{skipped.source}: {LOCKED}"
    return skipped.reason if skipped.rule == "FS-SECURE-KEY" else ""


def _tell_foreign(foreign: Sequence[Skipped], *, everything: bool) -> None:
    number = counted(len(foreign), "file that is not DICOM", "files that are not DICOM")
    if everything:
        say(f"{number}, left out:", *(f"  {one.source}" for one in foreign))
        return
    names = ", ".join(one.source for one in foreign[:EXAMPLES])
    more = ", ..." if len(foreign) > EXAMPLES else ""
    say(f"left out {number}: {names}{more}")


def _former(replaced: Replaced, *, dry_run: bool) -> str:
    """Describe the replaced file-set and its files."""
    had = "could not be read" if replaced.instances is None else f"had {counted(replaced.instances, 'instance')}"
    goes, stays = ("would be deleted", "would stay") if dry_run else ("were deleted", "stayed")
    files = f"its files {goes}"
    if replaced.kept is None:
        files = f"its files {stays}"
    elif replaced.kept:
        all_of_them = replaced.kept == replaced.instances
        files = "all its files stay" if all_of_them else f"{files}, except {replaced.kept:,} that stay"
    return f"the file-set that was in {replaced.medium} {had}: {files}"


INCLUDED_BY: Final = {
    "FS-UID-FORM": ("invalid_uid", "--invalid-uid accept"),
    "FS-UID-ARC": ("invalid_uid", "--invalid-uid accept"),
    "FS-PATIENT-CONFLICT": ("patient_conflict", "--patient-conflict split"),
    "FS-STUDY-TWO-PATIENTS": ("patient_conflict", "--patient-conflict split"),
    "FS-KEY-TYPE1-MISSING": ("missing", "--missing invent"),
    "FS-FILE-NO-META": ("add_header", "--add-header"),
    "FS-FILE-NO-PREFIX": ("add_header", "--add-header"),
    "FS-SOP-CLASS-NO-RECORD": ("unknown_sop_class", "--unknown-sop-class private"),
    "PR-TRANSFER-SYNTAX": ("transcode", "--transcode"),
}
"""The option for files that were skipped for a rule: its name in the options, and as the user types it."""


def _option_hints(report: Report, options: Namespace) -> Iterator[str]:
    """Suggest each option of this verb that may include skipped files: a file may break a second rule, which is not known yet."""
    counts = Counter(one.rule for one in report.skipped)
    rules = grouped(
        (typed, rule)
        for rule, (name, typed) in INCLUDED_BY.items()
        if counts[rule] and getattr(options, name, None) not in (None, True, typed.rpartition(" ")[2])
    )
    for typed, some in rules.items():
        number = sum(counts[rule] for rule in some)
        yield f"{typed} may include {counted(number, 'file')} skipped for {' or '.join(some)}"


def conflict_hint(report: Report, remedy: str) -> Iterator[str]:
    """Suggest how to take files that were skipped because another one has the same SOP Instance UID, if there are any."""
    if number := sum(one.rule == "FS-INSTANCE-CONFLICT" for one in report.skipped):
        reason = "skipped because another file has the same SOP Instance UID"
        yield f"{counted(number, 'file')} {reason}. To take a skipped file instead, {remedy}"


# ---------------------------------------------------------------- the summary


def _summary(report: Report, options: Namespace, wording: Wording) -> str:
    return ", ".join([_changes(report, wording), *_remarks(report, options, wording)])


def _remarks(report: Report, options: Namespace, wording: Wording) -> Iterator[str]:
    would = "would be " if report.dry_run else ""
    if deleted := len({removed.file_id for removed in report.removed if removed.deleted}):
        yield f"{counted(deleted, 'file')} {would}deleted"
    if report.identified and (report.removed or report.refreshed or report.added):
        yield f"the identification {would}changed"
    if report.written:
        size = sum(written.size for written in report.written)
        written = "" if wording.added == WRITTEN else " written"
        yield f"{sized(size)} in {counted(len(report.written), 'file')}{written}"
        if wording.added == WRITTEN and os.path.isfile(report.medium):
            yield "verified"  # an image is read back before it counts
        yield lasting(monotonic() - options.began)
    if cleared := sum(finding.rule == "FS-PREAMBLE-CLEARED" for finding in report.findings):
        yield f"{counted(cleared, 'preamble')} {would}cleared"
    if skipped := len(report.skipped) - len(report.foreign):
        yield f"{counted(skipped, 'file')} skipped"
    yield from (_heading(kind, findings) for kind, findings in _by_severity(report).items() if findings)
    without = sum(one.rule in ("FS-PICTURE-NONE", "FS-PICTURE-FAILED") for one in report.findings)
    if without:
        yield f"{without:,} without a picture (-v names each)"


def _changes(report: Report, wording: Wording) -> str:
    """Describe the result in words, such as "2 instances removed, 1 instance added to DISC"."""
    counts = (
        (wording.removed, len(report.removed)),
        (wording.refreshed, len(report.refreshed)),
        (wording.added, len(report.added)),
    )
    would = "would be " if report.dry_run else ""
    of = f"of {counted(report.patients, 'patient')} " if wording.added == WRITTEN else ""
    changed = [f"{counted(number, 'instance')} {of}{would}{words}" for words, number in counts if number]
    if not changed:
        identified = f"the identification {would or 'was '}changed in {report.medium}"
        return identified if report.identified else wording.unchanged(report)
    *others, last = changed
    return ", ".join([*(other.rpartition(" ")[0] for other in others), f"{last} {_place(report)}"])


def _place(report: Report) -> str:
    if not report.volumes:
        return report.medium
    names = [volume.report.medium for volume in report.volumes]
    return f"{counted(len(names), 'volume')}, {names[0]}{f' to {names[-1]}' if names[1:] else ''}"
