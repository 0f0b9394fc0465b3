"""Plan an update of a file-set: add and remove instances. Kept records keep their bytes, and kept files their names."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

from attrs import define, evolve, field

from fileset.dicom.character_sets import decode
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.write.header import renewed_frame
from fileset.dicomdir.write.kept import Kept
from fileset.dicomdir.write.layout import NONE, Frame
from fileset.dicomdir.write.merge import Growth, grow, laid_out
from fileset.dicomdir.write.patch import Wrong, patched, unlike
from fileset.errors import REPAIR, FilesetError, RefusedError
from fileset.file_id import DICOMDIR, SEPARATOR, FileId
from fileset.findings import Finding, Where
from fileset.media.names import TAILS, form_key
from fileset.plan.commit import Plan, copies
from fileset.plan.copy_findings import cleared
from fileset.plan.file_keys import FileKeys
from fileset.plan.folder_numbers import Placing
from fileset.plan.identity import (
    Identity,
    agreeing_first,
    identity_of_levels,
    identity_of_tail,
    refreshed_differences,
)
from fileset.plan.intake import Intake
from fileset.plan.names import names
from fileset.plan.offer import Offer
from fileset.plan.removal import deletable
from fileset.plan.scan import Refused, collect
from fileset.plan.source_file_set import SourceFileSets
from fileset.records.arranged import Node
from fileset.records.describe import Instance
from fileset.records.levels import LEVELS
from fileset.records.tree import TreeBuilder
from fileset.report import Removed, Report, Skipped
from fileset.standard import tags


@define
class Request:
    """The requested changes of the file-set on the medium of `offer`, with the records `kept`; new files pass `intake`.

    `removed`: record -> whether its file stays. `replacing`: sources that may replace an instance. `unusable`: files of
    the medium that cannot be referenced where they are. `changes`: values of the File-set Identification, by tag.
    """

    naming: str
    patient_conflict: str
    intake: Intake
    offer: Offer
    kept: Kept
    removed: dict[int, bool] = field(factory=dict)
    replacing: set[int] = field(factory=set)
    unusable: list[Skipped] = field(factory=list)
    changes: dict[int, bytes | None] = field(factory=dict)


def update(request: Request, report: Report) -> Plan | None:
    """Plan an update, None if there is nothing to do; `report` receives the result for each instance.

    Raises `RefusedError` if an instance cannot be replaced without loss, or new ones belong to a record that exists twice.
    """
    offer, kept, contents = request.offer, request.kept, request.kept.contents
    report.findings += contents.findings
    report.mended = len(report.findings)  # the new DICOMDIR does not have these faults
    report.findings += _files_of_inactive_records(kept)
    report.skipped += request.unusable
    file_sets = SourceFileSets(offer.sources)
    accepted, replaced = _accepted(request, kept, file_sets, report)
    lost, found = file_sets.compare((source, instance.sop_instance_uid) for source, instance in accepted)
    report.skipped += lost
    report.findings += found
    report.skipped += [Skipped(name, "FS-MEDIUM-DAMAGED", note) for name, note in offer.sources.damage()]
    if not (len(offer.sources) or offer.listed or report.skipped):
        report.skipped += offer.sources.nothing_found()
    report.findings += offer.sources.choice_findings()
    report.note_links(offer.sources.outside())
    gone = request.removed | dict.fromkeys((index for indexes in replaced.values() for index in indexes), False)
    accepted = agreeing_first(contents, accepted, offer.record_of) if offer.record_of else accepted
    while True:
        if not (accepted or gone or request.changes):
            return None
        refreshed = [offer.record_of[source] for source, _ in accepted if source in offer.record_of]
        kept, affected, files = _without(request, gone, refreshed)
        tree, refused = _tree(request, accepted, replaced, kept)
        report.skipped += [Skipped(offer.sources.name(at), *why) for at, why in refused.items()]
        if not refused.keys() & offer.record_of.keys():
            break
        accepted = [one for one in accepted if one[0] not in refused]  # the records of refused files stay: plan again
    growth = _grown(request, kept, tree, report)
    _renew(growth, affected, files, report)
    report.findings += refreshed_differences(contents, _refreshed(request, growth, accepted))
    plan = _planned(request, growth, renewed_frame(contents.flat, request.changes), report)
    report.findings += tree.findings
    return evolve(plan, removals=_removals(request, gone, kept, report), basis=contents.flat.data)


def _without(request: Request, gone: Iterable[int], refreshed: Sequence[int]) -> tuple[Kept, set[int], FileKeys]:
    """Return the records that stay, those of them that lost a record below, and the keys of their files."""
    refuse_nested(request.kept, (*gone, *refreshed), {*gone, *refreshed})
    kept = request.kept.copy()
    for index in gone:
        kept.drop(index)
    kept.read_files_again(refreshed)
    affected = kept.prune((*gone, *refreshed))
    kept.note_renewed()
    files = FileKeys(request.offer.medium, kept)
    kept.files_confirm, kept.files_person = files.confirms, files.person
    return kept, affected, files


# ---------------------------------------------------------------- additions


def _accepted(
    request: Request, kept: Kept, file_sets: SourceFileSets, report: Report
) -> tuple[list[tuple[int, Instance]], dict[bytes, list[int]]]:
    """Collect the accepted instances by source, and the records that they replace by SOP Instance UID."""
    accepted: list[tuple[int, Instance]] = []
    replaced: dict[bytes, list[int]] = {}
    sources = request.offer.sources
    sources.stamp()
    for source, found in enumerate(request.intake.outcomes(sources)):
        if isinstance(found, Refused):
            listed = found.rule in ("FS-FILE-NOT-DICOM", "FS-FILE-EMPTY") and source in request.offer.record_of
            rule = "FS-REFERENCE-NOT-DICOM" if listed else found.rule
            report.skipped.append(file_sets.skipped(source, rule, found.reason))
            continue
        instance = Instance._make(found)
        if request.intake.clears_preambles and source not in request.offer.in_place:
            sources.clear_preambles((source,))
        former = _replaced(request, kept, source, instance.sop_instance_uid)
        if isinstance(former, Refused):
            report.skipped.append(Skipped(sources.name(source), *former))
            continue
        if former:
            replaced[instance.sop_instance_uid] = former
        accepted.append((source, instance))
    return accepted, replaced


def _replaced(request: Request, kept: Kept, source: int, uid: bytes) -> list[int] | Refused:
    """Find the records that a source replaces, or the reason why it must not replace them."""
    own = request.offer.record_of.get(source)
    holders = [index for index in kept.instances(uid) if index != own]
    if not holders:
        return []
    shown = uid.decode("ascii", "replace")
    other = "with other contents"
    file_ids = filter(None, map(request.kept.contents.file_id, holders))
    try:
        same = own is None and any(request.offer.sources.is_on(request.offer.medium, one, source) for one in file_ids)
    except FilesetError as problem:
        same, other = False, f"in a file that cannot be read to compare: {problem}"
    if same:
        return Refused("FS-INSTANCE-DUPLICATE", f"the file-set holds instance {shown} with the same bytes")
    if source not in request.replacing:
        return Refused("FS-INSTANCE-CONFLICT", f"the file-set holds instance {shown} {other}")
    refuse_shared(request.kept.contents, holders)
    return holders


def _tree(
    request: Request,
    accepted: Sequence[tuple[int, Instance]],
    replaced: dict[bytes, list[int]],
    kept: Kept,
) -> tuple[TreeBuilder, dict[int, Refused]]:
    """Build the tree of the new instances; return the refused ones, too. Raises `RefusedError` if one should replace another."""
    sources = request.offer.sources
    tree = TreeBuilder(sources.name, sources.same, kept, patient_conflict=request.patient_conflict)
    refused = dict(collect(accepted, tree))
    for source, instance in accepted:
        uid = instance.sop_instance_uid
        if source in refused and uid in replaced and uid not in tree:
            message = f"cannot take the place of its record: {refused[source].reason}; nothing was written"
            raise RefusedError(message, path=sources.name(source))
    return tree, refused


def _refreshed(
    request: Request, growth: Growth, accepted: Sequence[tuple[int, Instance]]
) -> Iterator[tuple[int, str, Instance, Identity]]:
    """Yield each file that was read again: its old record, name, instance, and the patient whose record it is below now."""
    offer, instances = request.offer, dict(accepted)
    parents = growth.parents()
    patients: dict[int, Identity] = {}
    for reference, node in enumerate(growth.nodes, len(growth.kept.flat)):
        if node.source in offer.record_of:
            above = parents[reference]
            if above not in patients:
                patients[above] = _patient(growth, parents, above)
            name = offer.sources.name(node.source)
            yield offer.record_of[node.source], name, instances[node.source], patients[above]


def _patient(growth: Growth, parents: dict[int, int], reference: int) -> Identity:
    """Find the patient of a record: of a new record above, or of a kept one."""
    while (node := growth.node(reference)) is not None:
        if node.record_type == "PATIENT":
            return identity_of_tail(node.tail)
        reference = parents[reference]
    return identity_of_levels(growth.kept.contents, reference)


def _grown(request: Request, kept: Kept, tree: TreeBuilder, report: Report) -> Growth:
    """Add the new records to the kept ones; patch old records that have values which no remaining file has."""
    nodes, no_icons = request.intake.with_icons(tree.arranged(), request.offer.sources)
    report.findings += no_icons

    def settled(node: Node) -> Node:
        if node.record_type not in LEVELS or not node.tail:
            return node
        stale = frozenset(tree.stale.get((node.record_type, node.key), ()))
        index = kept.former(node.record_type, node.key)
        renewed = kept.is_renewed(node.record_type, node.key)
        if index == NONE or not (stale or renewed):
            return node
        others = unlike(kept.flat, index, node.tail) if renewed else frozenset()
        return node._replace(tail=_patched(kept, index, node.tail, stale, report, others))

    return grow(kept, map(settled, nodes))


def _patched(
    kept: Kept, index: int, tail: bytes, stale: frozenset[int], report: Report, others: frozenset[int] = frozenset()
) -> bytes:
    """Renew the `stale` keys of a record, and `others`; report each change, but not keys among `others` that it gets."""
    contents = kept.contents
    new, changes = patched(contents.flat, index, tail, Wrong(stale | others), contents.character_set)
    report.note_changes(contents.type_name(index), (one for one in changes if one.old or one.tag not in others))
    return new


def _renew(growth: Growth, affected: set[int], files: FileKeys, report: Report) -> None:
    """Renew keys of records that lost instances, if no remaining file below has the old value."""
    kept = growth.kept
    references = {index: reference for reference, index in growth.former.items()}
    extended = {above for above in growth.below if above < len(kept.flat)} | set(references)
    judged = {at for above in extended if above != NONE for at in kept.tree.above(above)} & kept.read_again
    for index in sorted(affected, key=lambda one: sum(1 for _ in kept.tree.above(one))):
        kind = kept.contents.type_name(index)
        if kind not in LEVELS or index in extended or index in judged:
            continue
        tail, stale = files.better(index)
        if not stale:
            continue
        new = _patched(kept, index, tail, stale, report)
        parent = kept.tree.parent[index]
        above = references.get(parent, parent)
        node = Node(0, kind, 0, new, key=kept.key(index), order=kept.order(index))
        references[index] = growth.add(node, above)
        growth.former[references[index]] = index
        growth.below[above].sort(key=growth.order)
        kept.dropped[index] = 1


def _planned(request: Request, growth: Growth, frame: Frame, report: Report) -> Plan:
    """Make the plan that adds the new records and removes no file; report each instance."""
    offer = request.offer
    file_ids = {**offer.in_place, **_file_ids(request, growth)}
    copied: dict[int, FileId] = {}
    for node in growth.nodes:
        if node.source < 0:
            continue
        file_id = file_ids[node.source].decode("ascii", "replace")
        rows = report.refreshed if node.source in offer.record_of else report.added
        rows.append(offer.sources.name(node.source), file_id, node.sop_instance_uid, node.record_type)
        if node.source not in offer.in_place:
            copied[node.source] = FileId(file_id)
    report.findings += cleared(offer.sources, copied)
    additions = list(copies(offer.sources, copied.items()))
    return Plan(laid_out(growth, frame, lambda node: file_ids[node.source]), additions)


def _file_ids(request: Request, growth: Growth) -> dict[int, bytes]:
    """Choose a new File ID for each new instance that is not yet on the medium, by source."""
    offer = request.offer
    new = [
        (reference, node)
        for reference, node in enumerate(growth.nodes, len(growth.kept.flat))
        if node.source >= 0 and node.source not in offer.in_place
    ]
    if not new:
        return {}
    on_medium, is_named = request.offer.medium.occupation, growth.kept.is_named

    def occupation(value: str) -> str:
        return on_medium(value) or ("file" if is_named(value) else "")

    placing = Placing(growth, occupation)
    places = [placing.place(reference, node, offer.sources.relative(node.source)) for reference, node in new]
    given = names(request.naming, places, occupation=occupation)
    return {node.source: file_id.value.encode("ascii") for (_, node), file_id in zip(new, given, strict=True)}


# ---------------------------------------------------------------- removals


def _removals(request: Request, gone: dict[int, bool], kept: Kept, report: Report) -> list[FileId]:
    """List the files to delete; report each removed record, and each file that stays without a record."""
    contents, protected = request.kept.contents, _protected(request)
    deleted: dict[FileId, None] = {}
    for index, stays in sorted(gone.items()):
        file_id = contents.file_id(index)
        if file_id is None:
            continue
        where = Where(contents.file, offset=contents.flat.start[index], tag=tags.REFERENCED_FILE_ID)
        actual = None
        if stays:
            report.findings.append(_unlisted(contents, index, file_id))
        elif form_key(file_id.path) not in protected and not kept.is_named(file_id.value):
            actual, obstacle = deletable(request.offer.medium, file_id, where)
            report.findings += [obstacle] if obstacle else []
        if actual is not None and (form_key(actual.path) in protected or kept.is_named(*_forms(actual))):
            actual = None
        uid = contents.reference(index, tags.REFERENCED_SOP_INSTANCE_UID)
        report.removed.append(Removed(file_id, uid, contents.type_name(index), actual is not None))
        deleted |= {actual: None} if actual else {}
    return list(deleted)


def _protected(request: Request) -> frozenset[str]:
    """Collect the keys of the files that are never deleted: DICOMDIR, descriptor, sources."""
    former = request.kept.contents.text(tags.DESCRIPTOR_FILE_ID)
    descriptor = decode(request.changes.get(tags.DESCRIPTOR_FILE_ID) or b"")
    named = (former, descriptor, *map(decode, request.offer.in_place.values()))
    return frozenset((DICOMDIR.value, *(form_key(name.replace(SEPARATOR, "/")) for name in named if name)))


def _forms(file_id: FileId) -> Iterator[str]:
    """List all File IDs under which the medium finds a file, because a record may use any of them."""
    bare = form_key(file_id.path).replace("/", SEPARATOR)
    return (bare + tail for tail in TAILS)


def refuse_nested(kept: Kept, records: Iterable[int], going: Container[int]) -> None:
    """Raise `RefusedError` if an instance that stays is below the record of one that goes, against PS3.3 F.4."""
    contents = kept.contents
    for index in records:
        if contents.tree.lower[index] == NONE or contents.type_name(index) in LEVELS:
            continue
        if any(each not in going and contents.references_file(each) for each in kept.below(index)):
            at = contents.flat.start[index]
            reason = f"the records of other instances are below that at offset {at}, and would go with it"
            raise RefusedError(reason, path=contents.file, advice=REPAIR)


def refuse_shared(contents: Contents, indexes: Iterable[int]) -> None:
    """Raise `RefusedError` if one of the records shares its file through an MRDR (retired, PS3.3-2003 F.6.2)."""
    if "MRDR" not in contents.flat.types:
        return
    for index in indexes:
        if contents.element(index, tags.MRDR_OFFSET):
            raise RefusedError(
                f"the record at offset {contents.flat.start[index]} shares its file through a "
                "Multi-Referenced File Directory Record (retired, PS3.3-2003 F.6.2), which is not changed",
                path=contents.file,
                advice=REPAIR,
            )


def _files_of_inactive_records(kept: Kept) -> list[Finding]:
    """Report each file that loses its record because inactive records are not written again."""
    contents, hidden = kept.contents, kept.tree.hidden
    if 1 not in hidden:
        return []
    inactive = [index for index, flag in enumerate(hidden) if flag and contents.references_file(index)]
    return [_unlisted(contents, index, name) for index in inactive if (name := contents.file_id(index))]


def _unlisted(contents: Contents, index: int, file_id: FileId) -> Finding:
    where = Where(contents.file, offset=contents.flat.start[index])
    return Finding("FS-FILE-UNLISTED", f"{file_id} stays on the medium, and no record references it", where)
