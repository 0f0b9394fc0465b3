"""Describe an instance by its header: patient, study and series values, and its encoded record (PS3.3 F.4, F.5).

This runs once per file in the scanning processes. The result is small and cheap to send.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

from attrs import field, frozen

from fileset.dicom.elements import element
from fileset.dicom.header import Header, HeaderError
from fileset.dicom.header_cache import Recognised
from fileset.dicom.values import canonical
from fileset.errors import FormatError, one_of
from fileset.records.instance_keys import encode_keys
from fileset.records.key_choice import LEVEL_OF, MINIMAL, KeyChoice, key_set
from fileset.records.key_rules import tail_faults
from fileset.records.levels import Chain, ChainReader, Notes, require_valid_uid, uid_notes
from fileset.records.record_cache import Own, Template
from fileset.standard import tags
from fileset.standard.record_types import HL7_DOCUMENT
from fileset.standard.sop_classes import SOP_CLASSES
from fileset.standard.uids import DIRECTORY_CLASS

PRIVATE_RECORD_UID: Final = "2.25.206317946146216105403716386943240530081"
"""Private Record UID for files whose SOP class has no record type, if the user wants PRIVATE records."""


Missing = Literal["invent", "refuse"]
UnknownSopClass = Literal["image", "private", "refuse"]
InvalidUid = Literal["accept", "refuse"]


@frozen
class Policy:
    """The treatment of files that lack something that their record needs.

    `missing`: "invent" a Type 1 value from the UIDs, or "refuse" the file. `unknown_sop_class`: write an "image" record if
    there is pixel data, a "private" record, or "refuse". `invalid_uid`: "refuse" a file with a UID that breaks PS3.5 9.1,
    or "accept" it if it consists of digits and dots. `keys`: which optional keys records hold. `profile`: the application
    profile (PS3.11) that files must conform to, "" for none.
    """

    missing: Missing = field(default="invent", validator=one_of("missing", get_args(Missing)))
    unknown_sop_class: UnknownSopClass = field(
        default="image", validator=one_of("unknown_sop_class", get_args(UnknownSopClass))
    )
    invalid_uid: InvalidUid = field(default="accept", validator=one_of("invalid_uid", get_args(InvalidUid)))
    keys: KeyChoice = MINIMAL
    profile: str = ""


class Instance(NamedTuple):
    """A file described for the directory.

    `chain` is None for an instance that belongs to no patient. `tail` is its encoded record from (0004,1510) on; the
    elements before, links and File ID, depend on the later position. `number` is the Instance Number, invented if
    `invented_number`. `notes`: rule and message of each finding.
    """

    record_type: str
    chain: Chain | None
    number: int
    sop_instance_uid: bytes
    tail: bytes
    invented_number: bool = False
    notes: Notes = ()


WANTED: Final = key_set(MINIMAL).wanted
"""The elements to read from a header if no optional keys are wanted."""


class _Kind(NamedTuple):
    """The facts that all files of one SOP class and transfer syntax share."""

    sop_class_uid: bytes
    record_type: str  # "" if it depends on the pixel data
    reference: bytes  # (0004,1510), encoded
    syntax: bytes  # (0004,1512), encoded
    notes: Notes


_NOT_NATIVE: Final = (
    ("FS-SYNTAX-DIFFERS", "the transfer syntax of a native HL7 document is XML or MIME, not that of a DICOM file"),
    ("FS-REFERENCE-NOT-DICOM", "a native HL7 document must not begin like a DICOM file"),
)
"""Notes on a DICOM file with the SOP class of native HL7 documents (PS3.3 F.5.35)."""


MOST_TEMPLATES: Final = 4096
"""Limit of the cache of a describer, in series."""


class Describer:
    """Describes headers under one policy; caches facts that many files share.

    `judges`: whether the notes of an instance include the faults of its record.
    """

    def __init__(self, policy: Policy, *, judges: bool = False) -> None:
        self.policy = policy
        self._judges = judges
        self._valid_uids = policy.invalid_uid == "refuse"
        self.keys = key_set(policy.keys)
        self._chains = ChainReader(
            complete=policy.missing == "refuse", valid_uids=self._valid_uids, optional=self.keys.upper
        )
        self._kinds: dict[tuple[bytes | None, ...], _Kind] = {}
        self._templates: dict[tuple[object, ...], Template] = {}

    def describe(self, header: Header | Recognised, *, invent: bool) -> Instance:
        """Describe the instance of a header; `invent` missing values for Type 1 keys of its record.

        Raises `HeaderError` with rule and reason if no conformant record is possible.
        """
        if not isinstance(header, Recognised) or not header.layout.own:
            return self._described(header, invent=invent)
        own = header.layout.own(header.groups)
        common = header.layout, header.layout.common(header.groups)
        template = self._templates.get(common)
        instance = template and template.filled(own)
        if instance is None:
            instance = self._described(header, invent=invent)
            template = self._template(header, instance, own)
            if template:
                if len(self._templates) >= MOST_TEMPLATES:
                    self._templates.clear()
                self._templates[common] = template
        return instance

    def template(self, header: Recognised) -> Template | None:
        """Look up the template that `describe` would use for a header."""
        return self._templates.get((header.layout, header.layout.common(header.groups))) if header.layout.own else None

    def _template(self, header: Recognised, instance: Instance, own: Own) -> Template | None:
        own_tags = header.layout.own_tags
        varying = tuple(key for key in self.keys.varying if key.tag in own_tags)
        return Template.of(instance, own, varying, dated=instance.record_type in self.keys.dated)

    def _described(self, header: Header | Recognised, *, invent: bool) -> Instance:
        values, meta = header.values, header.meta
        uids = (
            values.get(tags.SOP_CLASS_UID),
            meta.get(tags.MEDIA_STORAGE_SOP_CLASS_UID),
            meta.get(tags.TRANSFER_SYNTAX_UID),
        )
        kind = self._kinds.get(uids)
        if kind is None:
            kind = self._kinds[uids] = self._kind(*((uid or b"").strip(b"\0 ") for uid in uids), has_meta=bool(meta))
        uid, notes = self._uid(
            values.get(tags.SOP_INSTANCE_UID, b""), meta.get(tags.MEDIA_STORAGE_SOP_INSTANCE_UID, b"")
        )
        record_type = kind.record_type or self._type_of_unknown(header, kind.sop_class_uid)
        level = LEVEL_OF[record_type]
        if record_type == "PRIVATE" and tags.SERIES_INSTANCE_UID in values:
            level = "SERIES"
        chain = self._chains.chain(values, level) if level else None
        try:
            encoded = encode_keys(self.keys.leaf[record_type], values, kind.sop_class_uid, uid, invent=invent)
        except FormatError as problem:
            reason = f"a sequence that the record needs is damaged: {problem}"
            raise HeaderError("FS-FILE-BAD-HEADER", reason) from None
        tail = kind.reference + element(tags.REFERENCED_SOP_INSTANCE_UID, "UI", uid) + kind.syntax
        if tags.RELATED_GENERAL_SOP_CLASS_UID in values:
            tail += _related(values[tags.RELATED_GENERAL_SOP_CLASS_UID])
        notes = kind.notes + notes + encoded.notes
        if not kind.record_type:
            notes = (*notes, _unknown(kind.sop_class_uid, record_type))
        tail += encoded.keys
        if self._judges:
            notes += tuple((fault.rule, fault.message) for fault in tail_faults(record_type, tail))
            notes += _NOT_NATIVE if record_type == HL7_DOCUMENT else ()
        return Instance(record_type, chain, encoded.number, uid, tail, encoded.invented_number, notes)

    def _kind(self, inside: bytes, stored: bytes, syntax: bytes, *, has_meta: bool) -> _Kind:
        if DIRECTORY_CLASS in (inside, stored):
            raise HeaderError("FS-FILE-IS-DICOMDIR", "a DICOMDIR, which no record may reference")
        if not has_meta:
            raise HeaderError("FS-FILE-NO-META", "no File Meta Information: not a DICOM file by PS3.10 7.1")
        sop_class = inside or stored
        if not canonical("UI", syntax):
            raise HeaderError("FS-FILE-NO-META", "no valid Transfer Syntax UID (0002,0010)")
        if not canonical("UI", sop_class):
            raise HeaderError("FS-KEY-UID-MISSING", "no valid SOP Class UID (0008,0016)")
        if self._valid_uids:
            require_valid_uid("SOP Class UID (0008,0016)", sop_class)
        odd = uid_notes("SOP Class UID (0008,0016)", sop_class)
        row = SOP_CLASSES.get(sop_class.decode("ascii"))
        record_type = row.record_type if row and row.record_type in LEVEL_OF else ""
        notes = odd if inside == stored else (*odd, _differs("SOP Class UID", inside, stored))
        encoded = (
            element(tags.REFERENCED_SOP_CLASS_UID, "UI", sop_class),
            element(tags.REFERENCED_TRANSFER_SYNTAX_UID, "UI", syntax),
        )
        return _Kind(sop_class, record_type, *encoded, notes)

    def _uid(self, inside: bytes, stored: bytes) -> tuple[bytes, Notes]:
        """Choose the SOP Instance UID of the data set, else of the File Meta Information, with notes."""
        inside, stored = inside.strip(b"\0 "), stored.strip(b"\0 ")
        uid = inside or stored
        if self._valid_uids and uid:
            require_valid_uid("SOP Instance UID (0008,0018)", uid)
        elif not canonical("UI", uid):
            raise HeaderError("FS-KEY-UID-MISSING", "no valid SOP Instance UID (0008,0018)")
        odd = uid_notes("SOP Instance UID (0008,0018)", uid)
        return uid, odd if inside == stored else (*odd, _differs("SOP Instance UID", inside, stored))

    def _type_of_unknown(self, header: Header | Recognised, sop_class: bytes) -> str:
        policy = self.policy.unknown_sop_class
        if policy != "refuse":
            return "IMAGE" if policy == "image" and header.has_pixel_data else "PRIVATE"
        row = SOP_CLASSES.get(sop_class.decode("ascii"))
        name = f"{row.name} ({row.uid}, {row.status})" if row else f"the unknown SOP class {sop_class.decode('ascii')}"
        raise HeaderError("FS-SOP-CLASS-NO-RECORD", f"no directory record type for {name}")


def _unknown(sop_class: bytes, record_type: str) -> tuple[str, str]:
    return "FS-SOP-CLASS-UNKNOWN", f"no record type for SOP class {sop_class.decode('ascii')}: {record_type} is written"


def _related(value: bytes) -> bytes:
    """Encode the Related General SOP Class UIDs (PS3.3 F.3.2.2)."""
    uids = [canonical("UI", uid) for uid in value.split(b"\\")]
    return element(tags.REFERENCED_RELATED_GENERAL_SOP_CLASS_UID, "UI", b"\\".join(uids)) if all(uids) else b""


def _differs(name: str, inside: bytes, stored: bytes) -> tuple[str, str]:
    in_data_set, in_meta = (value.decode("ascii", "replace") or "missing" for value in (inside, stored))
    return "FS-META-DIFFERS", f"{name} is {in_data_set} in the data set, {in_meta} in the File Meta Information"
