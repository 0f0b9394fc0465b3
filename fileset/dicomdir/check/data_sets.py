"""Records and the items nested in them, each as a data set with the keys that the tables define for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

from fileset.dicom.elements import MAX_DEPTH, Element, elements, items
from fileset.dicomdir.check.collector import Collector
from fileset.dicomdir.check.conditions import CONDITIONED, Values
from fileset.dicomdir.read.values import keyword_of, vr_of
from fileset.errors import FormatError
from fileset.part10.values import WIDTHS
from fileset.standard.record_types import RECORD_TYPES, Key

_QUERIES: Final = frozenset((0x00080400,))
"""Scope of Inventory Sequence holds query keys: ranges and wild cards, not values (PS3.3 C.38)."""
_BINARY: Final = frozenset((b"SQ", b"OB", b"UN", *(vr.encode("ascii") for vr in WIDTHS)))


class KeyTable(NamedTuple):
    """The keys of a record type or of the items of a sequence: by tag, required, and with a condition that is checked."""

    keys: Mapping[int, Key]
    required: tuple[Key, ...]
    conditional: tuple[Key, ...]


@cache
def table_of(keys: tuple[Key, ...]) -> KeyTable:
    """Return the table of these keys."""
    return KeyTable(
        {key.tag: key for key in keys},
        tuple(key for key in keys if key.type in ("1", "2")),
        tuple(key for key in keys if key.type in ("1C", "2C") and key.tag in CONDITIONED),
    )


_NO_KEYS: Final = table_of(())
_TABLES: Final = {name: table_of(kind.keys) for name, kind in RECORD_TYPES.items()}


class DataSet(NamedTuple):
    """The elements of the record with the index `record`, or of an item in it.

    `values` are without padding, except for binary VRs. `character_set` is inherited from the enclosing data set.
    """

    record: int
    parts: list[Element]
    values: Values
    table: KeyTable
    character_set: str = ""
    depth: int = 0


def record(collector: Collector, index: int, parts: list[Element]) -> DataSet:
    """Return a record as a data set."""
    table = _TABLES.get(collector.contents.type_name(index), _NO_KEYS)
    return DataSet(index, parts, values_of(collector.flat.data, parts), table, collector.contents.character_set)


def values_of(data: bytes, parts: list[Element]) -> dict[int, bytes]:
    """Return tag -> value."""
    return {
        part.tag: data[part.value_at : part.value_end]
        if (part.vr or vr_of(part.tag).encode("ascii")) in _BINARY
        else data[part.value_at : part.value_end].strip(b" \0")
        for part in parts
    }


def vr(part: Element) -> str:
    """Return the VR of an element, from the dictionary if the encoding carries none."""
    return part.vr.decode("ascii") if part.vr and part.vr != b"UN" else vr_of(part.tag)


def sequences(collector: Collector, data_set: DataSet, character_set: str) -> Iterator[tuple[Element, list[DataSet]]]:
    """Yield the sequences of a data set with their items; `character_set` is that of the data set."""
    if data_set.depth >= MAX_DEPTH:
        return
    for part in data_set.parts:
        if part.tag in _QUERIES:
            continue
        if part.vr == b"SQ" or (part.vr in (b"", b"UN") and vr(part) == "SQ"):
            yield part, list(_items(collector, data_set, part, character_set))


def _items(collector: Collector, data_set: DataSet, part: Element, character_set: str) -> Iterator[DataSet]:
    flat = collector.flat
    key = data_set.table.keys.get(part.tag)
    table = table_of(key.items) if key else _NO_KEYS
    try:
        for item in items(flat.data, part.value_at, part.value_end, flat.syntax):
            parts = list(elements(flat.data, item.value_at, item.value_end, flat.syntax))
            values = values_of(flat.data, parts)
            yield DataSet(data_set.record, parts, values, table, character_set, data_set.depth + 1)
    except FormatError as problem:
        collector.add_at_record("FS-RECORD-MALFORMED", f"in {named(part.tag)}: {problem}", data_set.record, part.tag)


def named(tag: int) -> str:
    """Return the keyword of a tag for a message, or the tag itself if it has none."""
    keyword = keyword_of(tag)
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})" if keyword == f"{tag:08X}" else keyword
