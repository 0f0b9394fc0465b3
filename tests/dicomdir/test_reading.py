"""One function reads a DICOMDIR for all callers, and never more than offsets can address."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import fileset
from tests.support import synthetic

SIZE = 5 << 30
"""Bytes of a file with hardly any on the disk."""


def _create(source: Path, target: Path) -> object:
    with fileset.Creator(target) as creator:
        creator.add_file_set(source)
    [lost] = creator.report.skipped
    raise fileset.FormatError(lost.reason)


ROLES: dict[str, Callable[[Path, Path], object]] = {
    "read": lambda disc, _: fileset.Reader(disc),
    "update": lambda disc, _: fileset.Updater(disc),
    "check": lambda disc, _: fileset.check_file_set(disc),
    "repair": lambda disc, _: fileset.repair_file_set(disc),
    "convert": _create,
}


@pytest.mark.parametrize("role", ROLES)
def test_a_directory_of_more_than_4_gib_is_refused_unread(role: str, tmp_path: Path) -> None:
    disc = tmp_path / "DISC"
    synthetic.ct_series(disc, 1, 1, 1, 2)
    fileset.index(disc)
    os.truncate(disc / "DICOMDIR", SIZE)
    with pytest.raises(fileset.FormatError, match=f"{SIZE} bytes: too large for a DICOMDIR"):
        ROLES[role](disc, tmp_path / "OUT")
    assert (disc / "DICOMDIR").stat().st_size == SIZE
