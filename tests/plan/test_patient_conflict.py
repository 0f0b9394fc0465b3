"""Law 4: the study of one person is never below the name of another."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import fileset
from fileset.cli import main
from fileset.records.person import PatientConflict, Person
from tests.support import synthetic


def ct(folder: Path, study: int, **keys: str) -> Path:
    """A CT file of a study, with keys set to other values."""
    dataset = synthetic.instance(synthetic.CT_IMAGE, study=study)
    for keyword, value in {"PatientID": "0", **keys}.items():
        setattr(dataset, keyword, value)
    folder.mkdir(exist_ok=True)
    return synthetic.write(dataset, folder / f"{study}_{len(list(folder.iterdir()))}")


ANN = {"PatientName": "ALPHA^ANN", "PatientBirthDate": "19500101", "PatientSex": "F"}
BOB = {"PatientName": "BETA^BOB", "PatientBirthDate": "19800101", "PatientSex": "M"}


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Two persons with one Patient ID."""
    ct(tmp_path / "IN", 1, **ANN)
    ct(tmp_path / "IN", 2, **BOB)
    return tmp_path / "IN"


def patients(medium: Path) -> dict[str, list[str]]:
    """The studies of each patient, by name."""
    with fileset.Reader(medium) as reader:
        found: dict[str, list[str]] = {}
        for study in reader.studies:
            assert study.parent is not None
            found.setdefault(str(study.parent["PatientName"]), []).append(study["StudyInstanceUID"])
        return found


STUDIES = [synthetic.uid("study", 1, 1), synthetic.uid("study", 1, 2)]


def create(source: Path, medium: Path, conflict: PatientConflict) -> fileset.Report:
    with fileset.Creator(medium, patient_conflict=conflict) as creator:
        creator.add(source)
    return creator.report


def found_by_check(medium: Path) -> set[str]:
    """The rules of the errors that a check finds."""
    return {one.rule for one in fileset.check_file_set(medium).findings if one.severity == "error"}


def test_the_later_person_is_refused_and_named(two: Path, tmp_path: Path) -> None:
    report = create(two, tmp_path / "OUT", "refuse")
    assert patients(tmp_path / "OUT") == {"ALPHA^ANN": STUDIES[:1]}
    [skipped] = report.skipped
    assert skipped.rule == "FS-PATIENT-CONFLICT"
    assert "ALPHA^ANN, born 19500101, F" in skipped.reason
    assert "BETA^BOB, born 19800101, M" in skipped.reason
    assert not report.complete


def test_two_persons_are_split_into_two_patient_records(two: Path, tmp_path: Path) -> None:
    report = create(two, tmp_path / "OUT", "split")
    assert patients(tmp_path / "OUT") == {"ALPHA^ANN": STUDIES[:1], "BETA^BOB": STUDIES[1:]}
    assert report.skipped == []
    assert found_by_check(tmp_path / "OUT") <= {finding.rule for finding in report.findings} == {"FS-PATIENT-TWICE"}
    with fileset.Reader(tmp_path / "OUT") as reader:
        assert [patient["PatientID"] for patient in reader.patients] == ["0", "0"]


def test_two_persons_are_merged_with_a_warning(two: Path, tmp_path: Path) -> None:
    report = create(two, tmp_path / "OUT", "merge")
    assert patients(tmp_path / "OUT") == {"ALPHA^ANN": STUDIES}
    assert "FS-KEY-CONFLICT" in {finding.rule for finding in report.findings}


@pytest.mark.parametrize("name", ["alpha^ann", "Alpha Ann", "ALPHA^ANN^^", "ALPHA,  ANN", "ANN^ALPHA"])
def test_variants_of_one_spelling_merge_with_a_note(tmp_path: Path, name: str) -> None:
    ct(tmp_path / "IN", 1, **ANN)
    ct(tmp_path / "IN", 2, **{**ANN, "PatientName": name, "PatientBirthDate": "19500102"})
    report = create(tmp_path / "IN", tmp_path / "OUT", "refuse")
    if name == "ANN^ALPHA":
        assert {one.rule for one in report.skipped} == {"FS-PATIENT-CONFLICT"}
    else:
        assert report.skipped == []
        assert "FS-KEY-CONFLICT" in {finding.rule for finding in report.findings}


@pytest.mark.parametrize("conflict", ["refuse", "split", "merge"])
def test_one_study_of_two_patient_ids_follows_the_option(tmp_path: Path, conflict: PatientConflict) -> None:
    ct(tmp_path / "IN", 1, **{**ANN, "PatientID": "A"})
    ct(tmp_path / "IN", 1, **{**BOB, "PatientID": "B", "SOPInstanceUID": "1.2.3"})
    report = create(tmp_path / "IN", tmp_path / "OUT", conflict)
    assert len(report.skipped) == (conflict == "refuse")
    names = {"refuse": ["ALPHA^ANN"], "split": ["ALPHA^ANN", "BETA^BOB"], "merge": ["ALPHA^ANN"]}
    assert list(patients(tmp_path / "OUT")) == names[conflict]
    found = found_by_check(tmp_path / "OUT")
    assert found <= {finding.rule for finding in report.findings}


@pytest.mark.parametrize("conflict", ["refuse", "split", "merge"])
def test_updates_compare_with_the_person_on_the_medium(two: Path, tmp_path: Path, conflict: PatientConflict) -> None:
    first, second = sorted(two.iterdir())
    create(first, tmp_path / "OUT", "refuse")
    with fileset.Updater(tmp_path / "OUT", patient_conflict=conflict) as updater:
        updater.add(second)
    expected = {
        "refuse": {"ALPHA^ANN": STUDIES[:1]},
        "split": {"ALPHA^ANN": STUDIES[:1], "BETA^BOB": STUDIES[1:]},
        "merge": {"ALPHA^ANN": STUDIES},
    }
    assert patients(tmp_path / "OUT") == expected[conflict]
    assert {one.rule for one in updater.report.skipped} == ({"FS-PATIENT-CONFLICT"} if conflict == "refuse" else set())


