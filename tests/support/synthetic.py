"""Synthetic DICOM instances: one small, deterministic data set for every SOP class that a directory can hold.

Every instance has all keys of its record type (PS3.3 F.5), and attributes that a record must not copy: attributes of code
items that are not keys, content items that are not concept modifiers, payloads. The values come from the Standard, not from
the tables under test; only the record type of a SOP class comes from the tables.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import Final

from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

from fileset.standard.sop_classes import SOP_CLASSES

CT_IMAGE: Final = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT: Final = "1.2.840.10008.5.1.4.1.1.2.1"
COMPREHENSIVE_SR: Final = "1.2.840.10008.5.1.4.1.1.88.33"
KEY_OBJECT: Final = "1.2.840.10008.5.1.4.1.1.88.59"
ENCAPSULATED_PDF: Final = "1.2.840.10008.5.1.4.1.1.104.1"
ENCAPSULATED_CDA: Final = "1.2.840.10008.5.1.4.1.1.104.2"
HANGING_PROTOCOL: Final = "1.2.840.10008.5.1.4.38.1"
BLENDING_STATE: Final = "1.2.840.10008.5.1.4.1.1.11.4"
GRAYSCALE_STATE: Final = "1.2.840.10008.5.1.4.1.1.11.1"
SPECTROSCOPY: Final = "1.2.840.10008.5.1.4.1.1.4.2"
WAVEFORM_STATE: Final = "1.2.840.10008.5.1.4.1.1.9.100.1"
WAVEFORM_ANNOTATION_SR: Final = "1.2.840.10008.5.1.4.1.1.88.77"
ECG: Final = "1.2.840.10008.5.1.4.1.1.9.1.1"

LATEST_VERIFICATION: Final = "20240303120000"
"""The latest of the three Verification DateTimes in every synthetic report."""

ROOT_TYPES: Final = frozenset(("HANGING PROTOCOL", "PALETTE", "IMPLANT", "IMPLANT ASSY", "IMPLANT GROUP", "INVENTORY"))
"""Record types of instances without patient, study and series (PS3.3 F.4)."""

NAMES: Final[Mapping[str, str]] = {
    "": "Doe^Jane",
    "ISO_IR 100": "Müller^Jürgen",
    "ISO_IR 144": "Люксембург",
    "ISO_IR 192": "Wang^XiaoDong=王^小東",
    "GB18030": "Wang^XiaoDong=王^小东",
    "ISO 2022 IR 87": "Yamada^Tarou=山田^太郎",
}
"""A patient's name for each character set that the tests use."""

Filler = Callable[[Dataset], None]


def uid(*parts: object) -> str:
    """Derive a UID from `parts`: a hash under the root for UUIDs (PS3.5 B.2)."""
    return f"2.25.{int.from_bytes(blake2b(repr(parts).encode(), digest_size=16).digest())}"


def storage_classes() -> list[str]:
    """List the UID of every SOP class with a record type, current or retired, in the order of the table."""
    return [sop_class.uid for sop_class in SOP_CLASSES.values() if sop_class.record_type]


def record_type(sop_class_uid: str) -> str:
    """Return the Directory Record Type for instances of the SOP class."""
    return SOP_CLASSES[sop_class_uid].record_type


def instance(
    sop_class_uid: str,
    *,
    patient: int = 1,
    study: int = 1,
    series: int = 1,
    number: int = 1,
    transfer_syntax: str = ExplicitVRLittleEndian,
    charset: str | None = None,
) -> Dataset:
    """Return one instance of the SOP class, with `file_meta`, ready for `write`.

    Patient, study, series and number count from 1 within their parent; the UIDs depend only on them. `charset` is one of
    `NAMES`: the patient's name and the study's description then need it.
    """
    kind = record_type(sop_class_uid)
    place = (patient, study, series, number)
    dataset = Dataset()
    if charset:
        dataset.SpecificCharacterSet = ["", charset] if charset.startswith("ISO 2022") else charset
    if kind not in ROOT_TYPES:
        _patient_study_series(dataset, place, _modality(sop_class_uid, kind), NAMES[charset or ""])
    _sop_common(dataset, sop_class_uid, place)
    for fill in _FILLERS.get(kind, ()) + _CLASS_FILLERS.get(sop_class_uid, ()):
        fill(dataset)
    if kind in ("IMAGE", "RT DOSE"):
        _pixels(dataset, UID(transfer_syntax))
    _file_meta(dataset, transfer_syntax)
    return dataset


