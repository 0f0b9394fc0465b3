"""Flat records -> the tree that their offsets describe, or should (PS3.3 F.2.1).

Every offset must hit the start of an item; every record is met once. The walk is iterative and cuts what leads
back, so that no directory can hang a reader; what is cut is a finding.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import repeat
from typing import Final

from attrs import define, field

from fileset.dicomdir.decode import FlatDirectory
from fileset.dicomdir.directory import NONE
from fileset.findings import Finding, Where
from fileset.records.tables import ROOT_CHILDREN

_RANK: Final = {"PATIENT": 0, "STUDY": 1, "SERIES": 2}
_LEAF: Final = 3


@define
class Tree:
    """Links by index: of each record the `next` of its entity, the first of its `lower` entity, and its `parent`.

    `NONE` where there is no such record. `first` is the first record of the root entity. `reached` tells which
    records are in the tree; `hidden` which are inactive, by their own in-use flag or that of a record above.
    """

    next: array[int]
    lower: array[int]
    parent: array[int]
    first: int
    reached: bytearray
    hidden: bytearray
    findings: list[Finding] = field(factory=list)

    def entity(self, first: int) -> Iterator[int]:
        """The active records of the directory entity that begins with `first`, in order."""
        index, following, hidden = first, self.next, self.hidden
        while index != NONE:
            if not hidden[index]:
                yield index
            index = following[index]

    def children(self, index: int) -> Iterator[int]:
        """The active records of the lower-level entity of a record."""
        return self.entity(self.lower[index])

    def walk(self) -> Iterator[int]:
        """All active records, each before those below it."""
        following, lower, hidden = self.next, self.lower, self.hidden
        stack = [self.first]
        while stack:
            index = stack.pop()
            while index != NONE:
                if not hidden[index]:
                    yield index
                    if lower[index] != NONE:
                        stack.append(following[index])
                        index = lower[index]
                        continue
                index = following[index]


def link(flat: FlatDirectory, *, file: str = "DICOMDIR") -> Tree:
    """The tree of `flat`: by its offsets, and by the physical order of the records where these lead nowhere."""
    findings: list[Finding] = []
    index_of = dict(zip(flat.start, range(len(flat)), strict=True))
    tree = _empty(len(flat))
    for offsets, links, tag in ((flat.next, tree.next, 0x00041400), (flat.lower, tree.lower, 0x00041420)):
        links[:] = array("q", map(index_of.get, offsets, repeat(NONE)))
        _report_nowhere(flat, offsets, links, tag, file, findings)
    tree.first = index_of.get(flat.number(0x00041200), NONE)
    if len(flat):
        _check_first(tree, flat, file, findings)
        _walk(tree, flat, [(tree.first, NONE)], file, findings)
        if 0 in tree.reached:
            _adopt_orphans(tree, flat, file, findings)
        _check_last(tree, flat, file, findings)
    _flags(flat, tree, file, findings)
    tree.findings = findings
    return tree


def _check_first(tree: Tree, flat: FlatDirectory, file: str, findings: list[Finding]) -> None:
    """The first root record is one that no other record leads to."""
    targeted = _targeted(tree, len(flat))
    if tree.first != NONE and not targeted[tree.first]:
        return
    said = flat.number(0x00041200)
    heads = [index for index in range(len(flat)) if not targeted[index] and _kind(flat, index) != "MRDR"]
    if tree.first != NONE and not heads:
        return  # all records form cycles: begin where the file says
    tree.first = min(heads, key=lambda index: (_rank(_kind(flat, index)), index), default=0)
    message = f"offset of the first root record is {said}: the tree begins at {flat.start[tree.first]}"
    findings.append(Finding("FS-OFFSET-FIRST", message, Where(file, offset=said, tag=0x00041200)))


def _targeted(tree: Tree, count: int) -> bytearray:
    targeted = bytearray(count)
    for links in (tree.next, tree.lower):
        for target in links:
            if target >= 0:
                targeted[target] = 1
    return targeted


def _kind(flat: FlatDirectory, index: int) -> str:
    return flat.types[flat.type_of[index]]


def _check_last(tree: Tree, flat: FlatDirectory, file: str, findings: list[Finding]) -> None:
    last = tree.first
    while tree.next[last] != NONE:
        last = tree.next[last]
    said = flat.number(0x00041202)
    if said != flat.start[last]:
        message = f"offset of the last root record is {said} instead of {flat.start[last]}"
        findings.append(Finding("FS-OFFSET-LAST", message, Where(file, offset=said, tag=0x00041202)))


def _empty(count: int) -> Tree:
    none = array("q", [NONE]) * count
    return Tree(none[:], none[:], none[:], NONE, bytearray(count), bytearray(count))


def _report_nowhere(
    flat: FlatDirectory, offsets: array[int], links: array[int], tag: int, file: str, findings: list[Finding]
) -> None:
    if links.count(NONE) == offsets.count(0):
        return
    for index, (offset, target) in enumerate(zip(offsets, links, strict=True)):
        if offset and target == NONE:
            message = f"offset {offset} of {flat.types[flat.type_of[index]]}: no record begins there"
            findings.append(Finding("FS-OFFSET-NOWHERE", message, Where(file, offset=flat.start[index], tag=tag)))


def _walk(tree: Tree, flat: FlatDirectory, stack: list[tuple[int, int]], file: str, findings: list[Finding]) -> None:
    following, lower, parent, reached = tree.next, tree.lower, tree.parent, tree.reached
    while stack:
        index, above = stack.pop()
        before = NONE
        while index != NONE:
            if reached[index]:
                findings.append(_cut(tree, flat, index, above, before, file))
                break
            reached[index] = 1
            parent[index] = above
            if lower[index] != NONE:
                stack.append((lower[index], index))
            before = index
            index = following[index]


def _adopt_orphans(tree: Tree, flat: FlatDirectory, file: str, findings: list[Finding]) -> None:
    """Append each chain that no offset leads to, to the entity that it follows in the file."""
    targeted = _targeted(tree, len(flat))
    owners = _owners(flat)
    last_of: dict[int, int] = {}
    # First the heads of chains; what is left after them are cycles, entered at their first record.
    for entering in (targeted, bytearray(len(flat))):
        at = tree.reached.find(0)
        while at >= 0:
            if not entering[at] and _kind(flat, at) != "MRDR":  # an MRDR is in no entity (PS3.3 F.6.2, retired)
                message = f"no offset leads to the {_kind(flat, at)} record: it is put where it lies"
                findings.append(Finding("FS-RECORD-ORPHAN", message, Where(file, offset=flat.start[at])))
                _append(tree, at, owners[at], last_of)
                _walk(tree, flat, [(at, owners[at])], file, findings)
            at = tree.reached.find(0, at + 1)


def _append(tree: Tree, index: int, owner: int, last_of: dict[int, int]) -> None:
    first = tree.first if owner == NONE else tree.lower[owner]
    last = last_of.get(owner, first)
    if last == NONE:
        tree.lower[owner] = index
    else:
        while tree.next[last] != NONE:
            last = tree.next[last]
        tree.next[last] = index
    last_of[owner] = index


def _owners(flat: FlatDirectory) -> list[int]:
    """For each record the last one before it of a higher level, `NONE` for the root entity."""
    ranks = [_rank(name) for name in flat.types]
    open_: list[tuple[int, int]] = []
    owners = []
    for index, kind in enumerate(flat.type_of):
        while open_ and open_[-1][0] >= ranks[kind]:
            open_.pop()
        owners.append(open_[-1][1] if open_ else NONE)
        open_.append((ranks[kind], index))
    return owners


def _cut(tree: Tree, flat: FlatDirectory, index: int, above: int, before: int, file: str) -> Finding:
    """Cut the link that leads to a record already met, and say so."""
    if before != NONE:
        tree.next[before] = NONE
    elif above != NONE:
        tree.lower[above] = NONE
    source = before if before != NONE else above
    loop = before != NONE and tree.parent[index] == above
    ancestor = above
    while ancestor != NONE and not loop:
        loop = ancestor == index
        ancestor = tree.parent[ancestor]
    rule = "FS-OFFSET-CYCLE" if loop else "FS-OFFSET-SHARED"
    message = f"leads to the record at {flat.start[index]}, which was met before"
    place = flat.start[source] if source != NONE else None
    return Finding(rule, message, Where(file, offset=place, tag=0x00041400 if before != NONE else 0x00041420))


def _flags(flat: FlatDirectory, tree: Tree, file: str, findings: list[Finding]) -> None:
    flag = flat.number(0x00041212)
    if flag:
        message = f"File-set Consistency Flag is {flag:04X}H: the directory may be out of date"
        findings.append(Finding("FS-CONSISTENCY-FLAG", message, Where(file, tag=0x00041212)))
    if flat.in_use.count(0xFFFF) == len(flat):
        return
    for index, value in enumerate(flat.in_use):
        if value == 0xFFFF:
            continue
        rule = "FS-RECORD-IN-USE-FLAG" if value else "FS-RECORD-INACTIVE"
        message = f"Record In-use Flag is {value:04X}H"
        findings.append(Finding(rule, message, Where(file, offset=flat.start[index], tag=0x00041410)))
        if not value:
            _hide(tree, index)


def _hide(tree: Tree, index: int) -> None:
    tree.hidden[index] = 1
    stack = [tree.lower[index]]
    while stack:
        below = stack.pop()
        while below != NONE and not tree.hidden[below]:
            tree.hidden[below] = 1
            stack.append(tree.lower[below])
            below = tree.next[below]


def _rank(record_type: str) -> int:
    return _RANK.get(record_type, 0 if record_type in ROOT_CHILDREN and record_type != "PRIVATE" else _LEAF)
