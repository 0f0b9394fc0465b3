"""A disc of one patient with two studies: a CT, a report, an ultrasound, an ECG, and a plan that has no picture."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from fileset import Creator, Reader
from fileset.pages.folder import write_pages
from fileset.pages.options import WebOptions
from fileset.pages.report import PagesReport
from tests.pictures.files import FOLDER

SLICES = 7


def uid(*names: str) -> str:
    return generate_uid(entropy_srcs=list(names))


def encode(file: str, name: str, study: str, series: str, **values: Any) -> bytes:
    """Return a file of pydicom's as one of our patient."""
    dataset = pydicom.dcmread(FOLDER / file)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName, dataset.PatientID = "Müller^Jane^^Dr.", "P-4711"
    dataset.PatientBirthDate, dataset.PatientSex = "19700412", "F"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uid(study), uid(study, series)
    dataset.StudyTime, dataset.InstanceNumber, dataset.InstitutionName = "101500", 1, "Klinikum Süd"
    dataset.SOPInstanceUID = uid(name)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def patient_files(**values: Any) -> dict[str, bytes]:
    """Return the files of the patient by name; all of them have `values`."""
    files = {}

    def save(file: str, name: str, study: str, series: str, **values: Any) -> None:
        files[name] = encode(file, name, study, series, **values)

    ct = {"StudyDescription": "CT Abdomen", "StudyDate": "20261105", "SeriesDescription": "Axial", "SeriesNumber": 1}
    ramp = np.tile(np.arange(128, dtype="<i2") * 8, (128, 1))
    for number in range(SLICES):
        own = {"InstanceNumber": number + 1, "PixelData": (ramp + number * 20).tobytes(), "SliceLocation": number * 5}
        axes = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        save("CT_small.dcm", f"ct{number}", "ct", "1", **{**ct, **own, **axes, **values})
    report = {"SeriesDescription": "Findings", "SeriesNumber": 2}
    save("test-SR.dcm", "sr", "ct", "2", **{**ct, **report, **values})
    us = {"StudyDescription": "Ultrasound", "StudyDate": "20250920", "SeriesNumber": 1}
    save("examples_palette.dcm", "us", "us", "1", **{**us, **values})
    save("waveform_ecg.dcm", "ecg", "us", "2", **{**us, "SeriesNumber": 2, **values})
    save("rtplan.dcm", "plan", "us", "3", **{**us, "SeriesNumber": 3, **values})
    return files


the_patient = cache(patient_files)


def save_patient(folder: Path, **values: Any) -> None:
    """Save the files of the patient; all of them have `values`."""
    folder.mkdir(exist_ok=True)
    for name, data in (patient_files(**values) if values else the_patient()).items():
        (folder / name).write_bytes(data)


def make_disc(folder: Path, source: Path) -> Path:
    with Creator(folder) as creator:
        creator.add(source)
    return folder


def pages_of(disc: Path, folder: Path, **options: Any) -> PagesReport:
    with Reader(disc) as reader:
        return write_pages(reader, folder, options=WebOptions(**options), jobs=1)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The files of the patient, for one test."""
    save_patient(tmp_path / "source")
    return tmp_path / "source"


@pytest.fixture(scope="session")
def disc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The disc as a folder."""
    folder = tmp_path_factory.mktemp("disc")
    save_patient(folder / "source")
    return make_disc(folder / "disc", folder / "source")


@pytest.fixture(scope="session")
def web(disc: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its pages."""
    folder = tmp_path_factory.mktemp("web") / "pages"
    pages_of(disc, folder, institution="Radiology & Partners", contact="radiology@example.org")
    return folder