def encode(dataset: Dataset) -> bytes:
    """Encode the DICOM file (PS3.10 7)."""
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def write(dataset: Dataset, path: Path) -> Path:
    """Write the data set as a DICOM file; folders are made as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(dataset))
    return path


def write_every_sop_class(folder: Path) -> dict[Path, str]:
    """Write one instance of every SOP class, each in its own series; return paths and SOP Class UIDs."""
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[Path, str] = {}
    for index, (sop_class_uid, data) in enumerate(_every_sop_class().items(), start=1):
        path = folder / f"IM{index:06d}"
        path.write_bytes(data)
        written[path] = sop_class_uid
    return written


@cache
def _every_sop_class() -> dict[str, bytes]:
    return {
        sop_class_uid: encode(instance(sop_class_uid, study=1 + index % 3, series=index, number=index))
        for index, sop_class_uid in enumerate(storage_classes(), start=1)
    }


# --- many small CT instances ----------------------------------------------------------------------------------------

_INSTANCE_NUMBER: Final = b"\x20\x00\x13\x00IS\x04\x00"


def ct(patient: int = 1, study: int = 1, series: int = 1, number: int = 1) -> bytes:
    """Return a small CT file within microseconds, equal to `instance(CT_IMAGE, ...)` except for its UID, `ct_uid(...)`."""
    template = _ct_template(patient, study, series).replace(
        _wide_uid(0, 0, 0, 0), _wide_uid(patient, study, series, number)
    )
    return template.replace(_INSTANCE_NUMBER + b"7777", _INSTANCE_NUMBER + b"%-4d" % number)


def ct_uid(patient: int = 1, study: int = 1, series: int = 1, number: int = 1) -> str:
    """Return the SOP Instance UID in `ct(...)`."""
    return _wide_uid(patient, study, series, number).decode()


def ct_series(folder: Path, patients: int, studies: int, series: int, instances: int) -> list[Path]:
    """Write patients x studies x series x instances (below 10,000) CT files under conformant names; return their paths."""
    return list(_write_cts(folder, (patients, studies, series), instances))


def _write_cts(folder: Path, counts: tuple[int, int, int], instances: int) -> Iterator[Path]:
    for patient, study, series in product(*(range(1, count + 1) for count in counts)):
        home = folder / f"P{patient:03d}" / f"T{study:03d}" / f"S{series:03d}"
        home.mkdir(parents=True)
        for number in range(1, instances + 1):
            path = home / f"I{number:06d}"
            path.write_bytes(ct(patient, study, series, number))
            yield path


def _wide_uid(*place: int) -> bytes:
    """Return a UID with the same length for every place, so that it can be patched into a template."""
    return b"1.2.826.0.1.3680043.10.1.%d.%d.%d.%d" % tuple(number + 1_000_000 for number in place)


@cache
def _ct_template(patient: int, study: int, series: int) -> bytes:
    dataset = instance(CT_IMAGE, patient=patient, study=study, series=series)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(_wide_uid(0, 0, 0, 0).decode())
    dataset.InstanceNumber = "7777"
    return encode(dataset)


# --- the levels every instance has ----------------------------------------------------------------------------------


def _patient_study_series(dataset: Dataset, place: tuple[int, int, int, int], modality: str, name: str) -> None:
    patient, study, series, _ = place
    dataset.PatientName = name
    dataset.PatientID = f"P{patient}"
    dataset.PatientBirthDate = "19700101"
    dataset.PatientSex = "O"
    dataset.StudyInstanceUID = uid("study", patient, study)
    dataset.StudyDate = (date(2024, 1, 1) + timedelta(days=study)).strftime("%Y%m%d")
    dataset.StudyTime = "101112"
    dataset.StudyID = f"S{study}"
    dataset.StudyDescription = f"Study {study}" if name.isascii() else f"Study of {name.replace('^', ' ')}"
    dataset.AccessionNumber = f"A{patient}{study}"
    dataset.ReferringPhysicianName = ""
    dataset.SeriesInstanceUID = uid("series", patient, study, series)
    dataset.SeriesNumber = series
    dataset.Modality = modality
    dataset.Manufacturer = "ACME"


def _sop_common(dataset: Dataset, sop_class_uid: str, place: tuple[int, int, int, int]) -> None:
    dataset.SOPClassUID = UID(sop_class_uid)
    dataset.SOPInstanceUID = UID(uid("instance", sop_class_uid, *place))
    dataset.InstanceNumber = place[-1]


def _file_meta(dataset: Dataset, transfer_syntax: str) -> None:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    dataset.file_meta.ImplementationClassUID = UID(uid("fileset tests"))
    dataset.file_meta.ImplementationVersionName = "FILESET_TESTS"


def _pixels(dataset: Dataset, transfer_syntax: UID) -> None:
    """Add two by two pixels of 16 bits; in an encapsulated syntax one frame that is not a picture."""
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows = dataset.Columns = 2
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 0
    if transfer_syntax.is_encapsulated:
        dataset.add_new("PixelData", "OB", encapsulate([b"\xff\xd8\xff\xd9"]))
        dataset["PixelData"].is_undefined_length = True
    else:
        dataset.add_new("PixelData", "OW", bytes(range(8)))


_MODALITIES: Final = {
    "RT DOSE": "RTDOSE",
    "RT STRUCTURE SET": "RTSTRUCT",
    "RT PLAN": "RTPLAN",
    "RT TREAT RECORD": "RTRECORD",
    "PRESENTATION": "PR",
    "WF PRESENTATION": "PR",
    "WAVEFORM": "ECG",
    "SR DOCUMENT": "SR",
    "KEY OBJECT DOC": "KO",
    "SPECTROSCOPY": "MR",
    "RAW DATA": "MR",
    "REGISTRATION": "REG",
    "FIDUCIAL": "FID",
    "ENCAP DOC": "DOC",
    "VALUE MAP": "RWV",
    "STEREOMETRIC": "SMR",
    "PLAN": "PLAN",
    "MEASUREMENT": "KER",
    "SURFACE": "SEG",
    "SURFACE SCAN": "OSS",
    "ASSESSMENT": "ASMT",
    "RADIOTHERAPY": "RTRAD",
    "ANNOTATION": "ANN",
    CT_IMAGE: "CT",
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.12.1": "XA",
}
"""Modality by SOP class, else by record type; else OT."""


def _modality(sop_class_uid: str, kind: str) -> str:
    return _MODALITIES.get(sop_class_uid) or _MODALITIES.get(kind, "OT")


# --- building blocks ------------------------------------------------------------------------------------------------


def item(**values: object) -> Dataset:
    """Return a data set with these attributes by keyword; a list of data sets is a sequence."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def values(**attributes: object) -> Filler:
    """Return a filler that sets these attributes; `item` makes new ones for every instance."""

    def fill(dataset: Dataset) -> None:
        dataset.update(item(**{keyword: _made(value) for keyword, value in attributes.items()}))

    return fill


