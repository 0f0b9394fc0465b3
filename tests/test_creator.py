"""A Creator and files with missing values, or values that contradict each other (PS3.3 F.2.1, F.5)."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import UID

import fileset
from fileset.pages.report import PagesReport
from fileset.records import level_records
from tests.support import judges, synthetic
from tests.support.command import damage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from fileset.media.base import MediumFormat

CT = "1.2.840.10008.5.1.4.1.1.2"
SR = "1.2.840.10008.5.1.4.1.1.88.11"
KEY_OBJECT = "1.2.840.10008.5.1.4.1.1.88.59"


def made(tmp_path: Path, *datasets: Dataset, **options: str) -> tuple[fileset.Report, fileset.Reader]:
    creator = fileset.Creator(tmp_path / "OUT", **options)  # type: ignore[arg-type]
    creator.add(*datasets)
    report = creator.commit()
    if not report.added:
        assert [finding.rule for finding in report.findings][-1] == "FS-NOTHING-ADDED"
        assert not (tmp_path / "OUT").exists()
        fileset.Creator(tmp_path / "OUT").commit()  # an empty file-set, for callers that want one
    return report, fileset.Reader(tmp_path / "OUT")


def rules(report: fileset.Report) -> list[str]:
    return [skipped.rule for skipped in report.skipped]


# ---------------------------------------------------------------- the same instance twice


def test_the_same_bytes_twice_are_one_instance_and_nothing_is_missing(tmp_path: Path) -> None:
    one = synthetic.instance(CT)
    report, reader = made(tmp_path, one, one)
    assert len(list(reader.instances)) == len(report.added) == 1
    assert rules(report) == ["FS-INSTANCE-DUPLICATE"]
    assert report.complete


def test_one_sop_instance_uid_with_other_contents_is_refused(tmp_path: Path) -> None:
    one, other = synthetic.instance(CT), synthetic.instance(CT)
    other.PatientComments = "other"
    report, reader = made(tmp_path, one, other)
    assert len(list(reader.instances)) == 1
    assert rules(report) == ["FS-INSTANCE-CONFLICT"]
    assert one.SOPInstanceUID in report.skipped[0].reason
    assert not report.complete


# ---------------------------------------------------------------- files of two patients


def test_a_study_under_two_patient_ids_is_refused_the_first_stays(tmp_path: Path) -> None:
    one, other = synthetic.instance(CT, number=1), synthetic.instance(CT, number=2)
    other.PatientID = "SOMEBODY ELSE"
    report, reader = made(tmp_path, one, other)
    assert [patient["PatientID"] for patient in reader.patients] == [one.PatientID]
    assert rules(report) == ["FS-STUDY-TWO-PATIENTS"]


def test_a_series_in_two_studies_is_refused_the_first_stays(tmp_path: Path) -> None:
    one, other = synthetic.instance(CT, number=1), synthetic.instance(CT, number=2)
    other.StudyInstanceUID = "2.25.99"
    report, reader = made(tmp_path, one, other)
    assert [study["StudyInstanceUID"] for study in reader.studies] == [one.StudyInstanceUID]
    assert rules(report) == ["FS-SERIES-TWO-STUDIES"]


def test_keys_that_differ_within_an_entity_keep_the_first_value_with_one_warning_for_each(tmp_path: Path) -> None:
    several = [synthetic.instance(CT, number=number) for number in (1, 2, 3)]
    for dataset in several[1:]:
        dataset.StudyDescription = "another"
        dataset.PatientName = "Another^Name"
    report, reader = made(tmp_path, *several)
    assert [study["StudyDescription"] for study in reader.studies] == [several[0].StudyDescription]
    assert [patient["PatientName"] for patient in reader.patients] == [str(several[0].PatientName)]
    conflicts = [finding for finding in report.findings if finding.rule == "FS-KEY-CONFLICT"]
    assert sorted(finding.message.split()[0] for finding in conflicts) == ["PatientName", "StudyDescription"]


def test_a_value_that_the_first_file_lacks_comes_from_the_next(tmp_path: Path) -> None:
    one, other = synthetic.instance(CT, number=1), synthetic.instance(CT, number=2)
    one.StudyDescription = ""
    del one.StudyID
    other.StudyDescription, other.StudyID = "CT Head", "42"
    report, reader = made(tmp_path, one, other)
    [study] = reader.studies
    assert (study["StudyDescription"], study["StudyID"]) == ("CT Head", "42")
    assert report.findings == []


# ---------------------------------------------------------------- missing values


def without(*keywords: str) -> Callable[[], Dataset]:
    def build() -> Dataset:
        dataset = synthetic.instance(CT)
        for keyword in keywords:
            if keyword in dataset:
                del dataset[keyword]
        return dataset

    return build


DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
TIMES = ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime")


@pytest.mark.parametrize("rank", range(1, 5))
def test_a_missing_study_date_falls_back_to_series_acquisition_and_content_date(rank: int, tmp_path: Path) -> None:
    dataset = without(*DATES, *TIMES)()
    for number, (date, time) in enumerate(zip(DATES[rank:], TIMES[rank:], strict=True), start=1):
        setattr(dataset, date, f"2020010{number}")
        setattr(dataset, time, f"10000{number}")
    report, reader = made(tmp_path, dataset)
    [study] = reader.studies
    expected = ("20200101", "100001") if rank < 4 else ("19000101", "000000")
    assert (study["StudyDate"], study["StudyTime"]) == expected
    assert [finding.rule for finding in report.findings] == ["FS-KEY-INVENTED"] * 2


IDENTIFIERS = ("PatientID", "StudyID", "SeriesNumber", "InstanceNumber")


@pytest.mark.judges
def test_invented_identifiers_come_from_the_uids_and_are_each_reported(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first, reader = made(tmp_path / "one", without(*IDENTIFIERS)())
    [image] = reader.instances
    values = [image.patient["PatientID"], image.study["StudyID"], image.series["SeriesNumber"], image["InstanceNumber"]]  # type: ignore[index]
    assert all(values)
    assert [
        str(value) in finding.message for value, finding in zip(values[3:] + values[:3], first.findings, strict=True)
    ]
    again, other = made(tmp_path / "two", without(*IDENTIFIERS)())
    assert [str(finding) for finding in again.findings] == [str(finding) for finding in first.findings]
    assert [patient["PatientID"] for patient in other.patients] == values[:1]
    judges.judge_file_set(tmp_path / "one" / "OUT", {image.sop_instance_uid})


def test_patients_without_an_id_are_not_merged(tmp_path: Path) -> None:
    one, other = without("PatientID")(), without("PatientID")()
    other.StudyInstanceUID, other.SeriesInstanceUID, other.SOPInstanceUID = "2.25.7", "2.25.8", "2.25.9"
    _, reader = made(tmp_path, one, other)
    assert len({patient["PatientID"] for patient in reader.patients}) == 2


def test_invented_numbers_are_unique(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(level_records, "number_of", lambda _: 100_000_000)
    monkeypatch.setattr("fileset.dicom.values.number_of", lambda _: 100_000_000)
    several = []
    for number in range(1, 5):
        dataset = synthetic.instance(CT, number=number, series=1 + number % 2)
        del dataset.InstanceNumber
        del dataset.SeriesNumber
        several.append(dataset)
    several[0].InstanceNumber = 100_000_000
    _, reader = made(tmp_path, *several)
    numbers = [[image["InstanceNumber"] for image in series.children] for series in reader.series]
    assert all(len(set(some)) == len(some) == 2 for some in numbers)
    assert len({series["SeriesNumber"] for series in reader.series}) == 2


@pytest.mark.parametrize("keyword", [*IDENTIFIERS, "StudyDate", "Modality"])
def test_with_missing_refuse_a_file_without_a_type_1_key_is_skipped_with_its_name(keyword: str, tmp_path: Path) -> None:
    report, reader = made(tmp_path, without(keyword)(), missing="refuse")
    assert list(reader.instances) == []
    assert rules(report) == ["FS-KEY-TYPE1-MISSING"]
    assert keyword in report.skipped[0].reason


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_a_file_without_a_uid_is_skipped_whatever_the_policy(keyword: str, tmp_path: Path) -> None:
    report, reader = made(tmp_path, without(keyword)())
    assert list(reader.instances) == []
    assert rules(report) == ["FS-KEY-UID-MISSING"]


@pytest.mark.judges
def test_a_document_without_a_title_gets_the_code_for_unknown(tmp_path: Path) -> None:
    dataset = synthetic.instance(KEY_OBJECT)
    dataset.ConceptNameCodeSequence = []
    report, reader = made(tmp_path, dataset)
    [record] = reader.instances
    assert record["ConceptNameCodeSequence"][0]["CodeMeaning"] == "Unknown"
    assert [finding.rule for finding in report.findings] == ["FS-KEY-INVENTED"]
    judges.judge_file_set(tmp_path / "OUT", {dataset.SOPInstanceUID})


# ---------------------------------------------------------------- SOP classes and UIDs


UNKNOWN = "1.2.826.0.1.3680043.10.99.1"


def unknown(*, pixels: bool) -> Dataset:
    dataset = synthetic.instance(CT)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(UNKNOWN)
    if not pixels:
        del dataset.PixelData
    return dataset


@pytest.mark.parametrize(
    ("policy", "pixels", "record_type"),
    [("image", True, "IMAGE"), ("image", False, "PRIVATE"), ("private", True, "PRIVATE"), ("private", False, "PRIVATE"),
     ("refuse", True, ""), ("refuse", False, "")],
)  # fmt: skip
def test_an_unknown_sop_class_follows_the_policy(
    policy: str, *, pixels: bool, record_type: str, tmp_path: Path
) -> None:
    report, reader = made(tmp_path, unknown(pixels=pixels), unknown_sop_class=policy)
    assert [record.record_type for record in reader.instances] == ([record_type] if record_type else [])
    assert rules(report) == ([] if record_type else ["FS-SOP-CLASS-NO-RECORD"])
    if record_type == "PRIVATE":
        [record] = reader.instances
        assert record["PrivateRecordUID"].startswith("2.25.")
        assert record.parent is not None
        assert record.parent.record_type == "SERIES"


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.parametrize("uid", ["1.9.1", "1.2.03", "3.1"])
def test_a_uid_against_the_rules_is_accepted_with_a_warning_unless_refused(uid: str, tmp_path: Path) -> None:
    dataset = synthetic.instance(CT)
    dataset.StudyInstanceUID = uid
    report, _ = made(tmp_path, dataset, invalid_uid="refuse")
    rule = "FS-UID-FORM" if uid == "1.2.03" else "FS-UID-ARC"
    assert rules(report) == [rule]
    assert uid in report.skipped[0].reason
    (tmp_path / "accepted").mkdir()
    report, reader = made(tmp_path / "accepted", dataset)
    assert report.skipped == []
    assert {finding.rule for finding in report.findings} == {rule}
    assert report.complete
    assert [study["StudyInstanceUID"] for study in reader.studies] == [uid]


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI", "ignore:The value length")
@pytest.mark.parametrize("uid", ["1.2.x", "1.2." + "3" * 61, "one"])
def test_a_uid_of_other_characters_or_too_long_is_refused(uid: str, tmp_path: Path) -> None:
    dataset = synthetic.instance(CT)
    dataset.StudyInstanceUID = uid
    report, _ = made(tmp_path, dataset)
    assert rules(report) == ["FS-KEY-UID-MISSING"]


# ---------------------------------------------------------------- character sets


def named(name: bytes, character_set: str, number: int) -> bytes:
    dataset = synthetic.instance(CT, number=number)
    dataset.PatientName = "X" * len(name)
    dataset.SpecificCharacterSet = "ISO_IR 100"
    data = synthetic.encode(dataset).replace(b"X" * len(name), name)
    return data.replace(b"CS\x0a\x00ISO_IR 100", b"CS\x0a\x00%-10s" % character_set.encode())


def test_the_same_name_in_two_character_sets_is_no_conflict(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(named("Müller^Jürg1".encode("latin_1"), "ISO_IR 100", 1))
    (tmp_path / "2").write_bytes(named("Müller^Jürg1".encode(), "ISO_IR 192", 2))
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(tmp_path / "1", tmp_path / "2")
    assert creator.report.findings == []
    with fileset.Reader(tmp_path / "OUT") as reader:
        assert [patient["PatientName"] for patient in reader.patients] == ["Müller^Jürg1"]


def test_text_beyond_ascii_without_a_character_set_is_guessed_and_reported(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(named("Zoë^Ça".encode(), "", 1))
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(tmp_path / "1")
    assert [finding.rule for finding in creator.report.findings] == ["FS-CHARSET-GUESSED"]
    with fileset.Reader(tmp_path / "OUT") as reader:
        [patient] = reader.patients
        assert (patient["SpecificCharacterSet"], patient["PatientName"]) == ("ISO_IR 192", "Zoë^Ça")


def test_values_of_one_record_in_two_character_sets_become_utf_8(tmp_path: Path) -> None:
    one, other = synthetic.instance(CT, number=1), synthetic.instance(CT, number=2)
    one.SpecificCharacterSet, one.StudyDescription, one.AccessionNumber = "ISO_IR 100", "Schädel", ""
    other.SpecificCharacterSet, other.StudyDescription, other.AccessionNumber = "ISO_IR 144", "", "Ж1"
    _, reader = made(tmp_path, one, other)
    [study] = reader.studies
    assert study["SpecificCharacterSet"] == "ISO_IR 192"
    assert (study["StudyDescription"], study["AccessionNumber"]) == ("Schädel", "Ж1")


@pytest.mark.parametrize(("accession", "expected"), [("1", [None, "ISO 2022 IR 149"]), ("É1", "ISO_IR 192")])
def test_an_equals_sign_in_a_description_does_not_end_its_character_set(
    accession: str, expected: object, tmp_path: Path
) -> None:
    """Neither where the value is read, nor where it becomes UTF-8."""
    one, other = synthetic.instance(CT, number=1), synthetic.instance(CT, number=2)
    one.SpecificCharacterSet, one.StudyDescription, one.AccessionNumber = ["", "ISO 2022 IR 149"], "김=이^김", ""
    other.SpecificCharacterSet, other.StudyDescription, other.AccessionNumber = "ISO_IR 100", "", accession
    _, reader = made(tmp_path, one, other)
    [study] = reader.studies
    assert study["SpecificCharacterSet"] == expected
    assert (study["StudyDescription"], study["AccessionNumber"]) == ("김=이^김", accession)


def test_a_record_of_plain_ascii_names_no_character_set(tmp_path: Path) -> None:
    dataset = synthetic.instance(SR)
    dataset.SpecificCharacterSet = "ISO_IR 100"
    _, reader = made(tmp_path, dataset)
    assert all("SpecificCharacterSet" not in record.keys() for record in reader.records)  # noqa: SIM118


# ---------------------------------------------------------------- the form of values


def test_old_dates_and_times_are_written_as_the_standard_asks(tmp_path: Path) -> None:
    data = synthetic.encode(synthetic.instance(CT))
    date = re.search(rb"\x08\x00\x20\x00DA\x08\x00(\d{8})", data)
    assert date is not None
    day = date[1]
    old = b"\x08\x00\x20\x00DA\x0a\x00" + b".".join((day[:4], day[4:6], day[6:]))
    (tmp_path / "old").write_bytes(data.replace(date[0], old))
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(tmp_path / "old")
    with fileset.Reader(tmp_path / "OUT") as reader:
        assert [study["StudyDate"] for study in reader.studies] == [day.decode()]
    [finding] = creator.report.findings
    assert (finding.rule, finding.severity) == ("FS-KEY-NORMALISED", "info")


def test_values_that_are_not_numbers_count_as_missing(tmp_path: Path) -> None:
    data = synthetic.encode(synthetic.instance(CT, number=77))
    (tmp_path / "odd").write_bytes(data.replace(b"\x20\x00\x13\x00IS\x02\x0077", b"\x20\x00\x13\x00IS\x02\x00A7"))
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(tmp_path / "odd")
    assert [finding.rule for finding in creator.report.findings] == ["FS-KEY-FORM", "FS-KEY-INVENTED"]
    assert all("InstanceNumber" in finding.message for finding in creator.report.findings)


def edited(tmp_path: Path, *changes: tuple[bytes, bytes], number: int = 1) -> Path:
    """An instance with bytes replaced that pydicom would not write."""
    data = synthetic.encode(synthetic.instance(CT, number=number))
    for old, new in changes:
        assert data.count(old) == 1
        data = data.replace(old, new)
    path = tmp_path / f"edited{number}"
    path.write_bytes(data)
    return path


def text(tag: bytes, vr: bytes, value: bytes) -> bytes:
    return tag + vr + len(value).to_bytes(2, "little") + value


def test_an_illegal_or_too_long_value_is_reported(tmp_path: Path) -> None:
    source = synthetic.instance(CT)
    study_id = text(
        b"\x20\0\x10\0", b"SH", source.StudyID.encode().ljust(len(source.StudyID) + len(source.StudyID) % 2)
    )
    path = edited(tmp_path, (study_id, text(b"\x20\0\x10\0", b"SH", b"0123456789ABCDEFGH")))
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(path)
    form, invented = creator.report.findings
    assert (form.rule, invented.rule) == ("FS-KEY-FORM", "FS-KEY-INVENTED")
    assert "StudyID (0020,0010): 18 characters, a SH has at most 16: treated as missing" in form.message


def test_a_patient_id_with_control_characters_is_refused_for_two_people_could_become_one(tmp_path: Path) -> None:
    path = edited(tmp_path, (text(b"\x10\0\x20\0", b"LO", b"P1"), text(b"\x10\0\x20\0", b"LO", b"P\x011 ")))
    creator = fileset.Creator(tmp_path / "OUT")
    creator.add(path)
    assert rules(creator.commit()) == ["FS-KEY-FORM"]


@pytest.mark.parametrize("first", [1, 2])
def test_files_without_a_patient_id_follow_the_rest_of_their_study(first: int, tmp_path: Path) -> None:
    several = [synthetic.instance(CT, number=number) for number in (1, 2)]
    del several[first - 1].PatientID
    report, reader = made(tmp_path, *several)
    assert [patient["PatientID"] for patient in reader.patients] == ["P1"]
    assert report.skipped == []
    assert report.findings == []


def test_an_unknown_sop_class_is_reported(tmp_path: Path) -> None:
    report, _ = made(tmp_path, unknown(pixels=True))
    assert [finding.rule for finding in report.findings] == ["FS-SOP-CLASS-UNKNOWN"]


@pytest.mark.parametrize("term", ["ISO 2022 IR 87", "ISO 2022 IR 149"])
def test_a_single_code_extension_is_a_character_set(term: str, tmp_path: Path) -> None:
    name = {"ISO 2022 IR 87": b"Y^T=\x1b$B;3ED\x1b(B", "ISO 2022 IR 149": b"K^G=\x1b$)C\xb1\xe8"}[term]
    dataset = synthetic.instance(CT)
    dataset.SpecificCharacterSet, dataset.PatientName = "ISO_IR 192", "X" * 40
    data = synthetic.encode(dataset)
    for old, new in (
        (text(b"", b"CS", b"ISO_IR 192"), text(b"", b"CS", term.encode().ljust(len(term) + len(term) % 2))),
        (text(b"", b"PN", b"X" * 40), text(b"", b"PN", name.ljust(len(name) + len(name) % 2))),
    ):
        assert data.count(old) == 1
        data = data.replace(old, new)
    (tmp_path / "in").write_bytes(data)
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(tmp_path / "in")
    assert creator.report.findings == []
    with fileset.Reader(tmp_path / "OUT") as reader:
        [patient] = reader.patients
        assert patient["SpecificCharacterSet"] == term
        assert patient["PatientName"] == {"ISO 2022 IR 87": "Y^T=山田", "ISO 2022 IR 149": "K^G=김"}[term]


def test_nothing_is_written_when_the_context_ends_in_an_error(tmp_path: Path) -> None:
    def failing() -> None:
        with fileset.Creator(tmp_path / "OUT") as creator:
            creator.add(synthetic.instance(CT))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert not (tmp_path / "OUT").exists()


def test_replacing_keeps_files_that_stay_and_removes_the_others(tmp_path: Path) -> None:
    (tmp_path / "OUT").mkdir()
    (tmp_path / "OUT" / "VIEWER.EXE").write_text("not ours")
    one, two = synthetic.instance(CT, number=1), synthetic.instance(CT, number=2)
    made(tmp_path, one, two)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "OUT").rglob("IM*")}
    report, reader = made(tmp_path, one, replace=True)  # type: ignore[arg-type]
    assert [str(added.file_id) for added in report.added] == ["PT000000/ST000000/SE000000/IM000000"]
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "OUT").rglob("IM*")}
    assert after.items() < before.items()
    assert len(list(reader.instances)) == 1
    assert (tmp_path / "OUT" / "VIEWER.EXE").exists()


# ---------------------------------------------------------------- where sources and targets meet


def test_a_source_in_the_target_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    synthetic.write(synthetic.instance(CT), tmp_path / "OUT" / "IM1")
    odd = synthetic.instance(CT, number=2)
    odd.SOPInstanceUID = odd.file_meta.MediaStorageSOPInstanceUID = UID("1.9.4")
    synthetic.write(odd, tmp_path / "OUT" / "IM2")
    fileset.index(tmp_path / "OUT", invalid_uid="accept")
    for source in (tmp_path / "OUT", tmp_path / "OUT" / "IM2"):
        creator = fileset.Creator(tmp_path / "OUT", replace=True)
        with pytest.raises(fileset.RefusedError, match="index"):
            creator.add(source)
    assert (tmp_path / "OUT" / "IM2").exists()


def test_an_image_in_the_source_that_is_written_is_passed_over(tmp_path: Path) -> None:
    synthetic.write(synthetic.instance(CT), tmp_path / "IM1")
    for _ in range(2):
        creator = fileset.Creator(tmp_path / "OUT.zip", replace=True)
        creator.add(tmp_path)
        assert [added.source for added in creator.commit().added] == ["IM1"]


def test_folders_and_files_below_named_like_a_dicomdir_are_indexed(tmp_path: Path) -> None:
    synthetic.write(synthetic.instance(CT, number=1), tmp_path / "IM1")
    synthetic.write(synthetic.instance(CT, number=2), tmp_path / "A" / "DICOMDIR")
    synthetic.write(synthetic.instance(CT, number=3), tmp_path / "B" / "DICOMDIR" / "IM3")
    assert {str(added.file_id) for added in fileset.index(tmp_path).added} == {"IM1", "A/DICOMDIR", "B/DICOMDIR/IM3"}


@pytest.mark.parametrize("name", ["DICOMDIR.dcm", "DICOMDIR"])
def test_an_image_below_with_the_name_of_a_dicomdir_is_a_source_like_others(name: str, tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "in" / "A", 1, 1, 1, 1)
    (tmp_path / "in" / "B").mkdir()
    (tmp_path / "in" / "B" / name).write_bytes(synthetic.ct(number=2))
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(tmp_path / "in")
    assert creator.report.complete
    assert (creator.report.skipped, len(creator.report.added)) == ([], 2)


def test_a_dicomdir_below_with_a_wrong_sop_class_still_names_the_files_that_are_missing(tmp_path: Path) -> None:
    disc = tmp_path / "in" / "DISC"
    synthetic.ct_series(disc, 1, 1, 1, 2)
    fileset.index(disc)
    dicomdir = disc / "DICOMDIR"
    dicomdir.write_bytes(dicomdir.read_bytes().replace(b"1.2.840.10008.1.3.10", b"1.2.840.10008.1.3.19"))
    next(disc.rglob("I000002")).unlink()
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(tmp_path / "in")
    assert "FS-FILE-MISSING" in {one.rule for one in creator.report.skipped}


def test_a_link_that_leads_out_of_the_folder_is_not_indexed(tmp_path: Path) -> None:
    synthetic.write(synthetic.instance(CT, number=1), tmp_path / "ROOT" / "IM1")
    synthetic.write(synthetic.instance(CT, number=2), tmp_path / "outside")
    (tmp_path / "ROOT" / "IM2").symlink_to(tmp_path / "outside")
    report = fileset.index(tmp_path / "ROOT")
    assert [str(added.file_id) for added in report.added] == ["IM1"]
    assert rules(report) == ["FS-FILE-LINK"]


def test_sources_added_after_the_commit_are_refused_not_forgotten(tmp_path: Path) -> None:
    creator = fileset.Creator(tmp_path / "OUT")
    creator.add(synthetic.instance(CT))
    creator.commit()
    with pytest.raises(fileset.RuleError, match="written"):
        creator.add(synthetic.instance(CT, number=2))


@pytest.mark.parametrize("medium", ["OUT", "OUT.iso", "OUT.zip"])
def test_after_a_dry_run_in_a_context_only_commit_writes(medium: str, tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / medium) as creator:
        creator.add(synthetic.instance(CT))
        assert creator.commit(dry_run=True).dry_run
    assert not (tmp_path / medium).exists()
    with fileset.Creator(tmp_path / medium) as creator:
        creator.add(synthetic.instance(CT))
        creator.commit(dry_run=True)
        creator.commit()
    assert (tmp_path / medium).exists()


def test_a_request_that_was_refused_after_a_dry_run_is_not_missed(tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "A") as creator:
        creator.add(synthetic.instance(CT))
        creator.commit(dry_run=True)
        with pytest.raises(fileset.RuleError):
            creator.add(tmp_path, only={"NoSuchKeyword": "1"})
        with pytest.raises(fileset.MediumError):
            creator.include(tmp_path / "nowhere")
        creator.commit()
    with fileset.Updater(tmp_path / "A") as updater:
        updater.commit(dry_run=True)
        with pytest.raises(fileset.RuleError, match="no key given"):
            updater.remove()
        with pytest.raises(fileset.RuleError, match="File-set ID"):
            updater.file_set_id = "lower"
    assert updater.report.dry_run


def test_what_is_added_after_a_dry_run_is_written_or_missed_aloud(tmp_path: Path) -> None:
    with (  # noqa: PT012
        pytest.raises(fileset.RuleError, match="nothing was written: after"),
        fileset.Creator(tmp_path / "A") as creator,
    ):
        creator.add(synthetic.instance(CT))
        creator.commit(dry_run=True)
        creator.add(synthetic.instance(CT, number=2))
    assert not (tmp_path / "A").exists()
    assert repr(creator.report).startswith(f"<Report of a dry run on {tmp_path / 'A'}: 1 added")
    (tmp_path / "NOTE.TXT").write_text("a note")
    with fileset.Creator(tmp_path / "B") as creator:
        creator.add(synthetic.instance(CT))
        creator.commit(dry_run=True)
        creator.add(synthetic.instance(CT, number=2))
        creator.include(tmp_path / "NOTE.TXT")
        creator.commit()
    assert len(creator.report.added) == 2
    assert (tmp_path / "B" / "NOTE.TXT").exists()
    assert repr(creator.report).startswith(f"<Report on {tmp_path / 'B'}: 2 added")
    with pytest.raises(fileset.RuleError, match="already written"):
        creator.include(tmp_path / "NOTE.TXT")


def test_the_report_of_an_empty_file_set_names_what_was_written(tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "OUT") as creator:
        pass
    assert repr(creator.report) == f"<Report on {tmp_path / 'OUT'}: only the DICOMDIR written>"


def test_sources_of_several_folders_keep_distinct_names(tmp_path: Path) -> None:
    for number in (1, 2):
        synthetic.write(synthetic.instance(CT, number=number), tmp_path / str(number) / "IM1")
    creator = fileset.Creator(tmp_path / "OUT")
    creator.add(tmp_path / "1", tmp_path / "2")
    assert {added.source for added in creator.commit().added} == {str(tmp_path / n / "IM1") for n in "12"}


# ---------------------------------------------------------------- finding


@pytest.mark.parametrize(
    ("level", "keys", "count"),
    [
        (None, {"StudyDate": "2003-05-05"}, 0),
        ("PATIENT", {"Modality": "CT"}, 1),
        ("STUDY", {"Modality": "MR"}, 0),
        ("SERIES", {"InstanceNumber": "2"}, 1),
        (None, {"Modality": "ct"}, 3),
        (None, {"Modality": "MR|CT"}, 3),
        (None, {"InstanceNumber": 2}, 1),
        (None, {"StudyTime": "000000-235959"}, 3),
    ],
)
def test_find(level: str | None, keys: dict[str, object], count: int, tmp_path: Path) -> None:
    _, reader = made(tmp_path, *(synthetic.instance(CT, number=number) for number in (1, 2, 3)))
    assert len(list(reader.find(level, **keys))) == count


@pytest.mark.parametrize(
    ("level", "keys"),
    [
        ("series", {}),
        ("FOO", {}),
        (None, {"StudyDate": "notadate"}),
        (None, {"InstanceNumber": "5-1"}),
        (None, {"modality": "CT"}),
        (None, {"StudyTime": "25 past"}),
    ],
)
def test_a_question_that_makes_no_sense_is_an_error(level: str | None, keys: dict[str, str], tmp_path: Path) -> None:
    _, reader = made(tmp_path, synthetic.instance(CT))
    with pytest.raises(fileset.RuleError):
        list(reader.find(level, **keys))


def test_a_file_that_changes_after_a_dry_run_is_looked_at_again(tmp_path: Path) -> None:
    source = tmp_path / "IN"
    shutil.copy(str(get_testdata_file("CT_small.dcm")), source)
    creator = fileset.Creator(tmp_path / "OUT")
    creator.add(source)
    creator.commit(dry_run=True)
    os.utime(source, (1, 1))
    assert len(creator.commit().added) == 1


def test_volumes_of_another_file_set_that_stay_are_reported(tmp_path: Path) -> None:
    for number in range(1, 40):
        (tmp_path / f"I{number}").write_bytes(synthetic.ct(series=number, number=1))

    def made(count: int) -> fileset.Report:
        creator = fileset.Creator(tmp_path / "V.iso", volume_size="400KB", replace=True)
        creator.add(*(tmp_path / f"I{number}" for number in range(1, count + 1)))
        return creator.commit()

    assert len(made(39).volumes) > 1
    report = made(1)
    told = [finding.where.file for finding in report.findings if finding.rule == "FS-VOLUME-FORMER"]
    there = sorted(str(path) for path in tmp_path.glob("V_*.iso"))
    assert len(there) > 1
    assert told == there[1:]


def test_an_index_that_replaces_keeps_the_identification_unless_another_is_given(tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "IN", patients=1, studies=1, series=1, instances=1)
    with fileset.Creator(tmp_path / "OUT", file_set_id="BEFORE", file_set_uid="2.25.4711") as creator:
        creator.add(tmp_path / "IN")
    kept = fileset.index(tmp_path / "OUT", replace=True)
    assert (kept.file_set_id, kept.file_set_uid) == ("BEFORE", "2.25.4711")
    given = fileset.index(tmp_path / "OUT", replace=True, file_set_id="AFTER", file_set_uid="2.25.4712")
    with fileset.Reader(tmp_path / "OUT") as reader:
        assert (reader.file_set_id, reader.file_set_uid) == ("AFTER", "2.25.4712")
    assert given.written


def test_an_index_that_replaces_keeps_the_descriptor_unless_another_is_given(tmp_path: Path) -> None:
    (tmp_path / "OUT").mkdir()
    (tmp_path / "OUT" / "IM1").write_bytes(synthetic.ct(1))
    (tmp_path / "OUT" / "README").write_text("about this file-set")
    fileset.index(tmp_path / "OUT", descriptor_file_id="README", descriptor_character_set="ISO_IR 100")
    assert not fileset.index(tmp_path / "OUT", replace=True).findings
    with fileset.Updater(tmp_path / "OUT") as updater:
        assert (str(updater.descriptor_file_id), updater.descriptor_character_set) == ("README", "ISO_IR 100")
    (tmp_path / "OUT" / "README").unlink()
    report = fileset.index(tmp_path / "OUT", replace=True)
    assert [finding.rule for finding in report.findings] == ["FS-DESCRIPTOR"]


@pytest.mark.parametrize("verb", ["create", "update"])
@pytest.mark.parametrize("name", ["ABSENT", "PT000000/ST000000/SE000000/IM000000"])
def test_a_descriptor_that_is_absent_or_an_instance_is_named_as_check_does(
    name: str, verb: str, tmp_path: Path
) -> None:
    creator = fileset.Creator(tmp_path / "OUT", descriptor_file_id=name if verb == "create" else None)
    with creator:
        creator.add(synthetic.instance(CT))
    report = creator.report
    if verb == "update":
        with fileset.Updater(tmp_path / "OUT") as updater:
            updater.descriptor_file_id = name
        report = updater.report
    found = fileset.check_file_set(tmp_path / "OUT").findings
    assert found
    assert [(one.rule, one.message) for one in report.findings] == [(one.rule, one.message) for one in found]


def test_a_descriptor_that_is_the_dicomdir_is_refused_and_found(tmp_path: Path) -> None:
    with pytest.raises(fileset.RuleError, match="DICOMDIR itself"):
        fileset.Creator(tmp_path / "OUT", descriptor_file_id="DICOMDIR")
    with fileset.Creator(tmp_path / "OUT", descriptor_file_id="ABCDEFGH") as creator:
        creator.add(synthetic.instance(CT))
    with fileset.Updater(tmp_path / "OUT") as updater, pytest.raises(fileset.RuleError, match="DICOMDIR itself"):
        updater.descriptor_file_id = "DICOMDIR"
    damage(tmp_path / "OUT", b"ABCDEFGH", b"DICOMDIR")
    [finding] = fileset.check_file_set(tmp_path / "OUT").findings
    assert (finding.rule, finding.message) == ("FS-DESCRIPTOR", "the descriptor file is the DICOMDIR itself")


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_folder_named_dicomdir_is_refused_where_the_file_goes(dry_run: bool, tmp_path: Path) -> None:  # noqa: FBT001
    (tmp_path / "OUT" / "DICOMDIR").mkdir(parents=True)
    (tmp_path / "OUT" / "DICOMDIR" / "IM1").write_bytes(synthetic.ct(1))
    with pytest.raises(fileset.RefusedError, match="a folder is named DICOMDIR"):
        fileset.Creator.in_place(tmp_path / "OUT").commit(dry_run=dry_run)


def test_a_source_of_another_type_is_a_type_error(tmp_path: Path) -> None:
    creator = fileset.Creator(tmp_path / "OUT")
    with pytest.raises(TypeError, match="a path or a pydicom data set, not int"):
        creator.add(42)  # type: ignore[arg-type]


@pytest.mark.parametrize("medium_format", [None, "folder", "iso", "zip"])
@pytest.mark.parametrize("name", ["DICOMDIR", "dicomdir", "DICOMDIR/"])
def test_the_name_of_a_new_file_set_is_not_dicomdir(
    name: str, medium_format: MediumFormat | None, tmp_path: Path
) -> None:
    with pytest.raises(fileset.RuleError, match=rf"Name its folder: {re.escape(str(tmp_path))}$"):
        fileset.Creator(f"{tmp_path}/{name}", medium_format=medium_format)
    with pytest.raises(fileset.RuleError, match="Name its folder"):
        fileset.index(f"{tmp_path}/{name}", replace=True)
    assert not list(tmp_path.iterdir())


def test_a_folder_may_have_the_name_of_a_dicomdir_already(tmp_path: Path) -> None:
    """Its DICOMDIR is in it: the folder above it is another place."""
    folder = tmp_path / "dicomdir"
    synthetic.ct_series(folder, patients=1, studies=1, series=1, instances=2)
    assert len(fileset.index(folder).added) == 2
    with fileset.Creator(folder, replace=True) as creator:
        creator.add(*synthetic.ct_series(tmp_path / "IN", patients=1, studies=1, series=1, instances=1))
    with fileset.Reader(folder) as reader:
        assert len(reader.instances) == 1


def test_each_report_prints_as_one_short_line(tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(synthetic.instance(CT))
        creator.add(synthetic.instance(CT, number=2))
    with fileset.Reader(tmp_path / "OUT") as reader:
        report = fileset.extract(reader, tmp_path / "COPIES")
    assert repr(report) == f"<extracted to {tmp_path / 'COPIES'}: 2 copied>"
    check = fileset.check_file_set(tmp_path / "OUT")
    assert repr(check) == f"<check of {tmp_path / 'OUT'}: 5 records, 2 files, 0 errors, 0 warnings, 0 infos>"
    pages = PagesReport("PAGES", 3, 1, findings=[fileset.Finding("FS-PICTURE-NONE", "no pixels")])
    assert repr(pages) == "<pages in PAGES: 3 instances, 1 findings>"
