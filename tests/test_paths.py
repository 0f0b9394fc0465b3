"""Texts that cannot be the path of a file are reported as wrong requests, wherever a path is taken."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fileset
from fileset.extraction import extract
from fileset.extraction.scanned import scanned
from tests.support import synthetic

CALLS: dict[str, Callable[[Path, str], object]] = {
    "Creator": lambda _, path: fileset.Creator(path),
    "Creator of volumes": lambda _, path: fileset.Creator(path, volume_size="CD"),
    "Creator.add": lambda disc, path: fileset.Creator(disc / "OUT").add(path),
    "Creator.add_file_set": lambda disc, path: fileset.Creator(disc / "OUT").add_file_set(path),
    "Creator.include": lambda disc, path: fileset.Creator(disc / "OUT").include(path),
    "index": lambda _, path: fileset.index(path),
    "Reader": lambda _, path: fileset.Reader(path),
    "Reader of a folder": lambda _, path: fileset.Reader(path, medium_format="folder"),
    "Reader of an image": lambda _, path: fileset.Reader(path, medium_format="iso"),
    "Reader of an archive": lambda _, path: fileset.Reader(path, medium_format="zip"),
    "scanned": lambda _, path: scanned(path),
    "extract": lambda disc, path: extract(fileset.Reader(disc), path),
    "Updater": lambda _, path: fileset.Updater(path),
    "Updater.add": lambda disc, path: fileset.Updater(disc).add(path),
    "check": lambda _, path: fileset.check_file_set(path),
    "check against a manifest": lambda disc, path: fileset.check_file_set(disc, manifest=path),
    "repair": lambda _, path: fileset.repair_file_set(path),
}


# A half of a surrogate pair is text that no file system but that of Windows can encode.
PATHS = ["a\0b", "a\0b.iso", "a\0b.zip", "CD.iso/a\0b", "", *(["\ud800"] if os.name == "posix" else [])]


@pytest.mark.parametrize("path", PATHS, ids=ascii)
@pytest.mark.parametrize("call", CALLS)
def test_an_invalid_path_is_a_rule_error(call: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    synthetic.ct_series(tmp_path, 1, 1, 1, 1)
    fileset.index(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(fileset.RuleError, match=" is not a path: "):
        CALLS[call](tmp_path, path)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("call", CALLS)
def test_a_path_of_bytes_is_a_type_error(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    synthetic.ct_series(tmp_path, 1, 1, 1, 1)
    fileset.index(tmp_path)
    path: Any = b"DISC"
    with pytest.raises(TypeError, match="not bytes"):
        CALLS[call](tmp_path, path)


@pytest.mark.parametrize(
    "call",
    [
        extract,
        fileset.write_pages,
        lambda path, _: fileset.send(path, to="ANY@localhost:104"),
    ],
    ids=["extract", "write_pages", "send"],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_in_the_place_of_a_reader_is_a_rule_error(
    call: Callable[[object, Path], object], kind: Callable[[Path], object], tmp_path: Path
) -> None:
    with pytest.raises(fileset.RuleError, match=r"is a path, not .*: `with Reader\(path\) as reader"):
        call(kind(tmp_path), tmp_path / "OUT")
    assert not list(tmp_path.iterdir())
