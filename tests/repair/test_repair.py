"""Repair keeps everything correct, rebuilds the rest from the files, and leaves nothing for another repair."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest
from pydicom import dcmread

import fileset
from fileset.media.image.medium import Image
from tests.support import judges, mutants, peers, synthetic
from tests.support.command import process
from tests.support.journal import added, leave_journal
from tests.support.long import LONG
from tests.updater.conftest import directory, files, records, uids
from tests.updater.test_foreign import SHIPPED, shipped

PAIRS: Final = mutants.PAIRS if LONG else mutants.PAIRS[::9]


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """Two patients with one study of two CT series of two instances each, as a file-set."""
    synthetic.ct_series(tmp_path / "SOURCE", patients=2, studies=1, series=2, instances=2)
    with fileset.Creator(tmp_path / "DISC", file_set_id="BEFORE", file_set_uid="2.25.4711") as creator:
        creator.add(tmp_path / "SOURCE")
    return tmp_path / "DISC"


FIRST: Final = "PT000000/ST000000/SE000000/IM000000"


def errors(folder: Path) -> list[str]:
    """Return the errors of a check."""
    return [str(finding) for finding in fileset.check_file_set(folder).findings if finding.severity == "error"]


def repaired(folder: Path) -> fileset.Report:
    """Repair a file-set, and assert that nothing is left to do; files are never touched."""
    before = files(folder)
    report = fileset.repair_file_set(folder)
    assert errors(folder) == []
    after = files(folder)
    assert {name: data for name, data in before.items() if name != "DICOMDIR"} == {
        name: data for name, data in after.items() if name != "DICOMDIR"
    }
    assert not fileset.repair_file_set(folder).written
    judges.assert_clean([judges.JUDGES["links"](folder)], frozenset(uids(folder)))
    return report


def patch(folder: Path, old: bytes, new: bytes, count: int = 1) -> None:
    """Change bytes of the DICOMDIR, its length kept."""
    data = (folder / "DICOMDIR").read_bytes()
    assert old in data
    (folder / "DICOMDIR").write_bytes(data.replace(old, new.ljust(len(old)), count))


def rules(findings: Iterable[fileset.Finding]) -> set[str]:
    return {finding.rule for finding in findings}


# --- whatever is wrong with the DICOMDIR ------------------------------------------------------------------------------


@pytest.mark.judges
@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=str)
def test_every_mutant_is_mended(tmp_path: Path, mutant: mutants.Mutant) -> None:
    folder = mutants.write(mutants.broken(mutant), tmp_path)
    report = repaired(folder)
    present = {path for path in files(folder) if path != "DICOMDIR"}
    assert len(uids(folder)) == len(present)
    assert report.file_set_uid == directory(folder).file_meta.MediaStorageSOPInstanceUID
    assert report.file_set_uid == directory(SHIPPED).file_meta.MediaStorageSOPInstanceUID
    if mutant.number not in (4, 7, 8, 11, 12):  # all records are right, only links, flags and files are not
        sound = {record for record in records(SHIPPED) if b"\xff\xff" in record}
        assert set(records(folder)) - sound == set() or mutant.number in (5, 9)


@pytest.mark.judges
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0].number} and {pair[1].number}")
def test_two_mutants_at_a_time_are_mended(tmp_path: Path, pair: tuple[mutants.Mutant, mutants.Mutant]) -> None:
    folder = mutants.write(mutants.broken(*pair), tmp_path)
    repaired(folder)
    assert len(uids(folder)) == len(files(folder)) - 1


@pytest.mark.judges
@pytest.mark.parametrize("peer", peers.PEERS)
def test_dicomdirs_of_other_programs_are_repaired(tmp_path: Path, peer: str) -> None:
    (tmp_path / "PEER").mkdir()
    folder = peers.PEERS[peer](tmp_path / "PEER")
    before = set(uids(folder))
    repaired(folder)
    assert set(uids(folder)) == before


@pytest.mark.judges
@pytest.mark.parametrize("name", ["DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-nooffset", "DICOMDIR-nopatient"])
def test_damaged_directories_that_pydicom_ships(tmp_path: Path, name: str) -> None:
    folder = shipped(tmp_path, name)
    repaired(folder)
    assert len(uids(folder)) == 31


def test_a_sound_file_set_is_not_changed(disc: Path) -> None:
    before = files(disc)
    report = fileset.repair_file_set(disc)
    assert not report.written
    assert not report.findings
    assert files(disc) == before


@pytest.mark.judges
def test_a_missing_dicomdir_is_made_of_the_files(disc: Path) -> None:
    (disc / "DICOMDIR").unlink()
    report = repaired(disc)
    assert rules(report.findings) == {"FS-DICOMDIR-LOST"}
    assert len(report.added) == 8
    assert len(uids(disc)) == 8


@pytest.mark.judges
def test_of_an_unreadable_dicomdir_the_identification_is_kept(disc: Path) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    (disc / "DICOMDIR").write_bytes(b"?" * 132 + data[132:])
    report = repaired(disc)
    assert (report.file_set_uid, report.file_set_id) == ("2.25.4711", "BEFORE")
    assert directory(disc).FileSetID == "BEFORE"
    assert len(uids(disc)) == 8


def test_a_folder_without_dicom_files_is_no_file_set(tmp_path: Path) -> None:
    (tmp_path / "README.TXT").write_text("hello")
    with pytest.raises(fileset.FormatError, match="not a file-set"):
        fileset.repair_file_set(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["README.TXT"]


@pytest.mark.judges
def test_a_dry_run_shows_all_and_changes_nothing(disc: Path) -> None:
    (disc / FIRST).unlink()
    (disc / "EXTRA").write_bytes(synthetic.ct(7))
    before = files(disc)
    planned = fileset.repair_file_set(disc, dry_run=True)
    assert files(disc) == before
    done = repaired(disc)
    assert list(planned.added) == list(done.added)
    assert planned.removed == done.removed
    assert not planned.written


@pytest.mark.parametrize("seed", range(300 if LONG else 10))
def test_any_damage_gives_a_sound_file_set_or_an_error(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    folder = shipped(tmp_path, "DICOMDIR")
    data = bytearray((folder / "DICOMDIR").read_bytes())
    for _ in range(chance.randint(1, 4)):
        data[chance.randrange(len(data))] ^= chance.randint(1, 255)
    if seed % 3 == 0:
        del data[chance.randrange(len(data)) :]
    (folder / "DICOMDIR").write_bytes(data)
    try:
        fileset.repair_file_set(folder)
    except fileset.RefusedError:
        return  # cut off where a directory without records might end
    assert errors(folder) == []
    assert len(uids(folder)) == 31


# --- files and records ------------------------------------------------------------------------------------------------


@pytest.mark.judges
def test_records_of_missing_files_are_dropped_and_listed(disc: Path) -> None:
    shutil.rmtree(disc / "PT000001")
    (disc / FIRST).unlink()
    report = repaired(disc)
    assert len(report.removed) == 5
    assert not any(removed.deleted for removed in report.removed)
    assert rules(report.findings) == {"FS-FILE-MISSING"}
    assert len(uids(disc)) == 3


@pytest.mark.judges
def test_unlisted_files_are_listed_where_they_are(disc: Path) -> None:
    (disc / "MORE").mkdir()
    (disc / "MORE" / "ONE").write_bytes(synthetic.ct(1, 1, 1, 9))
    (disc / "MORE" / "README.TXT").write_text("hello")
    report = repaired(disc)
    assert [(added.file_id.path, added.sop_instance_uid) for added in report.added] == [
        ("MORE/ONE", synthetic.ct_uid(1, 1, 1, 9))
    ]
    assert not report.skipped


def test_unlisted_files_under_other_names_are_reported(disc: Path) -> None:
    (disc / "one more.dcm").write_bytes(synthetic.ct(1, 1, 1, 9))
    report = fileset.repair_file_set(disc)
    assert [(skipped.source, skipped.rule) for skipped in report.skipped] == [("one more.dcm", "FS-FILE-NAME")]
    assert not report.complete


def test_a_deleted_instance_does_not_come_back(disc: Path) -> None:
    data = bytearray((disc / "DICOMDIR").read_bytes())
    with fileset.Reader(disc) as reader:
        offset = next(record.offset for record in reader.instances)
    data[offset + 28 : offset + 30] = bytes(2)
    (disc / "DICOMDIR").write_bytes(data)
    report = fileset.repair_file_set(disc)
    assert [(skipped.source, skipped.rule) for skipped in report.skipped] == [(FIRST, "FS-RECORD-INACTIVE")]
    assert synthetic.ct_uid() not in uids(disc)
    assert (disc / FIRST).exists()


@pytest.mark.judges
def test_a_file_that_is_no_longer_dicom_loses_its_record(disc: Path) -> None:
    (disc / FIRST).write_bytes(b"nothing" * 100)
    report = repaired(disc)
    assert [removed.file_id.path for removed in report.removed] == [FIRST]


@pytest.mark.judges
def test_changed_files_get_new_records_and_others_keep_theirs(disc: Path) -> None:
    old = records(disc)
    dataset = dcmread(disc / FIRST)
    dataset.InstanceNumber = 99
    dataset.save_as(disc / FIRST)
    report = repaired(disc)
    assert [refreshed.file_id.path for refreshed in report.refreshed] == [FIRST]
    assert len(set(old) - set(records(disc))) == 1


def test_one_file_of_another_patient_does_not_take_its_study_along(disc: Path) -> None:
    """The first file of a study names another patient; the others keep the patient that they and their records name."""
    wrong = dcmread(disc / FIRST)
    right = wrong.PatientID
    wrong.PatientID = "OTHER"
    wrong.save_as(disc / FIRST)
    report = fileset.repair_file_set(disc)
    told = {finding.rule for finding in report.findings if finding.where.file == FIRST}
    assert {"FS-STUDY-TWO-PATIENTS", "FS-KEY-DIFFERS"} <= told
    assert not report.complete
    with fileset.Reader(disc) as reader:
        assert len(list(reader.find(PatientID=right))) == 4
        assert not list(reader.find(PatientID="OTHER"))


def test_a_changed_number_is_reported_as_a_number(disc: Path) -> None:
    """512 and 2 differ in the place of a zero byte only, which is no padding."""
    patch(disc, b"\x28\x00\x10\x00US\x02\x00\x02\x00", b"\x28\x00\x10\x00US\x02\x00\x00\x02", 8)
    report = fileset.repair_file_set(disc)
    rows = [finding.message for finding in report.findings if finding.rule == "FS-KEY-CHANGED"]
    assert rows == ["512 -> 2"] * 8


@pytest.mark.judges
def test_private_elements_outlive_a_new_record(disc: Path) -> None:
    with fileset.Reader(disc) as reader:
        offset = next(record.offset for record in reader.instances)
    private = b"\x09\x00\x10\x00LO\x04\0ACME\x09\x00\x01\x10LO\x04\0MINE"
    inserted(disc, offset, b"\x20\x00\x12\x00IS", private)
    assert fileset.check_file_set(disc).conformant
    dataset = dcmread(disc / FIRST)
    dataset.InstanceNumber = 99
    dataset.save_as(disc / FIRST)
    repaired(disc)
    [record] = [record for record in directory(disc).DirectoryRecordSequence if 0x00091001 in record]
    assert record[0x00091001].value == "MINE"
    assert record.InstanceNumber == 99


def inserted(folder: Path, offset: int, before: bytes, new: bytes) -> None:
    """Insert elements into the record at `offset`, before the element that begins with `before`; all offsets follow."""
    data = bytearray((folder / "DICOMDIR").read_bytes())
    at = data.index(before, offset)
    length = int.from_bytes(data[offset + 4 : offset + 8], "little") + len(new)
    data[offset + 4 : offset + 8] = length.to_bytes(4, "little")
    data[at:at] = new
    for header in (b"\x04\x00\x00\x12UL", b"\x04\x00\x02\x12UL", b"\x04\x00\x00\x14UL", b"\x04\x00\x20\x14UL"):
        place = data.find(header)
        while place >= 0:
            value = int.from_bytes(data[place + 8 : place + 12], "little")
            if value > offset:
                data[place + 8 : place + 12] = (value + len(new)).to_bytes(4, "little")
            place = data.find(header, place + 12)
    sequence = data.index(b"\x04\x00\x20\x12SQ") + 8
    total = int.from_bytes(data[sequence : sequence + 4], "little") + len(new)
    data[sequence : sequence + 4] = total.to_bytes(4, "little")
    (folder / "DICOMDIR").write_bytes(data)


@pytest.mark.judges
def test_a_private_record_stays_below_its_parent(disc: Path) -> None:
    with_private(disc)
    before = [record for record in records(disc) if b"PRIVATE " in record]
    (disc / "EXTRA").write_bytes(synthetic.ct(1, 1, 1, 9))
    repaired(disc)
    assert [record for record in records(disc) if b"PRIVATE " in record] == before
    with fileset.Reader(disc) as reader:
        [private] = [record for record in reader.records if record.record_type == "PRIVATE"]
        assert private.parent is not None
        assert private.parent.record_type == "PATIENT"


def with_private(folder: Path) -> None:
    """Make the last study of the first patient's directory lead on to a PRIVATE record without a file."""
    data = bytearray((folder / "DICOMDIR").read_bytes())
    with fileset.Reader(folder) as reader:
        [study] = next(reader.patients).children
    content = (
        b"\x04\x00\x00\x14UL\x04\0\0\0\0\0\x04\x00\x10\x14US\x02\0\xff\xff\x04\x00\x20\x14UL\x04\0\0\0\0\0"
        b"\x04\x00\x30\x14CS\x08\0PRIVATE \x04\x00\x32\x14UI\x08\x002.25.47\0"
    )
    record = b"\xfe\xff\x00\xe0" + len(content).to_bytes(4, "little") + content
    data[study.offset + 16 : study.offset + 20] = len(data).to_bytes(4, "little")
    sequence = data.index(b"\x04\x00\x20\x12SQ") + 8
    total = int.from_bytes(data[sequence : sequence + 4], "little") + len(record)
    data[sequence : sequence + 4] = total.to_bytes(4, "little")
    (folder / "DICOMDIR").write_bytes(data + record)


