"""The record types of the Basic Directory IOD, their keys and their hierarchy (PS3.3 F.4, F.5, F.6).

Data only: one row per fact of the key tables of PS3.3 F.5 and of Table F.4-1, with its section.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen


@frozen
class Key:
    """One record selection key, or one attribute within the items of a key that is a sequence (PS3.3 F.5).

    `tag` is 0xGGGGEEEE. `type` is the Type in a directory record, which may differ from that in the instance.
    `items` holds the attributes of each item; empty for a sequence that is copied unchanged.
    `condition` is, in short, when a Type 1C or 2C key is needed, or the restriction of its value.
    `other_vr` is the second VR of the few keys that may have two. `others`: the items have attributes beyond
    `items`, so they are copied unchanged too.
    """

    keyword: str
    tag: int
    vr: str
    type: str
    items: tuple[Key, ...] = ()
    condition: str = ""
    other_vr: str = ""
    others: str = ""

    @property
    def vrs(self) -> tuple[str, ...]:
        """Every VR that the key may have, the usual one first (PS3.6)."""
        return (self.vr, self.other_vr) if self.other_vr else (self.vr,)


@frozen
class RecordType:
    """One value of Directory Record Type (0004,1430), with the facts of PS3.3 Annex F.

    `section` is that of PS3.3, empty if the Standard never had one.
    `status` is "current", "retired" with the year, or "never standard"; `history`: from or until when.
    `root`: whether the root Directory Entity may contain it. `children`: the record types that its lower entity may
    contain (Table F.4-1); `former_children`: those of former editions.
    `references_file` is None if a record may or may not reference a file, or if unknown.
    `keys` are copied from the instances; F.5 allows further attributes as Type 3 keys.
    """

    name: str
    section: str
    status: str = "current"
    root: bool = False
    children: tuple[str, ...] = ("PRIVATE",)
    references_file: bool | None = True
    keys: tuple[Key, ...] = ()
    former_children: tuple[str, ...] = ()
    history: str = ""


ROOT_CHILDREN: Final = (
    "PATIENT", "HANGING PROTOCOL", "PALETTE", "IMPLANT", "IMPLANT ASSY", "IMPLANT GROUP", "INVENTORY", "PRIVATE",
)  # fmt: skip
"""The record types that the root Directory Entity may contain (PS3.3 Table F.4-1); formerly also TOPIC, PRINT QUEUE."""

# Keys that many records share

_CHARSET = Key("SpecificCharacterSet", 0x00080005, "CS", "1C", condition="a key goes beyond the default repertoire")
_INSTANCE_NUMBER = Key("InstanceNumber", 0x00200013, "IS", "1")
_CONTENT_DATE = Key("ContentDate", 0x00080023, "DA", "1")
_CONTENT_TIME = Key("ContentTime", 0x00080033, "TM", "1")
_MANUFACTURER = Key("Manufacturer", 0x00080070, "LO", "1")
_LUT_NUMBER = Key("LUTNumber", 0x00200026, "IS", "1")
_PRESENTATION_DATE = Key("PresentationCreationDate", 0x00700082, "DA", "1")
_PRESENTATION_TIME = Key("PresentationCreationTime", 0x00700083, "TM", "1")
_DESCRIPTION = Key("ContentDescription", 0x00700081, "LO", "2")
_SERIES_UID = Key("SeriesInstanceUID", 0x0020000E, "UI", "1")
_STUDY_UID = Key("StudyInstanceUID", 0x0020000D, "UI", "1")
_ROWS = Key("Rows", 0x00280010, "US", "1")
_COLUMNS = Key("Columns", 0x00280011, "US", "1")

_IN_INSTANCE = "present in the instance"
_PALETTE = "PALETTE COLOR"
# Nobody could read the edition that defined these keys: a reader must not rely on them.
_INFERRED = "inferred; source not seen"

CODE = (
    Key("CodeValue", 0x00080100, "SH", "1C", condition="a code of at most 16 characters, no URN"),
    Key("LongCodeValue", 0x00080119, "UC", "1C", condition="a code of more than 16 characters, no URN"),
    Key("URNCodeValue", 0x00080120, "UR", "1C", condition="a code that is a URN or URL"),
    Key("CodingSchemeDesignator", 0x00080102, "SH", "1C", condition="with Code Value or Long Code Value"),
    Key("CodingSchemeVersion", 0x00080103, "SH", "1C", condition="designator alone is ambiguous"),
    Key("CodeMeaning", 0x00080104, "LO", "1"),
)
"""Code Sequence Macro (PS3.3 8.8): exactly one of Code Value, Long Code Value and URN Code Value."""

# SOP Instance Reference Macro (PS3.3 10.8)
_REFERENCE = (
    Key("ReferencedSOPClassUID", 0x00081150, "UI", "1"),
    Key("ReferencedSOPInstanceUID", 0x00081155, "UI", "1"),
)

# Hierarchical SOP Instance Reference Macro (PS3.3 C.17.2.1)
_HIERARCHICAL_REFERENCE = (
    _STUDY_UID,
    Key(
        "ReferencedSeriesSequence", 0x00081115, "SQ", "1",
        items=(_SERIES_UID, Key("ReferencedSOPSequence", 0x00081199, "SQ", "1", items=_REFERENCE)),
    ),
)  # fmt: skip

# The images of one series that a presentation state applies to (PS3.3 C.11.11, C.11.14)
_SERIES_IMAGES = (
    _SERIES_UID,
    Key("ReferencedImageSequence", 0x00081140, "SQ", "1", items=_REFERENCE, condition="1-n items"),
)

# Person Identification Macro (PS3.3 10.1)
_PERSON = (
    Key("PersonIdentificationCodeSequence", 0x00401101, "SQ", "1", items=CODE, condition="1-n items"),
    Key("InstitutionName", 0x00080080, "LO", "1C", condition="without Institution Code Sequence"),
    Key("InstitutionCodeSequence", 0x00080082, "SQ", "1C", items=CODE, condition="without Institution Name; 1 item"),
)

# Content Identification Macro (PS3.3 10.9)
_BY_MACRO = "Content Identification Macro"
_CONTENT_IDENTIFICATION = (
    Key("InstanceNumber", 0x00200013, "IS", "1", condition=_BY_MACRO),
    Key("ContentLabel", 0x00700080, "CS", "1", condition=_BY_MACRO),
    Key("ContentDescription", 0x00700081, "LO", "2", condition=_BY_MACRO),
    Key("ConceptNameCodeSequence", 0x0040A043, "SQ", "3", items=CODE, condition="the label as a code, after 2011; 0-1 items"),
    Key(
        "AlternateContentDescriptionSequence", 0x00700087, "SQ", "3",
        items=(
            Key("ContentDescription", 0x00700081, "LO", "1"),
            Key("LanguageCodeSequence", 0x00080006, "SQ", "1", items=CODE),
        ),
        condition=_BY_MACRO,
    ),
    Key("ContentCreatorName", 0x00700084, "PN", "2", condition=_BY_MACRO),
    Key(
        "ContentCreatorIdentificationCodeSequence", 0x00700086, "SQ", "3",
        items=_PERSON, condition=_BY_MACRO + "; 0-1 items", others="address, telephone and department",
    ),
)  # fmt: skip
_DATED_CONTENT = (_CHARSET, _CONTENT_DATE, _CONTENT_TIME, *_CONTENT_IDENTIFICATION)

# Image Pixel Macro (PS3.3 C.7.6.3) as F.7 restricts it for icons
_ICON = (
    Key("SamplesPerPixel", 0x00280002, "US", "1", condition="1"),
    Key("PhotometricInterpretation", 0x00280004, "CS", "1", condition="MONOCHROME1, MONOCHROME2 or PALETTE COLOR"),
    _ROWS,
    _COLUMNS,
    Key("BitsAllocated", 0x00280100, "US", "1", condition="1 or 8; 8 for PALETTE COLOR"),
    Key("BitsStored", 0x00280101, "US", "1", condition="as Bits Allocated"),
    Key("HighBit", 0x00280102, "US", "1", condition="Bits Stored - 1"),
    Key("PixelRepresentation", 0x00280103, "US", "1", condition="0"),
    Key("PlanarConfiguration", 0x00280006, "US", "1C", condition="never: one sample per pixel"),
    Key("PixelAspectRatio", 0x00280034, "IS", "1C", condition="1:1 if present"),
    Key("RedPaletteColorLookupTableDescriptor", 0x00281101, "US", "1C", condition=_PALETTE, other_vr="SS"),
    Key("GreenPaletteColorLookupTableDescriptor", 0x00281102, "US", "1C", condition=_PALETTE, other_vr="SS"),
    Key("BluePaletteColorLookupTableDescriptor", 0x00281103, "US", "1C", condition=_PALETTE, other_vr="SS"),
    Key("RedPaletteColorLookupTableData", 0x00281201, "OW", "1C", condition=_PALETTE),
    Key("GreenPaletteColorLookupTableData", 0x00281202, "OW", "1C", condition=_PALETTE),
    Key("BluePaletteColorLookupTableData", 0x00281203, "OW", "1C", condition=_PALETTE),
    Key("PixelData", 0x7FE00010, "OB", "1", condition="native, by the syntax of the DICOMDIR", other_vr="OW"),
)
_ICON_SEQUENCE = Key("IconImageSequence", 0x00880200, "SQ", "3", items=_ICON, condition="0-1 item, limits of F.7")

# Document Content Macro (PS3.3 C.17.3.2): the content items that modify the title of an SR document
_TITLE_MODIFIERS = Key(
    "ContentSequence", 0x0040A730, "SQ", "1C",
    items=(
        Key("RelationshipType", 0x0040A010, "CS", "1", condition="HAS CONCEPT MOD"),
        Key("ValueType", 0x0040A040, "CS", "1", condition="as in the instance"),
        Key("ConceptNameCodeSequence", 0x0040A043, "SQ", "1C", items=CODE, condition="value types that need a name; 1 item"),
        Key("ConceptCodeSequence", 0x0040A168, "SQ", "1C", items=CODE, condition="value type CODE; 1 item"),
        Key("TextValue", 0x0040A160, "UT", "1C", condition="value type TEXT"),
    ),
    condition="the root has HAS CONCEPT MOD children: all of these and only these",
    others="the value of any other value type, and nested content",
)  # fmt: skip
_DOCUMENT_TITLE = Key("ConceptNameCodeSequence", 0x0040A043, "SQ", "1", items=CODE, condition="document title, 1 item")

_CURRENT = (
    RecordType(
        "PATIENT", "F.5.1", root=True, references_file=False,
        children=("STUDY", "PRIVATE"),
        former_children=("HL7 STRUC DOC",),
        keys=(
            _CHARSET,
            Key("PatientName", 0x00100010, "PN", "2"),
            Key("PatientID", 0x00100020, "LO", "1", condition="in one PATIENT record only"),
        ),
    ),
    RecordType(
        "STUDY", "F.5.2", references_file=False,
        children=("SERIES", "PRIVATE"),
        former_children=("VISIT", "RESULTS", "STUDY COMPONENT", "FILM SESSION"),
        keys=(
            _CHARSET,
            Key("StudyDate", 0x00080020, "DA", "1"),
            Key("StudyTime", 0x00080030, "TM", "1"),
            Key("StudyDescription", 0x00081030, "LO", "2"),
            # Type 1C only for the sake of the retired detached objects: today it is always needed.
            Key("StudyInstanceUID", 0x0020000D, "UI", "1C", condition="the record references no file"),
            Key("StudyID", 0x00200010, "SH", "1"),
            Key("AccessionNumber", 0x00080050, "SH", "2"),
        ),
    ),
    RecordType(
        "SERIES", "F.5.3", references_file=False,
        # Table F.4-1 of 2020 forgets SURFACE SCAN, although F.5.43 defines it.
        children=(
            "IMAGE", "RT DOSE", "RT STRUCTURE SET", "RT PLAN", "RT TREAT RECORD", "PRESENTATION", "WAVEFORM",
            "SR DOCUMENT", "KEY OBJECT DOC", "SPECTROSCOPY", "RAW DATA", "REGISTRATION", "FIDUCIAL", "ENCAP DOC",
            "VALUE MAP", "STEREOMETRIC", "PLAN", "MEASUREMENT", "SURFACE", "SURFACE SCAN", "TRACT", "ASSESSMENT",
            "RADIOTHERAPY", "ANNOTATION", "WF PRESENTATION", "PRIVATE",
        ),
        former_children=("OVERLAY", "MODALITY LUT", "VOI LUT", "CURVE", "STORED PRINT"),
        keys=(
            _CHARSET,
            Key("Modality", 0x00080060, "CS", "1"),
            Key("SeriesInstanceUID", 0x0020000E, "UI", "1", condition="in one SERIES record only"),
            Key("SeriesNumber", 0x00200011, "IS", "1"),
            _ICON_SEQUENCE,
        ),
    ),
    RecordType("IMAGE", "F.5.4", keys=(_CHARSET, _INSTANCE_NUMBER, _ICON_SEQUENCE)),
    RecordType(
        "RT DOSE", "F.5.19",
        keys=(
            _CHARSET, _INSTANCE_NUMBER,
            Key("DoseSummationType", 0x3004000A, "CS", "1"),
            Key("DoseComment", 0x30040006, "LO", "3"),
            _ICON_SEQUENCE,
        ),
    ),
    RecordType(
        "RT STRUCTURE SET", "F.5.20",
        keys=(
            _CHARSET, _INSTANCE_NUMBER,
            Key("StructureSetLabel", 0x30060002, "SH", "1"),
            Key("StructureSetDate", 0x30060008, "DA", "2"),
            Key("StructureSetTime", 0x30060009, "TM", "2"),
        ),
    ),
    RecordType(
        "RT PLAN", "F.5.21",
        keys=(
            _CHARSET, _INSTANCE_NUMBER,
            Key("RTPlanLabel", 0x300A0002, "SH", "1"),
            Key("RTPlanDate", 0x300A0006, "DA", "2"),
            Key("RTPlanTime", 0x300A0007, "TM", "2"),
        ),
    ),
    RecordType(
        "RT TREAT RECORD", "F.5.22",
        keys=(
            _CHARSET, _INSTANCE_NUMBER,
            Key("TreatmentDate", 0x30080250, "DA", "2"),
            Key("TreatmentTime", 0x30080251, "TM", "2"),
        ),
    ),
    RecordType(
        "PRESENTATION", "F.5.23",
        keys=(
            _CHARSET, _PRESENTATION_DATE, _PRESENTATION_TIME, *_CONTENT_IDENTIFICATION,
            Key(
                "ReferencedSeriesSequence", 0x00081115, "SQ", "1C",
                items=_SERIES_IMAGES,
                condition="the IOD has the Presentation State Relationship Module; 1-n items",
            ),
            Key(
                "BlendingSequence", 0x00700402, "SQ", "1C",
                items=(
                    _STUDY_UID,
                    Key("ReferencedSeriesSequence", 0x00081115, "SQ", "1", items=_SERIES_IMAGES, condition="1 item"),
                ),
                condition=_IN_INSTANCE + "; 2 items",
            ),
        ),
    ),
    RecordType(
        "WAVEFORM", "F.5.24",
        keys=(_CHARSET, _INSTANCE_NUMBER, _CONTENT_DATE, _CONTENT_TIME),
    ),
    RecordType(
        "SR DOCUMENT", "F.5.25",
        keys=(
            _CHARSET, _INSTANCE_NUMBER,
            Key("CompletionFlag", 0x0040A491, "CS", "1"),
            Key("VerificationFlag", 0x0040A493, "CS", "1"),
            _CONTENT_DATE, _CONTENT_TIME,
            # In the instance it is in the items of Verifying Observer Sequence (0040,A073).
            Key("VerificationDateTime", 0x0040A030, "DT", "1C", condition="VERIFIED: the latest of all observers"),
            _DOCUMENT_TITLE, _TITLE_MODIFIERS,
        ),
    ),
    RecordType(
        "KEY OBJECT DOC", "F.5.26",
        keys=(_CHARSET, _INSTANCE_NUMBER, _CONTENT_DATE, _CONTENT_TIME, _DOCUMENT_TITLE, _TITLE_MODIFIERS),
    ),
    RecordType(
        "SPECTROSCOPY", "F.5.27",
        keys=(
            _CHARSET,
            Key("ImageType", 0x00080008, "CS", "1"),
            _CONTENT_DATE, _CONTENT_TIME, _INSTANCE_NUMBER,
            Key(
                "ReferencedImageEvidenceSequence", 0x00089092, "SQ", "1C",
                items=_HIERARCHICAL_REFERENCE,
                condition=_IN_INSTANCE + "; 1-n items",
            ),
            Key("NumberOfFrames", 0x00280008, "IS", "1"),
            _ROWS, _COLUMNS,
            Key("DataPointRows", 0x00289001, "UL", "1"),
            Key("DataPointColumns", 0x00289002, "UL", "1"),
            _ICON_SEQUENCE,
        ),
    ),
    RecordType(
        "RAW DATA", "F.5.28",
        keys=(
            _CHARSET, _CONTENT_DATE, _CONTENT_TIME,
            Key("InstanceNumber", 0x00200013, "IS", "2"),
            _ICON_SEQUENCE,
        ),
    ),
    RecordType("REGISTRATION", "F.5.29", keys=_DATED_CONTENT),
    RecordType("FIDUCIAL", "F.5.30", keys=_DATED_CONTENT),
    RecordType(
        "HANGING PROTOCOL", "F.5.31", root=True,
        keys=(
            _CHARSET,
            Key("HangingProtocolName", 0x00720002, "SH", "1"),
            Key("HangingProtocolDescription", 0x00720004, "LO", "1"),
            Key("HangingProtocolLevel", 0x00720006, "CS", "1"),
            Key("HangingProtocolCreator", 0x00720008, "LO", "1"),
            Key("HangingProtocolCreationDateTime", 0x0072000A, "DT", "1"),
            Key(
                "HangingProtocolDefinitionSequence", 0x0072000C, "SQ", "1",
                items=(
                    Key("Modality", 0x00080060, "CS", "1C", condition="Anatomic Region Sequence absent"),
                    Key("AnatomicRegionSequence", 0x00082218, "SQ", "1C", items=CODE, condition="Modality absent"),
                    Key("Laterality", 0x00200060, "CS", "2C", condition="Anatomic Region Sequence present"),
                    Key("ProcedureCodeSequence", 0x00081032, "SQ", "2", items=CODE, condition="0-n items"),
                    Key(
                        "ReasonForRequestedProcedureCodeSequence", 0x0040100A, "SQ", "2",
                        items=CODE,
                        condition="0-n items",
                    ),
                ),
                condition="1-n items",
            ),
            Key("NumberOfPriorsReferenced", 0x00720014, "US", "1"),
            Key(
                "HangingProtocolUserIdentificationCodeSequence", 0x0072000E, "SQ", "2",
                items=CODE,
                condition="0-1 item",
            ),
        ),
    ),
    RecordType(
        "ENCAP DOC", "F.5.32",
        keys=(
            _CHARSET,
            Key("ContentDate", 0x00080023, "DA", "2"),
            Key("ContentTime", 0x00080033, "TM", "2"),
            _INSTANCE_NUMBER,
            Key("DocumentTitle", 0x00420010, "ST", "2"),
            Key("HL7InstanceIdentifier", 0x0040E001, "ST", "1C", condition="the document is an HL7 CDA"),
            Key("ConceptNameCodeSequence", 0x0040A043, "SQ", "2", items=CODE, condition="title as a code, 0-1 item"),
            Key("MIMETypeOfEncapsulatedDocument", 0x00420012, "LO", "1", condition="the kind of the document"),
        ),
    ),
    RecordType("VALUE MAP", "F.5.34", keys=_DATED_CONTENT),
    RecordType("STEREOMETRIC", "F.5.35", keys=(_CHARSET,)),
    RecordType(
        "PALETTE", "F.5.36", root=True,
        keys=(_CHARSET, Key("ContentLabel", 0x00700080, "CS", "1"), _DESCRIPTION),
    ),
    # The tables of the three implant records leave out Specific Character Set; PS3.5 6.1.2 asks for it all the same.
    RecordType(
        "IMPLANT", "F.5.37", root=True,
        keys=(
            _CHARSET, _MANUFACTURER,
            Key("ImplantName", 0x00221095, "LO", "1"),
            Key("ImplantSize", 0x00686210, "LO", "1C", condition=_IN_INSTANCE),
            Key("ImplantPartNumber", 0x00221097, "LO", "1"),
        ),
    ),
    RecordType(
        "IMPLANT ASSY", "F.5.38", root=True,
        keys=(
            _CHARSET,
            Key("ImplantAssemblyTemplateName", 0x00760001, "LO", "1"),
            _MANUFACTURER,
            Key("ProcedureTypeCodeSequence", 0x00760020, "SQ", "1", items=CODE, condition="1-n items"),
        ),
    ),
    RecordType(
        "IMPLANT GROUP", "F.5.39", root=True,
        keys=(
            _CHARSET,
            Key("ImplantTemplateGroupName", 0x00780001, "LO", "1"),
            Key("ImplantTemplateGroupDescription", 0x00780010, "ST", "3"),
            Key("ImplantTemplateGroupIssuer", 0x00780020, "LO", "1"),
        ),
    ),
    RecordType("PLAN", "F.5.40", keys=(_CHARSET,)),
    RecordType("MEASUREMENT", "F.5.41", keys=_DATED_CONTENT),
    RecordType("SURFACE", "F.5.42", keys=_DATED_CONTENT),
    RecordType("SURFACE SCAN", "F.5.43", keys=(_CHARSET, _CONTENT_DATE, _CONTENT_TIME)),
    RecordType("TRACT", "F.5.44", keys=_DATED_CONTENT),
    RecordType(
        "ASSESSMENT", "F.5.45",
        keys=(
            _CHARSET, _INSTANCE_NUMBER,
            Key("InstanceCreationDate", 0x00080012, "DA", "1"),
            Key("InstanceCreationTime", 0x00080013, "TM", "2"),
        ),
    ),
    RecordType(
        "RADIOTHERAPY", "F.5.46",
        keys=(
            _CHARSET, _INSTANCE_NUMBER,
            Key("UserContentLabel", 0x30100033, "SH", "1C", condition=_IN_INSTANCE),
            Key("UserContentLongLabel", 0x30100034, "LO", "1C", condition=_IN_INSTANCE),
            _DESCRIPTION,
            Key("ContentCreatorName", 0x00700084, "PN", "2"),
        ),
    ),
    RecordType(
        "ANNOTATION", "F.5.47", history="since 2021, Sup 222",
        keys=_DATED_CONTENT,
    ),
    RecordType(
        "INVENTORY", "F.5.48", root=True, history="since 2022c, Sup 223",
        keys=(
            _CHARSET, _CONTENT_DATE, _CONTENT_TIME,
            Key("InventoryPurpose", 0x00080401, "LT", "2"),
            Key("InventoryLevel", 0x00080403, "CS", "1", condition="STUDY, SERIES or INSTANCE"),
            Key("ScopeOfInventorySequence", 0x00080400, "SQ", "2", condition="0-1 item"),
            Key("InventoryCompletionStatus", 0x00080426, "CS", "1"),
            Key("TotalNumberOfStudyRecords", 0x00080428, "UV", "1"),
        ),
    ),
    RecordType(
        "WF PRESENTATION", "F.5.49", history="since 2025a, Sup 236",
        keys=(
            _CHARSET, _PRESENTATION_DATE, _PRESENTATION_TIME, *_CONTENT_IDENTIFICATION,
            Key(
                "ReferencedSeriesSequence", 0x00081115, "SQ", "1C",
                items=(
                    _SERIES_UID,
                    Key(
                        "ReferencedInstanceSequence", 0x0008114A, "SQ", "1C",
                        items=_REFERENCE,
                        condition="structured annotations: the Waveform Annotation SRs; 1-n items",
                    ),
                    Key(
                        "ReferencedWaveformSequence", 0x0008113A, "SQ", "1C",
                        items=_REFERENCE,
                        condition="Referenced Instance Sequence absent; 1-n items",
                    ),
                ),
                condition="the IOD has the Waveform Presentation State Relationship Module; 1-n items",
            ),
        ),
    ),
)  # fmt: skip

HL7_DOCUMENT: Final = "HL7 STRUC DOC"
"""The type of records of native HL7 documents, which are no DICOM files (PS3.10-2011 Annex B)."""
HL7_SYNTAXES: Final = ("1.2.840.10008.1.2.6.2", "1.2.840.10008.1.2.6.1")
"""XML Encoding and MIME Encapsulation, both retired."""

_RETIRED = (
    RecordType(
        "HL7 STRUC DOC", "F.5.33", "retired 2018b", history="last in PS3.3 2018b, CP-1765",
        keys=(
            _CHARSET,
            Key("HL7InstanceIdentifier", 0x0040E001, "ST", "1"),
            Key("HL7DocumentEffectiveTime", 0x0040E004, "DT", "1"),
            Key("HL7DocumentTypeCodeSequence", 0x0040E006, "SQ", "1", items=CODE, condition="1 item"),
            Key("DocumentTitle", 0x00420010, "ST", "1C", condition=_INFERRED),
        ),
    ),
    RecordType(
        "OVERLAY", "F.5.5", "retired 2004", history="last in PS3.3-2004",
        keys=(
            _CHARSET,
            Key("OverlayNumber", 0x00200022, "IS", "1"),
            Key("IconImageSequence", 0x00880200, "SQ", "3", condition="0-1 item, limits of F.7"),
        ),
    ),
    RecordType("MODALITY LUT", "F.5.6", "retired 2004", history="last in PS3.3-2004", keys=(_CHARSET, _LUT_NUMBER)),
    RecordType("VOI LUT", "F.5.7", "retired 2004", history="last in PS3.3-2004", keys=(_CHARSET, _LUT_NUMBER)),
    RecordType(
        "CURVE", "F.5.8", "retired 2004", history="last in PS3.3-2004",
        keys=(_CHARSET, Key("CurveNumber", 0x00200024, "IS", "1")),
    ),
    RecordType(
        "STORED PRINT", "F.5.18", "retired 2004", history="last in PS3.3-2004",
        keys=(
            _CHARSET,
            Key("InstanceNumber", 0x00200013, "IS", "2", condition="Type as in DCMTK"),
            Key("IconImageSequence", 0x00880200, "SQ", "3"),
        ),
    ),
    RecordType(
        "TOPIC", "F.5.9", "retired 2004", history="last in PS3.3-2004", root=True, references_file=False,
        children=(
            "STUDY", "SERIES", "IMAGE", "OVERLAY", "MODALITY LUT", "VOI LUT", "CURVE", "FILM SESSION", "RT DOSE",
            "RT STRUCTURE SET", "RT PLAN", "RT TREAT RECORD", "PRESENTATION", "WAVEFORM", "SR DOCUMENT",
            "KEY OBJECT DOC", "REGISTRATION", "FIDUCIAL", "RAW DATA", "SPECTROSCOPY", "STORED PRINT", "PRIVATE",
        ),
        keys=(
            Key("TopicTitle", 0x00880904, "LO", "1", condition=_INFERRED),
            Key("TopicSubject", 0x00880906, "ST", "2", condition=_INFERRED),
            Key("TopicAuthor", 0x00880910, "LO", "3", condition=_INFERRED),
            Key("TopicKeywords", 0x00880912, "LO", "3", condition=_INFERRED),
        ),
    ),
    RecordType(
        "VISIT", "F.5.10", "retired 2004", history="last in PS3.3-2004",
        keys=(
            Key("AdmittingDate", 0x00380020, "DA", "1", condition=_INFERRED),
            Key("AdmissionID", 0x00380010, "LO", "2", condition=_INFERRED),
            Key("InstitutionName", 0x00080080, "LO", "2", condition=_INFERRED),
        ),
    ),
    RecordType(
        "RESULTS", "F.5.11", "retired 2004", history="last in PS3.3-2004",
        children=("INTERPRETATION", "PRIVATE"),
        keys=(Key("ResultsID", 0x40080040, "SH", "1", condition=_INFERRED),),
    ),
    RecordType(
        "INTERPRETATION", "F.5.12", "retired 2004", history="last in PS3.3-2004",
        keys=(
            Key("InterpretationTranscriptionDate", 0x40080108, "DA", "2", condition=_INFERRED),
            Key("InterpretationAuthor", 0x4008010C, "PN", "2", condition=_INFERRED),
            Key("InterpretationDiagnosisDescription", 0x40080115, "LT", "2", condition=_INFERRED),
            Key("InterpretationID", 0x40080200, "SH", "2", condition=_INFERRED),
        ),
    ),
    RecordType(
        "STUDY COMPONENT", "F.5.13", "retired 2004", history="last in PS3.3-2004",
        keys=(
            Key("Modality", 0x00080060, "CS", "1", condition=_INFERRED),
            Key("StudyDescription", 0x00081030, "LO", "2", condition=_INFERRED),
            Key("ProcedureCodeSequence", 0x00081032, "SQ", "2", condition=_INFERRED),
            Key("PerformingPhysicianName", 0x00081050, "PN", "2", condition=_INFERRED),
        ),
    ),
    RecordType(
        "PRINT QUEUE", "F.5.14", "retired 1998", history="last in PS3.3-1998", root=True, references_file=None,
        children=("FILM SESSION", "PRIVATE"),
    ),
    RecordType(
        "FILM SESSION", "F.5.15", "retired 1998", history="last in PS3.3-1998", references_file=None,
        children=("FILM BOX", "PRIVATE"),
        keys=(Key("FilmSessionLabel", 0x20000050, "LO", "2", condition=_INFERRED),),
    ),
    RecordType(
        "FILM BOX", "F.5.16", "retired 1998", history="last in PS3.3-1998", references_file=None,
        children=("IMAGE BOX", "PRIVATE"),
        keys=(Key("ImageDisplayFormat", 0x20100010, "ST", "2", condition=_INFERRED),),
    ),
    RecordType(
        "IMAGE BOX", "F.5.17", "retired 1998", history="last in PS3.3-1998", references_file=None,
        keys=(Key("ImageBoxPosition", 0x20200010, "US", "2", condition=_INFERRED),),
    ),
    RecordType(
        "MRDR", "F.6.2", "retired 2004", history="last in PS3.3-2004", children=(),
    ),
    RecordType("STRUCT REPORT", "", "never standard", history="frozen draft of Sup 23"),
)  # fmt: skip

_STANDARD = tuple(row.name for row in (*_CURRENT, *_RETIRED) if row.name not in {"MRDR", "STRUCT REPORT"})

_PRIVATE = RecordType(
    "PRIVATE", "F.6.1", root=True, references_file=None,
    # A private record may contain whatever its private definition allows.
    children=("PRIVATE", *_STANDARD),
)  # fmt: skip

RECORD_TYPES: Final[dict[str, RecordType]] = {row.name: row for row in (*_CURRENT, _PRIVATE, *_RETIRED)}
"""Every Directory Record Type that is or was in the Standard, or that old media may hold, by its value."""
