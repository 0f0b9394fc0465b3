"""Run the jobs: for each job and size one sampled warm-up of every contender, then timed runs of all, in turn."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from attrs import evolve, frozen

from . import big_directory, corpus, measure
from .jobs import INDEXERS, Contender, Job, Level, Site

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
OURS_DEFAULT = (sys.executable, "-m", "fileset")
SPACE_FACTOR = 2.5
"""Disk space that a corpus needs, as a multiple of its size: the files, one copy of them, the directories."""

Log = Callable[[str], None]


@frozen
class Options:
    """The options of the user; ``sizes`` replaces the sizes of the level."""

    level: Level = "default"
    sizes: tuple[int, ...] = ()
    runs: int = 5
    ours: tuple[str, ...] = OURS_DEFAULT
    patience: float = 30.0


@frozen
class Result:
    """The result of one contender at one job and size; with a ``skipped`` reason there are no figures."""

    job: str
    files: int
    contender: str
    seconds: tuple[float, ...] = ()
    pss: int = 0
    max_rss: int = 0
    skipped: str = ""


class FailedError(Exception):
    """A contender did not do the job; the message has the evidence."""


@frozen
class Bench:
    """A work folder, the options, and the function that logs progress."""

    root: Path
    options: Options
    log: Log

    def results(self, jobs: Sequence[Job]) -> Iterator[list[Result]]:
        """Yield the results of each job and size."""
        for job in jobs:
            for files in self.sizes(job):
                yield self.contest(job, files)

    def sizes(self, job: Job) -> tuple[int, ...]:
        """Return the numbers of files for a job; 0 for a job without files."""
        own = job.sizes[self.options.level]
        return self.options.sizes if self.options.sizes and any(own) else own

    def contest(self, job: Job, files: int) -> list[Result]:
        """Run all contenders at one job and size."""
        try:
            site = self.site(job, files)
        except FailedError as error:
            return [Result(job.name, files, each.name, skipped=str(error)) for each in job.contenders]
        results = {each.name: self.warm_up(job, each, site) for each in job.contenders}
        for number in range(self.options.runs):
            for each in rotated(job.contenders, number):
                if self.goes_on(results[each.name]):
                    results[each.name] = self.timed(job, each, site, results[each.name])
        return list(results.values())

    def goes_on(self, result: Result) -> bool:
        """Return whether a contender is timed once more."""
        return not result.skipped and all(seconds < self.options.patience for seconds in result.seconds)

    def site(self, job: Job, files: int) -> Site:
        """Make the corpus of a job and return its site. Raises FailedError if the disk is too small."""
        if job.records_only:
            return self.records_site(job, files)
        shape = corpus.Shape(files, job.per_series or max(files, 1), job.matrix)
        folder = self.root / f"corpus-{shape.files}-{shape.per_series}-{shape.matrix}"
        site = Site(folder, self.root / "out", files, self.root / "stdout")
        if not folder.exists():
            self.make(folder, shape)
        if job.needs_directory:
            self.make_directory(job, site)
        return site

    def records_site(self, job: Job, files: int) -> Site:
        """Return the site of a job that has only records."""
        folder = self.root / f"records-{files}"
        folder.mkdir(exist_ok=True)
        if job.needs_directory and not (folder / "DICOMDIR").exists():
            self.log(f"writing {files:,} records")
            big_directory.main([str(files), str(folder)])
        return Site(folder, self.root / "out", files, self.root / "stdout")

    def make(self, folder: Path, shape: corpus.Shape) -> None:
        """Write a corpus if there is room for it."""
        needed = int(shape.disk_bytes * SPACE_FACTOR)
        if shutil.disk_usage(self.root).free < needed:
            raise FailedError(f"needs {needed / 1e9:.1f} GB of disk")
        self.log(f"writing {shape.files:,} files, {shape.per_series:,} a series")
        folder.mkdir()
        corpus.write(folder, shape)

    def make_directory(self, job: Job, site: Site) -> None:
        """Let the first indexer that can write the DICOMDIR that the job reads."""
        for indexer in INDEXERS:
            site.directory.unlink(missing_ok=True)
            result = self.warm_up(evolve(job, needs_directory=False), indexer, site)
            if not result.skipped:
                return
        raise FailedError("no program wrote the DICOMDIR to read")

    def warm_up(self, job: Job, contender: Contender, site: Site) -> Result:
        """Run a contender once, if it can run: to fill the cache, measure memory, and prove that it does the job."""
        reason = self.hindrance(contender, site.files)
        blank = Result(job.name, site.files, contender.name, skipped=reason)
        result = blank if reason else self.sampled(job, contender, site, blank)
        self.log(f"{job.name} {site.files:,}: {contender.name} {result.skipped or 'warmed up'}")
        return result

    def sampled(self, job: Job, contender: Contender, site: Site, blank: Result) -> Result:
        """Run a contender with samples of its memory, untimed."""
        try:
            run, _ = self.run(job, contender, site, sampled=True)
            undone = contender.proof(site)
        except FailedError as error:
            return evolve(blank, skipped=f"failed: {error}")
        return evolve(blank, pss=run.pss, max_rss=run.max_rss, skipped=f"failed: {undone}" if undone else "")

    def hindrance(self, contender: Contender, files: int) -> str:
        """Return the reason why a contender cannot take part, or ""."""
        program = self.words(contender.words[:1], {})[0]
        if not shutil.which(program):
            return f"{program} is not installed"
        if contender.needs and not find_spec(contender.needs):
            return f"{contender.needs} is not installed"
        return f"{contender.why} (limit {contender.limit:,} files)" if files > contender.limit else ""

    def timed(self, job: Job, contender: Contender, site: Site, so_far: Result) -> Result:
        """Time one more run; a contender that fails now is skipped from then on."""
        try:
            run, printed = self.run(job, contender, site)
            seconds = float(printed) if contender.prints_seconds else run.seconds
        except (FailedError, ValueError) as error:
            return evolve(so_far, skipped=f"failed: {error}")
        self.log(f"{job.name} {site.files:,}: {contender.name} {seconds:.3f} s")
        return evolve(so_far, seconds=(*so_far.seconds, seconds), max_rss=max(so_far.max_rss, run.max_rss))

    def run(self, job: Job, contender: Contender, site: Site, *, sampled: bool = False) -> tuple[measure.Run, bytes]:
        """Clean up and run; return the figures and the beginning of stdout. Raises FailedError on an exit code."""
        self.clean(job, site)
        stderr = self.root / "stderr"
        words = self.words(contender.words, self.places(site))
        # The output of timed runs is discarded: a peer that prints more than we do must not pay for the disk.
        keeps = sampled or contender.prints_seconds
        with (site.stdout if keeps else Path(os.devnull)).open("wb") as out, stderr.open("wb") as err:
            run = measure.run(words, env=self.environment(), stdout=out, stderr=err, sampled=sampled)
        if run.exit_code:
            last = stderr.read_text(errors="replace").strip().rpartition("\n")[2]
            raise FailedError(f"exit code {run.exit_code}. {last[:100]}")
        return run, site.stdout.read_bytes()[:100] if contender.prints_seconds else b""

    def clean(self, job: Job, site: Site) -> None:
        """Put the output of the last run aside, and wait until the disk is idle.

        The files are emptied, not removed, until all jobs are done: on ext4, making files takes longer for each file that was
        removed in the minute before, because the kernel skips those inodes one by one. With 2,000 files this was up to half
        of the time, and a different part of it for each contender.
        """
        if not job.needs_directory:
            site.directory.unlink(missing_ok=True)
        if site.out.exists():
            aside = self.root / "aside"
            aside.mkdir(exist_ok=True)
            moved = site.out.rename(aside / str(len(list(aside.iterdir()))))
            for path in (moved, *moved.rglob("*")):
                if path.is_file():
                    os.truncate(path, 0)
        subprocess.run(["sync", "-f", str(self.root)], check=False)

    def words(self, words: Sequence[str], places: Mapping[str, str]) -> list[str]:
        """Fill in the words of a command."""
        filled: list[str] = []
        for word in words:
            filled += self.options.ours if word == "{ours}" else [word.format_map({"python": sys.executable, **places})]
        return filled

    def places(self, site: Site) -> dict[str, str]:
        """Return the values that the words of a command may name."""
        return {
            "corpus": str(site.corpus),
            "out": str(site.out),
            "here": str(HERE),
            "files": str(site.files),
            "patient": corpus.patient_id(corpus.middle_patient(site.files)),
        }

    def environment(self) -> dict[str, str]:
        """Return the environment of all contenders: this checkout is importable, temporary files stay in the work folder.

        The warm-up may leave compiled modules beside ours, as an installation would.
        """
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        paths = os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH", ""))))
        return {**inherited, "PYTHONPATH": paths, "TMPDIR": str(self.root)}


def rotated(contenders: Sequence[Contender], number: int) -> list[Contender]:
    """Order the contenders differently in every round, so that none always runs after the same other one."""
    start = number % max(len(contenders), 1)
    return [*contenders[start:], *contenders[:start]]
