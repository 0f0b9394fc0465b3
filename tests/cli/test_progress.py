"""Progress shows the current work, and never waits at 100 %."""

from __future__ import annotations

from pathlib import Path

import pytest

import fileset
from fileset.cli import progress
from fileset.cli.progress import Display


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Display:
    monkeypatch.setattr(progress, "INTERVAL", -1.0)  # every call draws
    return Display()


def _shown(display: Display) -> list[tuple[str, float | None]]:
    """Return the visible bars: description, and the finished part, None if the length is unknown."""
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


def test_only_the_bar_of_the_current_phase_is_shown(display: Display) -> None:
    display("walk", 256, 0)
    display("scan", 128, 256)
    assert _shown(display) == [("Reading headers", 0.5)]
    display.close()


@pytest.mark.parametrize(
    ("phase", "title"),
    [("scan", "Sorting records"), ("write", "Flushing"), ("verify", "Finishing"), ("extract", "Finishing")],
)
def test_the_bar_does_not_stay_at_its_end(display: Display, phase: str, title: str) -> None:
    display(phase, 2, 2)
    assert _shown(display) == [(title, None)]
    display.close()


def test_files_are_copied_with_the_bytes_a_second(display: Display) -> None:
    display("bytes", 0, 20_000_000)
    display("bytes", 5_000_000, 20_000_000)
    display("write", 1, 4)
    bars = display._bars  # noqa: SLF001  # as above
    assert bars is not None
    assert bars.tasks[0].fields["rate"].endswith(" MB/s")
    display.close()


@pytest.mark.parametrize("name", ["OUT", "OUT.iso", "OUT.zip"])
def test_writing_flushing_and_verifying_are_separate_phases(indexed: Path, tmp_path: Path, name: str) -> None:
    seen: list[tuple[str, int, int]] = []
    with fileset.Creator(tmp_path / name, progress=lambda *step: seen.append(step)) as creator:
        creator.add(indexed)
    report = creator.report
    files, size = len(report.added), sum(written.size for written in report.written[:-1])
    phases = list(dict.fromkeys(phase for phase, _, _ in seen))
    assert phases == ["scan", "bytes", "write", "flush", *(["verify"] if name != "OUT" else [])]
    assert seen[1] == ("bytes", 0, size)
    assert ("bytes", size, size) in seen
    assert ("write", files, files) in seen
    assert name == "OUT" or seen[-1] == ("verify", files + 1, files + 1)


def test_volumes_are_written_as_one_phase(indexed: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    with fileset.Creator(
        tmp_path / "OUT.iso", volume_size=400_000, progress=lambda *step: seen.append(step)
    ) as creator:
        creator.add(indexed)
    files = len(creator.report.added)
    assert len(creator.report.volumes) > 1
    done = [done for phase, done, total in seen if phase == "write" and total == files]
    assert done == list(range(1, files + 1))
    sizes = [done for phase, done, _ in seen if phase == "bytes"]
    assert sizes == sorted(sizes)
    [total] = {total for phase, _, total in seen if phase == "bytes"}
    assert sizes[-1] <= total
