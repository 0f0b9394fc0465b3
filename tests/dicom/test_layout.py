"""A layout returns the same values as the walk, or nothing."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from fileset.dicom.header import HeaderError, read_header
from fileset.dicom.header_cache import LARGEST_READ, Layouts
from fileset.dicom.header_layout import IDENTIFYING_META_TAGS
from fileset.records.describe import WANTED
from tests.benchmarks.corpus import Shape, files

SHAPE = Shape(600, per_series=20)


def headers() -> Iterator[bytes]:
    return (header + tail for _, header, tail in files(SHAPE))


def values(data: bytes, layouts: Layouts | None) -> dict[int, bytes] | str:
    try:
        header = read_header(lambda at, size: data[at : at + size], WANTED, layouts)
    except HeaderError as problem:
        return problem.rule
    return {
        tag: value for tag, value in (header.values | header.meta).items() if tag not in IDENTIFYING_META_TAGS or value
    }


@pytest.fixture(scope="module")
def learned() -> Layouts:
    layouts = Layouts()
    for data in headers():
        values(data, layouts)
    return layouts


def test_most_files_of_known_scanners_are_recognised_and_all_have_the_values_of_the_walk(learned: Layouts) -> None:
    recognised = 0
    for data in headers():
        recognised += learned.find(data[: learned.first_read]) is not None
        assert values(data, learned) == values(data, None)
    assert recognised > 0.8 * SHAPE.files


def test_a_damaged_header_is_recognised_only_if_the_walk_meets_the_same_elements(learned: Layouts) -> None:
    rng = random.Random(20261121)
    samples = list(headers())[::7]
    recognised = different = 0
    for _ in range(4000):
        data = bytearray(rng.choice(samples)[:LARGEST_READ])
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(132, min(len(data), 2500))] = rng.choice((rng.randrange(256), 0, 2, 8, 32))
        damaged = bytes(data)
        header = learned.find(damaged[: learned.first_read])
        if header is None:
            different += 1
            continue
        recognised += 1
        found = header.values
        assert found == {tag: value for tag, value in _walked(damaged).items() if tag in found}
        assert found.keys() >= _walked(damaged).keys()
    assert recognised > 100
    assert different > 100


def test_threads_may_look_for_layouts_at_the_same_time(learned: Layouts) -> None:
    known = [data[:LARGEST_READ] for data in headers() if learned.find(data[:LARGEST_READ])]

    def look(seed: int) -> bool:
        rng = random.Random(seed)
        return all(learned.find(rng.choice(known)) is not None for _ in range(4000))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(look, range(4)))
    finally:
        sys.setswitchinterval(interval)


def _walked(data: bytes) -> dict[int, bytes]:
    header = read_header(lambda at, size: data[at : at + size], WANTED)
    return header.meta | header.values


def test_layouts_stop_growing_when_they_do_not_help() -> None:
    layouts = Layouts()
    data = next(headers())
    for count in range(400):
        marker = bytes(f"{count:04X}", "ascii")
        values(data.replace(b"\x08\x00\x60\x00CS\x02\x00CT", b"\x08\x00\x60\x00SH\x04\x00" + marker), layouts)
    assert layouts.find(data) is None or values(data, layouts) == values(data, None)


def test_a_value_of_any_length_is_recognised_after_one_file_with_another_length() -> None:
    layouts = Layouts()
    data = next(headers())
    text = b"\x08\x00\x80\x00LO\x10\x00General Hospital"

    def named(name: bytes) -> bytes:
        assert text in data
        return data.replace(text, text[:6] + len(name).to_bytes(2, "little") + name)

    for name in (b"General Hospital", b"General Hospital", b"AB"):
        values(named(name), layouts)
    for name in (b"", b"ABCD", b"x" * 200):
        changed = named(name)
        found = layouts.find(changed[: layouts.first_read])
        assert found is not None
        assert values(changed, layouts) == values(changed, None)
    assert layouts.find(named(b"odd")[: layouts.first_read]) is None


@pytest.mark.parametrize("vr", [b"UC", b"UT", b"OB"])
def test_the_value_of_a_key_in_a_vr_of_long_lengths_is_that_of_the_walk(vr: bytes) -> None:
    layouts = Layouts()
    data = next(headers())
    at = data.index(b"\x10\x00\x10\x00PN")
    end = at + 8 + int.from_bytes(data[at + 6 : at + 8], "little")
    for size in (8, 8, 10, 10, 12):
        name = data[at : at + 4] + vr + bytes(2) + size.to_bytes(4, "little") + b"N" * size
        changed = data[:at] + name + data[end:]
        assert values(changed, layouts) == values(changed, None)
