"""Cases from public bug reports with unhelpful messages; our message must name the fault and the next step."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from fileset import check_file_set
from fileset.media.open import updatable
from tests.support import synthetic
from tests.support.command import Runs
from tests.support.judges import need_tool


@pytest.mark.parametrize("verb", [("add", "NEW"), ("remove", "PatientID=P1"), ("refresh",), ("repair",)])
def test_a_change_of_the_folder_above_a_file_set_names_the_place_of_the_file_set(
    disc: Path, tmp_path: Path, run: Runs, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    above = tmp_path / "ABOVE"
    shutil.move(disc, above / "EXPORT")
    (tmp_path / "NEW").write_bytes(synthetic.ct(9, 1, 1, 1))
    told = run(verb[0], "ABOVE", *verb[1:], code=4).stderr
    assert str(Path("ABOVE/EXPORT")) in told
    assert "Name the folder that has the DICOMDIR" in told
    run(verb[0], "ABOVE/EXPORT", *verb[1:])  # the advice works


@pytest.mark.parametrize("verb", ["list", "info", "check"])
def test_an_image_in_place_of_a_dicomdir_is_named_by_its_kind(disc: Path, run: Runs, verb: str) -> None:
    image = next(path for path in sorted(disc.rglob("*")) if path.is_file() and path.name != "DICOMDIR")
    told = run(verb, image, code=4).stderr
    assert "not a DICOMDIR, but a DICOM file of CT Image Storage" in told
    assert "Name the folder that the file is in" in told


def test_extract_of_a_single_file_says_to_name_its_folder(disc: Path, tmp_path: Path, run: Runs) -> None:
    image = next(path for path in sorted(disc.rglob("*")) if path.is_file() and path.name != "DICOMDIR")
    assert "name the folder that it is in" in run("extract", image, "-o", tmp_path / "OUT", code=4).stderr


@pytest.mark.judges
@pytest.mark.parametrize("method", ["ZipCrypto", "AES256"])
def test_an_archive_with_a_password_is_called_encrypted_with_the_option_that_opens_it(
    disc: Path, tmp_path: Path, run: Runs, method: str
) -> None:
    archive = tmp_path / "LOCKED.zip"
    command = [need_tool("7zz"), "a", "-bd", "-tzip", f"-mem={method}", "-p19500101", str(archive), "."]
    subprocess.run(command, cwd=disc, check=True, capture_output=True)
    (tmp_path / "password").write_text("19500101\n")
    for words, code in (
        (("list",), 4),
        (("list", "--scan"), 4),
        (("info",), 4),
        (("check",), 4),
        (("repair",), 4),
        (("extract", "-o", tmp_path / "A"), 4),
        (("extract", "--scan", "-o", tmp_path / "B"), 3),
        (("create", "-o", tmp_path / "C"), 3),
    ):
        told = run(words[0], archive, *words[1:], code=code).stderr
        assert "encrypted" in told, words
        assert "--zip-password-file" in told, words
        assert "no files were found" not in told
        assert "there is no DICOM file" not in told
    run("list", archive, "--zip-password-file", tmp_path / "password")  # the advice works


def test_a_file_that_is_cut_off_before_its_uids_is_called_cut_off(tmp_path: Path, run: Runs) -> None:
    whole = synthetic.ct(1, 1, 1, 1)
    (tmp_path / "IN").mkdir()
    (tmp_path / "IN/CUT").write_bytes(whole[: whole.index(b"\x20\x00\x0d\x00UI") - 1])
    assert "CUT: cut off: " in run("create", tmp_path / "IN", "-o", tmp_path / "OUT", code=3).stderr


@pytest.mark.parametrize(("studies", "hints"), [(2, 0), (6, 1)])
def test_studies_of_one_instance_that_are_probably_one_get_a_hint(
    tmp_path: Path, run: Runs, studies: int, hints: int
) -> None:
    (tmp_path / "IN").mkdir()
    for number in range(studies):
        content = synthetic.ct(1, number + 1, 1, 1)
        alike = content.replace(b"202401%02d" % (number + 2), b"20240101").replace(b"S%d" % (number + 1), b"S7")
        (tmp_path / f"IN/IM{number}").write_bytes(alike)
    hint = f"{studies} studies of one instance each have the same Study ID and date"
    assert run("create", tmp_path / "IN", "-o", tmp_path / "OUT").stderr.count(hint) == hints
    told = run("check", tmp_path / "OUT", "--json").document
    assert [hint in one["message"] for one in told["findings"] if one["rule"] == "FS-STUDY-TORN"] == [True] * hints
    run("index", tmp_path / "IN")
    assert run("check", tmp_path / "IN").stdout.count(hint) == hints


@pytest.mark.parametrize("verb", [("list",), ("extract", "-o", "OUT"), ("create", "-o", "OUT"), ("repair",)])
def test_a_folder_in_the_place_of_a_listed_file_is_a_missing_file(
    disc: Path, tmp_path: Path, run: Runs, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    image = next(path for path in sorted(disc.rglob("*")) if path.is_file() and path.name != "DICOMDIR")
    image.unlink()
    image.mkdir()
    assert image.name in run(verb[0], disc, *verb[1:], code=3).stderr


@pytest.mark.parametrize("length", [0, 10, 132, 300, 500])
def test_index_replaces_a_dicomdir_that_is_cut_off(tmp_path: Path, run: Runs, length: int) -> None:
    (tmp_path / "IM1").write_bytes(synthetic.ct(1, 1, 1, 1))
    run("index", tmp_path)
    old = (tmp_path / "DICOMDIR").read_bytes()
    (tmp_path / "DICOMDIR").write_bytes(old[:length])
    run("index", tmp_path, "--replace")
    run("check", tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("verb", ["create", "extract"])
def test_copies_are_not_more_readable_than_their_sources(disc: Path, tmp_path: Path, run: Runs, verb: str) -> None:
    for path in disc.rglob("*"):
        if path.is_file():
            path.chmod(0o600)
    run(verb, disc, "-o", tmp_path / "OUT")
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "OUT").rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_create_reports_that_the_new_file_set_is_inside_another(disc: Path, tmp_path: Path, run: Runs) -> None:
    around = shutil.copytree(disc, tmp_path / "ABOVE")
    new = around / "NEW"
    for more in (("--dry-run",), (), ("--replace",)):
        (finding,) = run("create", disc, "-o", new, "--json", *more).document["findings"]
        assert finding["rule"] == "FS-DICOMDIR-SECOND"
        assert f"inside the file-set {around}, which has no records for these files" in finding["message"]
    for medium in (tmp_path / "BESIDE", around / "CD.iso"):
        assert not run("create", disc, "-o", medium, "--json").document["findings"]


def test_index_names_a_nested_dicomdir_once_and_finds_no_fault_in_its_elements(
    disc: Path, tmp_path: Path, run: Runs
) -> None:
    shutil.copytree(disc, tmp_path / "ABOVE/DISC1")
    report = run("index", tmp_path / "ABOVE", "--json").document
    found = [(row["rule"], row["where"]["file"]) for row in report["findings"]]
    assert found == [("FS-DICOMDIR-SECOND", "DISC1/DICOMDIR")]
    checked = run("check", tmp_path / "ABOVE", "--json").document
    assert [(row["rule"], row["where"]["file"]) for row in checked["findings"]] == found


@pytest.mark.parametrize("name", ["OUT", "OUT.iso", "OUT.zip"])
def test_a_medium_that_another_writer_has_is_one_message_of_create_and_of_add(
    tmp_path: Path, run: Runs, name: str
) -> None:
    synthetic.ct_series(tmp_path / "IN", 1, 1, 1, 3)
    synthetic.ct_series(tmp_path / "MORE", 2, 1, 1, 3)
    run("create", tmp_path / "IN", "-o", tmp_path / name)
    with updatable(tmp_path / name).transaction():
        for words in (
            ("create", tmp_path / "IN", "-o", tmp_path / name, "--replace"),
            ("add", tmp_path / name, tmp_path / "MORE"),
        ):
            told = run(*words, code=5).stderr
            assert "another writer is at work. Wait until it has finished" in told, words
            assert told.count("\n") == 1, words


@pytest.mark.parametrize("names", [("A", "B"), ("B", "A")])
@pytest.mark.parametrize("part", [slice(132, None), slice(-2)], ids=["without-prefix", "cut-off"])
def test_of_two_copies_the_whole_one_is_taken_and_the_other_named(
    disc: Path, tmp_path: Path, run: Runs, names: tuple[str, str], part: slice
) -> None:
    sources, whole = tmp_path / "IN", synthetic.ct(8, 1, 1, 1)
    good, bad = (sources / name for name in names)
    sources.mkdir()
    good.write_bytes(whole)
    bad.write_bytes(whole[part])
    for words in (("create", sources, "-o", tmp_path / "OUT"), ("add", disc, sources), ("index", sources)):
        report = run(*words, "--json", code=3).document
        assert [Path(row["source"]).name for row in report["added"]] == [good.name], words
        told = {Path(row["source"]).name: (row["rule"], row["reason"]) for row in report["skipped"]}
        assert told.keys() == {bad.name}
        assert told[bad.name][0] == "FS-INSTANCE-CONFLICT"
        assert good.name in told[bad.name][1]
        assert words[0] == "index" or not [
            one for one in report["findings"] if Path(one["where"]["file"]).name == bad.name
        ]


def test_a_whole_file_of_another_patient_does_not_take_the_place_of_an_incomplete_one(
    tmp_path: Path, run: Runs
) -> None:
    (tmp_path / "IN").mkdir()
    whole = synthetic.ct(8, 1, 1, 1)
    (tmp_path / "IN/A").write_bytes(whole[:-2])
    (tmp_path / "IN/B").write_bytes(whole.replace(b"LO\x02\x00P8", b"LO\x02\x00P9"))
    report = run("create", tmp_path / "IN", "-o", tmp_path / "OUT", "--json", code=3).document
    assert [Path(row["source"]).name for row in report["added"]] == ["A"]
    assert [(row["source"], row["rule"]) for row in report["skipped"]] == [("B", "FS-INSTANCE-CONFLICT")]


def test_a_whole_file_with_another_modality_does_not_take_the_place_of_an_incomplete_one(
    tmp_path: Path, run: Runs
) -> None:
    """The record would keep the Modality of a file that is no longer listed, which `check` calls an error."""
    (tmp_path / "IN").mkdir()
    cut, *others = synthetic.ct(8, 1, 1, 1)[:-2], synthetic.ct(8, 1, 1, 2), synthetic.ct(8, 1, 1, 1)
    for name, data in zip("ABC", (cut.replace(b"CS\x02\x00CT", b"CS\x02\x00MR"), *others), strict=True):
        (tmp_path / "IN" / name).write_bytes(data)
    run("create", tmp_path / "IN", "-o", tmp_path / "OUT", code=3)
    assert {one.rule for one in check_file_set(tmp_path / "OUT").findings if one.severity == "error"} == {
        "FS-FILE-TRUNCATED"
    }


@pytest.mark.parametrize("length", [0, 100, 300, 600])
@pytest.mark.parametrize("words", [("list", "--scan"), ("repair",), ("extract", "--scan", "-o", "EX")])
def test_the_only_candidate_for_a_dicom_file_is_named_with_its_damage(
    tmp_path: Path, run: Runs, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], length: int
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "IN").mkdir()
    name = "CUT" if length > 200 else "CUT.dcm"
    (tmp_path / "IN" / name).write_bytes(synthetic.ct(1, 1, 1, 1)[:length])
    (tmp_path / "IN/README.TXT").write_bytes(b"of the viewer")
    code = 4 if words[0] != "extract" else 3
    if words == ("repair",) and length <= 200:  # a name that no record can hold
        assert "need `fileset create`" in run(*words, "IN", code=4).stderr
        return
    said = run(words[0], "IN", *words[1:], code=code).stderr
    assert f"{name}: " in said
    assert "there is no DICOM file" not in said


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_members_of_a_zip_archive_are_not_more_readable_than_their_sources(
    disc: Path, tmp_path: Path, run: Runs
) -> None:
    (disc / "P001/T001/S001/I000001").chmod(0o600)
    (disc / "P001/T001/S001/I000002").chmod(0o777)

    def modes() -> dict[str, int]:
        with zipfile.ZipFile(tmp_path / "OUT.zip") as archive:
            return {member.filename: member.external_attr >> 16 & 0o777 for member in archive.infolist()}

    run("create", disc, "-o", tmp_path / "OUT.zip", "--naming", "keep")
    first = modes()
    assert (first["P001/T001/S001/I000001"], first["DICOMDIR"]) == (0o600, 0o600)
    assert {mode for name, mode in first.items() if name not in ("P001/T001/S001/I000001", "DICOMDIR")} == {0o644}
    run("remove", tmp_path / "OUT.zip", "PatientID=P2")
    assert modes().items() <= first.items()


@pytest.mark.parametrize("suffix", ["7z", "rar", "zip", "tar"])
@pytest.mark.parametrize("words", [("list", "--scan"), ("extract", "-o", "EX")])
def test_an_archive_among_the_files_that_is_not_read_is_named_and_counts(
    tmp_path: Path, run: Runs, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "IN").mkdir()
    (tmp_path / "IN/IM1").write_bytes(synthetic.ct(1, 1, 1, 1))
    archive = tmp_path / f"IN/MORE.{suffix}"
    if suffix == "zip":
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("IM2", synthetic.ct(1, 1, 1, 2))
    elif suffix == "tar":
        with tarfile.open(archive, "w") as tar:
            (tmp_path / "IM2").write_bytes(synthetic.ct(1, 1, 1, 2))
            tar.add(tmp_path / "IM2", "IM2")
    else:
        archive.write_bytes({"7z": b"7z\xbc\xaf\x27\x1c", "rar": b"Rar!\x1a\x07\x01\x00"}[suffix] + bytes(600))
    if words[0] == "extract" and suffix in ("zip", "tar"):  # these are read
        assert "2 files" in run(words[0], "IN", *words[1:], "--template", "{InstanceNumber}").stderr
        return
    said = run(words[0], "IN", *words[1:], code=3).stderr
    assert f"MORE.{suffix}: a {suffix if suffix in ('7z', 'tar') else suffix.upper()} archive" in said
    assert "unpack it first" in said.lower()


def test_files_are_not_extracted_into_another_file_set_and_a_folder_inside_one_is_not_repaired(
    disc: Path, tmp_path: Path, run: Runs
) -> None:
    before = set(disc.rglob("*"))
    (tmp_path / "IN").mkdir()
    (tmp_path / "IN/IM1").write_bytes(synthetic.ct(8, 1, 1, 1))
    for target in (disc / "NEW", disc / "P001", disc / "P001/DEEP/ER"):
        said = run("extract", tmp_path / "IN", "-o", target, code=6).stderr
        assert f"is inside the file-set {disc}. Choose another folder" in said
    run("extract", tmp_path / "IN", "-o", disc, code=6)
    for verb in ("list", "info", "check", "repair"):
        told = run(verb, disc / "P001", code=4).stderr
        assert f"no DICOMDIR here, but in a folder above: {disc}. Name the folder that has the DICOMDIR" in told
    assert before == set(disc.rglob("*"))
    run("create", disc, "-o", disc, "--replace", code=6)


def test_a_piped_zip_archive_without_its_directory_is_read_from_its_local_headers(
    disc: Path, tmp_path: Path, run: Runs
) -> None:
    """Info-ZIP states the size of a member before its data, and the packed size after them."""
    parts = []
    for number, path in enumerate(sorted(disc.rglob("I0*"))):
        data = path.read_bytes()
        compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = compressor.compress(data) + compressor.flush()
        name = b"IM%d" % number
        head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 8, 8, 0, 23932, 0, 0, len(data), len(name), 0)
        tail = struct.pack("<4s3I", b"PK\7\x08", zlib.crc32(data), len(packed), len(data))
        parts.append(head + name + packed + tail)
    (tmp_path / "PIPED.zip").write_bytes(b"".join(parts)[:-20])
    told = run("extract", tmp_path / "PIPED.zip", "-o", tmp_path / "OUT", code=3).stderr
    assert "11 files" in told
    assert "IM11: cut off" in told


@pytest.mark.parametrize("words", [("create", "-o", "OUT.zip"), ("extract", "-o", "OUT")])
def test_an_old_tar_archive_without_the_mark_of_its_form_is_read(
    disc: Path, tmp_path: Path, run: Runs, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "IN").mkdir()
    for number, path in enumerate(sorted(disc.rglob("I0*"))):
        info = tarfile.TarInfo(f"IM{number}")
        info.size = path.stat().st_size
        header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
        header[148:156], header[257:] = b" " * 8, bytes(255)
        header[148:156] = b"%06o\0 " % sum(header)
        with (tmp_path / "IN/OLD.tar").open("ab") as archive:
            archive.write(header + path.read_bytes() + bytes(-info.size % 512))
    with (tmp_path / "IN/OLD.tar").open("ab") as archive:
        archive.write(bytes(1024))
    for source in ("IN/OLD.tar", "IN"):
        done = run(words[0], source, *words[1:], *(("--replace",) if words[0] == "create" and source == "IN" else ()))
        assert "12 " in done.stderr


def test_another_file_with_the_name_of_a_dicomdir_above_makes_no_file_set(
    disc: Path, tmp_path: Path, run: Runs
) -> None:
    home = tmp_path / "HOME"
    home.mkdir()
    (home / "DICOMDIR").write_text("a note")
    run("create", disc, "-o", home / "NEW")
    run("extract", disc, "-o", home / "COPIES")
    (home / "NEW/DICOMDIR").unlink()
    run("repair", home / "NEW")
    (home / "NEW/DICOMDIR").unlink()
    run("index", home / "NEW")


def test_a_disc_can_be_archived_to_standard_output_from_its_own_folder(
    disc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(disc)
    command = [sys.executable, "-m", "fileset", "create", ".", "-o", "-"]
    piped = subprocess.run(command, check=True, capture_output=True)
    (tmp_path / "PIPED.zip").write_bytes(piped.stdout)
    with zipfile.ZipFile(tmp_path / "PIPED.zip") as archive:
        assert "DICOMDIR" in archive.namelist()


def test_what_the_series_of_an_incomplete_file_says_holds_for_the_whole_copy_that_takes_its_place(
    tmp_path: Path, run: Runs
) -> None:
    (tmp_path / "IN").mkdir()
    first, second = synthetic.ct(8, 1, 1, 1), synthetic.ct(8, 1, 2, 1)
    other = second.replace(b"LO\x02\x00P8", b"LO\x02\x00P9")
    for name, contents in (("A", first), ("B", other[:-2]), ("C", other)):
        (tmp_path / "IN" / name).write_bytes(contents)
    words = ("create", tmp_path / "IN", "-o", tmp_path / "OUT", "--patient-conflict", "split")
    report = run(*words, "--json", code=3).document
    named = {(one["rule"], one["where"]["file"]) for one in report["findings"]}
    assert ("FS-STUDY-TWICE", "C") in named
    found = run("check", tmp_path / "OUT", "--json", code=1).document["findings"]
    assert {one["rule"] for one in found if one["severity"] == "error"} <= {rule for rule, _ in named}


def test_the_instance_number_of_a_whole_copy_is_kept_although_the_incomplete_one_had_none(
    tmp_path: Path, run: Runs
) -> None:
    (tmp_path / "IN").mkdir()
    whole, other = synthetic.ct(8, 1, 1, 1), synthetic.ct(8, 1, 1, 2)
    number = whole[whole.index(b"\x20\x00\x13\x00IS") :][:12]
    other = other.replace(other[other.index(number[:6]) :][:12], number)
    without = whole.replace(number, number[:6] + bytes(2))
    for name, contents in (("A", without[:-2]), ("B", whole), ("C", other)):
        (tmp_path / "IN" / name).write_bytes(contents)
    run("create", tmp_path / "IN", "-o", tmp_path / "OUT", code=3)
    run("check", tmp_path / "OUT")
