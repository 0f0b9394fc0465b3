"""A thread for work that the caller need not wait for."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Final

from fileset.errors import MediumError

_WAITING: Final = 8
"""How many actions may wait. Each may hold a part of a file, so this bounds memory."""


class Helper:
    """Carries out actions in order in a thread, which starts with the first action and ends in `finish`.

    It pays for actions that the system or a library does without the lock of the interpreter.
    """

    def __init__(self) -> None:
        self._actions = SimpleQueue[Callable[[], object] | None]()
        self._places = SimpleQueue[None]()
        self._problems: list[BaseException] = []
        self._thread: Thread | None = None
        for _ in range(_WAITING):
            self._places.put(None)

    def do(self, action: Callable[[], object]) -> None:
        """Carry out an action soon; wait while too many others wait. Raises `MediumError` if threads cannot start."""
        if self._thread is None:
            thread = Thread(target=self._work, daemon=True)
            try:
                thread.start()
            except RuntimeError as problem:
                raise MediumError(str(problem)) from problem
            self._thread = thread
        self._places.get()
        self._actions.put(action)

    def finish(self) -> None:
        """Wait until all actions are done. Raises the first exception of an action."""
        if self._thread is not None:
            self._actions.put(None)
            self._thread.join()
            self._thread = None
        if self._problems:
            raise self._problems.pop()

    def _work(self) -> None:
        while (action := self._actions.get()) is not None:
            try:
                action()
            except BaseException as problem:  # noqa: BLE001  # the caller gets it
                self._problems[:] = self._problems or [problem]
            self._places.put(None)
