"""Check a DICOMDIR by itself: one walk over its records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import define, field

from fileset.dicomdir.check.collector import Collector
from fileset.dicomdir.check.identities import Identities
from fileset.dicomdir.check.record_shapes import RecordShapes
from fileset.dicomdir.check.references import References
from fileset.dicomdir.check.structure import check_hierarchy, check_identification, check_torn_studies
from fileset.file_id import FileId
from fileset.part10.file_meta import check_meta
from fileset.records.data_sets import record_data_set
from fileset.records.key_rules import record_faults

_MRDR: Final = "MRDR"


@define
class CheckedDirectory:
    """A checked DICOMDIR, with the facts that the check of the files needs.

    `complete`: whether the DICOMDIR must list every DICOM file, because it has a Directory Information Module.
    """

    descriptor: FileId | None
    complete: bool
    references: References = field(factory=References)
    identities: Identities = field(factory=Identities)


def check_directory(collector: Collector) -> CheckedDirectory:
    """Check all rules that need only the DICOMDIR."""
    collector.adopt(collector.contents.findings)
    _check_meta(collector)
    directory = CheckedDirectory(check_identification(collector), collector.flat.frame.has_directory)
    check_hierarchy(collector)
    check_torn_studies(collector)
    damaged = {finding.where.offset for finding in collector.flat.findings if finding.rule == "FS-RECORD-MALFORMED"}
    flat, character_set = collector.flat, collector.contents.character_set
    shapes = RecordShapes(collector, directory.references, directory.identities)
    for index in _records(collector):
        if shapes.is_known(index):
            continue
        count = len(collector.findings)
        parts, damage = flat.elements(index), flat.damage(index)
        if damage and flat.start[index] not in damaged:  # the decoder did not report it
            collector.add_at_record("FS-RECORD-MALFORMED", damage.text(known_offset=flat.start[index]), index)
        record = record_data_set(flat.record_type(index), flat.data, flat.syntax, parts, character_set)
        directory.references.check(collector, index, record)
        directory.identities.check(collector, index, record)
        for fault in record_faults(record):
            collector.add_at_record(fault.rule, fault.message, index, fault.tag)
        if flat.start[index] not in damaged:
            shapes.learn(index, record, collector.findings[count:])
    return directory


def _check_meta(collector: Collector) -> None:
    if collector.flat.data[128:132] != b"DICM":
        return
    reported = {finding.where.tag for finding in collector.flat.findings if finding.rule == "FS-DICOMDIR-META"}
    for fault in check_meta(collector.flat.data).faults:
        if fault.rule == "FS-UID-INVALID" or fault.tag not in reported:
            collector.add(fault.rule, fault.message, offset=fault.offset, tag=fault.tag)


def _records(collector: Collector) -> Iterator[int]:
    """List the active records, and the MRDRs, which are in no entity (PS3.3-2003 F.6.2)."""
    yield from collector.tree.walk()
    if _MRDR in collector.flat.types:
        kind, reached = collector.flat.types.index(_MRDR), collector.tree.reached
        yield from (index for index, other in enumerate(collector.flat.type_of) if other == kind and not reached[index])
