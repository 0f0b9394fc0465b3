"""Where findings are: names of records for people, such as "PATIENT 2 > STUDY 1 > SERIES 1 > IMAGE 5"."""

from __future__ import annotations

from array import array
from typing import Final

from attrs import define, evolve, field

from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.dicomdir.read.tree import Tree
from fileset.dicomdir.write.layout import NONE
from fileset.findings import Finding, Where
from fileset.standard import tags

BETWEEN: Final = " > "
_OF_THE_DIRECTORY: Final = frozenset((tags.FIRST_ROOT_RECORD, tags.LAST_ROOT_RECORD, tags.CONSISTENCY_FLAG))
"""Elements of the DICOMDIR itself: an offset beside them is the value that they have."""


@define
class Collector:
    """Collects findings about the file-set that `contents` describes, and places them."""

    contents: Contents
    findings: list[Finding] = field(factory=list)
    _numbers: array[int] | None = None

    @property
    def flat(self) -> FlatDirectory:
        """The records as they lie in the file."""
        return self.contents.flat

    @property
    def tree(self) -> Tree:
        """The tree of the records."""
        return self.contents.tree

    @property
    def dicomdir(self) -> str:
        """The path of the DICOMDIR on its medium."""
        return self.contents.file

    def add(self, rule: str, message: str, *, offset: int | None = None, tag: int | None = None) -> None:
        """A finding in the DICOMDIR as a whole."""
        self.findings.append(Finding(rule, message, Where(self.dicomdir, offset=offset, tag=tag)))

    def at_record(self, rule: str, message: str, index: int, tag: int | None = None) -> None:
        """A finding in a record."""
        where = Where(self.dicomdir, self.path(index), self.flat.start[index], tag)
        self.findings.append(Finding(rule, message, where))

    def at_file(
        self,
        rule: str,
        message: str,
        file: str,
        index: int = NONE,
        *,
        offset: int | None = None,
        tag: int | None = None,
    ) -> None:
        """A finding in a file; `index` is that of the record that references it."""
        self.findings.append(Finding(rule, message, Where(file, self.path(index), offset, tag)))

    def take(self, findings: list[Finding]) -> None:
        """Findings of the decoder, whose places are offsets: those at the beginning of a record are given its name."""
        index_of = dict(zip(self.flat.start, range(len(self.flat)), strict=True)) if findings else {}
        for finding in findings:
            where = finding.where
            apart = where.record or where.tag in _OF_THE_DIRECTORY
            index = NONE if apart or where.offset is None else index_of.get(where.offset, NONE)
            placed = where if index == NONE else evolve(where, record=self.path(index))
            self.findings.append(evolve(finding, where=placed))

    def path(self, index: int) -> str:
        """The name of a record: its type and number within its entity, behind those of the records above; "" for none."""
        names: list[str] = []
        while index != NONE:
            names.append(f"{self.contents.type_name(index)} {self.numbers[index]}".strip())
            index = self.tree.parent[index]
        return BETWEEN.join(reversed(names))

    @property
    def numbers(self) -> array[int]:
        """The place of each record in its entity, from 1; 0 for a record that is in none. Made when first needed."""
        if self._numbers is None:
            self._numbers = _numbers(self.tree)
        return self._numbers


def _numbers(tree: Tree) -> array[int]:
    numbers = array("I", [0]) * len(tree.next)
    entities = [tree.first]
    while entities:
        index, number = entities.pop(), 0
        while index != NONE and not numbers[index]:
            number += 1
            numbers[index] = number
            if tree.lower[index] != NONE:
                entities.append(tree.lower[index])
            index = tree.next[index]
    return numbers
