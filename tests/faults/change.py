"""Run one scenario in a separate process: `python -m tests.faults.change NAME FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.faults.scenarios import SCENARIOS

if __name__ == "__main__":
    name, folder = sys.argv[1:]
    next(scenario for scenario in SCENARIOS if scenario.name == name).change(Path(folder))
