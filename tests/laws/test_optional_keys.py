"""Law 1: if files differ from an optional key of a kept record, the writing verb reports the findings of a check."""

from __future__ import annotations

from pathlib import Path

import pytest

import fileset
from tests.support import synthetic
from tests.support.command import Runs

KEYS = {
    "PatientSex": ("M", "F"),
    "PatientBirthDate": ("19700101", "19710101"),
    "ReferringPhysicianName": ("Alpha^Ann", "Beta^Bob"),
    "SeriesDate": ("20200101", "20200102"),
}
"""Optional keys of the three upper records: the value of the record and of the other file."""


def written(path: Path, number: int, keyword: str, value: str) -> Path:
    """A file of one patient, study and series with a value for an optional key."""
    dataset = synthetic.instance(synthetic.CT_IMAGE, number=number)
    setattr(dataset, keyword, value)
    return synthetic.write(dataset, path)


def disc_of(folder: Path, keyword: str) -> Path:
    """A file-set with one file."""
    written(folder / "DISC" / "IM1", 1, keyword, KEYS[keyword][0])
    fileset.index(folder / "DISC")
    return folder / "DISC"


def changes(report: fileset.Report) -> list[str]:
    return [finding.message for finding in report.findings if finding.rule == "FS-KEY-CHANGED"]


def assert_check_finds_nothing_new(disc: Path, report: fileset.Report) -> None:
    checked = fileset.check_file_set(disc)
    assert checked.conformant
    found = {finding.rule for finding in checked.findings if finding.rule.startswith("FS-KEY-")}
    assert found <= {finding.rule for finding in report.findings}


@pytest.mark.parametrize("keyword", KEYS)
def test_repair_renews_a_key_that_only_a_lost_file_had(keyword: str, tmp_path: Path) -> None:
    disc = disc_of(tmp_path, keyword)
    (disc / "IM1").unlink()
    written(disc / "IM2", 2, keyword, KEYS[keyword][1])
    report = fileset.repair_file_set(disc)
    assert changes(report) == [" -> ".join(KEYS[keyword])]
    assert_check_finds_nothing_new(disc, report)


@pytest.mark.parametrize("keyword", KEYS)
def test_repair_keeps_a_key_that_a_file_confirms_and_reports_the_difference(keyword: str, tmp_path: Path) -> None:
    disc = disc_of(tmp_path, keyword)
    written(disc / "IM0", 2, keyword, KEYS[keyword][1])
    report = fileset.repair_file_set(disc)
    assert changes(report) == []
    assert "FS-KEY-CONFLICT" in {finding.rule for finding in report.findings}
    assert_check_finds_nothing_new(disc, report)


@pytest.mark.parametrize("keyword", KEYS)
def test_add_keeps_a_key_that_a_file_confirms_and_reports_the_difference(keyword: str, tmp_path: Path) -> None:
    disc = disc_of(tmp_path, keyword)
    with fileset.Updater(disc) as updater:
        updater.add(written(tmp_path / "NEW", 2, keyword, KEYS[keyword][1]))
    assert changes(updater.report) == []
    assert "FS-KEY-CONFLICT" in {finding.rule for finding in updater.report.findings}
    assert_check_finds_nothing_new(disc, updater.report)


@pytest.mark.parametrize("keyword", KEYS)
def test_add_renews_a_key_that_only_the_replaced_file_had(keyword: str, tmp_path: Path) -> None:
    disc = disc_of(tmp_path, keyword)
    with fileset.Updater(disc) as updater:
        updater.add(written(tmp_path / "NEW", 1, keyword, KEYS[keyword][1]), replace=True)
    with fileset.Reader(disc) as reader:
        [instance] = reader.instances
        values = {str(above.get(keyword)) for above in (instance.patient, instance.study, instance.series) if above}
        assert KEYS[keyword][1] in values
    assert_check_finds_nothing_new(disc, updater.report)


@pytest.mark.parametrize("keyword", KEYS)
def test_remove_renews_a_key_that_only_the_removed_file_had(keyword: str, tmp_path: Path) -> None:
    first, second = (written(tmp_path / "IN" / f"IM{at}", at, keyword, KEYS[keyword][at - 1]) for at in (1, 2))
    with fileset.Creator(tmp_path / "DISC") as creator:
        creator.add(first, second)
    with fileset.Updater(tmp_path / "DISC") as updater:
        assert updater.remove(InstanceNumber=1) == 1
    assert changes(updater.report) == [" -> ".join(KEYS[keyword])]
    assert_check_finds_nothing_new(tmp_path / "DISC", updater.report)


def test_a_record_without_an_optional_key_keeps_its_bytes(run: Runs, tmp_path: Path) -> None:
    written(tmp_path / "IN" / "IM1", 1, "PatientSex", "M")
    run("create", tmp_path / "IN", "-o", tmp_path / "DISC", "--keys", "minimal")
    run("add", tmp_path / "DISC", written(tmp_path / "NEW", 2, "PatientSex", "F"))
    with fileset.Reader(tmp_path / "DISC") as reader:
        assert [patient.get("PatientSex") for patient in reader.patients] == [None]
    run("check", tmp_path / "DISC")
