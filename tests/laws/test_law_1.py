"""Law 1: file-sets that create, index, add and repair write pass `check`, except for faults that their report named."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pydicom
import pytest

import fileset
from fileset.check import CheckReport, check_file_set
from fileset.findings import ERROR
from fileset.report import Report
from tests.support import synthetic
from tests.support.faulty import Faulty, faulty_files
from tests.support.long import LONG
from tests.support.tries import Tries

SHIPPED = Path(*pydicom.__path__) / "data" / "test_files"
COUNT = 4000 if LONG else 1040
ALONE = 520 if LONG else 130
SEED = 20261127
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def faulty() -> list[Faulty]:
    return list(faulty_files(COUNT, SEED))


@pytest.fixture
def folder(faulty: list[Faulty], tmp_path: Path) -> Path:
    """Each file under a name that is a File ID."""
    folder = tmp_path / "SOURCE"
    folder.mkdir()
    for number, file in enumerate(faulty):
        (folder / f"F{number:06}").write_bytes(file.data)
    return folder


def unnamed(report: Report, check: CheckReport) -> list[str]:
    """The errors of a check whose rule the report names less often."""
    named = Counter(finding.rule for finding in report.findings)
    found = Counter(finding.rule for finding in check.findings if finding.severity == ERROR)
    missing = {rule for rule, count in found.items() if named[rule] < count}
    return [str(finding) for finding in check.findings if finding.rule in missing and finding.severity == ERROR]


def at_files(report: Report, check: CheckReport, sources: dict[str, str]) -> list[str]:
    """The errors of a check about a file that the report does not name for the same file."""
    named = {(finding.where.file, finding.rule) for finding in report.findings}
    return [
        str(finding)
        for finding in check.findings
        if finding.severity == ERROR
        and finding.where.file in sources
        and finding.where.offset is not None
        and (sources[finding.where.file], finding.rule) not in named
    ]


def test_create_names_each_fault(folder: Path, tmp_path: Path, tries: Tries) -> None:
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(folder)
    check = check_file_set(tmp_path / "OUT")
    sources = {added.file_id.path: added.source for added in creator.report.added}
    assert unnamed(creator.report, check) == []
    assert at_files(creator.report, check, sources) == []
    assert len(creator.report.added) > COUNT // 2
    tries("files with one fault, created and checked", COUNT)


def test_index_names_each_fault(folder: Path, tries: Tries) -> None:
    report = fileset.index(folder)
    check = check_file_set(folder)
    assert unnamed(report, check) == []
    assert at_files(report, check, {added.file_id.path: added.file_id.path for added in report.added}) == []
    tries("files with one fault, indexed and checked", COUNT)


def test_add_names_each_fault(folder: Path, tmp_path: Path, tries: Tries) -> None:
    good = synthetic.write(synthetic.instance("1.2.840.10008.5.1.4.1.1.2", patient=9999), tmp_path / "GOOD")
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(good)
    with fileset.Updater(tmp_path / "OUT") as updater:
        updater.add(folder)
    check = check_file_set(tmp_path / "OUT")
    assert unnamed(updater.report, check) == []
    tries("files with one fault, added and checked", COUNT)


@pytest.mark.parametrize("dicomdir", ["former", "none"])
def test_repair_names_each_fault(folder: Path, dicomdir: str, tries: Tries) -> None:
    if dicomdir == "former":  # made of the files before they had their faults
        fileset.index(folder)
        random = Random(SEED)
        for path in random.sample(sorted(folder.glob("F*")), COUNT // 4):
            path.write_bytes(path.read_bytes()[:-3])
    report = fileset.repair_file_set(folder)
    assert unnamed(report, check_file_set(folder)) == []
    tries("files with one fault, repaired and checked", COUNT)


Written = tuple[Report, Path]


def created(file: Path) -> Written:
    with fileset.Creator(file.parent / "OUT") as creator:
        creator.add(file)
    return creator.report, file.parent / "OUT"


def added(file: Path) -> Written:
    out = created(synthetic.write(synthetic.instance(synthetic.CT_IMAGE, patient=9999), file.parent / "GOOD"))[1]
    with fileset.Updater(out) as updater:
        updater.add(file)
    return updater.report, out


def indexed(file: Path) -> Written:
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, patient=9999), file.parent / "GOOD")
    return fileset.index(file.parent), file.parent


def repaired(file: Path) -> Written:
    held = file.read_bytes()
    file.unlink()
    _, folder = indexed(file)
    file.write_bytes(held)
    return fileset.repair_file_set(folder), folder


@pytest.mark.parametrize("verb", [created, added, indexed, repaired])
def test_a_single_fault_is_named_and_is_not_a_success(
    verb: Callable[[Path], Written], faulty: list[Faulty], tmp_path: Path, tries: Tries
) -> None:
    """A file that nothing else hides: the exit code is not 0 if a check finds an error afterwards."""
    for number, file in enumerate(faulty[:ALONE]):
        (tmp_path / f"D{number}").mkdir()
        (tmp_path / f"D{number}" / "FILE").write_bytes(file.data)
        report, medium = verb(tmp_path / f"D{number}" / "FILE")
        if (medium / "DICOMDIR").exists():
            check = check_file_set(medium)
            assert unnamed(report, check) == [], file.title
            assert not (check.errors and report.complete), file.title
        shutil.rmtree(tmp_path / f"D{number}")
    tries(f"files with one fault, {verb.__name__} alone and checked", ALONE)


def test_all_real_files_are_checked_as_they_were_written(tmp_path: Path) -> None:
    """Pydicom ships real files of many makers, right and wrong ones."""
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(SHIPPED)
    assert len(creator.report.added) > 80
    assert unnamed(creator.report, check_file_set(tmp_path / "OUT")) == []
    (tmp_path / "OUT" / "DICOMDIR").unlink()
    assert unnamed(fileset.index(tmp_path / "OUT"), check_file_set(tmp_path / "OUT")) == []
    repaired = fileset.repair_file_set(tmp_path / "OUT")
    assert unnamed(repaired, check_file_set(tmp_path / "OUT")) == []


def test_index_names_the_faults_of_a_file_that_it_does_not_list(tmp_path: Path) -> None:
    folder = tmp_path / "IN"
    folder.mkdir()
    data = synthetic.ct(8, 1, 1, 1)
    stored = data.index(b"UI", data.index(b"\2\0\3\0")) + 6
    (folder / "A").write_bytes(data)
    (folder / "B").write_bytes(data[:stored] + b"2.1" + data[stored + 3 :])
    report = fileset.index(folder)
    assert [one.source for one in report.skipped] == ["B"]
    named = {(one.rule, one.where.file) for one in report.findings}
    assert ("FS-META-DIFFERS", "B") in named
    errors = {(one.rule, one.where.file) for one in check_file_set(folder).findings if one.severity == ERROR}
    assert errors <= named
