"""Media on which one file is not the one that its record describes: of another patient, study, series or instance."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

from pydicom.uid import UID

import fileset
from tests.support import synthetic

OTHERS: Final = {
    "patient": {"PatientID": "P9"},
    "person": {"PatientName": "Roe^John", "PatientBirthDate": "19010203"},
    "study": {"StudyInstanceUID": ""},
    "series": {"SeriesInstanceUID": ""},
    "instance": {"SOPInstanceUID": ""},
}
"""The values of the file that differ from its record; "" is a UID that differs in its last digit. All keep the size of the file."""
MEDIA: Final = ("DISC", "DISC.iso", "DISC.zip")
"""A folder, an image and an archive."""


def forged(folder: Path, kind: str, medium: str, files: int = 2) -> tuple[Path, str, str]:
    """Write a medium whose last file was exchanged; return it, and a value of the record and of the file."""
    datasets = [synthetic.instance(synthetic.CT_IMAGE, number=number) for number in range(1, files + 1)]
    for number, dataset in enumerate(datasets, start=1):
        synthetic.write(dataset, folder / "IN" / f"IM{number}")
    with fileset.Creator(folder / medium) as creator:
        creator.add(folder / "IN")
    dataset = datasets[-1]
    before = synthetic.encode(dataset)
    keyword = next(iter(OTHERS[kind]))
    former = str(dataset[keyword].value)
    for name, value in OTHERS[kind].items():
        setattr(dataset, name, value or former[:-1] + ("1" if former[-1] != "1" else "2"))
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(str(dataset.SOPInstanceUID))
    _exchange(folder / medium, before, synthetic.encode(dataset))
    return folder / medium, former, str(dataset[keyword].value)


def _exchange(medium: Path, before: bytes, after: bytes) -> None:
    assert len(before) == len(after)
    if medium.suffix == ".zip":
        with zipfile.ZipFile(medium) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        assert before in members.values()
        with zipfile.ZipFile(medium, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, after if content == before else content)
        return
    paths = [medium] if medium.is_file() else [path for path in medium.rglob("*") if path.is_file()]
    [path] = [path for path in paths if before in path.read_bytes()]
    path.write_bytes(path.read_bytes().replace(before, after))
