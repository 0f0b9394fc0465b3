"""De-identify a file-set with the rules of `dicom-anonymizer`, and close the gaps that they leave.

    python deidentify.py SOURCE TARGET SECRET

SECRET is a text that only you know. Pseudonyms and UIDs are keyed hashes (HMAC-SHA-256): the same patient gets the
same pseudonym in the next run, and without SECRET it cannot be computed. Needs `pip install dicom-anonymizer`.

This example adds to the rules: a pseudonym as Patient ID (the rules empty it, so that all patients would become one), UIDs that
are the same in all files, and (0012,0062) to (0012,0064), which describe the de-identification.

The Basic Profile of PS3.15 E.1 also demands the following, so examine the result before you publish it: pixels with burned-in
text (CleanPixelData), faces (CleanRecognizableVisualFeatures), free text in structured reports, encapsulated documents, and
the encrypted copy of the originals that E.1.1 allows. Exit code 0: all written. 3: some files were skipped. 2: wrong usage.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
from collections.abc import Callable, Sequence

import pydicom

import fileset

METHOD = "dicom-anonymizer, keyed pseudonyms"
BASIC_PROFILE = ("113100", "DCM", "Basic Application Confidentiality Profile")


def keyed(secret: str) -> Callable[[str, str], bytes]:
    """Return a function that hashes a value of a kind with the secret."""
    return lambda kind, value: hmac.new(secret.encode(), f"{kind}\0{value}".encode(), hashlib.sha256).digest()


def new_uids(dataset: pydicom.Dataset, digest: Callable[[str, str], bytes]) -> None:
    """Replace all UIDs, except those of the Standard, by others that are the same in every file (PS3.5 B.2)."""
    for element in dataset.iterall():
        if element.VR == "UI" and element.value:
            values = [element.value] if isinstance(element.value, str) else list(element.value)
            new = [
                uid
                if uid.startswith("1.2.840.10008.")
                else f"2.25.{int.from_bytes(digest('uid', uid)[:16], 'big') & (1 << 125) - 1}"
                for uid in values
            ]
            element.value = new[0] if len(new) == 1 else new


def transform(secret: str) -> Callable[[pydicom.Dataset], pydicom.Dataset]:
    """Return a function that de-identifies a data set."""
    from dicomanonymizer import anonymize_dataset

    digest = keyed(secret)

    def deidentify(dataset: pydicom.Dataset) -> pydicom.Dataset:
        pseudonym = digest("patient", f"{dataset.get('IssuerOfPatientID', '')}\\{dataset.get('PatientID', '')}")[
            :8
        ].hex()
        uids = {
            name: str(dataset.get(name, "")) for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        }
        frame = str(dataset.get("FrameOfReferenceUID", ""))
        anonymize_dataset(dataset, delete_private_tags=True)
        for name, uid in uids.items():  # the rules replace them at random, differently in every process
            setattr(dataset, name, uid)
        if frame:
            dataset.FrameOfReferenceUID = frame
        new_uids(dataset, digest)
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.PatientID = dataset.PatientName = pseudonym.upper()
        dataset.PatientIdentityRemoved = "YES"
        dataset.DeidentificationMethod = METHOD
        code = pydicom.Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = BASIC_PROFILE
        dataset.DeidentificationMethodCodeSequence = [code]
        return dataset

    return deidentify


def main(argv: Sequence[str]) -> int:
    """De-identify SOURCE into TARGET; return 0, or 3 if files were skipped."""
    if len(argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    source, target, secret = argv
    try:
        with fileset.Creator(target, transform=transform(secret)) as creator:
            creator.add(source)
    except fileset.FilesetError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    report = creator.report
    print(f"{len(report.added)} instances written to {target}, {len(report.skipped)} files stayed out")
    for skipped in report.skipped:
        print(f"{skipped.source}: {skipped.reason}", file=sys.stderr)
    return 3 if report.skipped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
