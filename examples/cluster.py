"""When one machine is not enough: the headers of a large folder read by a cluster.

    python cluster.py FOLDER

Any `concurrent.futures.Executor` will do, whose workers see the files under the same paths. This one is a Dask
cluster on this machine (`pip install distributed`); where Dask is not installed, processes do the work.
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
    """Dask if it is there, else the standard library."""
    try:
        dask = import_module("distributed")
    except ImportError:
        with ProcessPoolExecutor() as pool:
            yield pool
        return
    with dask.LocalCluster(n_workers=2, dashboard_address=None) as cluster, dask.Client(cluster) as client:
        yield client.get_executor()


def main(argv: Sequence[str]) -> int:
    """Index the folder, and say what became of it."""
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
