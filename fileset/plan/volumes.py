"""Write a new file-set on one medium, or several file-sets if one medium is too small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing

from attrs import evolve

from fileset.dicomdir.write.header import LONGEST_FILE_SET_ID, Identification, new_uid
from fileset.errors import FilesetError, MediumError
from fileset.findings import Finding, Where
from fileset.media.base import UpdatableMedium
from fileset.media.open import numbered_path, readable, volumes_there
from fileset.plan.commit import Progress, carry_out
from fileset.plan.dicomdir_file import read_contents
from fileset.plan.new_file_set import IN_PLACE, Recipe, new_file_set, refuse_existing
from fileset.plan.recovery import clean_up
from fileset.plan.self_check import new_file_set_findings
from fileset.records.arranged import Arranged
from fileset.report import Replaced, Report, Volume


def write_volume(recipe: Recipe, report: Report, nodes: Arranged, identification: Identification) -> None:
    """Write the file-set of `nodes`, an arranged tree, at the path in `report`; only plan it in a dry run.

    The records of `nodes` are freed when they are written.
    """
    medium = recipe.format.writable(report.medium, identification.file_set_id)
    refuse_existing(medium, replace=recipe.replace)
    report.medium = medium.name
    report.file_set_id, report.file_set_uid = identification.file_set_id, identification.file_set_uid
    cleaned = clean_up(medium, adopts=recipe.naming == IN_PLACE, dry_run=report.dry_run)
    # An index has cleaned up before, when it looked for its sources.
    report.findings += [finding for finding in cleaned if finding not in report.findings]
    report.note_medium(medium.inquire_file_set())
    plan = new_file_set(recipe, medium, nodes, identification, report)
    report.findings += new_file_set_findings(recipe, report, medium, plan, identification)
    if recipe.replace and recipe.naming != IN_PLACE and medium.occupied():
        report.replaced.append(_replaced(recipe, medium, len(plan.removals)))
    carry_out(plan, medium, report, recipe.progress)


def _replaced(recipe: Recipe, medium: UpdatableMedium, removed: int) -> Replaced:
    """Describe the replaced file-set. `removed` of its files are deleted; an image is deleted as a whole."""
    try:
        former, dicomdir = readable(medium.name, recipe.format)
        with closing(former):
            instances = len(set(map(str.upper, read_contents(former, dicomdir).paths())))
    except FilesetError:
        return Replaced(medium.name, None, None if medium.exists() else 0)
    return Replaced(medium.name, instances, instances - removed if medium.exists() else 0)


def write_volumes(
    recipe: Recipe, report: Report, nodes: Arranged, identification: Identification, capacity: int
) -> None:
    """Write as many file-sets as needed on media of `capacity` bytes.

    Nothing is written unless there is room for all volumes. Raises `RuleError` if an instance is too large.
    """
    from fileset.plan.split import divide, numbered

    leaves = list(nodes.sources())
    sizes = [recipe.sources.inquire(source).size for source in leaves]
    footprint = evolve(recipe.format.footprint, fixed=recipe.format.footprint.total(*recipe.included.sizes()))
    if recipe.companion is not None:
        sizes = [size + recipe.companion.weigh(source, footprint) for source, size in zip(leaves, sizes, strict=True)]
        footprint = recipe.companion.room(footprint)
    division = divide(nodes, sizes, footprint, capacity, lambda at: recipe.sources.name(leaves[at]))
    report.findings += division.findings
    paths = [numbered_path(report.medium, at, recipe.format) for at in range(1, len(division.volumes) + 1)]
    _check_room(recipe, paths, sum(division.planned))
    for path in volumes_there(report.medium, recipe.format)[len(paths) :]:  # of an older, larger set
        report.findings.append(Finding("FS-VOLUME-FORMER", "it stays, and is not one of the new volumes", Where(path)))
    totals = {"write": len(leaves), "bytes": sum(division.planned)}
    for at, (path, part, planned) in enumerate(zip(paths, division.volumes, division.planned, strict=True), 1):
        name = numbered(identification.file_set_id, at, LONGEST_FILE_SET_ID)
        own = evolve(identification, file_set_id=name, file_set_uid=new_uid())
        made = Report(path, dry_run=report.dry_run, hashes=report.hashes)
        shifted = evolve(recipe, progress=_shifted(recipe.progress, report, totals))
        try:
            write_volume(shifted, made, Arranged(part), own)
        except (KeyboardInterrupt, FilesetError) as problem:
            if report.written:
                problem.add_note(f"complete volumes, which stay: {', '.join(paths[: at - 1])}")
            raise
        report.volumes.append(Volume(made, capacity, planned, _used(recipe, made, capacity)))
        report.findings += made.findings
        report.replaced += made.replaced
        report.added.extend(made.added)
        report.written += made.written


def _check_room(recipe: Recipe, paths: Sequence[str], size: int) -> None:
    """Raise `RefusedError` if a volume already exists, `MediumError` if there is not room for all volumes."""
    media = [recipe.format.writable(path, "") for path in paths]
    for medium in media:
        refuse_existing(medium, replace=recipe.replace)
    free = media[0].inquire_file_set().free
    if free is not None and size > free:
        raise MediumError(
            f"{len(paths)} volumes need {size} bytes, {free} are free; nothing was written", path=paths[0]
        )


def _used(recipe: Recipe, made: Report, capacity: int) -> int | None:
    """Measure the size of a written volume in bytes. Raises `MediumError` if it exceeds the capacity."""
    if made.dry_run:
        return None
    medium, _ = readable(made.medium, recipe.format)
    used = medium.inquire_file_set().used
    medium.close()
    if used is None:
        folders = {written.file_id.path.rpartition("/")[0] for written in made.written}
        used = recipe.format.footprint.total([written.size for written in made.written], len(folders))
    if used > capacity:
        raise MediumError(f"takes {used} bytes, more than the {capacity} of a volume", path=made.medium)
    return used


def _shifted(progress: Progress, report: Report, totals: Mapping[str, int]) -> Progress:
    """Build a callback that turns the progress of one volume into the progress of all; `report` has the earlier volumes.

    `totals`: the files and the planned bytes of all volumes, by phase.
    """
    before = {"write": len(report.added), "bytes": sum(written.size for written in report.written)}

    def shifted(phase: str, done: int, of: int) -> None:
        progress(phase, done + before.get(phase, 0), totals.get(phase, of))

    return shifted
