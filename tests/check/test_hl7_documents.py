"""Discs of 2011 that hold native HL7 documents: XML or MIME files without preamble and header (PS3.10-2011 Annex B)."""

from __future__ import annotations

from pathlib import Path

import pytest

import fileset
from fileset.check import check_file_set
from fileset.dicom.elements import element, item
from fileset.dicomdir.write.header import Identification, new_frame
from fileset.dicomdir.write.layout import encode
from fileset.dicomdir.write.new import build
from fileset.records.arranged import Arranged, Node
from tests.support import synthetic
from tests.support.command import Runs

CDA = b'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"/>'
XML = "1.2.840.10008.1.2.6.2"


def disc(folder: Path, document: bytes = CDA, syntax: str = XML, patient_id: str = "P1") -> Path:
    """A disc with one patient and one native document, as the text of 2011 has it (PS3.3-2011 F.5.33)."""
    folder.mkdir()
    (folder / "CDA1").write_bytes(document)
    code = b"".join(
        element(tag, vr, value)
        for tag, vr, value in ((0x00080100, "SH", b"11528-7"), (0x00080102, "SH", b"LN"), (0x00080104, "LO", b"Report"))
    )
    patient = element(0x00100010, "PN", b"Doe^Jane") + element(0x00100020, "LO", patient_id.encode())
    record = (
        element(0x00041510, "UI", b"2.16.840.1.113883.1.7.2")
        + element(0x00041511, "UI", b"1.2.3.4")
        + element(0x00041512, "UI", syntax.encode())
        + element(0x0040E001, "ST", b"1.2.3^DOC1")
        + element(0x0040E004, "DT", b"20110304")
        + element(0x0040E006, "SQ", item(code))
    )
    nodes = [Node(0, "PATIENT", 0, patient), Node(1, "HL7 STRUC DOC", 0, record, 0, b"1.2.3.4", (0,))]
    frame = new_frame(Identification("2.25.7", "", None, ""), undefined_lengths=False)
    directory = build(frame, Arranged(nodes), [b"CDA1"], undefined_lengths=False)
    (folder / "DICOMDIR").write_bytes(b"".join(encode(directory)))
    return folder


def rules(folder: Path) -> set[tuple[str, str]]:
    return {(finding.rule, finding.severity) for finding in check_file_set(folder).findings}


@pytest.mark.parametrize("syntax", [XML, "1.2.840.10008.1.2.6.1"])
def test_a_native_document_is_retired_and_not_wrong(tmp_path: Path, syntax: str) -> None:
    assert rules(disc(tmp_path / "DISC", syntax=syntax)) == {("FS-RECORD-RETIRED", "info")}


def test_another_transfer_syntax_is_wrong(tmp_path: Path) -> None:
    found = rules(disc(tmp_path / "DISC", syntax="1.2.840.10008.1.2.1"))
    assert found == {("FS-RECORD-RETIRED", "info"), ("FS-SYNTAX-DIFFERS", "error")}


def test_a_preamble_is_wrong(tmp_path: Path) -> None:
    found = rules(disc(tmp_path / "DISC", bytes(128) + b"DICM" + CDA))
    assert ("FS-REFERENCE-NOT-DICOM", "error") in found


def test_an_empty_document_is_wrong(tmp_path: Path) -> None:
    assert ("FS-REFERENCE-NOT-DICOM", "error") in rules(disc(tmp_path / "DISC", b""))


def test_extract_copies_the_document_and_finds_nothing_wrong(tmp_path: Path, run: Runs) -> None:
    run("extract", disc(tmp_path / "DISC"), "-o", tmp_path / "OUT", "--keep-structure")
    assert [path.read_bytes() for path in (tmp_path / "OUT").rglob("*") if path.is_file()] == [CDA]


