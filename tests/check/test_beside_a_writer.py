"""`check` beside a writer reports the writer, not false errors."""

from __future__ import annotations

from pathlib import Path

import pytest

import fileset
from fileset.media.folder.medium import FolderMedium
from tests.support import synthetic
from tests.support.command import Runs


def test_a_writer_that_holds_the_lock_is_reported(disc: Path, run: Runs) -> None:
    with FolderMedium(disc).transaction():
        said = run("check", disc, code=5).stderr
    assert "is being changed by another program" in said
    run("check", disc)


def test_a_dicomdir_that_changes_meanwhile_is_reported(disc: Path, tmp_path: Path) -> None:
    (tmp_path / "NEW").write_bytes(synthetic.ct(9))
    added: list[int] = []

    def adding(_: str, done: int, __: int) -> None:
        if not added:
            added.append(done)
            with fileset.Updater(disc) as updater:
                updater.add(tmp_path / "NEW")

    with pytest.raises(fileset.MediumError, match="being changed"):
        fileset.check_file_set(disc, progress=adding)


def test_the_leftovers_of_a_killed_writer_do_not_count_as_a_writer(disc: Path, run: Runs) -> None:
    (disc / "FILESET_").mkdir()
    (disc / "FILESET_" / "LOCK").write_bytes(b"")
    run("check", disc)
