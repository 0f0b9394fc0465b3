"""Time `index` of a bucket, relative to a plain concurrent read of the first 16 KB of the same objects.

Run it as `python -m tests.benchmarks.remote [OBJECTS] [PAIRS]`. The S3 server is moto's, on this machine.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import fileset
from tests.support import synthetic
from tests.support.s3 import BUCKET, client, s3_server, set_environment, upload

HEADER = 16 << 10


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def read_ranges(url: str, options: dict[str, object]) -> int:
    """Read the beginning of every object, many at once; return the bytes."""
    from fsspec.core import url_to_fs

    files, root = url_to_fs(url, use_listings_cache=False, **options)
    keys = files.find(root)
    return sum(map(len, files.cat_ranges(keys, [0] * len(keys), [HEADER] * len(keys))))


def main(objects: int, pairs: int) -> None:
    """Print each pair and the median ratio."""
    url = f"s3://{BUCKET}/disc"
    with tempfile.TemporaryDirectory() as folder, s3_server() as variables:
        synthetic.ct_series(Path(folder), patients=1, studies=1, series=max(1, objects // 100), instances=100)
        set_environment(variables)
        count = upload(variables, Path(folder), "disc")
        options = json.loads(variables["FSSPEC_S3"])
        ratios = []
        for _ in range(pairs):
            client(variables).delete_object(Bucket=BUCKET, Key="disc/DICOMDIR")
            plain = seconds(lambda: read_ranges(url, options))
            whole = seconds(lambda: fileset.index(url))
            ratios.append(whole / plain)
            print(f"{count} objects: ranges {plain:.2f} s, index {whole:.2f} s, ratio {ratios[-1]:.2f}")
        print(f"median ratio {median(ratios):.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ("5000", "5")))