def test_repair_and_updates_keep_the_document(tmp_path: Path, run: Runs) -> None:
    folder = disc(tmp_path / "DISC")
    data = (folder / "DICOMDIR").read_bytes()
    at = data.index(b"\x04\x00\x20\x14UL\x04\x00") + 8
    (folder / "DICOMDIR").write_bytes(data[:at] + (7).to_bytes(4, "little") + data[at + 4 :])  # a broken link
    run("repair", folder)
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE), tmp_path / "IN" / "CT")
    run("add", folder, tmp_path / "IN")
    run("remove", folder, f"StudyInstanceUID={synthetic.uid('study', 1, 1)}")
    assert (folder / "CDA1").read_bytes() == CDA
    assert rules(folder) == {("FS-RECORD-RETIRED", "info")}


@pytest.mark.parametrize("naming", ["keep", "counter", "flat", "uid"])
@pytest.mark.parametrize("form", ["OUT", "OUT.iso"])
def test_a_new_file_set_keeps_the_document_under_its_own_name(
    tmp_path: Path, run: Runs, naming: str, form: str
) -> None:
    old = disc(tmp_path / "DISC")
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE), tmp_path / "IN" / "CT")
    run("create", old, tmp_path / "IN", "-o", tmp_path / form, "--naming", naming)
    with fileset.Reader(tmp_path / form) as reader:
        (document,) = (one for one in reader.instances if one.record_type == "HL7 STRUC DOC")
        assert str(document.file_id).endswith("CDA1")
        assert len(reader.instances) == 2
        with document.open() as file:
            assert file.read() == CDA
        with fileset.Reader(old) as former:
            (before,) = former.instances
            assert document.keys() | {"ReferencedFileID": ""} == before.keys() | {"ReferencedFileID": ""}
            assert document.patient is not None
            assert document.patient["PatientID"] == "P1"
    assert rules(tmp_path / form) <= {("FS-RECORD-RETIRED", "info")}


def test_an_image_of_such_a_disc_is_a_source_too(tmp_path: Path, run: Runs) -> None:
    run("create", disc(tmp_path / "DISC"), "-o", tmp_path / "A.zip")
    run("create", tmp_path / "A.zip", "-o", tmp_path / "OUT")
    assert (tmp_path / "OUT" / "CDA1").read_bytes() == CDA


def test_add_takes_the_documents_of_a_disc(tmp_path: Path, run: Runs) -> None:
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE), tmp_path / "IN" / "CT")
    run("create", tmp_path / "IN", "-o", tmp_path / "OUT")
    run("add", tmp_path / "OUT", disc(tmp_path / "DISC"))
    assert rules(tmp_path / "OUT") == {("FS-RECORD-RETIRED", "info")}


def test_a_choice_of_patients_holds_for_documents(tmp_path: Path) -> None:
    old = disc(tmp_path / "DISC")
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, patient=2), tmp_path / "IN" / "CT")
    for patient, is_there in (("P2", False), ("P1", True)):
        with fileset.Creator(tmp_path / patient) as creator:
            creator.add(old, tmp_path / "IN", only={"PatientID": patient})
        assert bool(list((tmp_path / patient).rglob("CDA1"))) is is_there


@pytest.mark.parametrize("option", [("--set", "PatientID=NEW"), ("--profile", "STD-GEN-CD")])
def test_a_document_that_cannot_be_taken_is_named(tmp_path: Path, run: Runs, option: tuple[str, str]) -> None:
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE), tmp_path / "IN" / "CT")
    done = run("create", disc(tmp_path / "DISC"), tmp_path / "IN", "-o", tmp_path / "OUT", *option, code=3)
    assert "CDA1: a native HL7 document" in done.stderr


def test_a_document_without_a_patient_belongs_to_no_patient(tmp_path: Path, run: Runs) -> None:
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE), tmp_path / "IN" / "CT")
    words = ("create", disc(tmp_path / "DISC", patient_id=""), tmp_path / "IN", "-o", tmp_path / "OUT")
    assert "a native HL7 document without a patient" in run(*words, code=3).stderr
