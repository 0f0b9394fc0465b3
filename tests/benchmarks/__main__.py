"""``python -m tests.benchmarks``."""

import signal
import sys

from .run import main


def stop(*_: object) -> None:
    """Make an end from outside clean up like one from the keyboard."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    sys.exit(main())
