"""The option --cluster of the verbs that read many headers."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fileset.errors import RuleError

if TYPE_CHECKING:
    from fileset.plan.cluster import ClusterExecutor


def add_cluster(parser: ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="let the workers of a Dask scheduler read the headers, such as tcp://host:8786; they must see the files "
        "under the same paths",
    )


@contextmanager
def cluster(options: Namespace) -> Iterator[ClusterExecutor | None]:
    """Connect to the cluster for the duration of the work, if --cluster is given. Raises as `ClusterExecutor.at`."""
    if not options.cluster:
        yield None
        return
    if options.jobs:
        raise RuleError("--cluster and --jobs exclude each other: the cluster has its own workers")
    from fileset.plan.cluster import ClusterExecutor

    with ClusterExecutor.at(options.cluster) as executor:
        yield executor
