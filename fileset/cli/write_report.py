"""What the verbs that write have in common: their options, and how they report."""

from __future__ import annotations

import os
import shlex
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from fileset.cli.findings import PARTLY, Problem, finding_rows, problems_of, tell_findings, tell_problems
from fileset.cli.options import add_common, file_path, positive
from fileset.cli.output import counted, escaped, json_text, say, sized, write, write_document
from fileset.cli.volumes import in_words, manifests, volumes_of
from fileset.errors import DONE, MediumError

if TYPE_CHECKING:
    from argparse import _ArgumentGroup

    from fileset.report import Added, Removed, Replaced, Report, Skipped


NAMED: Final = 100
"""Up to so many files that were skipped, or are gone, are named one by one."""


def add_options(parser: ArgumentParser) -> _ArgumentGroup:
    """The options of the library that `create` and `index` take, and those of every verb; gives those about files."""
    identity = add_identification(parser)
    identity.add_argument("--file-set-uid", metavar="UID", help="the File-set UID (default: a new one)")
    about_files = add_rules(parser)
    parser.add_argument("--replace", action="store_true", help="replace the file-set that is there")
    parser.add_argument("--undefined-lengths", action="store_true", help="of the sequences and items in the DICOMDIR")
    add_writing(parser)
    return about_files


def add_identification(parser: ArgumentParser) -> _ArgumentGroup:
    """The options of the File-set Identification Module; what is not given is None."""
    identity = parser.add_argument_group("identification of the file-set")
    identity.add_argument("--file-set-id", metavar="ID", help="up to 16 of A-Z, 0-9 and _, as on a label")
    identity.add_argument("--descriptor", metavar="FILE_ID", help="a README-like file of the file-set, such as README")
    identity.add_argument("--descriptor-charset", metavar="CS", help="its character set, such as ISO_IR 100")
    return identity


def add_rules(parser: ArgumentParser, *, invalid_uid: str = "refuse") -> _ArgumentGroup:
    """What to do with files that are not as they should be; `invalid_uid` is what is done unless said otherwise."""
    rules = parser.add_argument_group("files that are not as they should be")
    rules.add_argument(
        "--missing",
        choices=("invent", "refuse"),
        default="invent",
        help="for a value that the directory must have: invent one and say so, or refuse the file (default: invent)",
    )
    rules.add_argument(
        "--invalid-uid",
        choices=("refuse", "accept"),
        default=invalid_uid,
        help=f"for a UID that is none: refuse the file, or take the UID as it is (default: {invalid_uid})",
    )
    rules.add_argument(
        "--unknown-sop-class",
        choices=("image", "private", "refuse"),
        default="image",
        help="list it as IMAGE if it has pixels, as PRIVATE, or refuse the file (default: image)",
    )
    return rules


def add_preamble(about_files: _ArgumentGroup) -> None:
    """What to do with the preambles of files that are copied."""
    about_files.add_argument(
        "--preamble",
        choices=("keep", "zero"),
        default="keep",
        help="zero: clear what stands before the prefix if it is neither zero nor TIFF, for it may make the file a "
        "program (default: keep, and copy every byte)",
    )


def add_writing(parser: ArgumentParser, *, scans: bool = True) -> None:
    """The options of every verb that writes; `scans` for one that reads the headers of files."""
    parser.add_argument("--dry-run", action="store_true", help="write nothing: show what would be done")
    parser.add_argument(
        "--manifest", metavar="FILE", type=file_path, help="write the SHA-256 of what was written, as sha256sum does"
    )
    if scans:
        parser.add_argument("--jobs", metavar="N", type=positive, help="processes that read (default: as many as pay)")
    add_common(parser)


