"""Records in preorder -> links."""

from __future__ import annotations

from array import array

from fileset.dicomdir.write.layout import NONE


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

    def extend(self, depth: int, following: array[int], lower: array[int], shift: int, last: int) -> None:
        """Whole branches in sequence, which are linked already: `last` is the last record at `depth`.

        The indices in `following` and `lower` are `shift` too low, as is `last`.
        """
        index = self.append(depth)
        del self.next[index:], self.lower[index:]
        for links, more in ((self.next, following), (self.lower, lower)):
            links.extend([link + shift if link >= 0 else NONE for link in more] if shift else more)
        last += shift
        self.next[last] = NONE
        self._open[depth] = last
        self.last = self.last if depth else last
