"""The layout of similar headers: the same elements, of which some differ in length from file to file.

The elements between two such differences are a *run*. Its element headers are at fixed distances, so that one `Struct` takes
them out of a file, and one comparison tests them. Where lengths repeat, as in a series, the whole header becomes one run.
Whatever matches has exactly the elements that a walk would meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from struct import Struct, calcsize, error
from typing import Any, Final, NamedTuple

from fileset.dicom.elements import (
    EXPLICIT_LITTLE,
    ITEM,
    ITEM_END,
    SEQUENCE_END,
    SHORT_VRS,
    UNDEFINED,
    Unpack,
    element_header,
)
from fileset.standard import tags

META: Final = 132
"""The offset of File Meta Information."""
IDENTIFYING_META_TAGS: Final = frozenset(
    (tags.MEDIA_STORAGE_SOP_CLASS_UID, tags.MEDIA_STORAGE_SOP_INSTANCE_UID, tags.TRANSFER_SYNTAX_UID)
)
"""The elements of File Meta Information that a record needs."""
META_TAGS: Final = frozenset(tags.META_VRS)
"""The elements of File Meta Information (PS3.10 Table 7.1-1)."""
_ANCHORED: Final = frozenset((tags.TRANSFER_SYNTAX_UID, tags.SOP_CLASS_UID))
"""Transfer syntax and SOP class decide the walk, so their values are part of the layout."""
MOST_LENGTHS: Final = 16
"""Combinations of lengths that are remembered for one shape."""
FIRST_OF_BLOCKS: Final = 0x100
"""Elements gg,0010 to gg,00FF reserve the blocks gg,10xx to gg,FFxx (PS3.5 7.8.1)."""


class Part(NamedTuple):
    """An element of a header: its tag, negative inside a sequence, VR, offset, offset and length of the value."""

    tag: int
    vr: bytes
    at: int
    value_at: int
    length: int

    @property
    def width(self) -> int:
        """The number of bytes of its length, 2 or 4."""
        return 2 if self.vr in SHORT_VRS else 4

    @property
    def end(self) -> int:
        """The offset of the next element, which may be inside a sequence."""
        return self.value_at if self.length == UNDEFINED else self.value_at + self.length

    @property
    def is_creator(self) -> bool:
        """Whether it reserves a block of private elements: an empty one would be a fault (PS3.5 7.8.1)."""
        tag = abs(self.tag)
        return bool(tag >> 16 & 1) and tag & 0xFFFF < FIRST_OF_BLOCKS

    @property
    def holds_items(self) -> bool:
        """Whether its value is a sequence of explicit length, or it is an item of explicit length."""
        return self.length != UNDEFINED and (self.vr == b"SQ" or self.tag == -ITEM)


class SpecialError(Exception):
    """The header has an element that no layout can express."""


class BeyondError(Exception):
    """The header continues at the given offset, beyond the bytes that were read."""


def parts_of(data: bytes, last: int) -> Iterator[Part]:
    """Parse all elements up to the tag `last`, including elements in sequences of undefined length.

    Raises `SpecialError` if no layout can express them, `BeyondError` if `data` ends before.
    """
    at, previous = META, 0
    while True:
        tag, vr, value_at, length = element_header(data, at, EXPLICIT_LITTLE)
        if tag > last:
            return
        if tag <= previous or (tag >> 16 == 2 and tag not in META_TAGS):
            raise SpecialError
        previous = tag
        yield Part(tag, vr, at, value_at, length)
        at = value_at + length
        if length == UNDEFINED:
            if vr == b"UN":
                raise SpecialError
            for inner in _within(data, value_at):
                yield inner
                at = inner.end
        if at + 12 > len(data):
            raise BeyondError(at)


def _within(data: bytes, at: int) -> Iterator[Part]:
    open_ = 1
    while open_:
        tag, vr, value_at, length = element_header(data, at, EXPLICIT_LITTLE)
        if vr == b"UN" and length == UNDEFINED:
            raise SpecialError
        yield Part(-tag, vr, at, value_at, length)
        if tag in (SEQUENCE_END, ITEM_END):
            open_ -= 1
        elif length == UNDEFINED:
            open_ += 1
        at = value_at if length == UNDEFINED else value_at + length
        if at + 12 > len(data):
            raise BeyondError(at)


def shape_of(data: bytes, parts: Iterable[Part]) -> bytes:
    """Return the common part of all headers of a layout: tags, VRs, and the values and lengths that must not differ."""
    return b"".join(data[part.at : _end_of_shared(part)] for part in parts)


def _end_of_shared(part: Part) -> int:
    if part.tag in _ANCHORED:
        return part.end
    return part.value_at if part.is_creator or part.length == UNDEFINED else part.at + 6


class Run(NamedTuple):
    """Elements at fixed distances, up to the length of the last one, whose value has any.

    `heads` extracts the element headers, which must equal `expected`; `values` extracts the values to keep, then the length
    of the last one, which has `width` bytes. That value begins `size` bytes after the start of the run; `keeps`: whether to
    keep it. `forms` are the formats of headers and values up to that length.
    """

    heads: Unpack
    expected: tuple[bytes, ...]
    values: Unpack
    size: int
    width: int
    keeps: bool
    forms: tuple[str, str]

    def with_value(self, length: int) -> tuple[str, str]:
        """Return the formats of headers and values up to the end of a last value that has `length` bytes."""
        heads, values = self.forms
        whole = self.width + length
        return f"{heads}{self.width}s{length}x", f"{values}{whole}s" if self.keeps else f"{values}{whole}x"


_TAG: Final = "HH"


def _run(data: bytes, at: int, forms: tuple[str, str], size: int, last: str, *, keeps: bool = False) -> Run:
    """Make a run from `at` on; `last` is the format of the length that ends it, or of the tag after a whole header."""
    heads, values = forms
    unpack = Struct(f"<{heads}").unpack_from
    width = 0 if last == _TAG else calcsize(last)
    return Run(unpack, unpack(data, at), Struct(f"<{values}{last}").unpack_from, size, width, keeps, forms)


class _Form:
    """The format of a `Struct` that skips to spans of bytes and takes them."""

    def __init__(self, at: int) -> None:
        self.text = ""
        self._at = at

    def take(self, start: int, end: int) -> None:
        """Take the bytes from one offset to another."""
        self.text += f"{start - self._at}x{end - start}s"
        self._at = end

    def up_to(self, end: int) -> str:
        """Return the format with all bytes up to an offset."""
        return f"{self.text}{end - self._at}x"


class SimilarHeaders:
    """The elements up to the tag `last` of headers of one shape, and the values to capture of them.

    `kept` selects the elements whose values are captured, each with the bytes of its length before it. `parts` and
    `lengths` are the elements of one header, and the lengths of those of another one.
    """

    def __init__(
        self, data: bytes, parts: Sequence[Part], lengths: Sequence[int], kept: Sequence[bool], last: int
    ) -> None:
        self._lengths = lengths
        self._heads = [(part.value_at - part.at, part.width) for part in parts]
        self._kept = kept
        self._last = last
        self._varying: set[int] = set()  # numbers of elements whose lengths differ
        self._whole: Run | None = None  # a whole header with the lengths that were met last
        self._met: dict[tuple[int, ...], Run | None] = {}  # the same, for lengths that were met twice
        self._runs = self._cut(data, parts)
        self.widen(data, parts)

    def widen(self, data: bytes, parts: Sequence[Part]) -> None:
        """Allow other lengths for the elements whose lengths differ in this header."""
        lengths = enumerate(zip(self._lengths, parts, strict=True))
        more = {number for number, (length, part) in lengths if length != part.length} - self._varying
        if more:
            self._varying |= more
            self._runs = self._cut(data, parts)
            self._met = {}

    def _cut(self, data: bytes, parts: Sequence[Part]) -> tuple[Run, ...]:
        """Cut a header into runs: after each element of any length, and at the end."""
        runs: list[Run] = []
        start = end = META
        heads, values = _Form(start), _Form(start)
        for number, (part, keeps) in enumerate(zip(parts, self._kept, strict=True)):
            at, value_at, end, length_at = part.at, part.value_at, part.end, part.value_at - part.width
            if number in self._varying:
                heads.take(at, length_at)
                forms = heads.text, values.up_to(length_at)
                runs.append(_run(data, start, forms, value_at - start, "H" if part.width == 2 else "I", keeps=keeps))
                start, heads, values = end, _Form(end), _Form(end)
                continue
            heads.take(at, end if part.tag in _ANCHORED else value_at)
            if keeps:
                values.take(length_at, end)
        return *runs, _run(data, start, (heads.text, values.up_to(end)), end - start, _TAG)

    def values(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield the start and end of the value of each element of a header that matches."""
        at = META
        for size, width in self._heads:
            start = at + size
            length = int.from_bytes(data[start - width : start], "little")
            at = start if length == UNDEFINED else start + length
            yield start, at

    def match(self, data: bytes) -> tuple[list[bytes], int] | None:
        """Return the values to capture of a header, and the offset after it; None if its elements are others."""
        whole = self._whole
        try:
            if whole is not None and whole.heads(data, META) == whole.expected:
                captured, end = list(whole.values(data, META)), META + whole.size
            else:
                captured, end = self._by_runs(data)
        except error:  # the header is longer than the data
            return None
        if not captured:
            return None
        number, group = captured.pop(), captured.pop()
        return (captured, end) if group << 16 | number > self._last else None

    def _by_runs(self, data: bytes) -> tuple[list[Any], int]:
        """Return the values and the tag after the header, and its end; no values if its elements are others."""
        at = META
        captured: list[Any] = []
        lengths = []
        runs = self._runs
        for heads, expected, values, size, width, keeps, _ in runs:
            if heads(data, at) != expected:
                return [], 0
            captured += values(data, at)
            at += size
            if not width:
                break
            length = captured.pop()
            if length & 1:  # not as PS3.5 7.1.1 demands
                return [], 0
            if keeps:
                captured.append(data[at - width : at + length])
            at += length
            lengths.append(length)
        self._remember(data, runs, tuple(lengths), at - META)
        return captured, at

    def _remember(self, data: bytes, runs: tuple[Run, ...], lengths: tuple[int, ...], size: int) -> None:
        """Make one run of the whole header if these lengths occurred before, because they may occur again."""
        met = self._met
        if lengths in met:
            self._whole = met[lengths] = met[lengths] or _joined(data, runs, lengths, size)
        elif len(met) < MOST_LENGTHS:
            met[lengths] = None
        else:
            self._met = {}


def _joined(data: bytes, runs: tuple[Run, ...], lengths: tuple[int, ...], size: int) -> Run:
    *varying, rest = runs
    forms = [*(run.with_value(length) for run, length in zip(varying, lengths, strict=True)), rest.forms]
    heads, values = map("".join, zip(*forms, strict=True))
    return _run(data, META, (heads, values), size, _TAG)
