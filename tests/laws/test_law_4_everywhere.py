"""Law 4 for verbs that show or hand on: a file about another patient than its record is named with both values, exit code 3."""

from __future__ import annotations

from pathlib import Path

import pytest

import fileset
from fileset.findings import RULES
from fileset.transfer.compare import disagreement
from fileset.transfer.payload import payload
from tests.laws.forged import MEDIA, OTHERS, forged
from tests.support import synthetic
from tests.support.command import Runs

VERBS = [
    "list --level IMAGE --read-files",
    "extract -o",
    "create -o",
    "pages -o",
    "add",
    "repair",
    "check --show-values",
]
"""The verbs that hand a file on, and the two that judge it; `view` shows what `pages` writes."""


@pytest.mark.parametrize(("medium", "files"), [("DISC", 1), ("DISC", 2), ("DISC.iso", 2), ("DISC.zip", 1)])
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", OTHERS)
def test_a_file_of_another_patient_is_named(
    kind: str, verb: str, medium: str, files: int, run: Runs, tmp_path: Path
) -> None:
    disc, former, value = forged(tmp_path, kind, medium, files)
    name, *options = verb.split()
    out = [tmp_path / "OUT"] if options[-1:] == ["-o"] else []
    if name == "add":
        synthetic.write(synthetic.instance(synthetic.CT_IMAGE, patient=7), tmp_path / "HERE" / "GOOD")
        fileset.index(tmp_path / "HERE")
        done = run("add", tmp_path / "HERE", disc, code=3)
    else:
        done = run(name, disc, *options, *out, code=1 if name == "check" else 3)
    said = [line for line in (done.stderr + done.stdout).splitlines() if f"IM{files - 1:06}" in line]
    assert any(former in line and value in line for line in said), said


REFUSED = frozenset((("patient", 2), ("person", 2), ("study", 2)))
"""The kinds that `refresh` skips if a second file still confirms the record."""


@pytest.mark.parametrize(("medium", "files"), [("DISC", 1), ("DISC", 2), ("DISC.iso", 1)])
@pytest.mark.parametrize("kind", OTHERS)
def test_refresh_names_both_values_and_renews_the_record_or_skips_the_file(
    kind: str, medium: str, files: int, run: Runs, tmp_path: Path
) -> None:
    disc, former, value = forged(tmp_path, kind, medium, files)
    is_refused = (kind, files) in REFUSED
    done = run("refresh", disc, code=3)
    said = [line for line in done.stderr.splitlines() if f"IM{files - 1:06}" in line]
    assert any(former in line and value in line for line in said), said
    if is_refused:
        run("check", disc, code=1)
    else:
        run("check", disc)
        run("refresh", disc)


@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize("kind", OTHERS)
def test_sending_compares_each_file_with_its_records(kind: str, medium: str, tmp_path: Path) -> None:
    disc, former, value = forged(tmp_path, kind, medium)
    with fileset.Reader(disc) as reader:
        good, other = (disagreement(record, payload(record).identity) for record in reader.instances)
    assert good == ""
    assert former in other
    assert value in other


@pytest.mark.parametrize("verb", ["check", "repair", "create -o", "add"])
def test_two_persons_with_one_patient_id_are_the_same_error_everywhere(verb: str, run: Runs, tmp_path: Path) -> None:
    disc, _, _ = forged(tmp_path, "person", "DISC")
    name, *options = verb.split()
    medium: list[str | Path] = [disc, *options, *([tmp_path / "OUT"] if options else [])]
    if name == "add":
        synthetic.write(synthetic.instance(synthetic.CT_IMAGE, patient=7), tmp_path / "HERE" / "GOOD")
        fileset.index(tmp_path / "HERE")
        medium = [tmp_path / "HERE", disc]
    done = run(name, *medium, code=1 if name == "check" else 3)
    assert "FS-PATIENT-CONFLICT" in done.stderr + done.stdout
    assert RULES["FS-PATIENT-CONFLICT"].severity == "error"


def test_repair_takes_the_person_of_the_files_if_no_file_confirms_the_record(run: Runs, tmp_path: Path) -> None:
    disc, former, value = forged(tmp_path, "person", "DISC", files=1)
    run("repair", disc, code=3)
    run("check", disc)
    with fileset.Reader(disc) as reader:
        assert [str(patient["PatientName"]) for patient in reader.patients] == [value] != [former]


def test_repair_keeps_the_person_of_the_record_if_it_is_trusted(run: Runs, tmp_path: Path) -> None:
    disc, former, _ = forged(tmp_path, "person", "DISC", files=1)
    run("repair", disc, "--trust-dicomdir", code=3)
    with fileset.Reader(disc) as reader:
        assert [str(patient["PatientName"]) for patient in reader.patients] == [former]


