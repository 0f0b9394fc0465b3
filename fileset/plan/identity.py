"""Compare the files of a source file-set with its records: patient, study, series and instance (PS3.3 F.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Final, NamedTuple, cast

from attrs import define, field

from fileset.dicom.character_sets import decode
from fileset.dicom.elements import EXPLICIT_LITTLE, elements
from fileset.dicom.values import canonical
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.read.values import character_set_of
from fileset.errors import FilesetError
from fileset.findings import Finding, Where
from fileset.media.base import ReadableMedium
from fileset.media.names import form_key
from fileset.plan.dicomdir_file import read_dicomdir
from fileset.plan.header_values import HeaderValues, wanted_tags
from fileset.plan.inputs import Sources
from fileset.plan.scan import Accepted, Outcome, Refused
from fileset.plan.source_file_set import place_on, plain_place
from fileset.records.describe import Instance
from fileset.records.levels import IDENTITY, Chain, IdentityKey
from fileset.records.person import Person, person_of
from fileset.standard import tags


class Identity(NamedTuple):
    """The patient, study, series and instance that a file or record names, "" where unknown."""

    patient_id: str = ""
    study_uid: str = ""
    series_uid: str = ""
    sop_instance_uid: str = ""
    person: Person = Person("")


PERSON: Final = IdentityKey("person", "PATIENT", "patient", tags.PATIENT_NAME, "FS-PATIENT-CONFLICT")
"""Another person under the same Patient ID, which no single key shows."""
_NAME: Final = IdentityKey("name", "PATIENT", "PatientName", tags.PATIENT_NAME, "FS-KEY-DIFFERS")
"""Another name of the patient, who may still be the same person."""
_LEVELS: Final = {row.level: row for row in IDENTITY if row.level}
_UNCLEAR: Final = "it may belong to another patient, so it gets no new values and is left out"
_PERSON: Final = {"patient_name": tags.PATIENT_NAME, "birth_date": tags.PATIENT_BIRTH_DATE, "sex": tags.PATIENT_SEX}
"""The fields of `Chain` for a person, in the order of `Person`."""
_WANTED: Final = wanted_tags((*(row.tag for row in IDENTITY), *_PERSON.values()))


@define
class IdentityCheck:
    """Compares accepted sources with their records in the file-sets that they come from.

    `trust`: use Patient ID, Study and Series Instance UID of the record instead of the file. The SOP Instance UID
    always comes from the file, because it identifies the copied bytes. `refuses_changed`: leave out a source that got
    new values and differs from its record, because it is unclear to which patient the values belong.
    """

    sources: Sources
    trust: bool = False
    refuses_changed: bool = False
    findings: list[Finding] = field(factory=list)

    def compared(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Yield the outcomes of all sources in order; collect a finding for each disagreement."""
        records = self._records()
        if not records:
            yield from outcomes
            return
        for source, outcome in enumerate(outcomes):
            place = plain_place(self.sources.place(source))
            record = records.get(place) or records.get(form_key(place))
            yield outcome if record is None or isinstance(outcome, Refused) else self._compared(source, outcome, record)

    def _records(self) -> dict[str, Identity]:
        """Read the identities by the exact place of the file, and by the key of all forms of its name."""
        records: dict[str, Identity] = {}
        of_forms: dict[str, Identity] = {}
        for medium in self.sources.origins:
            for place, record in identities(medium):
                records[place] = record
                if (key := form_key(place)) != place:  # most are equal, and a million of them take much memory
                    of_forms[key] = record
        return of_forms | records if of_forms else records

    def _compared(self, source: int, outcome: Accepted, record: Identity) -> Outcome:
        instance = Instance._make(outcome)
        # A source that was changed on request differs from its record on purpose, because the record describes the old file.
        changed = self.sources.is_replaced(source)
        file = self._original(source) if changed else identity_of(instance)
        if changed and self.refuses_changed:
            return _refused(record, file) or outcome
        if (
            file is None
        ):  # The change could read the file, so it has vanished since then, or has no header. Compare the copy.
            return outcome
        trusted = dict[str, bytes]()
        for row, in_record, in_file in differences(record, file):
            uses_record = self.trust and not changed and row.level and str(in_record).isascii()
            used = "record" if uses_record else "file"
            self.findings.append(_difference(self.sources.name(source), row, in_record, in_file, used))
            if uses_record:
                trusted |= {} if row is PERSON else {row.name: str(in_record).encode("ascii")}
                trusted |= _trusted_person(record, file) if row.level == "PATIENT" else {}
        if not trusted or instance.chain is None:
            return outcome
        by_tag = {tag: trusted[name] for name, tag in _PERSON.items() if name in trusted}
        extra = tuple((level, row, by_tag.get(row.tag, value)) for level, row, value in instance.chain.extra)
        chain: Chain = instance.chain._replace(**trusted, extra=extra)  # type: ignore[arg-type]
        return cast("Accepted", tuple(instance._replace(chain=chain)))

    def _original(self, source: int) -> Identity | None:
        """Read the identity that a source had before it was changed, None if it can no longer be read."""
        try:
            with self.sources.opened(source, original=True) as read:
                values = HeaderValues.read(read, _WANTED)
        except (OSError, FilesetError):
            return None
        person = Person(*(str(values.value(tag) or "") for tag in _PERSON.values()))
        keys = {row.name: str(values.value(row.tag) or "") for row in IDENTITY}
        return Identity(**keys, person=person)


