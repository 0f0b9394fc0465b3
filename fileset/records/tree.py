"""Sort many instances into one tree of directory entities (PS3.3 F.2.1, F.4).

The tree decides parents, refusals, the values of the PATIENT, STUDY and SERIES records, and the order. Instances are added
in the order of their sources; each costs a few look-ups in dictionaries, never a search through siblings. The tree
refuses files that contradict it, with a reason. Keys that contradict each other cause one warning. A missing value of a
Type 1 key is made from UIDs.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import Final

from attrs import evolve

from fileset.dicom.character_sets import decode
from fileset.dicom.elements import element
from fileset.dicom.header import HeaderError
from fileset.findings import Finding, Where
from fileset.records.arranged import Arranged, InstanceColumns, InstanceRun, Node
from fileset.records.describe import Instance
from fileset.records.entity import (
    APART,
    PERSON,
    Entity,
    OldRecords,
    by_date,
    by_number,
    by_patient_id,
    key_bytes,
    patient_id_of,
    shown_key,
    uid_of,
)
from fileset.records.level_records import LevelRecords
from fileset.records.levels import FIELDS, LEVELS, Chain, Field, Notes
from fileset.records.person import KnownPerson, Person, person_of
from fileset.records.torn_studies import RULE as TORN
from fileset.records.torn_studies import torn_studies
from fileset.standard import tags

_INCOMPLETE: Final = frozenset(("FS-FILE-NO-PREFIX", "FS-FILE-TRUNCATED"))
"""Rules for files that certainly lack something: the beginning (PS3.10 7.1), or the end."""
SHOW: Final = "show"
"""The treatment of contradictions by a reader: the files are shown apart, and a finding names both sides."""
_ABOUT_THE_FILE: Final = ("FS-FILE-", "FS-META-", "FS-PIXEL-")
"""Beginnings of rules for files as such. A file that breaks one is not certainly whole."""


def _is_incomplete(notes: Notes) -> bool:
    return any(rule in _INCOMPLETE for rule, _ in notes)


def _contradict(one: Chain, other: Chain) -> bool:
    """Check whether two files have different values for a patient, study or series key that both have."""
    values, others = _level_values(one), _level_values(other)
    return any(value != others[name] for name, value in values.items() if value and others.get(name))


def _level_values(chain: Chain) -> dict[str, bytes]:
    rows = [(row.name, getattr(chain, row.name)) for level in LEVELS for row in FIELDS[level]]
    return dict(rows + [(row.name, value) for _, row, value in chain.extra])


def _is_doubtful(notes: Notes) -> bool:
    return any(rule.startswith(_ABOUT_THE_FILE) for rule, _ in notes)


class TreeBuilder:
    """Collects instances; `arranged` then arranges the records in preorder.

    `source_name` names a source for findings. `same_contents` tests whether two sources hold the same
    bytes; it is called only if they have the same SOP Instance UID. `existing` has the records of the old directory.
    """

    def __init__(
        self,
        source_name: Callable[[int], str],
        same_contents: Callable[[int, int], bool],
        existing: OldRecords | None = None,
        *,
        patient_conflict: str = "refuse",
    ) -> None:
        self._conflict = patient_conflict
        self._persons: dict[bytes | str, list[KnownPerson]] = {}
        self._name = source_name
        self._same = same_contents
        self._existing = existing or OldRecords()
        self._patients: dict[bytes | str, Entity] = {}
        self._columns = InstanceColumns()
        self._roots = array("I")
        self._owner_of_study: dict[bytes, Entity] = {}
        self._owner_of_series: dict[bytes, Entity] = {}
        self._places: dict[Chain, Entity] = {}
        self._uids: set[bytes] = set()
        self._sources: dict[bytes, int] = {}  # of the first `_searched` instances
        self._searched = 0
        self._incomplete: dict[
            bytes, tuple[array[int], int, Chain | None]
        ] = {}  # UID -> the place of the file, and its chain
        self._displaced: dict[int, HeaderError] = {}  # source -> the reason why another copy was taken
        self._whole: dict[str, str] = {}  # name of a displaced source -> that of the whole copy
        self._made_up: set[bytes] = set()
        self.findings: list[Finding] = []
        self._records = LevelRecords(self._existing, source_name, self.findings)
        self.stale = self._records.stale

    def __len__(self) -> int:
        return len(self._uids)

    def __contains__(self, uid: bytes) -> bool:
        return uid in self._uids

    def add(self, instance: Instance, source: int) -> None:
        """Add an instance to the tree.

        Raises `HeaderError` to refuse it: the same instance again, or a study or series that already
        belongs elsewhere.
        """
        record_type, chain, number, uid, tail, made_up, notes = instance
        if uid in self._uids and (known := self._source_of(uid)) != source:
            self._settle_copies(instance, known, source)
            return
        self._uids.add(uid)
        instances = self._roots
        if chain is not None:
            place = self._places.get(chain)
            if place is None:
                place = self._open(chain, uid, source)
            instances = place.instances
        instances.append(self._columns.append((number, uid, record_type, tail, source)))
        if made_up:
            self._made_up.add(uid)
        if notes:
            self._note(notes, source, record_type)
            if _is_incomplete(notes):
                self._incomplete[uid] = instances, len(instances) - 1, chain

    def _source_of(self, uid: bytes) -> int:
        """Look up the source of a known instance. Copies are rare, and the sources of a million take 36 MB with their UIDs."""
        columns = self._columns
        columns.settle()
        new = range(self._searched, len(columns.sources))
        self._sources.update(zip(columns.uids.take(new), columns.sources[new.start :], strict=True))
        self._searched = new.stop
        return self._sources[uid]

    def _settle_copies(self, instance: Instance, known: int, source: int) -> None:
        """Give a file the place of an incomplete copy of the same series. Raises `HeaderError` to refuse all others."""
        record_type, chain, number, uid, tail, made_up, notes = instance
        problem = self._again(uid, known, source)
        instances, at, former = self._incomplete.get(uid, (None, 0, None))
        place = self._places.get(chain) if chain is not None else None
        if place is None or place.instances is not instances or _is_doubtful(notes) or made_up:
            raise problem
        if chain is None or former is None or _contradict(chain, former):
            raise problem  # the records may have the values of the incomplete file, which no file would confirm
        del self._incomplete[uid]
        instances[at] = self._columns.append((number, uid, record_type, tail, source))
        self._made_up.discard(uid)
        self._whole[self._name(known)] = self._name(source)
        shown = uid.decode("ascii", "replace")
        message = f"cut off, or without the Part 10 header; {self._name(source)} has instance {shown} complete"
        self._displaced[known] = HeaderError("FS-INSTANCE-CONFLICT", message)
        self._note(notes, source, record_type)

    def displaced(self) -> dict[int, HeaderError]:
        """Return the sources whose place a whole copy took, with the reason; drop the findings about them.

        Findings about their patient, study and series also hold for the whole copy, so they stay, with its name.
        """
        if self._displaced:
            self.findings[:] = filter(None, map(self._about_whole, self.findings))
        return self._displaced

    def _about_whole(self, finding: Finding) -> Finding | None:
        name = self._whole.get(finding.where.file)
        if name is None:
            return finding
        is_level = finding.where.record in LEVELS
        return evolve(finding, where=evolve(finding.where, file=name)) if is_level else None

    def _report(self, rule: str, message: str, source: int, record: str = "", tag: int | None = None) -> None:
        self.findings.append(Finding(rule, message, Where(self._name(source), record, tag=tag)))

    def _note(self, notes: Notes, source: int, record: str) -> None:
        for rule, message in notes:
            self._report(rule, message, source, record)

    def _again(self, uid: bytes, known: int, source: int) -> HeaderError:
        name = self._name(known)
        if self._same(known, source):
            return HeaderError("FS-INSTANCE-DUPLICATE", f"the same bytes as {name}, which is in the file-set")
        shown = uid.decode("ascii", "replace")
        return HeaderError("FS-INSTANCE-CONFLICT", f"SOP Instance UID {shown} as in {name}, but other contents")

    def _open(self, chain: Chain, uid: bytes, source: int) -> Entity:
        """Find the series for instances with this chain, or the reason to refuse them; decided once for each chain."""
        try:
            place = self._place(chain, source)
        except HeaderError:
            self._uids.remove(uid)
            raise
        if chain.notes:
            self._note(chain.notes, source, place.record_type)
        self._places[chain] = place
        return place

    def _place(self, chain: Chain, source: int) -> Entity:
        # A patient without an ID becomes one patient per study: patients are never merged without evidence.
        identity = self._patient_key(chain, source)
        self._check_owners(chain, identity, source)
        patient_key = self._person_key(chain, identity, source)
        entity = self._entity(self._patients, "PATIENT", patient_key, chain, source)
        if chain.study_uid:
            apart = self._apart(chain.study_uid, patient_key)
            key = chain.study_uid + apart
            is_further = bool(apart) and patient_key not in self._existing.patients_of(chain.study_uid)
            if is_further and key not in entity.children:
                self._note_twice("STUDY", key, source)
            self._note_split("STUDY", self._owner_of_study.setdefault(chain.study_uid, entity), entity, key, source)
            study = entity = self._entity(entity.children, "STUDY", key, chain, source)
            if chain.series_uid:
                key = chain.series_uid + apart
                is_further = bool(apart) and not self._existing.holds("SERIES", key)
                is_new = chain.series_uid not in self._owner_of_series and key not in study.children
                if is_further and is_new and self._existing.study_of(chain.series_uid) is not None:
                    self._note_twice("SERIES", key, source)
                first = self._owner_of_series.setdefault(chain.series_uid, study)
                self._note_split("SERIES", first, study, key, source)
                entity = self._entity(study.children, "SERIES", key, chain, source)
        return entity

    def _apart(self, study_uid: bytes, patient_key: bytes | str) -> bytes:
        """Choose a suffix for the keys of a study that the old directory has below another patient, or below several."""
        known = self._existing.patients_of(study_uid)
        is_one = len(known) == 1 and (known[0] == patient_key or self._conflict != "split")
        return b"" if not known or is_one else APART + key_bytes(patient_key)

    def _patient_key(self, chain: Chain, source: int) -> bytes | str:
        """Decode the Patient ID; for a file without one, find that of the other files of its study."""
        identity = decode(chain.patient_id, chain.character_set.decode("ascii"))
        owner = self._owner_of_study.get(chain.study_uid)
        if not identity or self._conflict == "merge":
            known = owner.key if owner else self._existing.patient_of(chain.study_uid)
            if known is not None and not (identity and known == chain.study_uid):
                patient_id = patient_id_of(known)
                if identity and patient_id != identity:
                    below = f"its study is listed below Patient ID {shown_key(patient_id)}"
                    message = f"Patient ID {shown_key(identity)} in the file: {below}"
                    self._report("FS-KEY-DIFFERS", message, source, "PATIENT", tags.PATIENT_ID)
                return patient_id
        if not identity:
            return chain.study_uid
        if owner and owner.key == chain.study_uid and self._names_patient(identity, owner.key, person_of(chain)):
            # Earlier files of the study had no Patient ID; this one gives it.
            self._patients[identity] = self._patients.pop(owner.key)
            self._persons[identity] = self._persons.pop(owner.key)
            owner.key = identity
        return identity

    def _names_patient(self, identity: str, nameless: bytes | str, person: Person) -> bool:
        """Decide whether a file gives a patient without Patient ID his ID: not if the ID is known, or the person another one."""
        is_known = identity in self._patients or self._existing.persons(identity) or self._existing.persons(nameless)
        return not is_known and (self._conflict == "merge" or self._persons[nameless][0].conflict(person) is None)

    def _person_key(self, chain: Chain, identity: bytes | str, source: int) -> bytes | str:
        """Choose the key of the patient of a file; with "split", each further person gets a key of its own.

        Raises `HeaderError` if the Patient ID belongs to another person and conflicts are refused.
        """
        person = person_of(chain)
        known = self._persons.get(identity)
        if known is None:
            known = self._persons[identity] = list(map(KnownPerson, self._existing.persons(identity) or [person]))
        conflicts = [one.conflict(person) for one in known]
        number = conflicts.index(None) if None in conflicts else len(known)
        if number < len(known):  # a further person only if the old directory has a record, or with "split"
            known[number].accept(person)
            return f"{identity!s}{PERSON}{number}" if number else identity
        message = f"Patient ID {shown_key(identity)} belongs to {conflicts[0]}, but this file is about {person}"
        if self._conflict in ("refuse", SHOW):
            self._contradicted("FS-PATIENT-CONFLICT", message, source)
        if self._conflict == "merge":
            message = f"{message}: its study is listed below the first"
            self._report("FS-PATIENT-CONFLICT", message, source, "PATIENT", tags.PATIENT_NAME)
            return identity
        known.append(KnownPerson(person))
        self._note_twice("PATIENT", identity, source)
        return f"{identity!s}{PERSON}{number}"

    def _note_split(self, level: str, first: Entity, above: Entity, key: bytes, source: int) -> None:
        """Report a study or series that is below two records, once for each further record."""
        if above is not first and key not in above.children:
            self._note_twice(level, key, source)

    def _note_twice(self, level: str, key: bytes | str, source: int) -> None:
        if self._conflict == SHOW:
            return  # the files are read, and no record is written
        what = f"Patient ID {shown_key(key)}" if level == "PATIENT" else f"UID {uid_of(key)!r}"
        message = f"{what} has a further {level} record: these files name another patient"
        self._report(f"FS-{level}-TWICE", message, source, level)

    def _check_owners(self, chain: Chain, patient_key: bytes | str, source: int) -> None:
        """Refuse or report a file if the study belongs to another patient, or the series to another study."""
        if not chain.study_uid:
            return
        known = self._owner_of_study.get(chain.study_uid)
        owners = ([known.key] if known else []) + self._existing.patients_of(chain.study_uid)
        if owners and patient_key not in map(patient_id_of, owners) and self._conflict != "split":
            study, other = chain.study_uid.decode("ascii"), shown_key(patient_id_of(owners[0]))
            message = f"study {study} belongs to Patient ID {other}{self._from(known)}, but this file has {shown_key(patient_key)}"
            self._contradicted("FS-STUDY-TWO-PATIENTS", message, source)
        if not chain.series_uid:
            return
        known = self._owner_of_series.get(chain.series_uid)
        owner = known.key if known else self._existing.study_of(chain.series_uid)
        study = chain.study_uid.decode("ascii")
        if owner is not None and (other := uid_of(owner)) != study:
            series = chain.series_uid.decode("ascii")
            message = (
                f"series {series} is already in another study, {other}{self._from(known)}, but this file has {study}"
            )
            self._contradicted("FS-SERIES-TWO-STUDIES", message, source)

    def _contradicted(self, rule: str, message: str, source: int) -> None:
        """Refuse a file that contradicts earlier ones; with `SHOW` report it, because a reader leaves nothing out."""
        if self._conflict != SHOW:
            raise HeaderError(rule, message)
        self._report(rule, f"{message}: no file is left out", source)

    def _from(self, entity: Entity | None) -> str:
        return f", from {self._name(entity.source)}" if entity else ""

    def _entity(
        self, siblings: dict[bytes | str, Entity], level: str, key: bytes | str, chain: Chain, source: int
    ) -> Entity:
        entity = siblings.get(key)
        if entity is None:
            entity = siblings[key] = Entity(level, key, source)
        character_set = chain.character_set.decode("ascii")
        for field in FIELDS[level]:
            value = getattr(chain, field.name)
            is_merged = (
                field.name == "patient_id"
                and isinstance(key, str)
                and decode(value, character_set) != patient_id_of(key)
            )
            if value and not is_merged:  # a merged file has another Patient ID than its record
                self._merge(entity, field, value, character_set, source)
        for above, field, value in chain.extra:
            if above == level:
                entity.extra[field.tag] = field
                if value:
                    self._merge(entity, field, value, character_set, source)
        if level == "STUDY":
            for name, value in (("study_date", chain.fallback_date), ("study_time", chain.fallback_time)):
                if value:
                    entity.values.setdefault("fallback_" + name, (value, ""))
        return entity

    def _merge(self, entity: Entity, field: Field, value: bytes, character_set: str, source: int) -> None:
        """Keep the first value of each key. A different one gives a warning: one for a key of an entity, each for a reader."""
        known = entity.values.setdefault(field.name, (value, character_set))
        if known[0] == value and known[1] == character_set:
            return
        text = decode(value, character_set, field.vr)
        if decode(*known, field.vr) == text:
            return
        others = entity.others.setdefault(field.name, set())
        is_known = text in others or (bool(others) and self._conflict != SHOW)
        others.add(text)
        if is_known:
            return
        # Where files replace records, the value of the record may stay.
        kept = "" if self._existing.is_renewed(entity.record_type, entity.key) else ": the first is kept"
        message = f"{field.label} differs from that in {self._name(entity.source)}{kept}"
        if self._conflict == SHOW:
            message = f"{field.label} {text!r} differs from {decode(*known, field.vr)!r} in {self._name(entity.source)}"
        self._report("FS-KEY-CONFLICT", message, source, entity.record_type)

    # ------------------------------------------------------------ the arranged tree

    def arranged(self) -> Arranged:
        """Arrange all records in preorder.

        Patients are sorted by Patient ID, studies by date and time, series and instances by number, and then all by UID.
        Records without a patient come last.
        """
        self._columns.settle()
        return Arranged(self._items(), self._columns)

    def _items(self) -> Iterator[Node | InstanceRun]:
        position = 0
        for patient in sorted(self._patients.values(), key=by_patient_id):
            order = by_patient_id(patient)
            key = patient.key if PERSON in str(patient.key) else order[1]
            yield Node(0, "PATIENT", position, self._records.encoded(patient, key, set()), key=key, order=order)
            yield from self._below(patient, (position,))
            self._note_torn(patient)
            position += 1
        yield InstanceRun(self._columns.in_order(self._roots, by_type=True), position, ())

    def _note_torn(self, patient: Entity) -> None:
        lonely = [study for study in patient.children.values() if _instances_below(study) == 1]
        for message in torn_studies((study.text("study_date"), study.text("study_id")) for study in lonely):
            self._report(TORN, message, patient.source, "PATIENT")

    def _below(self, entity: Entity, path: tuple[int, ...]) -> Iterator[Node | InstanceRun]:
        depth = len(path)
        order = by_date if depth == 1 else by_number
        position = 0
        children = sorted(entity.children.values(), key=order)
        taken = self._records.series_numbers(entity)
        for child in children:
            record = self._records.encoded(child, child.key, taken)
            yield Node(depth, child.record_type, position, record, key=child.key, order=order(child))
            yield from self._below(child, (*path, position))
            position += 1
        yield InstanceRun(self._numbered(entity), position, path)

    def _numbered(self, entity: Entity) -> array[int]:
        """Order the instances of an entity, with unused numbers for invented Instance Numbers."""
        columns = self._columns
        members = columns.in_order(entity.instances)
        made_up = {at for at in members if columns.uids[at] in self._made_up} if self._made_up else set()
        if not made_up:
            return members
        taken = {columns.numbers[at] for at in members if at not in made_up}
        if isinstance(entity.key, bytes):
            taken |= self._existing.instance_numbers(entity.key)
        renumbered = [self._renumbered(at, taken) if at in made_up else at for at in members]
        columns.settle()
        return columns.in_order(renumbered)

    def _renumbered(self, index: int, taken: set[int]) -> int:
        """Return the index of an instance, or of a copy with the next unused number."""
        columns = self._columns
        number = free = columns.numbers[index]
        while free in taken:
            free += 1
        taken.add(free)
        if free == number:
            return index
        old, new = (element(tags.INSTANCE_NUMBER, "IS", b"%d" % n) for n in (number, free))
        tail = columns.tails[index].replace(old, new)
        return columns.append((free, columns.uids[index], columns.record_types[index], tail, columns.sources[index]))


def _instances_below(study: Entity) -> int:
    return len(study.instances) + sum(len(series.instances) for series in study.children.values())
