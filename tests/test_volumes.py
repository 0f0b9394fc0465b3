"""More data than one medium holds: the planning by itself, then what a Creator makes of it."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fileset.errors import RuleError
from fileset.volumes import Load, Packing, bytes_of, numbered, pack, too_large

CAPACITY = 1000


def load(studies: list[list[list[int]]], study: int = 3, series: int = 2) -> Load:
    """The load of studies of series of instances, given as their weights."""
    flat = [(at, one) for at, several in enumerate(studies) for one in several]
    return Load(
        instances=[weight for _, one in flat for weight in one],
        series_of=[at for at, (_, one) in enumerate(flat) for _ in one],
        series=[series] * len(flat),
        study_of=[at for at, _ in flat],
        studies=[study] * len(studies),
    )


def weights(packing: Packing, what: Load) -> list[int]:
    """What each volume holds, added up afresh."""
    total = [0] * len(packing.used)
    seen = set()
    for weight, volume, series in zip(what.instances, packing.volume_of, what.series_of, strict=True):
        study = what.study_of[series]
        total[volume] += weight
        for kind, number, own in (("series", series, what.series[series]), ("study", study, what.studies[study])):
            if (kind, number, volume) not in seen:
                total[volume] += own
                seen.add((kind, number, volume))
    return total


instances = st.lists(st.integers(1, CAPACITY - 5), min_size=1, max_size=6)
any_load = st.lists(st.lists(instances, min_size=1, max_size=5), min_size=1, max_size=12)


@given(any_load)
@settings(deadline=None)
def test_every_instance_is_on_one_volume_and_no_volume_is_too_full(studies: list[list[list[int]]]) -> None:
    what = load(studies)
    packing = pack(what, CAPACITY)
    assert list(packing.used) == weights(packing, what)
    assert max(packing.used) <= CAPACITY
    assert min(packing.used) > 0
    firsts = [list(packing.volume_of).index(volume) for volume in range(len(packing.used))]
    assert firsts == sorted(firsts)


@given(any_load)
@settings(deadline=None)
def test_only_what_is_too_large_or_saves_a_volume_is_divided(studies: list[list[list[int]]]) -> None:
    what = load(studies)
    packing = pack(what, CAPACITY)
    for series, one in enumerate(series for study in studies for series in study):
        volumes = {v for v, s in zip(packing.volume_of, what.series_of, strict=True) if s == series}
        assert (len(volumes) > 1) == (series in packing.split_series)
        assert len(volumes) == 1 or sum(one) + 5 > CAPACITY
    for study, several in enumerate(studies):
        volumes = {v for v, s in zip(packing.volume_of, what.series_of, strict=True) if what.study_of[s] == study}
        assert (len(volumes) > 1) == (study in packing.split_studies)
        large = sum(sum(one) + 2 for one in several) + 3 > CAPACITY
        assert len(volumes) == 1 or large or len(packing.used) < len(kept_whole(studies))


def kept_whole(studies: list[list[list[int]]]) -> list[int]:
    """Volumes that first-fit decreasing needs when no study is divided that fits on one."""
    volumes: list[int] = []
    bundles = []
    for several in studies:
        series = [parts for one in several for parts in chunks(one)]
        whole = sum(sum(one) + 2 for one in series) + 3
        bundles += [whole] if whole <= CAPACITY else [sum(one) + 5 for one in series]
    for weight in sorted(bundles, reverse=True):
        at = next((at for at, used in enumerate(volumes) if used + weight <= CAPACITY), None)
        if at is None:
            volumes.append(weight)
        else:
            volumes[at] += weight
    return volumes


def chunks(one: list[int]) -> list[list[int]]:
    parts = [[one[0]]]
    for weight in one[1:]:
        if sum(parts[-1]) + weight + 5 > CAPACITY:
            parts.append([])
        parts[-1].append(weight)
    return parts


@pytest.mark.parametrize("seed", range(40))
def test_few_volumes_are_needed(seed: int) -> None:
    dice = random.Random(seed)
    mean = dice.choice((5, 20, 80))
    studies = [
        [[dice.randint(1, mean) for _ in range(dice.randint(1, 12))] for _ in range(dice.randint(1, 8))]
        for _ in range(dice.randint(20, 200))
    ]
    what = load(studies)
    packing = pack(what, CAPACITY)
    least = -(-sum(map(sum, (one for study in studies for one in study))) // CAPACITY)
    assert len(packing.used) <= max(1.25 * least, least + 1)


def test_planning_grows_with_the_number_of_studies_and_no_faster() -> None:
    def seconds(count: int) -> float:
        what = load([[[300, 200], [90]] for _ in range(count)])
        begin = time.process_time()
        pack(what, CAPACITY)
        return time.process_time() - begin

    seconds(100)
    assert seconds(20_000) < 100 * max(seconds(1000), 0.005)


def test_the_same_load_is_placed_alike() -> None:
    what = load([[[100, 200], [300]], [[400]], [[100] * 9], [[350], [360]]])
    assert pack(what, CAPACITY) == pack(what, CAPACITY)


def test_nothing_needs_no_volume() -> None:
    assert list(pack(load([]), CAPACITY).used) == []


def test_instances_that_fit_on_no_volume_are_found() -> None:
    assert list(too_large(load([[[995, 996, 10]], [[2000]]]), CAPACITY)) == [1, 3]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("700MB", 700_000_000),
        ("700 mb", 700_000_000),
        ("700MiB", 734_003_200),
        ("4.7GB", 4_700_000_000),
        ("650KiB", 665_600),
        ("1.5TB", 1_500_000_000_000),
        ("12345", 12345),
        (12345, 12345),
        ("12B", 12),
        ("cd", 737_280_000),
    ],
)
def test_sizes_mean_bytes(text: str | int, expected: int) -> None:
    assert bytes_of(text, {"CD": 737_280_000}) == expected


@pytest.mark.parametrize("text", ["", "MB", "-5", "0", "7 apples", "1e9", "\N{SUPERSCRIPT TWO}MB", 0, -1])
def test_what_is_no_size_is_refused(text: str | int) -> None:
    with pytest.raises(RuleError, match="volume size"):
        bytes_of(text, {"CD": 737_280_000})


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("ACME", 2, "ACME_2"),
        ("", 2, ""),
        ("SIXTEEN_LETTERS_", 3, "SIXTEEN_LETTER_3"),
        ("SIXTEEN_LETTERS_", 12, "SIXTEEN_LETTE_12"),
    ],
)
def test_file_set_ids_are_numbered_within_sixteen_characters(name: str, number: int, expected: str) -> None:
    assert numbered(name, number, 16) == expected
