"""One new file-set, or several: the names of files, the records, and the plan that writes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from functools import partial
from uuid import uuid4

from attrs import evolve, field, frozen

from fileset.dicomdir.write.header import LONGEST_FILE_SET_ID, Identification, new_frame
from fileset.dicomdir.write.new import build
from fileset.errors import REPLACE_OR_ADD, FilesetError, FormatError, MediumError, RefusedError
from fileset.file_id import FileId, is_path
from fileset.findings import Finding, Where
from fileset.media.base import FileInfo, Format, UpdatableMedium, WritableMedium
from fileset.media.open import is_foreign, numbered_path, readable, volumes_there
from fileset.plan.commit import Addition, Plan, Progress, clean_up, commit, referenced, rehearse
from fileset.plan.dicomdir_file import read_contents
from fileset.plan.extra_files import Included
from fileset.plan.inputs import Sources
from fileset.plan.names import Place, names
from fileset.plan.split import divide, numbered
from fileset.records.tree import Node
from fileset.report import AddedList, Replaced, Report, Volume


@frozen
class Making:
    """How file-sets are made of `sources`, with the files `included` beside them: on media of which format, under which
    naming scheme, whether one that is there is replaced, how lengths are encoded, and who is told of the progress.
    """

    sources: Sources
    included: Included
    format: Format
    naming: str
    replace: bool = field(kw_only=True)
    undefined_lengths: bool = field(kw_only=True)
    progress: Progress | None = field(kw_only=True)

    def make(self, report: Report, nodes: Sequence[Node], identification: Identification) -> None:
        """Make one file-set at the path that `report` says, of `nodes`, an arranged tree; or find out what it would be."""
        medium = self.format.writable(report.medium, identification.file_set_id)
        refuse_existing(medium, replace=self.replace)
        report.medium = medium.name
        report.file_set_id, report.file_set_uid = identification.file_set_id, identification.file_set_uid
        if not report.dry_run:
            clean_up(medium)
        report.note_medium(medium.inquire_file_set())
        plan, report.added = NewFileSet(medium, nodes, self).plan(identification)
        report.replaced = list(self._replaced(medium, len(plan.removals)))
        if report.dry_run:
            rehearse(plan, medium)
        else:
            report.written = commit(plan, medium, progress=self.progress)

    def _replaced(self, medium: UpdatableMedium, removed: int) -> Iterator[Replaced]:
        """What the new file-set takes the place of, of which so many files are removed: an image goes as a whole."""
        if not (self.replace and medium.occupied()):
            return
        try:
            former, dicomdir = readable(medium.name, self.format)
            with closing(former):
                instances = len(set(map(str.upper, read_contents(former, dicomdir).paths())))
        except FilesetError:
            yield Replaced(medium.name, None, None if medium.exists() else 0)
        else:
            yield Replaced(medium.name, instances, instances - removed if medium.exists() else 0)

    def make_volumes(
        self, report: Report, nodes: Sequence[Node], identification: Identification, capacity: int
    ) -> None:
        """Make as many file-sets as it takes when a medium takes `capacity` bytes.

        Nothing is written unless there is room for all of them. Raises `RuleError` if an instance is too large.
        """
        leaves = [node.source for node in nodes if node.source >= 0]
        sizes = [self.sources.inquire(source).size for source in leaves]
        footprint = evolve(self.format.footprint, fixed=self.format.footprint.total(*self.included.sizes()))
        division = divide(nodes, sizes, footprint, capacity, lambda at: self.sources.name(leaves[at]))
        report.findings += division.findings
        paths = [numbered_path(report.medium, at, self.format) for at in range(1, len(division.volumes) + 1)]
        self._check(paths, sum(division.planned))
        former = volumes_there(report.medium, self.format)[len(paths) :]
        report.findings += [
            Finding("FS-VOLUME-FORMER", "it stays, and is none of the new volumes", Where(path)) for path in former
        ]
        for at, (path, part, planned) in enumerate(zip(paths, division.volumes, division.planned, strict=True), 1):
            name = numbered(identification.file_set_id, at, LONGEST_FILE_SET_ID)
            own = evolve(identification, file_set_id=name, file_set_uid=new_uid())
            made = Report(path, dry_run=report.dry_run)
            part_of = evolve(self, progress=_shifted(self.progress, len(report.added), len(leaves)))
            try:
                part_of.make(made, part, own)
            except (KeyboardInterrupt, FilesetError) as problem:
                if report.written:
                    problem.add_note(f"volumes that were complete by then, and stay: {', '.join(paths[: at - 1])}")
                raise
            report.volumes.append(Volume(made, capacity, planned, self._used(made, capacity)))
            report.findings += made.findings
            report.replaced += made.replaced
            report.added.extend(made.added)
            report.written += made.written

    def _check(self, paths: Sequence[str], size: int) -> None:
        """Raise `RefusedError` if there is a volume already, `MediumError` if not all of them have room."""
        media = [self.format.writable(path, "") for path in paths]
        for medium in media:
            refuse_existing(medium, replace=self.replace)
        free = media[0].inquire_file_set().free
        if free is not None and size > free:
            raise MediumError(
                f"{len(paths)} volumes need {size} bytes, {free} are free; nothing was written", path=paths[0]
            )

    def _used(self, made: Report, capacity: int) -> int | None:
        """What a volume takes, now that it is written. Raises `MediumError` if that is more than there may be."""
        if made.dry_run:
            return None
        medium, _ = readable(made.medium)
        used = medium.inquire_file_set().used
        medium.close()
        if used is None:
            folders = {written.file_id.path.rpartition("/")[0] for written in made.written}
            used = self.format.footprint.total([written.size for written in made.written], len(folders))
        if used > capacity:
            raise MediumError(f"takes {used} bytes, more than the {capacity} of a volume", path=made.medium)
        return used


@frozen
class NewFileSet:
    """A file-set that is to be made on `medium` of `nodes`, an arranged tree."""

    medium: UpdatableMedium
    nodes: Sequence[Node]
    making: Making

    @property
    def sources(self) -> Sources:
        """Where the instances come from."""
        return self.making.sources

    def plan(self, identification: Identification) -> tuple[Plan, AddedList]:
        """What to write, and which instance lies where then."""
        leaves = [node for node in self.nodes if node.source >= 0]
        present = {name.upper() for name in self.medium.names()} if self.medium.exists() else set()
        file_ids, kept = self._names(leaves, present)
        added = AddedList()
        for node, file_id in zip(leaves, file_ids, strict=True):
            added.append(self.sources.name(node.source), file_id.value, node.sop_instance_uid, node.record_type)
        named = iter(file_ids)
        undefined_lengths = self.making.undefined_lengths
        directory = build(
            new_frame(identification, undefined_lengths=undefined_lengths),
            self.nodes,
            lambda _: next(named).value.encode("ascii"),
            undefined_lengths=undefined_lengths,
        )
        additions = self.making.included.additions(self.medium, present)
        inquire, copied = self.sources.inquire, self.sources.copied  # one bound method each, not one a file
        wanted = ((file_id, node.source) for node, file_id in zip(leaves, file_ids, strict=True) if file_id not in kept)
        additions += [_addition(file_id, inquire(source), partial(copied, source)) for file_id, source in wanted]
        return Plan(directory, additions, self._removals(set(file_ids)), basis_for(replace=self.making.replace)), added

    def _names(self, leaves: Sequence[Node], present: Collection[str]) -> tuple[list[FileId], set[FileId]]:
        """A File ID for each instance, and those under which the same file lies there already."""
        places = list(_places(leaves, self.sources))
        wanted = list(names(self.making.naming, places, self.making.included))
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
        taken = [*self.making.included, *(FileId.tolerant(name) for name in sorted(present) if is_path(name))]
        return list(names(self.making.naming, places, taken)), set()

    def _lies_there(self, node: Node, file_id: FileId) -> bool:
        if self.medium.inquire_file(file_id).size != self.sources.inquire(node.source).size:
            return False
        with self.medium.open(file_id) as file:
            return self.sources.holds(node.source, file)

    def _removals(self, file_ids: set[FileId]) -> list[FileId]:
        """The files of the file-set that is replaced."""
        if not self.making.replace or not self.medium.has_dicomdir():
            return []
        try:
            former = referenced(self.medium)
        except FormatError:
            return []  # a DICOMDIR that cannot be read names no files
        staying = {file_id.path.upper() for file_id in (*file_ids, *self.making.included)}
        return [FileId.tolerant(name) for name in sorted(former) if name not in staying and is_path(name)]


def _addition(file_id: FileId, info: FileInfo, chunks: Callable[[], Iterator[bytes]]) -> Addition:
    return Addition(file_id, info.size, chunks, info.modified)


def new_uid() -> str:
    """A UID that nobody has (PS3.5 B.2)."""
    return f"2.25.{uuid4().int}"


def refuse_existing(medium: WritableMedium, *, replace: bool) -> None:
    """Raise `RefusedError` if there is a file-set already and it is not to be replaced, or a file that is none."""
    if not medium.occupied():
        return
    if is_foreign(medium.name):
        raise RefusedError(
            "exists, and is not a file-set", path=medium.name, advice="Choose another name, or remove it"
        )
    if not replace:
        raise RefusedError("there is a file-set already", path=medium.name, advice=REPLACE_OR_ADD)


def basis_for(*, replace: bool) -> bytes | None:
    """What must be there when the plan is carried out: nothing yet, or whatever is to be replaced."""
    return None if replace else b""


def _places(leaves: Sequence[Node], sources: Sources) -> Iterator[Place]:
    for node in leaves:
        patient, study, series = (*node.path, -1, -1, -1)[:3]
        uid = node.sop_instance_uid.decode("ascii")
        yield Place(patient, study, series, node.position, node.record_type, uid, sources.relative(node.source))


def _shifted(progress: Progress | None, done: int, total: int) -> Progress | None:
    """Progress of a part, told as that of the whole."""
    return (lambda more, _: progress(done + more, total)) if progress else None
