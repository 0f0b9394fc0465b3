"""`check` reports the errors of files and DICOMDIRs that dciodvfy and dcmftest report, apart from a list with reasons.

`check` judges File Meta Information, the structure of data sets, and the keys of records: their VR, number of values, form and
character set. It does not judge whole Information Object Definitions: which attributes an image or a report must have.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pydicom
import pytest

import fileset
from fileset.findings import ERROR, RULES, Finding
from tests.support import judges, synthetic
from tests.support.faulty import FAULTS, File, faulty_files
from tests.support.tries import Tries

pytestmark = [pytest.mark.judges, pytest.mark.slow]
SHIPPED: Final = Path(*pydicom.__path__) / "data" / "test_files"
DEFLATED: Final = b"1.2.840.10008.1.2.1.99"


class Opinion(NamedTuple):
    """Errors of dciodvfy of one kind.

    `rules`: one of them is in the findings of our check. `reason`: why these are no errors of ours; without rules, why the
    check does not report the kind at all.
    """

    pattern: str
    rules: tuple[str, ...] = ()
    reason: str = ""

    def agrees(self, error: str, findings: Iterable[Finding]) -> bool:
        """Return whether the error is of this kind, and the findings match the row."""
        if not re.search(self.pattern, error):
            return False
        fitting = [finding for finding in findings if finding.rule in self.rules]
        return any(self.reason or finding.severity == ERROR for finding in fitting) or not self.rules


_UNREADABLE: Final = ("FS-FILE-BAD-HEADER", "FS-FILE-TRUNCATED", "FS-ELEMENT-ORDER", "FS-ELEMENT-LENGTH")
_META: Final = ("FS-META-MISSING", "FS-META-FORM", "FS-UID-INVALID")
_INSIDE: Final = r"</\w*\(\w{4},\w{4}\)\[\d+\]/"

OPINIONS: Final = (
    # File Meta Information
    Opinion(r"Module=<FileMetaInformation>|Metaheader present but", _META),
    Opinion(r"</\w+\(0002,.*(Value invalid|Illegal root)", _META),
    Opinion(r"MediaStorageSOP\w+ (but missing|different)", ("FS-META-DIFFERS", "FS-META-FORM", "FS-FILE-UNLISTED")),
    Opinion(
        r"Tags out of order|MediaStorageSOP\w+ but missing", ("FS-ELEMENT-GROUP",)
    ),  # dciodvfy stops reading at a group below 0008
    # The structure of the data set
    Opinion(r"[Rr]ead failed|giving up|Tags out of order|Bad Value Length|Seek failed", (*_UNREADABLE, "FS-META-FORM")),
    Opinion(
        r"Illegal zero bytes|Bad tag in sequence|Bad Explicit Value Length|Length of BasicOffsetTable", _UNREADABLE
    ),
    Opinion(r"trailing garbage", ("FS-FILE-TRAILING",), "no reader stumbles over bytes after the data set"),
    Opinion(r"[Gg]roup$|legal private group|even group number|outside meta information", ("FS-ELEMENT-GROUP",)),
    Opinion(r"private (owner|element)|Private creator", ("FS-ELEMENT-VR", "FS-FILE-BAD-HEADER")),
    Opinion(
        r"private (owner|element)|Private creator",
        ("FS-FILE-PRIVATE",),
        "only the program that wrote private elements reads them",
    ),
    Opinion(r"Invalid Value Representation|expected \[OB\]", ("FS-ELEMENT-VR",)),
    # The values of keys
    Opinion(r"Character invalid for character repertoire", ("FS-CHARSET-DIFFERS",)),
    Opinion(
        r"Character invalid for character repertoire|SpecificCharacterSet.*Empty attribute",
        ("FS-CHARSET-GUESSED",),
        "without a character set the text may be right: its record has one, which is a guess",
    ),
    Opinion(
        r"Value invalid for this VR|Bad attribute Value Multiplicity|Too many delimiters",
        ("FS-KEY-FORM", "FS-KEY-NORMALISED", "FS-KEY-LEFT-OUT"),
        "the record holds a correct value, or none; the note says so",
    ),
    Opinion(
        r"Illegal root for UID", ("FS-UID-ARC",), "the UID may still be unique, and readers do not look at its arc"
    ),
    Opinion(
        r"UID\S* - .*(Illegal root|Value invalid for this VR \[UI\])",
        ("FS-UID-FORM",),
        "some devices fill the numbers of UIDs up with zeros; readers only compare UIDs, and the images are wanted",
    ),
    Opinion(r"UID\(\S* - (Illegal root|Value invalid for this VR \[UI\])", ("FS-UID-INVALID", "FS-FILE-UNLISTED")),
    Opinion(
        r"Date\(\S* - .* - Trailing character invalid", (), "spaces around a date are padding, and its record has none"
    ),
    # Beyond the check
    Opinion(_INSIDE + r".*(Value invalid|Illegal root)", (), "a value in an item that is no key"),
    Opinion(r"/\w+UID\((?!0008,0018|0020,000[de])\S* - Illegal root", (), "a UID that is no key"),
    Opinion(r"PixelData has incorrect value length", (), "the number of pixels is content"),
    Opinion(
        r"(Missing|Empty) attribute|Attribute present when|Unrecognized enumerated value|Shall not be present|"
        r"A value is required|Bad (Sequence|attribute)|items in PerFrame|Coordinates Content Item|same value as Frame|"
        r"not listed in (Current|Pertinent)|required for root content item|if CompletionFlag|Information Object Not found",
        (),
        "a module of the IOD; a key that is missing is reported with its record",
    ),
)
"""Every kind of error of dicom3tools 20260927 about DICOM files that the tests meet."""

RECORD_OPINIONS: Final = (
    Opinion(
        r"Illegal root for UID|Value invalid for this VR \[UI\]",
        ("FS-UID-ARC", "FS-UID-FORM"),
        "readers only compare UIDs, and the images are wanted",
    ),
    Opinion(
        r"DirectoryRecordType\S* - Unrecognized enumerated value",
        ("FS-RECORD-RETIRED",),
        "record types of former editions are retired, and not wrong",
    ),
    Opinion(r"Trailing character invalid", ("FS-VALUE-PADDING",), "readers strip the padding of a value, also NUL"),
    Opinion(
        r"PrivateRecordUID.*condition unsatisfied|condition unsatisfied.*PrivateRecordUID",
        ("FS-KEY-NEEDLESS",),
        "a Private Record UID in another record harms no reader",
    ),
    Opinion("", tuple(RULES)),  # any error about the same record
)


def errors_of(path: Path) -> list[str]:
    """The errors of dciodvfy about a file; none if it crashes, or cannot decompress the data set."""
    if DEFLATED in path.read_bytes()[:1024]:
        return []
    output = judges.run_tool("dciodvfy", "-new", path)
    if output.code is None or output.code < 0:
        return []
    return [line for line in output.lines if re.match(r"(.* - )?(Error|Abort) - ", line)]


def silent(file: Path, folder: Path) -> Iterator[str]:
    """The errors of the judges about `file` that our check of a file-set of it and of a good file does not share."""
    folder.mkdir()
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, patient=9999), folder / "GOOD")
    shutil.copy(file, folder / "FILE")
    fileset.index(folder)
    findings = fileset.check_file_set(folder).findings
    is_listed = "FILE" in judges.instances(folder / "DICOMDIR")
    if not is_listed and file.read_bytes()[128:132] != b"DICM":
        return  # a file without preamble and without record may be anything
    for error in errors_of(folder / "FILE"):
        if not any(opinion.agrees(error, findings) for opinion in OPINIONS):
            yield f"{file.name}: {error}"
    if is_listed and judges.run_tool("dcmftest", folder / "FILE").stdout.startswith("no"):
        rules = {finding.rule for finding in findings if finding.severity == ERROR}
        if "FS-FILE-NO-PREFIX" not in rules:
            yield f"{file.name}: no DICOM file by dcmftest"


def is_instance(path: Path) -> bool:
    """Whether a file claims to be DICOM, or has no preamble, and is no DICOMDIR."""
    data = path.read_bytes()
    return not path.name.startswith("DICOMDIR") and (data[128:132] == b"DICM" or path.suffix == ".dcm")


def test_check_shares_the_opinion_of_judges_on_real_files(tmp_path: Path, tries: Tries) -> None:
    files = [path for path in sorted(SHIPPED.rglob("*")) if path.is_file() and is_instance(path)]
    assert [error for at, path in enumerate(files) for error in silent(path, tmp_path / f"D{at}")] == []
    tries("real files, checked and judged", len(files))


@pytest.mark.parametrize("sop_class", [synthetic.CT_IMAGE, synthetic.COMPREHENSIVE_SR])
def test_check_shares_the_opinion_of_judges_on_files_with_one_fault(
    sop_class: str, tmp_path: Path, tries: Tries
) -> None:
    good = synthetic.encode(synthetic.instance(sop_class))
    found = []
    for at, (title, fault) in enumerate(FAULTS.items()):
        path = tmp_path / title.replace(" ", "_")
        path.write_bytes(fault(File(good)))
        found += list(silent(path, tmp_path / f"D{at}"))
    assert found == []
    tries("files with one fault, checked and judged", len(FAULTS))


def silent_records(dicomdir: Path, findings: Iterable[Finding]) -> list[str]:
    """The errors of dciodvfy about a DICOMDIR that the findings do not have for the same record."""
    records = judges.read_directory(dicomdir).DirectoryRecordSequence
    missing, findings = [], list(findings)
    for error in judges.JUDGES["dciodvfy"](dicomdir.parent).errors:
        number = judges.record_number(error)
        offset = None if number is None else records[number].seq_item_tell
        # A record type that does not exist is reported once.
        about = [one for one in findings if offset in (None, one.where.offset) or one.rule == "FS-RECORD-TYPE"]
        if not any(opinion.agrees(error, about) for opinion in RECORD_OPINIONS):
            missing.append(error)
    return missing


def test_check_shares_the_opinion_of_dciodvfy_on_the_dicomdir_of_real_files(tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(SHIPPED)
    assert silent_records(tmp_path / "OUT" / "DICOMDIR", fileset.check_file_set(tmp_path / "OUT").findings) == []


def test_check_shares_the_opinion_of_dciodvfy_on_the_dicomdir_of_faulty_files(tmp_path: Path, tries: Tries) -> None:
    folder = tmp_path / "OUT"
    folder.mkdir()
    barred = judges.UNLOADABLE["dciodvfy"]
    files = [file for file in faulty_files(1040, seed=14) if not file.title.endswith(tuple(barred))]
    for number, file in enumerate(files):
        (folder / f"F{number:06}").write_bytes(file.data)
    fileset.index(folder)
    assert silent_records(folder / "DICOMDIR", fileset.check_file_set(folder).findings) == []
    tries("files with one fault whose DICOMDIR was checked and judged", len(files))


@pytest.mark.parametrize(
    "name",
    sorted(path.name for path in (SHIPPED / "dicomdirtests").glob("DICOMDIR*")),
)
def test_check_shares_the_opinion_of_dciodvfy_on_other_dicomdirs(name: str, tmp_path: Path) -> None:
    shutil.copy(SHIPPED / "dicomdirtests" / name, tmp_path / "DICOMDIR")
    findings = fileset.check_file_set(tmp_path, files=False).findings
    assert silent_records(tmp_path / "DICOMDIR", findings) == []


def test_the_list_has_no_row_that_hides_everything() -> None:
    for opinion in OPINIONS:
        assert opinion.rules or opinion.reason
        assert not re.search(opinion.pattern, "Error - an error of another kind")
    assert not RULES.keys() ^ (RULES.keys() | {rule for opinion in OPINIONS for rule in opinion.rules})
