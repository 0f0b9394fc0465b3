"""Remote folders in the memory of this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

fsspec = pytest.importorskip("fsspec", reason="needs fsspec (extra remote)")


@pytest.fixture
def store() -> Iterator[Any]:
    """An empty file system in memory."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    yield memory
    memory.store.clear()


def upload(store: Any, folder: Path, root: str) -> None:
    """Copy all files below a folder to a remote one."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            store.pipe_file(f"{root}/{path.relative_to(folder).as_posix()}", path.read_bytes())


@pytest.fixture
def bucket(store: Any, disc: Path) -> str:
    """The URL of a remote copy of `disc`."""
    upload(store, disc, "/bucket/disc")
    return "memory://bucket/disc"
