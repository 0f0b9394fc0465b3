"""Random flips and every truncation of DICOMDIRs and of instances: quick, small, and never another exception."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import pytest

from fileset.dicomdir.read.directory import Contents
from tests.hostile import endurance
from tests.hostile.endurance import DIRECTORIES, FLIPS, INSTANCES, KINDS, Toll, flipped
from tests.support.command import ROOT
from tests.support.tries import Tries

pytestmark = pytest.mark.slow

CASES: Final = [(kind, name) for kind, (files, _) in KINDS.items() for name in files]
Run = subprocess.CompletedProcess[str]


def _run(kind: str, name: str) -> Run:
    command = [sys.executable, "-m", "tests.hostile.endurance", kind, name]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[tuple[str, str], Future[Run]]]:
    """A process for each file, as many at a time as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {case: pool.submit(_run, *case) for case in CASES}


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_damage_costs_under_a_second_and_300_megabytes(
    kind: str, name: str, runs: dict[tuple[str, str], Future[Run]], tries: Tries
) -> None:
    done = runs[kind, name].result()
    assert done.returncode == 0, done.stderr[-4000:]
    toll = Toll(**json.loads(done.stdout.splitlines()[-1]))
    assert toll.cases == FLIPS + len((DIRECTORIES | INSTANCES)[name]())
    assert toll.read > FLIPS / 2
    assert toll.slowest < 1
    assert toll.memory < 300 * 1000 * 1000
    tries(f"{kind}: random flips", FLIPS)
    tries(f"{kind}: truncations", toll.cases - FLIPS)


def _uids(data: bytes) -> Counter[str]:
    contents = Contents(data)
    return Counter(contents.reference(index, 0x00041511) for index in contents.find(None, ()))


@pytest.mark.parametrize("name", DIRECTORIES)
def test_one_wrong_byte_costs_one_instance_at_most(name: str) -> None:
    data = DIRECTORIES[name]()
    whole = _uids(data)
    for damaged in flipped(data, FLIPS // 4, at_most=1):
        lost = whole - _uids(damaged)
        assert lost.total() <= 1, [at for at in range(len(data)) if data[at] != damaged[at]]


@pytest.mark.parametrize("name", DIRECTORIES)
def test_an_item_that_became_a_delimiter_costs_one_instance_at_most(name: str) -> None:
    data = DIRECTORIES[name]()
    whole, flat = _uids(data), Contents(data).flat
    item, delimiter = (
        (b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0") if flat.syntax.little else (b"\xff\xfe\xe0\x00", b"\xff\xfe\xe0\xdd")
    )
    leaves = [start for index, start in enumerate(flat.start) if flat.record_type(index) == "IMAGE"]
    for start in leaves:
        assert data[start : start + 4] == item
        assert (whole - _uids(data[:start] + delimiter + data[start + 4 :])).total() == 1


@pytest.mark.parametrize("name", DIRECTORIES)
def test_records_before_a_cut_are_read(name: str) -> None:
    """All instances whose records exist, for a cut after each record and one in its middle."""
    data = DIRECTORIES[name]()
    flat = Contents(data).flat
    whole = list(_uids(data))
    leaves = [index for index in range(len(flat)) if flat.record_type(index) == "IMAGE"]
    for number, index in enumerate(leaves):
        assert list(_uids(data[: flat.end[index]])) == whole[: number + 1]
        assert list(_uids(data[: flat.start[index] + 60]))[:number] == whole[:number]


def test_flips_are_the_same_in_every_run() -> None:
    data = endurance.DIRECTORIES["DICOMDIR"]()
    assert list(flipped(data, 5)) == list(flipped(data, 5))
