"""The command line: choose jobs, sizes and repetitions; print the table, write the JSON, and remove all other files."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .bench import OURS_DEFAULT, Bench, Options
from .jobs import JOBS, TARGETS, Level
from .report import Results, document, table


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks; return 0 whatever the times are, 2 for wrong usage, 130 if interrupted."""
    arguments = parser().parse_args(argv)
    jobs = [job for job in JOBS if job.name in (arguments.jobs or [job.name])]
    results = Results(())
    try:
        with workspace(arguments.work_dir, keep=arguments.keep) as root:
            for found in Bench(root, options(arguments), log).results(jobs):
                results = Results((*results.all, *found))
                # After every step, so that an interrupted run of hours keeps its results.
                save(arguments.json, results)
    except KeyboardInterrupt:
        log("interrupted")
        return 130
    finally:
        print(table(results, TARGETS))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    made = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description="Benchmarks against peers. Never fails on time."
    )
    level = made.add_mutually_exclusive_group()
    level.add_argument("--quick", dest="level", action="store_const", const="quick", help="small sizes")
    level.add_argument(
        "--full", dest="level", action="store_const", const="full", help="up to 1,000,000 files (10 GB of disk)"
    )
    made.add_argument(
        "--jobs", nargs="+", metavar="NAME", choices=[job.name for job in JOBS], help="only these: %(choices)s"
    )
    made.add_argument(
        "--sizes", nargs="+", type=int, default=[], metavar="FILES", help="these numbers of files instead"
    )
    made.add_argument("--runs", type=int, default=5, metavar="N", help="timed runs of each program (%(default)s)")
    made.add_argument(
        "--patience",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="a program that takes longer is timed once (%(default)s)",
    )
    made.add_argument(
        "--ours", type=shlex.split, default=list(OURS_DEFAULT), metavar="COMMAND", help="our program (this checkout's)"
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    made.add_argument(
        "--work-dir", type=Path, metavar="FOLDER", help="where the temporary folder is made (the system's)"
    )
    made.add_argument("--keep", action="store_true", help="keep the temporary folder")
    return made


def options(arguments: argparse.Namespace) -> Options:
    """Parse the options."""
    level: Level = arguments.level or "default"
    return Options(level, tuple(arguments.sizes), arguments.runs, tuple(arguments.ours), arguments.patience)


@contextmanager
def workspace(parent: Path | None, *, keep: bool) -> Iterator[Path]:
    """Make a temporary folder, and remove it at the end in any case."""
    root = Path(tempfile.mkdtemp(prefix="fileset-benchmark-", dir=parent))
    try:
        yield root
    finally:
        if keep:
            log(f"kept {root}")
        else:
            shutil.rmtree(root)


def save(path: Path | None, results: Results) -> None:
    """Write the JSON document, if the user wants it."""
    if path:
        path.write_text(json.dumps(document(results, TARGETS), indent=1) + "\n")


def log(message: str) -> None:
    """Write a line of progress to stderr."""
    print(message, file=sys.stderr, flush=True)
