"""PATIENT, STUDY and SERIES records against the files below them (PS3.3 F.5.1 to F.5.3)."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from fileset.check.compare import Side
from fileset.check.dicomdir.datasets import named
from fileset.check.places import Collector
from fileset.dicom.character_sets import decode
from fileset.dicomdir.write.layout import NONE
from fileset.errors import FormatError
from fileset.records.levels import FIELDS, Chain, Field


@define
class _Saying:
    """How many files say the same of their patient, study and series, and one of them."""

    example: str
    files: int = 0


@define
class _Disagreement:
    """What the files below a record say of one of its keys."""

    agree: int = 0
    differ: int = 0
    example: str = ""


@define
class UpperRecords:
    """Collects what files say of the patient, study and series that they belong to; each distinct saying once."""

    to: Collector
    sayings: dict[tuple[int, Chain], _Saying] = field(factory=dict)
    _sides: dict[int, Side | None] = field(factory=dict)

    def count(self, index: int, chain: Chain, name: str) -> None:
        """The file `name`, referenced by the record `index`, says `chain`."""
        self.sayings.setdefault((self.to.tree.parent[index], chain), _Saying(name)).files += 1

    def report(self) -> None:
        """One finding for each key of a record with which files disagree."""
        found: dict[tuple[int, Field], _Disagreement] = {}
        for (index, chain), saying in self.sayings.items():
            for rule, message in chain.notes:
                self.to.at_file(rule, message, saying.example, index)
            for at, row, value in self._keys_above(index, chain):
                kept = found.setdefault((at, row), _Disagreement())
                if self._agree(at, row, value, chain.character_set):
                    kept.agree += saying.files
                else:
                    kept.differ += saying.files
                    kept.example = kept.example or saying.example
        for (index, row), kept in found.items():
            if kept.differ:
                self._disagree(index, row, kept)

    def _keys_above(self, index: int, chain: Chain) -> Iterator[tuple[int, Field, bytes]]:
        """(record, key, what the file says) from a record upwards."""
        while index != NONE:
            for row in FIELDS.get(self.to.contents.type_name(index), ()):
                value: bytes = getattr(chain, row.name)
                if value:
                    yield index, row, value
            index = self.to.tree.parent[index]

    def _agree(self, index: int, row: Field, value: bytes, character_set: bytes) -> bool:
        side = self._side(index)
        if side is None or row.tag not in side.parts:
            return True  # a record that is damaged, or lacks the key, is a finding of its own
        if row.vr in ("PN", "LO", "SH"):
            said = decode(side.raw(row.tag), side.character_set)
            return said.strip(" \0").rstrip("^=") == decode(value, character_set.decode("ascii")).rstrip("^=")
        return bool(side.value(row.tag) == (int(value) if row.vr == "IS" else value))

    def _side(self, index: int) -> Side | None:
        if index not in self._sides:
            flat = self.to.flat
            start, end = flat.content(index)
            try:
                self._sides[index] = Side(flat.data[start:end], flat.syntax, self.to.contents.character_set)
            except FormatError:
                self._sides[index] = None
        return self._sides[index]

    def _disagree(self, index: int, row: Field, kept: _Disagreement) -> None:
        others = f"{kept.differ} files" if kept.differ > 1 else "a file"
        if row.vr == "UI":
            rule, message = "FS-UID-DIFFERS", f"{named(row.tag)} is not that of {others} below the record"
        elif kept.agree:
            message = f"{named(row.tag)} differs in {others} below the record, {kept.agree} agree"
            rule = "FS-KEY-CONFLICT"
        else:
            rule, message = "FS-KEY-DIFFERS", f"{named(row.tag)} is not that of the files below the record"
        self.to.at_file(rule, message, kept.example, index, tag=row.tag)
