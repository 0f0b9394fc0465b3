"""An image whose disk fails, whose power fails, whose writer is killed: the old image or the new one, whole."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from traceback import extract_tb
from typing import Any, BinaryIO, Final

import pytest
from attrs import frozen

import fileset
from fileset.errors import FilesetError
from fileset.media.image import transaction as image_transaction
from fileset.media.system.files import open_locked
from tests.faults.disk import FOLDER, Bytes, Event, Recorder, Start, State, SyncedBytes, SyncedNames, journaling
from tests.faults.scenarios import lay_out
from tests.faults.system import System
from tests.faults.test_kills import KILLED, Killer
from tests.support import synthetic
from tests.support.long import LONG
from tests.support.tries import Tries

pytestmark = pytest.mark.slow

STEP: Final = 1 if LONG else 5
"""Every so many operations; the faults begin at different ones, so that together they miss none."""
STATES: Final = 2000 if LONG else 200
"""After loss of power, for each change of an image of each format."""


class Watched:
    """The file that an image is written into, whose operations pass by `before`."""

    def __init__(self, file: BinaryIO, before: Callable[[str], object]) -> None:
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
    """A fault at one operation, or from it on."""

    make: Callable[[], BaseException]
    lasts: bool = False
    first: int = 1


def _failing(number: int) -> Callable[[], BaseException]:
    return lambda: OSError(number, os.strerror(number))


FAULTS: Final = {
    "EIO": Fault(_failing(errno.EIO)),
    "full": Fault(_failing(errno.ENOSPC), first=2),
    "dead": Fault(_failing(errno.EIO), lasts=True, first=3),
    "denied": Fault(_failing(errno.EACCES), first=4),
    "interrupted": Fault(KeyboardInterrupt, first=5),
}


def create(folder: Path, path: Path) -> fileset.Report:
    creator = fileset.Creator(path, file_set_uid="2.25.9", jobs=1, replace=True)
    creator.add(folder / "IN")
    return creator.commit()


def add(folder: Path, path: Path, *, replace: bool = False) -> fileset.Report:
    with fileset.Updater(path, jobs=1) as updater:
        updater.add(folder / "IN", replace=replace)
    return updater.report


def remove(_: Path, path: Path) -> fileset.Report:
    with fileset.Updater(path, jobs=1) as updater:
        updater.remove(InstanceNumber=2)
    return updater.report


def repair(_: Path, path: Path) -> fileset.Report:
    return fileset.repair_file_set(path, jobs=1)


def _one_more(folder: Path, _: Path) -> None:
    (folder / "IN" / "C").write_bytes(synthetic.ct(number=3))


def _corrected(folder: Path, _: Path) -> None:
    (folder / "IN" / "A").write_bytes(synthetic.ct(number=1).replace(b"Doe^Jane", b"Doe^Jill"))
    (folder / "IN" / "B").unlink()


def _unlisted(folder: Path, path: Path) -> None:
    """A DICOM file beside the file-set."""
    _one_more(folder, path)
    creator = fileset.Creator(path, file_set_uid="2.25.9", jobs=1, replace=True)
    creator.add(folder / "IN" / "A")
    creator.include(folder / "IN" / "C")
    creator.commit()


def _nothing(*_: Path) -> None:
    pass


Before = Callable[[Path, Path], None]
Act = Callable[[Path, Path], fileset.Report]
CHANGES: Final[dict[str, tuple[Before | None, Act]]] = {
    "create": (None, create),
    "create --replace": (_nothing, create),
    "add": (_one_more, add),
    "add --replace": (_corrected, partial(add, replace=True)),
    "remove": (_nothing, remove),
    "repair": (_unlisted, repair),
}
"""The state before a change: a function that makes an image, and the change."""


@frozen
class Scene:
    """A change of an image: its path, and the files before and after."""

    folder: Path
    path: Path
    change: Callable[[], fileset.Report]
    old: bytes | None
    new: bytes

    def begin(self) -> None:
        """Restore the state before the change."""
        for left in self.path.parent.iterdir():
            left.unlink()
        if self.old is not None:
            self.path.write_bytes(self.old)

    def state(self) -> bytes | None:
        """The image that is there after a disturbance: it must be the old or the new one, whole."""
        there = self.path.read_bytes() if self.path.exists() else None
        assert there in (self.old, self.new), "neither the old nor the new image"
        return there

    def again(self) -> None:
        """Leftovers do not hinder the next change."""
        if self.state() != self.new:
            self.change()
        assert self.path.read_bytes() == self.new
        assert os.listdir(self.path.parent) == [self.path.name] or self.old == self.new


@pytest.fixture(params=["iso", "zip"])
def suffix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=CHANGES)
def scene(request: pytest.FixtureRequest, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Every change, of an image of each format."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1500000000")
    (tmp_path / "IN").mkdir()
    (tmp_path / "IN" / "A").write_bytes(synthetic.ct(number=1))
    (tmp_path / "IN" / "B").write_bytes(synthetic.ct(number=2))
    path = tmp_path / "DISC" / f"X.{suffix}"
    path.parent.mkdir()
    before, act = CHANGES[request.param]
    if before:
        create(tmp_path, path)
        before(tmp_path, path)
    old = path.read_bytes() if before else None
    act(tmp_path, path)
    new = path.read_bytes()
    assert (old == new) is (request.param == "create --replace")
    return Scene(tmp_path, path, partial(act, tmp_path, path), old, new)


# --- the n-th operation ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_leaves_the_old_or_the_new_image(
    scene: Scene, fault: Fault, monkeypatch: pytest.MonkeyPatch, tries: Tries
) -> None:
    runs = 0
    for at in count(fault.first, STEP):
        scene.begin()
        if run(scene, fault, at, monkeypatch) < at:
            break
        runs += 1
    assert runs > 20 // STEP
    tries("runs with a fault at the n-th operation on an image", runs)


def run(scene: Scene, fault: Fault, at: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Change an image with a fault at an operation; the number of operations that there were."""
    done = 0

    def before(*_: Any) -> None:
        nonlocal done
        done += 1
        if done == at or (fault.lasts and done > at):
            raise fault.make()

    report: fileset.Report | None = None
    problem: BaseException | None = None
    with watched(before, monkeypatch), System(scene.path.parent, before).between():
        try:
            report = scene.change()
        except (FilesetError, KeyboardInterrupt) as raised:
            problem = raised
    there = scene.state()
    if report is not None:
        assert there == scene.new or not report.complete, f"operation {at}: nothing was said"
    elif isinstance(problem, FilesetError):
        assert any(name in str(problem) for name in (str(scene.path.parent), "DICOMDIR", "PT000000", "C: ")), problem
    if report is None and scene.old != scene.new:
        notes = " ".join(getattr(problem, "__notes__", ()))
        noted = "complete by then" in notes or "counts already" in notes
        closing = problem and "close" in {frame.name for frame in extract_tb(problem.__traceback__)}
        assert noted == (there == scene.new) or (closing and not noted), problem
    scene.again()
    return done


