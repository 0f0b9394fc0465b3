"""Rules for what group 0004 says in a record: its links, its type, and the file that it references (PS3.3 F.3.2.2)."""

from __future__ import annotations

from typing import Final

from attrs import define, field

from fileset.check.dicomdir.datasets import DataSet, named
from fileset.check.dicomdir.names import file_id_of
from fileset.check.places import Collector
from fileset.dicom.elements import Element
from fileset.file_id import FileId
from fileset.standard import tags
from fileset.standard.record_types import RECORD_TYPES

_ALWAYS: Final = (tags.RECORD_IN_USE, tags.RECORD_TYPE)
"""Type 1 elements of every record; the offsets, which are so too, are looked at by the linker."""
_REFERENCE: Final = (
    tags.REFERENCED_FILE_ID,
    tags.REFERENCED_SOP_CLASS_UID,
    tags.REFERENCED_SOP_INSTANCE_UID,
    tags.REFERENCED_TRANSFER_SYNTAX_UID,
)
_WERE_DETACHED: Final = frozenset(("PATIENT", "STUDY", "VISIT", "RESULTS", "INTERPRETATION", "STUDY COMPONENT"))
"""Records that referenced files in former editions, of detached objects (retired 2004)."""


@define
class References:
    """What the files of the medium are checked against.

    `index_of`: path of a referenced file -> its record; `tail_at`: where in the DICOMDIR the elements behind the File
    ID of a record begin.
    """

    index_of: dict[str, int] = field(factory=dict)
    tail_at: dict[int, int] = field(factory=dict)

    def check(self, to: Collector, one: DataSet) -> None:
        """Check one record, and remember the file that it references."""
        _check_elements(to, one)
        for part in one.parts:
            if part.tag == tags.REFERENCED_FILE_ID and one.values[tags.REFERENCED_FILE_ID]:
                self._remember(to, one.record, part)

    def _remember(self, to: Collector, index: int, part: Element) -> None:
        file_id = file_id_of(to.flat.data[part.value_at : part.value_end], to, index)
        if file_id is None:
            return
        first = self.index_of.setdefault(file_id.path, index)
        if first != index:
            to.at_record(
                "FS-FILE-SHARED", f"{file_id} is referenced by {to.path(first)} too", index, tags.REFERENCED_FILE_ID
            )
        else:
            self.tail_at[index] = part.end

    def __contains__(self, file_id: FileId) -> bool:
        return file_id.path in self.index_of


def _check_elements(to: Collector, one: DataSet) -> None:
    values = one.values
    kind = to.contents.type_name(one.record)
    for tag in _ALWAYS:
        if tag not in values:
            to.at_record("FS-RECORD-ELEMENT", f"{named(tag)} is missing", one.record, tag)
    if kind == "PRIVATE" and not values.get(tags.PRIVATE_RECORD_UID):
        to.at_record(
            "FS-RECORD-PRIVATE-UID", f"no {named(tags.PRIVATE_RECORD_UID)}", one.record, tags.PRIVATE_RECORD_UID
        )
    if tags.MRDR_OFFSET not in values:
        _check_reference(to, one, kind)


def _check_reference(to: Collector, one: DataSet, kind: str) -> None:
    """A file reference is whole or not there at all, and there where the type of the record needs one."""
    there = [tag for tag in _REFERENCE if one.values.get(tag)]
    row = RECORD_TYPES.get(kind)
    needs = row.references_file if row else None
    if needs is False and there and kind not in _WERE_DETACHED:
        message = f"a record of type {kind} references no file, but has {named(there[0])}"
        to.at_record("FS-RECORD-REFERENCE", message, one.record, there[0])
    elif len(there) != len(_REFERENCE) and (there or needs):
        lacking = [tag for tag in _REFERENCE if not one.values.get(tag)]
        message = f"the file reference lacks {', '.join(map(named, lacking))}"
        to.at_record("FS-RECORD-REFERENCE", message, one.record, lacking[0])
