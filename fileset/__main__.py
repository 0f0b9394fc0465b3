"""Run the command line: ``python -m fileset``."""

from __future__ import annotations

from fileset.cli import process

if __name__ == "__main__":
    process()
