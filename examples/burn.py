"""Make a file-set from a folder of DICOM files, before burning, and prove that every file can be read.

    python burn.py INCOMING MEDIUM

Exit code 0: every file is on the medium and was read back. 3: done, but files were skipped; the reasons are
printed. 2: wrong usage. Any other code: there is nothing to burn; see the message.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import fileset


def create(incoming: str, medium: str) -> fileset.Report:
    """Copy the DICOM files below `incoming` into a new file-set; after an error nothing is written."""
    with fileset.Creator(medium, file_set_id="ACME_CD1") as creator:
        creator.add(incoming)
    return creator.report


def verify(medium: str) -> int:
    """Read the whole file of every instance in the DICOMDIR; return the number of instances."""
    number = 0
    with fileset.Reader(medium) as reader:
        for record in reader.instances:
            with record.open() as file:
                while file.read(1 << 20):
                    pass
            number += 1
    return number


def main(argv: Sequence[str]) -> int:
    """Make and verify the file-set; return 0, or 3 if it lacks a file of `incoming`."""
    if len(argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    incoming, medium = argv
    try:
        report = create(incoming, medium)
        number = verify(medium)
    except fileset.FilesetError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{number} instances in file-set {report.file_set_uid}")
    for finding in report.findings:
        print(finding, file=sys.stderr)
    for skipped in report.skipped:
        print(f"skipped {skipped.source}: {skipped.reason} [{skipped.rule}]", file=sys.stderr)
    return 0 if report.complete else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
