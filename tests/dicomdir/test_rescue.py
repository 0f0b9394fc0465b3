"""Any links at all between any records make a tree that holds each record once; links that can be right are kept."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from struct import pack
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fileset.dicom.elements import MAX_DEPTH
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.read.tree import Tree
from fileset.dicomdir.write.layout import NONE
from fileset.errors import FormatError
from tests.support.directories import LOWER, NEXT, Rec, directory, image, patient, series, study, text

TYPES: Final = ("PATIENT", "STUDY", "SERIES", "IMAGE", "PRIVATE", "HANGING PROTOCOL", "MRDR", "NEW KIND")


@st.composite
def tangles(draw: st.DrawFn) -> tuple[bytes, int]:
    """A directory of up to 12 records of any types, whose links lead to any of them, beside them, or nowhere."""
    records = [
        Rec(draw(st.sampled_from(TYPES)), {0x00200013: text("1", "IS")}) for _ in range(draw(st.integers(1, 12)))
    ]
    for record in records:
        for tag in (NEXT, LOWER):
            if draw(st.integers(0, 3)):
                record.leads_to[tag] = draw(st.sampled_from(records))
                record.astray[tag] = draw(st.sampled_from([0, 0, 0, 0, 0, 2, -3, 40, 10**6]))
        record.without = draw(st.sampled_from([frozenset[int]()] * 8 + [frozenset((NEXT,)), frozenset((LOWER,))]))
        record.in_use = draw(st.sampled_from([0xFFFF] * 8 + [0, 1]))
    # The roots are laid out as one entity, which `leads_to` overrides.
    shift = draw(st.sampled_from([0, 0, 0, -132, 5]))
    first = draw(st.sampled_from([None, None, None, 0, 400, 10**6]))
    return directory(records, offset=lambda right: right + shift, first=first), len(records)


def parts(tree: Tree) -> Counter[int]:
    """How often each record is met on a walk over all, inactive ones too."""
    met: Counter[int] = Counter()
    stack = [(tree.first, NONE, 0)]
    while stack:
        index, above, depth = stack.pop()
        while index != NONE:
            met[index] += 1
            assert met[index] == 1
            assert tree.parent[index] == above
            assert depth <= MAX_DEPTH
            stack.append((tree.lower[index], index, depth + 1))
            index = tree.next[index]
    return met


@pytest.mark.slow
@settings(max_examples=500)
@given(tangles())
def test_every_record_is_in_the_tree_once_whatever_the_links_say(tangle: tuple[bytes, int]) -> None:
    data, count = tangle
    contents = Contents(data)
    assert len(contents) == count
    met = parts(contents.tree)
    missed = set(range(count)) - met.keys()
    # The first kind is in no entity, inactive records need not be in one.
    assert all(contents.type_name(index) == "MRDR" or not contents.flat.in_use[index] for index in missed)
    assert [index for index in range(count) if contents.tree.reached[index]] == sorted(met)
    active = list(contents.tree.walk())
    assert len(active) == len(set(active))
    assert set(active) == {index for index in met if not contents.tree.hidden[index]}


@settings(max_examples=100)
@given(tangles())
def test_a_tree_without_a_finding_follows_the_offsets(tangle: tuple[bytes, int]) -> None:
    data, _ = tangle
    contents = Contents(data)
    flat, tree = contents.flat, contents.tree
    if not any(finding.rule.startswith(("FS-OFFSET", "FS-RECORD-ORPHAN")) for finding in contents.findings):
        for said, links in ((flat.next, tree.next), (flat.lower, tree.lower)):
            assert list(said) == [flat.start[link] if link != NONE else 0 for link in links]


FRAGMENTS: Final = st.one_of(
    st.binary(max_size=8),
    st.sampled_from(
        [
            *(
                pack("<HHI", 0xFFFE, number, size)
                for number in (0xE000, 0xE00D, 0xE0DD)
                for size in (0, 30, 0xFFFFFFFF)
            ),
            *(pack("<HH2sHI", 4, tag, b"UL", 4, value) for tag in (0x1400, 0x1420, 0x1200) for value in (0, 200, 400)),
            pack("<HH2sHH", 4, 0x1410, b"US", 2, 0xFFFF),
            pack("<HH2sH6s", 4, 0x1430, b"CS", 6, b"IMAGE "),
            pack("<HH2sH8s", 4, 0x1500, b"CS", 8, b"IM000001"),
            pack("<HH2sHI", 4, 0x1220, b"SQ", 0, 100),
            pack("<HH2sHI", 4, 0x1220, b"SQ", 0, 0xFFFFFFFF),
            pack("<HH2sHI", 9, 0x1001, b"UN", 0, 0xFFFFFFFF),
            pack("<HH2sH4s", 4, 0x1130, b"CS", 4, b"TEST"),
        ]
    ),
)


@settings(max_examples=400)
@given(
    st.sampled_from([bytes(128) + b"DICM", b"", b"\4\0\x30\x11CS\0\0"]), st.lists(FRAGMENTS, max_size=40).map(b"".join)
)
def test_any_bytes_give_records_or_a_format_error(beginning: bytes, data: bytes) -> None:
    with suppress(FormatError):
        contents = Contents(beginning + data)
        parts(contents.tree)
        for index in contents.tree.walk():
            contents.keys(index)
        list(contents.paths())
        assert all(str(finding) for finding in contents.findings)


def test_of_two_links_the_one_from_the_right_type_stays() -> None:
    leaf = image("A", "1.1.1.1")
    series_ = series("1.1.1", leaf)
    root = patient("P1", study("1.1", series_))
    root.leads_to[LOWER] = series_
    contents = Contents(directory([root]))
    assert [contents.type_name(index) for index in contents.tree.above(3)] == ["SERIES", "STUDY", "PATIENT"]


def test_of_two_links_from_the_right_type_the_nearer_and_forward_one_stays() -> None:
    roots = [
        patient(f"P{p}", *(study(f"1.{p}.{t}", image(f"I{p}{t}", f"1.{p}.{t}.1")) for t in (1, 2))) for p in (1, 2)
    ]
    roots[0].lower[0].leads_to[LOWER] = roots[1].lower[1].lower[0]
    contents = Contents(directory(roots))
    owners = {
        contents.reference(index, 0x00041511): contents.key(contents.tree.parent[index], 0x0020000D)
        for index in contents.find(None, ())
    }
    assert owners == {f"1.{p}.{t}.1": f"1.{p}.{t}" for p in (1, 2) for t in (1, 2)}
