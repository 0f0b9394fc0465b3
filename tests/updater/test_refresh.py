"""After `refresh`, the DICOMDIR contains no value that the files no longer have."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import UID

import fileset
from fileset.records.person import PatientConflict
from tests.support import judges, synthetic
from tests.updater.conftest import files, records, uids


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A file-set of one patient with a name to hide, whose DICOMDIR holds it in more places than keys."""
    for number, sop_class in enumerate((synthetic.COMPREHENSIVE_SR, synthetic.CT_IMAGE, synthetic.KEY_OBJECT), start=1):
        dataset = synthetic.instance(sop_class, series=number)
        dataset.PatientName = "SECRET^NAME"
        synthetic.write(dataset, tmp_path / "SOURCE" / str(number))
    with fileset.Creator(tmp_path / "DISC") as creator:
        creator.add(tmp_path / "SOURCE")
    dicomdir = tmp_path / "DISC" / "DICOMDIR"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = dcmread(dicomdir)
    image = next(record for record in dataset.DirectoryRecordSequence if record.DirectoryRecordType == "IMAGE")
    image.PatientComments = "comes from SECRET^NAME"
    image.add_new(0x00091010, "LO", "SECRET^NAME")
    slack = b"\xfc\xff\xfc\xffOB\0\0\x0c\0\0\0SECRET^NAME\0"
    data = _written(dataset) + slack
    dicomdir.write_bytes(b"SECRET^NAME".ljust(128, b"\0") + data[128:])
    assert dicomdir.read_bytes().count(b"SECRET") == 5
    return tmp_path / "DISC"


def _written(dataset: Dataset) -> bytes:
    """Make a DICOMDIR of one patient and study, with offsets for the order of records of `create`."""
    records = dataset.DirectoryRecordSequence
    offsets = [record.seq_item_tell for record in dcmread(BytesIO(_saved(dataset))).DirectoryRecordSequence]
    series = [index for index, record in enumerate(records) if record.DirectoryRecordType == "SERIES"]
    for index, record in enumerate(records):
        upper = record.DirectoryRecordType in ("PATIENT", "STUDY", "SERIES")
        record.OffsetOfReferencedLowerLevelDirectoryEntity = offsets[index + 1] if upper else 0
        later = [offsets[one] for one in series if one > index] if index in series else []
        record.OffsetOfTheNextDirectoryRecord = later[0] if later else 0
    return _saved(dataset)


def _saved(dataset: Dataset) -> bytes:
    target = BytesIO()
    dataset.save_as(target)
    return target.getvalue()


def change(folder: Path, changed: Callable[[Dataset], None]) -> None:
    """Change every DICOM file of a file-set in place."""
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "DICOMDIR":
            dataset = dcmread(path)
            changed(dataset)
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            dataset.save_as(path)


def anonymised(dataset: Dataset) -> None:
    dataset.PatientName = "ANON"


def with_new_ids(dataset: Dataset) -> None:
    dataset.PatientName, dataset.PatientID = "ANON", "A1"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(dataset, keyword, UID(synthetic.uid("new", getattr(dataset, keyword))))


@pytest.mark.judges
@pytest.mark.parametrize("changed", [anonymised, with_new_ids])
def test_no_old_name_stays_anywhere_in_the_dicomdir(named: Path, changed: Callable[[Dataset], None]) -> None:
    change(named, changed)
    before = files(named)
    with fileset.Updater(named) as updater:
        assert updater.refresh() == 3
    data = (named / "DICOMDIR").read_bytes()
    assert b"SECRET" not in data
    assert b"ANON" in data
    assert {path: data for path, data in files(named).items() if path != "DICOMDIR"}.items() <= before.items()
    assert len(updater.report.refreshed) == 3
    assert not updater.report.added
    assert not updater.report.removed
    judges.judge_file_set(named, uids(named))


@pytest.mark.judges
def test_only_the_chosen_are_read_again(disc: Path) -> None:
    old = records(disc)
    change(disc, anonymised)
    with fileset.Updater(disc) as updater:
        assert updater.refresh(PatientID="P2") == 12
    with fileset.Reader(disc) as reader:
        assert [record["PatientName"] for record in reader.patients] == ["Doe^Jane", "ANON"]
    assert sum(record in old for record in records(disc)) == len(old) - 1  # the instances of P2 are as they were
    judges.judge_file_set(disc, uids(disc))