@pytest.mark.judges
def test_two_patient_records_for_one_patient_become_one(disc: Path) -> None:
    patch(disc, b"\x10\x00\x20\x00LO\2\0P2", b"\x10\x00\x20\x00LO\2\0P1")
    for path in (disc / "PT000001").rglob("IM*"):
        path.write_bytes(path.read_bytes().replace(b"\x10\x00\x20\x00LO\2\0P2", b"\x10\x00\x20\x00LO\2\0P1"))
    repaired(disc)
    with fileset.Reader(disc) as reader:
        assert len(list(reader.patients)) == 1
    assert len(uids(disc)) == 8


@pytest.mark.judges
def test_two_records_of_one_file_become_one(disc: Path) -> None:
    first = FIRST.replace("/", "\\").encode()
    patch(disc, first[:-1] + b"1", first)
    report = repaired(disc)
    assert "FS-FILE-SHARED" in rules(report.findings)
    assert len(uids(disc)) == 8


def test_a_file_counts_as_listed_if_one_of_its_two_records_is_dropped(disc: Path) -> None:
    first = FIRST.replace("/", "\\").encode()
    patch(disc, first[:-1] + b"1", first)
    (disc / (FIRST[:-1] + "1")).unlink()
    report = fileset.repair_file_set(disc)
    assert "FS-FILE-SHARED" in rules(report.findings)
    assert "FS-FILE-UNLISTED" not in rules(report.findings)
    assert len(uids(disc)) == 7
    assert fileset.check_file_set(disc).errors == 0


