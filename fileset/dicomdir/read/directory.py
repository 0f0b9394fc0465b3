"""What a DICOMDIR says: its records by index, their keys decoded when somebody asks, and how they are found by keys.

Reading, updating and repairing look at a directory through the same eyes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from struct import Struct
from typing import Any, Final

from fileset.dicom.character_sets import TEXT_VRS, UNDECLARED
from fileset.dicom.character_sets import decode as decode_text
from fileset.dicom.elements import EXPLICIT_LITTLE, Element
from fileset.dicomdir.read.decode import decode
from fileset.dicomdir.read.link import link
from fileset.dicomdir.read.query import Matches, condition
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.dicomdir.read.tree import Tree
from fileset.dicomdir.read.values import character_set_of, keys_of, value_of, vr_of
from fileset.dicomdir.write.layout import NONE
from fileset.errors import FormatError, RuleError
from fileset.file_id import FileId
from fileset.findings import Finding, Findings
from fileset.records.levels import LEVELS
from fileset.standard import tags
from fileset.standard.record_types import RECORD_TYPES

_INSTANCE: Final = len(LEVELS)
_PERHAPS: Final = _INSTANCE + 1
_PLAIN: Final = re.compile(rb"[A-Z0-9_]{1,8}(?:\\[A-Z0-9_]{1,8}){0,7} ?").fullmatch
_SHORT: Final = Struct("<H").unpack_from
_TYPE_HEADER: Final = b"\x04\x00\x30\x14CS"
_FILE_ID_HEADER: Final = b"\x04\x00\x00\x15CS"
_REFERENCE: Final = re.compile(
    rb"\x04\x00\x30\x14CS(.)\x00([A-Z0-9 ]+)\x04\x00\x00\x15CS(.)\x00([A-Z0-9_\\]+ ?)"
    rb"\x04\x00\x10\x15UI(.)\x00([0-9.]+\0?)\x04\x00\x11\x15UI(.)\x00([0-9.]+\0?)",
    re.DOTALL,
).match
"""Type, File ID, SOP Class UID and SOP Instance UID one behind the other, as nearly everybody writes them."""

Conditions = tuple[tuple[int, Matches], ...]
"""Tags, and what their values must be."""


def conditions(keys: dict[str, object]) -> Conditions:
    """The conditions that keys by keyword mean. Raises `RuleError` for a name that is no attribute."""
    return tuple(condition(keyword, wanted) for keyword, wanted in keys.items())


class Contents:
    """The records of the DICOMDIR with these bytes.

    Raises `FormatError` if it is none at all.
    """

    def __init__(self, data: bytes, *, file: str = "DICOMDIR") -> None:
        self.file = file
        self.flat: FlatDirectory = decode(data, file=file)
        self.tree: Tree = link(self.flat, file=file)
        self._met = Findings(file)
        self._told: set[tuple[str, int]] = set()

    def __len__(self) -> int:
        return len(self.flat)

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with the DICOMDIR: its structure, and what was met in the records that were looked at."""
        return self.flat.findings + self.tree.findings + self._met.listed()

    def tell(self, rule: str, index: int, message: str, tag: int) -> None:
        """Note a finding on an element of a record, unless it has been noted."""
        if (rule, index) not in self._told:
            self._told.add((rule, index))
            self._met.add(rule, message, offset=self.flat.start[index], tag=tag)

    # ------------------------------------------------------------ the file-set

    def text(self, tag: int) -> str:
        """The value of a top-level element that needs no character set, "" if there is none."""
        return _text(self.flat.top.get(tag))

    @property
    def file_set_id(self) -> str:
        """File-set ID (0004,1130), "" if there is none."""
        return self.text(tags.FILE_SET_ID)

    @property
    def file_set_uid(self) -> str:
        """File-set UID: Media Storage SOP Instance UID of the DICOMDIR (PS3.10 8.6), "" if there is none."""
        return _text(self.flat.meta.get(tags.MEDIA_STORAGE_SOP_INSTANCE_UID))

    @property
    def character_set(self) -> str:
        """The character set that the DICOMDIR gives for all records; the Standard has none, some writers do."""
        return self.text(tags.SPECIFIC_CHARACTER_SET)

    # ------------------------------------------------------------ one record

    def type_name(self, index: int) -> str:
        """Directory Record Type of a record."""
        return self.flat.record_type(index)

    def element(self, index: int, tag: int) -> Element | None:
        """One element of a record, None if it has none such."""
        return next((part for part in self.flat.elements(index) if part.tag == tag), None)

    def value(self, index: int, found: Element) -> Any:
        """The decoded value of an element of a record."""
        flat = self.flat
        return value_of(flat.data, found, flat.syntax, self._character_set(index, flat.elements(index), found))

    def keys(self, index: int) -> dict[str, Any]:
        """All keys of a record: keyword, or tag in hexadecimal for one that has none, and value."""
        flat, found = self.flat, self.flat.elements(index)
        return keys_of(flat.data, found, flat.syntax, self._character_set(index, found, *found))

    def _character_set(self, index: int, parts: list[Element], *wanted: Element) -> str:
        """The character set of some elements of a record: its own, or that of the whole DICOMDIR (PS3.5 7.5.3).

        Text that needs one where none is declared is read with that of a record above, or with a guess; strictly a
        record inherits from none but the data set around it.
        """
        data = self.flat.data
        declared = character_set_of(data, parts, self.character_set)
        if declared not in UNDECLARED or not any(_is_text_beyond_ascii(data, part) for part in wanted):
            return declared
        above = (character_set_of(data, self.flat.elements(record), "") for record in self.tree.above(index))
        declared = next((one for one in above if one not in UNDECLARED), "")
        said = f"text beyond ASCII without a character set: taken as {declared or 'UTF-8 or ISO_IR 100'}"
        self.tell("FS-CHARSET-GUESSED", index, said, tags.SPECIFIC_CHARACTER_SET)
        return declared

    def key(self, index: int, tag: int) -> Any:
        """The decoded value of a key of a record, None if it has none."""
        found = self.element(index, tag)
        return None if found is None else self.value(index, found)

    def reference(self, index: int, tag: int) -> str:
        """An element of the file reference of a record, of the MRDR that it leads to if there is one, else ""."""
        return _text(self.raw_reference(index, tag))

    def raw_reference(self, index: int, tag: int) -> bytes:
        """The same as bytes, without padding."""
        found = self.element(self._referring(index, tag), tag)
        return self.flat.data[found.value_at : found.value_end].strip(b" \0") if found else b""

    def _referring(self, index: int, tag: int) -> int:
        """The record that holds the file reference: itself, or its MRDR (retired, PS3.3-2003 F.6.2)."""
        parts = {part.tag: part for part in self.flat.elements(index)}
        if tag in parts or tags.MRDR_OFFSET not in parts:
            return index
        at = parts[tags.MRDR_OFFSET].value_at
        offset = self.flat.syntax.long(self.flat.data, at)[0] if parts[tags.MRDR_OFFSET].value_end - at == 4 else 0
        return self._index_of.get(offset + self.tree.shift, index)

    @cached_property
    def _has_mrdr(self) -> bool:
        return "MRDR" in self.flat.types

    @cached_property
    def _index_of(self) -> dict[int, int]:
        return dict(zip(self.flat.start, range(len(self.flat)), strict=True))

    def file_id(self, index: int) -> FileId | None:
        """Referenced File ID of a record; a hostile one is a finding, and None."""
        raw = self._plain_file_id(index)
        name = raw.decode("ascii").rstrip(" ") if raw else self.reference(index, tags.REFERENCED_FILE_ID)
        if not name:
            return None
        try:
            file_id = FileId.tolerant(name)
        except FormatError as problem:
            self.tell("FS-FILE-ID-HOSTILE", index, str(problem), tags.REFERENCED_FILE_ID)
            return None
        if not file_id.conformant:
            self.tell("FS-FILE-ID-FORM", index, f"{file_id} is no conformant File ID", tags.REFERENCED_FILE_ID)
        return file_id

    def file_id_value(self, index: int) -> bytes:
        """The value of (0004,1500) that `file_id` reads, to be written again."""
        return self._plain_file_id(index).rstrip(b" ") or self.raw_reference(index, tags.REFERENCED_FILE_ID)

    def _plain_file_id(self, index: int) -> bytes:
        """The value of (0004,1500) where it stands behind the type, as nearly everybody writes it; else b""."""
        at, end = self._behind_type(index), self.flat.end[index]
        raw = _value(self.flat.data, at, end, _FILE_ID_HEADER) if at else b""
        return raw if _PLAIN(raw) else b""

    def _behind_type(self, index: int) -> int:
        """Where the element behind the type of a record stands, 0 unless it begins as nearly all records do."""
        flat = self.flat
        at = flat.start[index] + 42
        usual = flat.syntax is EXPLICIT_LITTLE and flat.lower_at[index] == 38
        if not usual or flat.data[at : at + 6] != _TYPE_HEADER or at + 8 > flat.end[index]:
            return 0
        return int(at + 8 + _SHORT(flat.data, at + 6)[0])

    # ------------------------------------------------------------ many records

    def paths(self) -> Iterator[str]:
        """The paths of all referenced files relative to the root, "/" between components: the fast way."""
        for index, at in self._with_files():
            raw = _value(self.flat.data, at, self.flat.end[index], _FILE_ID_HEADER) if at else b""
            if _PLAIN(raw):
                yield raw.decode("ascii").rstrip(" ").replace("\\", "/")
                continue
            file_id = self.file_id(index)
            if file_id is not None:
                yield file_id.path

    def _with_files(self) -> Iterator[tuple[int, int]]:
        """All active records that reference a file, and where (0004,1500) stands if it is behind the type, else 0."""
        flat = self.flat
        data, starts, ends, lower_at, types = flat.data, flat.start, flat.end, flat.lower_at, flat.type_of
        upper = [name in LEVELS for name in flat.types]
        usual = flat.syntax is EXPLICIT_LITTLE
        for index in self.tree.walk():
            at = starts[index] + 42  # as `_behind_type`, in line because it runs for every record
            if usual and lower_at[index] == 38 and data[at : at + 6] == _TYPE_HEADER and at + 8 <= ends[index]:
                at += 8 + _SHORT(data, at + 6)[0]
                following = data[at : at + 6]
                if following == _FILE_ID_HEADER and at + 8 <= ends[index]:
                    yield index, at
                    continue
                if upper[types[index]] and following[:2] != b"\x04\x00":
                    continue  # nothing more of group 0004, so no file
            if self.references_file(index):
                yield index, 0

    def instances(self) -> Iterator[tuple[int, bytes, bytes]]:
        """All active records that reference a file, each with the value of its (0004,1500) and its SOP Instance UID, both
        without padding: the fast way.
        """
        flat = self.flat
        data, starts, ends, places = flat.data, flat.start, flat.end, flat.lower_at
        usual = flat.syntax is EXPLICIT_LITTLE
        for index in self.tree.walk():
            found = _REFERENCE(data, starts[index] + 42, ends[index]) if usual and places[index] == 38 else None
            if found:
                kind_size, kind, name_size, name, class_size, class_, uid_size, uid = found.groups()
                # Values end where the next header begins; that is only so if their lengths say the same.
                if (
                    name_size[0] == len(name)
                    and uid_size[0] == len(uid)
                    and kind_size[0] == len(kind)
                    and class_size[0] == len(class_)
                ):
                    yield index, name.rstrip(b" "), uid.rstrip(b"\0")
                    continue
            if self.references_file(index):
                yield (
                    index,
                    self.raw_reference(index, tags.REFERENCED_FILE_ID),
                    self.raw_reference(index, tags.REFERENCED_SOP_INSTANCE_UID),
                )

    def find(self, level: str | None, wanted: Conditions) -> Iterator[int]:
        """The active records that match, each before those below it: instances, or the records of one `level`.

        A key that a record has must match there, and then holds for all below it. Raises `RuleError` for another level.
        """
        if level is None:
            return self._matching(_INSTANCE, wanted)
        if level not in LEVELS:
            raise RuleError(f"level={level!r}: use one of {', '.join(LEVELS)}")
        return self._matching(LEVELS.index(level), wanted)

    def holding(self, level: str | None, wanted: Conditions) -> Iterator[int]:
        """The same, but keys of levels below `level` match what lies below a record: patients who have a CT."""
        rank = LEVELS.index(level) if level in LEVELS else _INSTANCE
        if level is None or all(_RANK_OF_KEY.get(tag, _INSTANCE) <= rank for tag, _ in wanted):
            return self.find(level, wanted)
        return self._above_matching(level, wanted)

    def _above_matching(self, level: str, wanted: Conditions) -> Iterator[int]:
        last = NONE
        for instance in self._matching(_INSTANCE, wanted):
            index = instance
            while index != NONE and self.type_name(index) != level:
                index = self.tree.parent[index]
            if index not in (NONE, last):  # instances come in the order of the tree
                yield index
            last = index

    def _matching(self, wanted: int, conditions: Conditions) -> Iterator[int]:
        flat, tree = self.flat, self.tree
        ranks = [_rank(name) for name in flat.types]
        stack = [(tree.first, conditions)]
        while stack:
            index, left = stack.pop()
            while index != NONE:
                here, following = index, tree.next[index]
                index = following
                if tree.hidden[here]:
                    continue
                rank = ranks[flat.type_of[here]]
                open_ = self._unmet(here, left) if left else left
                if open_ is None:
                    continue
                if self._is(here, rank, wanted) and _all_met(open_):
                    yield here
                if tree.lower[here] != NONE and (rank < wanted or rank > len(LEVELS)):
                    stack.append((following, left))
                    index, left = tree.lower[here], open_

    def topmost(self, wanted: Conditions) -> Iterator[int]:
        """The active records that match, whatever their level, without those below them: all that matches, in whole
        branches where these match.
        """
        stack = [(self.tree.first, wanted)]
        while stack:
            index, left = stack.pop()
            while index != NONE:
                here, index = index, self.tree.next[index]
                open_ = None if self.tree.hidden[here] else self._unmet(here, left)
                if open_ is None:
                    continue
                if _all_met(open_):
                    yield here
                elif self.tree.lower[here] != NONE:
                    stack.append((index, left))
                    index, left = self.tree.lower[here], open_

    def _unmet(self, index: int, conditions: Conditions) -> Conditions | None:
        """The conditions that this record says nothing of; None if one fails."""
        left = []
        for tag, matches in conditions:
            holder = self._referring(index, tag) if self._has_mrdr else index
            found = self.element(holder, tag)
            if found is None:
                left.append((tag, matches))
            elif not matches(self.value(holder, found)):
                return None
        return tuple(left)

    def _is(self, index: int, rank: int, wanted: int) -> bool:
        return rank == wanted or (rank == _PERHAPS and wanted == _INSTANCE and self.references_file(index))

    def references_file(self, index: int) -> bool:
        """Whether a record references a file, itself or through an MRDR."""
        return any(part.tag in (tags.REFERENCED_FILE_ID, tags.MRDR_OFFSET) for part in self.flat.elements(index))


