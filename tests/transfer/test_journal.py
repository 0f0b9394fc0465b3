"""The journal of `send` continues after a crash, and never changes another file."""

from __future__ import annotations

from pathlib import Path

import pytest

import fileset
from fileset.transfer.journal import Journal


@pytest.mark.parametrize("size", [0, 20, 60])
def test_a_journal_that_a_crash_cut_in_its_first_line_is_continued(tmp_path: Path, size: int) -> None:
    path = tmp_path / "journal"
    with Journal(path, "PACS") as journal:
        journal.add("1.2", 10, {})
    path.write_text(path.read_text()[:size])
    with Journal(path, "PACS") as journal:
        assert not journal.has("1.2", 10, {})


@pytest.mark.parametrize("text", ["Dear diary", "{\n}"])
def test_a_file_that_is_not_a_journal_stays_as_it_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "notes").write_text(text)
    with pytest.raises(fileset.RefusedError, match="not a journal"), Journal(tmp_path / "notes", "PACS"):
        pass
    assert (tmp_path / "notes").read_text() == text
