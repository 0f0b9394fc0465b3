"""What tests have to tell beside passing: how often they tried. It is printed at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import pytest

Tell = Callable[[str, int], None]
"""Called with a topic and a number of tries, none of which went wrong; the numbers of a topic are added up."""

_TOLD: Final = pytest.StashKey[Counter[str]]()


@pytest.fixture
def tell(pytestconfig: pytest.Config) -> Tell:
    """Say how often something was tried."""
    told = pytestconfig.stash.setdefault(_TOLD, Counter())

    def add(topic: str, number: int) -> None:
        told[topic] += number

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was told."""
    told = config.stash.get(_TOLD, Counter[str]())
    if told:
        terminalreporter.section("tried by tests that passed")
        for topic, number in told.items():
            terminalreporter.write_line(f"{topic}: {number:,}, 0 bad")
