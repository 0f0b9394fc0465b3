"""Links that contradict each other, or miss records -> a tree that holds every record once.

Of several links to one record the likeliest stays. What then hangs together is kept. A record that no link leads to
is adopted by the one of a higher level that it follows in the file, if the record before it belongs there too and a
link is broken where it would be put; else by the root entity: better no patient than a wrong one. Only where most
records are without a link does their order in the file alone decide. Each cut and each adoption is a finding.
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


def rescue(flat: FlatDirectory, found: Findings) -> Tree:
    """The best tree for the records of `flat`."""
    rescuer = _Rescuer(flat, resolve(flat, found), found)
    if len(flat):
        rescuer.leave_one_claim()
        rescuer.choose_first()
        rescuer.adopt_the_rest()
        rescuer.report_cuts()
        check_last(flat, rescuer.tree, found)
    return rescuer.tree


@define(eq=False)
class _Rescuer:
    """The tree in the making.

    `claims` holds the link that leads to each record: twice the index of the record whose link it is, one more if
    it is the lower link; `NONE` if there is none. `cuts` are the links that had to go, and where they led. `by_order`
    tells that the order of the file is all there is to go by; `last_of` holds ends of entities that were looked for.
    """

    flat: FlatDirectory
    tree: Tree
    found: Findings
    claims: array[int] = field(init=False)
    cuts: list[tuple[int, int]] = field(factory=list)
    by_order: bool = False
    last_of: dict[int, int] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.claims = array("q", [NONE]) * len(self.flat)

    # ------------------------------------------------------------ one link to each record

    def leave_one_claim(self) -> None:
        """Of several links to one record, cut all but the likeliest."""
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
        """How unlikely a link is: to a type that does not fit, backwards, from afar."""
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
        """Begin where the file says, unless a link that is as likely leads there; else at the highest record."""
        tree, flat = self.tree, self.flat
        if tree.first == NONE or not self._may_be_first(tree.first):
            heads = (index for index in self._unlinked() if not self._is_detached(index))
            tree.first = min(heads, key=self._height, default=max(tree.first, 0))
            said = flat.number(tags.FIRST_ROOT_RECORD)
            message = f"offset of the first root record is {said}: the tree begins at {flat.start[tree.first]}"
            self.found.add("FS-OFFSET-FIRST", message, offset=said, tag=tags.FIRST_ROOT_RECORD)
        self._release(tree.first)
        tree.adopt(tree.first, NONE)

    def _may_be_first(self, index: int) -> bool:
        claim = self.claims[index]
        misfit = not may_be_root(self.flat.record_type(index))
        return claim == NONE or (misfit, False) < self._doubt(claim, index)[:2]

    def _unlinked(self) -> Iterator[int]:
        return (index for index, claim in enumerate(self.claims) if claim == NONE)

    def _is_detached(self, index: int) -> bool:
        """Whether a record is meant to be in no entity: an MRDR (PS3.3-2004 F.6.2, retired) that leads to no other."""
        tree = self.tree
        return self.flat.record_type(index) == "MRDR" and tree.next[index] == tree.lower[index] == NONE

    def _height(self, index: int) -> tuple[int, int]:
        return level_of(self.flat.record_type(index)), index

    # ------------------------------------------------------------ orphans

    def adopt_the_rest(self) -> None:
        """Give every record that is not yet in the tree a place in it."""
        reached, owners = self.tree.reached, self._owners()
        orphans = [index for index in self._unlinked() if not reached[index] and not self._is_detached(index)]
        self.by_order = 2 * len(orphans) >= len(self.flat)
        for index in orphans:
            self._adopt(index, owners[index])
        if self.by_order:
            message = f"no offset leads to {len(orphans)} of {len(self.flat)} records: their order in the file decides"
            self.found.add("FS-OFFSET-UNUSABLE", message)
        else:
            self._report_orphans(orphans)
        # What is left leads round in circles: each is entered at its highest record.
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
            message = f"no offset leads to the {self.flat.record_type(index)} record: it is put {place}"
            self.found.add("FS-RECORD-ORPHAN", message, offset=self.flat.start[index])

    def _circle(self, index: int) -> list[int]:
        """The records of the circle that leads to this one."""
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
        """Whether the record before this one is the owner, or below it. One that may be below this one owns nothing."""
        before = index - 1
        if owner == NONE or not self.tree.reached[owner]:
            return False
        return before == owner or owner in self.tree.above(before)

    def _is_open(self, owner: int) -> bool:
        """Whether the lower-level entity of a record has no record, or its last one has a link that is broken."""
        last = self._last(owner)
        return last == NONE or self.flat.next[last] != 0 or self.flat.next_at[last] == ABSENT

    def _append(self, index: int, owner: int) -> None:
        """Put a record, with those that follow it, at the end of a directory entity."""
        last = self._last(owner)
        if last == NONE:
            self.tree.lower[owner] = index
        else:
            self.tree.next[last] = index
        self.last_of[owner] = index

    def _last(self, owner: int) -> int:
        """The last record of the lower-level entity of a record, or of the root entity; `NONE` if it is empty."""
        last = self.last_of.get(owner, self.tree.first if owner == NONE else self.tree.lower[owner])
        while last != NONE and self.tree.next[last] != NONE:
            last = self.tree.next[last]
        self.last_of[owner] = last
        return last

    def _owners(self) -> list[int]:
        """For each record the last one before it of a higher level, `NONE` for the root entity."""
        levels = [level_of(name) for name in self.flat.types]
        open_: list[tuple[int, int]] = []
        owners = []
        for index, kind in enumerate(self.flat.type_of):
            while open_ and open_[-1][0] >= levels[kind]:
                open_.pop()
            owners.append(open_[-1][1] if open_ else NONE)
            open_.append((levels[kind], index))
        return owners

    # ------------------------------------------------------------ what was cut

    def report_cuts(self) -> None:
        """Say of each link that was cut whether it led back, or to a record that belongs elsewhere."""
        if not self.cuts:
            return
        position, behind = self._spans()
        for claim, target in sorted(self.cuts):
            source, above = claim >> 1, self.tree.parent[target]
            end = len(position) if above == NONE else behind[above]
            rule = "FS-OFFSET-CYCLE" if position[target] <= position[source] < end else "FS-OFFSET-SHARED"
            message = f"leads to the record at {self.flat.start[target]}, which has its place already"
            tag = tags.LOWER_LEVEL_ENTITY if claim & 1 else tags.NEXT_RECORD
            self.found.add(rule, message, offset=self.flat.start[source], tag=tag)

    def _spans(self) -> tuple[array[int], array[int]]:
        """Where each record stands in the order of the tree, and where what is below it ends."""
        order = list(self.tree.walk())
        position, behind = array("q", [NONE]) * len(self.flat), array("q", [NONE]) * len(self.flat)
        for place, index in enumerate(order):
            position[index] = place
            behind[index] = place + 1
        for index in reversed(order):
            above = self.tree.parent[index]
            if above != NONE:
                behind[above] = max(behind[above], behind[index])
        return position, behind