@contextmanager
def watched(before: Callable[[str], object], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the operations on the file that an image is written into pass by `before`."""
    with monkeypatch.context() as patched:
        patched.setattr(image_transaction, "open_locked", lambda name: Watched(open_locked(name), before))
        yield


class Greedy(io.FileIO):
    """A file of which a write takes a few bytes only."""

    def write(self, data: Any, /) -> int:
        return super().write(memoryview(data).cast("B")[:1000])


def test_writes_that_take_a_part_only_make_the_same_image(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(name: str) -> BinaryIO:
        with open_locked(name) as file:
            return io.BufferedRandom(Greedy(os.dup(file.fileno()), "r+b"))

    scene.begin()
    monkeypatch.setattr(image_transaction, "open_locked", opened)
    scene.change()
    assert scene.state() == scene.new


# --- kills, and loss of power ----------------------------------------------------------------------------------------


def killed(scene: Scene, at: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Change an image in a process that ends at an operation: its exit code, 0 if it came to its own end."""
    process = os.fork()
    if process == 0:
        try:
            killer = Killer(scene.path.parent, at)
            with watched(lambda _: killer.operate("write"), monkeypatch), killer.system.between():
                scene.change()
        finally:
            os._exit(sys.exc_info()[0] is not None)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
def test_a_killed_process_leaves_the_old_or_the_new_image(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tries: Tries
) -> None:
    runs = 0
    for at in count(1):
        scene.begin()
        code = killed(scene, at, monkeypatch)
        if code == 0:
            break
        assert code == KILLED
        scene.again()
        runs += 1
    assert runs > 20
    tries("processes killed at the n-th operation on an image", runs)


class ImageRecorder(Recorder):
    """As `Recorder`; an image is written by other calls than `os.write`, and all of it counts when it is synced."""

    def _fsync(self, file: int, outcome: None) -> None:
        path = self._path(file)
        if self.names[path] != FOLDER:
            self.events.append(Bytes(self.names[path], (self._root / path).read_bytes()))
        super()._fsync(file, outcome)


def record(scene: Scene) -> tuple[Start, list[Event]]:
    """Return the effects of a change on the disk."""
    scene.begin()
    recorder = ImageRecorder(scene.path.parent, links=True)
    with recorder.recording():
        scene.change()
    return recorder.start, recorder.events


def states(start: Start, events: Sequence[Event]) -> Iterator[State]:
    """As many states as shall be tried, so many after each event."""
    random = Random("image")
    return (journaling(start, events[: number % (len(events) + 1)], random) for number in range(STATES))


def put(scene: Scene, state: State) -> None:
    """Let the disk be in this state."""
    for left in scene.path.parent.iterdir():
        left.unlink()
    lay_out(state, scene.path.parent)


def test_loss_of_power_leaves_the_old_or_the_new_image(scene: Scene, tries: Tries) -> None:
    start, events = record(scene)
    seen: set[frozenset[tuple[str, bytes]]] = set()
    for state in states(start, events):
        if (key := frozenset(state.items())) not in seen:
            seen.add(key)
            put(scene, state)
            assert scene.state() in (scene.old, scene.new)
            if len(seen) % 10 == 0:
                scene.again()
    assert len(seen) > 3
    tries("states of an image after loss of power", STATES)


@pytest.mark.parametrize("scene", [name for name in CHANGES if name != "create --replace"], indirect=True)
@pytest.mark.parametrize("forgotten", [SyncedBytes, SyncedNames], ids=lambda kind: kind.__name__)
def test_without_a_sync_there_would_be_bad_states(scene: Scene, forgotten: type[Event]) -> None:
    start, events = record(scene)
    events = [event for event in events if not isinstance(event, forgotten)]
    ends = [journaling(start, events, Random(seed)) for seed in range(100)]
    # With all bytes on the disk there is one image or the other; with all names, the new one.
    allowed = (scene.old, scene.new) if forgotten is SyncedBytes else (scene.new,)
    assert [end for end in ends if end.get(scene.path.name) not in allowed]
    assert all(journaling(start, record(scene)[1], Random(seed))[scene.path.name] == scene.new for seed in range(3))
