"""Time tables of a DICOMDIR with many records: seconds of processor time and memory.

    python -m tests.benchmarks.table [COUNT]

Prints what a table of 20 columns costs, and what its Parquet file and its CSV cost then.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time
from typing import TypeVar

from fileset.reader import Reader
from fileset.tables.arrow import write_parquet
from fileset.tables.text import csv_lines
from tests.benchmarks import big_directory

Result = TypeVar("Result")

COLUMNS = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime"),
    *("StudyDescription", "AccessionNumber", "StudyID", "SeriesInstanceUID", "Modality", "SeriesNumber"),
    *(
        "InstanceNumber",
        "SOPClassUID",
        "SOPInstanceUID",
        "TransferSyntaxUID",
        "FileID",
        "ImageType",
        "BodyPartExamined",
    ),
)


def main(argv: Sequence[str]) -> int:
    """Measure, print, and return 0."""
    count = argv[0] if argv else "100000"
    with tempfile.TemporaryDirectory() as folder:
        big_directory.main([count, folder])
        reader = timed("open", lambda: Reader(f"{folder}/DICOMDIR"))
        with reader:
            table = timed(f"table, {len(COLUMNS)} columns", lambda: reader.table("IMAGE", COLUMNS))
            print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB")
            timed("parquet", lambda: write_parquet(table, f"{folder}/all.parquet"))
            timed("csv", lambda: Path(folder, "all.csv").write_text("\n".join(csv_lines(table)), encoding="utf-8"))
    return 0


def timed(name: str, work: Callable[[], Result]) -> Result:
    """Call `work`, print the seconds that it took, and return its result."""
    started = process_time()
    result = work()
    print(f"{name}: {process_time() - started:.2f} s")
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
