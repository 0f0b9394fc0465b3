"""Write pydicom data sets into a file-set, and read them again.

    python developer.py MEDIUM

The example takes two images that pydicom ships, gives one of them a new patient, and finds both again.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pydicom
from pydicom.data import get_testdata_file

import fileset


def shipped(name: str) -> pydicom.Dataset:
    """Read a file that pydicom ships."""
    path = get_testdata_file(name)
    if not isinstance(path, str):
        raise FileNotFoundError(name)
    return pydicom.dcmread(path)


def make(medium: str) -> None:
    """Make a file-set from two data sets."""
    ct, mr = shipped("CT_small.dcm"), shipped("MR_small.dcm")
    ct.PatientID, ct.PatientName = "P1", "Doe^Jane"
    with fileset.Creator(medium, file_set_id="EXAMPLE", naming="flat") as creator:
        creator.add(ct, mr)
    for added in creator.report.added:
        print(f"{added.record_type} {added.sop_instance_uid} is {added.file_id}")


def look(medium: str) -> None:
    """Find the data sets by their keys."""
    with fileset.Reader(medium) as reader:
        for patient in reader.patients:
            print("patient", patient["PatientID"], patient.get("PatientName", ""))
        for series in reader.find("SERIES", Modality="CT"):
            print("CT series", series["SeriesInstanceUID"])
        for record in reader.find(PatientID="P1"):
            dataset = record.dataset()
            print(f"{record.file_id}: {dataset.Rows} x {dataset.Columns} pixels of {dataset.PatientName}")


def main(argv: Sequence[str]) -> int:
    """Make the file-set, then find its instances again; return the exit code."""
    if len(argv) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        make(argv[0])
        look(argv[0])
    except fileset.FilesetError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
