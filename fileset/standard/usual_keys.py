"""The optional keys (Type 3) that directory records hold beside those of PS3.3 F.5, so that people can search for them.

PS3.3 F.5 allows any attribute as an additional key; these are the ones that viewers and archives show.
"""

from __future__ import annotations

from typing import Final

from fileset.standard.record_types import Key

USUAL_KEYS: Final[dict[str, tuple[Key, ...]]] = {
    "PATIENT": (
        Key("PatientBirthDate", 0x00100030, "DA", "3"),
        Key("PatientSex", 0x00100040, "CS", "3"),
        Key("OtherPatientIDs", 0x00101000, "LO", "3"),
    ),
    "STUDY": (Key("ReferringPhysicianName", 0x00080090, "PN", "3"),),
    "SERIES": (
        Key("SeriesDate", 0x00080021, "DA", "3"),
        Key("SeriesTime", 0x00080031, "TM", "3"),
        Key("InstitutionName", 0x00080080, "LO", "3"),
        Key("StationName", 0x00081010, "SH", "3"),
        Key("SeriesDescription", 0x0008103E, "LO", "3"),
        Key("PerformingPhysicianName", 0x00081050, "PN", "3"),
        Key("BodyPartExamined", 0x00180015, "CS", "3"),
        Key("ProtocolName", 0x00181030, "LO", "3"),
        Key("Laterality", 0x00200060, "CS", "3"),
    ),
    "": (
        Key("ImageType", 0x00080008, "CS", "3"),
        Key("ContentDate", 0x00080023, "DA", "3"),
        Key("ContentTime", 0x00080033, "TM", "3"),
        Key("AcquisitionNumber", 0x00200012, "IS", "3"),
        Key("ImagePositionPatient", 0x00200032, "DS", "3"),
        Key("ImageOrientationPatient", 0x00200037, "DS", "3"),
        Key("FrameOfReferenceUID", 0x00200052, "UI", "3"),
        Key("SliceLocation", 0x00201041, "DS", "3"),
        Key("NumberOfFrames", 0x00280008, "IS", "3"),
        Key("Rows", 0x00280010, "US", "3"),
        Key("Columns", 0x00280011, "US", "3"),
        Key("PixelSpacing", 0x00280030, "DS", "3"),
        Key("WindowCenter", 0x00281050, "DS", "3"),
        Key("WindowWidth", 0x00281051, "DS", "3"),
    ),
}
"""Record type -> keys; "" stands for every record of an instance of a series."""

_VARYING: Final = frozenset(("ContentTime", "ImagePositionPatient", "SliceLocation", "WindowCenter", "WindowWidth"))
VARYING: Final = tuple(key for key in USUAL_KEYS[""] if key.keyword in _VARYING)
"""Those that differ from image to image of one series."""
