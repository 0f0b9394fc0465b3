"""The command line: `fileset VERB ...`.

This module loads nothing, so that Ctrl-C ends the program without a traceback from the first moment.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers know the name; importing it would cost more than the rest of this module

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130
"""Exit code of a program that Ctrl-C ended, as a shell reports it: 128 + SIGINT."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line with `argv`, else with the arguments of the process, and return the exit code.

    0 done, 1 the check found errors, 2 wrong usage, 3 done in part, 4 not a file-set or unreadable, 5 I/O error or
    medium full, 6 refused for safety, 130 interrupted, 143 and 129 stopped by a signal.
    """
    try:
        from fileset.cli.dispatch import run

        return run(argv)
    except KeyboardInterrupt:  # while it was being loaded, or once more while it was ending
        return INTERRUPTED


def process() -> None:
    """Run the command line as a process of its own, which ends with the exit code of `main`.

    Two settings save time when a file-set has millions of objects. The process ends without freeing them (5 % of the
    time), and the garbage collector runs rarely, because the objects form no cycles (10 %).
    """
    import gc

    gc.set_threshold(100_000, 50, 100)
    code = main()
    import os
    import sys

    if code == 0:
        try:
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
            os._exit(0)
        except (OSError, ValueError):
            pass  # Python reports it at the end
    sys.exit(code)
