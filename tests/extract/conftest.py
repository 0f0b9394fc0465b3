"""What the tests of copying share with those of the command line."""

from tests.cli.conftest import disc, indexed, run

__all__ = ["disc", "indexed", "run"]
