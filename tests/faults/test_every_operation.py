"""A medium that fails at the n-th operation, for every n: an error that names a path, and the old or the new file-set."""

from __future__ import annotations

import errno
import os
import shutil
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from fileset import FilesetError, check_file_set, repair_file_set
from fileset.media.folder.transaction import FolderTransaction
from tests.faults.scenarios import NOTHING, SET, Expected, begin, files, finish, found, state_of
from tests.faults.system import System
from tests.support.long import LONG
from tests.support.tries import Tries

pytestmark = pytest.mark.slow

_close, _write = os.close, os.write  # not through the `System`


class Fault:
    """Something that happens at the operation with number `at`, counted from 1."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0
        self.name = ""
        self.args: tuple[Any, ...] = ()

    def before(self, name: str, args: tuple[Any, ...]) -> Any:
        """Count, and strike."""
        self.count += 1
        self.name, self.args = name, args
        return self.strike() if self.struck else None

    def after(self, outcome: Any) -> None:
        """The operation is done: nothing more, for most."""

    @property
    def struck(self) -> bool:
        """Whether it happens now."""
        return self.count == self.at

    def strike(self) -> Any:
        """Be a fault."""
        raise NotImplementedError


class Failing(Fault):
    """The operation fails with an error number."""

    number = errno.EIO

    def strike(self) -> Any:
        if self.name == "close":
            _close(self.args[0])  # a descriptor is gone even if closing fails
        raise OSError(self.number, os.strerror(self.number))


class Full(Failing):
    """No space left."""

    number = errno.ENOSPC


class Denied(Failing):
    """No permission."""

    number = errno.EACCES


class Dead(Failing):
    """The medium fails from then on."""

    @property
    def struck(self) -> bool:
        return self.count >= self.at


class Short(Fault):
    """A write takes the first byte only. Nothing else is counted."""

    def before(self, name: str, args: tuple[Any, ...]) -> Any:
        return super().before(name, args) if name == "write" else None

    def strike(self) -> Any:
        return _write(self.args[0], self.args[1][:1])


class Interrupted(Fault):
    """Ctrl-C, before the operation is done."""

    def strike(self) -> Any:
        raise KeyboardInterrupt


class InterruptedAfter(Fault):
    """Raise Ctrl-C after the operation, before its caller gets the result."""

    def strike(self) -> None:
        """Later."""

    def after(self, outcome: Any) -> None:
        if self.struck:
            if self.name == "open":
                _close(outcome)
            elif self.name == "scandir":
                outcome.close()
            raise KeyboardInterrupt


class InterruptedTwice(InterruptedAfter):
    """Impatient: Ctrl-C again, in the middle of undoing."""

    @property
    def struck(self) -> bool:
        return self.count in (self.at, self.at + 3)


EVERY: Final = (1, 1)
FAULTS: Final = {
    Failing: EVERY,
    Full: EVERY if LONG else (1, 2),
    Denied: EVERY if LONG else (2, 2),
    Dead: EVERY,
    Short: EVERY,
    Interrupted: EVERY,
    InterruptedAfter: EVERY,
    InterruptedTwice: EVERY if LONG else (1, 3),
}
"""The operations that a fault strikes: the first, and each so many after it. There are few errors, and many operations."""

SECOND_RUNS: Final = 1 if LONG else 5
"""After one of so many runs, the change is made again."""


def strike(expected: Expected, fault: Fault, folder: Path) -> BaseException | None:
    """Carry out a scenario with a fault: the error that it led to."""
    # A member, or a folder of members, that cannot be read is not a fault of the commit: it is skipped, and reported.
    members = {folder / SET / member for member in expected.scanned}
    folders = {above for member in members for above in member.parents} - {folder / SET, *(folder / SET).parents}
    listings = {str(path) for path in folders}
    with System(folder / "DISC", fault.before, fault.after, set(map(str, members)), listings).between():
        try:
            expected.scenario.change(folder)
        except (FilesetError, KeyboardInterrupt) as problem:
            return problem
    return None


def names_a_path(problem: BaseException, folder: Path, expected: Expected) -> bool:
    """Return whether an error has a path."""
    within = [path.removeprefix(SET.split("/")[1] + "/") for path in (*expected.new_tree, *expected.old_tree)]
    return any(name in str(problem) for name in [str(folder / "DISC"), *within])


def says_how_it_ended(problem: BaseException | None, *, changed: bool) -> bool:
    """Return whether the note of an early end is true; after an interruption nothing may be uncertain."""
    notes = " ".join(getattr(problem, "__notes__", ()))
    if isinstance(problem, KeyboardInterrupt):
        return ("the change was complete by then" in notes) == changed
    return changed or "counts already" not in notes


def everywhere(kind: type[Fault], operations: tuple[int, int], expected: Expected, folder: Path, tries: Tries) -> None:
    """Let the fault happen at operations up to the last."""
    runs = 0
    for at in count(*operations):
        begin(expected, folder)
        fault = kind(at)
        problem = strike(expected, fault, folder)
        if fault.count < at:
            break
        state = state_of(folder, expected)
        if problem is None:
            assert state == expected.new, f"operation {at}: nothing was said"
        elif isinstance(problem, FilesetError):
            assert names_a_path(problem, folder, expected), problem
        if expected.old != expected.new:
            assert says_how_it_ended(problem, changed=state == expected.new), f"operation {at}: {problem!r}"
        finish(folder, expected, state, again=runs % SECOND_RUNS == 0)
        shutil.rmtree(folder)
        runs += 1
    assert runs
    tries("runs with a fault at the n-th operation", runs)


@pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.__name__)
def test_a_fault_leaves_the_old_or_the_new_file_set(
    kind: type[Fault], expected: Expected, fast_folder: Path, tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FolderTransaction, "batch_files", 2)
    everywhere(kind, FAULTS[kind], expected, fast_folder, tries)


def test_repair_leaves_nothing_of_a_run_that_died(
    expected: Expected, fast_folder: Path, tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of the next writer: a file-set that is right, and nothing that belongs to no state of it."""
    monkeypatch.setattr(FolderTransaction, "batch_files", 2)
    folder, names = fast_folder / SET, {*expected.old_tree, *expected.new_tree}
    runs = 0
    for at in count(1, 1 if LONG else 4):
        begin(expected, fast_folder)
        fault = Dead(at)
        strike(expected, fault, fast_folder)
        if fault.count < at:
            break
        before = state_of(fast_folder, expected)
        if before != NOTHING:
            repair_file_set(folder, jobs=1)
            assert check_file_set(folder, jobs=1).errors == 0
            assert before.members.items() <= found(folder).members.items()
            assert files(fast_folder / "DISC").keys() <= names
            assert not repair_file_set(folder, jobs=1).written
            runs += 1
        shutil.rmtree(fast_folder)
    assert runs or expected.old == NOTHING
    tries("repairs after a run that died", runs)