def _trusted_person(record: Identity, file: Identity) -> dict[str, bytes]:
    """Return the person of a record for a file about another one: with the Patient ID go name, birth date and sex."""
    if not str(record.person).isascii() or not file.person.is_other_than(record.person):
        return {}
    return {name: value.encode("ascii") for name, value in zip(_PERSON, record.person, strict=True)}


def agreeing_first(
    contents: Contents, accepted: Iterable[tuple[int, Instance]], record_of: Mapping[int, int]
) -> list[tuple[int, Instance]]:
    """Sort the files that name the patient of their records before all others.

    If two files contradict each other, the first decides, and one wrong file must not decide about the others.
    """
    identity = cache(partial(identity_of_levels, contents))

    def is_other(described: tuple[int, Instance]) -> bool:
        source, instance = described
        if source not in record_of:
            return True
        record, file = identity(contents.tree.parent[record_of[source]]), identity_of(instance)
        return _is_misnamed(record.person, file.person) or any(differences(record._replace(sop_instance_uid=""), file))

    return sorted(accepted, key=is_other)


def refreshed_differences(
    contents: Contents, refreshed: Iterable[tuple[int, str, Instance, Identity]]
) -> Iterator[Finding]:
    """Report each key of a record that differs from its file: index, name, instance, the patient in the new record.

    A name counts only if the new record has another one: it keeps its name as long as a file below has it.
    """
    identity = cache(partial(identity_of_levels, contents))
    for index, name, instance, now in refreshed:
        uid = contents.reference(index, tags.REFERENCED_SOP_INSTANCE_UID)
        record = identity(contents.tree.parent[index])._replace(sop_instance_uid=uid)
        file = identity_of(instance)
        found = list(differences(record, file))
        if _is_misnamed(now.person, file.person) and not any(row.level == "PATIENT" for row, _, _ in found):
            found.append((_NAME, now.person.name, file.person.name))
        for row, in_record, in_file in found:
            is_other = row.level == "PATIENT" and (
                now.patient_id != file.patient_id or _differ(now.person, file.person)
            )
            yield _difference(name, row, in_record, in_file, "record" if is_other and now.patient_id else "file")


def _differ(one: Person, other: Person) -> bool:
    """Check whether two persons differ in a value that both have; spellings of a name do not count."""
    pairs = ((one.birth_date, other.birth_date), (one.sex, other.sex))
    return _is_misnamed(one, other) or any(mine and theirs and mine != theirs for mine, theirs in pairs)


def _is_misnamed(record: Person, file: Person) -> bool:
    """Check whether record and file have names that are no variants of one spelling."""
    return bool(record.name and file.name) and not file.has_name_of(record)


