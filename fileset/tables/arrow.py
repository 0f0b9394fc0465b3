"""Tables as Arrow and Parquet: each column has the type of its VR (PS3.5 6.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, time
from typing import TYPE_CHECKING, Any, Final

from fileset.errors import MediumError, RuleError
from fileset.tables.table import Table, text_of

if TYPE_CHECKING:
    import pyarrow as pa

_INTEGERS: Final = frozenset(("IS", "SL", "SS", "SV", "UL", "US", "UV"))
_FLOATS: Final = frozenset(("DS", "FD", "FL"))


def arrow_table(columns: Mapping[str, list[Any]], vrs: Mapping[str, str]) -> pa.Table:
    """Convert the columns to a `pyarrow.Table`: DA as date32, TM as time64, numbers as int64 and double, else text.

    Attributes that may have several values are lists. A column with a value that its type cannot hold is text as a
    whole, so that no value is lost. Raises `RuleError` if pyarrow is not installed.
    """
    pyarrow = _pyarrow()
    return pyarrow.table(
        {name: _array(pyarrow, values, vrs[name], several=_takes_several(name)) for name, values in columns.items()}
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
        return pa.array(_converted(values, convert), kind)
    except (ValueError, TypeError, OverflowError, pa.lib.ArrowException):
        return pa.array([None if value is None else text_of(value) for value in values], pa.string())


def _kind(pa: Any, vr: str) -> tuple[Any, Callable[[Any], Any] | None]:
    """The Arrow type for a VR, and how a value becomes one of it."""
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


def _date(text: str) -> date:
    plain = text.replace(".", "")  # as ACR-NEMA wrote dates
    if len(plain) != 8:
        raise ValueError(text)
    return date(int(plain[:4]), int(plain[4:6]), int(plain[6:]))


def _time(text: str) -> time:
    whole, _, fraction = text.replace(":", "").partition(".")
    if len(whole) not in (2, 4, 6) or len(fraction) > 6:
        raise ValueError(text)
    hour, minute, second = (int(whole[at : at + 2] or 0) for at in (0, 2, 4))
    return time(hour, minute, second, int(fraction.ljust(6, "0")))


def _takes_several(name: str) -> bool:
    """Whether the attribute may have several values (PS3.6: its VM is not 1)."""
    from pydicom.datadict import dictionary_VM, tag_for_keyword

    tag = tag_for_keyword(name)
    return tag is not None and dictionary_VM(tag) != "1"
