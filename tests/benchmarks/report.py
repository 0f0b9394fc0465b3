"""Figures from results: medians, ratios, growth, targets; as an aligned table and as JSON."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from statistics import median

from attrs import asdict, frozen

from .bench import Result
from .jobs import MEGABYTE, OURS, Target

MEMORY_NOTE = (
    "Pss: highest sum over the process and all its descendants, sampled every 20 ms in the warm-up run; "
    "maxRSS: ru_maxrss of the largest single process, highest of all runs, never below the 25 MB or so of this runner. "
    "Targets are held against Pss."
)
FLOOR = "floor"
PROGRAMS = ("dcmmkdir", "gdcmgendir", "cp")
PACKAGES = ("dicom-fileset", "pydicom", "attrs")

Json = dict[str, object]


@frozen
class Figure:
    """One line of the table. Times are in seconds, memory in bytes; a figure without its counterpart is None."""

    job: str
    files: int
    contender: str
    runs: tuple[float, ...]
    median: float | None
    microseconds_a_file: float | None
    times_ours: float | None
    times_floor: float | None
    growth: float | None
    growth_of_files: float | None
    pss: int | None
    max_rss: int | None
    skipped: str


@frozen
class Outcome:
    """A target and the measured value; None if it was not measured."""

    target: Target
    reached: float | None

    @property
    def met(self) -> bool | None:
        """Whether the target is met."""
        return None if self.reached is None else self.reached <= self.target.limit


@frozen
class Results:
    """All results of one run of the benchmarks, by job, size and contender."""

    all: tuple[Result, ...]

    def seconds(self, job: str, files: int, contender: str) -> float | None:
        """Return the median of a contender's times."""
        return median(found.seconds) if (found := self.find(job, files, contender)) else None

    def memory(self, job: str, files: int, contender: str) -> float | None:
        """Return the peak memory of all processes of a contender, in megabytes."""
        found = self.find(job, files, contender)
        return found.pss / MEGABYTE if found and found.pss else None

    def find(self, job: str, files: int, contender: str) -> Result | None:
        """Return the result with figures, or None."""
        wanted = (job, files, contender)
        found = (each for each in self.all if (each.job, each.files, each.contender) == wanted)
        return next((each for each in found if each.seconds and not each.skipped), None)

    def smaller(self, result: Result) -> Result | None:
        """Return the same contender's result at the next smaller size."""
        same = (self.find(result.job, each.files, result.contender) for each in self.all if each.job == result.job)
        return max(
            (each for each in same if each and each.files < result.files), key=lambda each: each.files, default=None
        )

    def figure(self, result: Result) -> Figure:
        """Return the line of one result."""
        own = self.seconds(result.job, result.files, result.contender)
        smaller = self.smaller(result)
        return Figure(
            job=result.job,
            files=result.files,
            contender=result.contender,
            runs=result.seconds,
            median=own,
            microseconds_a_file=ratio(own, result.files / 1e6),
            times_ours=ratio(own, self.seconds(result.job, result.files, OURS)),
            times_floor=ratio(own, self.seconds(result.job, result.files, FLOOR)),
            growth=ratio(own, median(smaller.seconds)) if smaller else None,
            growth_of_files=ratio(result.files, smaller.files) if smaller else None,
            pss=result.pss or None,
            max_rss=result.max_rss or None,
            skipped=result.skipped,
        )

    def reached(self, target: Target) -> float | None:
        """Return the measured value for a target."""
        of = {"seconds": self.seconds, "memory": self.memory}[target.quantity]
        own = of(target.job, target.files, OURS)
        if target.peer:
            return ratio(own, of(target.job, target.files, target.peer))
        return ratio(own, of(target.job, target.since, OURS)) if target.since else own


def ratio(value: float | None, to: float | None) -> float | None:
    """Return a quotient, None if a side is missing or the divisor is 0."""
    return value / to if value is not None and to else None


