"""A DICOMDIR with many records and no files, to measure only encoding, decoding and listing.

    python -m tests.benchmarks.big_directory COUNT FOLDER

writes FOLDER/DICOMDIR with COUNT image records, 200 in each series, four series in each patient.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from fileset.dicom.elements import element
from fileset.dicomdir.write.header import Identification, new_frame
from fileset.dicomdir.write.layout import encode
from fileset.dicomdir.write.new import build
from fileset.records.arranged import Arranged, Node

PER_SERIES = 200
SERIES_PER_PATIENT = 4
UID = "2.25.329800735698586629295641978511506172918"


def nodes(count: int) -> Iterator[Node]:
    """Yield the records in preorder; `source` is the number of the image."""
    for start in range(0, count, PER_SERIES):
        series = start // PER_SERIES
        patient, within = divmod(series, SERIES_PER_PATIENT)
        if not within:
            yield Node(
                0, "PATIENT", patient, text((0x00100010, "PN", f"Doe^{patient}"), (0x00100020, "LO", f"P{patient}"))
            )
            yield Node(1, "STUDY", 0, study(patient))
        keys = ((0x00080060, "CS", "CT"), (0x0020000E, "UI", f"{UID}.{series}"), (0x00200011, "IS", str(within)))
        yield Node(2, "SERIES", within, text(*keys))
        for image in range(start, min(start + PER_SERIES, count)):
            yield Node(3, "IMAGE", image - start, leaf(series, image), image)


def study(patient: int) -> bytes:
    """Encode the keys of a STUDY record."""
    return text(
        (0x00080020, "DA", "20260101"),
        (0x00080030, "TM", "120000"),
        (0x00080050, "SH", ""),
        (0x00081030, "LO", "CT Thorax"),
        (0x0020000D, "UI", f"{UID}.{patient}.0"),
        (0x00200010, "SH", "1"),
    )


def leaf(series: int, image: int) -> bytes:
    """Encode the reference and the keys of an IMAGE record."""
    return text(
        (0x00041510, "UI", "1.2.840.10008.5.1.4.1.1.2"),
        (0x00041511, "UI", f"{UID}.{series}.{image}"),
        (0x00041512, "UI", "1.2.840.10008.1.2.1"),
        (0x00200013, "IS", str(image)),
    )


def text(*values: tuple[int, str, str]) -> bytes:
    """Encode elements."""
    return b"".join(element(tag, vr, value.encode("ascii")) for tag, vr, value in values)


def name(node: Node) -> bytes:
    """Return a File ID for an image."""
    folder, number = divmod(node.source, PER_SERIES)
    return b"DICOM\\S%07d\\I%07d" % (folder, number)


def main(argv: Sequence[str]) -> int:
    """Write the DICOMDIR."""
    count, folder = int(argv[0]), Path(argv[1])
    records = Arranged(nodes(count))
    directory = build(
        new_frame(Identification(UID, "BIG")), records, [name(node) for node in records if node.source >= 0]
    )
    with (folder / "DICOMDIR").open("wb") as file:
        file.writelines(encode(directory))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
