"""Law 4: two persons on one medium stay apart, also if files have no Patient ID, or their records must stay as they are."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

import fileset
from fileset.findings import ERROR
from fileset.records.person import CONFLICTS, Person
from tests.support import synthetic
from tests.support.command import Run, Runs, in_process
from tests.support.tries import Tries

JANE: Final[dict[str, Any]] = {"PatientName": "Doe^Jane", "PatientBirthDate": "19700101", "PatientSex": "F"}
JOHN: Final[dict[str, Any]] = {"PatientName": "Roe^John", "PatientBirthDate": "19010203", "PatientSex": "M"}


def image(path: Path, number: int, study: int = 1, series: int = 1, **values: Any) -> Path:
    dataset = synthetic.instance(synthetic.CT_IMAGE, number=number, study=study, series=series)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return synthetic.write(dataset, path)


def patients(medium: Path) -> dict[str, tuple[str, str]]:
    """File ID -> Patient ID and name of its PATIENT record."""
    with fileset.Reader(medium) as reader:
        return {
            str(record.file_id): (str(record.patient["PatientID"]), str(record.patient["PatientName"]))
            for record in reader.instances
            if record.patient is not None
        }


@pytest.mark.parametrize(("conflict", "code"), [("refuse", 3), ("split", 0), ("merge", 3)])
def test_a_patient_id_never_names_the_other_person_of_the_study(
    conflict: str, code: int, run: Runs, tmp_path: Path
) -> None:
    """The first file has no Patient ID; the second has one, and is about another person."""
    image(tmp_path / "IN" / "IM1", 1, PatientID="", **JOHN)
    image(tmp_path / "IN" / "IM2", 2, PatientID="P1", **JANE)
    done = run("create", tmp_path / "IN", "-o", tmp_path / "OUT", "--patient-conflict", conflict, code=code)
    named = set(patients(tmp_path / "OUT").values())
    if conflict == "merge":
        assert "Patient ID 'P1' belongs to Roe^John" in done.stderr
        assert named == {("P1", "Roe^John")}
    else:
        assert ("P1", "Roe^John") not in named
        assert len(named) == (2 if conflict == "split" else 1)


def test_an_added_file_without_patient_id_is_compared_with_the_person_of_its_study(run: Runs, tmp_path: Path) -> None:
    image(tmp_path / "OUT" / "IM1", 1, PatientID="", **JOHN)
    fileset.index(tmp_path / "OUT")
    image(tmp_path / "IN" / "IM2", 2, PatientID="", **JANE)
    done = run("add", tmp_path / "OUT", tmp_path / "IN", code=3)
    assert "belongs to Roe^John" in done.stderr
    assert len(patients(tmp_path / "OUT")) == 1


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """Two persons with one Patient ID, and one study of two patients."""
    folder = tmp_path / "SPLIT"
    image(folder / "IM1", 1, study=2, PatientID="P1", **JANE)
    image(folder / "IM2", 2, study=1, series=1, PatientID="P2", **JANE)
    image(folder / "IM3", 3, study=1, series=2, PatientID="P1", **JOHN)
    fileset.index(folder, patient_conflict="split")
    return folder


def test_a_repair_keeps_persons_with_one_patient_id_apart(split: Path, run: Runs) -> None:
    before = patients(split)
    image(split / "IM4", 4, study=3, PatientID="P3")
    done = run("repair", split)
    assert "same PatientID as PATIENT 1; it stays" in done.stderr
    assert before.items() < patients(split).items()
    assert not fileset.repair_file_set(split).written


@pytest.mark.parametrize("name", ["IM1", "IM2", "IM3"])
def test_a_repair_leaves_the_record_of_an_unreadable_file_below_its_patient(name: str, split: Path, run: Runs) -> None:
    before = patients(split)
    (split / name).write_bytes((split / name).read_bytes()[:200])
    image(split / "IM4", 4, study=3, PatientID="P3")
    run("repair", split, code=3)
    assert before.items() < patients(split).items()


def test_a_repair_moves_only_the_files_that_name_another_patient(run: Runs, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        image(tmp_path / "DISC" / f"IM{number}", number, PatientID="P1", **JANE)
    fileset.index(tmp_path / "DISC")
    for number in (1, 2, 3):
        image(tmp_path / "DISC" / f"IM{number}", number, PatientID="P9", **JOHN)
    (tmp_path / "DISC" / "IM2").write_bytes(synthetic.ct(1)[:200])
    done = run("repair", tmp_path / "DISC", "--json", code=3)
    assert patients(tmp_path / "DISC") == {
        "IM1": ("P9", "Roe^John"),
        "IM2": ("P1", "Doe^Jane"),
        "IM3": ("P9", "Roe^John"),
    }
    found = {one.rule for one in fileset.check_file_set(tmp_path / "DISC").findings if one.severity == ERROR}
    assert found <= {one["rule"] for one in done.document["findings"]}


NAMES: Final = ("Doe^Jane", "DOE^JANE", "doe jane", "Roe^John", "Doe^John", "Jane^Doe", "")
COUNT: Final = 130
MERGED: Final = frozenset(("FS-PATIENT-CONFLICT", "FS-KEY-DIFFERS"))
"""The rules under which a merge names the files that it lists below another patient."""


def random_image(dice: Random, path: Path, number: int) -> None:
    values: dict[str, Any] = {
        "PatientID": dice.choice(("P1", "P1", "P1", "P2", " P1", "", "p1")),
        "PatientName": dice.choice(NAMES),
        "PatientBirthDate": dice.choice(("19700101", "19700101", "", "19800202")),
        "PatientSex": dice.choice(("F", "F", "M", "O", "")),
    }
    if dice.random() < 0.15:
        values["SeriesInstanceUID"] = synthetic.uid("series", "shared")
    image(path, number, dice.choice((1, 1, 2, 3)), dice.choice((1, 1, 2)), **values)


def wrong(medium: Path) -> list[str]:
    """The files whose PATIENT record is about another patient or person."""
    found = []
    with fileset.Reader(medium) as reader:
        for record in reader.instances:
            dataset, patient = record.dataset(), record.patient
            assert patient is not None
            keys = ("PatientName", "PatientBirthDate", "PatientSex")
            known = Person(*(str(patient.get(key) or "") for key in keys))
            person = Person(*(str(dataset.get(key) or "") for key in keys))
            other_id = dataset.PatientID.strip() not in ("", str(patient["PatientID"]))
            if other_id or person.is_other_than(known):
                found.append(f"{record.file_id}: {known} instead of {person}")
    return found


def written(verb: str, conflict: str, first: Path, second: Path, out: Path) -> tuple[Run, set[str]]:
    """Let a verb list the files of both folders; return its run, and the rules of an earlier run for the first folder."""
    if verb == "create":
        return in_process("create", first, second, "-o", out, "--patient-conflict", conflict, "--json"), set()
    shutil.copytree(first, out)
    if verb == "index":
        shutil.copytree(second, out, dirs_exist_ok=True)
        return in_process("index", out, "--patient-conflict", conflict, "--json"), set()
    before = {one.rule for one in fileset.index(out, patient_conflict=conflict).findings}  # type: ignore[arg-type]
    if verb == "add":
        return in_process("add", out, second, "--patient-conflict", conflict, "--json"), before
    shutil.copytree(second, out, dirs_exist_ok=True)
    return in_process("repair", out, "--json"), before


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["create", "index", "add", "repair"])
def test_no_file_is_below_another_person_unless_a_merge_was_asked_for(verb: str, tmp_path: Path, tries: Tries) -> None:
    dice = Random(verb)
    for at in range(COUNT):
        folder, conflict = tmp_path / str(at), dice.choice(CONFLICTS)
        files = dice.randint(2, 6)
        for number in range(1, files + 1):
            random_image(dice, folder / ("FIRST" if number <= files / 2 else "SECOND") / f"F{number}", number)
        done, before = written(verb, conflict, folder / "FIRST", folder / "SECOND", folder / "OUT")
        told = before | {one["rule"] for one in (*done.document["findings"], *done.document["skipped"])}
        found = {one.rule for one in fileset.check_file_set(folder / "OUT").findings if one.severity == ERROR}
        assert found - {"FS-FILE-UNLISTED"} <= told, (at, conflict)
        assert not wrong(folder / "OUT") or (conflict == "merge" and MERGED & told), (at, conflict)
        if verb == "repair":
            assert not fileset.repair_file_set(folder / "OUT").written, at
        shutil.rmtree(folder)
    tries(f"media of up to six files of several persons, {verb}", COUNT)