def table(results: Results, targets: Iterable[Target]) -> str:
    """Format everything as text: the figures, the targets, how memory was measured."""
    header = (
        "job",
        "files",
        "program",
        "runs",
        "median s",
        "us/file",
        "/ours",
        "/floor",
        "growth",
        "Pss MB",
        "maxRSS MB",
    )
    figures = [line(results.figure(each)) for each in results.all]
    head = ("target", "files", "what", "limit", "reached", "")
    outcomes = [outcome_line(each) for each in reached(results, targets)]
    return "\n".join([*aligned([header, *figures]), "", *aligned([head, *outcomes]), "", MEMORY_NOTE])


def line(figure: Figure) -> tuple[str, ...]:
    """Return the cells of one figure."""
    start = (figure.job, f"{figure.files:,}", figure.contender)
    if figure.skipped:
        return (*start, "", "-", f"  {figure.skipped}")
    growth = (
        f"x{figure.growth:.1f} for x{figure.growth_of_files:.0f}" if figure.growth and figure.growth_of_files else ""
    )
    return (
        *start,
        str(len(figure.runs)),
        number(figure.median),
        number(figure.microseconds_a_file),
        number(figure.times_ours),
        number(figure.times_floor),
        growth,
        number(ratio(figure.pss, MEGABYTE)),
        number(ratio(figure.max_rss, MEGABYTE)),
    )


def outcome_line(outcome: Outcome) -> tuple[str, ...]:
    """Return the cells of one target: "target x, reached y"."""
    target = outcome.target
    verdict = {None: "not measured", True: "reached", False: "missed"}[outcome.met]
    limit = f"<= {number(target.limit)} {target.unit}"
    return (target.job, f"{target.files:,}", target.title, limit, number(outcome.reached), f"  {verdict}")


def number(value: float | None) -> str:
    """Format a number with three significant digits."""
    if value is None:
        return ""
    decimals = next((places for bound, places in ((100, 0), (10, 1), (1, 2)) if value >= bound), 3)
    return f"{value:,.{decimals}f}"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align rows in columns: text to the left, numbers to the right; the last cell of a short row may exceed its column."""
    columns = max(len(row) for row in rows)
    widths = [
        max((len(row[at]) for row in rows if at < len(row) - 1 or len(row) == columns), default=0)
        for at in range(columns)
    ]
    return [
        "  ".join(cell(text, width, at) for at, (text, width) in enumerate(zip(row, widths, strict=False))).rstrip()
        for row in rows
    ]


def cell(text: str, width: int, column: int) -> str:
    """Align one cell: names and remarks (which begin with a space) to the left, the rest to the right."""
    return text.ljust(width) if column in {0, 2} or text.startswith(" ") else text.rjust(width)


def reached(results: Results, targets: Iterable[Target]) -> list[Outcome]:
    """Return the outcomes of all targets of the jobs that ran."""
    jobs = {each.job for each in results.all}
    return [Outcome(target, results.reached(target)) for target in targets if target.job in jobs]


def document(results: Results, targets: Iterable[Target]) -> Json:
    """Return everything as JSON values."""
    return {
        "schema": "fileset.benchmark/1",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "memory": MEMORY_NOTE,
        "results": [asdict(results.figure(each)) for each in results.all],
        "targets": [
            {**asdict(each.target), "title": each.target.title, "reached": each.reached, "met": each.met}
            for each in reached(results, targets)
        ],
    }


def machine() -> Json:
    """Describe the machine and the versions that the figures depend on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processors": os.cpu_count(),
        "memory": pages,
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }


def versions() -> dict[str, str]:
    """Return the versions of the installed packages and peers."""
    return {name: found for name, found in [*map(package_version, PACKAGES), *map(program_version, PROGRAMS)] if found}


def package_version(name: str) -> tuple[str, str]:
    """Return the version of a Python package, "" if it is absent."""
    try:
        return name, version(name)
    except PackageNotFoundError:
        return name, ""


def program_version(name: str) -> tuple[str, str]:
    """Return the first line that a program prints with --version, "" if it is absent."""
    try:
        done = subprocess.run([name, "--version"], capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return name, ""
    return name, done.stdout.partition("\n")[0].strip("$ ")