@pytest.mark.judges
@pytest.mark.parametrize(
    ("old", "new", "keyword", "value"),
    [
        (b"CS\x06\0BEFORE", b"CS\x06\0be-ore", "FileSetID", "BE_ORE"),
        (b"UI\x0a\x002.25.4711\0", b"UI\x0a\x00not a uid\0", "FileSetID", "BEFORE"),
    ],
)
def test_a_wrong_identification_is_put_right(disc: Path, old: bytes, new: bytes, keyword: str, value: str) -> None:
    patch(disc, old, new)
    report = repaired(disc)
    assert directory(disc)[keyword].value == value
    assert report.file_set_uid == directory(disc).file_meta.MediaStorageSOPInstanceUID


@pytest.mark.judges
def test_a_missing_descriptor_file_is_no_longer_referenced(disc: Path) -> None:
    with fileset.Updater(disc) as updater:
        updater.descriptor_file_id = "README"
        updater.descriptor_character_set = "ISO_IR 100"
    patch(disc, b"\x04\x00\x12\x12US\2\0\0\0", b"\x04\x00\x12\x12US\2\0\xff\xff")
    repaired(disc)
    assert "FileSetDescriptorFileID" not in directory(disc)
    assert "SpecificCharacterSetOfFileSetDescriptorFile" not in directory(disc)


