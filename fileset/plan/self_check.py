"""Findings of a check that only the whole medium shows: files without a record, and the descriptor file.

The scan reports all other faults of written files, so that a check finds nothing new afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from fileset.dicom.preamble import is_part_10
from fileset.dicomdir.write.header import Identification
from fileset.file_id import DICOMDIR
from fileset.findings import Finding, Where
from fileset.media.base import UpdatableMedium
from fileset.media.system.walk import PlainFile, leads_out
from fileset.part10.whole_file import FileChecker
from fileset.plan.commit import Plan
from fileset.plan.new_file_set import IN_PLACE, Recipe
from fileset.plan.update import Request
from fileset.report import Report
from fileset.standard import tags


def unlisted(paths: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the findings about DICOM files that no record references (PS3.3 F.2.1), and about these files as such.

    `paths`: name on the medium -> path.
    """
    checker = FileChecker()
    for name, path in paths.items():
        with suppress(OSError), PlainFile(path) as read:
            if not is_part_10(read(0, 132)):
                continue
            yield Finding("FS-FILE-UNLISTED", "no record references this DICOM file", Where(name))
            for fault in checker.faults(read, read.size):
                yield Finding(fault.rule, fault.message, Where(name, "", fault.offset, fault.tag))


def below(folder: str, names: Iterable[str]) -> dict[str, str]:
    """Return name -> path for files below `folder`, without those that a link leads out of it; none if that is ""."""
    paths = {name: os.path.join(folder, name) for name in names} if folder else {}
    return {name: path for name, path in paths.items() if not leads_out(path, folder)}


def new_file_set_findings(
    recipe: Recipe, report: Report, medium: UpdatableMedium, plan: Plan, identification: Identification
) -> Iterator[Finding]:
    """Yield the findings about a new file-set: DICOM files without a record, and the descriptor file."""
    instances = {value.replace("\\", "/") for value in report.added.file_ids}
    if recipe.naming == IN_PLACE:
        others = {skipped.source for skipped in report.skipped}
    elif medium.folder and medium.exists():
        others = set(medium.names()) - {file_id.path for file_id in plan.removals}
    else:
        others = set()
    yield from unlisted(recipe.included.paths())
    yield from unlisted(below(medium.folder, others - instances - {DICOMDIR.path}))
    descriptor = identification.descriptor_file_id
    if descriptor is None:
        return
    where = Where(DICOMDIR.path, tag=tags.DESCRIPTOR_FILE_ID)
    if descriptor.path in instances:
        yield Finding("FS-DESCRIPTOR", f"the descriptor file {descriptor} is referenced by a record", where)
    elif descriptor.path not in others | recipe.included.paths().keys():
        yield Finding("FS-DESCRIPTOR", f"the descriptor file {descriptor} is not on the medium", where)


def update_findings(request: Request, report: Report) -> Iterator[Finding]:
    """Yield the findings about files of the medium that were offered to an update but got no record."""
    offer, listed = request.offer, {*report.added.file_ids, *report.refreshed.file_ids}
    refused = [offer.sources.relative(source) for source in offer.in_place if source not in offer.record_of]
    refused = [name for name in refused if name.replace("/", "\\") not in listed]
    yield from unlisted(below(request.medium.folder, refused + [skipped.source for skipped in request.unusable]))
