"""What is read before it is asked for: in order, no more than a little of it, and nothing any more in the end."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event, Lock

import pytest

import fileset
from fileset.errors import MediumError
from fileset.media.image import transaction as image_transaction
from fileset.media.system.read_ahead import AHEAD, LEAST, MOST, READERS, contents_ahead, in_threads
from tests.support import synthetic

MEGABYTE = bytes(1 << 20)


def _parts(data: bytes, size: int = 1000) -> Callable[[], Iterator[bytes]]:
    return lambda: (data[at : at + size] for at in range(0, len(data), size))


def test_contents_come_in_order_with_their_hashes() -> None:
    files = [os.urandom(size) for size in (0, 1, 1000, LEAST - 1, LEAST, 170_000) * 30]
    contents = contents_ahead((len(data), _parts(data)) for data in files)
    for data, content in zip(files, contents, strict=True):
        assert b"".join(content) == data
        assert (content.size, content.sha256) == (len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("megabytes", [1, 3, 5])
def test_only_so_much_is_read_ahead(megabytes: int) -> None:
    begun, lock = 0, Lock()

    def parts() -> Iterator[bytes]:
        nonlocal begun
        with lock:
            begun += 1
        yield from [MEGABYTE] * megabytes

    contents = contents_ahead((megabytes << 20, parts) for _ in range(200))
    next(contents)
    time.sleep(0.3)
    in_a_group = max(AHEAD // (megabytes << 20), 1)
    assert begun <= (2 * READERS + 1) * in_a_group
    if megabytes << 20 > AHEAD:
        assert begun == 0  # that is read when it is used
    contents.close()


@pytest.mark.parametrize("size", [1, LEAST])
def test_no_more_files_are_read_together_than_may_be(size: int) -> None:
    begun: list[int] = []

    def parts(number: int) -> Iterator[bytes]:
        begun.append(number)
        yield b"x"

    contents = contents_ahead((size, partial(parts, number)) for number in range(10_000))
    next(contents)
    time.sleep(0.3)
    assert len(begun) <= (2 * READERS + 1) * MOST
    assert bool(begun) is (size >= LEAST)  # to hand over a small one would cost more than to read it
    contents.close()


def test_an_error_comes_where_its_file_would() -> None:
    def failing() -> Iterator[bytes]:
        yield b"x"
        raise MediumError("gone")

    contents = contents_ahead([(3000, _parts(bytes(3000))), *[(AHEAD, _parts(bytes(10)))] * 3, (LEAST, failing)])
    for _ in range(4):
        b"".join(next(contents))
    with pytest.raises(MediumError, match="gone"):
        next(contents)


def test_of_a_file_that_grew_no_more_is_read_than_tells_it() -> None:
    taken = 0

    def growing() -> Iterator[bytes]:
        nonlocal taken
        while taken < 10:
            taken += 1
            yield MEGABYTE

    contents = contents_ahead([(2 << 20, growing)])
    content = next(contents)
    assert taken == 3
    assert b"".join(content)[: 3 << 20] == MEGABYTE * 3  # who uses it sees the rest, and that it is too much
    assert content.size == 10 << 20
    contents.close()


def test_in_the_end_nothing_is_being_read() -> None:
    reading = 0

    def slow() -> Iterator[bytes]:
        nonlocal reading
        for _ in range(1000):
            reading += 1
            time.sleep(0.01)
            yield b"x"

    contents = contents_ahead((1000, slow) for _ in range(100))
    begun = time.monotonic()
    time.sleep(0.05)
    contents.close()  # nothing was asked for yet: nothing was begun
    assert reading == 0
    contents = contents_ahead([(1, _parts(b"x")), *[(AHEAD, slow)] * 100])
    next(contents)
    time.sleep(0.1)
    contents.close()
    read = reading
    time.sleep(0.1)
    assert 0 < read == reading
    assert time.monotonic() - begun < 5


def test_who_ends_early_waits_for_what_is_being_done() -> None:
    stop, done = Event(), []

    def job(number: int) -> int:
        if number:
            stop.wait(10)
            time.sleep(0.1)
            done.append(number)
        return number

    results = in_threads((partial(job, number) for number in range(9)), 3, stop.set)
    assert next(results) == 0
    time.sleep(0.05)
    results.close()
    ended = list(done)
    time.sleep(0.3)
    assert done == ended
    assert 1 <= len(done) <= 3


def test_an_image_whose_early_sync_fails_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_transaction, "SYNC_EVERY", 1)
    for number in range(1, 6):
        (tmp_path / f"I{number}").write_bytes(synthetic.ct(number=number))
    out = tmp_path / "OUT.iso"
    with fileset.Creator(out) as creator:
        creator.add(tmp_path / "I1")
    before = out.read_bytes()
    calls, fsync = 0, os.fsync

    def failing(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError(5, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(MediumError, match=r"OUT\.iso: Input/output error"), fileset.Updater(out) as updater:
        updater.add(*(tmp_path / f"I{number}" for number in range(2, 6)))
    assert calls >= 1
    assert out.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["I1", "I2", "I3", "I4", "I5", "OUT.iso"]
