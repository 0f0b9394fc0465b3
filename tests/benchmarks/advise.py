"""Compare the advisor, which judges all 82 profiles, with `check --profile` of one, in pairs of runs.

    python -m tests.benchmarks.advise [FILES] [PAIRS]

Prints the seconds of processor time of each, including worker processes, and the median of the ratios; the target is 1.5.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from typing import Final

from tests.benchmarks.corpus import Shape, write

PROFILE: Final = "STD-GEN-CD"


def main(argv: Sequence[str]) -> int:
    """Measure, print, and return 0."""
    files, pairs = (int(word) for word in (*argv, *("20000", "5")[len(argv) :]))
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), Shape(files))
        run("index", folder, "--profile", PROFILE)
        ratios = []
        for _ in range(pairs):
            advisor, check = run("check", folder, "--profiles"), run("check", folder, "--profile", PROFILE)
            ratios.append(advisor / check)
            print(f"advisor {advisor:.2f} s, check --profile {check:.2f} s, ratio {ratios[-1]:.2f}")
    print(f"{files:,} files: median of {pairs} pairs {median(ratios):.2f}")
    return 0


def run(*words: str) -> float:
    """Return the processor time of a command, which must find no error."""
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "fileset", *words, "-q"], check=True, stdout=subprocess.DEVNULL)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
