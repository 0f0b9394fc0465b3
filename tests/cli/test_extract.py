"""`fileset extract` copies everything readable, writes nothing elsewhere, and reports missing files."""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
import pytest
from attrs import Factory, define, field
from hypothesis import given
from hypothesis import strategies as st

import fileset
from fileset import FileId, MediumError, RefusedError
from fileset.cli.verbs.extract import lost_lines
from fileset.extraction import TRIES, ExtractReport, Lost, extract
from fileset.extraction.names import LONGEST, hashed_name, safe_name
from fileset.extraction.target import Target
from fileset.media.base import FileInfo
from fileset.plan.dataset_source import encode_dataset
from tests.support import synthetic
from tests.support.command import Runs, damage


def copies(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def long_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let paths be as long as the folder for temporary files makes them."""
    monkeypatch.setattr("fileset.extraction.target.LONGEST_PATH", 1000)


@pytest.mark.usefixtures("long_paths")
def test_files_come_out_by_patient_study_series_and_instance(run: Runs, indexed: Path, tmp_path: Path) -> None:
    done = run("extract", indexed, "-o", tmp_path / "OUT", "PatientID=P2", "StudyDate=20240103")
    study, series = synthetic.uid("study", 2, 2), next((tmp_path / "OUT" / "P2").glob("*/*")).name
    assert copies(tmp_path / "OUT") == {
        f"P2/{study}/{series}/{synthetic.ct_uid(2, 2, 1, number)}.dcm": synthetic.ct(2, 2, 1, number)
        for number in (1, 2, 3)
    }
    assert done.stdout == ""
    assert done.stderr.startswith("3 files (")


@pytest.mark.parametrize("options", [(), ("--scan",), ("--listed-only",), ("--set", "PatientName=A")])
def test_files_that_are_not_dicom_are_counted_in_one_line_and_change_the_exit_code_on_request(
    options: tuple[str, ...], run: Runs, disc: Path, tmp_path: Path
) -> None:
    (disc / "VIEWER.EXE").write_bytes(b"MZ")
    (disc / "README.TXT").write_text("Hello")
    words = ("extract", disc, "-o", tmp_path / "OUT", "PatientID=P1", *options)
    lines = run(*words).stderr.splitlines()
    assert len([line for line in lines if line.startswith("left out 2 files that are not DICOM: ")]) == 1
    run(*words, "--strict-sources", code=3)
    skipped = run(*words, "--json").document["skipped"]
    assert {one["source"] for one in skipped} == {"README.TXT", "VIEWER.EXE"}


@pytest.mark.parametrize("options", [(), ("--set", "PatientName=A")])
def test_files_without_a_record_that_stay_on_the_medium_are_counted(
    options: tuple[str, ...], run: Runs, disc: Path, tmp_path: Path
) -> None:
    (disc / "NEW").write_bytes(synthetic.ct(number=9))
    done = run("extract", disc, "-o", tmp_path / "OUT", "PatientID=P1", "--listed-only", *options, code=3)
    assert "1 DICOM file that no record references stays on the medium" in done.stderr


def test_a_file_that_claims_to_be_dicom_and_is_not_makes_the_copies_incomplete(
    run: Runs, disc: Path, tmp_path: Path
) -> None:
    (disc / "IM1.dcm").write_text("Hello")
    assert "IM1.dcm: not a DICOM file" in run("extract", disc, "-o", tmp_path / "OUT", code=3).stderr


def test_a_second_run_copies_only_missing_files(run: Runs, indexed: Path, tmp_path: Path) -> None:
    out = tmp_path / "OUT"
    run("extract", indexed, "-o", out)
    whole = copies(out)
    gone, cut, *_ = sorted(path for path in out.rglob("*.dcm"))
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:100])
    document = run("extract", indexed, "-o", out, "--json").document
    assert (document["copied"], document["already_there"]) == (2, 10)
    assert copies(out) == whole


def test_that_nothing_matches_is_reported_and_not_exit_code_0(run: Runs, indexed: Path, tmp_path: Path) -> None:
    for more, hints in (((), 1), (("--scan",), 0)):
        done = run("extract", indexed, "-o", tmp_path / "OUT", "PatientID=NOBODY", *more, code=3)
        assert done.stderr.splitlines()[-1 - hints] == "nothing matches PatientID=NOBODY"
        assert done.stderr.count("--scan searches the files") == hints
    fileset.index(tmp_path / "OUT")
    run("extract", tmp_path / "OUT", "-o", tmp_path / "COPIES", "PatientID=NOBODY", code=0)


def test_a_file_of_others_is_never_replaced(run: Runs, indexed: Path, tmp_path: Path) -> None:
    out = tmp_path / "OUT"
    run("extract", indexed, "-o", out)
    theirs = min(out.rglob("*.dcm"))
    ours = theirs.read_bytes()
    theirs.write_bytes(b"something else of ours")
    for copied, there in ((1, 11), (0, 12)):
        document = run("extract", indexed, "-o", out, "--json").document
        assert (document["copied"], document["already_there"]) == (copied, there)
    assert theirs.read_bytes() == b"something else of ours"
    [beside] = theirs.parent.glob(theirs.stem + "-*.dcm")
    assert beside.read_bytes() == ours
    assert len(copies(out)) == 13


@pytest.mark.usefixtures("long_paths")
def test_missing_files_are_reported_with_everything_that_is_known(run: Runs, disc: Path, tmp_path: Path) -> None:
    (disc / "P001" / "T001" / "S001" / "I000002").unlink()
    done = run("extract", disc, "-o", tmp_path / "A", code=3)
    heading, series, instance, summary = done.stderr.splitlines()
    assert heading == "1 file missing:"
    study = synthetic.uid("study", 1, 1)
    assert series.startswith(f"  patient P1 Doe^Jane, study 20240102 {study}, series CT 1 ")
    assert series.endswith(": 1 instance")
    assert instance.startswith(f"    instance 2 {synthetic.ct_uid(number=2)}: P001/T001/S001/I000002: ")
    assert summary.startswith("11 files (")
    assert summary.endswith(", 1 missing")
    [lost] = run("extract", disc, "-o", tmp_path / "B", "--json", code=3).document["missing"]
    assert lost | {"series_instance_uid": "", "reason": ""} == {
        "file_id": "P001/T001/S001/I000002",
        "reason": "",
        "patient_id": "P1",
        "patient_name": "Doe^Jane",
        "study_instance_uid": study,
        "study_date": "20240102",
        "series_instance_uid": "",
        "series_number": "1",
        "modality": "CT",
        "instance_number": "2",
        "sop_instance_uid": synthetic.ct_uid(number=2),
    }


def test_many_missing_files_are_counted_by_series_unless_asked_for(run: Runs, disc: Path, tmp_path: Path) -> None:
    lost = [
        Lost(f"IM{at}", "gone", "P1", "", "1.2", "", f"1.2.{at % 30}", "", "CT", str(at), f"1.3.{at}")
        for at in range(90)
    ]
    brief = list(lost_lines(lost, everything=False))
    assert brief[0] == "  patient P1, study 1.2, series CT 1.2.0: 3 instances"
    assert brief[20:] == ["  (and 10 more series; -v or --json names every instance)"]
    assert len(list(lost_lines(lost, everything=True))) == 120
    for path in disc.rglob("I*"):
        path.unlink()
    done = run("extract", disc, "-o", tmp_path / "OUT", code=3)
    assert done.stderr.startswith("12 files missing:\n  patient P1 Doe^Jane, ")
    assert done.stderr.count("    instance ") == 12


def test_a_hostile_file_id_is_reported_and_nothing_is_read(run: Runs, disc: Path, tmp_path: Path) -> None:
    damage(disc, rb"P002\T002\S001\I000003", rb"..\..\..\..\etc\passwd")
    document = run("extract", disc, "-o", tmp_path / "OUT", "--json", code=3).document
    # The hostile name is not followed; the file itself is found by its contents.
    assert (document["copied"], len(document["missing"])) == (12, 0)
    assert "FS-FILE-ID-HOSTILE" in {row["rule"] for row in document["findings"]}
    assert not any(b"root:" in data for data in copies(tmp_path / "OUT").values())


def test_values_of_the_disc_cannot_lead_out_of_the_folder(run: Runs, tmp_path: Path) -> None:
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    dataset.PatientID = "../../../ESCAPED"
    synthetic.write(dataset, tmp_path / "IN" / "IM1")
    run("create", tmp_path / "IN", "-o", tmp_path / "SET")
    run("extract", tmp_path / "SET", "-o", tmp_path / "a" / "b" / "OUT")
    [name] = copies(tmp_path / "a")
    assert name.startswith("b/OUT/_._.._.._ESCAPED")
    assert not list(tmp_path.rglob("ESCAPED"))


def test_a_link_in_the_folder_is_not_followed_out_of_it(run: Runs, indexed: Path, tmp_path: Path) -> None:
    (tmp_path / "OUT").mkdir()
    (tmp_path / "ELSEWHERE").mkdir()
    (tmp_path / "OUT" / "P1").symlink_to(tmp_path / "ELSEWHERE")
    assert "symbolic link" in run("extract", indexed, "-o", tmp_path / "OUT", code=6).stderr
    assert not list((tmp_path / "ELSEWHERE").iterdir())


def test_copies_do_not_go_into_the_file_set(run: Runs, disc: Path) -> None:
    assert "is a file-set itself" in run("extract", disc, "-o", disc, code=6).stderr
    for folder in (disc / "copies", disc / "P001" / ".." / "x"):
        assert "is inside the file-set" in run("extract", disc, "-o", folder, code=6).stderr
        with fileset.Reader(disc) as reader, pytest.raises(RefusedError, match="is inside the file-set"):
            extract(reader, folder)
    assert len(copies(disc)) == 13


def test_an_instance_without_a_patient_is_at_the_top(run: Runs, tmp_path: Path) -> None:
    dataset = synthetic.instance(synthetic.HANGING_PROTOCOL)
    synthetic.write(dataset, tmp_path / "IN" / "HP1")
    run("create", tmp_path / "IN", "-o", tmp_path / "SET")
    run("extract", tmp_path / "SET", "-o", tmp_path / "OUT")
    assert list(copies(tmp_path / "OUT")) == [f"{dataset.SOPInstanceUID}.dcm"]


def test_damage_of_the_dicomdir_is_in_the_exit_code(run: Runs, disc: Path, tmp_path: Path) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    (disc / "DICOMDIR").write_bytes(data[:-400])
    done = run("extract", disc, "-o", tmp_path / "OUT", code=3)
    assert "FS-DICOMDIR-TRUNCATED" in done.stderr


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["P1", "1.2.840.10008", "A-b_c.D", "x" * LONGEST, "Müller", "\u5c71\u7530_\u592a\u90ce", "Ιάσων"]
)
def test_a_readable_name_stays(value: str) -> None:
    assert safe_name(value) == value


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (".", "_"),
        ("..", "_."[:1] + "_"),
        ("a/b", "a_b"),
        ("a\\b", "a_b"),
        (".hidden", "_hidden"),
        ("-rf", "_rf"),
        ("end.", "end_"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("a b", "a_b"),
        ("Doe^John", "Doe_John"),
        ("\0", "_"),
        ("~", "_"),
        ("Mu\u0308ller", "Müller"),
        ("x" * 65, hashed_name("x" * 65)),
    ],
)
def test_other_characters_become_underscores(value: str, name: str) -> None:
    assert safe_name(value) == name


def test_ascii_names_lose_accents() -> None:
    assert safe_name("Müller^Ægir", ascii_only=True) == "Muller__gir"


@pytest.mark.slow
@given(st.text(), st.booleans())
def test_every_name_is_safe(value: str, ascii_only: bool) -> None:  # noqa: FBT001
    name = safe_name(value, ascii_only=ascii_only)
    assert 1 <= len(name) <= LONGEST
    assert len(name.encode()) <= 255
    assert re.fullmatch(r"\w[\w.-]*", name, re.ASCII if ascii_only else 0)
    assert not name.endswith(".")


def test_no_value_at_all_has_a_name() -> None:
    assert safe_name("") == "_"


# --- a medium that fails --------------------------------------------------------------------------------------------


def dicom_file(uid: str) -> bytes:
    """A small DICOM file with this SOP Instance UID."""
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = synthetic.CT_IMAGE, uid
    return encode_dataset(dataset)


@define
class Scratched:
    """A record whose file sometimes fails, like one on a damaged disc."""

    uid: str = "1.2.3"
    patient_id: str = "P1"
    failures: int = 0
    opened: int = 0
    data: bytes = Factory(lambda self: dicom_file(self.uid or "1.2.3"), takes_self=True)
    problem: Exception = field(factory=lambda: OSError(5, "Input/output error"))

    file_id = FileId("DICOM\\IM1")
    study = series = None
    record_type = "IMAGE"

    @property
    def sop_instance_uid(self) -> str:
        return self.uid

    @property
    def patient(self) -> Scratched:
        return self

    def get(self, keyword: str, default: Any = None) -> Any:
        return self.patient_id if keyword == "PatientID" else default

    def inquire(self) -> FileInfo:
        return FileInfo(len(self.data), datetime(2024, 1, 1, tzinfo=UTC))

    def open(self) -> BinaryIO:
        self.opened += 1
        return Failing(self.data, self.problem if self.opened <= self.failures else None)


class Failing(io.BytesIO):
    """Gives half of its bytes and then fails."""

    def __init__(self, data: bytes, problem: Exception | None) -> None:
        super().__init__(data)
        self._problem = problem

    def read(self, size: int | None = -1, /) -> bytes:
        if self._problem is None:
            return super().read(size)
        if self.tell():
            raise self._problem
        return super().read(len(self.getvalue()) // 2)


@define
class Shelf:
    """A reader with a fixed answer."""

    records: list[Scratched]

    def find(self, level: str | None = None, **keys: Any) -> Iterator[Scratched]:
        assert (level, keys) == (None, {})
        return iter(self.records)


def test_a_read_error_is_tried_again(tmp_path: Path) -> None:
    record = Scratched(failures=TRIES - 1)
    report = extract(Shelf([record]), tmp_path / "OUT")
    assert (report.copied, report.complete) == (1, True)
    assert record.opened > record.failures
    assert copies(tmp_path / "OUT") == {"P1/1.2.3.dcm": record.data}


def test_a_file_that_cannot_be_read_is_reported_and_the_next_one_comes(tmp_path: Path) -> None:
    broken, whole = Scratched(failures=99), Scratched("1.2.4")
    report = extract(Shelf([broken, whole]), tmp_path / "OUT")
    assert broken.opened == 2 * TRIES  # each try looks at the header, then copies
    assert [lost.sop_instance_uid for lost in report.failed] == ["1.2.3"]
    assert report.failed[0].reason == "DICOM/IM1: Input/output error"
    assert copies(tmp_path / "OUT") == {"P1/1.2.4.dcm": whole.data}


@pytest.mark.parametrize(
    ("cause", "missing"), [(None, True), (FileNotFoundError(2, "gone"), True), (PermissionError(13, "no"), False)]
)
def test_missing_and_unreadable_are_different_reasons(cause: OSError | None, missing: bool, tmp_path: Path) -> None:  # noqa: FBT001
    problem = MediumError("DICOM/IM1: why")
    problem.__cause__ = cause
    record = Scratched(failures=99, problem=problem)
    report = extract(Shelf([record]), tmp_path / "OUT")
    assert [bool(report.missing), bool(report.failed)] == [missing, not missing]
    assert record.opened == (2 if missing else 2 * TRIES)


def test_patients_that_differ_only_in_case_are_in_different_folders(tmp_path: Path) -> None:
    extract(Shelf([Scratched("1.2", "abc"), Scratched("1.3", "ABC")]), tmp_path / "OUT")
    assert set(copies(tmp_path / "OUT")) == {"abc/1.2.dcm", f"{hashed_name('ABC')}/1.3.dcm"}


def test_two_files_with_one_uid_both_come_out(tmp_path: Path) -> None:
    extract(Shelf([Scratched(data=b"one file"), Scratched(data=b"another")]), tmp_path / "OUT")
    assert sorted(copies(tmp_path / "OUT").values()) == [b"another", b"one file"]


def test_a_record_without_a_uid_is_called_by_its_file(tmp_path: Path) -> None:
    extract(Shelf([Scratched(uid="")]), tmp_path / "OUT")
    assert set(copies(tmp_path / "OUT")) == {"P1/DICOM_IM1.dcm"}


def test_a_full_disk_ends_it_and_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(MediumError, match="No space left"):
        extract(Shelf([Scratched()]), tmp_path / "OUT")
    assert copies(tmp_path / "OUT") == {}


def test_progress_counts_every_file(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    records = [Scratched(str(number)) for number in range(3)]
    extract(Shelf(records), tmp_path / "OUT", progress=lambda *call: seen.append(call))
    assert [call for call in seen if call[0] != "bytes"] == [("extract", 1, 3), ("extract", 2, 3), ("extract", 3, 3)]
    assert len([call for call in seen if call[0] == "bytes"]) == 3


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "OUT").mkdir()
    (tmp_path / "OUT" / "P1").symlink_to(tmp_path)
    with pytest.raises(RefusedError):
        extract(Shelf([Scratched()]), tmp_path / "OUT")


def test_a_report_is_complete_only_without_loss() -> None:
    assert ExtractReport("OUT", copied=1).complete


def with_part(indexed: Path, folder: Path, part: float) -> Path:
    """A copy of a file-set with a part of its DICOMDIR."""
    copy = Path(shutil.copytree(indexed, folder / "CUT"))
    os.truncate(copy / "DICOMDIR", int((copy / "DICOMDIR").stat().st_size * part))
    return copy


@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_values_that_a_damaged_directory_lost_come_from_the_files(
    run: Runs, indexed: Path, tmp_path: Path, part: float
) -> None:
    with fileset.Reader(indexed) as reader:
        whole = {record.sop_instance_uid: record.file_id for record in reader.instances}
    disc = with_part(indexed, tmp_path, part)
    with fileset.Reader(disc) as reader:
        left = {record.sop_instance_uid for record in reader.instances}
    assert len(left) < len(whole)
    document = run("extract", disc, "-o", tmp_path / "OUT", "--json", code=3).document
    assert document["copied"] == len(whole)
    assert {Path(path).stem for path in copies(tmp_path / "OUT")} == whole.keys()
    named = {row["where"]["file"] for row in document["findings"] if row["rule"] == "FS-FILE-UNLISTED"}
    assert named == {str(file_id).replace("\\", "/") for uid, file_id in whole.items() if uid not in left}


def test_keys_hold_for_files_without_a_record_too(run: Runs, indexed: Path, tmp_path: Path) -> None:
    disc = with_part(indexed, tmp_path, 0.3)
    document = run("extract", disc, "-o", tmp_path / "OUT", "--json", "PatientID=P2", code=3).document
    assert document["copied"] == 6
    assert {path.partition("/")[0] for path in copies(tmp_path / "OUT")} == {"P2"}


def test_files_of_an_image_that_was_cut_off_are_named(run: Runs, indexed: Path, tmp_path: Path) -> None:
    image = tmp_path / "CD.iso"
    run("create", indexed, "-o", image)
    os.truncate(image, image.stat().st_size - 320_000)
    for more in ((), ("--scan",)):
        out = tmp_path / f"OUT{len(more)}"
        document = run("extract", image, "-o", out, "--json", *more, code=3).document
        assert document["copied"] + len(document["failed"]) + len(document["missing"]) == 12
        assert document["failed"]
        assert "FS-FILE-LINK" not in {row["rule"] for row in document["findings"]}
        assert not any(row["message"].startswith(f"{row['where']['file']}:") for row in document["findings"])
    for words in (("list",), ("info",), ("check",), ("repair",), ("add", indexed), ("remove", "PatientID=P1")):
        said = run(words[0], image, *words[1:], code=4).stderr
        assert said.count(str(image)) == 1
        assert f"{image}: DICOMDIR: " in said
        assert said.count("cut off") == 1
        assert said.endswith("`fileset extract` copies out the rest\n")
    for role in (fileset.Reader, fileset.Updater, fileset.repair_file_set):
        with pytest.raises(fileset.FormatError, match=r"`Reader\(\.\.\., scan=True\)` reads the rest$"):
            role(image)
    with fileset.Reader(image, scan=True) as reader:
        assert reader.instances


def test_the_output_must_be_a_folder(run: Runs, indexed: Path, tmp_path: Path) -> None:
    (tmp_path / "D.iso").write_bytes(b"mine")
    said = run("extract", indexed, "-o", tmp_path / "D.iso", code=2).stderr
    assert "D.iso: is not a folder, as the output must be" in said
    assert "run it again" not in said


def test_files_that_cannot_have_the_name_of_the_template_are_reported(run: Runs, indexed: Path, tmp_path: Path) -> None:
    arguments = ("extract", indexed, "-o", tmp_path / "COPIES", "--template", "{PatientID}.dcm", "InstanceNumber=1")
    told = "2 files have another name than the template gives, because another file already has that name"
    advice = " (-v or --json names each; a template with {SOPInstanceUID} makes the names unique)"
    done = run(*arguments)
    assert done.stderr.splitlines()[:-1] == [told + advice]
    files = run(*arguments, "--json").document["files"]
    assert [row["beside"] for row in files] == [False, True, False, True]
    lines = run(*arguments, "-v").stderr.splitlines()
    assert lines[:-1] == [told, *(f"  {row['file_id']} -> {row['path']}" for row in files if row["beside"])]
    assert run(*arguments, "-q").stderr == ""


def test_a_failed_removal_does_not_hide_the_error(
    run: Runs, indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a volume that was mounted again, read-only."""

    def refused(path: str, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    with monkeypatch.context() as patched:
        patched.setattr("fileset.extraction.target.open", refused, raising=False)
        patched.setattr("fileset.extraction.target.os.unlink", refused)
        said = run("extract", indexed, "-o", tmp_path / "OUT", code=5).stderr
    assert os.strerror(errno.EROFS) in said
    assert "The copies stay; run it again" in said


def test_an_interrupted_extraction_keeps_its_copies_and_reports_it(
    run: Runs, indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Target.put

    def stopping(self: Target, *rest: Any) -> Any:
        if len(list((tmp_path / "OUT").rglob("*.dcm"))) == 3:
            raise KeyboardInterrupt
        return put(self, *rest)

    monkeypatch.setattr(Target, "put", stopping)
    done = run("extract", indexed, "-o", tmp_path / "OUT", code=130)
    assert done.stderr == "fileset: interrupted; the copies stay; run it again to continue\n"
    assert len(list((tmp_path / "OUT").rglob("*.dcm"))) == 3


def test_free_space_is_checked_before_anything_is_copied(
    run: Runs, indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr("fileset.extraction.target.shutil.disk_usage", lambda _: full)
    said = run("extract", indexed, "-o", tmp_path / "OUT", code=5).stderr
    assert "bytes more are needed than are free; nothing was copied" in said
    assert list((tmp_path / "OUT").iterdir()) == []
