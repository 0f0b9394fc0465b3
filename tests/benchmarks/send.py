"""Time `fileset send` against dcmtk's `storescu`, to `storescp` and to Orthanc, in one run.

    python -m tests.benchmarks.send [FILES [KILOBYTES]]

Prints milliseconds a file and the ratios. Both send the same files; nothing leaves this machine.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

import fileset
from fileset.transfer import send
from tests.support import synthetic
from tests.support.servers import Orthanc, Server, need, orthanc, own_network, running, storescp


def write_files(folder: Path, count: int, size: int) -> None:
    """Write `count` CT images with so many bytes of pixels."""
    for number in range(1, count + 1):
        dataset = synthetic.instance("1.2.840.10008.5.1.4.1.1.2", number=number)
        dataset.Rows, dataset.Columns = size // 1024, 512
        dataset.PixelData = bytes(dataset.Rows * 1024)
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
        synthetic.write(dataset, folder / f"I{number:07d}")


def seconds(work: Callable[[], object]) -> float:
    """Measure the elapsed seconds of `work`."""
    started = perf_counter()
    work()
    return perf_counter() - started


def by_storescu(server: Server, folder: Path) -> None:
    """Send all files with dcmtk's own client."""
    command = [need("storescu"), "-aec", server.title, "+sd", "+sp", "I*", "127.0.0.1", str(server.port), str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def by_fileset(server: Server, folder: Path, jobs: int) -> None:
    """Send all files with `fileset`, on so many associations."""
    with fileset.Reader(folder) as reader:
        report = send(reader.find(), to=server.address, jobs=jobs)
    if not report.complete:
        raise RuntimeError(f"not everything arrived: {report.lost[:3]}")


def compare(name: str, make: Callable[[Path], Server], folder: Path, place: Path, count: int) -> None:
    """Print the seconds of both to send the files to an empty server."""
    found: dict[str, float] = {}
    for label, work in (
        ("storescu", lambda server: by_storescu(server, folder)),
        ("fileset, 1 association", lambda server: by_fileset(server, folder, 1)),
        ("fileset, 2 associations", lambda server: by_fileset(server, folder, 2)),
    ):
        server = make(place / f"{name}{len(found)}")
        with running(server):
            found[label] = seconds(lambda work=work, server=server: work(server))  # type: ignore[misc]
            if isinstance(server, Orthanc) and len(server.instances()) != count:
                raise RuntimeError("not everything arrived")
    for label, taken in found.items():
        print(f"{name}: {label}: {1000 * taken / count:.1f} ms a file, {found['storescu'] / taken:.1f} times as fast")


def main(argv: Sequence[str]) -> int:
    """Compare, print, and return 0."""
    count, size = (*map(int, argv), *(1000, 520)[len(argv) :])
    with tempfile.TemporaryDirectory() as name, own_network():
        folder = Path(name) / "files"
        folder.mkdir()
        write_files(folder, count, size << 10)
        fileset.index(folder)
        compare("storescp", storescp, folder, Path(name), count)
        compare("Orthanc", orthanc, folder, Path(name), count)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
