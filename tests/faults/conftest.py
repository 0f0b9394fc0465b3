"""Fixtures of all tests of faults."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.scenarios import SCENARIOS, Expected, Scenario, expect


@pytest.fixture(scope="package", params=SCENARIOS, ids=str)
def expected(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Expected:
    """A scenario, with its two states."""
    scenario: Scenario = request.param
    return expect(scenario, tmp_path_factory.mktemp("expected"))


@pytest.fixture
def fast_folder(tmp_path: Path) -> Iterator[Path]:
    """A path for a new folder, in memory where the system has such a place: thousands of file-sets are made there."""
    memory = "/dev/shm"  # noqa: S108  # the folder in it is made with a name of its own
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder) / "RUN"
