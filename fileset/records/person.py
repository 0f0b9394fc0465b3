"""Decide whether two files with one Patient ID are about one person."""

from __future__ import annotations

import itertools
import re
from typing import Final, Literal, NamedTuple, get_args

from attrs import Factory, define, field

from fileset.dicom.character_sets import decode
from fileset.records.levels import Chain
from fileset.standard import tags

PatientConflict = Literal["refuse", "split", "merge"]
CONFLICTS: Final = get_args(PatientConflict)
"""The treatment of one Patient ID of two persons, and of one study of two Patient IDs."""
PERSON_TAGS: Final = (tags.PATIENT_NAME, tags.PATIENT_BIRTH_DATE, tags.PATIENT_SEX)
"""The elements for the fields of `Person`."""
_BETWEEN: Final = re.compile(r"[\^=,.\s]+")


class Person(NamedTuple):
    """The person in a file: Patient's Name, Birth Date and Sex; "" for missing values."""

    name: str
    birth_date: str = ""
    sex: str = ""

    def is_other_than(self, known: Person) -> bool:
        """Decide whether this is another person: the names differ, and so does the birth date or the sex.

        Names that differ only in case, carets, punctuation or spaces are variants of one spelling.
        """
        named_alike = not self.name or not known.name or self.has_name_of(known)
        return not named_alike and any(
            mine and theirs and mine != theirs
            for mine, theirs in ((self.birth_date, known.birth_date), (self.sex, known.sex))
        )

    def has_name_of(self, other: Person) -> bool:
        """Check whether both names are variants of one spelling."""
        return _spelling(self.name) == _spelling(other.name)

    def completed(self, other: Person) -> Person:
        """Complete this person with the values of `other` that are missing here, if both may be one person by name.

        Without this, it would depend on the order of the files whether another person is recognised.
        """
        if self.name and not self.has_name_of(other):
            return self
        return Person(self.name or other.name, self.birth_date or other.birth_date, self.sex or other.sex)

    def __str__(self) -> str:
        born = f", born {self.birth_date}" if self.birth_date else ""
        return f"{self.name or 'no name'}{born}{f', {self.sex}' if self.sex else ''}"


@define
class KnownPerson:
    """A person with a Patient ID: the values under one name, the values of the record, and files under other names.

    The record has the first value of each key, whatever the name in its file. Another name alone is no other person, until a
    later file shows a birth date or sex that contradicts the files under that name.
    """

    person: Person
    record: Person = field(default=Factory(lambda self: self.person, takes_self=True))
    under_other_names: dict[tuple[str, str], Person] = field(factory=dict)

    def conflict(self, person: Person) -> Person | None:
        """Find the person that the person of a file contradicts, None if it may be the same one."""
        completed = self.person.completed(person)
        others = () if completed == self.person else self.under_other_names.values()
        known = filter(person.is_other_than, (self.person, self.record))
        return next(itertools.chain(known, filter(completed.is_other_than, others)), None)

    def accept(self, person: Person) -> None:
        """Add a file about `person`, which is in no conflict."""
        self.person = self.person.completed(person)
        self.record = Person(*(value or new for value, new in zip(self.record, person, strict=True)))
        if person.name and not person.has_name_of(self.person):
            self.under_other_names.setdefault((person.birth_date, person.sex), person)


def person_of(chain: Chain) -> Person:
    """Read the person in the values of a file."""
    name = decode(chain.patient_name, chain.character_set.decode("ascii"), "PN")
    return Person(name, chain.birth_date.decode("ascii", "replace"), chain.sex.decode("ascii", "replace"))


def _spelling(name: str) -> tuple[str, ...]:
    return tuple(filter(None, _BETWEEN.split(name.casefold())))
