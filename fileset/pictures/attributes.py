"""The attributes that hold for one frame: of the data set, or of its functional groups (PS3.3 C.7.6.16)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_GROUPS: Final = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
_FAULTS: Final = (TypeError, ValueError, KeyError, IndexError, AttributeError, NotImplementedError, OverflowError)
"""The errors of pydicom for a value that it cannot convert."""


@frozen
class Attributes:
    """The attributes of one frame: from its own functional groups first, then the shared ones, then the data set's."""

    layers: tuple[Dataset, ...] = field(repr=False)

    def get(self, keyword: str) -> Any:
        """Return the value of an attribute, None if it is absent, empty or cannot be read."""
        for layer in self.layers:
            value = _value(layer, keyword)
            if value not in (None, "", b"") and not (isinstance(value, list | tuple) and not value):
                return value
        return None

    def first(self, keyword: str) -> Any:
        """Return the first of several values, None if there is none."""
        value = self.get(keyword)
        is_several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        return value[0] if is_several and len(value) else value

    def number(self, keyword: str, default: float | None = None) -> float | None:
        """Return the first value as a finite number, `default` if it is not one."""
        return _finite(self.first(keyword), default)

    def numbers(self, keyword: str) -> list[float]:
        """Return all values as numbers; an empty list if one of them is not a number."""
        value = self.get(keyword)
        if value is None:
            return []
        values = [value] if isinstance(value, str | bytes | int | float) else list(value)
        found = [_finite(one, None) for one in values]
        return [one for one in found if one is not None] if None not in found else []

    def text(self, keyword: str) -> str:
        """Return a value as text, without padding."""
        value = self.first(keyword)
        return "" if value is None else str(value).strip(" \0")

    def items(self, keyword: str) -> list[Attributes]:
        """Return the items of a sequence."""
        from pydicom.dataset import Dataset

        value = self.get(keyword)
        items = value if isinstance(value, list) or _is_sequence(value) else []
        return [Attributes((item,)) for item in items if isinstance(item, Dataset)]

    def item(self, keyword: str) -> Attributes:
        """Return the first item of a sequence; without one, attributes that have no values."""
        return next(iter(self.items(keyword)), Attributes(()))


def attributes_of(dataset: Dataset, frame: int = 0) -> Attributes:
    """Collect the attributes of a frame, counted from 0."""
    own, shared = (_items(dataset, keyword) for keyword in _GROUPS)
    groups = (*own[frame : frame + 1], *shared[:1])
    return Attributes((*chain.from_iterable(map(_group_items, groups)), dataset))


def _group_items(groups: Dataset) -> Iterator[Dataset]:
    """Yield the items of the functional groups of one frame."""
    for element in groups:
        if element.VR == "SQ" and element.value:
            yield from element.value[:1]


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    value = _value(dataset, keyword)
    return list(value) if _is_sequence(value) else []


def _is_sequence(value: object) -> bool:
    from pydicom.sequence import Sequence as SequenceOfItems

    return isinstance(value, SequenceOfItems)


def _value(dataset: Dataset, keyword: str) -> Any:
    try:
        return dataset.get(keyword)
    except _FAULTS:
        return None


def _finite(value: Any, default: float | None) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return default
    return found if abs(found) < float("inf") else default