def test_leftovers_of_an_interrupted_write_are_removed(disc: Path) -> None:
    (disc / "FILESET_").mkdir()
    (disc / "FILESET_" / "T0000001").write_bytes(b"half")
    (disc / "LEFT").mkdir()
    (disc / "LEFT" / "OVER").write_bytes(synthetic.ct(5))
    leave_journal(disc, added(disc, "LEFT/OVER"))
    report = fileset.repair_file_set(disc)
    assert rules(report.findings) == {"FS-WRITE-LEFTOVER"}
    assert sorted(path.name for path in disc.iterdir()) == ["DICOMDIR", "PT000000", "PT000001"]
    assert errors(disc) == []


def test_if_there_are_only_leftovers_they_are_removed_and_nothing_else_changes(tmp_path: Path) -> None:
    (tmp_path / "FILESET_").mkdir()
    (tmp_path / "FILESET_" / "T0000001").write_bytes(b"half")
    (tmp_path / "LEFT").mkdir()
    (tmp_path / "LEFT" / "OVER").write_bytes(b"no DICOM file")
    leave_journal(tmp_path, added(tmp_path, "LEFT/OVER"))
    before = sorted(tmp_path.rglob("*"))
    assert fileset.repair_file_set(tmp_path, dry_run=True).leftovers == 2
    assert sorted(tmp_path.rglob("*")) == before
    report = fileset.repair_file_set(tmp_path)
    assert (report.leftovers, report.written, report.complete) == (2, [], False)
    assert [path.name for path in tmp_path.iterdir()] == ["LEFT"]
    with pytest.raises(fileset.FormatError, match="not a file-set"):
        fileset.repair_file_set(tmp_path)


