"""File-set Creator (PS3.10 8.3): DICOM files -> a new file-set.

`Creator` copies into a new folder or image; `index` writes the DICOMDIR for files that already lie in a folder.
Both go the same way: sources -> scan -> tree -> names -> encoded records -> commit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from uuid import uuid4

from fileset.commit import ANY, Addition, Plan, clean_up, commit, referenced
from fileset.dicomdir.build import build
from fileset.dicomdir.frame import Identification, new_frame
from fileset.errors import FormatError, RefusedError, RuleError
from fileset.file_id import FileId, is_path
from fileset.findings import Finding, Where
from fileset.include import Included
from fileset.media.base import FileInfo, WritableMedium
from fileset.media.folder import FolderMedium
from fileset.media.host import SourceFile, leads_out, place_below
from fileset.media.open import writable
from fileset.naming import SCHEMES, Place, names
from fileset.records.instance import Policy
from fileset.records.tree import Node
from fileset.report import Report, Skipped
from fileset.scan import Progress, Refusal, collect
from fileset.sources import Sources

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pydicom.dataset import Dataset

NOTHING_ADDED: Final = "no file can be a member of the file-set: nothing was written"
Phases = Callable[[str, int, int], None]
"""Called with the name of a phase, the number of files done, and the number of files in all."""


class Creator:
    """Makes a new file-set on `medium` of the files and data sets that are added.

    Used as a context, it writes on a clean exit and changes nothing otherwise; `report` then says what went in,
    what did not and why. DICOM files are copied byte for byte.

    `medium_format`: "folder", "iso" or "zip"; unless given, the end of the path says it, and "-" is a ZIP archive on
    standard output. `medium_options`: "joliet" adds long names to an ISO 9660 image, "udf" a second file system, as
    DVDs have it (PS3.12 P); "compress" deflates what is in a ZIP archive.
    `file_set_id`: up to 16 of A-Z, 0-9 and _ (PS3.10 8.1). `file_set_uid`: a new one unless given (PS3.10 8.6).
    `descriptor_file_id`, `descriptor_character_set`: a README-like file of the file-set (PS3.3 F.3.2.1). `naming`: the
    scheme of File IDs, one of `fileset.naming.SCHEMES`. `missing`: "invent" a value for a Type 1 key that has none,
    or "refuse" the file. `unknown_sop_class`: "image" if there is pixel data, "private", or "refuse". `invalid_uid`:
    "refuse" or "accept" files whose UIDs break the rules of PS3.5 9.1. `replace` an existing file-set. `undefined_lengths`: of sequences and items in the DICOMDIR. `jobs`: processes for scanning, or
    any `executor`. `progress` is called with a phase ("scan" or "write"), the number done, and the number in all.

    Raises `RuleError` for what the Standard forbids, and `RefusedError` if there is a DICOMDIR and not `replace`.
    """

    def __init__(
        self,
        medium: str | os.PathLike[str],
        *,
        medium_format: str | None = None,
        medium_options: Iterable[str] = (),
        file_set_id: str = "",
        file_set_uid: str | None = None,
        descriptor_file_id: FileId | str | None = None,
        descriptor_character_set: str | None = None,
        naming: str = "counter",
        missing: str = "invent",
        unknown_sop_class: str = "image",
        invalid_uid: str = "refuse",
        replace: bool = False,
        undefined_lengths: bool = False,
        jobs: int | None = None,
        executor: Executor | None = None,
        progress: Phases | None = None,
    ) -> None:
        if naming not in SCHEMES:
            raise RuleError(f"there is no naming scheme {naming!r}; use one of {', '.join(SCHEMES)}")
        self._identification = identify(file_set_id, file_set_uid, descriptor_file_id, descriptor_character_set)
        self._policy = Policy(missing, unknown_sop_class, invalid_uid)
        self._naming = naming
        self._replace = replace
        self._undefined_lengths = undefined_lengths
        self._scan = partial(collect, jobs=jobs, executor=executor, progress=phase(progress, "scan"))
        self._progress = phase(progress, "write")
        self._sources = Sources()
        self._included = Included()
        self._medium = writable(medium, medium_format, file_set_id, medium_options)
        self._report: Report | None = None
        self._written = False
        refuse_existing(self._medium, replace=replace)

    def add(self, *sources: str | os.PathLike[str] | Dataset) -> None:
        """Add files, folders with all that is below them, and pydicom data sets.

        Files are looked at when the file-set is written. Raises `MediumError` if a path does not exist.
        """
        self._refuse_written()
        for source in sources:
            if isinstance(source, str | os.PathLike):
                self._sources.add_path(source, skip=self._beside_target(source))
            else:
                self._sources.add_dataset(source)

    def _beside_target(self, source: str | os.PathLike[str]) -> frozenset[str]:
        """What to pass over in a source: the target, if that lies in it.

        Raises `RefusedError` if the source lies in the target: its files would be there twice, or go with `replace`.
        """
        target = self._medium.name
        if place_below(source, target) is not None:
            raise RefusedError(
                f"{os.fspath(source)}: lies in {target}, where the file-set is to be written. Use `index` for files that "
                "stay where they are, or write the file-set elsewhere"
            )
        inside = place_below(target, source)
        return frozenset((inside,)) if inside else frozenset()

    def _refuse_written(self) -> None:
        if self._written:
            raise RuleError("this file-set is written; use `Updater` to add to it")

    def include(self, *sources: str | os.PathLike[str]) -> None:
        """Add files that no record shall reference, such as a viewer or AUTORUN.INF: files under their names at the root
        of the medium, and all that is in a folder below the root.

        An ISO 9660 image takes long names only with "joliet" or "udf". Raises `MediumError` if a path does not exist,
        and `RuleError` for a name that cannot stand on a medium.
        """
        for source in sources:
            self._included.add(source)

    @property
    def report(self) -> Report:
        """What was done; `RuleError` before `commit`."""
        if self._report is None:
            raise RuleError("there is no report before the file-set is written")
        return self._report

    def commit(self, *, dry_run: bool = False) -> Report:
        """Write the file-set, or with `dry_run` only find out what it would be.

        Raises `MediumError` if the medium fails or is too small; it is then as it was.
        """
        self._refuse_written()
        report = Report(self._medium.name, self._identification.file_set_id, self._identification.file_set_uid)
        report.dry_run = dry_run
        if not dry_run:
            clean_up(self._medium)
        tree = self._scan(self._sources, self._policy, lambda *why: report.skipped.append(Skipped(*why)))
        nodes = list(tree.arranged())
        report.findings = tree.findings
        report.note_medium(self._medium.inquire_file_set())
        leaves = [node for node in nodes if node.source >= 0]
        present = {name.upper() for name in self._medium.names()} if self._medium.exists() else set()
        file_ids, kept = self._names(leaves, present)
        for node, file_id in zip(leaves, file_ids, strict=True):
            report.added.append(self._sources.name(node.source), file_id.value, node.sop_instance_uid, node.record_type)
        named = iter(file_ids)
        directory = build(
            new_frame(self._identification, undefined_lengths=self._undefined_lengths),
            nodes,
            lambda _: next(named).value.encode("ascii"),
            undefined_lengths=self._undefined_lengths,
        )
        additions = self._included.additions(self._medium, present) + self._additions(leaves, file_ids, kept)
        plan = Plan(directory, additions, self._removals(set(file_ids)), basis_for(replace=self._replace))
        if len(self._sources) and not leaves:
            report.findings.append(Finding("FS-NOTHING-ADDED", NOTHING_ADDED, Where(self._medium.name)))
        elif not dry_run:
            report.written = commit(plan, self._medium, progress=self._progress)
        self._written = not dry_run
        self._report = report
        return report

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self._written:
            self.commit()

    # ------------------------------------------------------------ names

    def _names(self, leaves: Sequence[Node], present: Collection[str]) -> tuple[list[FileId], set[FileId]]:
        """A File ID for each instance, and those under which the same file lies there already."""
        places = list(_places(leaves, self._sources))
        wanted = list(names(self._naming, places, self._included))
        if not present:
            return wanted, set()
        kept = {
            file_id
            for node, file_id in zip(leaves, wanted, strict=True)
            if file_id.path in present and self._lies_there(node, file_id)
        }
        if all(file_id in kept or file_id.path not in present for file_id in wanted):
            return wanted, kept
        # Nothing is ever overwritten: all new files go beside those that are there.
        taken = [*self._included, *(FileId.tolerant(name) for name in sorted(present) if _is_file_id(name))]
        return list(names(self._naming, places, taken)), set()

    def _lies_there(self, node: Node, file_id: FileId) -> bool:
        if self._medium.inquire_file(file_id).size != self._sources.inquire(node.source).size:
            return False
        with self._medium.open(file_id) as file:
            return self._sources.holds(node.source, file)

    def _additions(self, leaves: Sequence[Node], file_ids: Sequence[FileId], kept: set[FileId]) -> list[Addition]:
        inquire, chunks = self._sources.inquire, self._sources.chunks  # one bound method each, not one a file
        wanted = ((file_id, node.source) for node, file_id in zip(leaves, file_ids, strict=True) if file_id not in kept)
        return [_addition(file_id, inquire(source), partial(chunks, source)) for file_id, source in wanted]

    def _removals(self, file_ids: set[FileId]) -> list[FileId]:
        """The files of the file-set that is replaced."""
        if not self._replace or not self._medium.has_dicomdir():
            return []
        try:
            former = referenced(self._medium)
        except FormatError:
            return []  # a DICOMDIR that cannot be read names no files
        staying = {file_id.path.upper() for file_id in (*file_ids, *self._included)}
        return [FileId.tolerant(name) for name in sorted(former) if name not in staying and _is_file_id(name)]


def _addition(file_id: FileId, info: FileInfo, chunks: Callable[[], Iterator[bytes]]) -> Addition:
    return Addition(file_id, info.size, chunks, info.modified)


_LEADS_OUT: Final = "a symbolic link that leads out of the folder: no reader would follow it"


def index(
    folder: str | os.PathLike[str],
    *,
    file_set_id: str = "",
    file_set_uid: str | None = None,
    descriptor_file_id: FileId | str | None = None,
    descriptor_character_set: str | None = None,
    missing: str = "invent",
    unknown_sop_class: str = "image",
    invalid_uid: str = "refuse",
    replace: bool = False,
    undefined_lengths: bool = False,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Phases | None = None,
    dry_run: bool = False,
) -> Report:
    """Write the DICOMDIR for the DICOM files that already lie in `folder`; no file is moved or changed.

    Files whose names are no File IDs cannot be referenced: they are skipped under the rule FS-FILE-NAME, and a
    `Creator` would copy them under names that are. Parameters and errors are those of `Creator`.
    """
    identification = identify(file_set_id, file_set_uid, descriptor_file_id, descriptor_character_set)
    medium = FolderMedium(folder)
    refuse_existing(medium, replace=replace)
    if not dry_run:
        clean_up(medium)
    sources = Sources()
    report = Report(medium.name, identification.file_set_id, identification.file_set_uid, dry_run=dry_run)

    def refuses(file: SourceFile) -> bool:
        """A link that leads out is not even looked at."""
        out = file.linked and leads_out(file.path, medium.root)
        if out:
            report.skipped.append(Skipped(file.relative, "FS-FILE-LINK", _LEADS_OUT))
        return out

    sources.add_path(medium.root, skip=medium.not_sources(), refuses=refuses)
    tree = collect(
        sources,
        Policy(missing, unknown_sop_class, invalid_uid),
        lambda *why: report.skipped.append(Skipped(*why)),
        accepts=lambda at: _refused_name(sources.relative(at)),
        jobs=jobs,
        executor=executor,
        progress=phase(progress, "scan"),
    )

    def file_id(node: Node) -> bytes:
        name = sources.relative(node.source)
        value = name.replace("/", "\\")
        report.added.append(name, value, node.sop_instance_uid, node.record_type)
        return value.encode("ascii")

    frame = new_frame(identification, undefined_lengths=undefined_lengths)
    directory = build(frame, tree.arranged(), file_id, undefined_lengths=undefined_lengths)
    report.findings = tree.findings
    report.note_medium(medium.inquire_file_set())
    if len(sources) and not report.added:
        report.findings.append(Finding("FS-NOTHING-ADDED", NOTHING_ADDED, Where(medium.name)))
    elif not dry_run:
        report.written = commit(Plan(directory, basis=basis_for(replace=replace)), medium)
    return report


# ---------------------------------------------------------------- shared by both


def identify(
    file_set_id: str, file_set_uid: str | None, descriptor: FileId | str | None, character_set: str | None
) -> Identification:
    """The File-set Identification of a new file-set, with a new UID unless one is given (PS3.5 B.2)."""
    if isinstance(descriptor, str):
        descriptor = FileId.from_path(descriptor)
    return Identification(file_set_uid or f"2.25.{uuid4().int}", file_set_id, descriptor, character_set or "")


def refuse_existing(medium: WritableMedium, *, replace: bool) -> None:
    """Raise `RefusedError` if there is a file-set, or image, already and it is not to be replaced."""
    if medium.occupied() and not replace:
        raise RefusedError(
            f"{medium.name}: there is a file-set already. Use `add` to add to it, or --replace to make a new one"
        )


def basis_for(*, replace: bool) -> str:
    """What must be there when the plan is carried out: nothing yet, or whatever is to be replaced."""
    return ANY if replace else ""


def phase(progress: Phases | None, name: str) -> Progress | None:
    """The part of a progress callback that counts one phase."""
    return partial(progress, name) if progress else None


def _places(leaves: Sequence[Node], sources: Sources) -> Iterator[Place]:
    for node in leaves:
        patient, study, series = (*node.path, -1, -1, -1)[:3]
        uid = node.sop_instance_uid.decode("ascii")
        yield Place(patient, study, series, node.position, node.record_type, uid, sources.relative(node.source))


def _is_file_id(name: str) -> bool:
    return _refused_name(name) is None


def _refused_name(name: str) -> Refusal | None:
    if is_path(name):
        return None
    try:
        FileId.from_path(name)
    except RuleError as problem:
        return "FS-FILE-NAME", str(problem)
    return None
