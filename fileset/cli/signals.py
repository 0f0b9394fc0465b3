"""SIGTERM, SIGHUP, and Ctrl-Break on Windows, undo the change under way, as Ctrl-C does; and notes about such an end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from fileset.cli.output import flush
from fileset.errors import MediumError

_NAMES: Final = ("SIGTERM", "SIGHUP", "SIGBREAK")
_SIGNALS: Final = tuple(filter(None, (getattr(signal, name, None) for name in _NAMES)))


class Ended(KeyboardInterrupt):
    """A signal that ends the program was received. Like Ctrl-C, it undoes the running change.

    `exit_code` is the one that a shell reports for a program that the signal ended.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


@contextmanager
def ending_as_interrupted() -> Iterator[None]:
    """Raise `Ended` for signals that would end this process; leave ignored signals ignored."""
    try:
        before = {one: signal.signal(one, _end) for one in _SIGNALS if signal.getsignal(one) == signal.SIG_DFL}
    except ValueError:  # only the main thread can set signal handlers
        before = {}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def noting(text: str, *errors: type[BaseException]) -> Iterator[None]:
    """Add a note about completed work to an interruption, and to `errors`, unless it is ""."""
    noted: tuple[type[BaseException], ...] = (KeyboardInterrupt, *errors)
    try:
        yield
    except noted as end:
        if text:
            end.add_note(text)
        raise


@contextmanager
def after_work(text: str) -> Iterator[None]:
    """Report completed work: if the report cannot be written to its end, the message has `text` too, unless it is ""."""
    with noting(text, MediumError):
        yield
        flush()


def _end(number: int, _: FrameType | None) -> None:
    raise Ended(number)
