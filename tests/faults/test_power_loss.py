"""Power fails at any moment of any change: on opening, there is the old or the new file-set, complete."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final

import pytest

from fileset import FilesetError
from fileset.media.folder.transaction import FolderTransaction
from tests.faults.disk import (
    Event,
    Model,
    Recorder,
    Start,
    State,
    SyncedBytes,
    SyncedNames,
    fat,
    journaling,
)
from tests.faults.scenarios import IN, SCENARIOS, Expected, begin, expect, finish, lay_out, state_of
from tests.support.long import LONG
from tests.support.tries import Tries

pytestmark = pytest.mark.slow

MODELS: Final[tuple[Model, ...]] = (journaling, fat)
STATES: Final = (200_000 if LONG else 20_000) // len(SCENARIOS) // len(MODELS)
"""For each scenario and file system."""
SECOND_RUNS: Final = 20
"""In one of so many states, the change is made again."""


def record(
    expected: Expected, model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Start, list[Event]]:
    """Return the effects of a scenario on the disk."""
    monkeypatch.setattr(FolderTransaction, "batch_files", 2)
    begin(expected, folder)
    recorder = Recorder(folder / "DISC", links=model is not fat)
    with recorder.recording():
        expected.scenario.change(folder)
    shutil.rmtree(folder)
    return recorder.start, recorder.events


def states(start: Start, events: Sequence[Event], model: Model, seed: str) -> Iterator[State]:
    """As many states as shall be tried, so many after each event."""
    random = Random(seed)
    for number in range(STATES):
        yield model(start, events[: number % (len(events) + 1)], random)


def put(state: State, folder: Path) -> None:
    """Let the disk be in this state."""
    shutil.rmtree(folder / "DISC", ignore_errors=True)
    (folder / "DISC").mkdir(parents=True)
    lay_out(state, folder / "DISC")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_loss_of_power_leaves_the_old_or_the_new_file_set(
    model: Model, expected: Expected, fast_folder: Path, tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, events = record(expected, model, fast_folder, monkeypatch)
    seen: set[frozenset[tuple[str, bytes]]] = set()
    lay_out(expected.sources, fast_folder / IN)
    for state in states(start, events, model, f"{expected.scenario} {model.__name__}"):
        key = frozenset(state.items())
        if key not in seen:
            seen.add(key)
            put(state, fast_folder)
            there = state_of(fast_folder, expected)
            finish(fast_folder, expected, there, again=len(seen) % SECOND_RUNS == 0)
    assert len(seen) > len(events) // 2
    tries(f"states after loss of power, {model.__name__} file system", STATES)
    tries("different ones among them", len(seen))


def is_bad(state: State, expected: Expected, folder: Path) -> bool:
    put(state, folder)
    try:
        state_of(folder, expected)
    except (AssertionError, FilesetError):
        return True
    return False


# --- the model is not blind ------------------------------------------------------------------------------------------

REPLACE: Final = next(scenario for scenario in SCENARIOS if scenario.name == "create --replace")


@pytest.fixture(scope="module")
def replace(tmp_path_factory: pytest.TempPathFactory) -> Expected:
    """A scenario that writes files, replaces the DICOMDIR, and removes files."""
    return expect(REPLACE, tmp_path_factory.mktemp("replace"))


def bad(some: Sequence[State], expected: Expected, folder: Path) -> int:
    """How many of some states are neither the old nor the new file-set."""
    return sum(not is_good(state, expected, folder) for state in some)


def is_good(state: State, expected: Expected, folder: Path) -> bool:
    put(state, folder)
    try:
        state_of(folder, expected)
    except (AssertionError, FilesetError):
        return False
    return True


@pytest.mark.parametrize("forgotten", [SyncedBytes, SyncedNames], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_without_a_sync_there_are_bad_states(
    forgotten: type[Event], model: Model, replace: Expected, fast_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, events = record(replace, model, fast_folder, monkeypatch)
    events = [event for event in events if not isinstance(event, forgotten)]
    assert bad(list(states(start, events, model, "without"))[:1000], replace, fast_folder)


def test_without_the_old_dicomdir_beside_the_new_one_fat_has_bad_states(
    replace: Expected, fast_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, events = record(replace, fat, fast_folder, monkeypatch)
    monkeypatch.setattr("fileset.media.folder.medium.standing_in", lambda *_: "")
    assert bad(list(states(start, events, fat, "alone"))[:1000], replace, fast_folder)
