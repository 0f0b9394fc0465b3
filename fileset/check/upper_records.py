"""Compare PATIENT, STUDY and SERIES records with the files below them (PS3.3 F.5.1 to F.5.3)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Final

from attrs import define, field

from fileset.check.record_differences import RecordSide, record_side
from fileset.dicom.character_sets import TEXT_VRS, decode
from fileset.dicomdir.check.collector import Collector
from fileset.dicomdir.write.layout import NONE
from fileset.records.levels import FIELDS, Chain, Field
from fileset.records.person import PERSON_TAGS, Person, person_of
from fileset.standard import tags
from fileset.standard.dictionary import named, vr_of

IDENTIFYING = frozenset((tags.PATIENT_ID, tags.STUDY_INSTANCE_UID, tags.SERIES_INSTANCE_UID))
"""Keys whose values messages always show: they decide to which patient, study and series an instance belongs."""

_PATIENT_ID: Final = next(row for row in FIELDS["PATIENT"] if row.tag == tags.PATIENT_ID)


@define
class _SameValues:
    """Files with the same patient, study and series values: one of them, and their number."""

    example: str
    files: int = 0


@define
class _KeyTally:
    """One key of a record: how many files agree, how many differ, and an example of a file that differs with its value."""

    agree: int = 0
    differ: int = 0
    example: str = ""
    value: str = ""


@define
class UpperRecords:
    """Collects the patient, study and series values of files; compares each distinct set of values once."""

    collector: Collector
    show_values: bool = False
    groups: dict[tuple[int, Chain], _SameValues] = field(factory=dict)
    _sides: dict[int, RecordSide | None] = field(factory=dict)
    _lacking: set[tuple[int, int]] = field(factory=set)

    def count(self, index: int, chain: Chain, name: str) -> None:
        """Add the file `name`, which record `index` references and which has the values `chain`."""
        self.groups.setdefault((self.collector.tree.parent[index], chain), _SameValues(name)).files += 1

    def report(self) -> None:
        """Report each key of a record that differs from a file: one finding per key."""
        comparisons: dict[tuple[int, Field], _KeyTally] = {}
        for (parent, chain), group in self.groups.items():
            for rule, message in chain.notes:
                if rule != "FS-KEY-LEFT-OUT":
                    self.collector.add_at_file(rule, message, group.example, parent)
            for index, row, value in self._keys_above(parent, chain):
                if row.type == "1C":
                    self._require(index, row)
                comparison = comparisons.setdefault((index, row), _KeyTally())
                if self._agrees(index, row, value, chain.character_set):
                    comparison.agree += group.files
                else:
                    comparison.differ += group.files
                    if not comparison.example:
                        comparison.example = group.example
                        comparison.value = decode(value, chain.character_set.decode("ascii"), row.vr)
        for (index, row), comparison in comparisons.items():
            if comparison.differ:
                self._report_difference(index, row, comparison)
        self._report_persons()

    def _report_persons(self) -> None:
        """Report files about another person than the PATIENT record with the same Patient ID: one finding per person."""
        below: dict[int, dict[Person, _SameValues]] = {}
        for (parent, chain), group in self.groups.items():
            patient = self.collector.contents.at_level(parent, "PATIENT")
            if patient != NONE and self._agrees(patient, _PATIENT_ID, chain.patient_id, chain.character_set):
                total = below.setdefault(patient, {}).setdefault(person_of(chain), _SameValues(group.example))
                total.files += group.files
        for patient, persons in below.items():
            known = reduce(Person.completed, persons, self._person(patient))
            for person, group in persons.items():
                if person.is_other_than(known):
                    self._report_person(patient, known, person, group)

    def _person(self, patient: int) -> Person:
        side = self._side(patient)
        return (
            Person(*(decode(side.raw(tag), side.character_set, vr_of(tag)).strip(" \0") for tag in PERSON_TAGS))
            if side
            else Person("")
        )

    def _report_person(self, patient: int, known: Person, person: Person, group: _SameValues) -> None:
        files = f"{group.files} files" if group.files > 1 else "the file"
        if self.show_values:
            message = f"the record is about {known}, {files} about {person}"
        else:
            message = f"the record and {files} are about different persons (`fileset check --show-values` shows both)"
        self.collector.add_at_file("FS-PATIENT-CONFLICT", message, group.example, patient, tag=tags.PATIENT_NAME)

    def _require(self, index: int, row: Field) -> None:
        """Report once that a record lacks a key that a file has and the profile therefore demands."""
        side = self._side(index)
        if side is not None and row.tag not in side.parts and (index, row.tag) not in self._lacking:
            self._lacking.add((index, row.tag))
            message = f"{row.keyword} is in a file below the record, and the profile makes it a key of the record"
            self.collector.add_at_record("PR-KEY", message, index, row.tag)

    def _keys_above(self, index: int, chain: Chain) -> Iterator[tuple[int, Field, bytes]]:
        """Yield (record, key, value of the file) from a record upwards."""
        while index != NONE:
            record_type = self.collector.contents.type_name(index)
            for row in FIELDS.get(record_type, ()):
                value: bytes = getattr(chain, row.name)
                if value:
                    yield index, row, value
            yield from ((index, row, value) for above, row, value in chain.extra if above == record_type and value)
            index = self.collector.tree.parent[index]

    def _agrees(self, index: int, row: Field, value: bytes, character_set: bytes) -> bool:
        side = self._side(index)
        if side is None or row.tag not in side.parts:
            return True  # another rule reports a record that is damaged or lacks the key
        if row.vr in TEXT_VRS:
            record_value = decode(side.raw(row.tag).strip(b" \0"), side.character_set, row.vr)
            file_value = decode(value, character_set.decode("ascii"), row.vr)
            return record_value.strip(" \0").rstrip("^=") == file_value.rstrip("^=")
        return bool(side.value(row.tag) == (int(value) if row.vr == "IS" else value))

    def _side(self, index: int) -> RecordSide | None:
        if index not in self._sides:
            flat = self.collector.flat
            start, end = flat.content(index)
            character_set = self.collector.contents.character_set
            self._sides[index] = record_side(flat.data[start:end], flat.syntax, character_set)
        return self._sides[index]

    def _report_difference(self, index: int, row: Field, comparison: _KeyTally) -> None:
        side = self._side(index)
        in_record = decode(side.raw(row.tag), side.character_set, row.vr).strip(" \0") if side else ""
        if row.vr == "UI":
            rule = "FS-UID-DIFFERS"
        elif comparison.agree and row.tag != tags.PATIENT_ID:
            rule = "FS-KEY-CONFLICT"
        else:
            rule = "FS-KEY-DIFFERS"
        files = f"{comparison.differ} files below the record" if comparison.differ > 1 else "a file below the record"
        agree = f"; {comparison.agree} agree" if comparison.agree else ""
        if self.show_values or row.tag in IDENTIFYING:
            message = f"{named(row.tag)} is {in_record} in the record, {comparison.value} in {files}{agree}"
        else:
            message = f"{named(row.tag)} differs in {files}{agree} (`fileset check --show-values` shows both)"
        self.collector.add_at_file(rule, message, comparison.example, index, tag=row.tag)
