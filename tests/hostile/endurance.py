"""Many damaged inputs: the cost of each, and whether it raises anything but a `FilesetError`.

It runs as a separate process, so that its memory can be measured: `python -m tests.hostile.endurance KIND NAME` does
all cases of one file and prints a `Toll` as JSON. `FILESET_LONG=1` makes the random cases twenty times as many.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import pydicom.data
from attrs import asdict, frozen

from fileset import FilesetError, Reader
from fileset.dicom.header import HeaderError, read_header
from fileset.plan.scan import Scanner
from fileset.records.describe import Policy
from fileset.records.key_choice import MINIMAL, key_set
from tests.support import directories, synthetic
from tests.support.long import LONG

SHIPPED: Final = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
EVERYTHING: Final = key_set(MINIMAL).everything
FLIPS: Final = 40_000 if LONG else 2_000
Bytes = dict[str, Callable[[], bytes]]


@frozen
class Toll:
    """Of all cases: how many they were, the seconds of processor time of the slowest, bytes of memory at the most, and
    how many were read and refused.
    """

    cases: int
    slowest: float
    memory: int
    read: int
    refused: int


def _undefined() -> bytes:
    roots = directories.usual()
    for number, record in enumerate(record for root in roots for record in root.walk()):
        record.undefined = number % 5 > 0
        if record.type == "IMAGE":
            record.keys[0x00880200] = "SQ", directories.CODINGS[directories.EXPLICIT].item(b"", undefined=True)
    return directories.directory(roots, undefined=True)


DIRECTORIES: Final[Bytes] = {
    "DICOMDIR": (SHIPPED / "DICOMDIR").read_bytes,
    "TINY_ALPHA": (SHIPPED / "TINY_ALPHA" / "DICOMDIR").read_bytes,
    "undefined": _undefined,
}


def _instance(sop_class: str, transfer_syntax: str) -> Callable[[], bytes]:
    return lambda: synthetic.encode(synthetic.instance(sop_class, transfer_syntax=transfer_syntax))


INSTANCES: Final[Bytes] = {
    "explicit": _instance(synthetic.CT_IMAGE, directories.EXPLICIT),
    "implicit": _instance(synthetic.CT_IMAGE, directories.IMPLICIT),
    "big": _instance(synthetic.CT_IMAGE, directories.BIG),
    "deflated": _instance(synthetic.CT_IMAGE, "1.2.840.10008.1.2.1.99"),
    "report": _instance(synthetic.COMPREHENSIVE_SR, directories.EXPLICIT),
}


def flipped(data: bytes, count: int = FLIPS, at_most: int = 4) -> Iterator[bytes]:
    """`data` with 1 to `at_most` bytes changed at random, the same ones in every run."""
    chance = random.Random(20261121)
    for _ in range(count):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, at_most)):
            damaged[chance.randrange(len(data))] ^= chance.randrange(1, 256)
        yield bytes(damaged)


def truncated(data: bytes) -> Iterator[bytes]:
    """Every beginning of `data`."""
    return (data[:size] for size in range(len(data)))


# --- the work of a user ---------------------------------------------------------------------------------------------


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="endurance"))


def use_directory(data: bytes) -> bool:
    """Open a DICOMDIR, look at everything in it, list it; whether it could be opened."""
    (_folder() / "DICOMDIR").write_bytes(data)
    try:
        reader = Reader(_folder())
    except FilesetError:
        return False
    with reader:
        for record in reader.records:
            record.keys()
        for record in reader.instances:
            _ = record.sop_instance_uid, record.patient, record.series, str(record.file_id)
        list(reader.paths())
        list(reader.find(PatientName="*", Modality="CT"))
        assert all(str(finding) for finding in reader.findings)
    return True


def use_instance(data: bytes) -> bool:
    """Describe an instance, and read all of its header; whether it could be read."""

    def read(at: int, size: int) -> bytes:
        return data[at : at + size]

    _scanner().outcome(read, len(data))
    try:
        read_header(read, EVERYTHING)
    except HeaderError:
        return False
    return True


@cache
def _scanner() -> Scanner:
    return Scanner(Policy())


KINDS: Final[Mapping[str, tuple[Bytes, Callable[[bytes], bool]]]] = {
    "directory": (DIRECTORIES, use_directory),
    "instance": (INSTANCES, use_instance),
}


def endure(kind: str, name: str) -> Toll:
    """All cases of one file."""
    files, use = KINDS[kind]
    data, slowest, read, cases = files[name](), 0.0, 0, 0
    for damage in (flipped, truncated):
        for damaged in damage(data):
            began = time.process_time()
            read += use(damaged)
            slowest = max(slowest, time.process_time() - began)
            cases += 1
    return Toll(cases, slowest, peak_memory(), read, cases - read)


def peak_memory() -> int:
    """Return the peak memory of this program in bytes.

    The figure of the system for the program itself counts, if there is one: ``ru_maxrss`` is never below that of the process which
    started this one.
    """
    with suppress(OSError), open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    print(json.dumps(asdict(endure(*sys.argv[1:]))))  # noqa: T201  # for the test that runs this
