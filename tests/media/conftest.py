"""Fixtures of the tests of media: a set of CT files, and file-sets of it on every medium."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import fileset
from fileset.cli import main
from tests.support import synthetic

UID = "2.25.1234"


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients with two series of ten instances each."""
    folder = tmp_path_factory.mktemp("sources")
    synthetic.ct_series(folder, patients=2, studies=1, series=2, instances=10)
    return folder


def uids(patients: int = 2, studies: int = 1, series: int = 2, instances: int = 10) -> set[str]:
    """The SOP Instance UIDs of `sources`, or of any that `ct_series` writes."""
    counts = (range(1, count + 1) for count in (patients, studies, series, instances))
    first, second, third, fourth = counts
    return {synthetic.ct_uid(a, b, c, d) for a in first for b in second for c in third for d in fourth}


def contents(path: Path) -> dict[str, tuple[int, str]]:
    """File ID, size and hash of all that a file-set holds, as the Reader reads it, DICOMDIR included."""
    with fileset.Reader(path) as reader:
        found = {}
        for name in reader.medium.names():
            file_id = fileset.FileId.tolerant(name)
            with reader.medium.open(file_id) as file:
                data = file.read()
            assert reader.medium.inquire_file(file_id).size == len(data)
            found[name] = len(data), hashlib.sha256(data).hexdigest()
        return found


def below(folder: Path) -> dict[str, tuple[int, str]]:
    """The same of a folder, without the Reader."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in files
    }


def listed(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """`list --json` without dates and without the place of the medium."""
    assert main(["list", str(path), "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    del document["file_set"]["path"]
    for instance in document["instances"]:
        assert instance.pop("modified")
    return document
