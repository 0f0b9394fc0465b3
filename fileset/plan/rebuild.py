"""The new directory: a tree that follows from the files, with the bytes of every record that is right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from attrs import define, field, frozen

from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.write.carry_over import carried_over, is_whole
from fileset.dicomdir.write.kept import Kept
from fileset.dicomdir.write.layout import NONE, Frame
from fileset.dicomdir.write.merge import Growth, laid_out, regrow
from fileset.errors import FormatError, RuleError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import Finding, Where
from fileset.media.base import UpdatableMedium
from fileset.plan.commit import Plan
from fileset.plan.offer import Offer, tree_of
from fileset.plan.old_dicomdir import State
from fileset.plan.scan import Outcome, Refused
from fileset.plan.update import Scan
from fileset.records.describe import Instance
from fileset.records.levels import LEVELS
from fileset.records.tree import Node
from fileset.report import Removed, Report, Skipped
from fileset.standard import tags
from fileset.standard.record_types import RECORD_TYPES

_NO_INSTANCE = frozenset(("FS-FILE-EMPTY", "FS-FILE-NOT-DICOM", "FS-FILE-IS-DICOMDIR"))


@frozen
class Diagnosis:
    """What a check says: the records that are `sound`, those of the others of which something may be `carried` over into
    new ones, the paths of DICOM files that are `unlisted`, the files that are `unread`, so that nobody knows what they are,
    the `leftovers` of an interrupted write, what is to be `mended` at all, and the errors that no rebuild can mend.
    """

    sound: frozenset[int]
    carried: frozenset[int]
    unlisted: list[str]
    unread: list[Finding]
    leftovers: list[Finding]
    mended: list[Finding]
    remaining: list[Finding]

    @property
    def told(self) -> list[Finding]:
        """What the user must know, beside what becomes of each record and file."""
        unread = [finding for finding in self.unread if finding.where.record]
        return [finding for finding in self.mended if finding.rule not in ABOUT_FILES] + unread + self.leftovers

    @property
    def skipped(self) -> list[Finding]:
        """Files without a record that cannot be read: each may be one that should be listed."""
        return [finding for finding in self.unread if not finding.where.record]


ABOUT_FILES: Final = frozenset(("FS-FILE-UNLISTED", "FS-FILE-MISSING", "FS-REFERENCE-NOT-DICOM", "FS-FILE-LINK"))


def rebuild(
    medium: UpdatableMedium, old: State, diagnosis: Diagnosis, scan: Scan, frame: Frame, report: Report
) -> Plan:
    """Return the plan that writes the DICOMDIR of `medium` anew; `report` receives what becomes of each record."""
    work = Rebuild(medium, old.contents, diagnosis, report)
    return work.plan(scan(work.offer.sources), frame, old.basis)


@define
class Rebuild:
    """Puts the directory of `medium` together again; `report` says what becomes of each file and record."""

    medium: UpdatableMedium
    contents: Contents
    diagnosis: Diagnosis
    report: Report
    offer: Offer = field(init=False)
    kept: Kept = field(init=False)
    gone: set[int] = field(factory=set)
    listed: set[int] = field(factory=set)  # sources that had a record

    def __attrs_post_init__(self) -> None:
        self.offer = Offer(self.medium)
        self.kept = Kept(self.contents, self.diagnosis.sound)
        self._offer_listed()
        self._offer_unlisted()

    # ------------------------------------------------------------ which files there are

    def _offer_listed(self) -> None:
        """The files of all records, each once; records whose files are not there are gone."""
        sound = self.diagnosis.sound
        record_at: dict[FileId, int] = {}
        for index in self._with_files():
            try:
                named = self._named(index)
                actual = self.medium.actual(named)
            except FormatError as problem:
                self._lose(index, "FS-FILE-MISSING", str(problem))
                continue
            if actual is None:
                self._lose(index, "FS-FILE-MISSING", f"{named}: not on the medium")
                continue
            first = record_at.setdefault(actual, index)
            if first != index:
                worse = first if index in sound and first not in sound else index
                record_at[actual] = first + index - worse
                self._lose(worse, "FS-FILE-SHARED", f"{actual} is referenced by another record too")
        for actual, index in record_at.items():
            named = self._named(index)
            value = self.contents.file_id_value(index)
            if not named.conformant and actual.conformant:
                value = actual.value.encode("ascii")
            source = self.offer.add_member(named, value)
            self.offer.record_of[source] = index
        self.listed = set(self.offer.record_of)

    def _with_files(self) -> Iterator[int]:
        levels = self.contents
        for index in self.contents.tree.walk():
            if levels.type_name(index) not in LEVELS and levels.references_file(index):
                yield index

    def _named(self, index: int) -> FileId:
        file_id = self.contents.file_id(index)
        if file_id is None or file_id == DICOMDIR:
            raise FormatError("its File ID names no file that it may reference")
        return file_id

    def _offer_unlisted(self) -> None:
        """DICOM files that no record references, but for those whose records say that they were deleted."""
        contents, hidden = self.contents, self.contents.tree.hidden
        deleted = {contents.file_id(index) for index, flag in enumerate(hidden) if flag}
        for path in sorted(self.diagnosis.unlisted):
            try:
                file_id = FileId.from_path(path)
            except RuleError as problem:
                self.report.skipped.append(Skipped(path, "FS-FILE-NAME", problem.text(known_path=path)))
                continue
            if file_id in deleted:
                reason = "its record says that it was deleted: remove the file, or add it again"
                self.report.skipped.append(Skipped(path, "FS-RECORD-INACTIVE", reason))
                continue
            self.offer.add_member(file_id, file_id.value.encode("ascii"))

    def _lose(self, index: int, rule: str, reason: str) -> None:
        """Drop a record, and say so."""
        contents = self.contents
        self.gone.add(index)
        where = Where(contents.file, contents.type_name(index), contents.flat.start[index])
        self.report.findings.append(Finding(rule, f"the record is dropped: {reason}", where))
        file_id, uid = contents.file_id(index), contents.reference(index, tags.REFERENCED_SOP_INSTANCE_UID)
        if file_id is not None:
            self.report.removed.append(Removed(file_id, uid, contents.type_name(index), deleted=False))

    # ------------------------------------------------------------ the directory

    def plan(self, found: Iterable[Outcome], frame: Frame, basis: bytes) -> Plan:
        """What is to be written; `found` is what a scan says of each source."""
        offered = []
        for source, outcome in enumerate(found):
            if isinstance(outcome, Refused):
                self._refuse(source, *outcome)
            else:
                offered.append((source, Instance._make(outcome)))
        self.kept.single_out(self.diagnosis.sound)
        tree = tree_of(self.offer, offered, self.kept, lambda source, why: self._refuse(source, why.rule, why.reason))
        growth = regrow(self.kept, map(self._carrying, tree.arranged()), self._former, self.diagnosis.sound)
        self._keep_others(growth)
        self._tell(growth)
        self.report.findings += tree.findings
        directory = laid_out(growth, frame, lambda node: self.offer.in_place[node.source])
        return Plan(directory, basis=basis)

    def _refuse(self, source: int, rule: str, reason: str) -> None:
        """A file that makes no record: its own, if it has one, stays where it was unless the file is no instance."""
        if source not in self.offer.record_of:
            self.report.skipped.append(Skipped(self.offer.sources.name(source), rule, reason))
        elif rule in _NO_INSTANCE:
            self._lose(self.offer.record_of.pop(source), "FS-REFERENCE-NOT-DICOM", reason)
        else:
            del self.offer.record_of[source]

    def _former(self, node: Node) -> int:
        if node.record_type in LEVELS:
            return self.kept.entity(node.record_type, node.key)
        return self.offer.record_of.get(node.source, NONE)

    def _carrying(self, node: Node) -> Node:
        """The node, with what no file tells from the record that it takes the place of."""
        index = self._former(node)
        if index not in self.diagnosis.carried or not self._is_same(node, index):
            return node
        try:
            return node._replace(tail=carried_over(self.contents.flat, index, node.tail))
        except FormatError:
            return node

    def _is_same(self, node: Node, index: int) -> bool:
        return (
            node.source < 0
            or self.contents.raw_reference(index, tags.REFERENCED_SOP_INSTANCE_UID) == node.sop_instance_uid
        )

    def _keep_others(self, growth: Growth) -> None:
        """Let stay what follows from no file: PRIVATE and unknown records, and those of files that cannot be described."""
        contents, dropped = self.contents, self.kept.dropped
        used = set(growth.former.values())
        others = [index for index in contents.tree.walk() if index not in used and index not in self.gone]
        homes = used | {NONE}
        dropped[:] = b"\1" * len(dropped)
        for index in others:
            if self._may_stay(index) and contents.tree.parent[index] in homes:
                homes.add(index)
                dropped[index] = 0
            elif contents.type_name(index) not in LEVELS:
                self._lose(index, "FS-RECORD-ORPHAN", "there is no record that it belongs to, or it cannot be read")
        for index in reversed(others):
            if not dropped[index] and self._is_left_alone(index):
                dropped[index] = 1
                self._lose(
                    index, "FS-RECORD-TYPE", "nobody knows its type, and all that was below it belongs elsewhere"
                )

    def _is_left_alone(self, index: int) -> bool:
        empty = next(self.kept.children(index), NONE) == NONE and self.contents.tree.lower[index] != NONE
        return empty and self.contents.type_name(index) not in RECORD_TYPES

    def _may_stay(self, index: int) -> bool:
        kind = self.contents.type_name(index)
        known = RECORD_TYPES.get(kind)
        needs_file = known is not None and known.references_file is True
        fits = not needs_file or self.contents.references_file(index)
        return kind not in LEVELS and kind != "MRDR" and fits and is_whole(self.contents.flat, index)

    def _tell(self, growth: Growth) -> None:
        """Report the instances whose records are new."""
        for reference, node in enumerate(growth.nodes, len(self.contents.flat)):
            if node.source < 0 or reference in growth.bodies:
                continue
            rows = self.report.refreshed if node.source in self.listed else self.report.added
            name = self.offer.in_place[node.source].decode("ascii", "replace")
            rows.append(self.offer.sources.name(node.source), name, node.sop_instance_uid, node.record_type)
