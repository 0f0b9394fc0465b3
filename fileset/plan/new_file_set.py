"""Plan a new file-set: name the files of an arranged tree, make their records, and choose the old files to delete."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final

from attrs import field, frozen

from fileset.dicomdir.write.header import Identification, new_frame
from fileset.dicomdir.write.layout import Directory, encode
from fileset.dicomdir.write.new import build
from fileset.errors import REPLACE_OR_ADD, FormatError, MediumError, RefusedError
from fileset.file_id import DICOMDIR, FileId, is_path
from fileset.findings import Where
from fileset.media.base import Format, UpdatableMedium
from fileset.media.open import is_foreign
from fileset.plan.commit import Addition, Plan, Progress, copies
from fileset.plan.companion import Companion
from fileset.plan.extra_files import Included, has_same_file
from fileset.plan.inputs import Sources
from fileset.plan.names import Place, names
from fileset.plan.recovery import referenced
from fileset.plan.removal import deletable
from fileset.records.arranged import Arranged, Node
from fileset.report import Report

IN_PLACE: Final = "in place"
"""The naming of files that stay where they are: each File ID is the path below the root of the file-set."""
_STAYS: Final = "a file of the file-set to replace cannot be deleted, so nothing was written"
_FREE: Final = "Make its folder readable and writable, or choose another output"
_RENAME: Final = "Rename the included file, or leave out the pages for a browser (--web)"
_REMOVE: Final = "Delete INDEX.HTM, README.TXT and IHE_PDI there first, or leave out the pages for a browser (--web)"


@frozen
class Recipe:
    """The sources and the options of the Creator for new file-sets, on one volume or on several."""

    sources: Sources
    included: Included
    format: Format
    naming: str
    replace: bool = field(kw_only=True)
    undefined_lengths: bool = field(kw_only=True)
    companion: Companion | None = field(kw_only=True, default=None)
    progress: Progress = field(kw_only=True)


Placement = tuple[Iterable[str], Sequence[Addition], Sequence[FileId]]
"""The File ID of each instance in order, the files to copy, and the files of an old file-set to delete."""


def new_file_set(
    recipe: Recipe, medium: UpdatableMedium, nodes: Arranged, identification: Identification, report: Report
) -> Plan:
    """Plan a file-set on `medium` with the records `nodes`, an arranged tree; fill `report.added`.

    Carrying out the plan empties `nodes`, because they take much memory.

    Raises `RefusedError` if an included file has the name of another file on the medium.
    """
    sources, file_ids = recipe.sources, report.added.file_ids
    in_place = recipe.naming == IN_PLACE
    placed, copied, removals = _in_place(sources, nodes) if in_place else _copied(recipe, medium, nodes, report)
    values = iter(placed)
    for indexes, uids, types in nodes.instances():
        names = [""] * len(indexes) if in_place else map(sources.name, indexes)
        report.added.extend_by(names, islice(values, len(indexes)), uids, types)
    source_of = dict(zip(map(FileId, file_ids), nodes.sources(), strict=True)) if recipe.companion else {}
    directory = build(
        new_frame(identification, undefined_lengths=recipe.undefined_lengths),
        nodes,
        file_ids.packed,
        undefined_lengths=recipe.undefined_lengths,
    )
    additions = [*copied, *_companions(recipe, medium, directory, source_of)]
    basis = None if recipe.replace else b""  # without `replace` there must still be no DICOMDIR at the commit
    return Plan(directory, additions, removals, basis)


def _companions(
    recipe: Recipe, medium: UpdatableMedium, directory: Directory, source_of: Mapping[FileId, int]
) -> Iterator[Addition]:
    """List the files that accompany the file-set. Raises `RefusedError` if another file has one of their names."""
    if recipe.companion is None:
        return
    present = {name.upper() for name in medium.names()} if medium.exists() else set()
    for addition in recipe.companion.additions(encode(directory), source_of):
        if included := recipe.included.find(addition.file_id):
            reason = f"a file of the pages for a browser has this name, so {included} cannot have it"
            raise RefusedError(reason, path=addition.file_id, advice=_RENAME)
        is_there = addition.file_id.path.upper() in present
        if is_there and not has_same_file(addition, medium):
            raise RefusedError("another file has this name", path=addition.file_id, advice=_REMOVE)
        if not is_there:
            yield addition


def _in_place(sources: Sources, nodes: Arranged) -> Placement:
    runs = (sources.relatives(indexes) for indexes, _, _ in nodes.instances())
    return (name.replace("/", "\\") for name in chain.from_iterable(runs)), (), ()


def _copied(recipe: Recipe, medium: UpdatableMedium, nodes: Arranged, report: Report) -> Placement:
    leaves = [node for node in nodes if node.source >= 0]
    present = {name.upper() for name in medium.names()} if medium.exists() else set()
    file_ids, kept = _named(recipe, medium, leaves, present)
    new = ((node.source, one) for node, one in zip(leaves, file_ids, strict=True) if one not in kept)
    additions = [*recipe.included.additions(medium, present), *copies(recipe.sources, new)]
    removals = _removals(medium, {*file_ids, *recipe.included}, report) if recipe.replace else []
    return [file_id.value for file_id in file_ids], additions, removals


def _named(
    recipe: Recipe, medium: UpdatableMedium, leaves: Sequence[Node], present: Collection[str]
) -> tuple[list[FileId], set[FileId]]:
    """Choose a File ID for each instance, and find the instances whose file is already on the medium, byte for byte."""
    places = [Place.of(node, node.path, recipe.sources.relative(node.source)) for node in leaves]
    wanted = list(names(recipe.naming, places, recipe.included))
    if not present:
        return wanted, set()
    kept = {
        file_id
        for node, file_id in zip(leaves, wanted, strict=True)
        if file_id.path in present and recipe.sources.is_on(medium, file_id, node.source)
    }
    if all(file_id in kept or file_id.path not in present for file_id in wanted):
        return wanted, kept
    # A file is never overwritten: if one is in the way, all new files get unused names.
    taken = [*recipe.included, *(FileId.tolerant(name) for name in sorted(present) if is_path(name))]
    return list(names(recipe.naming, places, taken)), set()


def _removals(medium: UpdatableMedium, staying: set[FileId], report: Report) -> list[FileId]:
    """List the files of the replaced file-set; report each that stays.

    Raises `MediumError` if one cannot be deleted: files of former patients would stay without a record.
    """
    if not medium.has_dicomdir():
        return []
    try:
        former = referenced(medium)
    except FormatError:
        return []  # a DICOMDIR that cannot be read names no files
    stay = {DICOMDIR.value, *(file_id.path.upper() for file_id in staying)}
    removals = []
    for name in sorted(former):
        if name not in stay and is_path(name):
            actual, obstacle = deletable(medium, FileId.tolerant(name), Where(DICOMDIR.path))
            if obstacle and obstacle.rule == "FS-FILE-UNDELETED" and not medium.inquire_file_set().read_only:
                raise MediumError(_STAYS, path=os.path.join(medium.name, name), advice=_FREE)
            removals += [FileId.tolerant(name)] if actual else []
            if obstacle and obstacle.rule != "FS-FILE-MISSING":
                report.findings.append(obstacle)
    return removals


def refuse_existing(medium: UpdatableMedium, *, replace: bool) -> None:
    """Raise `RefusedError` if there is a file-set and `replace` is false, or a file that is not a file-set."""
    if not medium.occupied():
        return
    if is_foreign(medium.name):
        raise RefusedError("exists, and is not a file-set", path=medium.name, advice="Choose another name")
    if not replace:
        raise RefusedError("a file-set is already there", path=medium.name, advice=REPLACE_OR_ADD)
