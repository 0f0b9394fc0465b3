"""All rules for the DICOMDIR itself: one walk over its records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import define, field

from fileset.check.dicomdir.datasets import record
from fileset.check.dicomdir.keys import OnceOnly, check_keys
from fileset.check.dicomdir.references import References
from fileset.check.dicomdir.seen_before import PlainRecords
from fileset.check.dicomdir.structure import check_hierarchy, check_identification
from fileset.check.places import Collector
from fileset.dicom.elements import Element, elements
from fileset.errors import FormatError
from fileset.file_id import FileId
from fileset.part10.file_meta import check_meta
from fileset.standard import tags

_MRDR: Final = "MRDR"
_TOLD_BY_DECODER: Final = frozenset(
    (tags.FILE_META_GROUP_LENGTH, tags.MEDIA_STORAGE_SOP_CLASS_UID, tags.MEDIA_STORAGE_SOP_INSTANCE_UID)
)


@define
class Directory:
    """What a DICOMDIR says, for those who check the files.

    `complete`: whether every DICOM file is to be listed, as a Directory Information Module demands.
    """

    descriptor: FileId | None
    complete: bool
    references: References = field(factory=References)
    once: OnceOnly = field(factory=OnceOnly)


def check_directory(to: Collector) -> Directory:
    """Check everything that the DICOMDIR alone tells."""
    to.take(to.contents.findings)
    _check_meta(to)
    directory = Directory(check_identification(to), to.flat.frame.has_directory)
    check_hierarchy(to)
    damaged = {finding.where.offset for finding in to.flat.findings if finding.rule == "FS-RECORD-MALFORMED"}
    plain = PlainRecords(to, directory.references, directory.once)
    for index in _records(to):
        if plain.passes(index):
            continue
        found = len(to.findings)
        one = record(to, index, _elements(to, index, damaged))
        directory.references.check(to, one)
        directory.once.check(to, one)
        check_keys(to, one)
        if len(to.findings) == found:
            plain.learn(one)
    return directory


def _check_meta(to: Collector) -> None:
    if to.flat.data[128:132] != b"DICM":
        return
    for fault in check_meta(to.flat.data).faults:
        if fault.rule == "FS-UID-INVALID" or fault.tag not in _TOLD_BY_DECODER:
            to.add(fault.rule, fault.message, offset=fault.offset, tag=fault.tag)


def _records(to: Collector) -> Iterator[int]:
    """The active records, and the MRDRs, which are in no entity (PS3.3-2003 F.6.2)."""
    yield from to.tree.walk()
    if _MRDR in to.flat.types:
        kind, reached = to.flat.types.index(_MRDR), to.tree.reached
        yield from (index for index, other in enumerate(to.flat.type_of) if other == kind and not reached[index])


def _elements(to: Collector, index: int, damaged: set[int | None]) -> list[Element]:
    """The elements of a record; what ends them early is a finding, unless the decoder has told it."""
    flat, found = to.flat, list[Element]()
    start, end = flat.content(index)
    try:
        found.extend(elements(flat.data, start, end, flat.syntax))
    except FormatError as problem:
        if flat.start[index] not in damaged:
            to.at_record("FS-RECORD-MALFORMED", problem.text(known_offset=flat.start[index]), index)
        return flat.elements(index)
    return found
