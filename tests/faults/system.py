"""The operating system between `fileset` and one folder, so that a test can see, or break, every operation on it.

Only calls of `os` pass here, also those of `pathlib`, so tests use `pathlib` outside.
"""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

from fileset.media.system import linux

CALLS: Final = (
    "open",
    "close",
    "read",
    "write",
    "fsync",
    "link",
    "rename",
    "replace",
    "unlink",
    "mkdir",
    "rmdir",
    "lstat",
    "stat",
    "statvfs",
    "scandir",
    "listdir",
    "chmod",
    "dup",
    "pread",
    "preadv",
)
"""All that touches the medium, by the names in `os`."""

Before = Callable[[str, tuple[Any, ...]], Any]
"""Called with the name of an operation and its arguments; its result, unless None, is the result of the operation."""
After = Callable[[Any], None]
"""Called with the outcome."""


def _nothing(*_: object) -> None:
    pass


class System:
    """Operations on files below `root`, except files in `aside` and lists of folders in `listings`. Descriptors are followed.

    Nothing is synced: that would take most of the time, and no test can see a difference.
    """

    def __init__(
        self,
        root: Path,
        before: Before = _nothing,
        after: After = _nothing,
        aside: Collection[str] = (),
        listings: Collection[str] = (),
    ) -> None:
        self._root = str(root)
        self._aside = frozenset(aside)
        self._listings = frozenset(listings)
        self._before = before
        self._after = after
        self._paths: dict[int, str] = {}

    @contextmanager
    def between(self) -> Iterator[None]:
        """Install the hooks."""
        opened = self._open(builtins.open)
        with ExitStack() as stack:
            for name in CALLS:
                stack.enter_context(mock.patch.object(os, name, self._wrapped(name)))
            stack.enter_context(mock.patch.object(linux, "sync_volume", self._wrapped("syncfs", linux.sync_volume)))
            for module in (builtins, io):
                stack.enter_context(mock.patch.object(module, "open", opened))
            yield

    def path(self, argument: object) -> str:
        """The path below `root` that an argument means, else ""."""
        if isinstance(argument, int):
            return self._paths.get(argument, "")
        if isinstance(argument, str | os.PathLike):
            path = os.path.abspath(os.fspath(argument))
            inside = path == self._root or path.startswith(self._root + os.sep)
            return path if inside and path not in self._aside else ""
        return ""

    def _wrapped(self, name: str, original: Callable[..., Any] | None = None) -> Callable[..., Any]:
        original = original or getattr(os, name)

        def call(*args: Any, **options: Any) -> Any:
            unseen = name == "scandir" and bool(args) and os.path.abspath(os.fspath(args[0])) in self._listings
            if unseen or not any(map(self.path, args[:2])):
                outcome = original(*args, **options)
                self._follow(name, args, outcome)
                return outcome
            outcome = self._before(name, args)
            if outcome is None and name not in ("fsync", "syncfs"):
                outcome = original(*args, **options)
            self._follow(name, args, outcome)
            self._after(outcome)
            return outcome

        return call

    def _follow(self, name: str, args: tuple[Any, ...], outcome: Any) -> None:
        if name == "open":
            self._paths[outcome] = self.path(args[0])  # "" for another file that has the number now
        elif name == "dup":
            self._paths[outcome] = self._paths[args[0]]
        elif name == "close":
            self._paths.pop(args[0], None)

    def _open(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Record that a file object is opened; its reads are not recorded."""

        def call(file: Any, *args: Any, **options: Any) -> Any:
            if not isinstance(file, int) and self.path(file):
                self._before("open", (file,))
            return original(file, *args, **options)

        return call
