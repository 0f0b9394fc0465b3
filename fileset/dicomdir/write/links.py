"""Compute the links of records in preorder."""

from __future__ import annotations

from array import array

from fileset.dicomdir.write.layout import NONE


class Links:
    """The links of records by index, computed from the depth of each record in preorder; 0 is the root entity."""

    def __init__(self) -> None:
        self.next = array("q")
        self.lower = array("q")
        self.first = NONE
        self.last = NONE
        self._open: list[int] = []  # the last record at each depth

    def append(self, depth: int) -> int:
        """Link one more record to the records before it, and return its index."""
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

    def extend(self, depth: int, following: array[int], lower: array[int], shift: int, last: int) -> None:
        """Add consecutive whole branches with their links; `last` is the last record at `depth`.

        `shift` is added to `last` and to the indices in `following` and `lower`.
        """
        index = self.append(depth)
        del self.next[index:], self.lower[index:]
        for links, more in ((self.next, following), (self.lower, lower)):
            links.extend([link + shift if link >= 0 else NONE for link in more] if shift else more)
        last += shift
        self.next[last] = NONE
        self._open[depth] = last
        self.last = self.last if depth else last
