"""Check a DICOMDIR by itself: one walk over its records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import define, field

from fileset.dicom.elements import Element, elements
from fileset.dicomdir.check.collector import Collector
from fileset.dicomdir.check.data_sets import record
from fileset.dicomdir.check.keys import Identities, check_keys
from fileset.dicomdir.check.record_shapes import RecordShapes
from fileset.dicomdir.check.references import References
from fileset.dicomdir.check.structure import check_hierarchy, check_identification
from fileset.errors import FormatError
from fileset.file_id import FileId
from fileset.part10.file_meta import check_meta
from fileset.standard import tags

_MRDR: Final = "MRDR"
_REPORTED_BY_DECODER: Final = frozenset(
    (tags.FILE_META_GROUP_LENGTH, tags.MEDIA_STORAGE_SOP_CLASS_UID, tags.MEDIA_STORAGE_SOP_INSTANCE_UID)
)


@define
class CheckedDirectory:
    """A checked DICOMDIR: what the check of the files needs to know of it.

    `complete`: whether the DICOMDIR must list every DICOM file, because it has a Directory Information Module.
    """

    descriptor: FileId | None
    complete: bool
    references: References = field(factory=References)
    identities: Identities = field(factory=Identities)


def check_directory(collector: Collector) -> CheckedDirectory:
    """Check everything that the DICOMDIR alone decides."""
    collector.adopt(collector.contents.findings)
    _check_meta(collector)
    directory = CheckedDirectory(check_identification(collector), collector.flat.frame.has_directory)
    check_hierarchy(collector)
    damaged = {finding.where.offset for finding in collector.flat.findings if finding.rule == "FS-RECORD-MALFORMED"}
    shapes = RecordShapes(collector, directory.references, directory.identities)
    for index in _records(collector):
        if shapes.is_correct(index):
            continue
        count = len(collector.findings)
        data_set = record(collector, index, _elements(collector, index, damaged))
        directory.references.check(collector, data_set)
        directory.identities.check(collector, data_set)
        check_keys(collector, data_set)
        if len(collector.findings) == count:
            shapes.learn(data_set)
    return directory


def _check_meta(collector: Collector) -> None:
    if collector.flat.data[128:132] != b"DICM":
        return
    for fault in check_meta(collector.flat.data).faults:
        if fault.rule == "FS-UID-INVALID" or fault.tag not in _REPORTED_BY_DECODER:
            collector.add(fault.rule, fault.message, offset=fault.offset, tag=fault.tag)


def _records(collector: Collector) -> Iterator[int]:
    """Yield the active records, and the MRDRs, which are in no entity (PS3.3-2003 F.6.2)."""
    yield from collector.tree.walk()
    if _MRDR in collector.flat.types:
        kind, reached = collector.flat.types.index(_MRDR), collector.tree.reached
        yield from (index for index, other in enumerate(collector.flat.type_of) if other == kind and not reached[index])


def _elements(collector: Collector, index: int, damaged: set[int | None]) -> list[Element]:
    """Return the elements of a record; report damage that ends them early, unless the decoder reported it."""
    flat, parts = collector.flat, list[Element]()
    start, end = flat.content(index)
    try:
        parts.extend(elements(flat.data, start, end, flat.syntax))
    except FormatError as problem:
        if flat.start[index] not in damaged:
            collector.add_at_record("FS-RECORD-MALFORMED", problem.text(known_offset=flat.start[index]), index)
        return flat.elements(index)
    return parts
