"""A new DICOMDIR counts only after the bytes read back were compared with the plan."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from fileset import FormatError, index
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.write.kept import Kept
from fileset.dicomdir.write.layout import NONE, Directory, encode
from fileset.dicomdir.write.merge import grow, laid_out
from fileset.plan.commit import verify
from tests.support import synthetic


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """Two patients with a study of two series of two images each."""
    folder = tmp_path_factory.mktemp("SET")
    synthetic.ct_series(folder, 2, 1, 2, 2)
    index(folder)
    contents = Contents((folder / "DICOMDIR").read_bytes())
    return laid_out(grow(Kept(contents), []), contents.flat.frame, lambda _: b"")


def written(directory: Directory) -> bytes:
    return b"".join(encode(directory))


def test_the_planned_dicomdir_is_accepted(directory: Directory) -> None:
    verify(written(directory), directory)


def test_a_link_that_leads_elsewhere_is_not(directory: Directory) -> None:
    flat = Contents(written(directory)).flat
    for at in (16, 38):
        for start in flat.start:
            data = bytearray(flat.data)
            data[start + at] ^= 2
            with pytest.raises(FormatError, match="other links"):
                verify(bytes(data), directory)


def test_the_first_and_last_record_count_too(directory: Directory) -> None:
    for at in (directory.frame.first_at, directory.frame.last_at):
        data = bytearray(written(directory))
        data[at] ^= 2
        with pytest.raises(FormatError, match="other links"):
            verify(bytes(data), directory)


def test_a_record_that_is_missing_or_damaged_is_reported(directory: Directory) -> None:
    data = written(directory)
    with pytest.raises(FormatError, match=r"reads back (damaged|with \d+ of \d+ records)"):
        verify(data[:-200], directory)
    start = Contents(data).flat.start[-1]
    with pytest.raises(FormatError, match=r"reads back (damaged|with \d+ of \d+ records)"):
        verify(data[: start + 4] + b"\xff\xff\xff\x7f" + data[start + 8 :], directory)


def test_links_that_miss_a_record_or_meet_one_twice_are_no_tree(directory: Directory) -> None:
    assert directory.is_tree()
    count = len(directory)
    for name in ("next", "lower"):
        links: array[int] = getattr(directory, name)
        for place in range(count):
            for target in {NONE, 0, place, count - 1} - {links[place]}:
                changed = links[:]
                changed[place] = target
                other: Any = {name: changed}
                broken = evolve(directory, **other)
                assert not broken.is_tree(), (name, place, target)
                with pytest.raises(FormatError, match="linked twice or not at all"):
                    verify(written(broken), broken)


def test_an_empty_directory_is_a_tree(tmp_path: Path) -> None:
    index(tmp_path)
    contents = Contents((tmp_path / "DICOMDIR").read_bytes())
    empty = laid_out(grow(Kept(contents), []), contents.flat.frame, lambda _: b"")
    assert empty.is_tree()
    verify(written(empty), empty)
