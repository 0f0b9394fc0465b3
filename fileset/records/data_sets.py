"""Records and the items nested in them, each as a data set with the keys that the tables define for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

from fileset.dicom.elements import MAX_DEPTH, Element, Syntax, elements, items
from fileset.errors import FormatError
from fileset.part10.faults import Fault
from fileset.part10.values import WIDTHS
from fileset.records.conditions import CONDITIONED, Values
from fileset.standard import tags
from fileset.standard.dictionary import keyword_of, named, vr_of
from fileset.standard.record_types import CODE, RECORD_TYPES, Key

_QUERIES: Final = frozenset((0x00080400,))
"""Scope of Inventory Sequence holds query keys: ranges and wild cards, not values (PS3.3 C.38)."""
_BINARY: Final = frozenset((b"SQ", b"OB", b"UN", *(vr.encode("ascii") for vr in WIDTHS)))


class KeyTable(NamedTuple):
    """The keys of a record type or of the items of a sequence: by tag, required, and with a condition that is checked.

    `never_empty`: the keys that have a value if they are present.
    """

    keys: Mapping[int, Key]
    required: tuple[Key, ...]
    conditional: tuple[Key, ...]
    never_empty: tuple[Key, ...]


@cache
def table_of(keys: tuple[Key, ...]) -> KeyTable:
    """Make the table of these keys."""
    return KeyTable(
        {key.tag: key for key in keys},
        tuple(key for key in keys if key.type in ("1", "2")),
        tuple(key for key in keys if key.type in ("1C", "2C") and key.tag in CONDITIONED),
        tuple(key for key in keys if key.type in ("1", "1C")),
    )


_NO_KEYS: Final = table_of(())
_TABLES: Final = {name: table_of(kind.keys) for name, kind in RECORD_TYPES.items()}


class DataSet(NamedTuple):
    """The elements of a record or of an item in it.

    The offsets in `parts` count from the start of `data`. `values` are without padding, except for binary VRs.
    `character_set` is inherited from the enclosing data set.
    """

    data: bytes
    syntax: Syntax
    parts: list[Element]
    values: Values
    table: KeyTable
    character_set: str = ""
    depth: int = 0


def record_data_set(
    record_type: str, data: bytes, syntax: Syntax, parts: list[Element], character_set: str = ""
) -> DataSet:
    """Wrap a record as a data set; `character_set` is that of the DICOMDIR as a whole."""
    return DataSet(data, syntax, parts, values_of(data, parts), _TABLES.get(record_type, _NO_KEYS), character_set)


def values_of(data: bytes, parts: list[Element]) -> dict[int, bytes]:
    """Map tags to values."""
    return {
        part.tag: data[part.value_at : part.value_end]
        if (part.vr or vr_of(part.tag).encode("ascii")) in _BINARY
        else data[part.value_at : part.value_end].strip(b" \0")
        for part in parts
    }


def sequences(data_set: DataSet, character_set: str) -> Iterator[tuple[Element, list[DataSet], Fault | None]]:
    """Parse the sequences of a data set with their items, and the fault that ends them early.

    `character_set` is that of the data set itself.
    """
    if data_set.depth >= MAX_DEPTH:
        return
    for part in data_set.parts:
        if part.tag in _QUERIES:
            continue
        if part.vr == b"SQ" or (part.vr in (b"", b"UN") and vr_of(part.tag) == "SQ"):
            nested: list[DataSet] = []
            try:
                nested.extend(_items(data_set, part, character_set))
            except FormatError as problem:
                yield part, nested, Fault("FS-RECORD-MALFORMED", f"in {named(part.tag)}: {problem}", None, part.tag)
            else:
                yield part, nested, None


def _holds_codes(tag: int) -> bool:
    """Decide whether a sequence has codes as its items (PS3.3 8.8), whatever record it is in."""
    return tag == tags.ANATOMIC_REGION_SEQUENCE or keyword_of(tag).endswith("CodeSequence")


def _items(data_set: DataSet, part: Element, character_set: str) -> Iterator[DataSet]:
    data, syntax = data_set.data, data_set.syntax
    key = data_set.table.keys.get(part.tag)
    table = table_of(key.items if key else CODE if _holds_codes(part.tag) else ())
    for item in items(data, part.value_at, part.value_end, syntax):
        parts = list(elements(data, item.value_at, item.value_end, syntax))
        yield DataSet(data, syntax, parts, values_of(data, parts), table, character_set, data_set.depth + 1)
