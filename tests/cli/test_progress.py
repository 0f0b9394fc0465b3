"""Progress says what the program does, and never stands at 100 %."""

from __future__ import annotations

import pytest

from fileset.cli import progress
from fileset.cli.progress import Display


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Display:
    monkeypatch.setattr(progress, "INTERVAL", -1.0)  # every call draws
    return Display()


def _shown(display: Display) -> list[tuple[str, float | None]]:
    """Return the visible bars: description, and the part that is done, None if the length is unknown."""
    bars = display._bars  # noqa: SLF001  # the terminal would show the same in many characters
    assert bars is not None
    return [
        (task.description, None if task.total is None else task.completed / task.total)
        for task in bars.tasks
        if task.visible
    ]


def test_files_that_are_looked_for_are_counted_without_a_bar_of_known_length(display: Display) -> None:
    display("walk", 256, 0)
    assert _shown(display) == [("Looking for files", None)]
    display.close()


def test_the_bar_of_the_phase_under_way_alone_is_shown(display: Display) -> None:
    display("walk", 256, 0)
    display("scan", 128, 256)
    assert _shown(display) == [("Reading headers", 0.5)]
    display.close()


@pytest.mark.parametrize(("phase", "title"), [("scan", "Sorting records"), ("write", "Flushing and verifying")])
def test_the_bar_does_not_stay_at_its_end(display: Display, phase: str, title: str) -> None:
    display(phase, 2, 2)
    assert _shown(display) == [(title, None)]
    display.close()
