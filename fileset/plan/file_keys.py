"""The patient, study and series values of files on a medium, for the records above them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import define, field

from fileset.dicom.character_sets import decode
from fileset.dicom.elements import element
from fileset.dicom.header import HeaderError
from fileset.dicomdir.write.kept import Kept
from fileset.errors import FilesetError
from fileset.media.base import ReadableMedium
from fileset.plan.header_values import reading_of
from fileset.plan.scan import describe
from fileset.records.describe import Describer, Policy
from fileset.records.key_choice import USUAL, key_set
from fileset.records.levels import FIELDS, IDENTITY, Chain, Field
from fileset.records.person import Person, person_of
from fileset.standard import tags

_OPTIONAL: Final = key_set(USUAL).upper
_READ: Final = frozenset(row.tag for rows in (*FIELDS.values(), *_OPTIONAL.values()) for row in rows)
_IDENTITY: Final = frozenset(row.tag for row in IDENTITY)


@define
class FileKeys:
    """The values of the files below records of `kept`. Each file is read once, on first use."""

    medium: ReadableMedium
    kept: Kept
    _chains: dict[int, Chain | None] = field(factory=dict)
    _describer: Describer = field(factory=lambda: Describer(Policy(keys=USUAL)))

    def confirms(self, index: int, row: Field) -> bool:
        """Check whether a file below a record has its value for a key.

        Also True if no file can be read, or the key is not among the usual ones, because nothing contradicts the value.
        """
        if row.tag not in _READ:
            return True
        text = self.kept.text(index, row.tag, row.vr)
        chains = self._below(index)
        return any(
            one is None or decode(_value(one, row), one.character_set.decode("ascii"), row.vr) == text for one in chains
        )

    def person(self, index: int) -> Person:
        """Find the person in the first file below a record that can be read."""
        return next((person_of(chain) for chain in self._below(index) if chain is not None), Person(""))

    def better(self, index: int) -> tuple[bytes, frozenset[int]]:
        """Encode new values, by tag, for the keys of a record whose old value no file below it has."""
        found = []
        character_set = b""
        kind = self.kept.contents.type_name(index)
        for row in (*FIELDS[kind], *self.kept.held(index, _OPTIONAL[kind])):
            if row.tag in _IDENTITY or self.confirms(index, row):
                continue
            chain = next((one for one in self._below(index) if one is not None and _value(one, row)), None)
            if chain is not None:
                found.append((row.tag, element(row.tag, row.vr, _value(chain, row))))
                character_set = character_set or chain.character_set
        declared = element(tags.SPECIFIC_CHARACTER_SET, "CS", character_set) if character_set and found else b""
        return declared + b"".join(encoded for _, encoded in sorted(found)), frozenset(tag for tag, _ in found)

    def _below(self, index: int) -> Iterator[Chain | None]:
        for below in self.kept.below(index):
            if self.kept.contents.references_file(below):
                if below not in self._chains:
                    self._chains[below] = self._read(below)
                yield self._chains[below]

    def _read(self, index: int) -> Chain | None:
        file_id = self.kept.contents.file_id(index)
        if file_id is None:
            return None
        try:
            with reading_of(self.medium, file_id) as read:
                return describe(read, self._describer)[0].chain
        except (FilesetError, HeaderError, OSError):
            return None


def _value(chain: Chain, row: Field) -> bytes:
    """Look up the value of a file for a key, b"" if it has none."""
    if row.name in Chain._fields:
        return bytes(getattr(chain, row.name))
    return next((value for _, one, value in chain.extra if one.tag == row.tag), b"")
