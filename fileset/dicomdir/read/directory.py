"""A decoded DICOMDIR: its records by index, with keys that are decoded on demand and can be searched.

Reader, Updater and repair share this class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from struct import Struct, pack
from typing import Any, Final, Literal

from fileset.dicom.character_sets import TEXT_VRS, UNDECLARED
from fileset.dicom.character_sets import decode as decode_text
from fileset.dicom.elements import EXPLICIT_LITTLE, Element
from fileset.dicomdir.read.decode import decode
from fileset.dicomdir.read.file_reference import FileReference
from fileset.dicomdir.read.forms import RecordForm, RecordForms
from fileset.dicomdir.read.link import link
from fileset.dicomdir.read.query import Matches, condition
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.dicomdir.read.tree import Tree
from fileset.dicomdir.read.values import character_set_of, keys_of, value_of
from fileset.dicomdir.write.layout import NONE
from fileset.errors import FormatError, require_one_of
from fileset.file_id import FileId
from fileset.findings import Finding, Findings
from fileset.records.levels import LEVELS
from fileset.standard import tags
from fileset.standard.dictionary import named, vr_of
from fileset.standard.record_types import RECORD_TYPES

_INSTANCE: Final = len(LEVELS)
_PERHAPS: Final = _INSTANCE + 1
PLAIN_FILE_ID: Final = re.compile(rb"[A-Z0-9_]{1,8}(?:\\[A-Z0-9_]{1,8}){0,7} ?").fullmatch
_SHORT: Final = Struct("<H").unpack_from
_TYPE_HEADER: Final = b"\x04\x00\x30\x14CS"
_FILE_ID_HEADER: Final = b"\x04\x00\x00\x15CS"
_REFERRING: Final = (tags.REFERENCED_FILE_ID, tags.MRDR_OFFSET)
_REFERRING_TAGS: Final = {
    little: tuple(pack("<HH" if little else ">HH", tag >> 16, tag & 0xFFFF) for tag in _REFERRING)
    for little in (True, False)
}
"""The same as bytes, in little endian or not."""
_NO_INSTANCE: Final = (b"1.2.840.10008.3.1.2.", b"1.2.840.10008.1.3.10")
"""SOP classes of the files that PATIENT, STUDY and SERIES records of former editions reference, and of a DICOMDIR."""
_REFERENCE: Final = re.compile(
    rb"\x04\x00\x30\x14CS(.)\x00([A-Z0-9 ]+)\x04\x00\x00\x15CS(.)\x00([A-Z0-9_\\]+ ?)"
    rb"\x04\x00\x10\x15UI(.)\x00([0-9.]+\0?)\x04\x00\x11\x15UI(.)\x00([0-9.]+\0?)",
    re.DOTALL,
).match
"""Type, File ID, SOP Class UID and SOP Instance UID in the order that nearly all writers use."""

Conditions = tuple[tuple[int, Matches], ...]
"""Tags, each with a function that returns whether a value matches."""


def conditions(keys: Mapping[str, object]) -> Conditions:
    """Build the conditions for keys by keyword. Raises `RuleError` for an unknown keyword."""
    return tuple(condition(keyword, wanted) for keyword, wanted in keys.items())


class Contents:
    """A decoded DICOMDIR. Raises `FormatError` if the bytes are not a DICOMDIR."""

    def __init__(self, data: bytes, *, file: str = "DICOMDIR") -> None:
        self.file = file
        self.flat: FlatDirectory = decode(data, file=file)
        self.tree: Tree = link(self.flat, file=file)
        self._on_demand = Findings(file)
        self._reported: set[tuple[str, int]] = set()

    def __len__(self) -> int:
        return len(self.flat)

    @property
    def findings(self) -> list[Finding]:
        """The faults of the structure, and of the records that were decoded so far."""
        return self.flat.findings + self.tree.findings + self._on_demand.listed()

    def report(self, rule: str, index: int, message: str, tag: int | None) -> None:
        """Add a finding about a record, or an element of it, once."""
        if (rule, index) not in self._reported:
            self._reported.add((rule, index))
            self._on_demand.add(rule, message, offset=self.flat.start[index], tag=tag)

    # ------------------------------------------------------------ the file-set

    def text(self, tag: int) -> str:
        """Return the value of a top-level element that needs no character set, "" if absent."""
        return _text(self.flat.top.get(tag))

    @property
    def file_set_id(self) -> str:
        """File-set ID (0004,1130), "" if absent."""
        return self.text(tags.FILE_SET_ID)

    @property
    def file_set_uid(self) -> str:
        """File-set UID: Media Storage SOP Instance UID of the DICOMDIR (PS3.10 8.6), "" if absent."""
        return _text(self.flat.meta.get(tags.MEDIA_STORAGE_SOP_INSTANCE_UID))

    @property
    def character_set(self) -> str:
        """The character set of the DICOMDIR as a whole, which some writers add against the Standard."""
        return self.text(tags.SPECIFIC_CHARACTER_SET)

    # ------------------------------------------------------------ one record

    def type_name(self, index: int) -> str:
        """Return the Directory Record Type of a record."""
        return self.flat.record_type(index)

    def at_level(self, index: int, level: str) -> int:
        """Find the record of `level` that is this record or above it; `NONE` if there is none."""
        while index != NONE and self.type_name(index) != level:
            index = self.tree.parent[index]
        return index

    def element(self, index: int, tag: int) -> Element | None:
        """Find an element of a record, None if absent."""
        return next((part for part in self.flat.elements(index) if part.tag == tag), None)

    def value(self, index: int, part: Element) -> Any:
        """Decode the value of an element of a record."""
        flat = self.flat
        return value_of(flat.data, part, flat.syntax, self._character_set(index, flat.elements(index), part))

    def keys(self, index: int) -> dict[str, Any]:
        """Decode all keys of a record: keyword, or tag in hexadecimal if it has none -> value."""
        flat, parts = self.flat, self.flat.elements(index)
        return keys_of(flat.data, parts, flat.syntax, self._character_set(index, parts, *parts))

    def _character_set(self, index: int, parts: list[Element], *wanted: Element) -> str:
        """Choose the character set of the `wanted` elements: that of the record, else of the DICOMDIR (PS3.5 7.5.3).

        If text needs one and none is declared, use that of a record above, else a guess. Strictly a record inherits only
        from the enclosing data set.
        """
        data = self.flat.data
        declared = character_set_of(data, parts, self.character_set)
        if declared not in UNDECLARED or not any(_is_text_beyond_ascii(data, part) for part in wanted):
            return declared
        above = (character_set_of(data, self.flat.elements(record), "") for record in self.tree.above(index))
        declared = next((one for one in above if one not in UNDECLARED), "")
        message = f"text beyond ASCII without a character set: read as {declared or 'UTF-8 or ISO_IR 100'}"
        self.report("FS-CHARSET-GUESSED", index, message, tags.SPECIFIC_CHARACTER_SET)
        return declared

    def key(self, index: int, tag: int) -> Any:
        """Decode the value of a key of a record, None if absent."""
        part = self.element(index, tag)
        return None if part is None else self.value(index, part)

    def reference(self, index: int, tag: int) -> str:
        """Read an element of the file reference of a record or of its MRDR, "" if absent."""
        return _text(self.raw_reference(index, tag))

    def raw_reference(self, index: int, tag: int) -> bytes:
        """Read the same as bytes without padding."""
        part = self.element(self._referring(index, tag), tag)
        return self.flat.data[part.value_at : part.value_end].strip(b" \0") if part else b""

    def _referring(self, index: int, tag: int) -> int:
        """Find the record with the file reference: the record itself, or its MRDR (retired, PS3.3-2003 F.6.2)."""
        parts = {part.tag: part for part in self.flat.elements(index)}
        if tag in parts or tags.MRDR_OFFSET not in parts:
            return index
        at = parts[tags.MRDR_OFFSET].value_at
        offset = self.flat.syntax.long(self.flat.data, at)[0] if parts[tags.MRDR_OFFSET].value_end - at == 4 else 0
        found = self.flat.index_at(offset + self.tree.shift)
        return index if found == NONE else found

    @cached_property
    def _has_mrdr(self) -> bool:
        return "MRDR" in self.flat.types

    @cached_property
    def sharing(self) -> dict[int, list[int]]:
        """The active records that reference a file through an MRDR, by the MRDR."""
        found: dict[int, list[int]] = {}
        for index in self.tree.walk() if self._has_mrdr else ():
            if (mrdr := self._referring(index, tags.REFERENCED_FILE_ID)) != index:
                found.setdefault(mrdr, []).append(index)
        return found

    def file_id(self, index: int) -> FileId | None:
        """Decode the Referenced File ID of a record; report a hostile one and return None."""
        value = self.file_id_value(index)
        if not value:
            return None
        reference = FileReference(value)
        try:
            file_id = reference.file_id
            fault = "" if PLAIN_FILE_ID(value) else reference.fault
        except FormatError as problem:
            self.report("FS-FILE-ID-HOSTILE", index, str(problem), tags.REFERENCED_FILE_ID)
            return None
        if fault:
            self.report("FS-FILE-ID-FORM", index, fault, tags.REFERENCED_FILE_ID)
        return file_id

    def file_id_value(self, index: int) -> bytes:
        """Return the value of (0004,1500) as `file_id` reads it, to write it again."""
        return self._plain_file_id(index).rstrip(b" ") or self.raw_reference(index, tags.REFERENCED_FILE_ID)

    def _plain_file_id(self, index: int) -> bytes:
        """Read the value of (0004,1500) if it follows the type, as nearly all writers do, else b""."""
        at, end = self._after_type(index), self.flat.end[index]
        raw = _value(self.flat.data, at, end, _FILE_ID_HEADER) if at else b""
        return raw if PLAIN_FILE_ID(raw) else b""

    def _after_type(self, index: int) -> int:
        """Find the offset of the element after the type of a record, 0 if the record has an unusual start."""
        flat = self.flat
        at = flat.start[index] + 42
        usual = flat.syntax is EXPLICIT_LITTLE and flat.lower_at[index] == 38
        if not usual or flat.data[at : at + 6] != _TYPE_HEADER or at + 8 > flat.end[index]:
            return 0
        return int(at + 8 + _SHORT(flat.data, at + 6)[0])

    # ------------------------------------------------------------ many records

    def paths(self) -> Iterator[str]:
        """Yield the paths of all referenced files, relative to the root, with "/" between components.

        Report the records that end in damage, or have lost an element, and those with a file but no SOP Instance UID.
        """
        data, starts, ends, forms = self.flat.data, self.flat.start, self.flat.end, RecordForms(self.flat)
        form, length = None, 0
        for index in self.tree.walk():
            start = starts[index]
            # Most records of a series have the form of the record before.
            if form is None or ends[index] - start != length or form.headers(data, start) != form.expected:
                form, length = forms.find(index), ends[index] - start
            if form is None:
                self._report_damage(index)
                if not self.references_file(index):
                    continue
            else:
                if form.is_anonymous or form.misplaced:
                    self._report_loss(index, form)
                if not form.has_file:
                    continue
                begin, end = form.file_id
                raw = data[start + begin : start + end]
                if PLAIN_FILE_ID(raw):
                    yield raw.decode("ascii").rstrip(" ").replace("\\", "/")
                    continue
            file_id = self.file_id(index)
            if file_id is not None:
                yield file_id.path

    def _report_damage(self, index: int) -> None:
        """Report a record that cannot be decoded to its end, unless the decoder did so."""
        damage, start = self.flat.damage(index), self.flat.start[index]
        if damage is not None and start not in self._damaged:
            self.report("FS-RECORD-MALFORMED", index, damage.text(known_offset=start), None)

    @cached_property
    def _damaged(self) -> frozenset[int | None]:
        return frozenset(
            finding.where.offset for finding in self.flat.findings if finding.rule == "FS-RECORD-MALFORMED"
        )

    def _report_loss(self, index: int, form: RecordForm) -> None:
        """Report a file without a SOP Instance UID, and an element with a damaged tag."""
        if form.is_anonymous:
            uid = tags.REFERENCED_SOP_INSTANCE_UID
            self.report("FS-RECORD-REFERENCE", index, f"the file reference lacks {named(uid)}", uid)
        if form.misplaced:
            tag, previous = form.misplaced
            self.report("FS-ELEMENT-ORDER", index, f"{named(tag)} comes after {named(previous)}", tag)

    @property
    def icons(self) -> int:
        """The number of active records with an icon (0088,0200)."""
        order: Literal["little", "big"] = "little" if self.flat.syntax.little else "big"
        group, number = tags.ICON_IMAGE_SEQUENCE >> 16, tags.ICON_IMAGE_SEQUENCE & 0xFFFF
        if group.to_bytes(2, order) + number.to_bytes(2, order) not in self.flat.data:
            return 0  # nearly always: no record is decoded
        return sum(self.element(index, tags.ICON_IMAGE_SEQUENCE) is not None for index in self.tree.walk())

    def instances(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Find all active records that reference a file, with their (0004,1500) and SOP Instance UID; the fast way.

        Both values are without padding.
        """
        flat = self.flat
        data, starts, ends, places = flat.data, flat.start, flat.end, flat.lower_at
        usual = flat.syntax is EXPLICIT_LITTLE
        for index in self.tree.walk():
            found = _REFERENCE(data, starts[index] + 42, ends[index]) if usual and places[index] == 38 else None
            if found:
                kind_size, kind, name_size, name, class_size, class_, uid_size, uid = found.groups()
                # The expression ends values at the next header; check that against their lengths.
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
        """Find the active records that match, each before its children: instances, or the records of one `level`.

        A key that a record has must match there, and then holds for all records below. Raises `RuleError` for an
        unknown level.
        """
        if level is None:
            return self._matching(_INSTANCE, wanted)
        require_one_of("level", level, LEVELS)
        return self._matching(LEVELS.index(level), wanted)

    def holding(self, level: str | None, wanted: Conditions) -> Iterator[int]:
        """Find the same, but match keys of lower levels with the records below, such as all patients with a CT."""
        rank = LEVELS.index(level) if level in LEVELS else _INSTANCE
        if level is None or all(_RANK_OF_KEY.get(tag, _INSTANCE) <= rank for tag, _ in wanted):
            return self.find(level, wanted)
        return self._above_matching(level, wanted)

    def _above_matching(self, level: str, wanted: Conditions) -> Iterator[int]:
        last = NONE
        for instance in self._matching(_INSTANCE, wanted):
            index = self.at_level(instance, level)
            if index not in (NONE, last):  # instances are in the order of the tree
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
                if open_ is not None and self._is(here, rank, wanted) and _all_met(open_):
                    yield here
                below = left if rank == _INSTANCE else open_  # a record below an instance has keys of its own
                if below is not None and tree.lower[here] != NONE and (rank < wanted or rank >= _INSTANCE):
                    stack.append((following, left))
                    index, left = tree.lower[here], below

    def topmost(self, wanted: Conditions) -> Iterator[int]:
        """Find the highest active records that match at any level; all records below them match too."""
        stack = [(self.tree.first, wanted)]
        while stack:
            index, left = stack.pop()
            while index != NONE:
                here, index = index, self.tree.next[index]
                if self.tree.hidden[here]:
                    continue
                open_ = self._unmet(here, left)
                if open_ is not None and _all_met(open_):
                    yield here
                    continue
                below = left if _rank(self.type_name(here)) == _INSTANCE else open_
                if below is not None and self.tree.lower[here] != NONE:
                    stack.append((index, left))
                    index, left = self.tree.lower[here], below

    def _unmet(self, index: int, conditions: Conditions) -> Conditions | None:
        """Find the conditions on keys that this record lacks; None if one fails."""
        left = []
        for tag, matches in conditions:
            holder = self._referring(index, tag) if self._has_mrdr else index
            part = self.element(holder, tag)
            if part is None:
                left.append((tag, matches))
            elif not matches(self.value(holder, part)):
                return None
        return tuple(left)

    def _is(self, index: int, rank: int, wanted: int) -> bool:
        if rank == wanted or wanted != _INSTANCE:
            return rank == wanted
        return self.references_file(index) if rank == _PERHAPS else self.is_mislabelled(index)

    def is_mislabelled(self, index: int) -> bool:
        """Test whether a PATIENT, STUDY or SERIES record references an instance, and report it: its type is wrong.

        Before 2004 such records could reference a file that held the values of a patient or study, and no instance.
        """
        flat = self.flat
        start, end = flat.start[index], flat.end[index]
        if all(flat.data.find(tag, start, end) < 0 for tag in _REFERRING_TAGS[flat.syntax.little]):
            return False
        sop_class = self.raw_reference(index, tags.REFERENCED_SOP_CLASS_UID)
        if not sop_class or sop_class.startswith(_NO_INSTANCE) or not self.references_file(index):
            return False
        message = f"a {self.type_name(index)} record must not reference a file: it is read as an instance"
        self.report("FS-RECORD-REFERENCE", index, message, tags.REFERENCED_FILE_ID)
        return True

    def references_file(self, index: int) -> bool:
        """Test whether a record references a file, itself or through an MRDR."""
        return bool(self._plain_file_id(index)) or any(part.tag in _REFERRING for part in self.flat.elements(index))


def _ranks_of_keys() -> dict[int, int]:
    ranks: dict[int, int] = {}
    for rank, level in enumerate(LEVELS):
        for key in RECORD_TYPES[level].keys:
            ranks.setdefault(key.tag, rank)
    return ranks


_RANK_OF_KEY: Final = _ranks_of_keys()
"""Tag -> level of the key; all other keys belong to instance records."""


def _is_text_beyond_ascii(data: bytes, part: Element) -> bool:
    vr = part.vr.decode("ascii") if part.vr and part.vr != b"UN" else vr_of(part.tag)
    return vr in TEXT_VRS and not data[part.value_at : part.value_end].isascii()


def _value(data: bytes, at: int, end: int, header: bytes) -> bytes:
    """Read the value of the short element with this header at `at`, b"" if there is another element."""
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
