"""Native HL7 documents (PS3.10-2011 Annex B, retired): files of a file-set that are not DICOM files.

Such a file has no values for a record, so its record is copied from the file-set that it comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from attrs import define

from fileset.dicom.elements import EXPLICIT_LITTLE
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.write.layout import NONE
from fileset.errors import FilesetError
from fileset.media.names import form_key
from fileset.plan.dicomdir_file import read_dicomdir
from fileset.plan.inputs import Sources
from fileset.plan.scan import Outcome, Refused
from fileset.plan.source_file_set import place_on, plain_place
from fileset.records.describe import Instance, Policy
from fileset.records.key_choice import key_set
from fileset.records.key_rules import tail_faults
from fileset.records.levels import Chain, ChainReader
from fileset.standard import tags
from fileset.standard.record_types import HL7_DOCUMENT, HL7_SYNTAXES

_NOT_DICOM: Final = "FS-FILE-NOT-DICOM"
_CHANGED: Final = (
    "a native HL7 document cannot get new values, so it is left out; its record would name the old patient"
)
_NO_PROFILE: Final = "a native HL7 document (retired): no application profile allows it"


@define
class NativeDocuments:
    """The native HL7 documents among `sources`.

    Attributes:
        sources: The files that a Creator or Updater takes in.
        policy: The rules for making records.
        changed: Whether files get new values, which native documents cannot.
    """

    sources: Sources
    policy: Policy
    changed: bool = False

    def taken(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Yield the outcomes of all sources in order, with native documents as instances instead of foreign files."""
        records = dict(self._records())
        for source, outcome in enumerate(outcomes):
            if not isinstance(outcome, Refused) or outcome.rule != _NOT_DICOM:
                yield outcome
            elif source in self.sources.documents:
                yield self._allowed(self.sources.documents[source])
            else:
                record = records.get(form_key(plain_place(self.sources.place(source)))) if records else None
                yield outcome if record is None else self._copied(source, *record)

    def _records(self) -> Iterator[tuple[str, tuple[Contents, int]]]:
        """Find the records of native documents in the source file-sets, by the place of the file."""
        for medium in (*self.sources.origins, *self.sources.read_again):
            with suppress(FilesetError):  # reported with the source file-set itself
                data = read_dicomdir(medium)
                if HL7_DOCUMENT.encode("ascii") not in data:
                    continue
                contents = Contents(data)
                for index, name, _ in contents.instances():
                    if contents.type_name(index) == HL7_DOCUMENT:
                        path = name.decode("ascii", "replace").replace("\\", "/")
                        yield form_key(place_on(medium, path)), (contents, index)

    def _copied(self, source: int, contents: Contents, index: int) -> Outcome:
        """Return the instance of a document with a copy of its record, or the reason to refuse it."""
        choice = self.sources.chosen.get(source)
        if choice and not choice.accepts(lambda tag: _value(contents, index, tag)):
            return Refused("FS-SOURCE-LEFT-OUT", "left out, as requested")
        chain = self._chain(contents, index)
        if chain is None:
            return Refused(_NOT_DICOM, "a native HL7 document without a patient")
        if contents.flat.syntax is not EXPLICIT_LITTLE:
            return Refused(_NOT_DICOM, "a native HL7 document whose record is not in Explicit VR Little Endian")
        parts = [part for part in contents.flat.elements(index) if part.tag > tags.REFERENCED_FILE_ID]
        tail = b"".join(contents.flat.data[part.at : part.end] for part in parts)
        return self._allowed(instance_of(chain, contents.raw_reference(index, tags.REFERENCED_SOP_INSTANCE_UID), tail))

    def _chain(self, contents: Contents, index: int) -> Chain | None:
        patient = contents.at_level(index, "PATIENT")
        if patient == NONE:
            return None
        data = contents.flat.data
        values = {part.tag: data[part.value_at : part.value_end] for part in contents.flat.elements(patient)}
        values.setdefault(tags.SPECIFIC_CHARACTER_SET, contents.character_set.encode("ascii", "replace"))
        reader = ChainReader(complete=False, valid_uids=False, optional=key_set(self.policy.keys).upper)
        chain = reader.chain(values, "PATIENT")
        return chain if chain.patient_id else None

    def _allowed(self, instance: Instance) -> Outcome:
        if self.policy.profile:
            return Refused("PR-SOP-CLASS", f"{_NO_PROFILE}; {self.policy.profile} neither")
        if self.changed:
            return Refused("FS-TRANSFORM-FAILED", _CHANGED)
        return instance


def instance_of(chain: Chain, uid: bytes, tail: bytes) -> Instance:
    """Make the instance of a native document with an encoded record; its faults become notes."""
    notes = tuple((fault.rule, fault.message) for fault in tail_faults(HL7_DOCUMENT, tail))
    if not any(syntax.encode("ascii") in tail for syntax in HL7_SYNTAXES):
        notes += (("FS-SYNTAX-DIFFERS", "the transfer syntax of a native HL7 document is neither XML nor MIME"),)
    return Instance(HL7_DOCUMENT, chain, 0, uid, tail, notes=notes)


def _value(contents: Contents, index: int, tag: int) -> object:
    """Look up the value of a key in a record, or in one above it."""
    values = (contents.key(at, tag) for at in (index, *contents.tree.above(index)))
    return next((value for value in values if value is not None), None)
