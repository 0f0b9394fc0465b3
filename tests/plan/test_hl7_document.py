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


def test_the_instance_holds_the_document_and_what_its_header_says(document: Path) -> None:
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
def test_what_is_no_document_is_an_error_with_a_reason(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match=reason):
        read_document(tmp_path / "a.xml")
