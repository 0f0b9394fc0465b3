"""The longer form of the repeated tests: more seeds, more faults, more random inputs."""

from __future__ import annotations

import os
from typing import Final

LONG: Final = bool(os.environ.get("FILESET_LONG"))
"""Whether the environment variable FILESET_LONG asks for the longer form."""
