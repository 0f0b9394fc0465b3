"""Adding to a file-set: new instances get the right place, and everything else stays unchanged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import UID

import fileset
from fileset.plan.names import Naming
from tests.support import judges, synthetic
from tests.updater.conftest import ct_file, directory, files, records, tree, uids


@pytest.mark.judges
def test_new_instances_are_where_create_would_have_put_them(disc: Path, tmp_path: Path) -> None:
    new = tmp_path / "NEW"
    for place in ((1, 1, 1, 4), (1, 1, 3, 1), (1, 3, 1, 1), (3, 1, 1, 1)):
        ct_file(new, *place)
    synthetic.write(synthetic.instance(synthetic.HANGING_PROTOCOL), new / "HANGING")
    with fileset.Updater(disc) as updater:
        updater.add(new)
    with fileset.Creator(tmp_path / "WHOLE") as creator:
        creator.add(tmp_path / "SOURCE", new)
    assert tree(disc) == tree(tmp_path / "WHOLE")
    judges.judge_file_set(disc, uids(tmp_path / "WHOLE"))


def test_existing_records_and_files_stay_byte_for_byte(disc: Path, tmp_path: Path) -> None:
    before, old = files(disc), records(disc)
    with fileset.Updater(disc) as updater:
        updater.add(ct_file(tmp_path / "NEW", 1, 1, 1, 2000))
    after = files(disc)
    assert len(after) == len(before) + 1
    assert {name: data for name, data in before.items() if name != "DICOMDIR"}.items() <= after.items()
    assert [record for record in records(disc) if record in old] == old
    assert directory(disc).file_meta.MediaStorageSOPInstanceUID == "2.25.4711"
    assert directory(disc).FileSetID == "BEFORE"


def test_new_files_are_beside_the_files_of_their_series(disc: Path, tmp_path: Path) -> None:
    with fileset.Updater(disc) as updater:
        updater.add(ct_file(tmp_path, 2, 2, 2, 1), ct_file(tmp_path, 2, 2, 2, 9), ct_file(tmp_path, 2, 2, 3, 1))
        updater.add(ct_file(tmp_path, 9, 1, 1, 1))
    assert [added.file_id.path for added in updater.report.added] == [
        "PT000001/ST000001/SE000001/IM000003",
        "PT000001/ST000001/SE000002/IM000000",
        "PT000002/ST000000/SE000000/IM000000",
    ]
    assert [skipped.rule for skipped in updater.report.skipped] == ["FS-INSTANCE-DUPLICATE"]


@pytest.mark.judges
@pytest.mark.parametrize("naming", ["flat", "uid", "keep"])
def test_every_naming_scheme_avoids_existing_names(disc: Path, tmp_path: Path, naming: Naming) -> None:
    for number in (10, 11, 12):
        with fileset.Updater(disc, naming=naming) as updater:
            updater.add(ct_file(tmp_path / str(number), 1, 1, 1, number).rename(tmp_path / str(number) / "IM000000"))
    assert len(uids(disc)) == 27
    judges.assert_clean([judges.JUDGES["links"](disc)], frozenset(uids(disc)))


def test_no_name_is_given_that_anything_on_the_medium_has(disc: Path, tmp_path: Path) -> None:
    (disc / "pt000002").mkdir()
    (disc / "PT000003.DCM").write_text("mine")
    with fileset.Updater(disc) as updater:
        updater.add(ct_file(tmp_path, 3, 1, 1, 1))
    assert updater.report.added[0].file_id.path == "PT000004/ST000000/SE000000/IM000000"


def test_the_name_of_a_missing_file_is_not_given_to_another(disc: Path, tmp_path: Path) -> None:
    (disc / "PT000000/ST000000/SE000000/IM000002").unlink()
    with fileset.Updater(disc) as updater:
        updater.add(ct_file(tmp_path, 1, 1, 1, 9))
    assert updater.report.added[0].file_id.name == "IM000003"


@pytest.mark.judges
def test_a_data_set_is_added(disc: Path) -> None:
    with fileset.Updater(disc) as updater:
        updater.add(synthetic.instance(synthetic.KEY_OBJECT, patient=2, study=1, series=7))
    assert [added.record_type for added in updater.report.added] == ["KEY OBJECT DOC"]
    judges.assert_clean([judges.JUDGES["links"](disc)], frozenset(uids(disc)))


def test_nothing_new_means_that_nothing_is_written(disc: Path, tmp_path: Path) -> None:
    before = files(disc)
    with fileset.Updater(disc) as updater:
        updater.add(tmp_path / "SOURCE")
    assert files(disc) == before
    assert not updater.report.written
    assert len(updater.report.skipped) == 24


def test_an_error_in_the_context_changes_nothing(disc: Path, tmp_path: Path) -> None:
    before = files(disc)
    with pytest.raises(ZeroDivisionError), fileset.Updater(disc) as updater:  # noqa: PT012
        updater.add(ct_file(tmp_path, 7, 1, 1, 1))
        updater.remove(PatientID="P1")
        raise ZeroDivisionError
    assert files(disc) == before


def test_a_dry_run_shows_all_and_changes_nothing(disc: Path, tmp_path: Path) -> None:
    before = files(disc)
    with fileset.Updater(disc) as updater:
        updater.add(ct_file(tmp_path, 7, 1, 1, 1))
        updater.remove(PatientID="P1")
        planned = updater.commit(dry_run=True)
    assert files(disc) == before
    assert (len(planned.added), len(planned.removed), planned.written) == (1, 12, [])


def rename(updater: fileset.Updater) -> None:
    updater.file_set_id = "OTHER"


@pytest.mark.parametrize(
    "ask",
    [
        lambda updater: updater.add(synthetic.instance("1.2.840.10008.5.1.4.1.1.2")),
        lambda updater: updater.remove(PatientID="P2"),
        lambda updater: updater.refresh(PatientID="P2"),
        rename,
    ],
    ids=["add", "remove", "refresh", "rename"],
)
def test_what_is_asked_for_after_a_dry_run_is_written_or_missed_aloud(
    ask: Callable[[fileset.Updater], object], disc: Path
) -> None:
    before = files(disc)
    with pytest.raises(fileset.RuleError, match="nothing was written: after"), fileset.Updater(disc) as updater:  # noqa: PT012
        updater.remove(PatientID="P1")
        updater.commit(dry_run=True)
        ask(updater)
    assert files(disc) == before
    with fileset.Updater(disc) as updater:
        updater.remove(PatientID="P1")
        updater.commit(dry_run=True)
        ask(updater)
        report = updater.commit()
        with pytest.raises(fileset.RuleError, match="already written"):
            ask(updater)
    assert report.added or report.refreshed or report.identified or len(report.removed) == 24


def test_a_dry_run_and_the_run_after_it_agree(disc: Path, tmp_path: Path) -> None:
    with fileset.Updater(disc) as updater:
        updater.add(ct_file(tmp_path, 1, 1, 1, 8))
        updater.refresh(PatientID="P2")
        planned = updater.commit(dry_run=True)
        done = updater.commit()
    assert list(planned.added) == list(done.added)
    assert list(planned.refreshed) == list(done.refreshed)
    assert len(done.written) == 2
    with pytest.raises(fileset.RuleError, match="already written"):
        updater.commit()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1] + bytes((data[-1] ^ 1,)), "another writer has changed"),
        (lambda data: data[:-2], "another writer has changed"),
        (lambda data: data + b"\0\0", "another writer has changed"),
        (lambda _: None, "DICOMDIR: (No such file|File not found)"),
    ],
    ids=["another byte", "shorter", "longer", "gone"],
)
def test_a_dicomdir_that_is_no_longer_the_one_that_was_read_is_not_replaced(
    disc: Path, tmp_path: Path, change: Callable[[bytes], bytes | None], message: str
) -> None:
    late = fileset.Updater(disc)
    late.add(ct_file(tmp_path, 7, 1, 1, 1))
    dicomdir = disc / "DICOMDIR"
    other = change(dicomdir.read_bytes())
    dicomdir.unlink()
    if other is not None:
        dicomdir.write_bytes(other)
    before = files(disc)
    with pytest.raises(fileset.FilesetError, match=message):
        late.commit()
    assert files(disc) == before


def test_two_writers_never_lose_an_update(disc: Path, tmp_path: Path) -> None:
    first = fileset.Updater(disc)
    first.add(ct_file(tmp_path, 7, 1, 1, 1))
    with fileset.Updater(disc) as second:
        second.add(ct_file(tmp_path, 8, 1, 1, 1))
    with pytest.raises(fileset.RefusedError, match="another writer has changed"):
        first.commit()
    assert synthetic.ct_uid(8) in uids(disc)
    assert not list(disc.rglob("FILESET_"))


def test_identification_changes_and_nothing_else(disc: Path) -> None:
    old = records(disc)
    (disc / "README").write_text("hello")
    with fileset.Updater(disc) as updater:
        updater.file_set_id = "AFTER"
        updater.descriptor_file_id = "README"
        updater.descriptor_character_set = "ISO_IR 100"
        assert (updater.file_set_id, updater.descriptor_file_id) == ("AFTER", fileset.FileId("README"))
    dataset = directory(disc)
    assert (dataset.FileSetID, dataset.FileSetDescriptorFileID) == ("AFTER", "README")
    assert dataset.SpecificCharacterSetOfFileSetDescriptorFile == "ISO_IR 100"
    assert records(disc) == old
    with fileset.Updater(disc) as updater:
        updater.descriptor_file_id = None
    assert "FileSetDescriptorFileID" not in directory(disc)
    assert "SpecificCharacterSetOfFileSetDescriptorFile" not in directory(disc)
    assert directory(disc).FileSetID == "AFTER"


@pytest.mark.parametrize("name", ["lower", "SEVENTEEN_LETTERS"])
def test_an_illegal_file_set_id_is_a_rule_error(disc: Path, name: str) -> None:
    with fileset.Updater(disc) as updater, pytest.raises(fileset.RuleError):
        updater.file_set_id = name


# --- instances that are there already ---------------------------------------------------------------------------------


def corrected(folder: Path, *place: int, **values: str) -> Path:
    """`ct_file` with other values."""
    path = ct_file(folder, *place)
    dataset = dcmread(path)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def test_other_contents_are_refused_unless_they_shall_replace(disc: Path, tmp_path: Path) -> None:
    new, before = corrected(tmp_path, 1, 1, 1, 2, StationName="ELSEWHERE"), files(disc)
    with fileset.Updater(disc) as updater:
        updater.add(new)
    assert [skipped.rule for skipped in updater.report.skipped] == ["FS-INSTANCE-CONFLICT"]
    assert not updater.report.complete
    assert files(disc) == before


def test_contents_that_cannot_be_compared_are_not_called_others(disc: Path, tmp_path: Path) -> None:
    same = ct_file(tmp_path, 1, 1, 1, 2)
    with fileset.Reader(disc) as reader:
        [record] = reader.find(SOPInstanceUID=synthetic.ct_uid(1, 1, 1, 2))
        file_id = record.file_id
    assert file_id
    (disc / file_id.path).unlink()
    with fileset.Updater(disc) as updater:
        updater.add(same)
    [skipped] = updater.report.skipped
    assert skipped.rule == "FS-INSTANCE-CONFLICT"
    assert "cannot be read to compare" in skipped.reason
    assert file_id.path in skipped.reason


@pytest.mark.judges
def test_a_replacement_is_a_delete_and_a_write_under_a_new_file_id(disc: Path, tmp_path: Path) -> None:
    new, before = corrected(tmp_path, 1, 1, 1, 2, StationName="ELSEWHERE"), uids(disc)
    with fileset.Updater(disc) as updater:
        updater.add(new, replace=True)
    [removed] = updater.report.removed
    [added] = updater.report.added
    assert removed.sop_instance_uid == added.sop_instance_uid
    assert removed.file_id != added.file_id
    assert not (disc / removed.file_id.path).exists()
    assert (disc / added.file_id.path).read_bytes() == new.read_bytes()
    assert uids(disc) == before
    judges.judge_file_set(disc, before)


def test_a_whole_study_moves_to_another_patient_by_replacement(disc: Path, tmp_path: Path) -> None:
    new = [corrected(tmp_path, 1, 1, series, n, PatientID="PX") for series in (1, 2) for n in (1, 2, 3)]
    with fileset.Updater(disc) as updater:
        updater.add(*new, replace=True)
    with fileset.Reader(disc) as reader:
        assert {record["PatientID"]: len(list(record.children)) for record in reader.patients} == {
            "P1": 1,
            "P2": 2,
            "PX": 1,
        }


def test_half_a_study_cannot_move_to_another_patient(disc: Path, tmp_path: Path) -> None:
    new, before = corrected(tmp_path, 1, 1, 1, 2, PatientID="PX"), files(disc)
    with pytest.raises(fileset.RefusedError, match="belongs to Patient ID"), fileset.Updater(disc) as updater:
        updater.add(new, replace=True)
    assert files(disc) == before


@pytest.mark.parametrize(
    ("values", "rule"),
    [({"PatientID": "PX"}, "FS-STUDY-TWO-PATIENTS"), ({"StudyInstanceUID": UID("2.25.1")}, "FS-SERIES-TWO-STUDIES")],
)
def test_a_file_that_contradicts_the_directory_is_skipped(
    disc: Path, tmp_path: Path, values: dict[str, str], rule: str
) -> None:
    new = corrected(tmp_path, 1, 1, 1, 9, **values)
    with fileset.Updater(disc) as updater:
        updater.add(new)
    assert [skipped.rule for skipped in updater.report.skipped] == [rule]


def test_a_key_that_differs_from_the_record_that_stays_is_a_finding(disc: Path, tmp_path: Path) -> None:
    with fileset.Updater(disc) as updater:
        updater.add(corrected(tmp_path, 1, 1, 1, 9, PatientName="Roe^Richard"))
    assert [finding.rule for finding in updater.report.findings] == ["FS-KEY-CONFLICT"]
    with fileset.Reader(disc) as reader:
        assert next(reader.patients)["PatientName"] == "Doe^Jane"


@pytest.mark.judges
def test_an_instance_whose_file_is_missing_can_be_replaced(disc: Path, tmp_path: Path) -> None:
    (disc / "PT000000/ST000000/SE000000/IM000001").unlink()
    with fileset.Updater(disc) as updater:
        updater.add(tmp_path / "SOURCE", replace=True)
    assert len(updater.report.added) == 1
    assert len(uids(disc)) == 24
    judges.assert_clean([judges.JUDGES["links"](disc)], frozenset(uids(disc)))


# --- file-sets that cannot be updated ----------------------------------------------------------------------------------


def test_a_folder_without_a_dicomdir_is_no_file_set(tmp_path: Path) -> None:
    with pytest.raises(fileset.FormatError, match=r"fileset\.index\(\)"):
        fileset.Updater(tmp_path)


def test_an_unreadable_dicomdir_is_never_replaced(disc: Path) -> None:
    (disc / "DICOMDIR").write_bytes(b"nothing" * 100)
    with pytest.raises(fileset.FormatError, match=r"fileset\.repair_file_set\(\)"):
        fileset.Updater(disc)
    assert (disc / "DICOMDIR").read_bytes() == b"nothing" * 100


def test_a_directory_is_refused_if_it_is_out_of_date_not_if_only_its_flag_claims_it(disc: Path, tmp_path: Path) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    (disc / "DICOMDIR").write_bytes(data.replace(b"\x04\x00\x12\x12US\2\0\0\0", b"\x04\x00\x12\x12US\2\0\xff\xff"))
    with fileset.Updater(disc) as updater:
        updater.add(ct_file(tmp_path, 5, 1, 1, 1))
    assert directory(disc).FileSetConsistencyFlag == 0
    shutil.rmtree(disc / "PT000001")
    data = (disc / "DICOMDIR").read_bytes()
    (disc / "DICOMDIR").write_bytes(data.replace(b"\x04\x00\x12\x12US\2\0\0\0", b"\x04\x00\x12\x12US\2\0\xff\xff"))
    with pytest.raises(fileset.RefusedError, match="out of date"):
        fileset.Updater(disc)


def test_a_patient_that_is_there_twice_stops_the_update(disc: Path, tmp_path: Path) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    (disc / "DICOMDIR").write_bytes(data.replace(b"\x10\x00\x20\x00LO\2\0P2", b"\x10\x00\x20\x00LO\2\0P1"))
    before = files(disc)
    with pytest.raises(fileset.RefusedError, match="2 PATIENT records"), fileset.Updater(disc) as updater:
        updater.add(ct_file(tmp_path, 1, 9, 1, 1))
    assert files(disc) == before


def test_an_inactive_record_is_dropped_and_its_file_stays(disc: Path, tmp_path: Path) -> None:
    data = bytearray((disc / "DICOMDIR").read_bytes())
    with fileset.Reader(disc) as reader:
        record = next(reader.find(PatientID="P1"))
        data[record.offset + 28 : record.offset + 30] = bytes(2)
        path = disc / str(record.file_id)
    (disc / "DICOMDIR").write_bytes(data)
    with fileset.Updater(disc) as updater:
        updater.add(ct_file(tmp_path, 5, 1, 1, 1))
    assert len(directory(disc).DirectoryRecordSequence) == 24 - 1 + 1 + 14 + 3
    assert path.exists()
    assert "FS-FILE-UNLISTED" in {finding.rule for finding in updater.report.findings}


# --- files that are already on the medium, and media that are one file -------------------------------------------------


@pytest.mark.judges
def test_a_file_on_the_medium_stays_where_it_is(disc: Path) -> None:
    new = ct_file(disc / "MORE", 1, 1, 1, 9).rename(disc / "MORE" / "NEW")
    before = files(disc)
    with fileset.Updater(disc) as updater:
        updater.add(disc / "MORE")
    assert [(added.source, added.file_id.path) for added in updater.report.added] == [("MORE/NEW", "MORE/NEW")]
    assert files(disc).keys() == before.keys()
    assert new.exists()
    judges.assert_clean([judges.JUDGES["links"](disc)], frozenset(uids(disc)))


def test_the_whole_medium_may_be_added_to_itself(disc: Path) -> None:
    (disc / "NEW").write_bytes(synthetic.ct(1, 1, 1, 9))
    (disc / "one more.dcm").write_bytes(synthetic.ct(1, 1, 1, 10))
    with fileset.Updater(disc) as updater:
        updater.add(disc)
    assert [added.file_id.path for added in updater.report.added] == ["NEW"]
    assert [(skipped.source, skipped.rule) for skipped in updater.report.skipped] == [("one more.dcm", "FS-FILE-NAME")]
    assert len(uids(disc)) == 25


def test_a_folder_around_the_medium_is_added_without_it(disc: Path) -> None:
    ct_file(disc.parent / "ELSEWHERE", 1, 1, 1, 9)
    shutil.rmtree(disc.parent / "SOURCE")
    with fileset.Updater(disc) as updater:
        updater.add(disc.parent)
    assert [added.source for added in updater.report.added] == ["ELSEWHERE/1_1_1_9"]
    assert not updater.report.skipped


@pytest.mark.parametrize("name", ["DISC.iso", "DISC.zip"])
def test_an_image_is_updated_as_a_folder_is(tmp_path: Path, name: str) -> None:
    synthetic.ct_series(tmp_path / "SOURCE", patients=2, studies=1, series=1, instances=2)
    image = tmp_path / name
    with fileset.Creator(image, file_set_uid="2.25.4711") as creator:
        creator.add(tmp_path / "SOURCE")
    with fileset.Updater(image) as updater:
        updater.add(ct_file(tmp_path / "NEW", 1, 1, 1, 9))
        updater.remove(PatientID="P2")
        updater.refresh(PatientID="P1")
    assert len(updater.report.refreshed) == 2
    with fileset.Reader(image) as reader:
        assert reader.file_set_uid == "2.25.4711"
        assert [record.sop_instance_uid for record in reader.instances] == [
            synthetic.ct_uid(1, 1, 1, number) for number in (1, 2, 9)
        ]
        assert len(list(reader.medium.names())) == 4
    assert fileset.check_file_set(image).conformant


def test_the_files_of_an_image_are_added(disc: Path, tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "OTHER.zip") as creator:
        creator.add(ct_file(tmp_path, 5, 1, 1, 1))
    with fileset.Updater(disc) as updater:
        updater.add(tmp_path / "OTHER.zip")
    assert synthetic.ct_uid(5) in uids(disc)


def test_a_new_file_fills_in_missing_values_of_the_record_of_its_patient(tmp_path: Path) -> None:
    for name, number in (("", 1), ("Alpha^Ann", 2)):
        dataset = synthetic.instance(synthetic.CT_IMAGE, number=number)
        dataset.PatientName = name
        synthetic.write(dataset, tmp_path / f"IN{number}" / "FILE")
    with fileset.Creator(tmp_path / "DISC") as creator:
        creator.add(tmp_path / "IN1")
    with fileset.Updater(tmp_path / "DISC") as updater:
        updater.add(tmp_path / "IN2")
    assert [str(one) for one in fileset.check_file_set(tmp_path / "DISC").findings if one.severity == "error"] == []
    with fileset.Reader(tmp_path / "DISC") as reader:
        assert [str(patient["PatientName"]) for patient in reader.patients] == ["Alpha^Ann"]
