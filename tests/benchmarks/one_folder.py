"""Print how the time for one folder with many files on an image grows, and how often an image is read backward.

    python -m tests.benchmarks.one_folder [COUNT ...]

For each form of an image: CPU seconds (user and system) of `create`, `list`, `check` and `extract` for each 1,000 files, and the
growth from the smallest to the largest COUNT (default 1,000 and 10,000). Then, with strace, the reads of an image of 200 files in
100 series, and how many of them go backward: on a drive each is a seek of 0.1 s.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from tests.support import synthetic
from tests.support.command import command, environment

FORMS: Final = (("ISO", ".iso", ()), ("ISO, Joliet and UDF", ".iso", ("--joliet", "--udf")), ("ZIP", ".zip", ()))
VERBS: Final = ("create", "list", "check", "extract")
_READ: Final = re.compile(r"(?:pread64\(.*, (\d+)\)\s+= (\d+)|(lseek)\(.*, (\d+), SEEK_SET\)\s+= \d+)")


def main(arguments: Sequence[str]) -> int:
    """Measure, and print a table."""
    counts = [int(argument.replace(",", "")) for argument in arguments] or [1000, 10_000]
    print(f"load {os.getloadavg()[0]:.1f}; CPU seconds for each 1,000 files in one folder of {counts} files")
    with tempfile.TemporaryDirectory() as name:
        for title, suffix, options in FORMS:
            started = measured(Path(name), 1, suffix, options)
            for verb, first, *rest in zip(
                VERBS, started, *(measured(Path(name), count, suffix, options) for count in counts), strict=True
            ):
                times = [(one - first) / count * 1000 for one, count in zip(rest, counts, strict=True)]
                growth = times[-1] / times[0]
                print(f"{title:20} {verb:8} {'  '.join(f'{one:7.3f}' for one in times)}   growth {growth:.2f}")
        if shutil.which("strace"):
            for line in backward(Path(name)):
                print(line)
    return 0


def measured(folder: Path, count: int, suffix: str, options: Sequence[str]) -> list[float]:
    """Return the CPU seconds of each verb for an image of so many files in one folder."""
    source, image, copies = folder / f"in{count}", folder / f"image{suffix}", folder / "copies"
    if not source.exists():
        source.mkdir()
        for number in range(count):
            (source / f"I{number:07}").write_bytes(synthetic.ct(1, 1, 1 + number // 10_000, number % 10_000))
    made: tuple[str | Path, ...] = ("create", source, "-o", image, "--replace", "--naming", "keep", *options)
    others: tuple[tuple[str | Path, ...], ...] = (("list", image), ("check", image), ("extract", image, "-o", copies))
    times = [cpu(*words) for words in (made, *others)]
    shutil.rmtree(copies)
    return times


def cpu(*words: str | Path) -> float:
    """Return the CPU seconds of a command."""
    child = subprocess.Popen(command(*words), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, child.args)
    return used.ru_utime + used.ru_stime


def backward(folder: Path) -> Iterator[str]:
    """Yield a line for each verb that reads an image: its reads, and those that begin before the end of the one before."""
    synthetic.ct_series(folder / "series", patients=1, studies=1, series=100, instances=2)
    image = folder / "series.iso"
    # The order of these names differs from the order of the files on the image.
    subprocess.run(
        command("create", folder / "series", "-o", image, "-q", "--naming", "uid"), env=environment(), check=True
    )
    verbs: tuple[tuple[str | Path, ...], ...] = (
        ("check",),
        ("extract", "-o", folder / "back"),
        ("create", "-o", folder / "made"),
    )
    for verb, *more in verbs:
        log = folder / "strace.log"
        traced = ("strace", "-f", "-o", str(log), "-P", str(image), "-e", "trace=pread64,lseek")
        words = [*traced, *command(str(verb), image, *more)]
        subprocess.run(words, env=environment(), check=True, capture_output=True)
        places = [int(found[1] or found[4]) for line in log.read_text().splitlines() if (found := _READ.search(line))]
        back = sum(later < earlier for earlier, later in pairwise(places))
        yield f"{verb} of an image: {len(places)} reads, {back} of them go backward"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