def _difference(name: str, row: IdentityKey, in_record: str | Person, in_file: str | Person, used: str) -> Finding:
    """Make the finding about the file `name`; `used` is the side whose value counts."""
    message = f"the record has {row.keyword} {in_record}, the file has {in_file}: the {used} is used"
    return Finding(row.rule, message, Where(name, tag=row.tag))


def _refused(record: Identity, file: Identity | None) -> Refused | None:
    if file is None:
        return Refused("FS-FILE-UNREADABLE", f"its own Patient ID and UIDs cannot be read again: {_UNCLEAR}")
    differing = list(differences(record, file))
    if not differing:
        return None
    said = "; ".join(f"the record has {row.keyword} {ours}, the file has {theirs}" for row, ours, theirs in differing)
    return Refused(differing[0][0].rule, f"{said}: {_UNCLEAR}")


def differences(record: Identity, file: Identity) -> Iterator[tuple[IdentityKey, str | Person, str | Person]]:
    """Find each key that differs, and its value in the record and in the file; `PERSON` if only the persons differ."""
    agree = True
    for row in IDENTITY:
        in_record, in_file = getattr(record, row.name), getattr(file, row.name)
        if in_record and in_file and in_record != in_file:
            agree = False
            yield row, in_record, in_file
    if agree and file.person.is_other_than(record.person):
        yield PERSON, record.person, file.person


def identity_of(instance: Instance) -> Identity:
    """Decode the identity that the header of a file gives."""
    uid = instance.sop_instance_uid.decode("ascii", "replace")
    chain = instance.chain
    if chain is None:
        return Identity(sop_instance_uid=uid)
    patient_id = decode(chain.patient_id, chain.character_set.decode("ascii"))
    return Identity(
        patient_id, chain.study_uid.decode("ascii"), chain.series_uid.decode("ascii"), uid, person_of(chain)
    )


def identities(medium: ReadableMedium) -> Iterator[tuple[str, Identity]]:
    """Read the normalised place of each referenced file, with the identity that its records give it."""
    with suppress(FilesetError):  # reported with the source file-set itself
        yield from identities_in(medium, Contents(read_dicomdir(medium)))


def identities_in(medium: ReadableMedium, contents: Contents) -> Iterator[tuple[str, Identity]]:
    """Yield the same for the `contents` of a DICOMDIR on `medium`."""
    above: dict[int, Identity] = {}
    for index, name, uid in contents.instances():
        parent = contents.tree.parent[index]
        if parent not in above:
            above[parent] = identity_of_levels(contents, parent)
        place = place_on(medium, name.decode("ascii", "replace").replace("\\", "/"))
        yield place, above[parent]._replace(sop_instance_uid=uid.decode("ascii", "replace"))


def identity_of_levels(contents: Contents, index: int) -> Identity:
    """Collect the identity that all instances below these records of patient, study and series share."""
    values: dict[str, str] = {}
    person = Person("")
    for at in (index, *contents.tree.above(index)) if index >= 0 else ():
        row = _LEVELS.get(contents.type_name(at))
        value = contents.key(at, row.tag) if row else None
        if row and isinstance(value, str):
            values[row.name] = value
        if row and row.level == "PATIENT":
            person = Person(*(str(contents.key(at, tag) or "") for tag in _PERSON.values()))
    return Identity(**values, person=person)


def identity_of_tail(tail: bytes) -> Identity:
    """Decode Patient ID, name, birth date and sex in the elements of a new PATIENT record."""
    parts = {part.tag: part for part in elements(tail, 0, len(tail), EXPLICIT_LITTLE)}
    character_set = character_set_of(tail, list(parts.values()), "")

    def text(tag: int, vr: str) -> str:
        part = parts.get(tag)
        return decode(canonical(vr, tail[part.value_at : part.value_end]), character_set, vr) if part else ""

    person = Person(text(tags.PATIENT_NAME, "PN"), text(tags.PATIENT_BIRTH_DATE, "DA"), text(tags.PATIENT_SEX, "CS"))
    return Identity(text(tags.PATIENT_ID, "LO"), person=person)
