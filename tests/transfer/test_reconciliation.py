"""The right patient: new values go in, old ones stay in Original Attributes Sequence, and nothing else changes."""

from __future__ import annotations

import io
import json
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from attrs import frozen
from pydicom import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

import fileset
from fileset.media.base import FileInfo
from fileset.standard.dictionary import keyword_of
from fileset.transfer.coerce import OF_PATIENT_ID
from fileset.transfer.payload import Payload, UnsendableError, payload
from fileset.transfer.reconciliation import NewValues, Reconciliation, values_of
from tests.support import synthetic
from tests.support.command import Runs
from tests.support.judges import find_tool
from tests.support.servers import Orthanc, Server, free_port, need, running, worklist
from tests.transfer.conftest import SHIPPED

NEW = {"PatientID": "LOCAL7", "PatientName": "Roe^Richard", "AccessionNumber": "A77"}


@frozen
class Bytes:
    """A file in memory."""

    content: bytes
    file_id: None = None

    def open(self) -> io.BytesIO:
        return io.BytesIO(self.content)

    def inquire(self) -> FileInfo:
        return FileInfo(len(self.content), None)


def changed(content: bytes, values: dict[str, str]) -> bytes:
    """A file after reconciliation."""
    return whole(Reconciliation(values_of(values)).change(payload(Bytes(content))))


def whole(item: Payload) -> bytes:
    """The bytes that are sent, of which there are as many as was promised."""
    data = b"".join(item.data_set())
    assert len(data) == item.length
    return item.meta + data


