"""Collect findings and name the record that each one is about, such as "PATIENT 2 > STUDY 1 > SERIES 1 > IMAGE 5"."""

from __future__ import annotations

from array import array
from typing import Final

from attrs import define, evolve, field

from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.dicomdir.read.tree import Tree
from fileset.dicomdir.write.header import DIRECTORY_INFORMATION
from fileset.dicomdir.write.layout import NONE
from fileset.findings import Finding, Where

BETWEEN: Final = " > "


@define
class Collector:
    """The findings about the file-set that `contents` describes."""

    contents: Contents
    findings: list[Finding] = field(factory=list)
    _numbers: array[int] | None = None
    _paths: dict[int, str] = field(factory=lambda: {NONE: ""})

    @property
    def flat(self) -> FlatDirectory:
        """The records in the order of the file."""
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
        """Add a finding about the DICOMDIR as a whole."""
        self.findings.append(Finding(rule, message, Where(self.dicomdir, offset=offset, tag=tag)))

    def add_at_record(self, rule: str, message: str, index: int, tag: int | None = None) -> None:
        """Add a finding about a record."""
        where = Where(self.dicomdir, self.path(index), self.flat.start[index], tag)
        self.findings.append(Finding(rule, message, where))

    def add_at_file(
        self,
        rule: str,
        message: str,
        file: str,
        index: int = NONE,
        *,
        offset: int | None = None,
        tag: int | None = None,
    ) -> None:
        """Add a finding about a file; `index` is the record that references it."""
        self.findings.append(Finding(rule, message, Where(file, self.path(index), offset, tag)))

    def adopt(self, findings: list[Finding]) -> None:
        """Take over findings of the decoder, and name the record wherever the offset is the start of one."""
        for finding in findings:
            where = finding.where
            # The offset in a finding about the DICOMDIR as a whole is a value, not a position.
            is_placed = where.record or where.tag in DIRECTORY_INFORMATION
            index = NONE if is_placed or where.offset is None else self.flat.index_at(where.offset)
            placed = where if index == NONE else evolve(where, record=self.path(index))
            self.findings.append(evolve(finding, where=placed))

    def path(self, index: int) -> str:
        """Return the path of a record: type and number of each record above it and of itself; "" for none."""
        known = self._paths.get(index)
        if known is not None:
            return known
        above = self.path(self.tree.parent[index])  # at most `MAX_DEPTH` calls deep, as the tree is
        name = f"{self.contents.type_name(index)} {self.numbers[index]}".strip()
        path = f"{above}{BETWEEN}{name}" if above else name
        if self.tree.lower[index] != NONE:  # others need it too
            self._paths[index] = path
        return path

    @property
    def numbers(self) -> array[int]:
        """The position of each record in its directory entity, from 1; 0 for a record in no entity."""
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
