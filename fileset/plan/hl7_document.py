"""HL7 CDA documents (Release 2) in a file-set: encapsulated (PS3.3 A.45.2) or unchanged (PS3.10-2011 Annex B)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from attrs import frozen

from fileset.dicom.elements import element, item
from fileset.errors import FormatError, asked_for
from fileset.media.system.walk import OpenFile
from fileset.plan.inputs import Sources
from fileset.plan.native_documents import instance_of
from fileset.records.describe import Instance, Policy
from fileset.records.key_choice import key_set
from fileset.records.levels import Chain, ChainReader
from fileset.standard import tags
from fileset.standard.record_types import HL7_SYNTAXES

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from pydicom.dataset import Dataset

LARGEST: Final = 1 << 26
"""Largest size of a document in bytes."""
_NAMESPACE: Final = {"": "urn:hl7-org:v3"}
_ENCAPSULATED_CDA: Final = "1.2.840.10008.5.1.4.1.1.104.2"
_SCHEMES: Final = {"2.16.840.1.113883.6.1": "LN", "2.16.840.1.113883.6.96": "SCT", "1.2.840.10008.2.16.4": "DCM"}
"""Object identifiers of coding systems -> Coding Scheme Designator (PS3.16 Table 8-1)."""
_CDA_RELEASE_2: Final = b"2.16.840.1.113883.1.7.2"
_UTF_8: Final = b"ISO_IR 192"
_CODE: Final = ((0x00080100, "SH"), (0x00080102, "SH"), (0x00080104, "LO"))
"""Tags and VRs of Code Value, Coding Scheme Designator and Code Meaning."""
_is_package: Final = re.compile(
    rb"\s*(?:MIME-Version|Content-Type|Content-ID|Message-ID|Subject|Date|From):", re.IGNORECASE
).match
"""Whether a document begins with the headers of a MIME message (RFC 2045)."""
_XML_TYPES: Final = ("text/xml", "application/xml", "application/hl7-cda+xml", "application/x-hl7-cda-level-one+xml")
_SEXES: Final = {"M": "M", "F": "F", "UN": "O"}
_TIME: Final = re.compile(r"(\d{4,14})(?:\.(\d{1,6}))?([+-]\d{4})?").match


@frozen
class DocumentHeader:
    """The values in the header of a CDA document: identifiers as root^extension, times as DICOM has them."""

    identifier: str
    effective_time: str
    title: str
    code: tuple[str, str, str]
    patient_id: str
    patient_name: str
    birth_date: str
    sex: str


def read_document(path: str | os.PathLike[str]) -> Dataset:
    """Encapsulate the CDA document (Release 2, XML) at `path`.

    The same document gives the same UIDs. Raises `FormatError` if the file is not a CDA document, is larger than 64 MiB, or
    has XML entities, which could expand without limit.
    """
    name = os.fspath(path)
    data = _bytes(name)
    if _is_package(data):
        raise FormatError(
            "a MIME package cannot be encapsulated (PS3.3 A.45.2)", path=name, advice="Add it with --hl7-native"
        )
    return encapsulated(data, header_of(_parsed(data, name)))


def add_document(sources: Sources, path: str | os.PathLike[str], policy: Policy, *, native: bool) -> None:
    """Add an HL7 CDA document to `sources`: encapsulated, or `native`. Raises as `read_document`."""
    if native:
        sources.add_document(os.path.abspath(path), native_instance(path, policy))
    else:
        sources.add_dataset(read_document(path))


def native_instance(path: str | os.PathLike[str], policy: Policy) -> Instance:
    """Read an unchanged document (XML or a MIME package) as an instance, with the record that PS3.3-2011 defines.

    Raises as `read_document`, and `FormatError` if the document lacks a value that the record needs.
    """
    name = os.fspath(path)
    data = _bytes(name)
    is_package = _is_package(data) is not None
    header = header_of(_parsed(_xml_of(data, name) if is_package else data, name))
    needed = {"patient id": header.patient_id, "effectiveTime": header.effective_time, "code": header.code[0]}
    lacking = [named for named, value in needed.items() if not value]
    if lacking:
        raise FormatError(
            f"the HL7 document has no {lacking[0]}, which its record needs (PS3.3-2011 F.5.33)", path=name
        )
    *_, uid = _uids(header.identifier, data)
    code = b"".join(element(tag, vr, value.encode()) for (tag, vr), value in zip(_CODE, header.code, strict=True))
    tail = b"".join(
        (
            element(tags.REFERENCED_SOP_CLASS_UID, "UI", _CDA_RELEASE_2),
            element(tags.REFERENCED_SOP_INSTANCE_UID, "UI", uid.encode("ascii")),
            element(tags.REFERENCED_TRANSFER_SYNTAX_UID, "UI", HL7_SYNTAXES[is_package].encode("ascii")),
            element(tags.SPECIFIC_CHARACTER_SET, "CS", _UTF_8),
            element(0x0040E001, "ST", header.identifier.encode()),
            element(0x0040E004, "DT", header.effective_time.encode("ascii")),
            element(0x0040E006, "SQ", item(code)),
            element(0x00420010, "ST", header.title.encode()) if header.title else b"",
        )
    )
    return instance_of(_chain(header, policy), uid.encode("ascii"), tail)


def _chain(header: DocumentHeader, policy: Policy) -> Chain:
    values = {
        tags.SPECIFIC_CHARACTER_SET: _UTF_8,
        tags.PATIENT_NAME: header.patient_name.encode(),
        tags.PATIENT_ID: header.patient_id[:64].encode(),
        tags.PATIENT_BIRTH_DATE: header.birth_date.encode("ascii"),
        tags.PATIENT_SEX: header.sex.encode("ascii"),
    }
    optional = key_set(policy.keys).upper
    return ChainReader(complete=False, valid_uids=False, optional=optional).chain(values, "PATIENT")


def _xml_of(data: bytes, name: str) -> bytes:
    """Find the first XML part of a MIME package: the document itself (RFC 2557)."""
    from email import message_from_bytes
    from email.errors import MessageError

    try:
        for part in message_from_bytes(data).walk():
            if part.get_content_type() in _XML_TYPES:
                content = part.get_payload(decode=True)
                return content if isinstance(content, bytes) else b""
    except (MessageError, RecursionError, ValueError, LookupError) as problem:
        raise FormatError(f"no HL7 document: the MIME package cannot be read ({problem})", path=name) from problem
    raise FormatError("no HL7 document: the MIME package has no XML part", path=name)


def _bytes(name: str) -> bytes:
    with asked_for(name), OpenFile(name) as read:
        data = read(0, LARGEST + 1)
    if len(data) > LARGEST:
        raise FormatError("the HL7 document is larger than 64 MiB", path=name)
    return data


def _parsed(data: bytes, name: str) -> Element:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as problem:
        raise FormatError(f"no HL7 document: the XML cannot be read ({problem})", path=name) from problem
    if root.tag != f"{{{_NAMESPACE['']}}}ClinicalDocument":
        raise FormatError("no HL7 CDA document (Release 2): the root element is not ClinicalDocument", path=name)
    return root


def header_of(root: Element) -> DocumentHeader:
    """Read the values in the header of a document. Raises `FormatError` if it has no identifier."""
    identifier, role = _at(root, "id"), _at(root, "recordTarget/patientRole")
    if not identifier.get("root"):
        raise FormatError("the HL7 document has no id, which must identify it")
    patient, patient_id = _at(role, "patient"), _at(role, "id")
    return DocumentHeader(
        "^".join(filter(None, (identifier.get("root"), identifier.get("extension")))),
        _time(_at(root, "effectiveTime")),
        " ".join("".join(part.itertext()) for part in root.findall("title", _NAMESPACE))[:1024].strip(),
        _code(_at(root, "code")),
        patient_id.get("extension") or patient_id.get("root") or "",
        _name(_at(patient, "name")),
        _time(_at(patient, "birthTime"))[:8],
        _SEXES.get(_at(patient, "administrativeGenderCode").get("code", ""), ""),
    )


def _at(element: Element, path: str) -> Element:
    """Find the first element at a path below another one; an empty element if there is none."""
    found = element.find(path, _NAMESPACE)
    return element.makeelement(path, {}) if found is None else found


def _code(element: Element) -> tuple[str, str, str]:
    if not element.get("code"):
        return "", "", ""
    system = element.get("codeSystem", "")
    scheme = _SCHEMES.get(system) or element.get("codeSystemName", "")[:16] or "99HL7"
    return element.get("code", "")[:16], scheme, element.get("displayName", "")[:64] or "HL7 document"


def _name(element: Element) -> str:
    """Convert a name to a PN: family, given, middle (PS3.5 6.2.1)."""
    family, given = (
        [_one_line(part.text) for part in element.findall(kind, _NAMESPACE) if part.text]
        for kind in ("family", "given")
    )
    if not family and not given:
        return _one_line("".join(element.itertext()))
    return "^".join((" ".join(family), *given[:1], " ".join(given[1:]))).rstrip("^")


def _one_line(text: str) -> str:
    return " ".join(text.replace("^", " ").replace("\\", " ").replace("=", " ").split())[:64]


def _time(element: Element) -> str:
    """Convert a time of HL7 to a DT; "" if it is missing or not valid."""
    found = _TIME(element.get("value", ""))
    if found is None or len(found[1]) % 2:
        return ""
    return found[1] + (f".{found[2]}" if found[2] and len(found[1]) == 14 else "") + (found[3] or "")


def encapsulated(data: bytes, header: DocumentHeader) -> Dataset:
    """Build the Encapsulated CDA instance that holds a document (PS3.3 A.45.2)."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    study, series, instance = _uids(header.identifier, data)
    ds, concept = Dataset(), Dataset()
    concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = header.code
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = UID(_ENCAPSULATED_CDA), UID(instance)
    date, time = header.effective_time[:8], header.effective_time[8:14]
    ds.StudyDate = ds.ContentDate = date if len(date) == 8 else ""
    ds.StudyTime = ds.ContentTime = time if len(time) == 6 else ""
    ds.AcquisitionDateTime = ""
    ds.AccessionNumber = ds.ReferringPhysicianName = ds.Manufacturer = ""
    ds.Modality, ds.ConversionType = "DOC", "WSD"
    ds.PatientName, ds.PatientID = header.patient_name, header.patient_id[:64]
    ds.PatientBirthDate, ds.PatientSex = header.birth_date if len(header.birth_date) == 8 else "", header.sex
    ds.StudyInstanceUID, ds.SeriesInstanceUID = UID(study), UID(series)
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = "", 1, 1
    ds.StudyDescription = header.title[:64]
    ds.BurnedInAnnotation, ds.DocumentTitle = "YES", header.title
    ds.ConceptNameCodeSequence = [concept] if header.code[0] else []
    ds.HL7InstanceIdentifier = header.identifier
    ds.MIMETypeOfEncapsulatedDocument = "text/XML"
    ds.EncapsulatedDocument = data + bytes(len(data) % 2)
    ds.EncapsulatedDocumentLength = len(data)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def _uids(identifier: str, data: bytes) -> Iterator[str]:
    """Derive UIDs of study, series and instance, always the same for one document."""
    for content in (b"study" + identifier.encode(), b"series" + identifier.encode(), data):
        yield f"2.25.{int.from_bytes(blake2b(content, digest_size=15).digest(), 'big')}"