def test_files_whose_names_cannot_be_listed_are_referred_to_create(tmp_path: Path) -> None:
    (tmp_path / "image one.dcm").write_bytes(synthetic.ct(1))
    with pytest.raises(fileset.FormatError, match="need `fileset create`, which copies them under legal names"):
        fileset.repair_file_set(tmp_path)


def test_the_files_of_a_journal_beside_an_empty_dicomdir_are_listed(tmp_path: Path) -> None:
    """It may be a DICOMDIR that references them, damaged by a power failure."""
    (tmp_path / "FILESET_").mkdir()
    (tmp_path / "LEFT").mkdir()
    (tmp_path / "LEFT" / "OVER").write_bytes(synthetic.ct(5))
    leave_journal(tmp_path, added(tmp_path, "LEFT/OVER"))
    (tmp_path / "DICOMDIR").write_bytes(b"")
    assert len(fileset.repair_file_set(tmp_path).added) == 1
    assert (tmp_path / "LEFT" / "OVER").read_bytes() == synthetic.ct(5)
    assert errors(tmp_path) == []


def test_files_that_no_write_leaves_are_not_reported_as_removed(tmp_path: Path) -> None:
    (tmp_path / "FILESET_").mkdir()
    (tmp_path / "FILESET_" / "JUNK").write_bytes(b"of others")
    with pytest.raises(fileset.FormatError, match="not a file-set"):
        fileset.repair_file_set(tmp_path)
    (tmp_path / "FILESET_" / "T0000001").write_bytes(b"half")
    with pytest.raises(fileset.FormatError, match="not a file-set"):  # without a mark, this is no work folder
        fileset.repair_file_set(tmp_path)
    (tmp_path / "FILESET_" / "LOCK").touch()
    report = fileset.repair_file_set(tmp_path)
    assert (report.leftovers, [one.source for one in report.skipped], report.complete) == (2, ["FILESET_/JUNK"], False)
    assert (tmp_path / "FILESET_" / "JUNK").exists()


