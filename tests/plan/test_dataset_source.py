"""Odd pydicom data sets: each becomes a complete DICOM file of ours without an unnamed error, or is refused as one."""

from __future__ import annotations

import datetime as dt
import io
import warnings
from collections.abc import Callable
from math import inf, nan
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import DataElement, Dataset
from pydicom.dataelem import RawDataElement
from pydicom.encaps import encapsulate
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

import fileset
from fileset.part10.file_meta import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from tests.support import synthetic

Change = Callable[[Dataset], Any]


def changed(change: Change, **options: Any) -> Dataset:
    """A CT image after `change`, which returns another data set or changes the given one."""
    dataset = synthetic.instance(synthetic.CT_IMAGE, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pydicom, about the values that are odd on purpose
        other = change(dataset)
    return other if isinstance(other, Dataset) else dataset


def keys(**values: Any) -> Change:
    """Set keys to values."""

    def change(dataset: Dataset) -> None:
        for keyword, value in values.items():
            setattr(dataset, keyword, value)

    return change


def meta(**values: Any) -> Change:
    """Set elements of the File Meta Information to values."""

    def change(dataset: Dataset) -> None:
        for keyword, value in values.items():
            setattr(dataset.file_meta, keyword, value)

    return change


def with_pixels(value: bytes, syntax: UID | None) -> Change:
    """Set the pixel data, and the transfer syntax in the File Meta Information."""

    def change(dataset: Dataset) -> None:
        dataset.file_meta.TransferSyntaxUID = syntax or UID("")
        dataset.PixelData = value
        dataset["PixelData"].VR = "OB"

    return change


def element(tag: int, vr: str, value: Any) -> Change:
    """Add an element with a VR of our choice."""
    return lambda dataset: dataset.add(DataElement(tag, vr, value))


def raw(tag: int, vr: str | None, value: bytes, **sets: Any) -> Change:
    """Add an element that pydicom has not decoded yet."""

    def change(dataset: Dataset) -> None:
        keys(**sets)(dataset)
        dataset._dict[Tag(tag)] = RawDataElement(Tag(tag), vr, len(value), value, 0, vr is None, True)  # noqa: FBT003, SLF001

    return change


def item(**values: Any) -> Dataset:
    """An item of a sequence."""
    dataset = Dataset()
    keys(**values)(dataset)
    return dataset


def read(dataset: Dataset, **options: Any) -> Dataset:
    """The data set as pydicom reads it from a file."""
    return pydicom.dcmread(io.BytesIO(synthetic.encode(dataset)), **options)


def from_closed(dataset: Dataset) -> Dataset:
    """A data set whose long values would be read later, from a file that is closed."""
    file = io.BytesIO(synthetic.encode(dataset))
    later = pydicom.dcmread(file, defer_size=8)
    file.close()
    return later


def nested(dataset: Dataset) -> None:
    """Nest sequences 300 deep, at which pydicom takes hours to fail."""
    for _ in range(300):
        dataset.ProcedureCodeSequence = [item(CodeMeaning="x")]
        dataset = dataset.ProcedureCodeSequence[0]


def cyclic(dataset: Dataset) -> None:
    """An item that holds the sequence that it is in."""
    dataset.ProcedureCodeSequence = [item(CodeMeaning="x")]
    dataset.ProcedureCodeSequence[0].ProcedureCodeSequence = dataset.ProcedureCodeSequence


def compressed(dataset: Dataset) -> None:
    """Pixel data of one fragment."""
    dataset.file_meta.TransferSyntaxUID = RLELossless
    dataset.PixelData = encapsulate([b"\1" + bytes(63) + b"ab"])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True


def from_file(dataset: Dataset) -> Dataset:
    """A data set that is read with a preamble that makes its file a program."""
    return pydicom.dcmread(io.BytesIO(b"MZ" + bytes(126) + synthetic.encode(dataset)[128:]))


TAKEN: dict[str, Change] = {
    "as it is": keys(),
    "no file_meta": lambda dataset: delattr(dataset, "file_meta"),
    "file_meta is None": lambda dataset: setattr(dataset, "file_meta", None),
    "file_meta without transfer syntax": meta(TransferSyntaxUID=None),
    "file_meta with an empty transfer syntax": meta(TransferSyntaxUID=""),
    "file_meta of another instance": meta(MediaStorageSOPInstanceUID="1.2.3", MediaStorageSOPClassUID="1.2.3"),
    "file_meta of another program": meta(ImplementationClassUID="1.2.3", ImplementationVersionName="OTHER"),
    "file_meta with version and length": meta(FileMetaInformationVersion=b"\0\2", FileMetaInformationGroupLength=9),
    "file_meta with private information": meta(PrivateInformationCreatorUID="1.2", PrivateInformation=b"ab"),
    "encoding attributes unset": keys(is_little_endian=None, is_implicit_VR=None),
    "encoding attributes wrong": keys(is_little_endian=False, is_implicit_VR=True),
    "read from a file of another program": from_file,
    "read without its pixels": lambda dataset: read(dataset, stop_before_pixels=True),
    "compressed": compressed,
    "pixel data without a value": keys(PixelData=None),
    "pixel data of odd length": keys(PixelData=b"\1\2\3"),
    "pixel data in a buffer": keys(PixelData=io.BytesIO(bytes(8))),
    "name in Latin, Chinese and Korean": keys(SpecificCharacterSet="ISO_IR 192", PatientName="Ünï^X=洪^吉洞=홍^길동"),
    "name in Korean by code extensions": keys(
        SpecificCharacterSet=["", "ISO 2022 IR 149"], PatientName="Hong=洪^吉洞=홍^길동"
    ),
    "name in two alphabets by extensions": keys(
        SpecificCharacterSet=["", "ISO 2022 IR 100", "ISO 2022 IR 144"], PatientName="Äb=Люк"
    ),
    "name in GB18030": keys(SpecificCharacterSet="GB18030", PatientName="Wang=王^小东"),
    "name in Greek": keys(SpecificCharacterSet="ISO_IR 126", PatientName="Διονυσιος"),
    "name in Hebrew": keys(SpecificCharacterSet="ISO_IR 138", PatientName="שרון^דבורה"),
    "name in Arabic": keys(SpecificCharacterSet="ISO_IR 127", PatientName="قباني^لنزار"),
    "name in Thai": keys(SpecificCharacterSet="ISO_IR 166", PatientName="นามสกุล"),
    "name in Katakana": keys(SpecificCharacterSet="ISO_IR 13", PatientName="ﾔﾏﾀﾞ"),
    "item with a character set of its own": keys(
        ProcedureCodeSequence=[item(SpecificCharacterSet="ISO_IR 192", CodeMeaning="山田", CodeValue="1")]
    ),
    "bytes that are no UTF-8 under ISO_IR 192": raw(
        0x00100010, "PN", b"M\xfcller^X ", SpecificCharacterSet="ISO_IR 192"
    ),
    "name of 70,000 characters": keys(PatientName="A" * 70_000),
    "name of four groups": keys(PatientName="A=B=C=D"),
    "name without a value": keys(PatientName=None),
    "name as bytes": keys(PatientName=b"Doe^Jane"),
    "text of 70,000 characters": keys(StudyDescription="x" * 70_000),
    "Patient ID of two values": keys(PatientID=["A", "B"]),
    "Patient ID without a value": keys(PatientID=None),
    "Modality of two values": keys(Modality=["CT", "MR"]),
    "Modality in lower case": keys(Modality="ct"),
    "Study Date that does not exist": keys(StudyDate="20240231"),
    "Study Date as a date": keys(StudyDate=dt.date(2024, 1, 1)),
    "Study Instance UID with a dot at its end": keys(StudyInstanceUID="1.2.3."),
    "decimal string of 18 characters": keys(SliceThickness=1 / 3, PixelSpacing=[1 / 3, 1e-20]),
    "decimal string that is no number": keys(SliceThickness=nan, SpacingBetweenSlices=inf),
    "decimal string without a value among others": keys(PixelSpacing=[None, 1]),
    "integer string that is no number": raw(0x00200013, "IS", b"abc "),
    "VR unknown to the reader": raw(0x00100040, None, b"O "),
    "value of odd length": raw(0x00081030, "LO", b"abc"),
    "sequence that pydicom has not read": raw(0x00081032, "UN", b"\xfe\xff\0\xe0\0\0\0\0"),
    "US for Patient ID": element(0x00100020, "US", 5),
    "LO for Patient's Name": element(0x00100010, "LO", "Doe"),
    "UT for Modality": element(0x00080060, "UT", "CT"),
    "LO for a sequence": element(0x00081032, "LO", "x"),
    "UN for text": element(0x00081030, "UN", b"abcd"),
    "private element without creator": element(0x00091001, "LO", "x"),
    "private sequence with creator": lambda dataset: dataset.private_block(9, "ME", create=True).add_new(
        1, "SQ", [item()]
    ),
    "group 0004": element(0x00041130, "CS", "X"),
    "group FFFF": element(0xFFFF0010, "LO", "X"),
    "group length": element(0x00080000, "UL", 5),
    "group 0002 in an item": lambda dataset: setattr(
        dataset, "ProcedureCodeSequence", [changed(element(0x00020010, "UI", "1.2"))]
    ),
    "code item of a meaning only": keys(ProcedureCodeSequence=[item(CodeMeaning="x")]),
    "sequence without a value": keys(ProcedureCodeSequence=None),
    "padding at the end": element(0xFFFCFFFC, "OB", bytes(10)),
    "values that need a longer VR": keys(OtherPatientIDs=["x" * 64] * 2000),
}

REFUSED: dict[str, tuple[Change, str]] = {
    "nothing in it": (lambda _: Dataset(), "cannot be written"),
    "a DICOMDIR": (keys(SOPClassUID="", SOPInstanceUID=""), "cannot be written"),
    "no SOP Instance UID": (keys(SOPInstanceUID=None), "cannot be written"),
    "transfer syntax that is none": (meta(TransferSyntaxUID="1.2.840.10008.5.1.4.1.1.2"), "not a valid transfer syntax"),
    "native pixels in a compressed syntax": (meta(TransferSyntaxUID=RLELossless), "native pixels, but.* needs fragments"),
    "no pixels in a compressed syntax": (with_pixels(b"", RLELossless), "native pixels, but.* needs fragments"),
    **{
        f"fragments in {syntax.name}": (with_pixels(encapsulate([b"abcd"]), syntax), "fragments, but.* needs native pixels")
        for syntax in (
            ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian,
        )
    },
    "fragments without a syntax": (with_pixels(encapsulate([b"abcd"]), None), "fragments, but.* needs native pixels"),
    "later values of a closed file": (from_closed, "closed file"),
    "nesting of 300 sequences": (nested, "nested more than 64 deep"),
    "sequence in itself": (cyclic, "nested more than 64 deep"),
    "item mark as an element": (element(0xFFFEE000, "OB", b""), "mark between items"),
    "group 0000": (element(0x00000002, "UI", "1.2"), "cannot be written"),
    "group 0002": (element(0x00020010, "UI", "1.2"), "cannot be written"),
    "VR that does not exist": (raw(0x00091001, "ZZ", b"ab"), "cannot be written"),
    "integer for text": (keys(PatientID=5), "cannot be written"),
    "integer out of range": (keys(Rows=70_000), "cannot be written"),
    "float for an integer": (keys(Rows=1.5), "cannot be written"),
    "object for text": (element(0x00100020, "LO", object()), "cannot be written"),
    "text in no character set": (keys(PatientName="Müller"), "PatientName.*no Specific Character Set"),
    "text in ISO_IR 6": (keys(SpecificCharacterSet="ISO_IR 6", PatientName="Müller"), "'ISO_IR 6' cannot hold"),
    "text in a set that does not exist": (keys(SpecificCharacterSet="utf-8", StudyDescription="Ü"), "'utf-8' cannot hold"),
    "text in sets that exclude each other": (
        keys(SpecificCharacterSet=["ISO_IR 192", "ISO_IR 100"], StudyDescription="Ü"),
        "cannot hold",
    ),
    "text that Latin-1 lacks": (keys(SpecificCharacterSet="ISO_IR 100", PatientName="€"), "Failed to encode"),
    "text that GBK lacks": (keys(SpecificCharacterSet="GBK", StudyDescription="😀"), "Failed to encode"),
    "text that code extensions lack": (keys(SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName="홍"), "Failed to encode"),
    "surrogates": (keys(SpecificCharacterSet="ISO_IR 192", PatientName="\udc80"), "Failed to encode"),
    "text of an item": (keys(ProcedureCodeSequence=[item(CodeMeaning="山田")]), "CodeMeaning"),
    "text of an item whose set is narrower": (
        keys(SpecificCharacterSet="ISO_IR 192", ProcedureCodeSequence=[item(SpecificCharacterSet="ISO_IR 6", CodeMeaning="Ü")]),
        "CodeMeaning",
    ),
}  # fmt: skip


def is_ours(path: Path) -> bool:
    """Whether the File Meta Information is complete, consistent with the data set, and names this program."""
    dataset = pydicom.dcmread(path)
    given = dataset.file_meta
    end = pydicom.filereader.read_file_meta_info(path)
    return (
        given.FileMetaInformationVersion == b"\0\1"
        and given.MediaStorageSOPClassUID == dataset.SOPClassUID
        and given.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
        and UID(given.ImplementationClassUID) == IMPLEMENTATION_CLASS_UID.decode()
        and given.ImplementationVersionName == IMPLEMENTATION_VERSION_NAME.decode()
        and len(given) == len(end) == 7
    )


@pytest.mark.parametrize("kind", TAKEN)
def test_an_odd_data_set_becomes_a_file_of_ours_without_an_unnamed_error(kind: str, tmp_path: Path) -> None:
    dataset = changed(TAKEN[kind])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = str(dataset)
        with fileset.Creator(tmp_path / "OUT") as creator:
            creator.add(dataset)
        assert str(dataset) == before
    assert not creator.report.skipped
    checked = fileset.check_file_set(tmp_path / "OUT")
    errors = {finding.rule for finding in checked.findings if finding.severity == "error"}
    assert errors <= {finding.rule for finding in creator.report.findings}
    [file] = [path for path in (tmp_path / "OUT").rglob("*") if path.is_file() and path.name != "DICOMDIR"]
    assert is_ours(file)


@pytest.mark.parametrize("kind", REFUSED)
def test_a_data_set_that_cannot_be_a_file_is_refused_with_its_reason(kind: str, tmp_path: Path) -> None:
    change, reason = REFUSED[kind]
    dataset = changed(change)
    creator = fileset.Creator(tmp_path / "OUT")
    with pytest.raises(fileset.RuleError, match=reason) as refused:
        creator.add(dataset)
    assert "Traceback" not in str(refused.value)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("from_bytes", [False, True])
def test_a_data_set_keeps_its_transfer_syntax(syntax: UID, from_bytes: bool, tmp_path: Path) -> None:  # noqa: FBT001
    dataset = changed(read if from_bytes else keys(), transfer_syntax=syntax)
    with fileset.Creator(tmp_path / "OUT") as creator:
        creator.add(dataset)
    assert fileset.check_file_set(tmp_path / "OUT").conformant
    with fileset.Reader(tmp_path / "OUT") as reader:
        assert [record.dataset().file_meta.TransferSyntaxUID for record in reader.instances] == [syntax]
