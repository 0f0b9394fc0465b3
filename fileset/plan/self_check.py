"""Check the finished medium for files without a record, and for the descriptor file.

The scan reports all other faults of written files, so that a later check finds nothing new.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fileset.dicom.header import HeaderError, Reading
from fileset.dicom.preamble import is_part_10, misplaced_prefix
from fileset.dicomdir.write.header import Identification
from fileset.errors import FilesetError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import ERROR, RULES, Finding, Where
from fileset.media.base import ReadableMedium, UpdatableMedium
from fileset.media.names import device_faults, form_key, may_name_devices
from fileset.media.system.walk import OpenFile, leads_out, random_access
from fileset.part10.whole_file import FileChecker
from fileset.plan.commit import Plan
from fileset.plan.copy_findings import stale_pages
from fileset.plan.new_file_set import IN_PLACE, Recipe
from fileset.plan.presence import HEAD, is_dicomdir
from fileset.plan.scan import describe
from fileset.records.describe import Describer, Policy
from fileset.report import Report
from fileset.standard import tags

if TYPE_CHECKING:
    from fileset.plan.update import Request

SECOND: Final = "another DICOMDIR: the files below its folder count as its files"
"""The finding about a DICOMDIR in a folder of a file-set."""


def unlisted(paths: Mapping[str, str]) -> Iterator[Finding]:
    """Report DICOM files without a record (PS3.3 F.2.1), and faults inside these files.

    `paths`: name on the medium -> path.
    """
    checker = FileChecker()
    for name, path in paths.items():
        with suppress(OSError), OpenFile(path, follow=False) as read:
            yield from _faults(checker, name, read, read.size)


def unlisted_on(medium: ReadableMedium, names: Iterable[str]) -> Iterator[Finding]:
    """Report the same for files of a medium, also of an image or archive."""
    if medium.folder:
        yield from unlisted(below(medium.folder, names))
        return
    checker = FileChecker()
    for name in names:
        with suppress(OSError, FilesetError), medium.open(FileId.tolerant(name)) as file:
            yield from _faults(checker, name, *random_access(file))


def _faults(checker: FileChecker, name: str, read: Reading, size: int) -> Iterator[Finding]:
    first = read(0, HEAD)
    if not is_part_10(first):
        if misplaced_prefix(first) is not None:
            message = "a DICOM file whose preamble is damaged; no record references it"
            yield Finding("FS-FILE-NO-PREFIX", message, Where(name))
        return
    try:
        notes = describe(read, Describer(Policy()))[0].notes
    except HeaderError as problem:
        if problem.rule == "FS-FILE-IS-DICOMDIR":
            yield Finding("FS-DICOMDIR-SECOND", SECOND, Where(name))
            return
        notes = ()
    yield Finding("FS-FILE-UNLISTED", "no record references this DICOM file", Where(name))
    for fault in checker.faults(read, size):
        yield Finding(fault.rule, fault.message, Where(name, "", fault.offset, fault.tag))
    yield from (Finding(*note, Where(name)) for note in notes if RULES[note[0]].severity == ERROR)


def below(folder: str, names: Iterable[str]) -> dict[str, str]:
    """Map names to paths for the files below `folder`, except links that lead out of it; nothing if `folder` is ""."""
    paths = {name: os.path.join(folder, name) for name in names} if folder else {}
    return {name: path for name, path in paths.items() if not leads_out(path, folder)}


def new_file_set_findings(
    recipe: Recipe, report: Report, medium: UpdatableMedium, plan: Plan, identification: Identification
) -> Iterator[Finding]:
    """Collect the findings about a new file-set: DICOM files without a record, old pages, and the descriptor file."""
    if recipe.naming == IN_PLACE:
        others = {skipped.source for skipped in report.skipped}
        if may_name_devices(report.added.file_ids.packed.data):
            yield from (Finding("FS-NAME-DEVICE", text, Where(name)) for name, text in device_faults(_names(report)))
    elif medium.folder and medium.exists():
        others = set(medium.names()) - {file_id.path for file_id in plan.removals}
        if recipe.companion is None and (plan.additions or plan.removals):
            yield from stale_pages(medium)
    else:
        others = set()
    descriptor = identification.descriptor_file_id
    asked = others | {descriptor.path} if descriptor else others
    # A set of all names would take more memory than the records.
    instances = {name for name in _names(report) if name in asked} if asked else set()
    yield from unlisted(recipe.included.paths())
    yield from unlisted(below(medium.folder, sorted(others - instances - {DICOMDIR.path})))
    if descriptor is not None:
        is_there = descriptor.path in others or descriptor.path in recipe.included.paths()
        yield from _descriptor_findings(descriptor, is_listed=descriptor.path in instances, is_there=is_there)


def _names(report: Report) -> Iterator[str]:
    """Yield the names on the medium of the added files."""
    return (value.replace("\\", "/") for value in report.added.file_ids)


def _descriptor_findings(descriptor: FileId, *, is_listed: bool, is_there: bool) -> Iterator[Finding]:
    where = Where(DICOMDIR.path, tag=tags.DESCRIPTOR_FILE_ID)
    if is_listed:
        yield Finding("FS-DESCRIPTOR", f"the descriptor file {descriptor} is referenced by a record", where)
    elif not is_there:
        yield Finding("FS-DESCRIPTOR", f"the descriptor file {descriptor} is not on the medium", where)


def update_findings(request: Request, report: Report) -> Iterator[Finding]:
    """Collect the findings about files of the medium that were offered to an update but got no record, and a new descriptor.

    An update of an image or archive writes a new one, so the findings cover every file without a record.
    """
    if value := request.changes.get(tags.DESCRIPTOR_FILE_ID):
        descriptor = FileId(value.decode("ascii"))
        is_listed = descriptor.value in report.added.file_ids or descriptor.path in request.kept.contents.paths()
        is_there = request.offer.medium.actual(descriptor) is not None
        yield from _descriptor_findings(descriptor, is_listed=is_listed, is_there=is_there)
    offer, listed = request.offer, {*report.added.file_ids, *report.refreshed.file_ids}
    refused = [offer.sources.relative(source) for source in offer.in_place if source not in offer.record_of]
    refused = [name for name in refused if name.replace("/", "\\") not in listed]
    names = refused + [skipped.source for skipped in request.unusable]
    yield from unlisted_on(request.offer.medium, names if request.offer.medium.folder else _without_record(request))


def _without_record(request: Request) -> Iterator[str]:
    referenced = set(map(form_key, request.kept.contents.paths()))
    return (name for name in request.offer.medium.names() if form_key(name) not in referenced and not is_dicomdir(name))
