"""The spool returns the bytes that it received, in any order and from several threads, and leaves no file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fileset.errors import MediumError
from fileset.media.system.spool import Spool, SpoolRange


def test_pieces_come_back_from_several_threads(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path / "disc"))
    contents = [bytes([number]) * (number * 40_001) for number in range(1, 60)]
    pieces = [spool.add(content) for content in contents]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda piece: b"".join(spool.chunks(piece)), reversed(pieces)))
    assert found == contents[::-1]
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_a_closed_spool_begins_again(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path / "disc"))
    spool.add(b"one")
    spool.close()
    assert b"".join(spool.chunks(spool.add(b"two"))) == b"two"
    spool.close()


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path / "disc"))
    spool.add(b"one")
    with pytest.raises(MediumError, match="cut off"):
        list(spool.chunks(SpoolRange(1, 9)))
    spool.close()
