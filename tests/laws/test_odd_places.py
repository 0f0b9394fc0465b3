"""Laws 2, 3 and 5 for instances in odd places: below the record of another instance, or in a record of a level."""

from __future__ import annotations

from pathlib import Path
from struct import pack

import pytest

import fileset
from tests.support import directories, synthetic
from tests.support.command import Runs
from tests.support.directories import Rec, image, patient, series, study

SHOWN = ("list --jsonl", "list --csv", "list --paths", "list --file-ids")


def images(folder: Path) -> tuple[list[Rec], list[str]]:
    """Write two CT files; return a record of each and the UIDs."""
    datasets = [synthetic.instance(synthetic.CT_IMAGE, number=number) for number in (1, 2)]
    for number, dataset in enumerate(datasets, start=1):
        synthetic.write(dataset, folder / f"IM{number}")
    uids = [str(dataset.SOPInstanceUID) for dataset in datasets]
    return [image(f"IM{number}", uid) for number, uid in enumerate(uids, start=1)], uids


def share(record: Rec) -> None:
    """Let a record reference its file through an MRDR (retired, PS3.3-2003 F.6.2)."""
    record.mrdr = Rec("MRDR", {**record.keys, 0x00041600: ("UL", b"\1\0\0\0")})
    del record.keys[0x00041500], record.mrdr.keys[0x00200013]


def updated(folder: Path) -> fileset.Report:
    """Change the identification alone, so that all records are written again."""
    with fileset.Updater(folder) as updater:
        updater.file_set_id = "NEW"
    return updater.report


def disc(folder: Path, *records: Rec) -> Path:
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    tree = patient("P1", study(dataset.StudyInstanceUID, series(dataset.SeriesInstanceUID, *records)))
    (folder / "DICOMDIR").write_bytes(directories.directory([tree]))
    return folder


@pytest.fixture
def nested(tmp_path: Path) -> tuple[Path, list[str]]:
    """An IMAGE record below an IMAGE record."""
    (first, second), uids = images(tmp_path / "DISC")
    first.lower.append(second)
    return disc(tmp_path / "DISC", first), uids


@pytest.mark.parametrize("words", SHOWN)
def test_an_instance_below_another_one_is_listed(nested: tuple[Path, list[str]], words: str, run: Runs) -> None:
    verb, option = words.split()
    lines = run(verb, nested[0], option).stdout.splitlines()
    assert len(lines) - (option == "--csv") == 2


def test_a_refresh_loses_no_instance_below_another_one(nested: tuple[Path, list[str]]) -> None:
    with fileset.Updater(nested[0]) as updater:
        assert updater.refresh() == 2
    with fileset.Reader(nested[0]) as reader:
        assert [one.sop_instance_uid for one in reader.instances] == nested[1]
    assert fileset.check_file_set(nested[0]).errors == 0


def test_no_change_of_an_instance_loses_one_below_it(nested: tuple[Path, list[str]], tmp_path: Path, run: Runs) -> None:
    folder, (first, _) = nested
    before = (folder / "DICOMDIR").read_bytes()
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    dataset.ImageComments = "another version"
    synthetic.write(dataset, tmp_path / "NEW")
    for words in (("refresh", folder, f"SOPInstanceUID={first}"), ("add", folder, tmp_path / "NEW", "--replace")):
        assert "the records of other instances are below that at offset" in run(*words, code=6).stderr
        assert (folder / "DICOMDIR").read_bytes() == before


def test_a_remove_takes_no_instance_that_list_does_not_show(nested: tuple[Path, list[str]], run: Runs) -> None:
    folder, (first, second) = nested
    before = (folder / "DICOMDIR").read_bytes()
    assert (
        "the records of other instances are below that at offset"
        in run("remove", folder, f"SOPInstanceUID={first}", code=6).stderr
    )
    assert (folder / "DICOMDIR").read_bytes() == before
    run("remove", folder, f"SOPInstanceUID={second}")
    assert not (folder / "IM2").exists()
    run("remove", folder, "PatientID=P1")
    assert not (folder / "IM1").exists()


@pytest.mark.parametrize("kind", ["PATIENT", "STUDY", "SERIES"])
@pytest.mark.parametrize("words", SHOWN)
def test_an_instance_in_a_record_of_a_level_is_listed_and_reported(
    kind: str, words: str, tmp_path: Path, run: Runs
) -> None:
    records, _ = images(tmp_path)
    records[1].type = kind
    verb, option = words.split()
    listed = run(verb, disc(tmp_path, *records), option, code=3)
    assert len(listed.stdout.splitlines()) - (option == "--csv") == 2
    assert f"a {kind} record must not reference a file" in listed.stderr


def test_an_instance_in_a_record_of_a_level_is_copied(tmp_path: Path, run: Runs) -> None:
    records, _ = images(tmp_path / "DISC")
    records[1].type = "SERIES"
    run("extract", disc(tmp_path / "DISC", *records), "-o", tmp_path / "OUT", code=3)
    assert len([path for path in (tmp_path / "OUT").rglob("*") if path.is_file()]) == 2