def test_a_file_set_without_directory_information_stays_one(disc: Path) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    (disc / "DICOMDIR").write_bytes(data[: data.index(b"\x04\x00\x00\x12UL")])
    with pytest.raises(fileset.RefusedError, match="Directory Information"):
        fileset.repair_file_set(disc)


@pytest.mark.parametrize("name", [rb"..\BAIT", rb"LINK\BAIT"])
def test_nothing_outside_the_file_set_is_read_or_named(disc: Path, name: bytes) -> None:
    (disc.parent / "BAIT").write_bytes(synthetic.ct(66))
    (disc / "LINK").symlink_to(disc.parent, target_is_directory=True)
    patch(disc, FIRST.replace("/", "\\").encode(), name)
    report = fileset.repair_file_set(disc)
    assert synthetic.ct_uid(66) not in uids(disc)
    assert (disc.parent / "BAIT").read_bytes() == synthetic.ct(66)
    assert [one.file_id.path for one in report.refreshed] == [FIRST]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_files_that_cannot_be_read_are_reported_and_keep_their_records(disc: Path) -> None:
    (disc / FIRST).unlink()
    for name in (FIRST, "EXTRA"):
        os.mkfifo(disc / name)
    report = fileset.repair_file_set(disc)
    assert [(one.source, one.rule) for one in report.skipped] == [("EXTRA", "FS-FILE-UNREADABLE")]
    assert [(one.where.file, one.rule) for one in report.findings] == [(FIRST, "FS-FILE-UNREADABLE")]
    assert not report.complete
    assert not report.written
    assert len(uids(disc)) == 8


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("also_mends", [False, True])
def test_an_error_that_a_check_still_finds_leaves_exit_code_3(disc: Path, *, also_mends: bool) -> None:
    (disc / FIRST).unlink()
    os.mkfifo(disc / FIRST)
    if also_mends:
        (disc / FIRST).with_name("IM000001").unlink()
    done = process("repair", disc)
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("FS-FILE-UNREADABLE") == 1
    assert len(errors(disc)) == 1


def test_damage_of_an_image_is_reported_and_not_called_repaired(disc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = disc.with_suffix(".iso")
    with fileset.Creator(image) as creator:
        creator.add(disc)
    monkeypatch.setattr(Image, "damage", lambda _: ("cut off: 5 of 6 bytes are there",))
    [skipped] = fileset.repair_file_set(image).skipped
    assert (skipped.source, skipped.rule) == (str(image), "FS-MEDIUM-DAMAGED")
    assert "fileset extract" in skipped.reason


def test_a_new_record_with_a_fault_is_no_success(tmp_path: Path) -> None:
    """The fault is in the new DICOMDIR, so it does not count as repaired."""
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE), tmp_path / "IM1")
    fileset.index(tmp_path)
    report = synthetic.instance(synthetic.COMPREHENSIVE_SR, patient=2, study=2, series=2)
    del report.ConceptNameCodeSequence[0].CodingSchemeDesignator
    synthetic.write(report, tmp_path / "SR1")
    done = fileset.repair_file_set(tmp_path)
    assert [(one.rule, one.severity) for one in done.findings] == [("FS-KEY-CONDITION", "error")]
    assert not done.complete
    assert not fileset.check_file_set(tmp_path).conformant
