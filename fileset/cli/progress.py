"""Show the progress on standard error if that is a terminal."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Phases = Callable[[str, int, int], None]
"""Called with the name of a phase, the number of files done, and the number of files in all."""

_COPYING: Final = ("write", "extract")
"""The phases that show a rate in MB/s; the calls for the phase "bytes" give the size."""
INTERVAL: Final = 0.1
"""Seconds between two updates of the display."""
_TITLES: Final = {
    "transcode": "Transcoding",
    "walk": "Looking for files",
    "sort": "Sorting records",
    "flush": "Flushing",
    "verify": "Verifying",
    "finish": "Finishing",
    "scan": "Reading headers",
    "write": "Copying",
    "extract": "Copying",
    "check": "Checking",
    "icons": "Making icons",
    "pictures": "Making pictures",
    "send": "Sending",
}

_AFTERWARDS: Final = {"scan": "sort", "write": "flush"}
"""The uncounted phase that follows when all files of a phase are done; "finish" if none is listed."""


def progress(options: Namespace) -> AbstractContextManager[Display | None]:
    """Return a context with a function to call with the progress; with None without a terminal, or with --no-progress."""
    if options.quiet or options.no_progress or not sys.stderr.isatty():
        return nullcontext()
    return closing(Display())


class Display:
    """A progress bar for each phase. The bars vanish when the work is done.

    The first call shows them. When a bar reaches 100 %, the name of the next phase replaces it. No thread draws the bars,
    so that the program can still fork processes.
    """

    def __init__(self) -> None:
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._started = monotonic()
        self._next = self._started + INTERVAL
        self._size = 0  # bytes done, for the rate

    def __call__(self, phase: str, done: int, total: int, size: int = 0) -> None:
        """Draw, unless the last update was less than `INTERVAL` ago. `total` is 0 if unknown.

        `size`: bytes done, for phases that show a rate. The phase "bytes" draws nothing; it sets the size for them.
        """
        now = monotonic()
        if phase == "bytes":
            self._started, self._size = self._started if done else now, done
            return
        if now < self._next and done != total:
            return
        self._next = now + INTERVAL
        size = self._size if phase in _COPYING else size
        rate = f"{size / 1e6 / max(now - self._started, INTERVAL):.1f} MB/s" if size else ""
        if total and done == total:
            phase, total = _AFTERWARDS.get(phase, "finish"), 0
        self._draw(phase, done, total or None, rate)

    def _draw(self, phase: str, done: int, total: int | None, rate: str) -> None:
        bars = self._bars = self._bars or _bars()
        if phase not in self._tasks:
            self._tasks[phase] = bars.add_task(_TITLES.get(phase, phase), total=total, rate="")
        for name, task in self._tasks.items():
            bars.update(task, visible=name == phase)
        bars.update(self._tasks[phase], completed=done, total=total, rate=rate)
        bars.refresh()

    def close(self) -> None:
        """Remove the bars from the terminal."""
        if self._bars is not None:
            self._bars.stop()


def _bars() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:15}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    bars = Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True)
    bars.start()
    return bars
