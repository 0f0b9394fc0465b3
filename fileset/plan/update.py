"""The next state of a file-set: records that stay, instances that come, files to write and to delete.

What an Updater and a repair have in common: sources that are offered -> tree -> names -> directory -> plan. Kept
records and files that lie on the medium already stay where they are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from attrs import define, field

from fileset.dicom.character_sets import decode
from fileset.dicom.header import HeaderError
from fileset.dicomdir.write.kept import Kept
from fileset.dicomdir.write.layout import Frame
from fileset.dicomdir.write.merge import Growth, grow, laid_out
from fileset.errors import FormatError, RuleError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import Finding, Where
from fileset.media.base import UpdatableMedium
from fileset.media.system.walk import SourceFile, leads_out, place_below, walk
from fileset.plan.commit import Addition, Plan
from fileset.plan.copy_findings import cleared
from fileset.plan.folder_numbers import Placing
from fileset.plan.inputs import Sources
from fileset.plan.names import names
from fileset.records.describe import Instance
from fileset.records.tree import Existing, TreeBuilder
from fileset.report import Report, Skipped
from fileset.standard import tags

# ---------------------------------------------------------------- what is taken in


@define
class Intake:
    """What is offered to a file-set, by index of the source.

    `in_place` holds the value of (0004,1500) of each source that lies on the medium already and stays there; `listed`
    are those that had a record before.
    """

    medium: UpdatableMedium
    sources: Sources = field(factory=Sources)
    in_place: dict[int, bytes] = field(factory=dict)
    listed: set[int] = field(factory=set)

    def add_member(self, file_id: FileId, value: bytes) -> int:
        """A file of the medium; its index. Raises as `resolve` if it is not there."""
        if path := self.medium.path(file_id):
            index = self.sources.add_file(path, path.removeprefix(self.medium.folder).lstrip("/"))
        else:
            self.medium.inquire_file(file_id)
            index = self.sources.add_member(self.medium, file_id)
        self.in_place[index] = value
        return index

    def add_path(self, source: str | os.PathLike[str], is_listed: Callable[[str], bool]) -> Iterator[Skipped]:
        """Files, folders, images: those of the medium itself stay where they lie, unless they are listed already.

        What cannot stay is told. Raises as `Sources.add_path`.
        """
        root = self.medium.folder
        if not root:
            self.sources.add_path(source)
            return
        place = place_below(source, root)
        if place is None:
            own = place_below(root, source)
            self.sources.add_path(source, skip=frozenset((own,) if own else ()))
            return
        above = place if os.path.isdir(source) else place.rpartition("/")[0]
        for file in walk(source, skip=frozenset() if place else self.medium.not_sources()):
            yield from self._add_in_place(f"{above}/{file.relative}".lstrip("/"), file, is_listed)

    def _add_in_place(self, name: str, file: SourceFile, is_listed: Callable[[str], bool]) -> Iterator[Skipped]:
        if file.linked and leads_out(file.path, self.medium.name):
            yield Skipped(name, "FS-FILE-LINK", "a symbolic link that leads out of the file-set")
            return
        try:
            file_id = FileId.from_path(name)
        except RuleError as problem:
            yield Skipped(name, "FS-FILE-NAME", problem.text(known_path=name))
            return
        if not is_listed(file_id.value):
            self.add_member(file_id, file_id.value.encode("ascii"))


def filled(
    intake: Intake, offered: Iterable[tuple[int, Instance]], kept: Existing, refuse: Callable[[int, HeaderError], None]
) -> TreeBuilder:
    """The tree of the instances that are offered and agree with each other and with the records that stay."""
    tree = TreeBuilder(intake.sources.name, intake.sources.same, kept)
    for source, instance in offered:
        try:
            tree.add(instance, source)
        except HeaderError as problem:
            refuse(source, problem)
    return tree


# ---------------------------------------------------------------- what comes of it


def drafted(intake: Intake, kept: Kept, tree: TreeBuilder, frame: Frame, naming: str, report: Report) -> Plan:
    """The plan that brings in the instances of `tree`, and removes nothing; `report` then says which these are."""
    growth = grow(kept, tree.arranged())
    values = {**intake.in_place, **_named(intake, growth, naming)}
    sources, copied, additions = intake.sources, [], []
    for node in growth.nodes:
        if node.source < 0:
            continue
        name = values[node.source].decode("ascii", "replace")
        rows = report.refreshed if node.source in intake.listed else report.added
        rows.append(sources.name(node.source), name, node.sop_instance_uid, node.record_type)
        if node.source not in intake.in_place:
            info = sources.inquire(node.source)
            additions.append(Addition(FileId(name), info.size, partial(sources.copied, node.source), info.modified))
            copied.append(node.source)
    report.findings += cleared(sources, copied)
    return Plan(laid_out(growth, frame, lambda node: values[node.source]), additions)


def _named(intake: Intake, growth: Growth, naming: str) -> dict[int, bytes]:
    """A new File ID for each new instance that does not lie on the medium, by source."""
    new = [
        (reference, node)
        for reference, node in enumerate(growth.nodes, len(growth.kept.flat))
        if node.source >= 0 and node.source not in intake.in_place
    ]
    if not new:
        return {}
    on_medium, is_named = intake.medium.occupation, growth.kept.is_named

    def occupation(value: str) -> str:
        return on_medium(value) or ("file" if is_named(value) else "")

    placing = Placing(growth, occupation)
    places = [placing.place(reference, node, intake.sources.relative(node.source)) for reference, node in new]
    given = names(naming, places, occupation=occupation)
    return {node.source: file_id.value.encode("ascii") for (_, node), file_id in zip(new, given, strict=True)}


def removals(kept: Kept, gone: Iterable[int], intake: Intake, report: Report) -> list[FileId]:
    """The files of records that are gone: those that are there, and that no record that stays references."""
    own = {DICOMDIR.value, kept.contents.text(tags.DESCRIPTOR_FILE_ID)} | {
        decode(value) for value in intake.in_place.values()
    }
    found = []
    for index in gone:
        file_id = kept.contents.file_id(index)
        if file_id is None or file_id.value.upper() in own or kept.is_named(file_id.value):
            continue
        where = Where(kept.contents.file, offset=kept.flat.start[index], tag=tags.REFERENCED_FILE_ID)
        try:
            actual = intake.medium.actual(file_id)
        except FormatError as problem:
            report.findings.append(Finding("FS-FILE-MISSING", str(problem), where))
            continue
        if actual is None:
            report.findings.append(Finding("FS-FILE-MISSING", f"{file_id}: not on the medium (PS3.10 8.2)", where))
        else:
            found.append(actual)
    return found
