"""Count the inputs or faults that repeated tests passed. pytest prints the sums at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import pytest

Tries = Callable[[str, int], None]
"""A function that adds a number of passed tries to a topic."""

TRIED: Final = pytest.StashKey[Counter[str]]()


def counter(config: pytest.Config) -> Counter[str]:
    """Return the counters of this run, or of this worker of pytest-xdist."""
    return config.stash.setdefault(TRIED, Counter())
