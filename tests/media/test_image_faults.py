"""An image whose disk fails at the n-th operation, for every n: the old image or the new one, whole, and nothing beside."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, Final

import pytest
from attrs import frozen

import fileset
from fileset.errors import FilesetError
from fileset.media import image_transaction
from fileset.media.system import open_locked
from tests import synthetic
from tests.conftest import Tell
from tests.faults.system import System

STEP: Final = 1 if os.environ.get("FILESET_LONG") == "1" else 3
"""Every so many operations; the faults begin at different ones, so that together they miss none."""


class Watched:
    """The file that an image is written into, whose operations pass by `before`."""

    def __init__(self, file: BinaryIO, before: Callable[[str], None]) -> None:
        self._file = file
        self._before = before

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._file, name)
        if name not in ("write", "seek", "truncate", "flush", "close"):
            return attribute

        def call(*arguments: Any) -> Any:
            try:
                self._before(name)
            except BaseException:
                if name == "close":
                    self._file.close()  # a file is gone even if closing fails
                raise
            return attribute(*arguments)

        return call


@frozen
class Fault:
    """What happens at one operation, or from it on."""

    make: Callable[[], BaseException]
    lasts: bool = False
    first: int = 1


def _failing(number: int) -> Callable[[], BaseException]:
    return lambda: OSError(number, os.strerror(number))


FAULTS: Final = {
    "EIO": Fault(_failing(errno.EIO)),
    "full": Fault(_failing(errno.ENOSPC), first=2),
    "dead": Fault(_failing(errno.EIO), lasts=True, first=3),
    "interrupted": Fault(KeyboardInterrupt),
}


def create(folder: Path, path: Path) -> None:
    creator = fileset.Creator(path, file_set_uid="2.25.9", jobs=1, replace=True)
    creator.add(folder / "IN")
    creator.commit()


def add(folder: Path, path: Path) -> None:
    with fileset.Updater(path, jobs=1) as updater:
        updater.add(folder / "IN")


def remove(_: Path, path: Path) -> None:
    with fileset.Updater(path, jobs=1) as updater:
        updater.remove(InstanceNumber=2)


CHANGES: Final = {"create": create, "replace": create, "add": add, "remove": remove}


@pytest.mark.parametrize("suffix", ["iso", "zip"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_leaves_the_old_or_the_new_image(
    tmp_path: Path, suffix: str, change: str, fault: Fault, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1500000000")
    monkeypatch.setattr(image_transaction, "_THREADS", 1)  # so that the n-th operation is the same one each time
    (tmp_path / "IN").mkdir()
    (tmp_path / "IN" / "A").write_bytes(synthetic.ct(number=1))
    (tmp_path / "IN" / "B").write_bytes(synthetic.ct(number=2))
    path = tmp_path / "DISC" / f"X.{suffix}"
    path.parent.mkdir()
    if change != "create":
        create(tmp_path, path)
    if change == "add":
        (tmp_path / "IN" / "C").write_bytes(synthetic.ct(number=3))
    old = path.read_bytes() if path.exists() else None
    CHANGES[change](tmp_path, path)
    new = path.read_bytes()
    runs = 0
    for at in count(fault.first, STEP):
        path.unlink()
        if old is not None:
            path.write_bytes(old)
        if run(tmp_path, path, lambda: CHANGES[change](tmp_path, path), fault, at, (old, new), monkeypatch) < at:
            break
        runs += 1
    assert runs > 20 // STEP
    tell("runs with a fault at the n-th operation on an image", runs)


def run(
    folder: Path,
    path: Path,
    change: Callable[[], None],
    fault: Fault,
    at: int,
    states: tuple[bytes | None, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> int:
    """Change an image with a fault at an operation; the number of operations that there were."""
    done = 0

    def before(*_: Any) -> None:
        nonlocal done
        done += 1
        if done == at or (fault.lasts and done > at):
            raise fault.make()

    opened = open_locked
    problem: BaseException | None = None
    with monkeypatch.context() as patched, System(folder / "DISC", before).between():
        patched.setattr(image_transaction, "open_locked", lambda name: Watched(opened(name), before))
        try:
            change()
        except (FilesetError, KeyboardInterrupt) as raised:
            problem = raised
    there = path.read_bytes() if path.exists() else None
    assert there in states, f"operation {at}: neither the old nor the new image"
    if problem is None:
        assert there == states[1], f"operation {at}: nothing was said"
    if there == states[0] and states[0] != states[1]:
        change()  # whatever was left behind is in nobody's way
    assert path.read_bytes() == states[1]
    assert done < at or os.listdir(path.parent) == [path.name] or there == states[1]
    for left in path.parent.iterdir():
        assert left == path or there == states[1], f"operation {at}: {left.name} stays"
        if left != path:
            left.unlink()
    return done