def check_files(options: Namespace, medium: str) -> None:
    """See before anything is written that the manifest and the plan can be. Raises `MediumError` if not.

    They may lie in a folder that is made with the new file-set at `medium`, unless nothing is made; of several volumes the
    folder above them is. A manifest takes the place of the one that is there; a plan may go to anything that can be
    written, such as a pipe.
    """
    made = os.path.dirname(medium) if getattr(options, "volume_size", None) else medium
    plan = getattr(options, "plan", None) or ""
    goes_on = os.path.exists(plan) and not os.path.isdir(plan)
    for what, path, reason in (
        ("manifest", options.manifest, _obstacle(options.manifest, made)),
        ("plan", plan, _closed(plan) if goes_on else _obstacle(plan, "" if options.dry_run else made)),
    ):
        if reason:
            raise MediumError(f"the {what} cannot be written: {reason}. Nothing was done: give another name", path=path)


def _closed(path: str) -> str:
    return "" if os.access(path, os.W_OK) else "no permission to write"


def _obstacle(path: str | None, made: str) -> str:
    """Why no new file can be written at `path`, "" if nothing shows that; the folder `made` will be there."""
    if not path:
        return ""
    folder = os.path.dirname(path) or "."
    if os.path.exists(path) and not os.path.isfile(path):
        return "it exists and is not a file"
    if not os.path.isdir(folder):
        return "" if made and _is_above(folder, made) else f"there is no folder {folder}"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"no permission to write in {folder}"


def _is_above(folder: str, medium: str) -> bool:
    outer, inner = os.path.realpath(folder), os.path.realpath(medium)
    return os.path.commonpath((outer, inner)) == outer


def settings(options: Namespace) -> dict[str, Any]:
    """Options as keyword arguments of `Creator` and `index`."""
    return {
        "file_set_id": options.file_set_id or "",
        "file_set_uid": options.file_set_uid,
        "descriptor_file_id": options.descriptor,
        "descriptor_character_set": options.descriptor_charset,
        "replace": options.replace,
        "undefined_lengths": options.undefined_lengths,
        **rules(options),
    }


def rules(options: Namespace) -> dict[str, Any]:
    """The options that say how files are read, as keyword arguments of every role that reads them."""
    return {
        "missing": options.missing,
        "invalid_uid": options.invalid_uid,
        "unknown_sop_class": options.unknown_sop_class,
        "jobs": options.jobs,
    }


def tell(report: Report, options: Namespace, verb: str) -> int:
    """Report on both streams, write the manifest that is wanted, and give the exit code."""
    try:
        return _told(report, options, verb)
    except KeyboardInterrupt as end:
        if report.written:
            end.add_note(f"{report.medium}: {DONE}")
        raise


def _told(report: Report, options: Namespace, verb: str) -> int:
    if options.manifest and not report.dry_run:
        from fileset.plan.manifest import write_manifest

        for path, part in manifests(options.manifest, report):
            write_manifest(path, part, keep=verb not in _NEW)
    if options.json:
        _document(report, f"fileset.{verb}/1")
    elif options.verbose or options.dry_run:
        write(_lines(report))
    if not (options.json or options.quiet):
        if verb == "repair" and not (options.verbose or options.dry_run):
            _tell_dropped(report)
        _details(report, everything=options.verbose)
        for replaced in report.replaced:
            say(_former(replaced, dry_run=report.dry_run))
    if options.quiet and not options.json:
        _tell_skipped(report.lost, everything=False)
        if verb != "repair":  # whose findings are what it has put right
            tell_findings(report.findings, everything=False, quiet=True)
    if not (report.complete or options.quiet):
        _hint(report, options, verb)
    complete = report.complete and not (verb == "repair" and report.removed)
    if not options.quiet or not complete:
        say(_summary(report, verb))
    if report.removable and report.written and not options.quiet:
        say(f"everything is on {report.medium}: unmount it, then it is safe to remove")
    return 0 if complete else PARTLY


_NEW: Final = frozenset(("create", "index"))
"""Verbs that make a file-set, so that what a manifest says of another one does not hold."""


def _lines(report: Report) -> Iterator[str]:
    """What happened to each instance, one a line."""
    would = "would be " if report.dry_run else ""
    unlisted = "would no longer be referenced" if report.dry_run else "no longer referenced"
    for removed in report.removed:
        yield f"{removed.file_id} {would + 'removed' if removed.deleted else unlisted}"
    for refreshed in report.refreshed:
        yield f"{refreshed.file_id} {would}read again"
    for added in () if report.volumes else report.added:
        yield f"{escaped(added.source)} -> {added.file_id}"
    for volume in report.volumes:
        yield in_words(volume)
        yield from _lines(volume.report)


