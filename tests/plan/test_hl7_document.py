"""HL7 CDA documents become Encapsulated CDA instances with the patient and the identifiers of their header."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread

import fileset
from fileset.check import check_file_set
from fileset.errors import FormatError
from fileset.plan.hl7_document import read_document
from tests.support.command import Runs

CDA = """<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
  <id root="2.16.840.1.113883.19.4" extension="c266"/>
  <code code="11528-7" codeSystem="2.16.840.1.113883.6.1" displayName="Radiology Report"/>
  <title>Befund Schädel</title>
  <effectiveTime value="20110304121530+0100"/>
  <recordTarget><patientRole>
    <id root="2.16.840.1.113883.19.5" extension="12345"/>
    <patient>
      <name><given>Jürgen</given><given>M</given><family>Müller</family></name>
      <administrativeGenderCode code="M"/><birthTime value="19320924"/>
    </patient>
  </patientRole></recordTarget>
  <component><nonXMLBody/></component>
</ClinicalDocument>
"""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "report.xml"
    path.write_text(CDA, encoding="utf-8")
    return path


def test_the_instance_holds_the_document_and_the_values_of_its_header(document: Path) -> None:
    dataset = read_document(document)
    assert (dataset.PatientID, str(dataset.PatientName), dataset.PatientSex) == ("12345", "Müller^Jürgen^M", "M")
    assert (dataset.PatientBirthDate, dataset.StudyDate, dataset.StudyTime) == ("19320924", "20110304", "121530")
    assert dataset.HL7InstanceIdentifier == "2.16.840.1.113883.19.4^c266"
    assert (dataset.DocumentTitle, dataset.MIMETypeOfEncapsulatedDocument) == ("Befund Schädel", "text/XML")
    [code] = dataset.ConceptNameCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("11528-7", "LN")
    assert dataset.EncapsulatedDocument[: dataset.EncapsulatedDocumentLength] == document.read_bytes()


def test_the_same_document_is_the_same_instance(document: Path) -> None:
    assert read_document(document) == read_document(document)


def test_create_and_add_write_documents_that_conform(document: Path, tmp_path: Path, run: Runs) -> None:
    run("create", "--hl7-document", document, "-o", tmp_path / "OUT", "--profile", "STD-GEN-CD")
    assert not [
        one for one in check_file_set(tmp_path / "OUT", profile="STD-GEN-CD").findings if one.severity == "error"
    ]
    with fileset.Reader(tmp_path / "OUT") as reader:
        [record] = reader.instances
        assert record.record_type == "ENCAP DOC"
        assert record.keys()["HL7InstanceIdentifier"] == "2.16.840.1.113883.19.4^c266"
        dataset = dcmread(str(record.path))
    assert dataset.EncapsulatedDocument.startswith(b"<?xml")
    other = tmp_path / "other.xml"
    other.write_text(CDA.replace("c266", "c267"), encoding="utf-8")
    run("add", tmp_path / "OUT", "--hl7-document", other)
    with fileset.Reader(tmp_path / "OUT") as reader:
        assert len(reader.instances) == 2


BOMB = '<!DOCTYPE a [<!ENTITY b "xxxx"><!ENTITY c "&b;&b;&b;&b;">]>'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not XML", "the XML cannot be read"),
        ("<html/>", "not ClinicalDocument"),
        (CDA.replace('root="2.16.840.1.113883.19.4" extension="c266"', ""), "has no id"),
        (CDA.replace("<ClinicalDocument", f"{BOMB}<ClinicalDocument"), "the XML cannot be read"),
    ],
)
def test_a_file_that_is_not_a_document_is_an_error_with_a_reason(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match=reason):
        read_document(tmp_path / "a.xml")


def test_a_document_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(fileset.NotFoundError, match=r"a\.xml: no such file"):
        read_document(tmp_path / "a.xml")


PACKAGE = (
    "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=xx; type=text/xml\n\n"
    "--xx\nContent-Type: text/xml; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + CDA + "\n"
    "--xx\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--xx--\n"
)


@pytest.mark.parametrize(
    ("text", "syntax"), [(CDA, "1.2.840.10008.1.2.6.2"), (PACKAGE, "1.2.840.10008.1.2.6.1")], ids=["xml", "mime"]
)
def test_a_native_document_is_a_member_as_it_is(tmp_path: Path, run: Runs, text: str, syntax: str) -> None:
    path = tmp_path / "REPORT"
    path.write_text(text, encoding="utf-8")
    run("create", "--hl7-document", path, "--hl7-native", "-o", tmp_path / "OUT")
    found = check_file_set(tmp_path / "OUT").findings
    assert [(one.rule, one.severity) for one in found] == [("FS-RECORD-RETIRED", "info")]
    with fileset.Reader(tmp_path / "OUT") as reader:
        [record] = reader.instances
        keys = record.keys()
        assert (record.record_type, str(record.file_id)) == ("HL7 STRUC DOC", "REPORT")
        assert (keys["HL7InstanceIdentifier"], keys["DocumentTitle"]) == (
            "2.16.840.1.113883.19.4^c266",
            "Befund Schädel",
        )
        assert keys["HL7DocumentEffectiveTime"] == "20110304121530+0100"
        assert keys["HL7DocumentTypeCodeSequence"][0]["CodeValue"] == "11528-7"
        assert record.transfer_syntax_uid == syntax
        assert record.patient is not None
        assert (record.patient["PatientID"], record.patient["PatientName"]) == ("12345", "Müller^Jürgen^M")
    assert (tmp_path / "OUT" / "REPORT").read_text(encoding="utf-8") == text
    other = tmp_path / "other.xml"
    other.write_text(CDA.replace("c266", "c267"), encoding="utf-8")
    run("add", tmp_path / "OUT", "--hl7-document", other, "--hl7-native")
    with fileset.Reader(tmp_path / "OUT") as reader:
        assert len(reader.instances) == 2


def test_a_mime_package_cannot_be_encapsulated(tmp_path: Path, run: Runs) -> None:
    (tmp_path / "a.mime").write_text(PACKAGE, encoding="utf-8")
    done = run("create", "--hl7-document", tmp_path / "a.mime", "-o", tmp_path / "OUT", code=4)
    assert "--hl7-native" in done.stderr


def test_a_native_document_without_a_value_of_its_record_is_refused(tmp_path: Path, run: Runs) -> None:
    (tmp_path / "a.xml").write_text(CDA.replace("effectiveTime", "otherTime"), encoding="utf-8")
    done = run("create", "--hl7-document", tmp_path / "a.xml", "--hl7-native", "-o", tmp_path / "OUT", code=4)
    assert "no effectiveTime" in done.stderr


@pytest.mark.parametrize("medium", ["OUT", "OUT.iso", "OUT.zip"])
def test_refresh_keeps_the_record_of_a_native_document(tmp_path: Path, run: Runs, medium: str) -> None:
    path = tmp_path / "REPORT"
    path.write_text(CDA, encoding="utf-8")
    run("create", "--hl7-document", path, "--hl7-native", "-o", tmp_path / medium)
    with fileset.Reader(tmp_path / medium) as reader:
        before = [record.keys() for record in reader.instances]
    run("refresh", tmp_path / medium)
    with fileset.Reader(tmp_path / medium) as reader:
        assert [record.keys() for record in reader.instances] == before
    run("check", tmp_path / medium)
