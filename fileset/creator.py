"""File-set Creator (PS3.10 8.3): DICOM files -> a new file-set.

`Creator` copies files to a new medium; `index` writes the DICOMDIR for files that stay where they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, nullcontext
from functools import partial
from itertools import starmap
from typing import TYPE_CHECKING, Any, Final, Self

from attrs import define, evolve, field

from fileset.dicomdir.write.header import Identification, new_uid
from fileset.errors import INDEX_FOLDER, INDEX_INSTEAD, RefusedError, RuleError, require_one_of
from fileset.file_id import FileId, is_path
from fileset.findings import Finding, Where
from fileset.media.base import MediumFormat, ReadableMedium
from fileset.media.folder.medium import FolderMedium
from fileset.media.open import (
    FOLDER,
    file_set_above,
    format_for,
    place_of,
    readable,
    refuse_dicomdir,
    scannable,
    volumes_there,
)
from fileset.media.remote.access import is_url
from fileset.media.system.discs import DISC_NAMES
from fileset.media.system.files import STANDARD_OUTPUT, path_of
from fileset.media.system.walk import WORK, place_below
from fileset.plan.choice import Choice
from fileset.plan.commit import unreported
from fileset.plan.companion import Companion
from fileset.plan.copy_findings import cleared, without_cured
from fileset.plan.extra_files import Included
from fileset.plan.icons import IconPlace, Icons
from fileset.plan.identification import former_identification, identify, taken_over
from fileset.plan.inputs import Sources
from fileset.plan.intake import WritingRole, request
from fileset.plan.names import SCHEMES, Naming
from fileset.plan.new_file_set import IN_PLACE, Recipe, refuse_existing
from fileset.plan.offer import id_in_place
from fileset.plan.recovery import NOTHING_FINISHED, clean_up
from fileset.plan.scan import Outcome, Refused, collect
from fileset.plan.secured import encrypting, no_pages, secure_findings
from fileset.plan.source_file_set import SourceFileSets
from fileset.plan.transform import Rewrite, Streamed, Transform, by_dataset, rewrite_sources
from fileset.plan.volumes import write_volume, write_volumes
from fileset.plan.workers import Phases, phase
from fileset.records.arranged import Arranged
from fileset.records.describe import InvalidUid, Missing, UnknownSopClass
from fileset.records.person import PatientConflict
from fileset.records.tree import TreeBuilder
from fileset.report import Report, Skipped

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pydicom.dataset import Dataset

    from fileset.pages.options import WebOptions
    from fileset.secure.security import Security

LISTED_ONLY: Final = "no record of the DICOMDIR references it; without --listed-only it is included"


@define(slots=False, eq=False, repr=False)
class Creator(WritingRole):
    """Create a new file-set in a folder, an ISO image or a ZIP archive (File-set Creator, PS3.10 8.3).

    Use it as a context manager. A clean exit writes the file-set unless `commit` was called, also with `dry_run`; it
    raises `RuleError` if more was added after a dry run. After an exception the medium is as it was. DICOM files are
    copied byte for byte unless an option changes them. A file that ends inside a data element is copied too, and
    reported under the rule FS-FILE-TRUNCATED.

    Args:
        medium: Where to write. The suffix selects the format: `.iso`, `.zip`, anything else is a folder. "-" is a ZIP
            archive on standard output.
        medium_format: "folder", "iso" or "zip"; overrides the suffix.
        medium_options: "joliet" adds long names to an ISO image, "udf" a second file system as on DVDs (PS3.12 P);
            "compress" deflates the files of a ZIP archive.
        volume_size: Bytes per medium, as a number, "700MB" or "DVD". Larger sets are split into several file-sets,
            OUT_1, OUT_2 and so on; `report.volumes` describes each.
        file_set_id: Name of the file-set, up to 16 characters A-Z, 0-9 and _ (PS3.10 8.1). None keeps the File-set ID of
            the file-set that is added, if there is one.
        file_set_uid: File-set UID (PS3.10 8.6), a new one by default.
        keep_file_set_uid: Keep the File-set UID of the one file-set that is added.
        descriptor_file_id: File ID of a text file that describes the file-set (PS3.3 F.3.2.1).
        descriptor_character_set: Character set of that file, such as "ISO_IR 100".
        naming: How files are named, one of `fileset.plan.names.SCHEMES`.
        missing: If a file lacks a Type 1 key of its record, "invent" the value and report it, or "refuse" the file.
        unknown_sop_class: If the SOP class is unknown, "image" lists the file as IMAGE if it has pixel data and as
            PRIVATE otherwise, "private" always lists it as PRIVATE, "refuse" skips it.
        invalid_uid: "accept" UIDs that break the rules of PS3.5 9.1 but have only digits and dots, with a warning, or
            "refuse" such files.
        patient_conflict: If one Patient ID has two persons, or one study has two Patient IDs, "refuse" the later files,
            "split" them into records of their own, or "merge" them with the first.
        keys: The optional keys of records: "usual" (descriptions, positions and the like),
            "minimal", or "+KEYWORD,..." to add attributes to the usual ones. A wrong value is left out and reported.
        preamble: "keep", or "zero" to clear preambles that are neither zero nor TIFF: such a file may be a program
            (PS3.10 7.5).
        trust_dicomdir: If a file and its record in the DICOMDIR of a source disagree about Patient ID, Study or Series
            Instance UID, use the record. By default the file is used. Each disagreement is reported.
        replace: Replace a file-set that is there.
        add_header: Accept data sets without a Part 10 header (PS3.10 7.1), and write them with one.
        listed_only: If a source is a file-set, skip and report the DICOM files that no record references.
        profile: An application profile of PS3.11, such as "STD-GEN-CD": its keys are added to the records, and files that
            do not conform to it are skipped and reported.
        strict: Write nothing unless every file conforms to `profile`.
        transcode: Decompress a file whose transfer syntax `profile` does not allow, and write it in Explicit VR Little
            Endian; the pixels stay the same.
        transform: A function that gets each file as a pydicom data set and returns the data set to write, or None to
            leave the file out. A file for which it raises an exception is left out and reported.
        rewrite: The same for the bytes of a DICOM file, or `Streamed` for its chunks.
        undefined_lengths: Write sequences and items of the DICOMDIR with undefined length.
        icons: Write icons (PS3.3 F.7): "image" in each IMAGE record, "series" one in each SERIES record, or an `Icons`
            with another size. Needs the extra `images`.
        web: Write pages for a browser beside the file-set (IHE PDI, Web Content Option). Needs the extra `images`.
        jobs: Number of processes that read headers and make pictures; by default chosen by the number of files.
        executor: A `concurrent.futures.Executor` that does this work instead.
        security: Encrypts all files and the DICOMDIR for its recipients, as PS3.15 D.1 demands, and signs them. Included
            files stay plain; pages for a browser are left out unless `WebOptions.plain` is true.
        source_security: Keys and passwords that open encrypted sources; by default the same as `security`.
        progress: Called with a phase ("walk", "scan", "icons", "pictures", "write", "flush" or "verify"), the number of
            files done and the number of all files, 0 if unknown; also with "bytes", the bytes written and all bytes.

    Raises:
        RuleError: The request breaks the Standard, or the profile does not allow the medium.
        RefusedError: `medium` holds a file-set and `replace` is false.
    """

    _medium: str | os.PathLike[str]
    _medium_format: MediumFormat | None = field(default=None, kw_only=True)
    _medium_options: Iterable[str] = field(default=(), kw_only=True)
    _volume_size: int | str | None = field(default=None, kw_only=True)
    _file_set_id: str | None = field(default=None, kw_only=True)
    _file_set_uid: str | None = field(default=None, kw_only=True)
    _keep_file_set_uid: bool = field(default=False, kw_only=True)
    _descriptor_file_id: FileId | str | None = field(default=None, kw_only=True)
    _descriptor_character_set: str | None = field(default=None, kw_only=True)
    _naming: Naming | None = field(default=None, kw_only=True)
    _replace: bool = field(default=False, kw_only=True)
    _listed_only: bool = field(default=False, kw_only=True)
    _undefined_lengths: bool = field(default=False, kw_only=True)
    _web: WebOptions | None = field(default=None, kw_only=True)
    _transform: Transform | None = field(default=None, kw_only=True)
    _rewrite: Rewrite | Streamed | None = field(default=None, kw_only=True)
    _source_security: Security | None = field(default=None, kw_only=True)

    _in_place: bool = field(default=False, init=False)
    _origins: list[ReadableMedium] = field(factory=list, init=False)
    _included: Included = field(factory=Included, init=False)
    _refused: dict[int, Refused] = field(factory=dict, init=False)
    _changes: list[Finding] = field(factory=list, init=False)
    _looked_at: int = field(default=0, init=False)
    _interrupted: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        require_one_of("naming scheme", self._naming or "counter", SCHEMES)
        if (self._file_set_uid or self._keep_file_set_uid) and self._volume_size is not None:
            raise RuleError("each volume needs its own File-set UID (PS3.10 8.6), so none can be given or kept")
        self._identification = identify(
            self._file_set_id or "", self._file_set_uid, self._descriptor_file_id, self._descriptor_character_set
        )
        self._sources = Sources(self._source_security or self._security, phase(self._progress, "walk"))
        self._path = path_of(self._medium)
        refuse_dicomdir(self._path)
        plain = format_for(self._path, self._medium_format, self._medium_options)
        self._intake = self._intake_for(
            plain.form,
            lambda: plain.writable(self._path, "").inquire_file_set(),
            is_secure=self._security is not None and self._security.encrypts,
            reconciles=self._rewrite is not None,
        )
        self._format = encrypting(plain, self._security, self._included) if self._security else plain
        self._no_pages = no_pages(self._security) if self._web and not self._web.plain else []
        self._capacity = None
        if self._volume_size is not None:
            from fileset.plan.split import bytes_of

            self._capacity = bytes_of(self._volume_size, DISC_NAMES)
        self._companion: Companion | None = None
        if self._web is not None and not self._no_pages:
            from fileset.pages.web_content import WebContent

            self._companion = WebContent(self._web, self._path, self._workers("pictures"))
        by_data_set = by_dataset(self._transform) if self._transform else None
        self._rewrites = [rewrite for rewrite in (self._rewrite, by_data_set) if rewrite]
        if self._capacity is None:
            refuse_existing(self._format.writable(self._path, ""), replace=self._replace)

    @classmethod
    def in_place(cls, folder: str | os.PathLike[str], **options: Any) -> Self:
        """Return a Creator for the DICOM files that are in `folder` already and stay there; see `index`."""
        options["medium_format"] = "remote" if is_url(path_of(folder)) else "folder"
        creator = cls(folder, **options)
        creator._in_place = True
        return creator

    @request
    def add(
        self,
        *sources: str | os.PathLike[str] | Dataset,
        only: Mapping[str, object] | None = None,
        exclude: Iterable[str] = (),
    ) -> None:
        """Add sources: files, folders, images and archives with everything in them, and pydicom data sets.

        `add` only notes the sources; the files are read when the file-set is written.

        Args:
            sources: Paths and pydicom data sets.
            only: Keys and values; only files that match all of them are added, as `Reader.find` matches.
            exclude: Patterns of names and paths of files and folders to leave out, such as "*.tmp".

        Raises:
            MediumError: A path does not exist.
            FormatError: An image or archive cannot be read at all.
        """
        choice = Choice.of(only, exclude)
        self._sources.expect_matches(choice)
        for source in sources:
            if isinstance(source, str | os.PathLike):
                origin = self._sources.add_path(source, skip=self._beside_targets(source), choice=choice)
                self._origins += [origin] if origin else []
            else:
                self._sources.add_dataset(source)

    def add_file_set(
        self,
        medium: str | os.PathLike[str],
        *,
        only: Mapping[str, object] | None = None,
        exclude: Iterable[str] = (),
    ) -> None:
        """Add the files of a file-set: a folder, image or archive with a DICOMDIR, or the DICOMDIR itself.

        `only` and `exclude` choose files as in `add`. Raises the errors of `add`, and `FormatError` if there is no file-set.
        """
        opened = readable(medium)[0]
        opened.close()
        if opened.folder:  # it may also be the folder of any file
            scannable(medium).close()
        self.add(place_of(medium), only=only, exclude=exclude)

    def _beside_targets(self, source: str | os.PathLike[str]) -> frozenset[str]:
        """Find the paths to skip in a source: the image or the volumes that this Creator writes into it.

        Raises `RefusedError` if the source is inside the target, or if the target is a folder inside the source: the next
        run would add its own copies.
        """
        targets = [self._path] if self._capacity is None else volumes_there(self._path, self._format)
        for target in targets:
            below = place_below(source, target)
            if below is not None:
                where = f"inside {target}, where the file-set is" if below else "the place where the file-set is"
                raise RefusedError(f"is {where} to be written", path=path_of(source), advice=INDEX_INSTEAD)
        if self._format.name == "folder" and self._capacity is None and place_below(self._path, source):
            raise RefusedError(
                f"is inside {path_of(source)}, which is a source", path=self._path, advice="Write it elsewhere"
            )
        return frozenset(filter(None, (place_below(target, source) for target in targets)))

    def _refuse_written(self) -> None:
        if self._is_written:
            raise RuleError("this file-set is already written", advice="Use `Updater` to add to it")

    @request
    def include(self, *sources: str | os.PathLike[str]) -> None:
        """Copy files to the medium that no record references, such as a viewer or AUTORUN.INF.

        A file goes to the root of the medium under its own name. The contents of a folder go there too, with their
        subfolders. The report lists none of them as skipped if it is also among the sources. If there are several
        volumes, each gets a copy. An ISO 9660 image takes long names only with "joliet" or "udf". Raises `MediumError`
        if a path does not exist, and `RuleError` for a name that the medium cannot have or Windows cannot open, such as
        AUX.TXT.
        """
        for source in sources:
            self._included.add(source)

    def commit(self, *, dry_run: bool = False, hashes: bool = False) -> Report:
        """Write the file-set and return the report; with `dry_run` only plan it: then only another `commit` writes.

        A file that cannot be read to its end is left out and reported. With `hashes` the report has the SHA-256 of each
        written file. Raises `MediumError` if the medium fails, is read-only or is too small; it is then as it was.
        """
        self._refuse_written()
        return self._sources.without_lost(
            partial(self._commit, dry_run=dry_run, hashes=hashes),
            again=self._capacity is None and self._path != STANDARD_OUTPUT,
        )

    def _commit(self, *, dry_run: bool, hashes: bool) -> Report:
        in_place = self._in_place and not len(self._sources)
        cleaned = self._add_files_in_place(dry_run=dry_run) if in_place else []
        file_sets = SourceFileSets(self._sources)
        origins = [file_sets.origin(medium) for medium in self._origins]
        identification, findings = taken_over(
            self._identification, origins, keeps_id=self._file_set_id is None, keeps_uid=self._keep_file_set_uid
        )
        report = Report(
            self._path, identification.file_set_id, identification.file_set_uid, dry_run=dry_run, hashes=hashes
        )
        report.findings += [*cleaned, *self._file_set_above()]
        changes = [*self._intake.add_headers(self._sources, range(len(self._sources))), *self._changed()]
        tree = self._scanned(report, file_sets)
        report.skipped += [Skipped(name, "FS-MEDIUM-DAMAGED", note) for name, note in self._sources.damage()]
        report.findings += self._sources.choice_findings()
        report.note_links(self._sources.outside())
        self._intake.profile.judge(report)
        nodes, no_icons = self._intake.with_icons(tree.arranged(), self._sources)
        report.patients = nodes.count("PATIENT")
        lost, found = file_sets.compare(nodes.identities())
        # An index replaces a DICOMDIR that cannot be read.
        report.skipped += [one for one in lost if not (self._in_place and one.rule == "FS-MEDIUM-DAMAGED")]
        report.findings += found
        scanned = self._intake.findings()
        report.findings += [*findings, *changes, *scanned, *tree.findings, *no_icons, *self._cleared(nodes)]
        del tree  # the records are in the nodes
        report.findings += self._no_pages
        report.findings += [one for medium in self._sources.images for one in secure_findings(medium)]
        report.findings = without_cured(report.findings)
        with closing(self._companion) if self._companion else nullcontext():
            if self._companion:
                report.findings += self._companion.prepare(nodes, self._sources)
            self._write(report, nodes, identification, "keep" if origins else "counter")
        return self._reported(report)

    def _file_set_above(self) -> Iterator[Finding]:
        """Report a new folder inside another file-set: there its DICOM files have no record (PS3.3 F.2.1)."""
        if self._in_place or self._format.name != FOLDER.name:
            return
        if above := file_set_above(self._path):
            reason = f"inside the file-set {above}, which has no records for these files: choose a folder outside of it"
            yield Finding("FS-DICOMDIR-SECOND", reason, Where(self._path))

    def _changed(self) -> list[Finding]:
        """Rewrite and transcode the sources added since the last call, as requested; return the findings of all calls."""
        new = range(self._looked_at, len(self._sources))
        for rewrite in self._rewrites:
            self._changes += rewrite_sources(self._sources, new, rewrite, self._refused)
        self._intake.transcode(self._sources, new)
        self._looked_at = len(self._sources)
        return self._changes

    def _add_files_in_place(self, *, dry_run: bool) -> list[Finding]:
        """Add the files of the folder; remove those of an interrupted write first, with a finding for each."""
        if is_url(self._path):
            self._sources.add_in_place(self._format.writable(self._path, ""))
            return []
        medium = FolderMedium(self._path)
        self._interrupted = any("/" in name for name in medium.leftovers()) and not medium.has_dicomdir()
        cleaned = clean_up(medium, adopts=True, dry_run=dry_run)
        self._sources.add_path(medium.root, skip=medium.not_sources() | medium.hidden(), contained=True)
        return cleaned

    def _scanned(self, report: Report, file_sets: SourceFileSets) -> TreeBuilder:
        """Build the tree of all sources that the file-set can list; report the others, but not copied ones, as skipped."""
        sources, in_place = self._sources, self._in_place
        if in_place:
            self._refused |= _refused_names(sources)
        else:
            sources.stamp()
        tree = TreeBuilder(sources.name, sources.same, patient_conflict=self._patient_conflict)

        def judged(source: int, found: Outcome) -> tuple[int, Outcome]:
            if isinstance(found, Refused):
                return source, found
            is_unlisted = self._listed_only and file_sets.is_unlisted(source)
            unlisted = Refused("FS-FILE-UNLISTED", LISTED_ONLY) if is_unlisted else None
            return source, self._refused.get(source) or unlisted or found

        is_included = self._included.copies()
        found = self._intake.outcomes(sources, changed=bool(self._rewrites))
        for source, refused in collect(starmap(judged, enumerate(found)), tree):
            skipped = file_sets.skipped(source, *refused)
            if not (skipped.foreign and is_included(sources.place(source))):
                report.skipped.append(skipped)
        if not (in_place or len(sources) or report.skipped):
            report.skipped += sources.nothing_found()
        return tree

    def _cleared(self, nodes: Arranged) -> Iterator[Finding]:
        """Clear preambles if `preamble` is "zero", with a finding for each."""
        if not self._intake.clears_preambles:
            return iter(())
        leaves = list(nodes.sources())
        self._sources.clear_preambles(leaves)
        return cleared(self._sources, leaves)

    def _write(self, report: Report, nodes: Arranged, identification: Identification, naming: str) -> None:
        named = self._sources.searched and not self._in_place
        if (len(self._sources) or named or self._interrupted) and not nodes:
            is_unfinished = self._interrupted and all(one.foreign for one in report.skipped)
            nothing = self._sources.nothing_listed("written", dry_run=report.dry_run)
            reason = NOTHING_FINISHED if is_unfinished else nothing
            report.findings.append(Finding("FS-NOTHING-ADDED", reason, Where(self._path)))
            return
        recipe = Recipe(
            self._sources,
            self._included,
            self._format,
            IN_PLACE if self._in_place else self._naming or naming,
            replace=self._replace,
            undefined_lengths=self._undefined_lengths,
            companion=self._companion,
            progress=self._progress or unreported,
        )
        if self._capacity is None:
            write_volume(recipe, report, nodes, identification)
        else:
            write_volumes(recipe, report, nodes, identification, self._capacity)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._writes_at_exit():
                self.commit()
        finally:
            self.close()

    def close(self) -> None:
        """Release images and archives that were added."""
        self._sources.close()


def index(
    folder: str | os.PathLike[str],
    *,
    file_set_id: str = "",
    file_set_uid: str | None = None,
    descriptor_file_id: FileId | str | None = None,
    descriptor_character_set: str | None = None,
    missing: Missing = "invent",
    unknown_sop_class: UnknownSopClass = "image",
    invalid_uid: InvalidUid = "accept",
    patient_conflict: PatientConflict = "refuse",
    keys: str = "usual",
    replace: bool = False,
    undefined_lengths: bool = False,
    icons: Icons | IconPlace | None = None,
    profile: str | None = None,
    strict: bool = False,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Phases | None = None,
    dry_run: bool = False,
    hashes: bool = False,
) -> Report:
    """Write the DICOMDIR for the DICOM files in `folder`; no file is moved or changed.

    Files whose names are not File IDs cannot be referenced: they are skipped under the rule FS-FILE-NAME. A `Creator`
    copies such files under legal names. With `replace`, the new DICOMDIR keeps the File-set ID, UID and descriptor of the
    old one unless others are given ("" removes the descriptor): it is the same file-set (PS3.10 8.6). Parameters and
    errors are those of `Creator`.
    """
    path = path_of(folder)
    refuse_dicomdir(path)
    if os.path.lexists(path) and not os.path.isdir(path):
        raise RuleError("not a folder", path=path, advice=INDEX_FOLDER)
    former, lost = former_identification(folder) if replace else (Identification(new_uid()), [])
    kept = (
        former if descriptor_file_id is None else evolve(former, descriptor_file_id=None, descriptor_character_set="")
    )
    creator = Creator.in_place(
        folder,
        file_set_id=file_set_id or former.file_set_id,
        file_set_uid=file_set_uid or former.file_set_uid,
        descriptor_file_id=descriptor_file_id or kept.descriptor_file_id,
        descriptor_character_set=descriptor_character_set or kept.descriptor_character_set,
        missing=missing,
        unknown_sop_class=unknown_sop_class,
        invalid_uid=invalid_uid,
        patient_conflict=patient_conflict,
        keys=keys,
        replace=replace,
        undefined_lengths=undefined_lengths,
        icons=icons,
        profile=profile,
        strict=strict,
        jobs=jobs,
        executor=executor,
        progress=progress,
    )
    with closing(creator):
        report = creator.commit(dry_run=dry_run, hashes=hashes)
    report.findings += lost if descriptor_file_id is None else []
    return report


def _refused_names(sources: Sources) -> dict[int, Refused]:
    """Refuse each source whose name is no File ID."""
    refused = {}
    for source, name in enumerate(sources.relatives(range(len(sources)))):
        if not is_path(name) or name.startswith(WORK):
            try:
                id_in_place(name)
            except RuleError as problem:
                refused[source] = Refused("FS-FILE-NAME", problem.reason)
    return refused