def test_a_detached_patient_is_no_instance(tmp_path: Path) -> None:
    """Until 2004 a PATIENT record could reference a file with the values of the patient (PS3.3-2003 F.5.1)."""
    records, _ = images(tmp_path)
    detached = ("UI", b"1.2.840.10008.3.1.2.1.1\0")
    tree = patient("P1", study("1.2", series("1.2.3", *records)), t00041500=("CS", b"P"), t00041510=detached)
    (tmp_path / "DICOMDIR").write_bytes(directories.directory([tree]))
    with fileset.Reader(tmp_path) as reader:
        assert [one.record_type for one in reader.instances] == ["IMAGE", "IMAGE"]


@pytest.mark.parametrize("key", ["PatientID", "StudyInstanceUID", "SeriesInstanceUID"])
def test_a_file_that_an_mrdr_references_is_compared_with_the_records_above(key: str, tmp_path: Path, run: Runs) -> None:
    """Several records can share a file through an MRDR (retired, PS3.3-2003 F.6.2)."""
    (_, second), _ = images(tmp_path / "DISC")
    share(second)
    folder = disc(tmp_path / "DISC", second)
    dataset = synthetic.instance(synthetic.CT_IMAGE, number=2)
    dataset[key].value = "1.2.3.99"
    synthetic.write(dataset, folder / "IM2")
    for verb, code, out in (("check", 1, []), ("repair", 3, ["--dry-run"]), ("extract", 3, ["-o", tmp_path / "OUT"])):
        told = run(verb, folder, *out, code=code)
        assert any(
            "IM2" in line and key in line and "1.2.3.99" in line for line in (told.stdout + told.stderr).splitlines()
        )


@pytest.mark.parametrize("shares", [False, True], ids=["alone", "through an MRDR"])
@pytest.mark.parametrize("kind", ["PATIENT", "STUDY", "SERIES"])
def test_repair_makes_a_record_of_a_level_that_references_an_image_an_image_record(
    kind: str, tmp_path: Path, *, shares: bool
) -> None:
    records, uids = images(tmp_path)
    records[1].type = kind
    if shares:
        share(records[1])
    assert fileset.repair_file_set(disc(tmp_path, *records)).written
    assert fileset.check_file_set(tmp_path).errors == 0
    with fileset.Reader(tmp_path) as reader:
        assert [(one.record_type, one.sop_instance_uid) for one in reader.instances] == [("IMAGE", uid) for uid in uids]
    assert not fileset.repair_file_set(tmp_path).written


def test_an_update_keeps_the_file_of_a_record_that_has_a_file_id_instead_of_a_link(tmp_path: Path) -> None:
    records, uids = images(tmp_path)
    data = disc(tmp_path, *records).joinpath("DICOMDIR").read_bytes()
    before, link, after = data.rpartition(b"\x04\x00\x00\x14UL")
    (tmp_path / "DICOMDIR").write_bytes(before + link.replace(b"\x14", b"\x15") + after)
    updated(tmp_path)
    with fileset.Reader(tmp_path) as reader:
        found = [(one.file_id.path if one.file_id else "", one.sop_instance_uid) for one in reader.instances]
    assert found == [("IM1", uids[0]), ("IM2", uids[1])]


@pytest.mark.parametrize("syntax", [directories.IMPLICIT, directories.BIG])
def test_an_update_reads_the_type_of_a_record_that_has_two_as_the_next_reader(syntax: str, tmp_path: Path) -> None:
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    data = directories.directory([patient("P1", study(dataset.StudyInstanceUID), name="IMAGE^A ")], syntax=syntax)
    order = directories.CODINGS[syntax].order
    name, kind = pack(order + "HH", 0x10, 0x10), pack(order + "HH", 4, 0x1430)
    assert data.count(name) == 1
    (tmp_path / "DICOMDIR").write_bytes(data.replace(name, kind))
    assert updated(tmp_path).findings[-1].rule != "FS-RECORD-TYPE"
    with fileset.Reader(tmp_path) as reader:
        assert [one["PatientID"] for one in reader.patients] == ["P1"]


def test_an_update_keeps_the_file_of_a_record_whose_link_to_an_mrdr_is_in_the_wrong_place(tmp_path: Path) -> None:
    records, _ = images(tmp_path)
    share(records[1])
    data = disc(tmp_path, *records).joinpath("DICOMDIR").read_bytes()
    before, kind, after = data.rpartition(b"\x04\x00\x30\x14CS\x06\x00IMAGE ")
    (tmp_path / "DICOMDIR").write_bytes(before + kind.replace(b"\x30\x14", b"\x30\x16") + after)
    updated(tmp_path)
    with fileset.Reader(tmp_path) as reader:
        assert [one.file_id.path for one in reader.instances if one.file_id] == ["IM1", "IM2"]
