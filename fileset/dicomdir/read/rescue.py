"""Build a tree that contains every record once from links that contradict each other or miss records.

Of several links to one record the likeliest one stays. A record without a link is adopted by the preceding record of a
higher level, if the record before it belongs there too and a link is broken at that position; otherwise by the root
entity, because no patient is better than a wrong one. Only if most records have no link, the order in the file alone
decides. Each cut and each adoption is a finding.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from attrs import define, field

from fileset.dicomdir.read.offsets import check_last, resolve
from fileset.dicomdir.read.raw import ABSENT, FlatDirectory
from fileset.dicomdir.read.tree import Tree
from fileset.dicomdir.write.layout import NONE
from fileset.findings import Findings
from fileset.standard import tags
from fileset.standard.hierarchy import level_of, may_be_below, may_be_beside, may_be_root


def rescue(flat: FlatDirectory, findings: Findings) -> Tree:
    """Find the most likely tree for the records of `flat`."""
    rescuer = _Rescuer(flat, resolve(flat, findings), findings)
    if len(flat):
        rescuer.leave_one_claim()
        rescuer.choose_first()
        rescuer.adopt_the_rest()
        rescuer.report_cuts()
        check_last(flat, rescuer.tree, findings)
    return rescuer.tree


@define(eq=False)
class _Rescuer:
    """A tree under construction.

    `claims`: the link that leads to each record, as twice the index of the record that has the link, plus one for a lower
    link; `NONE` if there is none. `cuts`: the removed links and their targets. `by_order`: whether only the order in the
    file counts. `last_of`: a cache of the last records of entities.
    """

    flat: FlatDirectory
    tree: Tree
    findings: Findings
    claims: array[int] = field(init=False)
    cuts: list[tuple[int, int]] = field(factory=list)
    by_order: bool = False
    last_of: dict[int, int] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.claims = array("q", [NONE]) * len(self.flat)

    # ------------------------------------------------------------ one link to each record

    def leave_one_claim(self) -> None:
        """Cut all links to a record except the likeliest one."""
        for links, is_lower in ((self.tree.lower, 1), (self.tree.next, 0)):
            for source, target in enumerate(links):
                if target != NONE:
                    self._claim(2 * source + is_lower, target)

    def _claim(self, claim: int, target: int) -> None:
        other = self.claims[target]
        if claim >> 1 == target:
            self._cut(claim, target)
        elif other == NONE or self._doubt(claim, target) < self._doubt(other, target):
            self.claims[target] = claim
            if other != NONE:
                self._cut(other, target)
        else:
            self._cut(claim, target)

    def _doubt(self, claim: int, target: int) -> tuple[bool, bool, int]:
        """Make a sort key for how unlikely a link is: wrong record type, backwards, distance."""
        source = claim >> 1
        fits = may_be_below if claim & 1 else may_be_beside
        misfit = not fits(self.flat.record_type(source), self.flat.record_type(target))
        return misfit, target < source, abs(target - source)

    def _cut(self, claim: int, target: int) -> None:
        (self.tree.lower if claim & 1 else self.tree.next)[claim >> 1] = NONE
        self.cuts.append((claim, target))

    def _release(self, index: int) -> None:
        """Cut the link to a record, if there is one."""
        claim, self.claims[index] = self.claims[index], NONE
        if claim != NONE:
            self._cut(claim, index)

    # ------------------------------------------------------------ the root entity

    def choose_first(self) -> None:
        """Choose the first record of the root entity: that of the file, unless a link to it is as likely, else the highest."""
        tree, flat = self.tree, self.flat
        if tree.first == NONE or not self._may_be_first(tree.first):
            heads = (index for index in self._unlinked() if not self._is_detached(index))
            tree.first = min(heads, key=self._height, default=max(tree.first, 0))
            stated = flat.number(tags.FIRST_ROOT_RECORD)
            message = f"offset of the first root record is {stated}: the tree starts at {flat.start[tree.first]}"
            self.findings.add("FS-OFFSET-FIRST", message, offset=stated, tag=tags.FIRST_ROOT_RECORD)
        self._release(tree.first)
        tree.adopt(tree.first, NONE)

    def _may_be_first(self, index: int) -> bool:
        claim = self.claims[index]
        misfit = not may_be_root(self.flat.record_type(index))
        return claim == NONE or (misfit, False) < self._doubt(claim, index)[:2]

    def _unlinked(self) -> Iterator[int]:
        return (index for index, claim in enumerate(self.claims) if claim == NONE)

    def _is_detached(self, index: int) -> bool:
        """Test whether a record belongs to no entity: an MRDR (PS3.3-2004 F.6.2, retired) that leads to no other."""
        tree = self.tree
        return self.flat.record_type(index) == "MRDR" and tree.next[index] == tree.lower[index] == NONE

    def _height(self, index: int) -> tuple[int, int]:
        return level_of(self.flat.record_type(index)), index

    # ------------------------------------------------------------ orphans

    def adopt_the_rest(self) -> None:
        """Add every record that is not yet in the tree."""
        reached, owners = self.tree.reached, self._owners()
        orphans = [index for index in self._unlinked() if not reached[index] and not self._is_detached(index)]
        self.by_order = 2 * len(orphans) >= len(self.flat)
        for index in orphans:
            self._adopt(index, owners[index])
        if self.by_order:
            message = f"no offset leads to {len(orphans)} of {len(self.flat)} records: the order in the file is used"
            self.findings.add("FS-OFFSET-UNUSABLE", message)
        else:
            self._report_orphans(orphans)
        # The remaining records form circles: enter each at its highest record.
        index = reached.find(0)
        while index != -1:
            if self.claims[index] != NONE and not reached[index]:
                entrance = min(self._circle(index), key=self._height)
                self._release(entrance)
                self._adopt(entrance, owners[entrance])
            index = reached.find(0, index + 1)

    def _report_orphans(self, orphans: list[int]) -> None:
        for index in orphans:
            above = self.tree.parent[index]
            place = "in the root entity" if above == NONE else f"below the record at {self.flat.start[above]}"
            message = f"no offset leads to the {self.flat.record_type(index)} record: it is placed {place}"
            self.findings.add("FS-RECORD-ORPHAN", message, offset=self.flat.start[index])

    def _circle(self, index: int) -> list[int]:
        """Find the records of the circle that leads to a record."""
        met: dict[int, None] = {}
        while index not in met:
            met[index] = None
            index = self.claims[index] >> 1
        path = list(met)
        return path[path.index(index) :]

    def _adopt(self, index: int, owner: int) -> None:
        if not self._follows(index, owner) or not (self.by_order or self._is_open(owner)):
            owner = NONE
        self._append(index, owner)
        self.tree.adopt(index, owner)

    def _follows(self, index: int, owner: int) -> bool:
        """Check whether the previous record is the owner or below it."""
        before = index - 1
        if owner == NONE or not self.tree.reached[owner]:
            return False
        return before == owner or owner in self.tree.above(before)

    def _is_open(self, owner: int) -> bool:
        """Test whether the lower-level entity of a record is empty, or its last record has a broken link."""
        last = self._last(owner)
        return last == NONE or self.flat.next[last] != 0 or self.flat.next_at[last] == ABSENT

    def _append(self, index: int, owner: int) -> None:
        """Append a record and its successors to a directory entity."""
        last = self._last(owner)
        if last == NONE:
            self.tree.lower[owner] = index
        else:
            self.tree.next[last] = index
        self.last_of[owner] = index

    def _last(self, owner: int) -> int:
        """Find the last record of the lower-level entity of a record or of the root entity; `NONE` if empty."""
        last = self.last_of.get(owner, self.tree.first if owner == NONE else self.tree.lower[owner])
        while last != NONE and self.tree.next[last] != NONE:
            last = self.tree.next[last]
        self.last_of[owner] = last
        return last

    def _owners(self) -> list[int]:
        """Find for each record the preceding one of a higher level, `NONE` for the root entity."""
        levels = [level_of(name) for name in self.flat.types]
        open_: list[tuple[int, int]] = []
        owners = []
        for index, kind in enumerate(self.flat.type_of):
            while open_ and open_[-1][0] >= levels[kind]:
                open_.pop()
            owners.append(open_[-1][1] if open_ else NONE)
            open_.append((levels[kind], index))
        return owners

    # ------------------------------------------------------------ cut links

    def report_cuts(self) -> None:
        """Report each cut link as a cycle or as a second link to a record."""
        if not self.cuts:
            return
        position, ends = self._spans()
        for claim, target in sorted(self.cuts):
            source, above = claim >> 1, self.tree.parent[target]
            end = len(position) if above == NONE else ends[above]
            rule = "FS-OFFSET-CYCLE" if position[target] <= position[source] < end else "FS-OFFSET-SHARED"
            message = f"leads to the record at {self.flat.start[target]}, which is already in the tree"
            tag = tags.LOWER_LEVEL_ENTITY if claim & 1 else tags.NEXT_RECORD
            self.findings.add(rule, message, offset=self.flat.start[source], tag=tag)

    def _spans(self) -> tuple[array[int], array[int]]:
        """Compute the position of each record in the order of the tree, and the end of its branch."""
        order = list(self.tree.walk())
        position, ends = array("q", [NONE]) * len(self.flat), array("q", [NONE]) * len(self.flat)
        for place, index in enumerate(order):
            position[index] = place
            ends[index] = place + 1
        for index in reversed(order):
            above = self.tree.parent[index]
            if above != NONE:
                ends[above] = max(ends[above], ends[index])
        return position, ends
