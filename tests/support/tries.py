"""Counters of repeated tests: how many inputs or faults passed. pytest prints the sums at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import pytest

Tries = Callable[[str, int], None]
"""Adds a number of passed tries to a topic."""

TRIED: Final = pytest.StashKey[Counter[str]]()


def counter(config: pytest.Config) -> Counter[str]:
    """Return the counters of this run, or of this worker of pytest-xdist."""
    return config.stash.setdefault(TRIED, Counter())
