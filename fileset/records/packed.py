"""Long lists of short values in little memory: one buffer for all values, and the end of each.

A list of a million names takes 100 bytes a name; packed, a name takes its own bytes and 4 more.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Final, overload

_FOUR_BYTES: Final = (1 << 32) - 1
"""Largest end of a value that takes 4 bytes; beyond it, all take 8."""
_TOGETHER: Final = 1024
_LONE_SURROGATES = "surrogatepass"
"""Names of files that are not valid in the encoding of the system hold lone surrogates."""


class PackedBytes(Sequence[bytes]):
    """Byte strings that can be appended, and not changed; `data` holds them, and `ends` the end of each after a 0."""

    __slots__ = ("data", "ends")

    def __init__(self) -> None:
        self.data = bytearray()
        self.ends = array("I", (0,))

    def append(self, value: bytes) -> None:
        """Append a value."""
        self.data += value
        self._widen()
        self.ends.append(len(self.data))

    def extend(self, values: Sequence[bytes]) -> None:
        """Append all values; faster than one by one."""
        self.data += b"".join(values)
        self._widen()
        self.ends.extend(accumulate(map(len, values), initial=self.ends.pop()))

    def _widen(self) -> None:
        if len(self.data) > _FOUR_BYTES and self.ends.typecode == "I":
            self.ends = array("Q", self.ends)

    def __len__(self) -> int:
        return len(self.ends) - 1

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        places = range(len(self.ends) - 1)[index]  # of either sign
        return self.take((places,))[0] if isinstance(places, int) else self.take(places)

    def take(self, indexes: Iterable[int]) -> list[bytes]:
        """Return the values with these indexes, which are not negative."""
        data, ends = self.data, self.ends
        return [bytes(data[ends[at] : ends[at + 1]]) for at in indexes]

    def lengths(self, indexes: Iterable[int]) -> list[int]:
        """List the lengths of the values with these indexes, which are not negative."""
        ends = self.ends
        return [ends[at + 1] - ends[at] for at in indexes]

    def __iter__(self) -> Iterator[bytes]:
        data = self.data
        return (bytes(data[start:end]) for start, end in pairwise(self.ends))


class PackedTexts(Sequence[str]):
    """Texts that can be appended, and not changed; `packed` holds them in UTF-8."""

    __slots__ = ("_new", "_packed")

    def __init__(self) -> None:
        self._packed = PackedBytes()
        self._new: list[str] = []  # texts that are not packed yet: many at a time cost less

    @property
    def packed(self) -> PackedBytes:
        """All texts in UTF-8."""
        if self._new:
            self._packed.extend([value.encode("utf-8", _LONE_SURROGATES) for value in self._new])
            self._new.clear()
        return self._packed

    def append(self, value: str) -> None:
        """Append a text."""
        if len(self._new) >= _TOGETHER:
            _ = self.packed
        self._new.append(value)

    def extend(self, values: Iterable[str]) -> None:
        """Append all texts."""
        self.packed.extend([value.encode("utf-8", _LONE_SURROGATES) for value in values])

    def __len__(self) -> int:
        return len(self._packed.ends) - 1 + len(self._new)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return list(self.take(range(len(self))[index]))
        packed = self.packed if self._new else self._packed
        data, ends = packed.data, packed.ends
        at = index if index >= 0 else range(len(ends) - 1)[index]
        return data[ends[at] : ends[at + 1]].decode("utf-8", _LONE_SURROGATES)

    def take(self, indexes: Iterable[int]) -> Iterator[str]:
        """Decode the texts with these indexes, which are not negative; faster than one by one."""
        data, ends = self.packed.data, self.packed.ends
        return (data[ends[at] : ends[at + 1]].decode("utf-8", _LONE_SURROGATES) for at in indexes)

    def __iter__(self) -> Iterator[str]:
        return self.take(range(len(self)))