def _made(value: object) -> object:
    return value() if callable(value) else value


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Return a code item with a context group, which the code items of a record do not have (PS3.3 8.8)."""
    return item(
        CodeValue=value,
        CodingSchemeDesignator=scheme,
        CodeMeaning=meaning,
        MappingResource="DCMR",
        ContextGroupVersion="20240101",
        ContextIdentifier="7010",
    )


def sop_reference(sop_class_uid: str, number: int, **extra: object) -> Dataset:
    """Return an item of the SOP Instance Reference Macro (PS3.3 10.8)."""
    target = uid("instance", sop_class_uid, 1, 1, 1, number)
    return item(ReferencedSOPClassUID=sop_class_uid, ReferencedSOPInstanceUID=target, **extra)


def icon() -> Dataset:
    """Return an icon that PS3.3 F.7 allows: 2 x 2 pixels of 8 bits."""
    dataset = item(
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=2,
        Columns=2,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
    )
    dataset.add_new("PixelData", "OB", b"\x00\x40\x80\xff")
    return dataset


def _title() -> list[Dataset]:
    return [code("113000", "DCM", "Of Interest")]


def _content_creator() -> list[Dataset]:
    return [
        item(
            PersonIdentificationCodeSequence=[code("4711", "99ACME", "Creator")],
            InstitutionName="ACME Hospital",
        )
    ]


def _alternate_descriptions() -> list[Dataset]:
    german = [code("de", "RFC5646", "German")]
    return [item(ContentDescription="Beschreibung", LanguageCodeSequence=german, TextValue="not a key")]


_CREATED: Final = values(ContentDate="20240202", ContentTime="131415")
_CONTENT_IDENTIFICATION: Final = values(
    ContentLabel="LABEL",
    ContentDescription="A description",
    ConceptNameCodeSequence=_title,
    AlternateContentDescriptionSequence=_alternate_descriptions,
    ContentCreatorName="Creator^Content",
    ContentCreatorIdentificationCodeSequence=_content_creator,
)
_PRESENTED: Final = values(PresentationCreationDate="20240204", PresentationCreationTime="151617")
_ICON: Final = values(IconImageSequence=lambda: [icon()])

# --- documents ------------------------------------------------------------------------------------------------------


def _content_items() -> list[Dataset]:
    """Return two concept modifiers, one with a child, among content items that a record leaves out (PS3.3 F.5.25)."""
    modifier = item(
        RelationshipType="HAS CONCEPT MOD",
        ValueType="CODE",
        ConceptNameCodeSequence=[code("113011", "DCM", "Document Title Modifier")],
        ConceptCodeSequence=[code("113001", "DCM", "Rejected for Quality Reasons")],
    )
    nested = item(
        RelationshipType="HAS CONCEPT MOD",
        ValueType="TEXT",
        ConceptNameCodeSequence=[code("121106", "DCM", "Comment")],
        TextValue="A modifier that has a child",
        ContentSequence=[_dated_modifier()],
    )
    return [
        item(
            RelationshipType="HAS OBS CONTEXT",
            ValueType="UIDREF",
            ConceptNameCodeSequence=[code("121012", "DCM", "Device Observer UID")],
            UID=uid("observer"),
        ),
        modifier,
        _finding("A finding that is no concern of the directory"),
        nested,
        item(
            RelationshipType="CONTAINS",
            ValueType="IMAGE",
            ReferencedSOPSequence=[sop_reference(ENHANCED_CT, 1, ReferencedFrameNumber=1)],
        ),
    ]


def _dated_modifier() -> Dataset:
    name = [code("111060", "DCM", "Study Date")]
    return item(RelationshipType="HAS CONCEPT MOD", ValueType="DATE", ConceptNameCodeSequence=name, Date="20240101")


def _finding(text: str) -> Dataset:
    name = [code("121071", "DCM", "Finding")]
    return item(RelationshipType="CONTAINS", ValueType="TEXT", ConceptNameCodeSequence=name, TextValue=text)


def _observer(when: str) -> Dataset:
    return item(
        VerifyingOrganization="ACME Hospital",
        VerificationDateTime=when,
        VerifyingObserverName=f"Observer^{when}",
        VerifyingObserverIdentificationCodeSequence=[code("4712", "99ACME", "Observer")],
    )


_DOCUMENT: Final = values(
    ValueType="CONTAINER",
    ContinuityOfContent="SEPARATE",
    ConceptNameCodeSequence=_title,
    ContentSequence=_content_items,
)
_VERIFIED: Final = values(
    CompletionFlag="COMPLETE",
    VerificationFlag="VERIFIED",
    VerifyingObserverSequence=lambda: [_observer(when) for when in ("20240101", LATEST_VERIFICATION, "20231231235959")],
)
_ENCAPSULATED: Final = values(
    DocumentTitle="A document",
    ConceptNameCodeSequence=_title,
    MIMETypeOfEncapsulatedDocument="application/pdf",
    EncapsulatedDocument=b"not for a directory record",
    BurnedInAnnotation="NO",
)

# --- presentation states --------------------------------------------------------------------------------------------


def _referenced_series() -> list[Dataset]:
    images = [sop_reference(ENHANCED_CT, number, ReferencedFrameNumber=1) for number in (1, 2)]
    series = {"SeriesInstanceUID": uid("series", 1, 1, 1), "RetrieveAETitle": "NOT_A_KEY"}
    return [item(**series, ReferencedImageSequence=images)]


def _blended(study: int, position: str) -> Dataset:
    return item(
        BlendingPosition=position,
        StudyInstanceUID=uid("study", 1, study),
        ReferencedSeriesSequence=_referenced_series(),
    )


def _presented_waveforms() -> list[Dataset]:
    waveform = {"ReferencedWaveformSequence": [sop_reference(ECG, 1, ReferencedWaveformChannels=[1, 1])]}
    return [item(SeriesInstanceUID=uid("series", 1, 1, 2), RetrieveAETitle="NOT_A_KEY", **waveform)]


def _annotated_waveforms() -> list[Dataset]:
    report = {"ReferencedInstanceSequence": [sop_reference(WAVEFORM_ANNOTATION_SR, 1)]}
    return [*_presented_waveforms(), item(SeriesInstanceUID=uid("series", 1, 1, 3), **report)]


_STRUCTURED_WAVEFORM_ANNOTATION_SEQUENCE: Final = 0x0040B030


def _annotations(dataset: Dataset) -> None:
    """Add the attribute that requires Referenced Instance Sequence; pydicom 3.0 has no keyword for it."""
    dataset.add_new(_STRUCTURED_WAVEFORM_ANNOTATION_SEQUENCE, "SQ", Sequence([item(SeriesNumber=1)]))


_RELATIONSHIP: Final = values(ReferencedSeriesSequence=_referenced_series)
_BLENDING: Final = values(BlendingSequence=lambda: [_blended(1, "UNDERLYING"), _blended(2, "SUPERIMPOSED")])
_VOLUMETRIC: Final = values(
    VolumetricPresentationStateInputSequence=lambda: [
        item(VolumetricPresentationInputNumber=1, ReferencedImageSequence=[sop_reference(CT_IMAGE, 1)])
    ],
)

# --- the other kinds ------------------------------------------------------------------------------------------------


def _evidence() -> list[Dataset]:
    images = [sop_reference(ENHANCED_CT, 1, PurposeOfReferenceCodeSequence=[code("121311", "DCM", "Localizer")])]
    series = item(SeriesInstanceUID=uid("series", 1, 1, 1), RetrieveAETitle="NOT_A_KEY", ReferencedSOPSequence=images)
    return [item(StudyInstanceUID=uid("study", 1, 1), ReferencedSeriesSequence=[series])]


def _hanging_definitions() -> list[Dataset]:
    chest = item(
        Modality="CT",
        AnatomicRegionSequence=[code("51185008", "SCT", "Chest")],
        Laterality="R",
        ProcedureCodeSequence=[code("P1", "99ACME", "Chest CT")],
        ReasonForRequestedProcedureCodeSequence=[code("R1", "99ACME", "Cough")],
        StudyDescription="not a key",
    )
    plain = item(Modality="MR", ProcedureCodeSequence=[], ReasonForRequestedProcedureCodeSequence=[])
    return [chest, plain]


def _scope() -> list[Dataset]:
    return [item(StudyDate="20240101-20241231", ModalitiesInStudy=["CT", "MR"])]


def _waveform() -> list[Dataset]:
    channel = item(WaveformBitsStored=16)
    group = item(
        NumberOfWaveformChannels=1,
        NumberOfWaveformSamples=1,
        SamplingFrequency="500",
        ChannelDefinitionSequence=[channel],
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
    )
    group.add_new("WaveformData", "OW", b"\x01\x00")
    return [group]


def _spectrum(dataset: Dataset) -> None:
    dataset.add_new("SpectroscopyData", "OF", bytes(8))


_IDENTIFIED: Final = (_CREATED, _CONTENT_IDENTIFICATION)

_FILLERS: Final[Mapping[str, tuple[Filler, ...]]] = {
    "RT DOSE": (
        values(DoseSummationType="PLAN", DoseComment="A comment", DoseUnits="GY", DoseType="PHYSICAL"),
        values(DoseGridScaling="0.001"),
        _ICON,
    ),
    "RT STRUCTURE SET": (
        values(StructureSetLabel="Label", StructureSetDate="20240205", StructureSetTime="161718"),
        values(StructureSetName="not a key"),
    ),
    "RT PLAN": (values(RTPlanLabel="Label", RTPlanDate="20240206", RTPlanTime="171819", RTPlanName="not a key"),),
    "RT TREAT RECORD": (values(TreatmentDate="20240207", TreatmentTime="181920"),),
    "PRESENTATION": (_PRESENTED, _CONTENT_IDENTIFICATION),
    "WAVEFORM": (_CREATED, values(WaveformSequence=_waveform)),
    "SR DOCUMENT": (_CREATED, _DOCUMENT, _VERIFIED),
    "KEY OBJECT DOC": (_CREATED, _DOCUMENT, values(CurrentRequestedProcedureEvidenceSequence=_evidence)),
    "SPECTROSCOPY": (
        _CREATED,
        values(ImageType=["ORIGINAL", "PRIMARY", "SPECTROSCOPY", "NONE"], NumberOfFrames=1, Rows=1, Columns=1),
        values(DataPointRows=1, DataPointColumns=1, ReferencedImageEvidenceSequence=_evidence),
        _spectrum,
        _ICON,
    ),
    "RAW DATA": (_CREATED, _ICON),
    "REGISTRATION": _IDENTIFIED,
    "FIDUCIAL": _IDENTIFIED,
    "HANGING PROTOCOL": (
        values(HangingProtocolName="Chest", HangingProtocolDescription="Chest with priors"),
        values(HangingProtocolLevel="SITE", HangingProtocolCreator="Creator^Hanging"),
        values(HangingProtocolCreationDateTime="20240208191919", NumberOfPriorsReferenced=1),
        values(HangingProtocolDefinitionSequence=_hanging_definitions),
        values(HangingProtocolUserIdentificationCodeSequence=lambda: [code("U1", "99ACME", "User")]),
        values(NumberOfScreens=1),
    ),
    "ENCAP DOC": (_CREATED, _ENCAPSULATED),
    "VALUE MAP": _IDENTIFIED,
    "STEREOMETRIC": (values(StereoPairsSequence=lambda: [item(LeftImageSequence=[sop_reference(CT_IMAGE, 1)])]),),
    "PALETTE": (values(ContentLabel="PALETTE_1", ContentDescription="Hot iron", ContentCreatorName="not a key"),),
    "IMPLANT": (
        values(Manufacturer="ACME", ImplantName="Hip", ImplantSize="12", ImplantPartNumber="H-12"),
        values(FrameOfReferenceUID=uid("frame"), ImplantTemplateVersion="1"),
    ),
    "IMPLANT ASSY": (
        values(ImplantAssemblyTemplateName="Hip assembly", Manufacturer="ACME"),
        values(ProcedureTypeCodeSequence=lambda: [code("P2", "99ACME", "Hip"), code("P3", "99ACME", "Knee")]),
    ),
    "IMPLANT GROUP": (
        values(ImplantTemplateGroupName="Hips", ImplantTemplateGroupDescription="All hips"),
        values(ImplantTemplateGroupIssuer="ACME"),
    ),
    "MEASUREMENT": _IDENTIFIED,
    "SURFACE": _IDENTIFIED,
    "SURFACE SCAN": (_CREATED,),
    "TRACT": _IDENTIFIED,
    "ASSESSMENT": (values(InstanceCreationDate="20240209", InstanceCreationTime="202122"),),
    "RADIOTHERAPY": (
        values(UserContentLabel="Label", UserContentLongLabel="A longer label"),
        values(ContentDescription="A description", ContentCreatorName="Creator^Content"),
    ),
    "ANNOTATION": _IDENTIFIED,
    "INVENTORY": (
        _CREATED,
        values(InventoryPurpose="Migration", InventoryLevel="STUDY", ScopeOfInventorySequence=_scope),
        values(InventoryCompletionStatus="COMPLETE", TotalNumberOfStudyRecords=2**40),
    ),
    "WF PRESENTATION": (_PRESENTED, _CONTENT_IDENTIFICATION),
    # Retired kinds, with the keys of their last edition
    "HL7 STRUC DOC": (
        values(HL7InstanceIdentifier="1.2.3^4", HL7DocumentEffectiveTime="20240210", DocumentTitle="A document"),
        values(HL7DocumentTypeCodeSequence=lambda: [code("11488-4", "LN", "Consult note")]),
    ),
    "OVERLAY": (values(OverlayNumber=1),),
    "MODALITY LUT": (values(LUTNumber=1),),
    "VOI LUT": (values(LUTNumber=1),),
    "CURVE": (values(CurveNumber=1),),
    "VISIT": (values(AdmittingDate="20240211", AdmissionID="A1", InstitutionName="ACME Hospital"),),
    "RESULTS": (values(ResultsID="R1"),),
    "INTERPRETATION": (
        values(InterpretationTranscriptionDate="20240212", InterpretationAuthor="Author^A"),
        values(InterpretationDiagnosisDescription="Healthy", InterpretationID="I1"),
    ),
    "STUDY COMPONENT": (
        values(PerformingPhysicianName="Physician^A"),
        values(ProcedureCodeSequence=lambda: [code("P1", "99ACME", "Chest CT")]),
    ),
}
"""The attributes of the instances of each record type, without patient, study and series."""

_WITH_RELATIONSHIP: Final = dict.fromkeys(
    (f"1.2.840.10008.5.1.4.1.1.11.{n}" for n in (1, 2, 3, 5, 12)), (_RELATIONSHIP,)
)
_WITH_VOLUMES: Final = dict.fromkeys((f"1.2.840.10008.5.1.4.1.1.11.{n}" for n in (6, 7, 9, 10, 11)), (_VOLUMETRIC,))

_CT: Final = values(
    ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
    AcquisitionNumber=1,
    FrameOfReferenceUID=uid("frame"),
    PositionReferenceIndicator="",
    PixelSpacing=["1", "1"],
    ImageOrientationPatient=["1", "0", "0", "0", "1", "0"],
    ImagePositionPatient=["0", "0", "0"],
    SliceThickness="1",
    KVP="120",
    RescaleIntercept="0",
    RescaleSlope="1",
    RescaleType="HU",
    PatientPosition="HFS",
    BodyPartExamined="CHEST",
)

_CLASS_FILLERS: Final[Mapping[str, tuple[Filler, ...]]] = {
    **_WITH_RELATIONSHIP,
    **_WITH_VOLUMES,
    BLENDING_STATE: (_BLENDING,),
    CT_IMAGE: (_CT,),
    ENCAPSULATED_CDA: (values(MIMETypeOfEncapsulatedDocument="text/XML", HL7InstanceIdentifier="1.2.3^4"),),
    "1.2.840.10008.5.1.4.1.1.104.3": (values(MIMETypeOfEncapsulatedDocument="model/stl"),),
    "1.2.840.10008.5.1.4.1.1.104.4": (values(MIMETypeOfEncapsulatedDocument="model/obj"),),
    "1.2.840.10008.5.1.4.1.1.104.5": (values(MIMETypeOfEncapsulatedDocument="model/mtl"),),
    WAVEFORM_STATE: (values(ReferencedSeriesSequence=_annotated_waveforms), _annotations),
    "1.2.840.10008.5.1.4.1.1.9.100.2": (values(ReferencedSeriesSequence=_presented_waveforms),),
}
"""Additional attributes of single SOP classes."""