@pytest.mark.judges
def test_a_series_read_again_renews_its_patient_and_keeps_the_other_series(disc: Path) -> None:
    change(disc, anonymised)
    series = synthetic.uid("series", 1, 1, 1)
    with fileset.Updater(disc) as updater:
        updater.refresh(SeriesInstanceUID=series)
    with fileset.Reader(disc) as reader:
        first = next(reader.patients)
        assert (first["PatientName"], len(list(first.children))) == ("ANON", 2)
    assert len(uids(disc)) == 24
    judges.judge_file_set(disc, uids(disc))


def test_half_a_study_cannot_move_to_another_patient(disc: Path) -> None:
    def moved(dataset: Dataset) -> None:
        dataset.PatientID = "PX"

    change(disc, moved)
    before = files(disc)
    with fileset.Updater(disc) as updater:
        updater.refresh(SeriesInstanceUID=synthetic.uid("series", 1, 1, 1))
    assert [one.rule for one in updater.report.skipped] == ["FS-STUDY-TWO-PATIENTS"] * 3
    assert not updater.report.complete
    assert files(disc) == before


def test_a_file_that_cannot_be_read_keeps_its_record_and_is_named(disc: Path) -> None:
    (disc / "PT000000/ST000000/SE000000/IM000001").write_bytes(b"nothing")
    with fileset.Updater(disc) as updater:
        updater.refresh()
    [skipped] = updater.report.skipped
    assert skipped.source == "PT000000/ST000000/SE000000/IM000001"
    assert not updater.report.complete
    assert len(uids(disc)) == 24


def test_a_file_that_is_not_there_is_skipped(disc: Path) -> None:
    (disc / "PT000000/ST000000/SE000000/IM000001").unlink()
    with fileset.Updater(disc) as updater:
        assert updater.refresh() == 24
    assert [one.rule for one in updater.report.skipped] == ["FS-FILE-MISSING"]
    assert not updater.report.complete
    assert len(updater.report.refreshed) == 23


def test_file_ids_do_not_change_with_the_form_of_the_names_on_disk(disc: Path) -> None:
    (disc / "PT000000").rename(disc / "pt000000")
    with fileset.Updater(disc) as updater:
        updater.refresh(PatientID="P1")
    with fileset.Reader(disc) as reader:
        assert all(str(record.file_id).startswith("PT000000/") for record in reader.find(PatientID="P1"))


# ---------------------------------------------------------------- one file names another patient

FIRST = "PT000000/ST000000/SE000000/IM000001"


def changed_file(disc: Path, **keys: str) -> None:
    """Change keys of the first file of patient P1, Doe^Jane."""
    dataset = dcmread(disc / FIRST)
    for keyword, value in keys.items():
        setattr(dataset, keyword, value)
    dataset.save_as(disc / FIRST)


def patients(disc: Path) -> list[tuple[str, int]]:
    with fileset.Reader(disc) as reader:
        return [
            (str(one["PatientName"]), sum(1 for _ in reader.find(PatientID=one["PatientID"])))
            for one in reader.patients
        ]


def found(updater: fileset.Updater, rule: str) -> list[tuple[str, str]]:
    """File and message of the findings under a rule."""
    return [(one.where.file, one.message) for one in updater.report.findings if one.rule == rule]


def refreshed(disc: Path, keys: dict[str, str], patient_conflict: PatientConflict = "refuse") -> fileset.Updater:
    with fileset.Updater(disc, patient_conflict=patient_conflict) as updater:
        updater.refresh(**keys)
    return updater


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"PatientID": "P1"},
        {"ReferencedSOPInstanceUIDInFile": synthetic.ct_uid(1, 1, 1, 2)},
        {"SeriesInstanceUID": synthetic.uid("series", 1, 1, 1)},
    ],
)
def test_one_file_with_another_name_does_not_rename_the_patient(disc: Path, keys: dict[str, str]) -> None:
    changed_file(disc, PatientName="Wrong^Petra")
    updater = refreshed(disc, keys)
    assert patients(disc)[0] == ("Doe^Jane", 12)
    said = "the record has PatientName Doe^Jane, the file has Wrong^Petra: the record is used"
    assert found(updater, "FS-KEY-DIFFERS") == [(FIRST, said)]
    assert not updater.report.complete
    assert found(updater, "FS-KEY-CHANGED") == []


def test_a_name_that_all_files_have_replaces_that_of_the_record_and_is_reported(disc: Path) -> None:
    change(disc, anonymised)
    updater = refreshed(disc, {"PatientID": "P1"})
    assert patients(disc)[0] == ("ANON", 12)
    assert found(updater, "FS-KEY-CHANGED") == [("DICOMDIR", "Doe^Jane -> ANON")]
    assert updater.report.complete


