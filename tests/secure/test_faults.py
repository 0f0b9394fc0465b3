"""Faults and kills at every file operation of a secure file-set: the old or the new one is there, and no plain byte."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from attrs import frozen

from fileset import Creator, FilesetError, Reader, Security, Updater, repair_file_set
from tests.faults.system import System
from tests.faults.test_every_operation import Dead, Failing, Fault, InterruptedAfter
from tests.faults.test_kills import KILLED, Killer
from tests.secure.conftest import Identity
from tests.secure.test_file_sets import PLAIN_NAME
from tests.support import synthetic
from tests.support.tries import Tries

pytestmark = pytest.mark.slow

Change = Callable[[Path, Security], None]
State = tuple[bytes, frozenset[bytes]]
"""The plain DICOMDIR, and the plain content of all files that it references."""
NOTHING: State = b"", frozenset()


def _sources(folder: Path, *numbers: int) -> Path:
    shutil.rmtree(folder / "IN", ignore_errors=True)
    (folder / "IN").mkdir(parents=True)
    for number in numbers:
        (folder / "IN" / f"{number}").write_bytes(synthetic.ct(number=number))
    return folder / "IN"


def _create(path: str) -> Change:
    def create(folder: Path, security: Security) -> None:
        with Creator(folder / "DISC" / path, file_set_uid="2.25.7", jobs=1, security=security) as creator:
            creator.add(_sources(folder, 1, 2))

    return create


def _nothing(_folder: Path, _security: Security) -> None:
    """Leave the medium empty."""


def _add(path: str) -> Change:
    def add(folder: Path, security: Security) -> None:
        with Updater(folder / "DISC" / path, jobs=1, security=security) as updater:
            updater.add(_sources(folder, 3))

    return add


def _remove(folder: Path, security: Security) -> None:
    with Updater(folder / "DISC" / "SET", jobs=1, security=security) as updater:
        updater.remove(InstanceNumber=2)


def _damage(folder: Path, security: Security) -> None:
    """Leave a DICOMDIR that lacks a file."""
    _create("SET")(folder, security)
    data = (folder / "DISC" / "SET" / "DICOMDIR").read_bytes()
    _add("SET")(folder, security)
    (folder / "DISC" / "SET" / "DICOMDIR").write_bytes(data)


def _repair(folder: Path, security: Security) -> None:
    repair_file_set(folder / "DISC" / "SET", jobs=1, security=security)


SCENARIOS: dict[str, tuple[str, Change, Change]] = {
    "create": ("SET", _nothing, _create("SET")),
    "create an image": ("SET.iso", _nothing, _create("SET.iso")),
    "create an archive": ("SET.zip", _nothing, _create("SET.zip")),
    "add": ("SET", _create("SET"), _add("SET")),
    "add to an image": ("SET.iso", _create("SET.iso"), _add("SET.iso")),
    "remove": ("SET", _create("SET"), _remove),
    "repair": ("SET", _damage, _repair),
}
"""The name of the file-set below DISC, the preparation, and the change."""


@frozen
class Expected:
    """A scenario with its two states, and the medium before."""

    path: str
    change: Change
    before: Path
    old: State
    new: State


def state_of(path: Path, security: Security) -> State:
    try:
        with Reader(path, security=security) as reader:
            files = []
            for record in reader.instances:
                with record.open() as file:
                    files.append(file.read())
            return reader.flat.data, frozenset(files)
    except FilesetError:
        if path.is_file() or (path / "DICOMDIR").exists():
            raise
        return NOTHING


@pytest.fixture(scope="module")
def security(alice: Identity) -> Security:
    return Security(recipients=[alice.certificate], key=alice.key)


@pytest.fixture(params=SCENARIOS)
def expected(request: pytest.FixtureRequest, security: Security, tmp_path: Path) -> Expected:
    path, prepare, change = SCENARIOS[request.param]
    before = tmp_path / "BEFORE"
    (before / "DISC").mkdir(parents=True)
    prepare(before, security)
    shutil.rmtree(before / "IN", ignore_errors=True)
    after = tmp_path / "AFTER"
    shutil.copytree(before, after)
    change(after, security)
    states = state_of(before / "DISC" / path, security), state_of(after / "DISC" / path, security)
    assert states[0] != states[1]
    assert states[1] != NOTHING
    return Expected(path, change, before, *states)


def inspect(folder: Path, expected: Expected, security: Security) -> None:
    """Assert that the old or the new file-set is there, and no plain byte of a patient in any file of the medium."""
    for file in filter(Path.is_file, (folder / "DISC").rglob("*")):
        assert PLAIN_NAME not in file.read_bytes(), f"{file} has the name of a patient"
    assert state_of(folder / "DISC" / expected.path, security) in (expected.old, expected.new)


@pytest.mark.parametrize("kind", [Failing, Dead, InterruptedAfter], ids=lambda kind: kind.__name__)
def test_a_fault_leaves_the_old_or_the_new_file_set_and_no_plain_byte(
    kind: type[Fault], expected: Expected, security: Security, tmp_path: Path, tries: Tries
) -> None:
    runs = 0
    for at in count(1):
        folder = tmp_path / f"RUN_{at}"
        shutil.copytree(expected.before, folder)
        fault = kind(at)
        try:
            with System(folder / "DISC", fault.before, fault.after, set(), set()).between():
                expected.change(folder, security)
        except (FilesetError, KeyboardInterrupt):
            pass
        if fault.count < at:
            break
        inspect(folder, expected, security)
        shutil.rmtree(folder)
        runs += 1
    assert runs > 10
    tries("runs of secure file-sets with a fault at the n-th operation", runs)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
def test_a_killed_process_leaves_the_old_or_the_new_file_set_and_no_plain_byte(
    expected: Expected, security: Security, tmp_path: Path, tries: Tries
) -> None:
    runs = 0
    for at in count(1):
        folder = tmp_path / f"RUN_{at}"
        shutil.copytree(expected.before, folder)
        process = os.fork()
        if process == 0:
            try:
                with Killer(folder / "DISC", at).system.between():
                    expected.change(folder, security)
            finally:
                os._exit(sys.exc_info()[0] is not None)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        inspect(folder, expected, security)
        if code == 0:
            break
        assert code == KILLED
        shutil.rmtree(folder)
        runs += 1
    assert runs > 10
    tries("processes of secure file-sets killed at the n-th file operation", runs)
