"""Law 2: an option that the command advises takes the very files that were skipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydicom.uid import UID, ImplicitVRLittleEndian

import fileset
from fileset.cli.write_report import INCLUDED_BY
from tests.support import synthetic
from tests.support.command import Runs


def skipped_file(rule: str) -> bytes:
    """A file that is skipped under a rule, beside a file of patient P1 with the study and person of `synthetic.ct`."""
    dataset = synthetic.instance(synthetic.CT_IMAGE, number=2)
    if rule in ("FS-UID-FORM", "FS-UID-ARC"):
        old = synthetic.uid("series", 1, 1, 1).encode()
        new = b"1.2.0619.5" if rule == "FS-UID-FORM" else b"1.20.619.5"
        return synthetic.encode(dataset).replace(old, new.ljust(len(old), b"1"))
    if rule == "FS-PATIENT-CONFLICT":
        dataset.PatientName, dataset.PatientBirthDate, dataset.PatientSex = "OTHER^ONE", "19500101", "M"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    if rule == "FS-STUDY-TWO-PATIENTS":
        dataset.PatientID = "P9"
    if rule == "FS-KEY-TYPE1-MISSING":
        dataset.InstanceNumber = None
    if rule == "FS-SOP-CLASS-NO-RECORD":
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID("1.2.3.4")
    if rule == "PR-TRANSFER-SYNTAX":
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    data = synthetic.encode(dataset)
    if rule == "FS-FILE-NO-META":
        return data[144 + int.from_bytes(data[140:144], "little") :]
    if rule == "FS-FILE-NO-PREFIX":
        return data[100:]
    return data


STRICT = {
    "FS-UID-FORM": ("--invalid-uid", "refuse"),
    "FS-UID-ARC": ("--invalid-uid", "refuse"),
    "FS-KEY-TYPE1-MISSING": ("--missing", "refuse"),
    "FS-SOP-CLASS-NO-RECORD": ("--unknown-sop-class", "refuse"),
    "PR-TRANSFER-SYNTAX": ("--profile", "STD-GEN-CD"),
}
"""Options with which a file is skipped that is taken by default; the advised option is added, or has another value."""


@pytest.mark.parametrize("verb", ["create", "add"])
@pytest.mark.parametrize("rule", INCLUDED_BY)
def test_the_advised_option_takes_the_skipped_file(rule: str, verb: str, run: Runs, tmp_path: Path) -> None:
    first, second, out = tmp_path / "FIRST", tmp_path / "SECOND", tmp_path / "OUT"
    first.write_bytes(synthetic.encode(synthetic.instance(synthetic.CT_IMAGE)))
    second.write_bytes(skipped_file(rule))
    if verb == "add":
        with fileset.Creator(out) as creator:
            creator.add(first)
    words = ("add", out, second) if verb == "add" else ("create", first, second, "-o", out, "--replace")
    strict = STRICT.get(rule, ())
    done = run(*words, *strict, code=3)
    advice = re.search(rf"^(--\S+(?: \S+)?) may include 1 file skipped for {rule}$", done.stderr, re.MULTILINE)
    assert advice, done.stderr
    advised = advice[1].split()
    document = run(*words, *(strict if advised[0] not in strict else ()), *advised, "--json").document
    assert [row["rule"] for row in document["skipped"]] == []
    with fileset.Reader(out) as reader:
        assert len(list(reader.instances)) == 2