def read(content: bytes) -> Dataset:
    """A data set by pydicom, every value decoded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(io.BytesIO(content), force=True)
        dataset.decode()
        for _ in dataset.iterall():
            pass
    return dataset


def shipped() -> Iterator[Path]:
    """Files that can be sent as they are."""
    for path in sorted(SHIPPED.rglob("*")):
        if path.is_file() and b"DICM" in path.read_bytes()[128:132] and not path.name.startswith("DICOMDIR"):
            try:
                payload(Bytes(path.read_bytes()))
            except UnsendableError:
                continue
            yield path


FILES = list(shipped())


def without(dataset: Dataset, *keywords: str) -> Dataset:
    """The rest of a data set, without group lengths."""
    left = Dataset()
    for element in dataset:
        if element.keyword not in keywords and element.tag.element:
            left.add(element)
    return left


ADDED = ("OriginalAttributesSequence", "InstanceCoercionDateTime", "InstanceOriginStatus")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_shipped_file_gets_new_values_and_keeps_all_others(path: Path) -> None:
    before = read(path.read_bytes())
    after = read(changed(path.read_bytes(), NEW))
    assert {keyword: str(after[keyword].value) for keyword in NEW} == NEW
    assert after.InstanceOriginStatus == "IMPORTED"
    item = after.OriginalAttributesSequence[-1]
    assert item.ReasonForTheAttributeModification == "COERCE"
    assert item.ModifyingSystem == "fileset"
    old = item.ModifiedAttributesSequence[0]
    for keyword in NEW:
        assert str(old[keyword].value or "") == str(before.get(keyword) or "")
    left_out = (*NEW, *ADDED, *map(keyword_of, OF_PATIENT_ID))
    assert without(after, *left_out) == without(before, *left_out)
    assert not any(tag in after for tag in OF_PATIENT_ID)
    assert after.get("PixelData") == before.get("PixelData")


def test_values_that_are_there_already_change_no_byte() -> None:
    content = synthetic.ct()
    dataset = read(content)
    assert changed(content, {"PatientID": dataset.PatientID, "PatientName": str(dataset.PatientName)}) == content


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
@pytest.mark.parametrize("charset", ["", "ISO_IR 100", "ISO_IR 144", "ISO_IR 192", "GB18030", "ISO 2022 IR 87"])
@pytest.mark.parametrize("name", ["Roe^Richard", "Möller^Jörg", "山田^太郎"])
def test_text_stays_the_same_when_the_character_set_is_widened(syntax: str, charset: str, name: str) -> None:
    dataset = synthetic.instance("1.2.840.10008.5.1.4.1.1.2", charset=charset or None, transfer_syntax=syntax)
    nested = Dataset()
    nested.CodeMeaning = synthetic.NAMES[charset]
    dataset.ProcedureCodeSequence = [nested]
    before = read(synthetic.encode(dataset))
    after = read(changed(synthetic.encode(dataset), {"PatientName": name}))
    assert str(after.PatientName) == name
    assert after.ProcedureCodeSequence[0].CodeMeaning == before.ProcedureCodeSequence[0].CodeMeaning
    assert after.StudyDescription == before.StudyDescription
    old = after.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
    assert str(old.PatientName) == str(before.PatientName)
    assert after.PixelData == before.PixelData


def test_items_of_earlier_changes_are_kept() -> None:
    once = changed(synthetic.ct(), {"PatientID": "FIRST"})
    twice = read(changed(once, {"PatientID": "SECOND"}))
    old = [one.ModifiedAttributesSequence[0].PatientID for one in twice.OriginalAttributesSequence]
    assert old == [read(synthetic.ct()).PatientID, "FIRST"]


def test_private_elements_stay_byte_for_byte() -> None:
    dataset = synthetic.instance("1.2.840.10008.5.1.4.1.1.2", charset="ISO_IR 100")
    block = dataset.private_block(0x0029, "ACME", create=True)
    block.add_new(1, "OB", bytes(range(256)))
    block.add_new(2, "UN", b"\xe9\xe8 not ours to understand.")
    block.add_new(3, "LO", "Grüße")  # text in the old character set: only its vendor knows which programs read it
    inner, nested = Dataset(), Dataset()
    inner.private_block(0x0029, "ACME", create=True).add_new(4, "LO", "Füße")
    block.add_new(5, "SQ", [inner])
    nested.CodeMeaning = "Schädel"
    nested.private_block(0x0029, "ACME", create=True).add_new(6, "LO", "Maße")
    dataset.ProcedureCodeSequence = [nested]
    content = synthetic.encode(dataset)
    new = changed(content, {"PatientName": "山^田"})
    before, after = read(content), read(new)
    for number in (1, 2):
        assert after[0x0029, 0x1000 + number].value == before[0x0029, 0x1000 + number].value
    for text in ("Grüße", "Füße", "Maße"):
        assert text.encode("latin_1") in new
        assert text.encode() not in new
    assert "Schädel".encode() in new


def test_an_issuer_and_other_ids_of_the_old_patient_id_do_not_stay_with_the_new_one() -> None:
    dataset = synthetic.instance("1.2.840.10008.5.1.4.1.1.2")
    other = Dataset()
    other.PatientID, other.IssuerOfPatientID, other.TypeOfPatientID = "X9", "ELSEWHERE", "TEXT"
    dataset.IssuerOfPatientID, dataset.OtherPatientIDsSequence = "ELSEWHERE", [other]
    content = synthetic.encode(dataset)
    after = read(changed(content, {"PatientID": "LOCAL7"}))
    assert "IssuerOfPatientID" not in after
    assert "OtherPatientIDsSequence" not in after
    old = after.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
    assert (old.PatientID, old.IssuerOfPatientID) == (dataset.PatientID, "ELSEWHERE")
    assert old.OtherPatientIDsSequence[0].PatientID == "X9"
    rules = Reconciliation(values_of({"PatientID": "LOCAL7", "IssuerOfPatientID": "HERE"}))
    both = rules.change(payload(Bytes(content)))
    assert read(whole(both)).IssuerOfPatientID == "HERE"
    assert both.values["OtherPatientIDsSequence"] == ("(a sequence)", "")
    assert read(changed(content, {"PatientName": "Roe^Richard"})).IssuerOfPatientID == "ELSEWHERE"


@pytest.mark.judges
@pytest.mark.parametrize(
    "path", [path for path in FILES if path.stat().st_size < 100_000][::3], ids=lambda path: path.name
)
def test_dciodvfy_finds_no_new_error(path: Path, tmp_path: Path) -> None:
    tool = find_tool("dciodvfy") or pytest.skip("dciodvfy is not installed")

    def errors(content: bytes) -> set[str]:
        (tmp_path / "file").write_bytes(content)
        done = subprocess.run([tool, tmp_path / "file"], capture_output=True, timeout=60, check=False)
        return {line for line in done.stderr.decode(errors="replace").splitlines() if line.startswith("Error")}

    assert errors(changed(path.read_bytes(), NEW)) - errors(path.read_bytes()) == set()


# ---------------------------------------------------------------- the keys and patients that may get new values


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("StudyInstanceUID", "1.2.3", "UIDs must stay"),
        ("PixelData", "0", "cannot be set"),
        ("ReferencedStudySequence", "x", "cannot be set"),
        ("PatientsName", "x", "not the keyword"),
        ("PatentID", "x", "Did you mean PatientID?"),
        ("PatientBirthDate", "yesterday", "PatientBirthDate=yesterday"),
        ("PatientID", "x" * 65, "PatientID="),
    ],
)
def test_a_value_that_cannot_be_set_is_a_usage_error(
    keyword: str, value: str, reason: str, disc: Path, run: Runs
) -> None:
    done = run("send", disc, "--to", "A@127.0.0.1:1", "--set", f"{keyword}={value}", code=2)
    assert reason in done.stderr


def test_one_value_for_two_patients_is_refused(disc: Path, run: Runs) -> None:
    done = run("send", disc, "--to", "A@127.0.0.1:1", "--set", "PatientID=X", code=6)
    assert "the files are of 2 patients" in done.stderr


def test_a_file_of_another_patient_than_its_record_is_not_sent_under_a_new_name() -> None:
    rules = Reconciliation(values_of(NEW))
    rules.change(payload(Bytes(synthetic.ct(patient=1))))
    with pytest.raises(UnsendableError, match="one value cannot be right for both"):
        rules.change(payload(Bytes(synthetic.ct(patient=2))))


def write_table(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def test_a_table_gives_each_patient_its_own_values(tmp_path: Path) -> None:
    old = [read(synthetic.ct(patient=number)).PatientID for number in (1, 2)]
    table = write_table(
        tmp_path / "map.csv", "OldPatientID,PatientID,PatientName", f"{old[0]},N1,Müller", f"{old[1]},N2,"
    )
    rules = Reconciliation(table=NewValues.read(table))
    new = [read(whole(rules.change(payload(Bytes(synthetic.ct(patient=number)))))) for number in (1, 2)]
    assert [one.PatientID for one in new] == ["N1", "N2"]
    assert str(new[0].PatientName) == "Müller"
    assert new[1].PatientName == read(synthetic.ct(patient=2)).PatientName
    with pytest.raises(UnsendableError, match="no row"):
        rules.change(payload(Bytes(synthetic.ct(patient=3))))


def test_a_table_may_go_by_study(tmp_path: Path) -> None:
    study = read(synthetic.ct()).StudyInstanceUID
    table = NewValues.read(write_table(tmp_path / "map.csv", "StudyInstanceUID,AccessionNumber", f"{study},A9"))
    assert read(whole(Reconciliation(table=table).change(payload(Bytes(synthetic.ct()))))).AccessionNumber == "A9"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["PatientID,PatientName", "a,b"],
        ["OldPatientID"],
        ["OldPatientID,PatientID", "a,b", "a,c"],
        ["OldPatientID,PatientID", "a"],
        ["OldPatientID,StudyInstanceUID", "a,1.2"],
        ["OldPatientID,PatientID", '"' + "x" * 200_000],
    ],
)
def test_a_table_of_another_form_is_refused(tmp_path: Path, lines: list[str]) -> None:
    with pytest.raises(fileset.RuleError):
        NewValues.read(write_table(tmp_path / "map.csv", *lines))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_is_read_as_spreadsheets_of_all_countries_write_it(tmp_path: Path, separator: str) -> None:
    lines = (["OldPatientID", "PatientID", "PatientName"], ["0815", "N1", '"Müller, J;"'])
    (tmp_path / "map.csv").write_text("\r\n".join(map(separator.join, lines)), encoding="utf-8-sig", newline="")
    rows = NewValues.read(str(tmp_path / "map.csv")).rows
    assert {keyword_of(tag): value for tag, value in rows["0815"].items()} == {
        "PatientID": "N1",
        "PatientName": "Müller, J;",
    }


def test_a_table_in_another_encoding_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("OldPatientID;PatientName\r\n4711;Müller", encoding="cp1252")
    with pytest.raises(fileset.RuleError, match=r"map\.csv: is not a CSV file in UTF-8\. Save the table as CSV"):
        NewValues.read(str(tmp_path / "map.csv"))


# ---------------------------------------------------------------- with a PACS


@pytest.mark.judges
@pytest.mark.slow
def test_instances_are_in_the_pacs_under_the_new_patient(pacs: Orthanc, tmp_path: Path, run: Runs) -> None:
    synthetic.ct_series(tmp_path / "DISC", 1, 1, 2, 3)
    fileset.index(tmp_path / "DISC")
    settings = [f"--set={keyword}={value}" for keyword, value in NEW.items()]
    done = run("send", tmp_path / "DISC", "--to", pacs.address, *settings, "--json")
    assert all(one["changed"]["PatientID"][1] == "LOCAL7" for one in done.document["media"][0]["instances"])
    assert [one["MainDicomTags"]["PatientID"] for one in pacs.get("/patients?expand").json()] == ["LOCAL7"]
    files = [path for path in (tmp_path / "DISC").rglob("*") if path.is_file() and path.name != "DICOMDIR"]
    originals = {str(one.SOPInstanceUID): one for one in (read(path.read_bytes()) for path in files)}
    there = pacs.instances()
    assert set(there) == set(originals)
    for uid, identifier in there.items():
        fetched, before = read(pacs.file(identifier)), originals[uid]
        old = fetched.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
        assert old.PatientID == before.PatientID
        assert fetched.StudyInstanceUID == before.StudyInstanceUID
        assert fetched.get("PixelData") == before.get("PixelData")


def entry(number: str, patient: str, name: str) -> bytes:
    """An entry of a worklist as a DICOM file."""
    dataset, step = Dataset(), Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.AccessionNumber, dataset.PatientID, dataset.PatientName = number, patient, name
    dataset.PatientBirthDate, dataset.PatientSex = "19700101", "F"
    dataset.StudyInstanceUID, dataset.RequestedProcedureID = f"2.25.{abs(hash(patient))}", "R1"
    dataset.RequestedProcedureDescription = "CT Thorax"
    step.Modality, step.ScheduledStationAETitle, step.ScheduledProcedureStepStartDate = "CT", "CT1", "20261127"
    step.ScheduledProcedureStepStartTime, step.ScheduledProcedureStepID = "100000", "S1"
    step.ScheduledPerformingPhysicianName, step.ScheduledProcedureStepDescription = "", "CT Thorax"
    dataset.ScheduledProcedureStepSequence = [step]
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = pydicom.uid.UID("1.2.276.0.7230010.3.1.0.1")
    dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.UID("2.25.1")
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    target = io.BytesIO()
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    return target.getvalue()


@pytest.fixture
def orders(tmp_path: Path) -> Iterator[Server]:
    """A worklist of three orders, two of them with one accession number."""
    need("wlmscpfs")
    files = {
        "one": entry("ONE", "W1", "Weiß^Anna"),
        "two": entry("TWO", "W2", "Brown^Bob"),
        "again": entry("TWO", "W3", "Brown^Bill"),
    }
    server = worklist(tmp_path / "wl", files)
    with running(server):
        yield server


def one_patient(folder: Path) -> Path:
    synthetic.ct_series(folder, 1, 1, 1, 2)
    fileset.index(folder)
    return folder


@pytest.mark.judges
def test_one_entry_of_the_worklist_gives_its_values(orders: Server, store: Server, tmp_path: Path, run: Runs) -> None:
    disc = one_patient(tmp_path / "DISC")
    match = ("--worklist", orders.address, "--match", "AccessionNumber=ONE")
    run("send", disc, "--to", store.address, *match)
    for path in (store.folder / "received").iterdir():
        dataset = read(path.read_bytes())
        assert (dataset.PatientID, str(dataset.PatientName), dataset.AccessionNumber) == ("W1", "Weiß^Anna", "ONE")
        assert dataset.PatientBirthDate == "19700101"


@pytest.mark.judges
def test_no_entry_of_the_worklist_is_refused(orders: Server, store: Server, tmp_path: Path, run: Runs) -> None:
    disc = one_patient(tmp_path / "DISC")
    match = ("--worklist", orders.address, "--match", "AccessionNumber=NONE")
    done = run("send", disc, "--to", store.address, *match, code=6)
    assert "has no entry with AccessionNumber=NONE" in done.stderr
    assert not list((store.folder / "received").iterdir())


@pytest.mark.judges
def test_two_entries_of_the_worklist_are_listed_and_nothing_is_sent(
    orders: Server, store: Server, tmp_path: Path, run: Runs
) -> None:
    disc = one_patient(tmp_path / "DISC")
    match = ("--worklist", orders.address, "--match", "AccessionNumber=TWO")
    done = run("send", disc, "--to", store.address, *match, "--json", code=6)
    assert "PatientID=W2" in done.stderr
    assert "PatientID=W3" in done.stderr
    assert json.loads(done.stdout or "{}").get("schema", "fileset.error/1") == "fileset.error/1"
    assert not list((store.folder / "received").iterdir())


@pytest.mark.judges
def test_several_keys_of_the_worklist_are_combined(orders: Server, store: Server, tmp_path: Path, run: Runs) -> None:
    disc = one_patient(tmp_path / "DISC")
    match = ("--worklist", orders.address, "--match", "AccessionNumber=TWO", "--match", "PatientID=W3")
    run("send", disc, "--to", store.address, *match)
    received = list((store.folder / "received").iterdir())
    assert {read(path.read_bytes()).PatientID for path in received} == {"W3"}


def test_an_entry_that_a_worklist_gives_without_being_asked_for_is_not_taken(tmp_path: Path, run: Runs) -> None:
    """A worklist may ignore keys: with one entry in it, that would be the wrong patient."""
    pynetdicom = pytest.importorskip("pynetdicom", reason="needs the extra network")
    other = read(entry("OTHER", "W9", "Wrong^Patient"))
    del other.file_meta
    server, port = pynetdicom.AE(ae_title="WL"), free_port()
    server.add_supported_context("1.2.840.10008.5.1.4.31")
    handlers = [(pynetdicom.evt.EVT_C_FIND, lambda _: iter([(0xFF00, other)]))]
    running_server = server.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    try:
        words = (
            "extract",
            one_patient(tmp_path / "DISC"),
            "-o",
            tmp_path / "OUT",
            "--worklist",
            f"WL@127.0.0.1:{port}",
        )
        done = run(*words, "--match", "AccessionNumber=ONE", code=6)
        assert "has no entry with AccessionNumber=ONE" in done.stderr
        run(*words, "--match", "AccessionNumber=OTHER")
    finally:
        running_server.shutdown()
