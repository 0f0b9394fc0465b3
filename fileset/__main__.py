"""Run the command line: ``python -m fileset``."""

from __future__ import annotations

import sys

from fileset.cli import main

if __name__ == "__main__":
    sys.exit(main())
