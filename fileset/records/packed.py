"""Long lists of short values in little memory: one buffer for all values, and the end of each.

A list of a million names takes 100 bytes a name; packed, a name takes its own bytes and 8 more.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import overload

_LONE_SURROGATES = "surrogatepass"
"""Names of files that are not valid in the encoding of the system hold lone surrogates."""


class PackedBytes(Sequence[bytes]):
    """Byte strings that can be appended, and not changed."""

    __slots__ = ("_data", "_ends")

    def __init__(self) -> None:
        self._data = bytearray()
        self._ends = array("Q", (0,))

    def append(self, value: bytes) -> None:
        """Append a value."""
        self._data += value
        self._ends.append(len(self._data))

    def extend(self, values: Sequence[bytes]) -> None:
        """Append all values; faster than one by one."""
        self._ends.extend(accumulate(map(len, values), initial=self._ends.pop()))
        self._data += b"".join(values)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        places = range(len(self))[index]  # of either sign
        return self.take((places,))[0] if isinstance(places, int) else self.take(places)

    def take(self, indexes: Iterable[int]) -> list[bytes]:
        """Return the values with these indexes, which are not negative."""
        data, ends = self._data, self._ends
        return [bytes(data[ends[at] : ends[at + 1]]) for at in indexes]

    def lengths(self, indexes: Iterable[int]) -> list[int]:
        """Return the lengths of the values with these indexes, which are not negative."""
        ends = self._ends
        return [ends[at + 1] - ends[at] for at in indexes]

    def __iter__(self) -> Iterator[bytes]:
        data = self._data
        return (bytes(data[start:end]) for start, end in pairwise(self._ends))


class PackedTexts(Sequence[str]):
    """Texts that can be appended, and not changed; `packed` holds them in UTF-8."""

    __slots__ = ("packed",)

    def __init__(self) -> None:
        self.packed = PackedBytes()

    def append(self, value: str) -> None:
        """Append a text."""
        self.packed.append(value.encode("utf-8", _LONE_SURROGATES))

    def extend(self, values: Iterable[str]) -> None:
        """Append all texts; faster than one by one."""
        self.packed.extend([value.encode("utf-8", _LONE_SURROGATES) for value in values])

    def __len__(self) -> int:
        return len(self.packed)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [one.decode("utf-8", _LONE_SURROGATES) for one in self.packed[index]]
        return self.packed[index].decode("utf-8", _LONE_SURROGATES)

    def __iter__(self) -> Iterator[str]:
        return (one.decode("utf-8", _LONE_SURROGATES) for one in self.packed)
