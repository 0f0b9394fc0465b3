"""Files whose names on the medium are other forms of their File IDs, and file-sets below other folders."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import fileset
from fileset.media.folder.transaction import FolderTransaction
from tests.support import synthetic

CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """A file-set of one file that was exchanged for that of another patient."""
    folder = tmp_path / "DISC"
    folder.mkdir()
    dataset = synthetic.instance(CT)
    synthetic.write(dataset, folder / "IM1")
    fileset.index(folder)
    dataset.PatientID = "OTHER"
    synthetic.write(dataset, folder / "IM1")
    return folder


@pytest.mark.parametrize("form", ["IM1", "im1", "IM1.dcm", "IM1;1", "IM1."])
@pytest.mark.parametrize("end", ["", os.sep])
def test_a_file_of_another_patient_than_its_record_is_reported_whatever_the_form_of_its_name(
    disc: Path, tmp_path: Path, form: str, end: str
) -> None:
    (disc / "IM1").rename(disc / form)
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(f"{disc}{end}")
    assert "FS-KEY-DIFFERS" in {finding.rule for finding in creator.report.findings}
    assert not creator.report.complete


@pytest.mark.parametrize("packed", ["", "zip", "tar"])
def test_such_a_file_is_reported_in_each_file_set_below_a_folder(disc: Path, tmp_path: Path, packed: str) -> None:
    incoming = tmp_path / "INCOMING"
    for name in ("ONE", "TWO"):
        shutil.copytree(disc, incoming / name / "SET")
        if packed:
            shutil.make_archive(str(incoming / name), packed, incoming / name)
            shutil.rmtree(incoming / name)
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(incoming)
    found = [finding.where.file for finding in creator.report.findings if finding.rule == "FS-KEY-DIFFERS"]
    assert len(found) == 2
    assert not creator.report.complete


@pytest.mark.parametrize("form", ["IM1.dcm", "IM1;1"])
def test_a_removal_that_was_interrupted_before_it_counted_removes_nothing(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    disc, crashed = tmp_path / "DISC", tmp_path / "CRASHED"
    disc.mkdir()
    for number in (1, 2):
        synthetic.write(synthetic.instance(CT, patient=number), disc / f"IM{number}")
    fileset.index(disc)
    (disc / "IM1").rename(disc / form)
    publish = FolderTransaction.publish

    def crash(self: FolderTransaction, *args: Any, **kwargs: Any) -> Any:
        shutil.copytree(disc, crashed)  # the state after a power failure
        return publish(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(FolderTransaction, "publish", crash)
        with fileset.Updater(disc) as updater:
            assert updater.remove(FileID="IM1") == 1
    assert not (disc / form).exists()
    assert (crashed / form).exists()
    fileset.repair_file_set(crashed)
    assert (crashed / form).exists()
    with fileset.Reader(crashed) as reader:
        assert len(list(reader.instances)) == 2
