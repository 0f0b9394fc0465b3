"""An image to burn."""

from __future__ import annotations

from pathlib import Path

import pytest

import fileset


@pytest.fixture
def image(disc: Path, tmp_path: Path) -> Path:
    path = tmp_path / "A.iso"
    with fileset.Creator(path, file_set_id="BURN") as creator:
        creator.add(disc)
    return path
