"""Rules for group 0004 in a record: links, record type and referenced file (PS3.3 F.3.2.2)."""

from __future__ import annotations

from typing import Final

from attrs import define, field

from fileset.dicom.elements import Element
from fileset.dicomdir.check.collector import Collector
from fileset.dicomdir.read.file_reference import FileReference
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.errors import FormatError
from fileset.file_id import DICOMDIR, FileId
from fileset.records.data_sets import DataSet
from fileset.standard import tags
from fileset.standard.dictionary import named
from fileset.standard.record_types import RECORD_TYPES

SHARED: Final = "FS-FILE-SHARED"
_ALWAYS: Final = (tags.RECORD_IN_USE, tags.RECORD_TYPE)
"""Type 1 elements of every record, except the offsets, which the linker checks."""
_REFERENCE: Final = (
    tags.REFERENCED_FILE_ID,
    tags.REFERENCED_SOP_CLASS_UID,
    tags.REFERENCED_SOP_INSTANCE_UID,
    tags.REFERENCED_TRANSFER_SYNTAX_UID,
)
"""The elements of a complete file reference (PS3.3 F.3.2.2)."""
_OFFSET: Final = 4
"""Size of an offset in bytes."""
_MRDR_HISTORY: Final = RECORD_TYPES["MRDR"].history
_WERE_DETACHED: Final = frozenset(("PATIENT", "STUDY", "VISIT", "RESULTS", "INTERPRETATION", "STUDY COMPONENT"))
"""Record types that could reference a file until the detached objects were retired (2004)."""


@define
class References:
    """The files that records reference.

    `index_of`: path of a referenced file -> its record; `shared`: paths with each further record of the same file.
    `tail_at`: record -> offset in the DICOMDIR of the elements after its File ID; `early`: record -> the elements of these
    that it has before its File ID, where they do not belong.
    """

    index_of: dict[str, int] = field(factory=dict)
    shared: list[tuple[str, int]] = field(factory=list)
    tail_at: dict[int, int] = field(factory=dict)
    early: dict[int, bytes] = field(factory=dict)

    def tail(self, flat: FlatDirectory, index: int) -> bytes:
        """Return the elements of a record that come from its file."""
        return self.early.get(index, b"") + flat.data[self.tail_at[index] : flat.content(index)[1]]

    def check(self, collector: Collector, index: int, record: DataSet) -> None:
        """Check one record, and remember the file that it references."""
        _check_group_4(collector, index, record)
        for part in record.parts:
            if part.tag == tags.REFERENCED_FILE_ID and record.values[tags.REFERENCED_FILE_ID]:
                self._remember(collector, index, part)
        tail_at = self.tail_at.get(index, 0)
        early = [one for one in record.parts if one.tag > tags.REFERENCED_FILE_ID and one.at < tail_at]
        if early:
            self.early[index] = b"".join(collector.flat.data[one.at : one.end] for one in early)

    def _remember(self, collector: Collector, index: int, part: Element) -> None:
        file_id = _file_id(FileReference(collector.flat.data[part.value_at : part.value_end]), collector, index)
        if file_id is not None:
            self.remember(collector, index, file_id.path, part.end)

    def remember(self, collector: Collector, index: int, path: str, tail_at: int) -> None:
        """Remember the file that a record references, or report that another record references it."""
        first = self.index_of.setdefault(path, index)
        if first != index:
            message = f"{path} is also referenced by {collector.path(first)}"
            collector.add_at_record(SHARED, message, index, tags.REFERENCED_FILE_ID)
            self.shared.append((path, index))
        self.tail_at[index] = tail_at

    def __contains__(self, file_id: FileId) -> bool:
        return file_id.path in self.index_of


def _file_id(reference: FileReference, collector: Collector, index: int) -> FileId | None:
    """Decode the File ID of a record; report its faults. None if it is hostile."""
    try:
        fault, file_id = reference.fault, reference.file_id
    except FormatError as problem:
        collector.add_at_record("FS-FILE-ID-HOSTILE", str(problem), index, tags.REFERENCED_FILE_ID)
        return None
    if fault:
        collector.add_at_record("FS-FILE-ID-FORM", fault, index, tags.REFERENCED_FILE_ID)
    if file_id == DICOMDIR:
        collector.add_at_record(
            "FS-FILE-ID-RESERVED", "a record must not reference the DICOMDIR itself", index, tags.REFERENCED_FILE_ID
        )
    return file_id


def _check_group_4(collector: Collector, index: int, record: DataSet) -> None:
    values = record.values
    kind = collector.contents.type_name(index)
    for tag in _ALWAYS:
        if not values.get(tag):
            problem = "has no value" if tag in values else "is missing"
            collector.add_at_record("FS-RECORD-ELEMENT", f"{named(tag)} {problem}", index, tag)
    if kind == "PRIVATE" and not values.get(tags.PRIVATE_RECORD_UID):
        collector.add_at_record(
            "FS-RECORD-PRIVATE-UID", f"no {named(tags.PRIVATE_RECORD_UID)}", index, tags.PRIVATE_RECORD_UID
        )
    if kind != "PRIVATE" and tags.PRIVATE_RECORD_UID in values:
        message = f"{named(tags.PRIVATE_RECORD_UID)} is only for PRIVATE records, this is a record of type {kind}"
        collector.add_at_record("FS-KEY-NEEDLESS", message, index, tags.PRIVATE_RECORD_UID)
    if kind == "MRDR":
        collector.add_at_record(
            "FS-RECORD-RETIRED", f"MRDR records are retired: {_MRDR_HISTORY}", index, tags.RECORD_TYPE
        )
    if len(values.get(tags.MRDR_OFFSET, b"")) != _OFFSET:  # with an offset, another record references the file
        _check_reference(collector, index, record, kind)


def _check_reference(collector: Collector, index: int, record: DataSet, kind: str) -> None:
    """Report a file reference that is incomplete, that is missing though required, or that is not allowed."""
    present = [tag for tag in _REFERENCE if record.values.get(tag)]
    row = RECORD_TYPES.get(kind)
    needs = row.references_file if row else None
    if needs is False and present and kind not in _WERE_DETACHED:
        message = f"a {kind} record must not reference a file, but has {named(present[0])}"
        collector.add_at_record("FS-RECORD-REFERENCE", message, index, present[0])
    elif len(present) != len(_REFERENCE) and (present or needs):
        missing = [tag for tag in _REFERENCE if tag not in present]
        message = f"the file reference lacks {', '.join(map(named, missing))}"
        collector.add_at_record("FS-RECORD-REFERENCE", message, index, missing[0])