def test_create_takes_the_person_of_the_record_if_it_is_trusted(run: Runs, tmp_path: Path) -> None:
    disc, former, _ = forged(tmp_path, "person", "DISC", files=1)
    done = run("create", disc, "-o", tmp_path / "OUT", "--trust-dicomdir", code=3)
    assert "the record is used" in done.stderr
    with fileset.Reader(tmp_path / "OUT") as reader:
        assert [str(patient["PatientName"]) for patient in reader.patients] == [former]
    assert "FS-PATIENT-CONFLICT" in {finding.rule for finding in fileset.check_file_set(tmp_path / "OUT").findings}


def test_a_merge_of_two_persons_names_the_error_that_check_finds(run: Runs, tmp_path: Path) -> None:
    for study, name, born in ((1, "Alpha^Ann", "19500101"), (2, "Beta^Bob", "19800101")):
        dataset = synthetic.instance(synthetic.CT_IMAGE, study=study)
        dataset.PatientName, dataset.PatientBirthDate = name, born
        synthetic.write(dataset, tmp_path / "IN" / f"IM{study}")
    done = run("create", tmp_path / "IN", "-o", tmp_path / "OUT", "--patient-conflict", "merge", code=3)
    assert "FS-PATIENT-CONFLICT" in done.stderr
    assert "FS-PATIENT-CONFLICT" in run("check", tmp_path / "OUT", code=1).stdout


@pytest.mark.parametrize("first", [{}, {"PatientName": ""}], ids=["only a name", "no name"])
def test_the_order_of_the_files_hides_no_other_person(first: dict[str, str], run: Runs, tmp_path: Path) -> None:
    persons = [
        {"PatientBirthDate": "", "PatientSex": "", **first},
        {},
        {"PatientName": "Roe^John", "PatientBirthDate": "19010203"},
    ]
    for number, person in enumerate(persons, start=1):
        dataset = synthetic.instance(synthetic.CT_IMAGE, study=number)
        for keyword, value in person.items():
            setattr(dataset, keyword, value)
        synthetic.write(dataset, tmp_path / "IN" / f"IM{number}")
    done = run("create", tmp_path / "IN", "-o", tmp_path / "OUT", code=3)
    assert "IM3: Patient ID 'P1' belongs to Doe^Jane, born 19700101" in done.stderr
    run("check", tmp_path / "OUT")


@pytest.mark.parametrize("name", ["DOE^JANE", "Doe^Jane^^^", "doe  jane", ""])
def test_another_spelling_is_no_other_person(name: str, run: Runs, tmp_path: Path) -> None:
    for number in (1, 2):
        synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=number), tmp_path / "DISC" / f"IM{number}")
    fileset.index(tmp_path / "DISC")
    dataset = synthetic.instance(synthetic.CT_IMAGE, number=2)
    dataset.PatientName, dataset.PatientBirthDate = name, "19010203"
    synthetic.write(dataset, tmp_path / "DISC" / "IM2")
    run("check", tmp_path / "DISC")
    run("list", tmp_path / "DISC", "--level", "IMAGE", "--read-files")
    run("extract", tmp_path / "DISC", "-o", tmp_path / "OUT")
    run("pages", tmp_path / "DISC", "-o", tmp_path / "PAGES")


@pytest.mark.parametrize("verb", ["create", "add"])
def test_a_birth_date_that_comes_later_shows_that_two_names_are_two_persons(
    verb: str, run: Runs, tmp_path: Path
) -> None:
    persons = [("Roe^John", "", ""), ("Alpha^Ann", "19500101", "F"), ("Roe^John", "19600101", "")]
    for number, person in enumerate(persons, start=1):
        dataset = synthetic.instance(synthetic.CT_IMAGE, study=number)
        dataset.PatientName, dataset.PatientBirthDate, dataset.PatientSex = person
        synthetic.write(dataset, tmp_path / ("FIRST" if verb == "add" and number == 1 else "IN") / f"IM{number}")
    if verb == "add":
        run("create", tmp_path / "FIRST", "-o", tmp_path / "OUT")
        done = run("add", tmp_path / "OUT", tmp_path / "IN", code=3)
    else:
        done = run("create", tmp_path / "IN", "-o", tmp_path / "OUT", code=3)
    assert "IM3: Patient ID 'P1' belongs to Alpha^Ann, born 19500101, F, but this file is about Roe^John" in done.stderr
    run("check", tmp_path / "OUT")
