"""Our jobs done by pydicom's FileSet, each as a program: ``index FOLDER OUT``, ``list FOLDER``, ``find FOLDER PATIENT``."""

import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from pydicom.fileset import FileSet


def index(folder: str, out: str) -> None:
    """Write a DICOMDIR for the files of ``folder``; FileSet must copy them to ``out`` for that."""
    file_set = FileSet()
    for path in sorted(Path(folder, "DICOM").rglob("I*")):
        file_set.add(path)
    file_set.write(out)


def paths(folder: str) -> None:
    """Print the path of every instance."""
    for instance in FileSet(Path(folder, "DICOMDIR")):
        print(instance.path)


def find(folder: str, patient: str) -> None:
    """Print the seconds to find a patient's instances, without opening the file-set."""
    file_set = FileSet(Path(folder, "DICOMDIR"))
    started = perf_counter()
    if not file_set.find(PatientID=patient):
        raise LookupError(f"no record of patient {patient}")
    print(perf_counter() - started)


VERBS: dict[str, Callable[..., None]] = {"index": index, "list": paths, "find": find}

if __name__ == "__main__":
    VERBS[sys.argv[1]](*sys.argv[2:])
