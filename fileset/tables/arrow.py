"""Tables as Arrow and Parquet: each column has the type of its VR (PS3.5 6.2)."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from datetime import date, time
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from fileset.dicomdir.read.query import ALIASES
from fileset.errors import MediumError, RuleError
from fileset.standard.dictionary import multiplicity, tag_of
from fileset.tables.table import Table, text_of

if TYPE_CHECKING:
    import pyarrow as pa

_INTEGERS: Final = frozenset(("IS", "SL", "SS", "SV", "UL", "US", "UV"))
_FLOATS: Final = frozenset(("DS", "FD", "FL"))


def arrow_table(columns: Mapping[str, list[Any]], vrs: Mapping[str, str]) -> pa.Table:
    """Convert the columns to a `pyarrow.Table`: DA as date32, TM as time64, numbers as int64 and double, else text.

    Attributes that may have several values become lists. A column becomes text if its type cannot hold one of its values,
    so that no value is lost. Raises `RuleError` if pyarrow is not installed.
    """
    pyarrow = _pyarrow()
    return pyarrow.table(
        {
            name: _array(pyarrow, values, vrs[name], several=vrs[name] != "UT" and _takes_several(name))
            for name, values in columns.items()
        }
    )


def write_parquet(table: Table, path: str) -> None:
    """Write the table as a Parquet file. Raises `RuleError` if pyarrow is not installed, `MediumError` on I/O errors."""
    pa = _pyarrow()
    try:
        pa.parquet.write_table(table.to_arrow(), path, compression="zstd")
    except (OSError, pa.lib.ArrowException) as problem:
        raise MediumError(f"{path}: {problem}") from problem


def _pyarrow() -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet  # a module of its own
    except ImportError:
        raise RuleError('this needs pyarrow: pip install "dicom-fileset[tables]"') from None
    return pa


def _array(pa: Any, values: list[Any], vr: str, *, several: bool) -> Any:
    kind, convert = _kind(pa, vr)
    try:
        if several:
            return pa.array([_items(value, convert) for value in values], pa.list_(kind))
        return _plain(pa, _converted(values, convert), kind)
    except (ValueError, TypeError, OverflowError, pa.lib.ArrowException):
        return _plain(pa, [None if value is None else text_of(value) for value in values], pa.string())


def _plain(pa: Any, values: list[Any], kind: Any) -> Any:
    """Build an array of single values from buffers, because `pyarrow.array` would import pandas."""
    validity, is_text = _validity(pa, values), kind == pa.string()
    if validity is not None:
        values = [("" if is_text else 0) if value is None else value for value in values]
    if is_text:
        data = "".join(values).encode()
        texts = values if data.isascii() else map(str.encode, values)
        buffers = [array("i", accumulate(map(len, texts), initial=0)), data]
    else:
        buffers = [array("d" if kind == pa.float64() else "i" if kind == pa.date32() else "q", values)]
    return pa.Array.from_buffers(kind, len(values), [validity, *map(pa.py_buffer, buffers)])


def _validity(pa: Any, values: list[Any]) -> Any:
    """Build the bitmap of values that are not None, the first one in the lowest bit; None if all are present."""
    if None not in values:
        return None
    bits = "".join("0" if value is None else "1" for value in reversed(values))
    return pa.py_buffer(int(bits, 2).to_bytes(-(-len(bits) // 8), "little"))


def _kind(pa: Any, vr: str) -> tuple[Any, Callable[[Any], Any] | None]:
    """Choose the Arrow type for a VR, and the function that converts a value to it."""
    if vr == "DA":
        return pa.date32(), _date
    if vr == "TM":
        return pa.time64("us"), _time
    if vr in _INTEGERS:
        return pa.int64(), None
    return (pa.float64(), None) if vr in _FLOATS else (pa.string(), None)


def _items(value: Any, convert: Callable[[Any], Any] | None) -> list[Any] | None:
    if value is None:
        return None
    values = value if isinstance(value, list) else [value]
    return _converted(values, convert)


def _converted(values: list[Any], convert: Callable[[Any], Any] | None) -> list[Any]:
    if convert is None:
        return values
    known = {value: None if value is None else convert(value) for value in set(values)}
    return [known[value] for value in values]


def _date(text: str) -> int:
    """Convert a date to days since 1970."""
    plain = text.replace(".", "")  # as ACR-NEMA wrote dates
    if len(plain) != 8:
        raise ValueError(text)
    return (date(int(plain[:4]), int(plain[4:6]), int(plain[6:])) - date(1970, 1, 1)).days


def _time(text: str) -> int:
    """Convert a time to microseconds since midnight."""
    whole, _, fraction = text.replace(":", "").partition(".")
    if len(whole) not in (2, 4, 6) or len(fraction) > 6:
        raise ValueError(text)
    hour, minute, second = (int(whole[at : at + 2] or 0) for at in (0, 2, 4))
    time(hour, minute, second)  # raises ValueError for others
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + int(fraction.ljust(6, "0"))


def _takes_several(name: str) -> bool:
    """Check whether the attribute may have several values (PS3.6: its VM is not 1)."""
    tag = ALIASES.get(name) or tag_of(name)
    return tag is not None and multiplicity(tag) not in ((1, 1), (0, None))
