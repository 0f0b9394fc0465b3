"""File-sets whose DICOMDIR another tool wrote, which a Reader must understand.

A peer fills an empty folder with synthetic instances under conformant names, of as many kinds as it can take, and writes
the DICOMDIR. If its tool is not installed, the test is skipped. `truth` lists the contents of the file-set without any
DICOMDIR.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pydicom import dcmread

from tests.support import synthetic
from tests.support.judges import DCMMKDIR_OPTIONS, Output, need_tool, run_command, run_tool

KINDS: Final = (
    synthetic.COMPREHENSIVE_SR,
    synthetic.KEY_OBJECT,
    synthetic.ENCAPSULATED_PDF,
    synthetic.GRAYSCALE_STATE,
    synthetic.ECG,
    "1.2.840.10008.5.1.4.1.1.481.2",
    "1.2.840.10008.5.1.4.1.1.481.5",
)
"""SOP classes beside CT that every peer can list below a series, GDCM only as IMAGE."""


def fill_series(folder: Path) -> None:
    """Write two patients with two studies of one CT series each, and for the first one a series of every kind."""
    synthetic.ct_series(folder, patients=2, studies=2, series=1, instances=3)
    for number, sop_class_uid in enumerate(KINDS, start=1):
        dataset = synthetic.instance(sop_class_uid, series=10 + number, number=number)
        synthetic.write(dataset, folder / "MIXED" / f"M{number:03d}")


def fill_all(folder: Path) -> None:
    """Write the files of `fill_series`, and a hanging protocol in the root."""
    fill_series(folder)
    synthetic.write(synthetic.instance(synthetic.HANGING_PROTOCOL), folder / "HANGING")


def fill_one_for_each_patient(folder: Path) -> None:
    """Write an instance of every kind, each of another patient."""
    for number, sop_class_uid in enumerate((synthetic.CT_IMAGE, *KINDS), start=1):
        synthetic.write(synthetic.instance(sop_class_uid, patient=number), folder / f"M{number:03d}")


def dcmmkdir(folder: Path) -> Path:
    """Run DCMTK on every kind that it knows."""
    fill_all(folder)
    _done("dcmmkdir", run_tool("dcmmkdir", *DCMMKDIR_OPTIONS, "+F", "PEER", "+r", "+id", ".", cwd=folder))
    return folder


def gdcmgendir(folder: Path) -> Path:
    """Run GDCM: all records are IMAGE, lengths undefined; it aborts on instances without a series."""
    fill_series(folder)
    _done("gdcmgendir", run_tool("gdcmgendir", "-r", "-i", folder, "-o", folder / "DICOMDIR"))
    return folder


def dcdirmk(folder: Path) -> Path:
    """Run dicom3tools: last root offset wrong, root entity in reverse; it aborts at the second file of a patient."""
    fill_one_for_each_patient(folder)
    names = sorted(path.name for path in folder.iterdir())
    with (folder / "DICOMDIR").open("wb") as dicomdir:
        _done("dcdirmk", run_command([need_tool("dcdirmk"), *names], cwd=folder, stdout=dicomdir))
    return folder


_WRITE: Final = """
import sys
from pathlib import Path
from pydicom.fileset import FileSet
file_set = FileSet()
file_set.ID = "PEER"
for path in sorted(Path(sys.argv[1]).rglob("*")):
    if path.is_file():
        file_set.add(path)
file_set.write(sys.argv[2])
"""


def pydicom(folder: Path) -> Path:
    """Run pydicom: it copies children of SR documents as a whole, and the files to a subfolder under its own names."""
    fill_all(folder / "SOURCE")
    written = folder / "WRITTEN"
    _done("pydicom", run_command([sys.executable, "-c", _WRITE, str(folder / "SOURCE"), str(written)]))
    return written


PEERS: Final[Mapping[str, Callable[[Path], Path]]] = {
    "dcmmkdir": dcmmkdir,
    "gdcmgendir": gdcmgendir,
    "dcdirmk": dcdirmk,
    "pydicom": pydicom,
}
"""Every peer: a function that fills an empty folder and returns the folder of the file-set."""


def truth(folder: Path) -> frozenset[tuple[str, str]]:
    """Return File ID (with `/`) and SOP Instance UID of every file except the DICOMDIR, as pydicom reads it."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "DICOMDIR"]
    return frozenset((path.relative_to(folder).as_posix(), sop_instance_uid(path)) for path in files)


def sop_instance_uid(path: Path) -> str:
    """Return the SOP Instance UID in the data set of a file, or else in its File Meta Information."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = dcmread(path, specific_tags=["SOPInstanceUID"], stop_before_pixels=True)
    return str(dataset.get("SOPInstanceUID") or dataset.file_meta.MediaStorageSOPInstanceUID)


def _done(tool: str, output: Output) -> None:
    assert output.code == 0, [*output.failure(tool), *output.lines[-5:]]
