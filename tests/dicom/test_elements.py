"""The walker of data elements: any bytes at all give elements within their buffer, or a FormatError."""

from __future__ import annotations

import time
from contextlib import suppress
from struct import pack
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileset.dicom.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM,
    ITEM_END,
    MAX_DEPTH,
    SEQUENCE_END,
    Element,
    Syntax,
    element,
    element_at,
    elements,
    item,
    items,
)
from fileset.errors import FormatError
from tests.support.directories import CODINGS

SYNTAXES: Final = {"explicit": EXPLICIT_LITTLE, "implicit": IMPLICIT_LITTLE, "big": EXPLICIT_BIG}
UNDEFINED: Final = 0xFFFFFFFF


def walked(data: bytes, syntax: Syntax, at: int = 0, end: int | None = None) -> list[Element]:
    """All elements before the damage, each checked for its place."""
    end = len(data) if end is None else end
    found: list[Element] = []
    try:
        for part in elements(data, at, end, syntax):
            assert part.at == at
            assert at < part.value_at <= part.value_end <= part.end <= end
            found.append(part)
            at = part.end
    except FormatError:
        pass
    return found


# Bytes that look like elements reach deeper than random ones.
LOOKALIKES: Final = st.sampled_from(
    [
        *(pack("<HHI", 0xFFFE, number, size) for number in (0xE000, 0xE00D, 0xE0DD) for size in (0, 4, 8, UNDEFINED)),
        *(pack("<HH2sHI", 9, 1, vr, 0, size) for vr in (b"SQ", b"UN", b"OB") for size in (0, 8, UNDEFINED)),
        *(pack("<HH2sH", 8, 5, vr, size) for vr in (b"CS", b"UL", b"xx") for size in (0, 2, 0xFFFF)),
        *(pack("<HHI", 8, 0x1140, size) for size in (0, 6, UNDEFINED)),
        *(pack(">HHI", 0xFFFE, number, size) for number in (0xE000, 0xE00D, 0xE0DD) for size in (0, UNDEFINED)),
    ]
)
BYTES: Final = st.one_of(st.binary(max_size=200), st.lists(st.one_of(LOOKALIKES, st.binary(max_size=6))).map(b"".join))


@given(BYTES, st.sampled_from(sorted(SYNTAXES)))
def test_any_bytes_give_elements_within_the_buffer_or_a_format_error(data: bytes, name: str) -> None:
    walked(data, SYNTAXES[name])


@given(BYTES, st.sampled_from(sorted(SYNTAXES)), st.integers(0, 40), st.integers(0, 200))
def test_nothing_beyond_the_area_is_taken(data: bytes, name: str, at: int, end: int) -> None:
    walked(data, SYNTAXES[name], at, min(end, len(data)))


@given(BYTES, st.sampled_from(sorted(SYNTAXES)))
def test_the_items_of_anything_are_items(data: bytes, name: str) -> None:
    with suppress(FormatError):
        assert all(part.tag == ITEM for part in items(data, 0, len(data), SYNTAXES[name]))


@given(st.lists(st.tuples(st.sampled_from([0x00080005, 0x00091001, 0x00100010, 0x7FE00010]), st.binary(max_size=30))))
def test_written_elements_are_found_again(values: list[tuple[int, bytes]]) -> None:
    data = b"".join(element(tag, "LO", value) for tag, value in values)
    found = walked(data, EXPLICIT_LITTLE)
    padded = [(tag, value + b" " * (len(value) % 2)) for tag, value in values]
    assert [(part.tag, data[part.value_at : part.value_end]) for part in found] == padded
    assert sum(part.end - part.at for part in found) == len(data)


def nested(depth: int) -> bytes:
    """Sequences of undefined length within each other."""
    opening = pack("<HH2sHI", 8, 0x1140, b"SQ", 0, UNDEFINED) + pack("<HHI", 0xFFFE, 0xE000, UNDEFINED)
    closing = pack("<HHI", 0xFFFE, 0xE00D, 0) + pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return opening * depth + closing * depth


@pytest.mark.parametrize("depth", [1, 2, MAX_DEPTH // 2, MAX_DEPTH])
def test_nesting_is_followed_to_its_end(depth: int) -> None:
    data = nested(depth)
    assert [part.end for part in walked(data, EXPLICIT_LITTLE)] == [len(data)]


@pytest.mark.parametrize("depth", [MAX_DEPTH + 2, 100_000])
def test_nesting_beyond_reason_is_refused_at_once(depth: int) -> None:
    began = time.process_time()
    with pytest.raises(FormatError, match="nested"):
        element_at(nested(depth), 0, 1 << 40, EXPLICIT_LITTLE)
    assert time.process_time() - began < 0.1


@pytest.mark.parametrize("name", SYNTAXES)
def test_items_and_delimiters_have_no_vr_in_any_syntax(name: str) -> None:
    coding = CODINGS[
        {"explicit": "1.2.840.10008.1.2.1", "implicit": "1.2.840.10008.1.2", "big": "1.2.840.10008.1.2.2"}[name]
    ]
    data = coding.item(coding.element(0x00080005, "CS", b"ISO_IR 6"), undefined=True)
    data += pack(coding.order + "HHI", 0xFFFE, 0xE0DD, 0)
    found = walked(data, SYNTAXES[name])
    assert [part.tag for part in found] == [ITEM, SEQUENCE_END]
    assert [part.tag for part in walked(data, SYNTAXES[name], 8, found[0].value_end)] == [0x00080005]
    assert data[found[0].value_end : found[0].end] == pack(coding.order + "HHI", 0xFFFE, ITEM_END & 0xFFFF, 0)


def test_a_value_of_unknown_vr_and_undefined_length_is_implicit_within() -> None:
    inner = pack("<HHI", 9, 0x1001, 4) + b"abcd"
    content = pack("<HHI", 0xFFFE, 0xE000, UNDEFINED) + inner + pack("<HHI", 0xFFFE, 0xE00D, 0)
    data = pack("<HH2sHI", 9, 0x1002, b"UN", 0, UNDEFINED) + content + pack("<HHI", 0xFFFE, 0xE0DD, 0)
    [found] = walked(data, EXPLICIT_LITTLE)
    assert data[found.value_at : found.value_end] == content


def test_an_item_of_explicit_length_is_written_as_it_is_read() -> None:
    data = item(element(0x00080005, "CS", b"ISO_IR 6"))
    [found] = items(data, 0, len(data), EXPLICIT_LITTLE)
    assert found.end == len(data)
