"""Records in preorder -> links."""

from __future__ import annotations

from array import array

from fileset.dicomdir.directory import NONE


class Links:
    """Collects the depth of each record in preorder, 0 for the root entity, and gives the links by index."""

    def __init__(self) -> None:
        self.next = array("q")
        self.lower = array("q")
        self.first = NONE
        self.last = NONE
        self._open: list[int] = []  # the last record at each depth

    def append(self, depth: int) -> int:
        """The index of one more record, linked to those before it."""
        index = len(self.next)
        self.next.append(NONE)
        self.lower.append(NONE)
        if depth < len(self._open):
            self.next[self._open[depth]] = index
            del self._open[depth:]
        elif depth:
            self.lower[self._open[-1]] = index
        self._open.append(index)
        if not depth:
            self.first = index if self.first == NONE else self.first
            self.last = index
        return index

    def extend(self, depth: int, count: int) -> None:
        """`count` records of one entity with nothing below them."""
        if count:
            index = self.append(depth)
            if count > 1:
                last = index + count - 1
                self.next[index] = index + 1
                self.next.extend(range(index + 2, last + 1))
                self.next.append(NONE)
                self.lower.extend([NONE] * (count - 1))
                self._open[depth] = last
                self.last = self.last if depth else last