def _tell_dropped(report: Report) -> None:
    """Name the instances that nobody asked to be gone, where their lines are not on standard output."""
    if report.removed:
        say(f"{counted(len(report.removed), 'instance')} dropped:")
    for removed in report.removed[:NAMED]:
        say(f"  {removed.file_id}, {removed.sop_instance_uid or 'no SOP Instance UID'}")
    if len(report.removed) > NAMED:
        say(f"  and {len(report.removed) - NAMED:,} more (-v or --json names every one)")


def _details(report: Report, *, everything: bool) -> None:
    _tell_skipped(report.skipped, everything=everything)
    findings = report.findings if everything else report.warnings
    made_good = {counted(len(findings), "finding" if everything else "warning"): problems_of(findings)}
    tell_problems(made_good, everything=everything)


def _tell_skipped(skipped: Sequence[Skipped], *, everything: bool) -> None:
    # A file that did not go in is worth a line longer than a value that was made good.
    named = everything or len(skipped) <= NAMED
    problems: list[Problem] = [(one.rule, f"{one.source}: {one.reason}") for one in skipped]
    tell_problems({f"{counted(len(skipped), 'file')} skipped": problems}, everything=named)


def _summary(report: Report, verb: str) -> str:
    parts = [_changes(report, verb)]
    if report.identified and (report.removed or report.refreshed or report.added):
        parts.append(f"the identification {'would be ' if report.dry_run else ''}changed")
    if report.written:
        size = sum(written.size for written in report.written)
        parts.append(f"{sized(size)} in {counted(len(report.written), 'file')} written")
    if cleared := sum(finding.rule == "FS-PREAMBLE-CLEARED" for finding in report.findings):
        parts.append(f"{counted(cleared, 'preamble')} {'would be ' if report.dry_run else ''}cleared")
    if report.skipped:
        parts.append(f"{counted(len(report.skipped), 'file')} skipped")
    if report.warnings:
        parts.append(counted(len(report.warnings), "warning"))
    return ", ".join(parts)


def _changes(report: Report, verb: str) -> str:
    """What happened, in words such as "2 instances removed, 1 instance added to DISC"."""
    words = _WORDS.get(verb, _WORDS[""])
    counts = dict(zip(words, map(len, (report.removed, report.refreshed, report.added)), strict=True))
    told = {what: count for what, count in counts.items() if count}
    if not told and verb == "repair":
        return f"{_repaired(report)} {report.medium}"
    would = "would be " if report.dry_run else ""
    if not told and report.identified:
        return f"the identification {would or 'was '}changed in {report.medium}"
    told = told or {words[0 if verb == "remove" else 2]: 0}
    *others, last = [f"{counted(count, 'instance')} {would}{what}" for what, count in told.items()]
    place = report.medium
    if report.volumes:
        names = [volume.report.medium for volume in report.volumes]
        place = f"{counted(len(names), 'volume')}, {names[0]}{f' to {names[-1]}' if names[1:] else ''}"
    return ", ".join([*(other.rpartition(" ")[0] for other in others), f"{last} {place}"])


_WORDS: Final = {
    "": ("removed from", "read again in", "added to"),
    "repair": ("dropped from", "listed anew in", "added to"),
}
"""What is said of instances that went, whose records are new, and that came."""


def _former(replaced: Replaced, *, dry_run: bool) -> str:
    """What became of the file-set that was there before."""
    had = "could not be read" if replaced.instances is None else f"had {counted(replaced.instances, 'instance')}"
    goes, stays = ("would be deleted", "would stay") if dry_run else ("were deleted", "stayed")
    files = f"its files {goes}"
    if replaced.kept is None:
        files = f"its files {stays}"
    elif replaced.kept:
        all_of_them = replaced.kept == replaced.instances
        files = "the new one has all its files" if all_of_them else f"{files}, but for {replaced.kept:,} of the new one"
    return f"the file-set that was in {replaced.medium} {had}: {files}"


