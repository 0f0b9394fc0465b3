"""One rule for all verbs: files whose patient is unclear get no new values, and unlisted files are named on every medium."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

import fileset
from fileset.plan.identity import IdentityCheck
from fileset.plan.inputs import Sources
from fileset.plan.scan import Refused, outcomes
from fileset.plan.workers import Workers
from fileset.records.describe import Policy
from tests.support import synthetic
from tests.support.command import Runs


@pytest.fixture
def unclear(tmp_path: Path) -> Path:
    """A file-set of one file, which names another patient than its record."""
    (tmp_path / "DISC").mkdir()
    (tmp_path / "DISC" / "IM1").write_bytes(synthetic.ct(1))
    fileset.index(tmp_path / "DISC")
    dataset = dcmread(tmp_path / "DISC" / "IM1")
    dataset.PatientID = "P9"
    dataset.save_as(tmp_path / "DISC" / "IM1")
    return tmp_path / "DISC"


@pytest.mark.parametrize("verb", ["create", "extract"])
def test_a_file_of_an_unclear_patient_gets_no_new_values(verb: str, run: Runs, unclear: Path, tmp_path: Path) -> None:
    done = run(verb, unclear, "-o", tmp_path / "OUT", "--set", "PatientID=NEW", code=3)
    assert "it may belong to another patient" in done.stderr
    assert not [path for path in (tmp_path / "OUT").rglob("*") if path.is_file()]


def test_a_file_whose_own_values_cannot_be_read_again_gets_no_new_values(unclear: Path) -> None:
    sources = Sources()
    sources.add_path(unclear)
    sources.replace(0, synthetic.ct(2))
    (unclear / "IM1").unlink()
    (outcome,) = IdentityCheck(sources, refuses_changed=True).compared(outcomes(sources, Policy(), Workers()))
    assert isinstance(outcome, Refused)
    assert outcome.reason.startswith("its own Patient ID and UIDs cannot be read")


@pytest.mark.parametrize("verb", ["create", "extract"])
def test_an_empty_dicomdir_costs_no_file_as_an_absent_one_costs_none(verb: str, run: Runs, tmp_path: Path) -> None:
    (tmp_path / "DISC").mkdir()
    (tmp_path / "DISC" / "IM1").write_bytes(synthetic.ct(1))
    fileset.index(tmp_path / "DISC")
    with fileset.Updater(tmp_path / "DISC") as updater:
        updater.remove(PatientID="*", keep_files=True)
    for name in ("EMPTY", "ABSENT"):
        done = run(verb, tmp_path / "DISC", "-o", tmp_path / name, "--json")
        assert len(done.document["added" if verb == "create" else "files"]) == 1
        (tmp_path / "DISC" / "DICOMDIR").unlink(missing_ok=True)


def unlisted(document: dict[str, Any]) -> list[str]:
    return sorted(one["where"]["file"] for one in document["findings"] if one["rule"] == "FS-FILE-UNLISTED")


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_repair_names_the_files_that_it_cannot_list_on_every_medium(suffix: str, run: Runs, tmp_path: Path) -> None:
    medium = with_unlisted(tmp_path, suffix)
    assert unlisted(run("repair", medium, "--json", code=3).document) == ["extra.dcm"]
    assert unlisted(run("check", medium, "--json", code=1).document) == ["extra.dcm"]


def test_an_update_of_an_archive_names_the_files_without_a_record(run: Runs, tmp_path: Path) -> None:
    medium = with_unlisted(tmp_path, ".zip")
    (tmp_path / "NEW").write_bytes(synthetic.ct(3))
    assert unlisted(run("add", medium, tmp_path / "NEW", "--json").document) == ["extra.dcm"]
    assert unlisted(run("remove", medium, "PatientID=P3", "--json").document) == ["extra.dcm"]


def with_unlisted(tmp_path: Path, suffix: str) -> Path:
    """A file-set that has a DICOM file without a record, which cannot get one under its name."""
    (tmp_path / "IN").write_bytes(synthetic.ct(1))
    with fileset.Creator(tmp_path / "SET") as creator:
        creator.add(tmp_path / "IN")
    (tmp_path / "SET" / "extra.dcm").write_bytes(synthetic.ct(2))
    return Path(shutil.make_archive(str(tmp_path / "SET"), "zip", tmp_path / "SET")) if suffix else tmp_path / "SET"
