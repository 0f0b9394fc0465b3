"""Plan a rebuild: the files decide the tree, and every record keeps the values that no file contradicts.

No file is moved, changed or deleted. A record whose file cannot decide its place stays in its old place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final

from attrs import define, evolve, field, frozen

from fileset.dicom.character_sets import decode
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.read.file_reference import FileReference
from fileset.dicomdir.write.kept import Kept
from fileset.dicomdir.write.layout import NONE, Frame
from fileset.dicomdir.write.merge import Growth, laid_out
from fileset.dicomdir.write.patch import Wrong, is_whole, own_elements, patched, unpatched
from fileset.errors import FilesetError, FormatError, MediumError, RuleError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import Finding, Where
from fileset.media.base import UpdatableMedium
from fileset.plan.commit import Plan
from fileset.plan.identity import differences, identity_of, identity_of_levels
from fileset.plan.inputs import Sources
from fileset.plan.offer import Offer, id_in_place
from fileset.plan.old_dicomdir import State
from fileset.plan.scan import NO_INSTANCE, Outcome, Refused, collect
from fileset.records.arranged import Node
from fileset.records.describe import Instance
from fileset.records.entity import invented_patient_id
from fileset.records.levels import LEVELS, Chain
from fileset.records.person import Person, person_of
from fileset.records.tree import TreeBuilder
from fileset.report import Removed, Report, Skipped
from fileset.standard import tags
from fileset.standard.record_types import HL7_DOCUMENT, RECORD_TYPES

Scan = Callable[[Sources], Iterable[Outcome]]
_INSTANCE_UID: Final = tags.REFERENCED_SOP_INSTANCE_UID
_ENCODING: Final = ("FS-ELEMENT-", "FS-RECORD-ELEMENT")
ABOUT_FILES: Final = frozenset(("FS-FILE-UNLISTED", "FS-FILE-MISSING", "FS-REFERENCE-NOT-DICOM", "FS-FILE-LINK"))


@frozen
class Diagnosis:
    """The result of a check, for a rebuild.

    `sound`: the records without faults. `wrong`: the faulty elements of each other record; `faults`: its findings.
    `unlisted`: paths of DICOM files without a record. `skipped`: findings about unreadable files without a record, each of
    which may be an instance that should be listed. `leftovers`: files of an interrupted write. `mended`: the findings that a
    rebuild corrects. `remaining`: errors that it cannot correct.
    """

    sound: frozenset[int]
    wrong: Mapping[int, Wrong]
    faults: Mapping[int, list[Finding]]
    unlisted: list[str]
    skipped: list[Finding]
    leftovers: list[Finding]
    mended: list[Finding]
    remaining: list[Finding]

    @property
    def general(self) -> list[Finding]:
        """The findings for the report that are not about single records and files."""
        return [finding for finding in self.mended if finding.rule not in ABOUT_FILES] + self.leftovers


def rebuild(
    medium: UpdatableMedium,
    old: State,
    diagnosis: Diagnosis,
    scan: Scan,
    frame: Frame,
    report: Report,
    *,
    trust_dicomdir: bool = False,
) -> tuple[Plan, frozenset[Finding]]:
    """Plan a new DICOMDIR for `medium`; `report` receives the result for each record.

    Also return the findings about the old DICOMDIR that hold for the new one.
    With `trust_dicomdir`, a record stays in its place even if its file names another patient, study or series.
    """
    kept = Kept(old.contents, diagnosis.sound)
    work = _Rebuild(Offer(medium), old.contents, kept, diagnosis, report, trust_dicomdir)
    work.offer_listed()
    work.offer_unlisted()
    growth = work.grown(work.tree(scan))
    uncured = work.report_uncured(growth)
    directory = laid_out(growth, frame, lambda node: work.offer.in_place[node.source])
    return Plan(directory, basis=old.basis), uncured


def is_unshared(contents: Contents, index: int) -> bool:
    """Test whether a record is whole, and references its file itself, not through another record (PS3.3-2003 F.6.2)."""
    return is_whole(contents.flat, index) and contents.element(index, tags.MRDR_OFFSET) is None


_TWICE: Final = ("FS-PATIENT-TWICE", "FS-STUDY-TWICE", "FS-SERIES-TWICE")

_Homes = dict[tuple[int, str, bytes | str], tuple[int, int]]
"""The record above, record type and key -> a new record, and the old one whose place it has, else `NONE`."""


@define
class _Rebuild:
    offer: Offer
    contents: Contents
    kept: Kept
    diagnosis: Diagnosis
    report: Report
    trusts_dicomdir: bool
    gone: set[int] = field(factory=set)  # records that are dropped
    listed: set[FileId] = field(factory=set)  # the files of the other records
    missing: dict[int, tuple[str, str]] = field(factory=dict)  # record -> why its file is not found by its name
    unnamed: set[int] = field(factory=set)  # sources that no record can reference, because of their names
    placed: dict[int, int] = field(factory=dict)  # source -> the record that its instance replaces
    moved: set[int] = field(factory=set)  # records whose files are in another place
    unplaced: set[str] = field(factory=set)  # files that cannot decide the places of their records
    # sources whose records name another patient, study, series or instance
    contradicting: set[int] = field(factory=set)
    # offsets of records that stay beside another one of their patient, study or series
    apart: set[int] = field(factory=set)
    contradicted: dict[tuple[int, Chain], bool] = field(factory=dict)  # by the record above an instance, and its file

    # ------------------------------------------------------------ the files

    def offer_listed(self) -> None:
        """Offer the files of all records, each once."""
        record_at: dict[FileId, int] = {}
        for index in self.contents.tree.walk():
            is_level = self.contents.type_name(index) in LEVELS
            is_instance = self.contents.is_mislabelled if is_level else self.contents.references_file
            actual = self._actual(index) if is_instance(index) else None
            if actual is not None:
                first = record_at.setdefault(actual, index)
                if first != index:  # two records reference one file: keep the first sound one
                    sound = self.diagnosis.sound
                    better, worse = (index, first) if index in sound and first not in sound else (first, index)
                    record_at[actual] = better
                    self.missing[worse] = "FS-FILE-SHARED", f"{actual} is referenced by another record too"
        for actual, index in record_at.items():
            named, value = self._named(index)
            if actual.conformant:  # a record may have it with a slash, a dot or in lower case
                value = actual.value.encode("ascii")
            self.placed[self.offer.add_member(named, value)] = index
        self.listed = {*record_at}
        self.offer.record_of.update(self.placed)

    def _actual(self, index: int) -> FileId | None:
        """Find the real name of the file of a record, None if it is missing.

        None also for a file in a folder that cannot be listed: its record stays where it is, and the check has named it.
        """
        try:
            named = self._named(index)[0]
            actual = self.offer.medium.actual(named)
        except FormatError as problem:
            self.missing[index] = "FS-FILE-MISSING", str(problem)
            return None
        except MediumError:
            return None
        if actual is None:
            self.missing[index] = "FS-FILE-MISSING", f"{named}: not on the medium"
        return actual

    def _named(self, index: int) -> tuple[FileId, bytes]:
        """Return the File ID of a record and its value: of several, which no record may have, the first that names a file."""
        several = [*FileReference.all_of(self.contents.flat, index)] if index in self.diagnosis.faults else []
        for reference in several if len(several) > 1 else ():
            with suppress(FilesetError):
                if reference.file_id != DICOMDIR and self.offer.medium.actual(reference.file_id):
                    return reference.file_id, reference.value
        file_id = self.contents.file_id(index)
        if file_id is None or file_id == DICOMDIR:
            raise FormatError("its File ID names a file that a record must not reference")
        return file_id, self.contents.file_id_value(index)

    def offer_unlisted(self) -> None:
        """Offer the DICOM files that no record references, except files of inactive records: an inactive record is deleted."""
        contents, hidden = self.contents, self.contents.tree.hidden
        deleted = {contents.file_id(index) for index, flag in enumerate(hidden) if flag}
        for path in sorted({*self.diagnosis.unlisted, *self._stranded()}):
            try:
                file_id = id_in_place(path)
            except RuleError as problem:
                self.report.skipped.append(Skipped(path, "FS-FILE-NAME", problem.text(known_path=path)))
                if self.missing:
                    with suppress(FormatError):  # it may be the missing file of a record
                        self.unnamed.add(self.offer.add_member(FileId.tolerant(path), b""))
                continue
            if file_id in deleted:
                reason = "its record marks it as deleted: remove the file, or add it again"
                self.report.skipped.append(Skipped(path, "FS-RECORD-INACTIVE", reason))
                continue
            self.offer.add_member(file_id, file_id.value.encode("ascii"))

    def _stranded(self) -> Iterator[str]:
        """Find the files that only MRDRs and faulty records name, in a further File ID, or in that of a dropped record."""
        for index in range(len(self.contents)):
            if index not in self.diagnosis.sound and not self.contents.tree.hidden[index]:
                for reference in FileReference.all_of(self.contents.flat, index):
                    with suppress(FilesetError):
                        actual = self.offer.medium.actual(reference.file_id)
                        if actual is not None and actual != DICOMDIR and actual not in self.listed:
                            yield actual.path

    def _follow_moved(self, accepted: Iterable[tuple[int, Instance]]) -> None:
        """Find the missing file of a record in another place, by its SOP Instance UID: only the File ID is wrong.

        If it also names another patient, study or series, the record is dropped, and the file counts as one without a record.
        """
        contents = self.contents
        listed = {instance.sop_instance_uid for source, instance in accepted if source in self.placed}
        lost = {contents.raw_reference(index, _INSTANCE_UID): index for index in (*self.missing, *self._without_file())}
        for source, instance in accepted:
            uid = instance.sop_instance_uid
            if uid not in lost or uid in listed or source in self.placed:
                continue
            self.placed[source] = index = lost[uid]
            if self._is_alone((source, instance)):
                del self.placed[source]
                continue
            listed.add(uid)
            self.moved.add(index)
            _, reason = self.missing.pop(index, ("", "the record names no file"))
            where = Where(self.offer.sources.name(source), contents.type_name(index))
            message = f"{reason}, but found here by its SOP Instance UID: the record gets this name"
            self.report.findings.append(Finding("FS-FILE-MOVED", message, where))

    def _without_file(self) -> Iterator[int]:
        """Find the faulty records of instances that have lost their File ID."""
        for index in self.diagnosis.faults:
            if self.contents.type_name(index) not in LEVELS and not self.contents.references_file(index):
                yield index

    def _settle_missing(self, unnamed: Mapping[str, str]) -> None:
        """Drop the records of missing files, except if the file exists under a name that is not a File ID.

        `unnamed`: the names of such files by SOP Instance UID. `extract` finds them, and the user can rename them.
        """
        for index, (rule, reason) in self.missing.items():
            found = unnamed.get(self.contents.reference(index, _INSTANCE_UID))
            has_name = rule == "FS-FILE-MISSING" and self.contents.file_id(index) not in (None, DICOMDIR)
            if found is None or not has_name:
                self._lose(index, rule, reason)
            else:
                where = Where(found, self.contents.type_name(index))
                message = f"{reason}, but found here by its SOP Instance UID, under a name that is not a File ID"
                self.report.findings.append(Finding("FS-FILE-MISSING", f"{message}; its record stays", where))

    def _lose(self, index: int, rule: str, reason: str) -> None:
        """Drop a record and report it."""
        contents = self.contents
        self.gone.add(index)
        where = Where(contents.file, contents.type_name(index), contents.flat.start[index])
        self.report.findings.append(Finding(rule, f"the record is dropped: {reason}", where))
        file_id, uid = contents.file_id(index), contents.reference(index, _INSTANCE_UID)
        if file_id is not None and rule != "FS-FILE-SHARED":  # else another record lists the file
            self.report.removed.append(Removed(file_id, uid, contents.type_name(index), deleted=False))

    # ------------------------------------------------------------ the tree of the files

    def tree(self, scan: Scan) -> TreeBuilder:
        """Build the tree of all files that can be described; the records of other files stay in their places."""
        accepted = []
        unnamed = {}
        for source, outcome in enumerate(scan(self.offer.sources)):
            if source in self.unnamed:
                if not isinstance(outcome, Refused):
                    uid = Instance._make(outcome).sop_instance_uid.decode("ascii", "replace")
                    unnamed[uid] = self.offer.sources.name(source)
            elif isinstance(outcome, Refused):
                self._refuse(source, *outcome)
            elif not (self.trusts_dicomdir and self._is_elsewhere(source, Instance._make(outcome))):
                accepted.append((source, Instance._make(outcome)))
        for _, instance in accepted:  # prefer the file that a record can reference
            unnamed.pop(instance.sop_instance_uid.decode("ascii", "replace"), None)
        self._follow_moved(accepted)
        self._settle_missing(unnamed)
        accepted.sort(key=self._is_alone)
        self.contradicting = {one[0] for one in accepted if one[0] in self.placed and self._is_alone(one)}
        self.apart = {self.contents.flat.start[index] for index in self.kept.single_out(self.diagnosis.sound)}
        self.kept.other_persons = self._other_persons(accepted)
        tree = TreeBuilder(self.offer.sources.name, self.offer.sources.same, self.kept)
        for source, refused in collect(accepted, tree):
            self._refuse(source, *refused)
        return tree

    def _other_persons(self, accepted: list[tuple[int, Instance]]) -> dict[int, Person]:
        """Find the person of the first file below each PATIENT record that all its files with this Patient ID contradict."""
        found: dict[int, dict[Person, bool]] = {}
        for source, instance in accepted:
            patient = self.contents.at_level(self.placed.get(source, NONE), "PATIENT")
            if patient != NONE and instance.chain is not None and self._has_id_of(instance.chain, patient):
                persons = found.setdefault(patient, {})
                person = person_of(instance.chain)
                if person not in persons:
                    persons[person] = person.is_other_than(identity_of_levels(self.contents, patient).person)
        return {patient: next(iter(persons)) for patient, persons in found.items() if all(persons.values())}

    def _has_id_of(self, chain: Chain, patient: int) -> bool:
        """Test whether a file has the Patient ID of a record: a file of another patient moves to his record."""
        identity = chain.patient_id or invented_patient_id(chain.study_uid)
        return decode(identity, chain.character_set.decode("ascii")) == self.kept.key(patient)

    def _is_elsewhere(self, source: int, instance: Instance) -> bool:
        """Check whether a file names another patient, study or series than its record; report it and keep the record."""
        index = self.placed.get(source, NONE)
        if index == NONE:
            return False
        record = identity_of_levels(self.contents, self.contents.tree.parent[index])
        found = [
            (row, f"the record has {row.keyword} {in_record}, the file has {in_file}: the record is used")
            for row, in_record, in_file in differences(record, identity_of(instance))
            if row.level
        ]
        if found:
            self._refuse(source, found[0][0].rule, "; ".join(message for _, message in found))
        return bool(found)

    def _is_alone(self, described: tuple[int, Instance]) -> bool:
        """Check whether no record names the same patient, study, series and instance as the file.

        If two files contradict each other, the first decides. So files that agree with their records come first: one wrong
        file must not move the other files of its study to another patient.
        """
        source, instance = described
        index, chain = self.placed.get(source, NONE), instance.chain
        if index == NONE or self.contents.raw_reference(index, _INSTANCE_UID) != instance.sop_instance_uid:
            return True
        if chain is None:
            return False
        place = self.contents.tree.parent[index], chain
        if place not in self.contradicted:
            said = (decode(chain.patient_id, chain.character_set.decode("ascii")), chain.study_uid, chain.series_uid)
            entities = [at for at in self.kept.tree.above(index) if self.contents.type_name(at) in LEVELS]
            self.contradicted[place] = any(self.kept.key(at) not in said for at in entities)
        return self.contradicted[place]

    def _refuse(self, source: int, rule: str, reason: str) -> None:
        """Report a file from which no record can be made, or which cannot decide the place of its record."""
        index = self.placed.pop(source, NONE)
        if index == NONE:
            self.report.skipped.append(Skipped(self.offer.sources.name(source), rule, reason))
        elif self.contents.type_name(index) == HL7_DOCUMENT and rule != "FS-FILE-EMPTY":
            return  # no value in the file can replace the record, so the record stays
        elif rule in NO_INSTANCE:
            self._lose(index, "FS-REFERENCE-NOT-DICOM", reason)
        elif rule == "FS-INSTANCE-DUPLICATE" and source in self.contradicting:
            self._lose(index, rule, f"{self.offer.sources.name(source)} has {reason}")
        else:
            where = Where(self.offer.sources.name(source), self.contents.type_name(index))
            self.report.findings.append(Finding(rule, f"{reason}; its record stays where it is", where))
            self.unplaced.add(where.file)

    # ------------------------------------------------------------ the directory

    def grown(self, tree: TreeBuilder) -> Growth:
        """Put the records in their new places, each with the values that no file contradicts."""
        growth = Growth(self.kept)
        above = [NONE]
        for node in tree.arranged():
            del above[node.depth + 1 :]
            index = self._former(node)
            settled, keeps_bytes = self._settled(node, index, tree) if index != NONE else (node, False)
            reference = growth.add(settled, above[node.depth])
            above.append(reference)
            if index != NONE:
                growth.former[reference] = index
            if keeps_bytes:
                growth.bodies[reference] = index
            elif node.source >= 0:
                self._report_new(node, index)
        self._keep_unplaced(growth)
        self.report.findings += tree.findings
        return growth

    def _former(self, node: Node) -> int:
        if node.record_type in LEVELS:
            return self.kept.entity(node.record_type, node.key)
        return self.placed.get(node.source, NONE)

    def _report_new(self, node: Node, index: int) -> None:
        rows = self.report.added if index == NONE else self.report.refreshed
        name = self.offer.in_place[node.source].decode("ascii", "replace")
        rows.append(self.offer.sources.name(node.source), name, node.sop_instance_uid, node.record_type)

    def _settled(self, node: Node, index: int, tree: TreeBuilder) -> tuple[Node, bool]:
        """Return the node with the kept values of its old record, and whether that record can stay byte for byte."""
        wrong = self._wrong(node, index, tree)
        if not wrong and index in self.diagnosis.sound:
            return node, True
        uid = self.contents.raw_reference(index, _INSTANCE_UID)
        old, new = (one.decode("ascii", "replace") for one in (uid, node.sop_instance_uid))
        if node.source >= 0 and old != new:
            self.report.note_changes(node.record_type, [(_INSTANCE_UID, old, new)])
            return node, False
        try:
            tail, changes = patched(self.contents.flat, index, node.tail, wrong, self.contents.character_set)
        except FormatError:
            return node, False
        if tail == unpatched(self.contents.flat, index) and self._can_stay(node, index):
            return node, True
        self.report.note_changes(node.record_type, changes)
        return node._replace(tail=tail), False

    def _wrong(self, node: Node, index: int, tree: TreeBuilder) -> Wrong:
        stale = frozenset(tree.stale.get((node.record_type, node.key), ()))
        if index in self.diagnosis.sound and index not in self.moved:
            return Wrong(stale)
        wrong = self.diagnosis.wrong.get(index, Wrong(frozenset(), others=True))
        # Another record type has other keys, the record of an MRDR has no complete file reference, and nothing has compared
        # a record with a file in another place.
        others = (
            wrong.others
            or index in self.moved
            or self.contents.type_name(index) != node.record_type
            or not is_unshared(self.contents, index)
        )
        return wrong._replace(named=wrong.named | stale, others=others)

    def _can_stay(self, node: Node, index: int) -> bool:
        """Decide whether the type, File ID and structure of an old record allow keeping it byte for byte."""
        contents = self.contents
        same_file = node.source < 0 or contents.file_id_value(index) == self.offer.in_place[node.source]
        return (
            same_file
            and not self._is_encoded_wrongly(index)
            and contents.type_name(index) == node.record_type
            and is_unshared(contents, index)
        )

    def _is_encoded_wrongly(self, index: int) -> bool:
        """Check whether links, in-use flag, type or File ID are absent or have a wrong VR, length or order.

        The writer encodes them anew.
        """
        faults = self.diagnosis.faults.get(index, ())
        return any((one.where.tag or 0) >> 16 == 4 and one.rule.startswith(_ENCODING) for one in faults)

    def report_uncured(self, growth: Growth) -> frozenset[Finding]:
        """Mark and return the faults of records that stay, because no file has a better value or decides their place."""
        uncured = [one for index in growth.bodies.values() for one in self._uncured(index)]
        uncured += (one for one in self.diagnosis.mended if one.rule in _TWICE and one.where.offset in self.apart)
        stays = {id(one): evolve(one, message=f"{one.message}; it stays") for one in uncured}
        self.report.findings[:] = [stays.get(id(one), one) for one in self.report.findings]
        return frozenset(stays.values())

    def _uncured(self, index: int) -> Iterator[Finding]:
        """List the faults of a record that stays, for a record of a level without those about files that move away."""
        is_level = self.contents.type_name(index) in LEVELS
        for fault in self.diagnosis.faults.get(index, ()):
            if not is_level or fault.where.file == self.contents.file or fault.where.file in self.unplaced:
                yield fault

    # ------------------------------------------------------------ records that no file places

    def _keep_unplaced(self, growth: Growth) -> None:
        """Add the records that stay in their places: below the same record, or below the record that replaced it."""
        contents, parent = self.contents, self.contents.tree.parent
        placed = {index: reference for reference, index in growth.former.items()}
        walk = list(contents.tree.walk(inactive=True))
        stays = self._staying(walk, placed)
        homes = {
            (above, node.record_type, node.key): (reference, growth.former.get(reference, NONE))
            for above, references in growth.below.items()
            for reference in references
            if (node := growth.node(reference)) and node.record_type in LEVELS and node.key
        }
        parents = growth.parents()
        references = dict(placed)
        for index in walk:
            above = references.get(parent[index], NONE)
            if index not in placed:
                references[index] = self._home(growth, index, above, homes) if stays[index] else above
            elif stays[index] and parents[placed[index]] != above:
                # Its files moved to another patient, but not all records below it.
                references[index] = self._home(growth, index, above, homes)
                self._note_twice(index)
        self.kept.dropped[:] = b"\1" * len(self.kept.dropped)

    def _note_twice(self, index: int) -> None:
        """Report a study or series of which one record stays below its patient, and a new one is below another."""
        kind = self.contents.type_name(index)
        if kind in LEVELS and self.kept.is_single(index):
            where = Where(self.contents.file, kind, self.contents.flat.start[index])
            message = "a record stays here for files that show no patient; the other files name another patient"
            self.report.findings.append(Finding(f"FS-{kind}-TWICE", message, where))

    def _staying(self, walk: list[int], placed: dict[int, int]) -> bytearray:
        """Flag each record that stays without a file to decide its place, or has such a record below it."""
        tree = self.contents.tree
        stays = bytearray(len(self.contents.flat))
        for index in reversed(walk):
            if index not in placed:
                if index in self.gone:
                    continue
                stays[index] = stays[index] or self._may_stay(index)
                if not stays[index] and self.contents.type_name(index) not in LEVELS:
                    had_records = tree.lower[index] != NONE
                    reason = "its type is unknown, and nothing is left below it" if had_records else "it is damaged"
                    self._lose(index, "FS-RECORD-ORPHAN", reason)
            if stays[index] and tree.parent[index] != NONE:
                stays[tree.parent[index]] = 1
        return stays

    def _may_stay(self, index: int) -> bool:
        contents, kind = self.contents, self.contents.type_name(index)
        if contents.tree.hidden[index]:
            return True
        has_file, has_records = contents.references_file(index), contents.tree.lower[index] != NONE
        if kind in LEVELS:
            return has_file or (not has_records and index in self.diagnosis.sound)
        known = RECORD_TYPES.get(kind)
        if kind == "MRDR" or (known is not None and known.references_file is True and not has_file):
            return False
        return has_file or (is_whole(contents.flat, index) and (known is not None or not has_records))

    def _home(self, growth: Growth, index: int, above: int, homes: _Homes) -> int:
        """Find or make the new record above a record that stays: of the same study and the same patient.

        Some writers put one study below two patients; its images then stay with their old patient. An inactive record stays
        apart: what is below it is deleted, and would be listed again below an active one.
        """
        kind, flat, inactive = self.contents.type_name(index), self.contents.flat, self.contents.tree.hidden[index]
        key = (above, kind, self.kept.key(index) if kind in LEVELS and not inactive else b"")
        reference, former = homes.get(key, (NONE, NONE))
        is_other_person = kind == "PATIENT" and former != NONE and self.kept.are_distinct([former, index])
        if reference != NONE and not is_other_person:
            return reference
        copied = is_whole(flat, index) or inactive
        tail = b"" if copied else own_elements(flat, index)
        reference = growth.add(Node(0, kind, 0, tail, order=self.kept.order(index)), above)
        growth.below[above].sort(key=growth.order)
        if copied:
            growth.bodies[reference] = index
        if key[2]:
            homes[key] = reference, index
        return reference
