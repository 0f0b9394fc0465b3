"""Law 4: the second file of a patient gets to the same patient, or is refused, in create, index, add and repair alike."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

import fileset
from tests.laws.forged import MEDIA, OTHERS, forged
from tests.support import synthetic
from tests.support.command import Run, Runs, in_process

VERBS: Final = ("create", "index", "add", "repair")
ANOTHER_STUDY: Final = {"StudyInstanceUID": "1.2.3.9", "SeriesInstanceUID": "1.2.3.9.1"}
CONFLICT: Final = "FS-PATIENT-CONFLICT"
DISAGREE: Final = "FS-KEY-CONFLICT"
INVENTED: Final = "FS-KEY-INVENTED"
SECOND_FILES: Final = {
    "of a patient whose ID differs in case": ({"PatientID": "p1", **ANOTHER_STUDY}, 2, set()),
    "of a patient whose ID has a zero before it": ({"PatientID": "0P1", **ANOTHER_STUDY}, 2, set()),
    "with spaces around the ID": ({"PatientID": " P1  ", **ANOTHER_STUDY}, 1, set()),
    "with another name alone": ({"PatientName": "Roe^Jill", **ANOTHER_STUDY}, 1, {DISAGREE}),
    "with another birth date alone": ({"PatientBirthDate": "19800202", **ANOTHER_STUDY}, 1, {DISAGREE}),
    "of another person": ({"PatientName": "Roe^Jill", "PatientSex": "M", **ANOTHER_STUDY}, 1, {CONFLICT}),
    "of another person in the same study": ({"PatientName": "Roe^Jill", "PatientSex": "M"}, 1, {CONFLICT}),
    "without ID in the same study": ({"PatientID": ""}, 1, set()),
    "without ID, of another person in the same study": (
        {"PatientID": "", "PatientName": "Roe^Jill", "PatientSex": "M"},
        1,
        {CONFLICT},
    ),
    "without ID in another study": ({"PatientID": "", **ANOTHER_STUDY}, 2, {INVENTED}),
    "in capitals, with another sex": ({"PatientName": "DOE JANE", "PatientSex": "M", **ANOTHER_STUDY}, 1, {DISAGREE}),
    "with another ID in the same study": ({"PatientID": "P9"}, 1, {"FS-STUDY-TWO-PATIENTS"}),
    "with another ID and study in the same series": (
        {"PatientID": "P9", "StudyInstanceUID": "1.2.3.9"},
        1,
        {"FS-SERIES-TWO-STUDIES"},
    ),
}
"""What the second file differs in, the number of patients, and the rules in the report, apart from unlisted files."""


def image(number: int, **values: str) -> bytes:
    """An image of Jane Doe, P1, a woman, with other values."""
    dataset = synthetic.instance(synthetic.CT_IMAGE, number=number)
    for keyword, value in {"PatientName": "Doe^Jane", "PatientID": "P1", "PatientSex": "F", **values}.items():
        setattr(dataset, keyword, value)
    return synthetic.encode(dataset)


def written(verb: str, first: bytes, second: bytes, folder: Path) -> tuple[Run, Path]:
    """Let a verb list two files, or the second one beside the first."""
    source, out = folder / "SOURCE", folder / "OUT"
    for path in (source, out):
        path.mkdir()
    here = source if verb == "create" else out
    (here / "IM1").write_bytes(first)
    if verb in ("add", "repair"):
        fileset.index(out)
    (source if verb in ("create", "add") else out).joinpath("IM2").write_bytes(second)
    words = {"create": (source, "-o", out), "add": (out, source)}.get(verb, (out,))
    return in_process(verb, *words, "--json"), out


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", SECOND_FILES)
def test_a_second_file_gets_to_the_right_patient_or_is_refused(kind: str, verb: str, tmp_path: Path) -> None:
    values, patients, rules = SECOND_FILES[kind]
    run, out = written(verb, image(1), image(2, **values), tmp_path)
    told = {one["rule"] for one in (*run.document["findings"], *run.document["skipped"])} - {"FS-FILE-UNLISTED"}
    assert told == rules
    is_refused = not rules <= {DISAGREE, INVENTED}
    assert run.code == (3 if is_refused else 0)
    with fileset.Reader(out) as reader:
        assert len(list(reader.patients)) == patients
        assert len(list(reader.instances)) == (1 if is_refused else 2)
        assert all(list(patient.children) for patient in reader.patients)
    errors = {
        one["rule"] for one in in_process("check", out, "--json").document["findings"] if one["severity"] == "error"
    }
    assert errors == ({"FS-FILE-UNLISTED"} if is_refused and verb in ("index", "repair") else set())


@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize("kind", OTHERS)
def test_extract_leaves_out_a_file_that_only_its_record_makes_match(
    kind: str, medium: str, run: Runs, tmp_path: Path
) -> None:
    disc, former, value = forged(tmp_path, kind, medium)
    key = next(iter(OTHERS[kind]))
    done = run("extract", disc, "-o", tmp_path / "OUT", f"{key}={former}", code=3)
    said = (
        f"IM000001: its record says {key} {former}, the file says {value}: not the {key} that you asked for; left out"
    )
    assert said in done.stderr
    copied = [path.read_bytes() for path in (tmp_path / "OUT").rglob("*") if path.is_file()]
    assert len(copied) == (0 if kind == "instance" else 1)
    assert not any(value.encode() in content for content in copied)


def test_the_images_below_the_record_of_another_patient_are_found_as_the_message_says(
    run: Runs, tmp_path: Path
) -> None:
    disc, _, value = forged(tmp_path, "patient", "DISC")
    said = run("extract", disc, "-o", tmp_path / "OUT", f"PatientID={value}", code=3).stderr
    assert "--scan searches the files themselves" in said
    assert "1 file (" in run("extract", disc, "-o", tmp_path / "OUT", f"PatientID={value}", "--scan").stderr


@pytest.mark.parametrize("key", ["PatientBirthDate=1969-1971", "00100030=19700101", "PatientID=P1|P2"])
def test_extract_compares_the_file_in_every_form_of_a_condition(key: str, run: Runs, tmp_path: Path) -> None:
    disc, _, _ = forged(tmp_path, "patient" if "PatientID" in key else "person", "DISC")
    done = run("extract", disc, "-o", tmp_path / "OUT", key, code=3)
    assert "that you asked for; left out" in done.stderr
    assert "1 file (" in done.stderr


@pytest.mark.parametrize("words", [["PatientID=P1", "--trust-dicomdir"], ["PatientID=P*"], ["Modality=CT"], []])
def test_extract_copies_another_patient_if_the_record_is_trusted_or_the_file_matches(
    words: list[str], run: Runs, tmp_path: Path
) -> None:
    disc, _, _ = forged(tmp_path, "patient", "DISC")
    done = run("extract", disc, "-o", tmp_path / "OUT", *words, code=3)
    assert "PatientID is P1 in the record and P9 in the file" in done.stderr
    assert "2 files (" in done.stderr


@pytest.mark.parametrize("values", [{"PatientName": "DOE JANE"}, {"PatientID": ""}])
def test_another_spelling_or_a_missing_value_does_not_leave_a_file_out(
    values: dict[str, str], run: Runs, tmp_path: Path
) -> None:
    (tmp_path / "DISC").mkdir()
    (tmp_path / "DISC" / "IM1").write_bytes(image(1))
    fileset.index(tmp_path / "DISC")
    (tmp_path / "DISC" / "IM1").write_bytes(image(1, **values))
    run("extract", tmp_path / "DISC", "-o", tmp_path / "OUT", "PatientID=P1", "PatientName=Doe^Jane")
    run("extract", tmp_path / "DISC", "-o", tmp_path / "NEW", "PatientName=Doe^Jane", "--set", "PatientName=Roe^Jill")


SEEN_BY_A_READER: Final = {
    "with another ID in the same study": (2, "FS-STUDY-TWO-PATIENTS"),
    "with another ID and study in the same series": (2, "FS-SERIES-TWO-STUDIES"),
    "of another person": (2, CONFLICT),
    "of another person in the same study": (2, CONFLICT),
    "with another name alone": (1, DISAGREE),
}
"""The number of patients that a reader shows, and the rule of the finding."""


@pytest.mark.parametrize("second", SEEN_BY_A_READER)
def test_a_reader_of_the_files_shows_all_of_them_and_names_both_patients(
    tmp_path: Path, run: Runs, second: str
) -> None:
    patients, rule = SEEN_BY_A_READER[second]
    folder = tmp_path / "IN"
    folder.mkdir()
    (folder / "A").write_bytes(image(1))
    (folder / "B").write_bytes(image(2, **SECOND_FILES[second][0]))
    with fileset.Reader(folder, scan=True) as reader:
        assert len(list(reader.instances)) == 2
        assert len(list(reader.find("PATIENT"))) == patients
        (finding,) = [one for one in reader.findings if one.rule == rule]
    listed = run("list", folder, "--scan")
    copied = run("extract", folder, "-o", tmp_path / "OUT")
    assert listed.stderr.count(finding.message) == copied.stderr.count(finding.message) == 1
    assert next(iter(SECOND_FILES[second][0].values())) in finding.message + listed.stdout
    table = run("list", folder, "--scan", "--csv")
    assert len(table.stdout.splitlines()) == 3
    assert finding.message in table.stderr


def test_a_reader_names_each_of_several_names_of_one_patient(tmp_path: Path, run: Runs) -> None:
    for number, name in enumerate(("Doe^Jane", "Roe^Jill", "Poe^Ann", "Roe^Jill"), start=1):
        (tmp_path / f"F{number}").write_bytes(image(number, PatientName=name))
    said = run("list", tmp_path, "--scan").stderr + run("extract", tmp_path, "-o", tmp_path.parent / "OUT").stderr
    assert said.count("'Roe^Jill' differs") == said.count("'Poe^Ann' differs") == 2
