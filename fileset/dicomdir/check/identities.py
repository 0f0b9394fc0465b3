"""Find identifiers that several records share: patients, studies, series and instances (PS3.3 F.5.1 to F.5.3, F.2.1)."""

from __future__ import annotations

from typing import Final

from attrs import define, field

from fileset.dicom.character_sets import decode
from fileset.dicomdir.check.collector import Collector
from fileset.records.data_sets import DataSet
from fileset.records.element_rules import character_set_of
from fileset.records.levels import IDENTITY
from fileset.standard import tags
from fileset.standard.dictionary import named

INSTANCE_TWICE: Final = "FS-INSTANCE-TWICE"
_IDENTITY: Final = {row.level: (row.tag, f"FS-{row.level}-TWICE") for row in IDENTITY if row.level}


@define
class Identities:
    """The identifiers found so far: rule -> value -> first record."""

    first_records: dict[str, dict[bytes | str, int]] = field(factory=dict)

    @property
    def instances(self) -> dict[bytes | str, int]:
        """SOP Instance UID -> the first record that references it."""
        return self.first_records.setdefault(INSTANCE_TWICE, {})

    def check(self, collector: Collector, index: int, record: DataSet) -> None:
        """Report a record whose identifier another record of its type has."""
        kind = collector.contents.type_name(index)
        tag, rule = _IDENTITY.get(kind, (tags.REFERENCED_SOP_INSTANCE_UID, INSTANCE_TWICE))
        value: bytes | str = record.values.get(tag, b"")
        if not value:
            return
        if kind == "PATIENT":
            value = decode(record.values[tag], character_set_of(record))
        self._remember(collector, index, rule, tag, value)

    def remember_instance(self, collector: Collector, index: int, uid: bytes) -> None:
        """Report a record whose SOP Instance UID another record has."""
        self._remember(collector, index, INSTANCE_TWICE, tags.REFERENCED_SOP_INSTANCE_UID, uid)

    def _remember(self, collector: Collector, index: int, rule: str, tag: int, value: bytes | str) -> None:
        first = self.first_records.setdefault(rule, {}).setdefault(value, index)
        if first != index:
            collector.add_at_record(rule, f"same {named(tag)} as {collector.path(first)}", index, tag)