def test_the_command_names_the_option_that_takes_the_file(
    two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["create", str(two), "-o", str(tmp_path / "OUT")]) == 3
    assert "--patient-conflict split" in capsys.readouterr().err
    assert main(["create", str(two), "-o", str(tmp_path / "SPLIT"), "--patient-conflict", "split"]) == 0
    assert main(["index", str(two), "--patient-conflict", "wrong"]) == 2


def test_a_person_is_another_only_if_name_and_birth_date_or_sex_differ() -> None:
    dice = random.Random(4)
    others = 0
    for _ in range(1000):
        one, other = (
            Person(dice.choice(("A^B", "a b", "C^D", "")), dice.choice(("1", "2", "")), dice.choice(("F", "M", "")))
            for _ in range(2)
        )
        assert one.is_other_than(other) == other.is_other_than(one)
        if one.is_other_than(other):
            others += 1
            assert {one.name[:1].lower(), other.name[:1].lower()} == {"a", "c"}
            assert one.birth_date != other.birth_date or one.sex != other.sex
    print(f"1000 pairs of persons: {others} conflicts")  # noqa: T201  # the figures of the property
    assert others > 50


def add(source: Path, medium: Path, conflict: PatientConflict) -> fileset.Report:
    with fileset.Updater(medium, patient_conflict=conflict) as updater:
        updater.add(source)
    return updater.report


def under(medium: Path) -> dict[tuple[str, str], int]:
    """The number of instances by name of the patient and Study Instance UID."""
    with fileset.Reader(medium) as reader:
        found: dict[tuple[str, str], int] = {}
        for record in reader.instances:
            assert record.patient is not None
            assert record.study is not None
            place = str(record.patient["PatientName"]), record.study["StudyInstanceUID"]
            found[place] = found.get(place, 0) + 1
        return found


def test_updates_find_each_of_two_persons_again(two: Path, tmp_path: Path) -> None:
    create(two, tmp_path / "OUT", "split")
    more = [
        ct(tmp_path / "MORE", 1, **{**ANN, "SOPInstanceUID": "1.2.1"}),
        ct(tmp_path / "MORE", 2, **{**BOB, "SOPInstanceUID": "1.2.2"}),
        ct(tmp_path / "MORE", 3, **{**BOB, "SOPInstanceUID": "1.2.3"}),
    ]
    for source in more:
        report = add(source, tmp_path / "OUT", "split")
        assert report.skipped == []
    new = synthetic.uid("study", 1, 3)
    assert under(tmp_path / "OUT") == {
        ("ALPHA^ANN", STUDIES[0]): 2,
        ("BETA^BOB", STUDIES[1]): 2,
        ("BETA^BOB", new): 1,
    }
    assert len(patients(tmp_path / "OUT")) == 2


def test_updates_split_a_study_of_another_patient_id(tmp_path: Path) -> None:
    create(ct(tmp_path / "IN", 1, **{**ANN, "PatientID": "A"}), tmp_path / "OUT", "refuse")
    other = {**BOB, "PatientID": "B"}
    assert add(ct(tmp_path / "IN", 1, **{**other, "SOPInstanceUID": "1.2.1"}), tmp_path / "OUT", "refuse").skipped
    report = add(ct(tmp_path / "IN", 1, **{**other, "SOPInstanceUID": "1.2.1"}), tmp_path / "OUT", "split")
    assert report.skipped == []
    assert "FS-STUDY-TWICE" in {finding.rule for finding in report.findings}
    for source in (
        ct(tmp_path / "IN", 1, **{**other, "SOPInstanceUID": "1.2.2"}),
        ct(tmp_path / "IN", 1, **{**ANN, "PatientID": "A", "SOPInstanceUID": "1.2.3"}),
    ):
        assert add(source, tmp_path / "OUT", "refuse").skipped == []
    assert under(tmp_path / "OUT") == {("ALPHA^ANN", STUDIES[0]): 2, ("BETA^BOB", STUDIES[0]): 2}
    assert found_by_check(tmp_path / "OUT") <= {"FS-STUDY-TWICE", "FS-SERIES-TWICE"}


def test_updates_never_put_one_study_of_two_persons_with_one_id_below_the_first(tmp_path: Path) -> None:
    create(ct(tmp_path / "IN", 1, **ANN), tmp_path / "OUT", "refuse")
    add(ct(tmp_path / "IN", 1, **{**BOB, "SOPInstanceUID": "1.2.1"}), tmp_path / "OUT", "split")
    assert under(tmp_path / "OUT") == {("ALPHA^ANN", STUDIES[0]): 1, ("BETA^BOB", STUDIES[0]): 1}


def test_a_merge_of_two_patient_ids_names_the_difference_that_check_finds(tmp_path: Path) -> None:
    ct(tmp_path / "IN", 1, **{**ANN, "PatientID": "A"})
    ct(tmp_path / "IN", 1, **{**BOB, "PatientID": "B", "SOPInstanceUID": "1.2.3"})
    report = create(tmp_path / "IN", tmp_path / "OUT", "merge")
    assert "FS-KEY-DIFFERS" in found_by_check(tmp_path / "OUT") <= {finding.rule for finding in report.findings}
    assert not report.complete
