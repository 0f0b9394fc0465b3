"""Templates: the legal ones, and the limits that no value can break."""

from __future__ import annotations

import os
import re
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from fileset import RuleError
from fileset.extraction.layout import DEFAULT, STRUCTURE, PathTemplate
from fileset.extraction.names import safe_name
from fileset.extraction.target import Target
from fileset.file_id import FileId
from fileset.media.base import FileInfo


@define
class Holder:
    """A record with these keys."""

    keys: dict[str, Any] = field(factory=dict)

    def get(self, keyword: str, default: Any = None) -> Any:
        return self.keys.get(keyword, default)


@define
class Record(Holder):
    """The record of an instance."""

    patient: Holder | None = None
    study: Holder | None = None
    series: Holder | None = None
    sop_instance_uid: str = "1.2.3"
    record_type: str = "IMAGE"
    file_id: FileId | None = None

    def open(self) -> BinaryIO:
        raise NotImplementedError

    def inquire(self) -> FileInfo:
        return FileInfo(0, datetime(2024, 1, 1, tzinfo=UTC))


def record(**keys: Any) -> Record:
    """An instance with keys of any level."""
    levels: dict[str, dict[str, Any]] = {"Patient": {}, "Study": {}, "Series": {}, "": {}}
    for keyword, value in keys.items():
        level = "Series" if keyword == "Modality" else next(name for name in levels if keyword.startswith(name))
        levels[level][keyword] = value
    file_id = FileId("DICOM\\IM1")
    return Record(
        levels[""], Holder(levels["Patient"]), Holder(levels["Study"]), Holder(levels["Series"]), file_id=file_id
    )


def named(template: str, one: Record) -> str:
    layout = PathTemplate.of(template)
    parts = [*map(safe_name, layout.folder_names(one)), safe_name(layout.file_name(one)) + layout.suffix]
    return "/".join(parts)


WHOLE = record(PatientID="P1", StudyInstanceUID="1.2", SeriesInstanceUID="1.3", Modality="CT", InstanceNumber=7)


@pytest.mark.parametrize(
    ("template", "name"),
    [
        (DEFAULT, "P1/1.2/1.3/1.2.3.dcm"),
        ("{PatientID}/{Modality}/{InstanceNumber:05}.dcm", "P1/CT/00007.dcm"),
        ("{Modality}_{InstanceNumber:03}.dcm", "CT_007.dcm"),
        ("{InstanceNumber}", "7"),
        ("{Modality}/{InstanceNumber:03d}", "CT/007"),
        (STRUCTURE, "DICOM/IM1"),
        (STRUCTURE + ".dcm", "DICOM/IM1.dcm"),
        ("{PatientID}/{ReferencedFileID}/x", "P1/DICOM/IM1/x"),
        ("all/of-it/v1_{InstanceNumber}_x.dcm.bak", "all/of-it/v1_7_x.dcm.bak"),
        ("{PatientID}/file.dcm", "P1/file.dcm"),
        ("{PatientName}/{InstanceNumber}.dcm", "7.dcm"),
        ("{SeriesNumber}-{Modality}/{InstanceNumber}.dcm", "CT/7.dcm"),
        ("{PatientID}/{AcquisitionNumber}.dcm", "P1/1.2.3.dcm"),
    ],
)
def test_a_template_names_files(template: str, name: str) -> None:
    assert named(template, WHOLE) == name


@pytest.mark.parametrize(
    "template",
    [
        "",
        "/",
        "/{PatientID}",
        "{PatientID}/",
        "{PatientID}//x",
        "../{PatientID}",
        "{PatientID}/..",
        ".",
        "{PatientID}\\{Modality}",
        "C:{PatientID}",
        "{PatientID} {Modality}",
        "{PatientID}\0",
        "{PatientID.__class__}",
        "{PatientID[0]}",
        "{PatientID!r}",
        "{0}",
        "{}",
        "{{PatientID}}",
        "{PatientID:>99999999}",
        "{PatientID:099}",
        "{InstanceNumber:5}",
        "{NoSuchKeyword}",
        "{PatientID",
        "PatientID}",
        "{PatientID}.",
        "{PatientID}..dcm",
        "all.dcm",
    ],
)
def test_no_other_template_is_taken(template: str) -> None:
    with pytest.raises(RuleError, match="template"):
        PathTemplate.of(template)


HOSTILE = st.text() | st.sampled_from(["..", ".", "/", "../../etc/passwd", "C:\\x", "a\0b", "\x1b[2J", "CON", "~root"])


@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_value_leads_out(patient: str, modality: str, number: str) -> None:
    one = record(PatientID=patient, Modality=modality, InstanceNumber=number)
    parts = named("{PatientID}/{Modality}_{InstanceNumber:05}/{InstanceNumber:05}.dcm", one).split("/")
    assert len(parts) == 3
    for part in parts:
        assert re.fullmatch(r"\w[\w.-]*", part)
        assert part.strip(".")


@given(HOSTILE, HOSTILE)
def test_folders_of_different_values_have_different_names(one: str, other: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        target = Target(folder, PathTemplate.of("{PatientID}/{InstanceNumber}"))
        paths = [target.path(record(PatientID=value, InstanceNumber=1)) for value in (one, other)]
    names = {os.path.dirname(path).casefold() for path in paths}
    assert len(names) == len({one, other})


def test_two_files_of_one_name_both_have_a_place(tmp_path: Path) -> None:
    target = Target(str(tmp_path / "OUT"), PathTemplate.of("{Modality}.dcm"))
    paths = [target.path(record(Modality="CT")) for _ in range(2)]
    contents = [b"1", b"2"]
    copies = [target.put(path, partial(iter, (data,)), "A") for path, data in zip(paths, contents, strict=True)]
    again = [target.put(path, partial(iter, (data,)), "A") for path, data in zip(paths, contents, strict=True)]
    assert sorted(path.read_bytes() for path in (tmp_path / "OUT").iterdir()) == [b"1", b"2"]
    assert [copy.already_there for copy in (*copies, *again)] == [False, False, True, True]
    assert [copy.path for copy in copies] == [copy.path for copy in again]
    assert all(copy.path.endswith(".dcm") for copy in copies)


def test_a_link_in_place_of_a_copy_is_not_read_and_not_written_through(tmp_path: Path) -> None:
    bait = tmp_path / "BAIT"
    bait.write_bytes(b"1")
    (tmp_path / "OUT").mkdir()
    (tmp_path / "OUT" / "CT.dcm").symlink_to(bait)
    target = Target(str(tmp_path / "OUT"), PathTemplate.of("{Modality}.dcm"))
    copy = target.put(target.path(record(Modality="CT")), lambda: iter((b"12",)), "A")
    assert (copy.already_there, bait.read_bytes()) == (False, b"1")
    assert (tmp_path / "OUT" / copy.path).read_bytes() == b"12"
    assert copy.path != "CT.dcm"
