"""One file's header -> what its directory records shall say (PS3.3 F.4, F.5): the chain of its patient, study
and series, and the finished tail of its own record.

This runs once for each file, in the scanning processes; what it returns is small, plain and cheap to send.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from attrs import frozen

from fileset.dicom.elements import element
from fileset.dicom.header import Header, HeaderError, Keys, Wanted
from fileset.dicom.header_cache import Recognised
from fileset.dicom.values import canonical
from fileset.errors import RuleError
from fileset.records.instance_keys import carried_keys, guarded
from fileset.records.levels import CHAIN_TAGS, LEVELS, Chain, ChainReader, Notes, require_valid_uid
from fileset.records.record_cache import Template
from fileset.standard import tags
from fileset.standard.record_types import RECORD_TYPES, ROOT_CHILDREN, SOP_CLASSES

DIRECTORY_CLASS: Final = b"1.2.840.10008.1.3.10"
PRIVATE_RECORD_UID: Final = "2.25.206317946146216105403716386943240530081"
"""Private Record UID of records for files whose SOP class has no record type, when the user asks for them."""


@frozen
class Policy:
    """What to do with files that lack what their record needs.

    `missing`: "invent" a Type 1 value from the UIDs, or "refuse" the file. `unknown_sop_class`: an "image"
    record if there is pixel data, a "private" record, or "refuse". `invalid_uid`: "refuse" a file with a UID that
    breaks the rules of PS3.5 9.1, or "accept" what at least looks like one.
    """

    missing: str = "invent"
    unknown_sop_class: str = "image"
    invalid_uid: str = "refuse"

    def __attrs_post_init__(self) -> None:
        for name, value, allowed in (
            ("missing", self.missing, ("invent", "refuse")),
            ("unknown_sop_class", self.unknown_sop_class, ("image", "private", "refuse")),
            ("invalid_uid", self.invalid_uid, ("refuse", "accept")),
        ):
            if value not in allowed:
                raise RuleError(f"{name}={value!r}: use one of {', '.join(allowed)}")


class Instance(NamedTuple):
    """One file as the directory sees it.

    `chain` is None for an instance that belongs to no patient. `tail` is its record from (0004,1510) on, encoded:
    what stands before, the links and the File ID, depends on where the file will lie. `number` is the Instance
    Number, made up if `invented_number`. `notes`: rule and message of what was invented or deserves a warning.
    """

    record_type: str
    chain: Chain | None
    number: int
    sop_instance_uid: bytes
    tail: bytes
    invented_number: bool = False
    notes: Notes = ()


def _level_of_types() -> dict[str, str]:
    levels = dict.fromkeys(ROOT_CHILDREN, "")
    for level in LEVELS:
        kind = RECORD_TYPES[level]
        levels.update(dict.fromkeys(kind.children + kind.former_children, level))
    return {name: level for name, level in levels.items() if name not in LEVELS}


LEVEL_OF: Final = _level_of_types()
"""Record type -> the type of the record above it, "" for the root Directory Entity (PS3.3 Table F.4-1)."""
_KEYS: Final = {name: carried_keys(name) for name in LEVEL_OF}


_ALWAYS: Final = CHAIN_TAGS | {
    tags.SOP_CLASS_UID,
    tags.SOP_INSTANCE_UID,
    tags.RELATED_GENERAL_SOP_CLASS_UID,
    tags.INSTANCE_NUMBER,
}


def _wanted() -> Wanted:
    keys = [key for kind in _KEYS.values() for key in kind]
    everything = Keys(_ALWAYS | {key.tag for key in keys} | {tags.VERIFYING_OBSERVER_SEQUENCE}, tags.PIXEL_DATA)
    sequences = frozenset(key.tag for key in keys if key.vr == "SQ") | {tags.VERIFYING_OBSERVER_SEQUENCE}
    of_class = {
        uid.encode("ascii"): _keys_of(row.record_type) for uid, row in SOP_CLASSES.items() if row.record_type in _KEYS
    }
    of_class[DIRECTORY_CLASS] = Keys(_ALWAYS, tags.SOP_CLASS_UID)
    return Wanted(everything, of_class, sequences)


def _keys_of(record_type: str) -> Keys:
    needed = _ALWAYS | {key.tag for key in _KEYS[record_type]}
    if tags.VERIFICATION_DATE_TIME in needed:
        needed |= {tags.VERIFYING_OBSERVER_SEQUENCE}
    return Keys(needed, max(needed))


WANTED: Final = _wanted()
"""What a header must be searched for."""
EVERYTHING: Final = Wanted(WANTED.any, {}, WANTED.sequences)
"""The same, walking on to the pixel data: before a value is called missing."""


class _Kind(NamedTuple):
    """What all files of one SOP class and transfer syntax have in common."""

    sop_class_uid: bytes
    record_type: str  # "" if it depends on the pixel data
    reference: bytes  # (0004,1510), encoded
    syntax: bytes  # (0004,1512), encoded
    notes: Notes


class Describer:
    """Turns headers into instances under one policy; remembers what many files have in common."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._valid_uids = policy.invalid_uid == "refuse"
        self._chains = ChainReader(complete=policy.missing == "refuse", valid_uids=self._valid_uids)
        self._kinds: dict[tuple[bytes | None, ...], _Kind] = {}
        self._templates: dict[tuple[object, ...], Template] = {}

    def describe(self, header: Header | Recognised, *, invent: bool) -> Instance:
        """The instance that `header` describes; `invent` values for Type 1 keys of its own record that have none.

        Raises `HeaderError` with the rule and the reason if no conformant record can be made of it.
        """
        if not isinstance(header, Recognised) or not header.layout.own:
            return self._described(header, invent=invent)
        own = header.layout.own(header.groups)
        common = header.layout, header.layout.common(header.groups)
        template = self._templates.get(common)
        instance = template and template.filled(own)
        if instance is None:
            instance = self._described(header, invent=invent)
            template = Template.of(instance, own)
            if template:
                self._templates[common] = template
        return instance

    def _described(self, header: Header | Recognised, *, invent: bool) -> Instance:
        values, meta = header.values, header.meta
        stated = (
            values.get(tags.SOP_CLASS_UID),
            meta.get(tags.MEDIA_STORAGE_SOP_CLASS_UID),
            meta.get(tags.TRANSFER_SYNTAX_UID),
        )
        kind = self._kinds.get(stated)
        if kind is None:
            kind = self._kinds[stated] = self._kind(
                *((uid or b"").strip(b"\0 ") for uid in stated), has_meta=bool(meta)
            )
        uid, notes = self._uid(
            values.get(tags.SOP_INSTANCE_UID, b""), meta.get(tags.MEDIA_STORAGE_SOP_INSTANCE_UID, b"")
        )
        record_type = kind.record_type or self._type_of_unknown(header, kind.sop_class_uid)
        level = LEVEL_OF[record_type]
        if record_type == "PRIVATE" and tags.SERIES_INSTANCE_UID in values:
            level = "SERIES"
        chain = self._chains.chain(values, level) if level else None
        leaf = guarded(_KEYS[record_type], values, kind.sop_class_uid, uid, invent=invent)
        tail = kind.reference + element(tags.REFERENCED_SOP_INSTANCE_UID, "UI", uid) + kind.syntax
        if tags.RELATED_GENERAL_SOP_CLASS_UID in values:
            tail += _related(values[tags.RELATED_GENERAL_SOP_CLASS_UID])
        notes = kind.notes + notes + leaf.notes
        if not kind.record_type:
            notes = (*notes, _unknown(kind.sop_class_uid, record_type))
        return Instance(record_type, chain, leaf.number, uid, tail + leaf.keys, leaf.invented_number, notes)

    def _kind(self, inside: bytes, stored: bytes, syntax: bytes, *, has_meta: bool) -> _Kind:
        if DIRECTORY_CLASS in (inside, stored):
            raise HeaderError("FS-FILE-IS-DICOMDIR", "a DICOMDIR is not referenced by a record")
        if not has_meta:
            raise HeaderError("FS-FILE-NO-META", "no File Meta Information: not a DICOM file by PS3.10 7.1")
        sop_class = inside or stored
        if not canonical("UI", syntax):
            raise HeaderError("FS-FILE-NO-META", "no valid Transfer Syntax UID (0002,0010)")
        if not canonical("UI", sop_class):
            raise HeaderError("FS-KEY-UID-MISSING", "no valid SOP Class UID (0008,0016)")
        if self._valid_uids:
            require_valid_uid("SOP Class UID (0008,0016)", sop_class)
        row = SOP_CLASSES.get(sop_class.decode("ascii"))
        record_type = row.record_type if row and row.record_type in LEVEL_OF else ""
        notes = () if inside == stored else (_differs("SOP Class UID", inside, stored),)
        encoded = (
            element(tags.REFERENCED_SOP_CLASS_UID, "UI", sop_class),
            element(tags.REFERENCED_TRANSFER_SYNTAX_UID, "UI", syntax),
        )
        return _Kind(sop_class, record_type, *encoded, notes)

    def _uid(self, inside: bytes, stored: bytes) -> tuple[bytes, Notes]:
        """The SOP Instance UID: the data set's, or File Meta Information's if that has the only one."""
        inside, stored = inside.strip(b"\0 "), stored.strip(b"\0 ")
        uid = inside or stored
        if self._valid_uids and uid:
            require_valid_uid("SOP Instance UID (0008,0018)", uid)
        elif not canonical("UI", uid):
            raise HeaderError("FS-KEY-UID-MISSING", "no valid SOP Instance UID (0008,0018)")
        return uid, () if inside == stored else (_differs("SOP Instance UID", inside, stored),)

    def _type_of_unknown(self, header: Header | Recognised, sop_class: bytes) -> str:
        policy = self.policy.unknown_sop_class
        if policy == "private":
            return "PRIVATE"
        if policy == "image" and header.has_pixel_data:
            return "IMAGE"
        row = SOP_CLASSES.get(sop_class.decode("ascii"))
        what = f"{row.name} ({row.uid}, {row.status})" if row else f"the unknown SOP class {sop_class.decode('ascii')}"
        why = "" if policy == "refuse" else " and there is no pixel data to make it an IMAGE"
        raise HeaderError("FS-SOP-CLASS-NO-RECORD", f"no directory record type for {what}{why}")


def _unknown(sop_class: bytes, record_type: str) -> tuple[str, str]:
    return "FS-SOP-CLASS-UNKNOWN", f"no record type for SOP class {sop_class.decode('ascii')}: {record_type} is written"


def _related(value: bytes) -> bytes:
    """Related General SOP Class UIDs, one or more (PS3.3 F.3.2.2), encoded."""
    uids = [canonical("UI", uid) for uid in value.split(b"\\")]
    return element(tags.REFERENCED_RELATED_GENERAL_SOP_CLASS_UID, "UI", b"\\".join(uids)) if all(uids) else b""


def _differs(name: str, inside: bytes, stored: bytes) -> tuple[str, str]:
    said, other = (value.decode("ascii", "replace") or "missing" for value in (inside, stored))
    return "FS-META-DIFFERS", f"{name} is {said} in the data set, {other} in the File Meta Information"
