"""Time pictures and icons of 1,000 CT slices of 512 x 512.

    python -m tests.benchmarks.pictures [SLICES]

Prints seconds of wall clock, seconds of all processors, and the largest memory of a process. The targets: pages in at most
10 s on two processors, icons at most 3 ms an image on top of indexing, and less than 400 MB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from tests.support import synthetic
from tests.support.command import command, environment


def write_slices(folder: Path, count: int) -> None:
    """Write a series of CT slices with some noise, because noise slows JPEG down in practice."""
    random = np.random.default_rng(3)
    row = np.linspace(-1, 1, 512)
    round_body = np.add.outer(row**2, row**2) < 0.7
    noise = random.normal(1000, 30, (512, 512))
    for number in range(1, count + 1):
        dataset = synthetic.instance("1.2.840.10008.5.1.4.1.1.2", number=number)
        dataset.Rows = dataset.Columns = 512
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
        dataset.WindowCenter, dataset.WindowWidth = 1000, 400
        pixels = np.where(round_body, np.roll(noise, number), 0)
        dataset.PixelData = pixels.astype("<u2").tobytes()
        synthetic.write(dataset, folder / f"I{number:07d}")


def measure(title: str, *arguments: str | Path) -> float:
    """Run the command, print its figures, and return the seconds of all processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = perf_counter()
    subprocess.run(command(*arguments, "-q"), env=environment(), check=True)
    wall = perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{title:34}{wall:8.2f} s{used:10.2f} s of processors{after.ru_maxrss / 1024:8.0f} MB at most")
    return used


def main(count: int) -> None:
    """Index the slices with and without icons, and make their pages."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "slices"
        folder.mkdir()
        write_slices(folder, count)
        plain = measure("index", "index", folder)
        with_icons = measure("index --icons", "index", folder, "--icons", "--replace")
        print(f"{'an icon':34}{(with_icons - plain) / count * 1000:8.2f} ms of processors")
        measure("pages, 200 pictures", "pages", folder, "-o", Path(place) / "some")
        measure("pages, all pictures", "pages", folder, "-o", Path(place) / "all", "--web-pictures", str(count))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
