"""Compare files that were found by their contents with the DICOMDIRs in the folders around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fileset.dicomdir.read.directory import Contents
from fileset.errors import FilesetError
from fileset.findings import Finding, Where
from fileset.media.base import ReadableMedium
from fileset.media.names import form_key
from fileset.plan.dicomdir_file import read_dicomdir
from fileset.plan.identity import differences, identities_in, identity_of
from fileset.plan.inputs import below
from fileset.plan.source_file_set import missing_files, place_on
from fileset.records.describe import Instance


def compared(medium: ReadableMedium, folder: str, found: Sequence[tuple[str, Instance]]) -> Iterator[Finding]:
    """Report each file that the DICOMDIR in `folder` lists and that is missing or differs from its record.

    `found`: the name of each file on the medium that was described by its header.
    """
    prefix = f"{folder}/" if folder else ""
    try:
        file_set = below(medium, folder)
        contents = Contents(read_dicomdir(file_set))
    except FilesetError as problem:
        yield Finding("FS-DICOMDIR-UNREADABLE", problem.text(known_path=medium.name), Where(f"{prefix}DICOMDIR"))
        return
    records = {form_key(place): record for place, record in identities_in(file_set, contents)}
    there = set()
    for name, instance in found:
        identity = identity_of(instance)
        there.add(identity.sop_instance_uid)
        record = records.get(form_key(place_on(medium, name)))
        for row, in_record, in_file in differences(record, identity) if record else ():
            message = f"{row.keyword} is {in_record} in the record and {in_file} in the file: the file is used"
            yield Finding(row.rule, message, Where(name, tag=row.tag))
    for lost in missing_files(file_set, contents):
        record = records.get(form_key(place_on(file_set, lost.source)))
        if record is None or record.sop_instance_uid not in there:
            yield Finding(lost.rule, "referenced by a record, but not on the medium", Where(prefix + lost.source))
