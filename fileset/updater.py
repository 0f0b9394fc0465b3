"""File-set Updater (PS3.10 8.3): adds, removes and refreshes instances of an existing file-set.

All other files keep their File IDs, all other records their bytes, and the file-set keeps its File-set UID. The Updater
plans the whole change first; then `plan.commit` writes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from attrs import define, evolve, field

from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.write.header import Identification
from fileset.dicomdir.write.kept import Kept
from fileset.dicomdir.write.layout import NONE
from fileset.errors import (
    INDEX_AGAIN,
    REPAIR,
    FilesetError,
    FormatError,
    MediumError,
    RefusedError,
    RuleError,
    require_one_of,
)
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import ERROR, Finding, Where
from fileset.media.open import no_dicomdir, updatable
from fileset.plan.choice import Choice
from fileset.plan.commit import carry_out, unreported
from fileset.plan.copy_findings import stale_pages, without_cured
from fileset.plan.dicomdir_file import absent_from, read_contents
from fileset.plan.inputs import Sources
from fileset.plan.intake import WritingRole, request
from fileset.plan.losses import refuse_losses
from fileset.plan.names import SCHEMES, Naming
from fileset.plan.offer import Offer
from fileset.plan.recovery import clean_up
from fileset.plan.secured import (
    check_secure,
    former_recipients,
    opening_of,
    secure_findings,
    secure_format,
    view_of,
)
from fileset.plan.selection import strict_conditions
from fileset.plan.self_check import update_findings
from fileset.plan.update import Request, refuse_nested, refuse_shared, update
from fileset.report import Report, Skipped
from fileset.standard import tags

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from fileset.media.base import Format, UpdatableMedium

_MENDED: Final = frozenset(
    (
        *("FS-DICOMDIR-SYNTAX", "FS-DICOMDIR-META", "FS-RECORD-SEQUENCE-LENGTH", "FS-CONSISTENCY-FLAG"),
        *("FS-OFFSET-SHIFTED", "FS-OFFSET-ABSENT", "FS-OFFSET-LAST", "FS-RECORD-IN-USE-FLAG"),
        "FS-RECORD-INACTIVE",
        *("FS-RECORD-TYPE", "FS-FILE-ID-FORM"),
    )
)
"""Errors of a DICOMDIR that do not make its records uncertain. An update corrects them, or leaves harmless ones."""


@define(slots=False, eq=False, repr=False)
class Updater(WritingRole):
    """Change the file-set on `medium` (File-set Updater, PS3.10 8.3).

    Use it as a context manager. A clean exit writes the changes unless `commit` was called, also with `dry_run`; it
    raises `RuleError` if more was asked for after a dry run. After an exception the medium is as it was. `report` has
    the results. Instances are removed before others are added, whatever the order of the calls.

    The options for new files have the meaning that `Creator` gives them: `missing`, `unknown_sop_class`, `invalid_uid`,
    `patient_conflict`, `keys`, `preamble`, `add_header`, `trust_dicomdir`, `icons`, `profile`, `strict`, `transcode`, `jobs`,
    `executor` and `progress`. They hold for every call of `add`. `profile` does not judge instances that were there
    before; `check_file_set` does that.

    Args:
        medium: A folder, an image, an archive, or the DICOMDIR in it.
        medium_format: "folder", "iso" or "zip"; by default the medium itself decides.
        security: Opens the files of a secure file-set (PS3.15 D.1), and encrypts new files and the DICOMDIR for its
            recipients; other files stay untouched.
        force: Change an image even if the new image loses features that this package cannot write, such as a boot record.
        naming: The scheme of the File IDs of new files, one of `fileset.plan.names.SCHEMES`.

    Raises:
        FormatError: There is no DICOMDIR that can be read.
        RefusedError: The DICOMDIR is so damaged that an update could lose records, or it has no Directory Information
            Module, which an update may not add (PS3.4 I.3.3).
    """

    _path: str | os.PathLike[str] = field(alias="medium")
    _medium_format: Format | str | None = field(default=None, kw_only=True)
    _naming: Naming = field(default="counter", kw_only=True)
    _force: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_one_of("naming scheme", self._naming, SCHEMES)
        self._medium = updatable(self._path, secure_format(self._medium_format, self._security))
        is_secure = view_of(self._medium) is not None
        self._intake = self._intake_for(self._medium.form, self._medium.inquire_file_set, is_secure=is_secure)
        self._contents = _contents(self._medium)
        self._sources = Sources(opening_of(self._medium))
        self._request = Request(
            self._naming,
            self._patient_conflict,
            self._intake,
            Offer(self._medium, self._sources),
            Kept(self._contents),
        )
        try:
            self._identification = Identification(self._contents.file_set_uid)
        except RuleError as problem:
            raise RefusedError(f"{problem}", path=self._contents.file, advice=REPAIR) from problem

    # ------------------------------------------------------------ the changes

    @request
    def add(
        self,
        *sources: str | os.PathLike[str] | Dataset,
        replace: bool = False,
        only: Mapping[str, object] | None = None,
        exclude: Iterable[str] = (),
    ) -> None:
        """Add sources: files, folders, images and archives with everything in them, and pydicom data sets.

        A file that is already on the medium is listed and stays in its place. An instance that is already in the file-set
        is skipped, under the rule FS-INSTANCE-DUPLICATE if its bytes are the same and FS-INSTANCE-CONFLICT otherwise; with
        `replace` it takes the place of the old instance, which is removed. `only` and `exclude` choose files as in
        `Creator.add`. The files are read when the change is written.

        Raises:
            MediumError: A path does not exist.
            FormatError: An image or archive cannot be read at all.
        """
        before = len(self._sources)
        choice = Choice.of(only, exclude)
        self._sources.expect_matches(choice)
        for source in sources:
            if isinstance(source, str | os.PathLike):
                self._request.unusable += self._request.offer.add_path(source, self._request.kept.is_named, choice)
            else:
                self._sources.add_dataset(source)
        if replace:
            self._request.replacing.update(range(before, len(self._sources)))

    @request
    def remove(self, *, level: str | None = None, keep_files: bool = False, **keys: object) -> int:
        """Remove the instances that match `keys`, as `Reader.find` matches, or whole records of one `level`.

        Patients, studies and series without any instance left are removed too. With `keep_files` the files stay on the
        medium without a record. Returns the number of removed instances.

        Raises:
            RuleError: There are no keys, or a condition also matches records without a value.
            RefusedError: A Multi-Referenced File Directory Record would have to change, or instances that do not match are
                below the record of one that does.
        """
        if not keys:
            raise RuleError("remove: no key given", advice="PatientID='*' means everything")
        wanted = strict_conditions("remove", keys)
        found = list(self._contents.find(level, wanted) if level else self._contents.topmost(wanted))
        kept = self._request.kept
        refuse_shared(self._contents, (each for index in found for each in (index, *kept.below(index))))
        if nested := [index for index in found if self._contents.tree.lower[index] != NONE]:
            refuse_nested(kept, nested, frozenset(self._contents.find(None, wanted)))
        gone = [each for index in found for each in kept.drop(index)]
        self._request.removed.update(dict.fromkeys(gone, keep_files))
        return sum(map(self._contents.references_file, gone))

    @request
    def refresh(self, **keys: object) -> int:
        """Read the keys of the instances that match `keys` again from their files; without `keys`, of all instances.

        Their records are built from the files alone. A record of a patient, study or series gets a new value only if no file
        below it has the old one any more, and the report has both values. If all files below it are read again, no other
        old value stays. The report names each file of another patient, study, series or instance than its record, and is
        then not `complete`. A file that is missing, cannot be read or, under `patient_conflict`, is refused is skipped, and
        its record stays. Returns the number of instances that match.

        Raises:
            RefusedError: A Multi-Referenced File Directory Record would have to change.
        """
        found = [
            index
            for index in self._contents.find(None, strict_conditions("refresh", keys))
            if not self._request.kept.dropped[index]
        ]
        refuse_shared(self._contents, found)
        for index in found:
            self._offer_again(index)
        return len(found)

    def _offer_again(self, index: int) -> None:
        """Offer the file of a record, to read its keys again; note it as skipped if it is not there."""
        request, file_id = self._request, self._contents.file_id(index)
        if file_id is None:
            reason = f"the record at offset {self._contents.flat.start[index]} names no file to read"
            request.unusable.append(Skipped(self._contents.file, "FS-RECORD-REFERENCE", reason))
            return
        try:
            source = request.offer.add_member(file_id, self._contents.file_id_value(index))
        except (MediumError, FormatError) as problem:
            reason = problem.text(known_path=file_id.path)
            request.unusable.append(Skipped(file_id.path, "FS-FILE-MISSING", reason))
        else:
            request.offer.record_of[source] = index

    def absent(self, keywords: Iterable[str]) -> dict[str, int]:
        """Return the keywords whose key no record has, so that nothing can match it, each with its tag."""
        return absent_from(self._contents, keywords)

    @property
    def file_set_id(self) -> str:
        """File-set ID (0004,1130), "" for none. Assign to change it; raises `RuleError` if it breaks PS3.10 8.1."""
        return self._text(tags.FILE_SET_ID)

    @file_set_id.setter
    @request
    def file_set_id(self, value: str) -> None:
        self._identification = evolve(self._identification, file_set_id=value)
        self._request.changes[tags.FILE_SET_ID] = value.encode("ascii")
        self._medium.entitle(value)

    @property
    def descriptor_file_id(self) -> FileId | None:
        """File-set Descriptor File ID (0004,1141), None for none. Assign a `FileId` or a path to change it."""
        value = self._text(tags.DESCRIPTOR_FILE_ID)
        return FileId.tolerant(value) if value else None

    @descriptor_file_id.setter
    @request
    def descriptor_file_id(self, value: FileId | str | None) -> None:
        file_id = FileId.from_path(value) if isinstance(value, str) else value
        self._identification = evolve(self._identification, descriptor_file_id=file_id)
        self._request.changes[tags.DESCRIPTOR_FILE_ID] = file_id.value.encode("ascii") if file_id else None
        if file_id is None:
            self._request.changes[tags.DESCRIPTOR_CHARACTER_SET] = None

    @property
    def descriptor_character_set(self) -> str:
        """Specific Character Set of File-set Descriptor File (0004,1142), "" for none; set it after the descriptor."""
        return self._text(tags.DESCRIPTOR_CHARACTER_SET)

    @descriptor_character_set.setter
    @request
    def descriptor_character_set(self, value: str) -> None:
        with_descriptor = evolve(self._identification, descriptor_file_id=self.descriptor_file_id)
        self._identification = evolve(with_descriptor, descriptor_character_set=value)
        self._request.changes[tags.DESCRIPTOR_CHARACTER_SET] = value.encode("ascii") or None

    def _text(self, tag: int) -> str:
        changed = self._request.changes.get(tag, b"") or b""
        return changed.decode("ascii") if tag in self._request.changes else self._contents.text(tag)

    # ------------------------------------------------------------ doing it

    def commit(self, *, dry_run: bool = False, hashes: bool = False) -> Report:
        """Write the changes and return the report; with `dry_run` only plan them: then only another `commit` writes.

        Raises:
            RefusedError: An instance cannot be replaced or refreshed without loss, or the DICOMDIR has two records to
                which a new instance could belong.
            MediumError: The medium fails or is too small; it is then as it was.
        """
        self._refuse_written()
        return self._sources.without_lost(partial(self._commit, dry_run=dry_run, hashes=hashes), again=True)

    def _commit(self, *, dry_run: bool, hashes: bool) -> Report:
        report = Report(
            self._medium.name, self.file_set_id, self._contents.file_set_uid, dry_run=dry_run, hashes=hashes
        )
        report.identified = bool(self._request.changes)
        report.note_medium(self._medium.inquire_file_set())
        cleaned = clean_up(self._medium, dry_run=dry_run)
        added = [index for index in range(len(self._sources)) if index not in self._request.offer.in_place]
        report.findings += self._intake.add_headers(self._sources, added)
        self._intake.transcode(self._sources, added)
        plan = update(self._request, report)
        report.findings += [*cleaned, *self._intake.findings()]
        report.findings += secure_findings(self._medium) + former_recipients(self._medium)
        report.findings = without_cured(report.findings)
        self._intake.profile.judge(report)
        there = sum(map(self._contents.references_file, range(len(self._contents))))
        kept = there - len(report.removed) - len(report.refreshed)
        report.findings += self._intake.profile.unjudged(kept, report.medium)
        unlisted = list(update_findings(self._request, report))
        if plan is not None:
            refuse_losses(self._medium, report, force=self._force)
            carry_out(plan, self._medium, report, self._progress or unreported)
            if report.added or report.removed or report.refreshed:
                report.findings += stale_pages(self._medium)
        report.findings += unlisted
        report.findings += self._nothing_added(report)
        return self._reported(report)

    def _nothing_added(self, report: Report) -> Iterator[Finding]:
        """Report that sources were given and none can be a member; a copy of a member could be."""
        useless = all(one.foreign or one.rule == "FS-FILE-IS-DICOMDIR" for one in report.skipped) and report.skipped
        if not (report.added or report.refreshed or self._request.offer.listed) and (
            useless or self._sources.unmatched
        ):
            nothing = self._sources.nothing_listed("added", dry_run=report.dry_run)
            yield Finding("FS-NOTHING-ADDED", nothing, Where(report.medium))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._writes_at_exit():
                self.commit()
        finally:
            self.close()

    def close(self) -> None:
        """Release the medium, and images that were added."""
        self._sources.close()
        self._medium.close()


# ---------------------------------------------------------------- conditions for updates


def _contents(medium: UpdatableMedium) -> Contents:
    """Read the DICOMDIR. Raises `FormatError` or `RefusedError` if an update could lose records."""
    if not medium.has_dicomdir():
        raise no_dicomdir(medium)
    check_secure(medium)
    contents = read_contents(medium, DICOMDIR)
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


def _refuse_missing(medium: UpdatableMedium, contents: Contents) -> None:
    """Raise `RefusedError` if a listed file is missing; asked if the Consistency Flag admits that (PS3.3-2008 F.3.2.2)."""
    for path in contents.paths():
        try:
            medium.inquire_file(FileId.tolerant(path))
        except FilesetError as problem:
            raise RefusedError(
                f"File-set Consistency Flag is not 0000H, and the directory is out of date: {problem}",
                path=medium.name,
                advice=REPAIR,
            ) from problem
