"""The keys that application profiles add to directory records (PS3.11 Tables A.3-2 to I.3-2). Data only.

The Type is that in the record. A Type 1C key is needed if the instance has it; its value is a copy.
"""

from __future__ import annotations

from typing import Final

from attrs import evolve

from fileset.standard.record_types import Key

_REFERENCE: Final = (
    Key("ReferencedSOPClassUID", 0x00081150, "UI", "1C"),
    Key("ReferencedSOPInstanceUID", 0x00081155, "UI", "1C"),
)
_PRESENT: Final = "present in the instance"
IN_GROUPS: Final = "present in the instance, or in its Shared Functional Groups Sequence"
"""The condition of keys that an enhanced image has in a macro that all its frames share (PS3.11 Table H.3-2)."""


def _key(keyword: str, tag: int, vr: str, kind: str, condition: str = "") -> Key:
    return Key(keyword, tag, vr, kind, condition=condition or (_PRESENT if kind == "1C" else ""))


_REFERENCES = Key(
    "ReferencedImageSequence", 0x00081140, "SQ", "1C", _REFERENCE, _PRESENT, others="whatever else an item holds"
)
_BIRTH_DATE = _key("PatientBirthDate", 0x00100030, "DA", "2")
_SEX = _key("PatientSex", 0x00100040, "CS", "2")
_INSTITUTION = _key("InstitutionName", 0x00080080, "LO", "2")
_ADDRESS = _key("InstitutionAddress", 0x00080081, "ST", "2")
_PHYSICIAN = _key("PerformingPhysicianName", 0x00081050, "PN", "2")
_IMAGE_TYPE = _key("ImageType", 0x00080008, "CS", "1C")
_CALIBRATION = _key("CalibrationImage", 0x00500004, "CS", "2")
_RATIO = _key("LossyImageCompressionRatio", 0x00282112, "DS", "1C")
_ROWS = _key("Rows", 0x00280010, "US", "1")
_COLUMNS = _key("Columns", 0x00280011, "US", "1")
_POSITION = _key("ImagePositionPatient", 0x00200032, "DS", "1C")
_ORIENTATION = _key("ImageOrientationPatient", 0x00200037, "DS", "1C")
_FRAME_OF_REFERENCE = _key("FrameOfReferenceUID", 0x00200052, "UI", "1C")
_SPACING = _key("PixelSpacing", 0x00280030, "DS", "1C")

_PATIENT = (_BIRTH_DATE, _SEX)
_SERIES = (_INSTITUTION, _ADDRESS, _PHYSICIAN)


def _if_present(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    return tuple(evolve(key, type="1C", condition=_PRESENT) for key in keys)


_SPATIAL = (
    evolve(_REFERENCES, condition=IN_GROUPS),
    _ROWS,
    _COLUMNS,
    _FRAME_OF_REFERENCE,
    _key("SynchronizationFrameOfReferenceUID", 0x00200200, "UI", "1C"),
    _key("NumberOfFrames", 0x00280008, "IS", "1C"),
    _key("AcquisitionTimeSynchronized", 0x00181800, "CS", "1C"),
    _key("AcquisitionDateTime", 0x0008002A, "DT", "1C"),
    *(evolve(key, condition=IN_GROUPS) for key in (_POSITION, _ORIENTATION, _SPACING)),
)

PROFILE_KEYS: Final[dict[str, dict[str, tuple[Key, ...]]]] = {
    "": {},
    "A.3-2": {
        "PATIENT": _PATIENT,
        "SERIES": _SERIES,
        "IMAGE": (evolve(_IMAGE_TYPE, type="1", condition=""), _CALIBRATION, _REFERENCES),
    },
    "B.3-2": {"PATIENT": _PATIENT, "SERIES": _SERIES, "IMAGE": (_IMAGE_TYPE, _CALIBRATION, _REFERENCES, _RATIO)},
    "D.3-2": {"IMAGE": (_IMAGE_TYPE, _REFERENCES)},
    "E.3-2": {
        "IMAGE": (_REFERENCES, _POSITION, _ORIENTATION, _FRAME_OF_REFERENCE, _ROWS, _COLUMNS, _SPACING),
    },
    "H.3-2": {
        "PATIENT": _if_present(_PATIENT),
        "SERIES": _if_present(_SERIES),
        "IMAGE": (_IMAGE_TYPE, _RATIO, evolve(_CALIBRATION, type="1C", condition=_PRESENT), *_SPATIAL),
        "SPECTROSCOPY": _SPATIAL,
    },
    "I.3-2": {
        "PATIENT": _if_present(_PATIENT),
        "SERIES": _if_present(_SERIES),
        "IMAGE": (_IMAGE_TYPE, _RATIO, _ROWS, _COLUMNS),
    },
}
"""Table -> record type -> the keys that it adds. The icon is a rule of its own: `Profile.icon`."""
