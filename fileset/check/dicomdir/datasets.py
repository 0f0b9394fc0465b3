"""A record and the items nested in it, each as a data set with the keys that its place in the tables gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

from fileset.check.dicomdir.conditions import CONDITIONED, Values
from fileset.check.places import Collector
from fileset.dicom.elements import MAX_DEPTH, Element, elements, items
from fileset.dicomdir.read.values import keyword_of, vr_of
from fileset.errors import FormatError
from fileset.part10.values import WIDTHS
from fileset.standard.record_types import RECORD_TYPES, Key

_QUERIES: Final = frozenset((0x00080400,))
"""Scope of Inventory Sequence holds what was asked for: ranges and wild cards, not values (PS3.3 C.38)."""
_BINARY: Final = frozenset((b"SQ", b"OB", b"UN", *(vr.encode("ascii") for vr in WIDTHS)))


class Table(NamedTuple):
    """The keys of a record type, or of the items of a sequence: by tag, those of Types 1 and 2, and those of Types 1C
    and 2C whose condition can be told.
    """

    keys: Mapping[int, Key]
    required: tuple[Key, ...]
    conditional: tuple[Key, ...]


@cache
def table_of(keys: tuple[Key, ...]) -> Table:
    """Keys as a table."""
    return Table(
        {key.tag: key for key in keys},
        tuple(key for key in keys if key.type in ("1", "2")),
        tuple(key for key in keys if key.type in ("1C", "2C") and key.tag in CONDITIONED),
    )


_NO_KEYS: Final = table_of(())
_TABLES: Final = {name: table_of(kind.keys) for name, kind in RECORD_TYPES.items()}


class DataSet(NamedTuple):
    """The elements of the record `record`, or of an item in it.

    `values`: without padding, as they stand for binary VRs. `character_set` is that of the data set around it.
    """

    record: int
    parts: list[Element]
    values: Values
    table: Table
    character_set: str = ""
    depth: int = 0


def record(to: Collector, index: int, parts: list[Element]) -> DataSet:
    """A record as a data set."""
    table = _TABLES.get(to.contents.type_name(index), _NO_KEYS)
    return DataSet(index, parts, values_of(to.flat.data, parts), table, to.contents.character_set)


def values_of(data: bytes, parts: list[Element]) -> dict[int, bytes]:
    """Tag -> value."""
    return {
        part.tag: data[part.value_at : part.value_end]
        if (part.vr or vr_of(part.tag).encode("ascii")) in _BINARY
        else data[part.value_at : part.value_end].strip(b" \0")
        for part in parts
    }


def vr(part: Element) -> str:
    """The VR of an element: its own, or that of its tag where it says none."""
    return part.vr.decode("ascii") if part.vr and part.vr != b"UN" else vr_of(part.tag)


def below(to: Collector, above: DataSet, character_set: str) -> Iterator[tuple[Element, list[DataSet]]]:
    """The sequences of a data set with their items; `character_set` is that of the data set."""
    if above.depth >= MAX_DEPTH:
        return
    for part in above.parts:
        if part.tag in _QUERIES:
            continue
        if part.vr == b"SQ" or (part.vr in (b"", b"UN") and vr(part) == "SQ"):
            yield part, list(_items(to, above, part, character_set))


def _items(to: Collector, above: DataSet, part: Element, character_set: str) -> Iterator[DataSet]:
    flat = to.flat
    key = above.table.keys.get(part.tag)
    table = table_of(key.items) if key else _NO_KEYS
    try:
        for one in items(flat.data, part.value_at, part.value_end, flat.syntax):
            parts = list(elements(flat.data, one.value_at, one.value_end, flat.syntax))
            values = values_of(flat.data, parts)
            yield DataSet(above.record, parts, values, table, character_set, above.depth + 1)
    except FormatError as problem:
        to.at_record("FS-RECORD-MALFORMED", f"in {named(part.tag)}: {problem}", above.record, part.tag)


def named(tag: int) -> str:
    """An attribute for a message: its keyword, or its tag if it has none."""
    keyword = keyword_of(tag)
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})" if keyword == f"{tag:08X}" else keyword