def test_another_name_in_all_files_but_one_does_not_replace_that_of_the_record(disc: Path) -> None:
    old = dcmread(disc / FIRST)
    change(disc, anonymised)
    old.save_as(disc / FIRST)
    updater = refreshed(disc, {"StudyInstanceUID": synthetic.uid("study", 1, 2)})  # FIRST is in the other study
    assert patients(disc)[0] == ("Doe^Jane", 12)
    assert len(found(updater, "FS-KEY-DIFFERS")) == 6


def test_a_value_that_no_file_has_any_more_goes_and_is_reported(disc: Path) -> None:
    def emptied(dataset: Dataset) -> None:
        dataset.StudyDescription = ""

    with fileset.Reader(disc) as reader:
        old = [study["StudyDescription"] for study in reader.find("STUDY", PatientID="P1")]
    assert all(old)
    change(disc, emptied)
    updater = refreshed(disc, {"PatientID": "P1"})
    with fileset.Reader(disc) as reader:
        assert not any(study["StudyDescription"] for study in reader.find("STUDY", PatientID="P1"))
    assert found(updater, "FS-KEY-CHANGED") == [("DICOMDIR", f"{value} -> left out") for value in old]


OTHER = {"PatientName": "Wrong^Petra", "PatientBirthDate": "19010101", "PatientSex": "O"}


@pytest.mark.parametrize("keys", [{"PatientID": "P1"}, {"SeriesInstanceUID": synthetic.uid("series", 1, 1, 1)}])
def test_merge_keeps_the_patient_of_the_record(disc: Path, keys: dict[str, str]) -> None:
    changed_file(disc, **OTHER)
    updater = refreshed(disc, keys, "merge")
    assert patients(disc)[0] == ("Doe^Jane", 12)
    assert {file for file, _ in found(updater, "FS-PATIENT-CONFLICT")} == {FIRST}
    assert not any("the file is used" in message for _, message in found(updater, "FS-PATIENT-CONFLICT"))
    assert not updater.report.complete


@pytest.mark.parametrize("keys", [{"PatientID": "P1"}, {"SeriesInstanceUID": synthetic.uid("series", 1, 1, 1)}])
def test_refuse_skips_the_file_of_another_person_and_keeps_its_record(disc: Path, keys: dict[str, str]) -> None:
    changed_file(disc, **OTHER)
    old = records(disc)
    updater = refreshed(disc, keys)
    assert [(one.source, one.rule) for one in updater.report.skipped] == [(FIRST, "FS-PATIENT-CONFLICT")]
    assert len(updater.report.refreshed) == (11 if "PatientID" in keys else 2)
    assert not updater.report.complete
    assert records(disc) == old


def test_split_gives_the_other_person_a_record(disc: Path) -> None:
    changed_file(disc, **OTHER)
    updater = refreshed(disc, {"PatientID": "P1"}, "split")
    assert sorted(name for name, _ in patients(disc)) == ["Doe^Jane", "Doe^Jane", "Wrong^Petra"]
    assert [file for file, _ in found(updater, "FS-PATIENT-CONFLICT")] == [FIRST]
    assert not found(updater, "FS-KEY-DIFFERS")


@pytest.mark.parametrize("code", ["ISO_IR 144", "ISO_IR 192"])
def test_text_that_stays_keeps_its_character_set_where_a_file_lost_it(tmp_path: Path, code: str) -> None:
    for number in (1, 2, 3):
        dataset = synthetic.instance(synthetic.CT_IMAGE, number=number)
        dataset.SpecificCharacterSet, dataset.StudyDescription = code, "\u041b\u044e\u043a\u0441"
        synthetic.write(dataset, tmp_path / "IN" / str(number))
    disc = tmp_path / "DISC"
    with fileset.Creator(disc) as creator:
        creator.add(tmp_path / "IN")
    first = next(path for path in sorted(disc.rglob("IM*")))
    dataset = dcmread(first)
    dataset.StudyDescription = "NEW"
    del dataset.SpecificCharacterSet
    dataset.save_as(first)
    refreshed(disc, {})
    with fileset.Reader(disc) as reader:
        assert [record["StudyDescription"] for record in reader.find("STUDY")] == ["\u041b\u044e\u043a\u0441"]
    assert fileset.check_file_set(disc).conformant