def _ranks_of_keys() -> dict[int, int]:
    ranks: dict[int, int] = {}
    for rank, level in enumerate(LEVELS):
        for key in RECORD_TYPES[level].keys:
            ranks.setdefault(key.tag, rank)
    return ranks


_RANK_OF_KEY: Final = _ranks_of_keys()
"""At which level a key stands; those not named stand in the records of instances."""


def _is_text_beyond_ascii(data: bytes, part: Element) -> bool:
    vr = part.vr.decode("ascii") if part.vr and part.vr != b"UN" else vr_of(part.tag)
    return vr in TEXT_VRS and not data[part.value_at : part.value_end].isascii()


def _value(data: bytes, at: int, end: int, header: bytes) -> bytes:
    """The value of the short element with this header at `at`, b"" if there is another one, or no room for it."""
    if data[at : at + 6] != header or at + 8 > end:
        return b""
    return data[at + 8 : min(at + 8 + _SHORT(data, at + 6)[0], end)]


def _all_met(conditions: Conditions) -> bool:
    return all(matches(None) for _, matches in conditions)


def _rank(record_type: str) -> int:
    if record_type in LEVELS:
        return LEVELS.index(record_type)
    known = RECORD_TYPES.get(record_type)
    return _INSTANCE if known and known.references_file else _PERHAPS


def _text(raw: bytes | None) -> str:
    return decode_text(raw or b"").strip(" \0")
