"""Decode some keys of many records at once, column by column.

Looking up one key in one record takes 30 microseconds, most of it to find the element. This module finds each element in
the first record of a layout, decodes a repeated value once, and reads a patient, study or series record once for all
records below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, repeat
from struct import Struct, error
from typing import Any, Final, NamedTuple

from fileset.dicom.character_sets import ESCAPE, TEXT_VRS
from fileset.dicom.elements import EXPLICIT_LITTLE, LONG_VRS, SHORT_VRS, Element, Unpack
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.read.query import joined, stored_path
from fileset.dicomdir.read.values import value_of
from fileset.dicomdir.write.layout import NONE
from fileset.standard import tags
from fileset.standard.dictionary import vr_of

Column = list[Any]

_ABSENT: Final = object()
"""The value of a key that a record does not have; None is the value of a key that is empty."""
_PER_SIZE: Final = 8
"""Most layouts that are remembered for records of one size."""
_SHORT: Final = Struct("<H").unpack_from
_LONG: Final = Struct("<I").unpack_from
_TEXT: Final = frozenset(("AE", "CS", "DA", "DT", "LO", "PN", "SH", "TM", "UI"))
_NUMBERS: Final[dict[str, Callable[[str], float]]] = {"IS": int, "DS": float}
_SEPARATOR: Final = "\x01"
"""Joins values that are decoded together; no text contains it."""
_REFERENCE: Final = 0x0004
"""The group of the elements that reference a file: a record never takes them from the record above."""


def decode_columns(contents: Contents, records: Sequence[int], wanted: Sequence[int]) -> list[Column]:
    """Decode for each tag the values of these records, by index: their own, else that of the nearest record above.

    Values have the types of `Record.get`; None where neither the record nor one above it has a value. The components of
    a Referenced File ID are joined by "/".
    """
    columns = [
        _decoded(contents, records, tag, raw) for tag, raw in zip(wanted, _raw(contents, records, wanted), strict=True)
    ]
    missing = [at for at, column in enumerate(columns) if wanted[at] >> 16 != _REFERENCE and _ABSENT in column]
    if missing:
        parents = [contents.tree.parent[index] for index in records]
        distinct = list(dict.fromkeys(parent for parent in parents if parent != NONE))
        above = decode_columns(contents, distinct, [wanted[at] for at in missing]) if distinct else []
        rows = {parent: row for row, parent in enumerate(distinct)}
        places = [rows.get(parent, -1) for parent in parents]
        for at, upper in zip(missing, above, strict=bool(above)):
            upper.append(None)  # the parent of a record of the root entity
            inherited = map(upper.__getitem__, places)
            columns[at] = _merged(columns[at], inherited)
    return [_merged(column, repeat(None)) if _ABSENT in column else column for column in columns]


def _merged(column: Column, others: Iterable[Any]) -> Column:
    """Replace the absent values of a column by `others`."""
    if column.count(_ABSENT) == len(column):
        return list(islice(others, len(column)))
    return [other if value is _ABSENT else value for value, other in zip(column, others, strict=False)]


# ---------------------------------------------------------------- where the elements are


class _RecordShape(NamedTuple):
    """The layout of records with the same elements of the same lengths: how to split and to recognise them."""

    unpack: Unpack
    headers: tuple[bytes, ...]
    wanted: tuple[tuple[int, int], ...]  # column, and the index of its value among the parts


def _raw(contents: Contents, records: Sequence[int], wanted: Sequence[int]) -> list[Column]:
    """Collect for each tag the bytes of its values: `_ABSENT` if there is none, an `Element` if the record is unusual."""
    columns: list[Column] = [[_ABSENT] * len(records) for _ in wanted]
    flat, places = contents.flat, {tag: at for at, tag in enumerate(wanted)}
    usual = flat.syntax is EXPLICIT_LITTLE and "MRDR" not in flat.types
    layouts: dict[int, list[_RecordShape]] = {}
    for row, index in enumerate(records):
        start, end = flat.content(index)
        size = end - start
        for layout in layouts.get(size, ()) if usual else ():
            parts = layout.unpack(flat.data, start)
            if parts[::2] == layout.headers:
                for column, at in layout.wanted:
                    columns[column][row] = parts[at]
                break
        else:
            learnt = _layout(flat.data, start, end, places) if usual else None
            if learnt is not None:
                layouts[size] = [learnt, *layouts.get(size, ())][:_PER_SIZE]
            for column, value in _parts(contents, index, start, wanted, learnt):
                columns[column][row] = value
    return columns


def _parts(
    contents: Contents, index: int, start: int, wanted: Sequence[int], layout: _RecordShape | None
) -> Iterator[tuple[int, bytes | Element]]:
    """Yield the column and the value for each wanted element of one record."""
    if layout is not None:
        parts = layout.unpack(contents.flat.data, start)
        yield from ((column, parts[at]) for column, at in layout.wanted)
        return
    for column, tag in enumerate(wanted):
        part = contents.element(index, tag)
        if part is not None:
            yield column, part
        elif tag >> 16 == _REFERENCE and (raw := contents.raw_reference(index, tag)):
            yield column, raw  # of an MRDR


def _layout(data: bytes, at: int, end: int, places: dict[int, int]) -> _RecordShape | None:
    """Read the layout of a record; None if an element has undefined or damaged length."""
    headers: list[bytes] = []
    form, wanted = ["<"], []
    try:
        while at < end:
            vr = data[at + 4 : at + 6]
            if vr in SHORT_VRS:
                value_at, (length,) = at + 8, _SHORT(data, at + 6)
            elif vr in LONG_VRS:
                value_at, (length,) = at + 12, _LONG(data, at + 8)
            else:
                return None
            tag = _SHORT(data, at)[0] << 16 | _SHORT(data, at + 2)[0]
            if tag in places:
                if vr == b"SQ" or vr.decode("ascii") != vr_of(tag):
                    return None
                wanted.append((places[tag], 2 * len(headers) + 1))
            headers.append(data[at:value_at])
            form.append(f"{value_at - at}s{length}s")
            at = value_at + length
    except error:
        return None
    return _RecordShape(Struct("".join(form)).unpack_from, tuple(headers), tuple(wanted)) if at == end else None


# ---------------------------------------------------------------- values


def _decoded(contents: Contents, records: Sequence[int], tag: int, raw: Column) -> Column:
    """Decode the values of a column."""
    if raw.count(_ABSENT) == len(raw):
        return raw
    known = _values(contents, tag, [value for value in dict.fromkeys(raw) if isinstance(value, bytes)])
    if len(known) == len(set(raw)):
        return [known[value] for value in raw]
    return [
        value if value is _ABSENT else known[value] if value in known else _one(contents, index, tag, value)
        for index, value in zip(records, raw, strict=True)
    ]


def _values(contents: Contents, tag: int, raw: list[bytes]) -> dict[bytes, Any]:
    """Decode, by their bytes, the values that do not depend on the character set of a record."""
    vr = vr_of(tag)
    if vr not in _TEXT and vr not in _NUMBERS:
        plain = [value for value in raw if value.isascii() and ESCAPE not in value] if vr in TEXT_VRS else raw
        return {value: _alone(contents, tag, vr, value) for value in plain}
    joined = _SEPARATOR.encode().join(raw)
    if not joined.isascii() or ESCAPE in joined or joined.count(_SEPARATOR.encode()) != len(raw) - 1:
        return {value: _alone(contents, tag, vr, value) for value in raw if value.isascii() and ESCAPE not in value}
    texts = joined.decode("ascii").split(_SEPARATOR) if raw else []
    if tag == tags.REFERENCED_FILE_ID:
        texts = [text.replace("\\", "/") for text in texts]
    convert = _NUMBERS.get(vr)
    return {
        value: _split(text) if convert is None else _number(text, convert) or _alone(contents, tag, vr, value)
        for value, text in zip(raw, texts, strict=True)
    }


def _number(text: str, convert: Callable[[str], float]) -> float | None:
    """Parse one number; return None or 0 if the full decoder must decide."""
    try:
        return convert(text)  # ignores padding
    except ValueError:
        return None


def _split(text: str) -> str | list[str | None] | None:
    if "\\" in text:
        return [part.strip(" \0") or None for part in text.split("\\")]
    return text.strip(" \0") or None


def _alone(contents: Contents, tag: int, vr: str, raw: bytes) -> Any:
    part = Element(tag, vr.encode("ascii"), 0, 0, len(raw), len(raw))
    return _as_path(tag, value_of(raw, part, contents.flat.syntax, ""))


def _one(contents: Contents, index: int, tag: int, value: bytes | Element) -> Any:
    """Decode the value of one record, in its character set."""
    part = value if isinstance(value, Element) else contents.element(index, tag)
    return None if part is None else _as_path(tag, contents.value(index, part))


def _as_path(tag: int, value: Any) -> Any:
    """Return the path of a Referenced File ID, and other values unchanged."""
    if tag != tags.REFERENCED_FILE_ID or value is None:
        return value
    return stored_path(joined(value))
