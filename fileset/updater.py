"""File-set Updater (PS3.10 8.3): instances in and out of a file-set that exists; all else stays as it is.

Kept files keep their File IDs, kept records their bytes, and the file-set its File-set UID. Everything is found out
first and written by the one commit protocol; until then nothing has happened.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from attrs import evolve

from fileset.dicom.header import HeaderError
from fileset.dicomdir.read.directory import Contents, conditions
from fileset.dicomdir.write.header import Identification, renewed_frame
from fileset.dicomdir.write.kept import Kept
from fileset.errors import INDEX_AGAIN, REPAIR, FilesetError, FormatError, RefusedError, RuleError
from fileset.file_id import FileId
from fileset.findings import ERROR, Finding, Where
from fileset.media.open import no_dicomdir, updatable
from fileset.media.system.files import named
from fileset.plan.commit import Plan, clean_up, commit, rehearse
from fileset.plan.copy_findings import clears, cut_off
from fileset.plan.dicomdir_file import absent_from, read_dicomdir
from fileset.plan.names import SCHEMES
from fileset.plan.scan import Phases, outcomes, phase
from fileset.plan.update import Intake, drafted, filled, removals
from fileset.records.describe import Instance, Policy
from fileset.records.tree import TreeBuilder
from fileset.report import Removed, Report, Skipped
from fileset.standard import tags

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pydicom.dataset import Dataset

    from fileset.media.base import Format, UpdatableMedium

_MENDED: Final = frozenset(
    (
        *("FS-DICOMDIR-SYNTAX", "FS-DICOMDIR-META", "FS-RECORD-SEQUENCE-LENGTH", "FS-CONSISTENCY-FLAG"),
        *("FS-OFFSET-SHIFTED", "FS-OFFSET-ABSENT", "FS-OFFSET-LAST", "FS-RECORD-IN-USE-FLAG"),
        *("FS-RECORD-TYPE", "FS-FILE-ID-FORM"),
    )
)
"""Errors of a DICOMDIR that leave no doubt what its records are: they are gone once it is written anew, or they stay
and do no harm."""


class Updater:
    """Changes the file-set on `medium`.

    Used as a context, it writes on a clean exit and changes nothing otherwise; `report` then says what was done. What is
    removed goes before anything is added, whatever the order of the calls.

    `medium_format`: unless given, what is there says it. `naming`: the scheme of the File IDs of new files. `missing`,
    `unknown_sop_class`, `invalid_uid`, `preamble` (of files that are copied), `jobs`, `executor`, `progress`: as those of `Creator`.

    Raises `FormatError` if there is no DICOMDIR that can be read, and `RefusedError` if it is damaged so that an update
    could lose something, or has no Directory Information Module, which may not be added (PS3.4 I.3.3).
    """

    def __init__(
        self,
        medium: str | os.PathLike[str],
        *,
        medium_format: Format | str | None = None,
        naming: str = "counter",
        missing: str = "invent",
        unknown_sop_class: str = "image",
        invalid_uid: str = "refuse",
        preamble: str = "keep",
        jobs: int | None = None,
        executor: Executor | None = None,
        progress: Phases | None = None,
    ) -> None:
        if naming not in SCHEMES:
            raise RuleError(f"there is no naming scheme {naming!r}; use one of {', '.join(SCHEMES)}")
        self._naming = naming
        self._scan = partial(
            outcomes,
            policy=Policy(missing, unknown_sop_class, invalid_uid),
            jobs=jobs,
            executor=executor,
            progress=phase(progress, "scan"),
        )
        self._progress = phase(progress, "write")
        self._clears_preambles = clears(preamble)
        self._medium = updatable(medium, medium_format)
        self._data = _read(self._medium)
        self._contents = _contents(self._medium, self._data)
        self._kept = Kept(self._contents)
        self._intake = Intake(self._medium)
        self._unusable: list[Skipped] = []  # files of the medium that cannot be referenced where they lie
        self._replacing: set[int] = set()  # sources that may replace an instance
        self._refreshed: dict[int, int] = {}  # source -> its record
        self._removed: dict[int, bool] = {}  # record -> whether its file stays
        self._identification = _identification(self._contents)
        self._changes: dict[int, bytes | None] = {}
        self._report: Report | None = None

    # ------------------------------------------------------------ what shall be done

    def add(self, *sources: str | os.PathLike[str] | Dataset, replace: bool = False) -> None:
        """Add files, folders with all that is below them, all files of images and archives, and pydicom data sets. Files
        that lie on the medium already stay there.

        An instance that is in the file-set already is skipped: under FS-INSTANCE-DUPLICATE if its bytes are the same,
        else under FS-INSTANCE-CONFLICT; or with `replace` it takes the place of the other, which is removed.
        Files are looked at when the file-set is written. Raises `MediumError` if a path does not exist, and
        `FormatError` if an image or archive cannot be read at all.
        """
        before = len(self._intake.sources)
        for source in sources:
            if isinstance(source, str | os.PathLike):
                self._unusable += self._intake.add_path(source, self._kept.is_named)
            else:
                self._intake.sources.add_dataset(source)
        if replace:
            self._replacing.update(range(before, len(self._intake.sources)))

    def remove(self, *, level: str | None = None, keep_files: bool = False, **keys: object) -> int:
        """Remove all that matches `keys`, as `Reader.find` matches: instances, or whole records of one `level`.

        Patients, studies and series that nothing is left of go too. With `keep_files` the files stay, no longer
        referenced. Gives the number of instances that go. Raises `RuleError` without keys, and
        `RefusedError` if a Multi-Referenced File Directory Record would have to change.
        """
        if not keys:
            raise RuleError("remove: say what, by at least one key; PatientID='*' means everything")
        if empty := [name for name, value in keys.items() if value in ("", None)]:
            raise RuleError(
                f"remove: {empty[0]} has no value, which matches everything: say {empty[0]}='*' if that is meant"
            )
        wanted = conditions(keys)
        found = list(self._contents.find(level, wanted) if level else self._contents.topmost(wanted))
        gone = [below for index in found for below in self._kept.drop(index)]
        _refuse_mrdr(self._contents, gone)
        self._removed.update(dict.fromkeys(gone, keep_files))
        return sum(map(self._contents.references_file, gone))

    def refresh(self, **keys: object) -> int:
        """Read the keys of the instances that match, all without `keys`, again from their files.

        Their records are made anew, and so are those of their patients, studies and series: nothing that was in them
        stays in the DICOMDIR. Gives the number of instances. Raises `RefusedError` as `remove`, `MediumError` or
        `FormatError` if a file is not there.
        """
        found = [index for index in self._contents.find(None, conditions(keys)) if not self._kept.dropped[index]]
        _refuse_mrdr(self._contents, found)
        for index in found:
            file_id = self._contents.file_id(index)
            if file_id is None:
                raise FormatError(f"the record at offset {self._contents.flat.start[index]} names no file to read")
            source = self._intake.add_member(file_id, self._contents.file_id_value(index))
            self._intake.listed.add(source)
            self._refreshed[source] = index
        return len(found)

    def absent(self, keywords: Iterable[str]) -> dict[str, int]:
        """Those keywords that stand for a key which no record has, so that nothing can match it, each with its tag."""
        return absent_from(self._contents, keywords)

    @property
    def file_set_id(self) -> str:
        """File-set ID (0004,1130), "" for none. Set it to change it; `RuleError` if it breaks the rules of PS3.10 8.1."""
        return self._text(tags.FILE_SET_ID)

    @file_set_id.setter
    def file_set_id(self, value: str) -> None:
        self._identification = evolve(self._identification, file_set_id=value)
        self._changes[tags.FILE_SET_ID] = value.encode("ascii")
        self._medium.entitle(value)

    @property
    def descriptor_file_id(self) -> FileId | None:
        """File-set Descriptor File ID (0004,1141), None for none; to be set as a `FileId`, or as a path."""
        value = self._text(tags.DESCRIPTOR_FILE_ID)
        return FileId.tolerant(value) if value else None

    @descriptor_file_id.setter
    def descriptor_file_id(self, value: FileId | str | None) -> None:
        file_id = FileId.from_path(value) if isinstance(value, str) else value
        self._identification = evolve(self._identification, descriptor_file_id=file_id)
        self._changes[tags.DESCRIPTOR_FILE_ID] = file_id.value.encode("ascii") if file_id else None
        if file_id is None:
            self._changes[tags.DESCRIPTOR_CHARACTER_SET] = None

    @property
    def descriptor_character_set(self) -> str:
        """Specific Character Set of File-set Descriptor File (0004,1142), "" for none; set it after the descriptor."""
        return self._text(tags.DESCRIPTOR_CHARACTER_SET)

    @descriptor_character_set.setter
    def descriptor_character_set(self, value: str) -> None:
        with_descriptor = evolve(self._identification, descriptor_file_id=self.descriptor_file_id)
        self._identification = evolve(with_descriptor, descriptor_character_set=value)
        self._changes[tags.DESCRIPTOR_CHARACTER_SET] = value.encode("ascii") or None

    def _text(self, tag: int) -> str:
        changed = self._changes.get(tag, b"") or b""
        return changed.decode("ascii") if tag in self._changes else self._contents.text(tag)

    # ------------------------------------------------------------ doing it

    @property
    def report(self) -> Report:
        """What was done; `RuleError` before `commit`."""
        if self._report is None:
            raise RuleError("there is no report before the file-set is written")
        return self._report

    def commit(self, *, dry_run: bool = False) -> Report:
        """Write the changes, or with `dry_run` only find out what they would be.

        Raises `RefusedError` if an instance cannot be replaced or refreshed without loss, or new ones belong to a record
        that is there twice; `MediumError` if the medium fails or is too small. It is then as it was.
        """
        if self._report is not None and not self._report.dry_run:
            raise RuleError("the update was written already: open the file-set again to change it further")
        report = Report(self._medium.name, self.file_set_id, self._contents.file_set_uid, dry_run=dry_run)
        report.identified = bool(self._changes)
        report.note_medium(self._medium.inquire_file_set())
        if not dry_run:
            clean_up(self._medium)
        plan = self._plan(report)
        if plan is not None and dry_run:
            rehearse(plan, self._medium)
        elif plan is not None:
            report.written = commit(plan, self._medium, progress=self._progress)
        self._report = report
        report.findings += cut_off(self._intake.sources)
        return report

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._report is None:
                self.commit()
        finally:
            self.close()

    def close(self) -> None:
        """Release the medium, and images that were added."""
        self._intake.sources.close()
        self._medium.close()

    # ------------------------------------------------------------ the plan

    def _plan(self, report: Report) -> Plan | None:
        """What is to be done, None for nothing; `report` then says it."""
        kept = Kept(self._contents)
        report.findings += self._contents.findings + _lost_from_sight(kept)
        report.skipped += self._unusable
        for index in self._removed:
            kept.drop(index)
        offered, replaced = self._offered(kept, report)
        report.skipped += [Skipped(name, "FS-MEDIUM-DAMAGED", note) for name, note in self._intake.sources.damage()]
        report.note_links(self._intake.sources.outside())
        gone = self._removed | dict.fromkeys((index for indexes in replaced.values() for index in indexes), False)
        if not (offered or gone or self._changes):
            return None
        renewed = [self._refreshed[source] for source, _ in offered if source in self._refreshed]
        kept.renewed.update(above for index in renewed for above in kept.above(index))
        for index in (*gone, *renewed):
            kept.drop(index)
        kept.prune()
        tree = self._filled(offered, replaced, kept, report)
        frame = renewed_frame(self._contents.flat, self._changes)
        plan = drafted(self._intake, kept, tree, frame, self._naming, report)
        report.findings += tree.findings
        return evolve(plan, removals=self._removals(gone, kept, report), basis=self._data)

    def _offered(self, kept: Kept, report: Report) -> tuple[list[tuple[int, Instance]], dict[bytes, list[int]]]:
        """The instances that may go in, by source, and the records they replace, by SOP Instance UID."""
        offered: list[tuple[int, Instance]] = []
        replaced: dict[bytes, list[int]] = {}
        self._intake.sources.stamp()
        for source, found in enumerate(self._scan(self._intake.sources)):
            if len(found) == 2:
                report.skipped.append(Skipped(self._intake.sources.name(source), *found))
                continue
            instance = Instance(*found)
            if self._clears_preambles and source not in self._intake.in_place:
                self._intake.sources.clear_preambles((source,))
            try:
                former = self._former(source, instance.sop_instance_uid, kept)
            except HeaderError as problem:
                report.skipped.append(Skipped(self._intake.sources.name(source), problem.rule, problem.reason))
                continue
            if former:
                replaced[instance.sop_instance_uid] = former
            offered.append((source, instance))
        return offered, replaced

    def _former(self, source: int, uid: bytes, kept: Kept) -> list[int]:
        """The records that a source replaces. Raises `HeaderError` if it must not."""
        own = self._refreshed.get(source)
        holders = [index for index in kept.instances(uid) if index != own]
        if not holders:
            return []
        shown = uid.decode("ascii", "replace")
        other = "with other contents; --replace takes this one instead"
        try:
            same = own is None and any(self._holds(index, source) for index in holders)
        except FilesetError as problem:
            same, other = False, f"in a file that cannot be read to compare: {problem}"
        if same:
            raise HeaderError("FS-INSTANCE-DUPLICATE", f"the file-set holds instance {shown} with the same bytes")
        if source not in self._replacing:
            raise HeaderError("FS-INSTANCE-CONFLICT", f"the file-set holds instance {shown} {other}")
        _refuse_mrdr(self._contents, holders)
        return holders

    def _holds(self, index: int, source: int) -> bool:
        """Whether the file of a record has the bytes of a source. Raises `FilesetError` if it cannot be read."""
        file_id = self._contents.file_id(index)
        if file_id is None or self._medium.inquire_file(file_id).size != self._intake.sources.inquire(source).size:
            return False
        with named(file_id.path), self._medium.open(file_id) as file:
            return self._intake.sources.holds(source, file)

    def _filled(
        self, offered: list[tuple[int, Instance]], replaced: dict[bytes, list[int]], kept: Kept, report: Report
    ) -> TreeBuilder:
        """The tree of the new instances. Raises `RefusedError` if one fails to take the place of a record that goes."""
        refused: dict[int, HeaderError] = {}
        tree = filled(self._intake, offered, kept, refused.__setitem__)
        for source, instance in offered:
            problem = refused.get(source)
            if problem is None:
                continue
            name, uid = self._intake.sources.name(source), instance.sop_instance_uid
            if source in self._refreshed or (uid in replaced and uid not in tree):
                raise RefusedError(f"cannot take the place of its record: {problem}; nothing was written", path=name)
            report.skipped.append(Skipped(name, problem.rule, problem.reason))
        return tree

    def _removals(self, gone: dict[int, bool], kept: Kept, report: Report) -> list[FileId]:
        contents = self._contents
        for index, stays in sorted(gone.items()):
            uid, file_id = contents.reference(index, tags.REFERENCED_SOP_INSTANCE_UID), contents.file_id(index)
            if file_id is not None:
                report.removed.append(Removed(file_id, uid, contents.type_name(index), not stays))
            if file_id is not None and stays:
                report.findings.append(_unlisted(contents, index, file_id))
        going = [index for index, stays in sorted(gone.items()) if not stays]
        return removals(kept, going, self._intake, report) if going else []


# ---------------------------------------------------------------- what can be updated


def _read(medium: UpdatableMedium) -> bytes:
    if not medium.has_dicomdir():
        raise no_dicomdir(medium)
    return read_dicomdir(medium)


def _contents(medium: UpdatableMedium, data: bytes) -> Contents:
    """What the DICOMDIR says. Raises `FormatError` or `RefusedError` if it cannot be updated without loss."""
    try:
        contents = Contents(data)
    except FormatError as problem:
        raise FormatError(f"{problem}", path=medium.name, advice=REPAIR) from problem
    if any(finding.rule == "FS-DIRECTORY-ABSENT" for finding in contents.findings):
        raise RefusedError(
            "the DICOMDIR has no Directory Information Module, and an update may not add it (PS3.4 I.3.3)",
            path=medium.name,
            advice=INDEX_AGAIN,
        )
    serious = [one for one in contents.findings if one.severity == ERROR and one.rule not in _MENDED]
    if serious:
        raise RefusedError(f"an update could lose records: {serious[0]}", path=medium.name, advice=REPAIR)
    if any(finding.rule == "FS-CONSISTENCY-FLAG" for finding in contents.findings):
        _refuse_missing(medium, contents)
    return contents


def _identification(contents: Contents) -> Identification:
    try:
        return Identification(contents.file_set_uid)
    except RuleError as problem:
        raise RefusedError(f"{problem}", path=contents.file, advice=REPAIR) from problem


def _refuse_missing(medium: UpdatableMedium, contents: Contents) -> None:
    """PS3.3-2008 F.3.2.2: a directory that says it may be out of date is not trusted before it was compared."""
    for path in contents.paths():
        try:
            medium.inquire_file(FileId.tolerant(path))
        except FilesetError as problem:
            raise RefusedError(
                f"File-set Consistency Flag is not 0000H, and the directory is out of date: {problem}",
                path=medium.name,
                advice=REPAIR,
            ) from problem


def _refuse_mrdr(contents: Contents, indexes: Iterable[int]) -> None:
    if "MRDR" not in contents.flat.types:
        return
    for index in indexes:
        if contents.element(index, tags.MRDR_OFFSET):
            raise RefusedError(
                f"the record at offset {contents.flat.start[index]} shares its file through a "
                f"Multi-Referenced File Directory Record (retired, PS3.3-2003 F.6.2), which is not changed",
                path=contents.file,
                advice=REPAIR,
            )


def _lost_from_sight(kept: Kept) -> list[Finding]:
    """The files of inactive records, which nothing references once the directory is written anew."""
    contents, hidden = kept.contents, kept.tree.hidden
    if 1 not in hidden:
        return []
    inactive = [index for index, flag in enumerate(hidden) if flag and contents.references_file(index)]
    return [_unlisted(contents, index, name) for index in inactive if (name := contents.file_id(index))]


def _unlisted(contents: Contents, index: int, file_id: FileId) -> Finding:
    where = Where(contents.file, offset=contents.flat.start[index])
    return Finding("FS-FILE-UNLISTED", f"{file_id} stays on the medium, and no record references it", where)
