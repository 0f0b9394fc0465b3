"""The records of a directory that an update keeps, found by their identifiers (PS3.3 F.5.1 to F.5.3).

A patient is identified by the Patient ID; a study, series or instance by its UID. Each look-up table is built on first use;
dropping a record from it takes constant time.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from copy import copy
from functools import cached_property
from itertools import combinations, compress, count, islice
from operator import or_
from typing import Final, Generic, TypeVar

from attrs import define, field

from fileset.dicom.character_sets import decode
from fileset.dicom.elements import EXPLICIT_LITTLE
from fileset.dicom.values import canonical
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.read.file_reference import FileReference
from fileset.dicomdir.read.values import character_set_of
from fileset.dicomdir.write.layout import NONE
from fileset.errors import MERGE, REPAIR, RefusedError
from fileset.records.arranged import Order
from fileset.records.entity import APART, PERSON, OldRecords, invented_patient_id, key_bytes
from fileset.records.instance_keys import UNORDERED
from fileset.records.levels import FIELDS, LEVELS, Field
from fileset.records.person import Person
from fileset.standard import tags

_UID_OF: Final = {"STUDY": tags.STUDY_INSTANCE_UID, "SERIES": tags.SERIES_INSTANCE_UID}
_ORDERED_BY: Final = {"STUDY": (tags.STUDY_DATE, tags.STUDY_TIME), "SERIES": (tags.SERIES_NUMBER,)}
_VRS: Final = {field.tag: field.vr for level in LEVELS for field in FIELDS[level]} | {tags.INSTANCE_NUMBER: "IS"}
_NOT: Final = bytes((1, 0)) + bytes(254)
"""Translates flags to their opposites."""
_FEW: Final = 16
"""Number of searches in the bytes of the DICOMDIR before a look-up table is built."""
_PART: Final = 1 << 18
"""Number of bytes that are searched at once: as many as fit into the cache of the processor."""
_FILE_ID: Final = b"\x04\x00\x00\x15"
"""The tag of Referenced File ID (0004,1500) in Little Endian."""
Value = TypeVar("Value")
_BELOW: Final = {"": "PATIENT", "PATIENT": "STUDY", "STUDY": "SERIES"}
"""Record type -> the type of the records below it that are not instances; "" for the root Directory Entity."""


@define
class _Holders(Generic[Value]):
    """Records by a value that should be unique: the first record with the value, and all others."""

    first: dict[Value, int] = field(factory=dict)
    others: dict[Value, list[int]] = field(factory=dict)

    def add(self, value: Value, index: int) -> None:
        """Add a record."""
        if self.first.setdefault(value, index) != index:
            self.others.setdefault(value, []).append(index)

    def of(self, value: Value) -> tuple[int, ...]:
        """Return all records with a value."""
        return (self.first[value], *self.others.get(value, ())) if value in self.first else ()


class Kept(OldRecords):
    """The records of an old directory that stay: at first all active records in the tree.

    `read_again` has the patients, studies and series of which files are read again; `renewed` has those of them, by type and
    key, that are dropped because all their files are read again. In a rebuild the files decide to which patient an instance
    belongs, and only the `sound` records keep their keys. In an update, `sound` is None, and the keys of every record hold for
    the added instances.
    """

    def __init__(self, contents: Contents, sound: Container[int] | None = None) -> None:
        self.sound = sound
        self.files_confirm: Callable[[int, Field], bool] = lambda _, __: True
        self.files_person: Callable[[int], Person] = lambda _: Person("")
        self.other_persons: dict[int, Person] = {}  # PATIENT record that no file confirms -> the person in its files
        self.contents = contents
        self.flat = contents.flat
        self.tree = contents.tree
        self.dropped = self.tree.reached.translate(_NOT)
        if 1 in self.tree.hidden:
            self.dropped = bytearray(map(or_, self.dropped, self.tree.hidden))
        self.read_again: set[int] = set()
        self.renewed: dict[tuple[str, bytes | str], int] = {}
        self._aliases: dict[bytes | str, int] = {}
        self._asked = 0

    def copy(self) -> Kept:
        """Make a copy that can be changed independently."""
        twin = copy(self)
        twin.dropped, twin._aliases = self.dropped[:], dict(self._aliases)  # noqa: SLF001
        twin.read_again, twin.renewed = set(self.read_again), dict(self.renewed)
        return twin

    # ------------------------------------------------------------ dropping

    def drop(self, index: int) -> list[int]:
        """Drop a record and everything below it; return the dropped records."""
        gone, stack = [], [index]
        while stack:
            index = stack.pop()
            if not self.dropped[index]:
                self.dropped[index] = 1
                gone.append(index)
                stack.extend(self.children(index))
        return gone

    def single_out(self, preferred: Container[int]) -> set[int]:
        """Keep one of several records of one patient, study or series, and the children of all of them.

        A preferred record is kept if there is one. Records of different persons with one Patient ID all stay, and so do those
        of one study or series below different patients. Return these.
        """
        apart: set[int] = set()
        for level, by_key in self._entities.items():
            for indexes in by_key.values():
                alive = [index for index in indexes if not self.dropped[index]]
                if len(alive) > 1 and (self.are_distinct(alive) if level == "PATIENT" else self._are_apart(alive)):
                    apart.update(alive)
                    continue
                chosen = next((index for index in alive if index in preferred), alive[0] if alive else NONE)
                for index in alive:
                    self.dropped[index] = index != chosen
        return apart

    def prune(self, gone: Iterable[int]) -> set[int]:
        """Drop the patients, studies and series that lost their last record with `gone`; return the other records above.

        A record that references a file itself stays, and so does a record that was already empty (PS3.3 F.4 allows both).
        """
        affected: set[int] = set()
        for index in gone:
            for above in self.tree.above(index):
                empty = next(self.children(above), NONE) == NONE and not self.contents.references_file(above)
                if not empty or self.contents.type_name(above) not in LEVELS:
                    affected.update((above, *self.tree.above(above)))
                    break
                self.dropped[above] = 1
        return {index for index in affected if not self.dropped[index]}

    def read_files_again(self, indexes: Iterable[int]) -> None:
        """Drop instances whose new records will be made from their files; note the records above them."""
        for index in indexes:
            self.drop(index)
            self.read_again.update(at for at in self.tree.above(index) if self.contents.type_name(at) in LEVELS)

    def note_renewed(self) -> None:
        """Note the records above instances that are read again, where nothing stays below them."""
        for index in sorted(self.read_again):
            if self.dropped[index]:
                self.renewed.setdefault((self.contents.type_name(index), self.key(index)), index)

    @cached_property
    def _of_level(self) -> dict[str, list[int]]:
        """Collect the active patients, studies and series."""
        level_of = {number: name for number, name in enumerate(self.flat.types) if name in LEVELS}
        found: dict[str, list[int]] = {level: [] for level in LEVELS}
        for index in compress(count(), map(level_of.__contains__, self.flat.type_of)):
            if self.tree.reached[index] and not self.tree.hidden[index]:
                found[level_of[self.flat.type_of[index]]].append(index)
        return found

    def children(self, index: int) -> Iterator[int]:
        """Yield the kept records of the lower-level entity of a record; of the root entity for `NONE`."""
        following, dropped = self.tree.next, self.dropped
        index = self.tree.first if index == NONE else self.tree.lower[index]
        while index != NONE:
            if not dropped[index]:
                yield index
            index = following[index]

    def below(self, index: int) -> Iterator[int]:
        """Walk the kept records below a record, at any depth."""
        stack = [self.children(index)]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
            else:
                yield found
                stack.append(self.children(found))

    # ------------------------------------------------------------ finding

    def instances(self, uid: bytes) -> list[int]:
        """Find the records that reference the instance with this UID: one, unless the directory contradicts itself."""
        if self._is_quick_look() and uid not in self.flat.data:
            return []
        return [index for index in self._references[0].of(uid) if not self.dropped[index]]

    def is_named(self, value: str, *longer: str) -> bool:
        """Check whether (0004,1500) of a kept record has this value or one of the `longer` ones; ignore case."""
        name = value.upper()
        if name.isascii() and self._is_quick_look() and not self._mentions(name.encode("ascii")):
            return False
        holders = (index for one in (value, *longer) for index in self._references[1].of(one.upper()))
        return not all(self.dropped[index] for index in holders)

    def _is_quick_look(self) -> bool:
        """Return whether there were few searches so far: then searching the bytes is cheaper than a look-up table."""
        self._asked += 1
        return self._asked <= _FEW

    def _mentions(self, name: bytes) -> bool:
        """Test whether a name in upper case occurs anywhere in the DICOMDIR, in any case."""
        data = self.flat.data
        return any(name in data[at : at + _PART + len(name)].upper() for at in range(0, len(data), _PART))

    @cached_property
    def _references(self) -> tuple[_Holders[bytes], _Holders[str]]:
        """The records by SOP Instance UID, and by File ID in upper case."""
        uids, names = _Holders[bytes](), _Holders[str]()
        for index, raw, uid in self.contents.instances():
            uids.add(uid, index)
            names.add(decode(raw).upper(), index)
        for index, further in self._further_names():
            names.add(further, index)
        return uids, names

    def _further_names(self) -> Iterator[tuple[int, str]]:
        """Find the second and later File IDs of records that have several, against the Standard: their files stay, too."""
        flat = self.flat
        if flat.syntax is EXPLICIT_LITTLE and flat.data.count(_FILE_ID) <= sum(1 for _ in self.contents.instances()):
            return
        for index in range(len(flat)):
            for reference in islice(FileReference.all_of(flat, index), 1, None):
                yield index, decode(reference.value).upper()

    def entity(self, level: str, key: bytes | str) -> int:
        """Find the record of a patient, study or series, `NONE` if there is none.

        Raises `RefusedError` if there are several, because the right one is unknown.
        """
        found = self._holders(level, key)
        if len(found) > 1 and level == "PATIENT" and self.are_distinct(found):
            return found[0]
        if len(found) > 1:
            shown = key if isinstance(key, str) else key.decode("ascii", "replace")
            places = ", ".join(str(self.flat.start[index]) for index in found)
            raise RefusedError(
                f"there are {len(found)} {level} records for {shown!r}, at offsets {places} "
                "(PS3.3 F.5): it is unknown to which one the new instances belong",
                path=self.contents.file,
                advice=MERGE,
            )
        return found[0] if found else self._aliases.get(key, NONE)

    def _holders(self, level: str, key: bytes | str) -> list[int]:
        """Find the kept records with a key of the tree; the key of a further person has a number at its end."""
        if isinstance(key, str):
            identity, _, number = key.partition(PERSON)
            found = self._alive(level, identity)
            return found[int(number) : int(number) + 1] if number else found
        uid, apart, patient = key.partition(APART)
        found = self._alive(level, uid)
        return [index for index in found if key_bytes(self._patient_key(index)) == patient] if apart else found

    def is_single(self, index: int) -> bool:
        """Check whether the old directory has no other record of this patient, study or series."""
        return len(self._entities[self.contents.type_name(index)][self.key(index)]) == 1

    def _alive(self, level: str, key: bytes | str) -> list[int]:
        return [index for index in self._entities[level].get(key, ()) if not self.dropped[index]]

    def _patient_key(self, index: int) -> bytes | str:
        """Return the key of the patient above a record, with a number if the Patient ID belongs to several persons."""
        patient = self.contents.at_level(index, "PATIENT")
        if patient == NONE:
            return b""
        identity = self.key(patient)
        alive = self._alive("PATIENT", identity)
        number = alive.index(patient) if patient in alive else 0  # a dropped one is merged with the first
        return f"{identity!s}{PERSON}{number}" if number else identity

    def are_distinct(self, patients: list[int]) -> bool:
        """Check whether records with one Patient ID are about different persons."""
        return all(self._person(one).is_other_than(self._person(other)) for one, other in combinations(patients, 2))

    def _are_apart(self, indexes: list[int]) -> bool:
        """Check whether records of one study or series are all below different patients."""
        patients = list(map(self._patient_key, indexes))
        return all(patients) and len(set(patients)) == len(patients)

    @cached_property
    def _entities(self) -> dict[str, dict[bytes | str, list[int]]]:
        found: dict[str, dict[bytes | str, list[int]]] = {level: {} for level in LEVELS}
        for level, indexes in self._of_level.items():
            for index in indexes:
                found[level].setdefault(self.key(index), []).append(index)
        return found

    def key(self, index: int) -> bytes | str:
        """Return the identifier of a patient (the decoded Patient ID), study or series (its UID)."""
        level = self.contents.type_name(index)
        return self.text(index, tags.PATIENT_ID) if level == "PATIENT" else self.raw(index, _UID_OF[level])

    def raw(self, index: int, tag: int, vr: str = "") -> bytes:
        """Read the encoded value of a key without padding; b"" if there is none. `vr`: that of an optional key."""
        found = self.contents.element(index, tag)
        return canonical(vr or _VRS[tag], self.flat.data[found.value_at : found.value_end]) if found else b""

    def text(self, index: int, tag: int, vr: str = "") -> str:
        """Decode the value of a text key of a patient, study or series. `vr`: that of an optional key."""
        parts = self.flat.elements(index)
        character_set = character_set_of(self.flat.data, parts, self.contents.character_set)
        return decode(self.raw(index, tag, vr), character_set, vr or _VRS[tag])

    # ------------------------------------------------------------ values that new instances must agree with

    def patient_of(self, study_uid: bytes) -> bytes | str | None:
        """Find the patient of a study: the decoded Patient ID, the UID of the study if there is none, None for a new study.

        Raises `RefusedError` if there are several such studies, or it belongs to no patient.
        """
        if self.sound is not None:
            return None
        study = self.entity("STUDY", study_uid)
        if study == NONE:
            return None
        patient = self._owner(study, "PATIENT")
        identity = self.text(patient, tags.PATIENT_ID)
        invented = invented_patient_id(study_uid).decode("ascii")
        if identity and identity != invented:
            return identity
        self._aliases[invented] = patient
        return study_uid

    def patients_of(self, study_uid: bytes) -> list[bytes | str]:
        """Return the key of the patient above each record of a study. Raises as `patient_of` if there is one record."""
        found = self._alive("STUDY", study_uid)
        if self.sound is not None and len(found) == 1:
            return []
        if len(found) == 1:
            known = self.patient_of(study_uid)
            return [] if known is None else [known if known == study_uid else self._patient_key(found[0])]
        keys = list(map(self._patient_key, found))
        if len(set(keys)) < len(keys):
            self.entity("STUDY", study_uid)  # one patient has it twice
        return keys

    def study_of(self, series_uid: bytes) -> bytes | None:
        """Return the Study Instance UID of a series, None for a new series.

        Raises `RefusedError` if it belongs to no study.
        """
        series = NONE if self.sound is not None else next(iter(self._alive("SERIES", series_uid)), NONE)
        return None if series == NONE else self.raw(self._owner(series, "STUDY"), _UID_OF["STUDY"])

    def _owner(self, index: int, level: str) -> int:
        parent = self.tree.parent[index]
        if parent != NONE and self.contents.type_name(parent) == level:
            return parent
        raise RefusedError(
            f"the {self.contents.type_name(index)} record at offset {self.flat.start[index]} "
            f"is below no {level} record (PS3.3 F.4)",
            path=self.contents.file,
            advice=REPAIR,
        )

    def texts(self, level: str, key: bytes | str, optional: Iterable[Field]) -> dict[str, str] | None:
        """Decode the keys, by field, of the record of a patient, study or series; None if there was none."""
        index = self.former(level, key)
        if index == NONE:
            return None
        fields = (*FIELDS[level], *self.held(index, optional))
        return {field.name: self.text(index, field.tag, field.vr) for field in fields}

    def held(self, index: int, optional: Iterable[Field]) -> Iterator[Field]:
        """Select the optional keys that a record has, with or without a value."""
        return (field for field in optional if self.contents.element(index, field.tag))

    def persons(self, key: bytes | str) -> list[Person]:
        """Return the person of each record with a Patient ID. Raises `RefusedError` if two of them are one person."""
        identity = key if isinstance(key, str) else invented_patient_id(key).decode("ascii")
        self.entity("PATIENT", identity)
        holders = self._holders("PATIENT", identity)
        return [self.other_persons.get(index) or self._person(index) for index in holders]

    def _person(self, index: int) -> Person:
        """Return the person of a record; birth date and sex come from a file below if the record lacks them."""
        said = [self.contents.key(index, tag) for tag in (tags.PATIENT_BIRTH_DATE, tags.PATIENT_SEX)]
        birth_date, sex = (str(value or "") for value in said)
        if not (birth_date and sex):
            below = self.files_person(index)
            birth_date, sex = birth_date or below.birth_date, sex or below.sex
        return Person(self.text(index, tags.PATIENT_NAME), birth_date, sex)

    def holds(self, level: str, key: bytes | str) -> bool:
        """Check whether there is a record of a patient, study or series."""
        return bool(self._holders(level, key))

    def stays(self, level: str, key: bytes | str) -> bool:
        """Check whether the record of a patient, study or series can stay byte for byte."""
        return not self.is_renewed(level, key) if self.sound is None else self.entity(level, key) in self.sound

    def former(self, level: str, key: bytes | str) -> int:
        """Find the record of a patient, study or series, also one that is renewed; `NONE` if there is none."""
        found = self.entity(level, key)
        return self.renewed.get((level, key), NONE) if found == NONE else found

    def is_renewed(self, level: str, key: bytes | str) -> bool:
        """Check whether all files below a record are read again."""
        return (level, key) in self.renewed and self.entity(level, key) == NONE

    def confirms(self, level: str, key: bytes | str, field: Field) -> bool:
        """Check whether a kept file confirms the value of a record for a field; `files_confirm` reads the files."""
        index = self.entity(level, key)
        return self.sound is None and index != NONE and self.files_confirm(index, field)

    def series_numbers(self, study_uid: bytes) -> set[bytes]:
        """Collect the Series Numbers that are taken in a study."""
        return {self.raw(index, tags.SERIES_NUMBER) for index in self._below("STUDY", study_uid, "SERIES")}

    def instance_numbers(self, series_uid: bytes) -> set[int]:
        """Collect the Instance Numbers that are taken in a series."""
        return {self._number(index) for index in self._below("SERIES", series_uid, "")}

    def _below(self, level: str, uid: bytes, wanted: str) -> Iterable[int]:
        above = NONE if self.sound is not None else self.entity(level, uid)
        if above == NONE:
            return ()
        return (index for index in self.children(above) if wanted in ("", self.contents.type_name(index)))

    def order(self, index: int) -> Order:
        """Return the sort key of a record among its siblings, like `Node.order` for new records."""
        kind, parent = self.contents.type_name(index), self.tree.parent[index]
        above = "" if parent == NONE else self.contents.type_name(parent)
        if kind != _BELOW.get(above):
            number, uid = (
                self._number(index),
                self.contents.reference(index, tags.REFERENCED_SOP_INSTANCE_UID).encode("ascii", "replace"),
            )
            return (1, number, uid) if above else (1, kind, number, uid)
        if kind == "PATIENT":
            return 0, self.text(index, tags.PATIENT_ID)
        if kind == "STUDY":
            return 0, *(self.raw(index, tag) for tag in _ORDERED_BY[kind]), self.key(index)
        return 0, int(self.raw(index, tags.SERIES_NUMBER) or UNORDERED), self.key(index)

    def _number(self, index: int) -> int:
        return int(self.raw(index, tags.INSTANCE_NUMBER) or UNORDERED)
