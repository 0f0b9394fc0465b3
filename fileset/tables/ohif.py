"""The document for OHIF's data source `dicomjson`: the addresses and the keys of the files.

The viewer reads the files by HTTP from a web server that sends CORS headers; it cannot read file://.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from fileset.plan.instances import InstanceRecord
from fileset.tables.files import header_of, plain

Document = dict[str, Any]

_STUDY: Final = (
    *("StudyInstanceUID", "StudyDescription", "StudyDate", "StudyTime", "PatientName", "PatientID"),
    *("AccessionNumber", "PatientAge", "PatientSex"),
)
_SERIES: Final = ("SeriesInstanceUID", "SeriesDescription", "SeriesNumber", "SeriesTime", "Modality", "SliceThickness")
_INSTANCE: Final = (
    *("Columns", "Rows", "InstanceNumber", "SOPClassUID", "PhotometricInterpretation", "BitsAllocated", "BitsStored"),
    *("HighBit", "PixelRepresentation", "SamplesPerPixel", "PixelSpacing", "ImageOrientationPatient"),
    *("ImagePositionPatient", "FrameOfReferenceUID", "ImageType", "Modality", "SOPInstanceUID", "SeriesInstanceUID"),
    *("StudyInstanceUID", "WindowCenter", "WindowWidth", "RescaleIntercept", "RescaleSlope", "RescaleType"),
    *("SeriesDate", "AcquisitionNumber", "NumberOfFrames", "SpacingBetweenSlices", "SliceThickness"),
)
_LISTS: Final = frozenset(("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient", "ImageType"))
_NAMES: Final = tuple(dict.fromkeys((*_STUDY, *_SERIES, *_INSTANCE)))


def ohif(records: Iterable[InstanceRecord], base_url: str, problems: list[str]) -> Document:
    """Build the document for the files of these records, which a web server offers at `base_url` under their names.

    It lists only images, because the viewer shows nothing else. `problems` receives a sentence for each file that cannot
    be read, and for each study without a Patient ID, which the viewer needs.
    """
    studies: dict[str, Document] = {}
    series: dict[tuple[str, str], Document] = {}
    for record in records:
        header = header_of(record, problems, _NAMES)
        values = {} if header is None else {name: plain(header[name].value) for name in _NAMES if name in header}
        if record.file_id is None or "Rows" not in values:
            continue
        key = str(values.get("StudyInstanceUID", "")), str(values.get("SeriesInstanceUID", ""))
        if key[0] not in studies:
            studies[key[0]] = _study(values, problems)
        if key not in series:
            series[key] = _only(values, _SERIES) | {"instances": []}
            studies[key[0]]["series"].append(series[key])
        series[key]["instances"] += _instances(values, f"{base_url.rstrip('/')}/{quote(record.file_id.path)}")
    for study in studies.values():
        study["NumInstances"] = sum(len(one["instances"]) for one in study["series"])
        study["Modalities"] = "/".join(dict.fromkeys(str(one.get("Modality", "")) for one in study["series"]))
    return {"studies": list(studies.values())}


def _study(values: Mapping[str, Any], problems: list[str]) -> Document:
    if not values.get("PatientID"):
        problems.append(f"study {values.get('StudyInstanceUID')}: it has no Patient ID, so OHIF does not show it")
    return _only(values, _STUDY) | {"series": []}


def _only(values: Mapping[str, Any], names: Iterable[str]) -> Document:
    return {name: values[name] for name in names if values.get(name) is not None}


def _instances(values: Mapping[str, Any], url: str) -> Iterator[Document]:
    """Yield one entry for a single image, one for each frame of a multi-frame image."""
    metadata = _only(values, _INSTANCE)
    for name in _LISTS & metadata.keys():
        metadata[name] = metadata[name] if isinstance(metadata[name], list) else [metadata[name]]
    frames: Any = values.get("NumberOfFrames")
    several = isinstance(frames, int) and frames > 1  # a damaged file may have a text
    urls = [f"{url}?frame={number}" for number in range(1, frames + 1)] if several else [url]
    return ({"metadata": metadata, "url": f"dicomweb:{address}"} for address in urls)
