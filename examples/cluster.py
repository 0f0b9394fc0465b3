"""Let a cluster read the headers of a large folder.

    python cluster.py FOLDER

Any `concurrent.futures.Executor` works if its workers see the files under the same paths. This example uses a Dask
cluster on this computer (`pip install distributed`), or processes if Dask is not installed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module

import fileset


@contextmanager
def workers() -> Iterator[Executor]:
    """Start Dask workers if Dask is installed, else processes of the standard library."""
    try:
        dask = import_module("distributed")
    except ImportError:
        with ProcessPoolExecutor() as pool:
            yield pool
        return
    with dask.LocalCluster(n_workers=2, dashboard_address=None) as cluster, dask.Client(cluster) as client:
        yield client.get_executor()


def main(argv: Sequence[str]) -> int:
    """Index the folder, and print the result."""
    if len(argv) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with workers() as executor:
            report = fileset.index(argv[0], executor=executor)
    except fileset.FilesetError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{len(report.added)} instances in {report.medium}, {len(report.skipped)} files skipped")
    return 0 if report.complete else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