def _repaired(report: Report) -> str:
    """What happened where only links, or what is around the records, was wrong."""
    if report.leftovers:
        were = "would be" if report.dry_run else "were" if report.leftovers > 1 else "was"
        return f"{counted(report.leftovers, 'file')} that an interrupted write left {were} removed: there is no file-set in"
    if report.written:
        return "the DICOMDIR was rebuilt in"
    return "the DICOMDIR would be rebuilt in" if report.dry_run and report.findings else "nothing to repair in"


def _hint(report: Report, options: Namespace, verb: str) -> None:
    """How to take in what a new file-set was made without."""
    rules = Counter(one.rule for one in report.skipped)
    if verb in _NEW and rules["FS-INSTANCE-CONFLICT"]:
        _hint_at_conflicts(report, verb, rules["FS-INSTANCE-CONFLICT"])
    if verb == "index" and rules["FS-FILE-NAME"]:
        _hint_at_names(options, rules["FS-FILE-NAME"])


def _hint_at_conflicts(report: Report, verb: str, number: int) -> None:
    """How to have an instance of another file than the first that holds it."""
    remedy = "leave the other file out of the sources"
    if verb == "index":
        remedy = "move the other file out of the folder, and index it again with --replace"
    elif report.written and not report.volumes and os.path.exists(report.medium):
        remedy += f", or afterwards: fileset add {shlex.quote(report.medium)} FILE --replace"
    say(f"{counted(number, 'file')} skipped for another with the same SOP Instance UID. To take one instead, {remedy}")


def _hint_at_names(options: Namespace, names: int) -> None:
    """How to take in files whose names cannot stand in a DICOMDIR."""
    command = ["fileset", "create", options.folder, "-o", _beside(options.folder)]
    if options.file_set_id:
        command += ["--file-set-id", options.file_set_id]
    say(f"{counted(names, 'file')} cannot be referenced by name. To copy everything under names that can:")
    say(f"  {shlex.join(command)}")


def _beside(folder: str) -> str:
    """A new folder next to `folder`, named as the user named that."""
    plain = folder.rstrip(os.sep)
    if os.path.basename(plain) in ("", ".", ".."):
        return os.path.relpath(os.path.abspath(folder) + "_NEW")
    return plain + "_NEW"


def _document(report: Report, schema: str) -> None:
    write_document(
        schema,
        {
            "file_set": {"id": report.file_set_id, "uid": report.file_set_uid, "path": report.medium},
            "dry_run": report.dry_run,
            "complete": report.complete,
            "written": {"files": len(report.written), "bytes": sum(one.size for one in report.written)},
            **volumes_of(report),
            **_replaced_rows(report),
            "added": _added_rows(report),
            "removed": map(_removed, report.removed),
            "refreshed": map(_added, report.refreshed),
            "skipped": (
                json_text({"source": one.source, "rule": one.rule, "reason": one.reason}) for one in report.skipped
            ),
            "findings": finding_rows(report.findings),
        },
    )


def _replaced_rows(report: Report) -> dict[str, Any]:
    """The member that tells of the file-sets that were there before, if there were any."""
    rows = [{"path": one.medium, "instances": one.instances, "kept_files": one.kept} for one in report.replaced]
    return {"replaced": rows} if rows else {}


def _added_rows(report: Report) -> Iterator[str]:
    if not report.volumes:
        return map(_added, report.added)
    return (_added(one, volume=at) for at, volume in enumerate(report.volumes, 1) for one in volume.report.added)


def _added(one: Added, **more: object) -> str:
    return json_text(
        {
            "source": one.source,
            "file_id": one.file_id.path,
            "record_type": one.record_type,
            "sop_instance_uid": one.sop_instance_uid,
            **more,
        }
    )


def _removed(one: Removed) -> str:
    return json_text(
        {
            "file_id": one.file_id.path,
            "record_type": one.record_type,
            "sop_instance_uid": one.sop_instance_uid,
            "deleted": one.deleted,
        }
    )
