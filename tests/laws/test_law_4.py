"""Law 4: if a record and its file disagree about the patient of an instance, every verb reports it and uses the file."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from pydicom.uid import UID

import fileset
from fileset.check import check_file_set
from fileset.extraction import extract
from fileset.findings import Finding
from tests.support import synthetic
from tests.support.long import LONG
from tests.support.tries import Tries

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

COUNT = 2000 if LONG else 520
SEED = 4
CT = "1.2.840.10008.5.1.4.1.1.2"
KEYWORDS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
pytestmark = pytest.mark.slow

Case = tuple[str, str, str]
"""A keyword, its value in the record, and its value in the file."""


@pytest.fixture(scope="module")
def disc(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Case]]:
    """A file-set of which each file was exchanged for one that differs in one identifier."""
    folder = tmp_path_factory.mktemp("law4") / "DISC"
    folder.mkdir()
    random, cases = Random(SEED), {}
    datasets: dict[str, Dataset] = {}
    for place in range(1, COUNT + 1):
        name = f"F{place:06}"
        datasets[name] = synthetic.instance(CT, patient=place, study=place, series=place, number=place)
        synthetic.write(datasets[name], folder / name)
    fileset.index(folder)
    for name, dataset in datasets.items():
        keyword = random.choice(KEYWORDS)
        former = str(dataset[keyword].value)
        new = f"OTHER{name}" if keyword == "PatientID" else f"{former[:40]}.{random.randrange(10**8)}"
        setattr(dataset, keyword, new)
        if keyword == "SOPInstanceUID":
            dataset.file_meta.MediaStorageSOPInstanceUID = UID(new)
        synthetic.write(dataset, folder / name)
        cases[name] = (keyword, former, new)
    return folder, cases


def silent(findings: list[Finding], cases: dict[str, Case]) -> list[str]:
    """The cases that no finding names with both values."""
    said: dict[str, str] = {}
    for finding in findings:
        if finding.rule in ("FS-UID-DIFFERS", "FS-KEY-DIFFERS"):
            name = finding.where.file.rpartition("/")[2]
            said[name] = said.get(name, "") + finding.message
    return [
        f"{name}: {case}" for name, case in cases.items() if not all(value in said.get(name, "") for value in case[1:])
    ]


def test_create_uses_the_values_of_the_file_and_reports_it(
    disc: tuple[Path, dict[str, Case]], tmp_path: Path, tries: Tries
) -> None:
    folder, cases = disc
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(folder)
    assert silent(creator.report.findings, cases) == []
    assert not creator.report.complete
    with fileset.Reader(tmp_path / "OUT") as reader:
        for keyword in KEYWORDS:
            listed = {str(record.dataset()[keyword].value) for record in reader.instances}
            assert {new for key, _, new in cases.values() if key == keyword} <= listed
    tries("files that differ from their record, created", COUNT)


def test_create_trusts_the_record_if_asked_to(disc: tuple[Path, dict[str, Case]], tmp_path: Path) -> None:
    folder, cases = disc
    with fileset.Creator(tmp_path / "OUT", trust_dicomdir=True) as creator:
        creator.add(folder)
    assert silent(creator.report.findings, cases) == []
    former = {value for key, value, _ in cases.values() if key == "PatientID"}
    with fileset.Reader(tmp_path / "OUT") as reader:
        assert former <= {patient.get("PatientID") for patient in reader.find(level="PATIENT")}


def test_add_reports_the_disagreement(disc: tuple[Path, dict[str, Case]], tmp_path: Path, tries: Tries) -> None:
    folder, cases = disc
    good = synthetic.write(synthetic.instance(CT, patient=9999), tmp_path / "GOOD")
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(good)
    with fileset.Updater(tmp_path / "OUT") as updater:
        updater.add(folder)
    assert silent(updater.report.findings, cases) == []
    assert not updater.report.complete
    tries("files that differ from their record, added", COUNT)


def test_repair_reports_the_disagreement(disc: tuple[Path, dict[str, Case]], tmp_path: Path, tries: Tries) -> None:
    folder, cases = disc
    shutil.copytree(folder, tmp_path / "DISC")
    report = fileset.repair_file_set(tmp_path / "DISC")
    assert silent(report.findings, cases) == []
    assert not report.complete
    assert check_file_set(tmp_path / "DISC").conformant
    tries("files that differ from their record, repaired", COUNT)


def test_extract_and_check_report_it(disc: tuple[Path, dict[str, Case]], tmp_path: Path, tries: Tries) -> None:
    folder, cases = disc
    assert silent(check_file_set(folder).findings, cases) == []
    with fileset.Reader(folder) as reader:
        report = extract(reader, tmp_path / "OUT")
    assert silent(report.findings, cases) == []
    assert not report.complete
    tries("files that differ from their record, extracted and checked", COUNT)


def test_extract_names_copies_after_the_record_if_asked_to(disc: tuple[Path, dict[str, Case]], tmp_path: Path) -> None:
    folder, cases = disc
    with fileset.Reader(folder) as reader:
        report = extract(reader, tmp_path / "OUT", template="{PatientID}/{SOPInstanceUID}", trust_dicomdir=True)
    assert silent(report.findings, cases) == []
    assert not report.complete
    former = {value for key, value, _ in cases.values() if key == "PatientID"}
    assert former <= {path.name for path in (tmp_path / "OUT").iterdir()}


def test_repair_keeps_the_patients_and_studies_of_the_records_if_asked_to(
    disc: tuple[Path, dict[str, Case]], tmp_path: Path
) -> None:
    folder, cases = disc
    shutil.copytree(folder, tmp_path / "DISC")
    report = fileset.repair_file_set(tmp_path / "DISC", trust_dicomdir=True)
    assert silent(report.findings, cases) == []
    assert not report.complete
    with fileset.Reader(tmp_path / "DISC") as reader:
        for keyword, level in zip(KEYWORDS, ("PATIENT", "STUDY", "SERIES"), strict=False):
            listed = {record.get(keyword) for record in reader.find(level)}
            assert {former for key, former, _ in cases.values() if key == keyword} <= listed
    again = fileset.repair_file_set(tmp_path / "DISC", trust_dicomdir=True)
    assert not again.written
