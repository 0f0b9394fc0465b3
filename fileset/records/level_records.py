"""Encode the records of patients, studies and series: their values, invented ones, and the choice to keep an old record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from attrs import Factory, define

from fileset.dicom.character_sets import decode, needs_character_set
from fileset.dicom.elements import element
from fileset.dicom.values import identifier_of, number_of
from fileset.findings import Finding, Where
from fileset.records.entity import Entity, OldRecords, invented_patient_id, key_bytes
from fileset.records.key_rules import tail_faults
from fileset.records.levels import FIELDS, Field
from fileset.standard import tags

UTF_8: Final = "ISO_IR 192"


@define
class LevelRecords:
    """Encodes the records of entities, unless an old record can stay.

    `source_name` names a source for findings. `stale`: type and key of an old record -> the tags to renew.
    """

    existing: OldRecords
    source_name: Callable[[int], str]
    findings: list[Finding] = Factory(list)
    stale: dict[tuple[str, bytes | str], set[int]] = Factory(dict)

    def encoded(self, entity: Entity, key: bytes | str, taken: set[bytes]) -> bytes:
        """Encode the keys of a PATIENT, STUDY or SERIES record; b"" if an old record stays."""
        texts = self.existing.texts(entity.record_type, key, entity.extra.values())
        if texts is not None and not self._renews(entity, key, texts) and self.existing.stays(entity.record_type, key):
            return b""
        values = []
        for field in FIELDS[entity.record_type]:
            value, character_set = entity.values.get(field.name, (b"", ""))
            if not value and field.type == "1":
                value = self._invent(entity, field, taken)
            values.append((field, value, character_set))
        values += [(row, *entity.values.get(row.name, (b"", ""))) for row in entity.extra.values()]
        values.sort(key=lambda value: value[0].tag)
        sets = {character_set for _, value, character_set in values if needs_character_set(value)}
        common = UTF_8 if len(sets) > 1 else "".join(sets)
        if len(sets) > 1:
            values = [(field, _transcoded(value, old, field.vr), common) for field, value, old in values]
        encoded = b"".join(element(field.tag, field.vr, value) for field, value, _ in values)
        tail = (element(tags.SPECIFIC_CHARACTER_SET, "CS", common.encode("ascii")) if common else b"") + encoded
        for fault in tail_faults(entity.record_type, tail):
            self._report(fault.rule, fault.message, entity)
        return tail

    def _report(self, rule: str, message: str, entity: Entity) -> None:
        self.findings.append(Finding(rule, message, Where(self.source_name(entity.source), entity.record_type)))

    def _renews(self, entity: Entity, key: bytes | str, texts: Mapping[str, str]) -> bool:
        """Decide whether a key of an old record must be renewed, because no remaining file below it has the value.

        If a file confirms the value, it stays, with a finding about the files that differ. A missing value is filled in,
        but a record gets no optional key that it has not.
        """
        stale = set()
        is_renewed = self.existing.is_renewed(entity.record_type, key)
        for field in (*FIELDS[entity.record_type], *entity.extra.values()):
            text, old = entity.text(field.name, field.vr), texts.get(field.name)
            if old is None or old in (text, *entity.others.get(field.name, ())) or not (text or is_renewed):
                continue
            if old and self.existing.confirms(entity.record_type, key, field):
                message = f"{field.label} differs from that in the DICOMDIR, which stays unchanged"
                self._report("FS-KEY-CONFLICT", message, entity)
            else:
                stale.add(field.tag)
        if stale:
            self.stale[entity.record_type, key] = stale
        return bool(stale)

    def _invent(self, entity: Entity, field: Field, taken: set[bytes]) -> bytes:
        if field.name == "patient_id":
            value = invented_patient_id(entity.key)
        elif field.name == "study_id":
            value = b"S" + identifier_of(key_bytes(entity.key), 15)
        elif field.name == "series_number":
            number = number_of(key_bytes(entity.key))
            while b"%d" % number in taken:
                number += 1
            value = b"%d" % number
            taken.add(value)
        elif field.name == "modality":
            value = b"OT"
        else:
            value = entity.values["fallback_" + field.name][0]
        entity.values[field.name] = (value, "")
        self._report("FS-KEY-INVENTED", f"{field.label} has no value: {value.decode('ascii')} was invented", entity)
        return value

    def series_numbers(self, study: Entity) -> set[bytes]:
        """Collect the Series Numbers of a study, which an invented number must not repeat."""
        numbers = [child.values.get("series_number") for child in study.children.values()]
        taken = {number[0] for number in numbers if number}
        if study.record_type == "STUDY" and None in numbers and isinstance(study.key, bytes):
            taken |= self.existing.series_numbers(study.key)
        return taken


def _transcoded(value: bytes, character_set: str, vr: str) -> bytes:
    return decode(value, character_set, vr).encode() if needs_character_set(value) else value
