"""`create` and `add` take the files that KEY=VALUE and --exclude select."""

from __future__ import annotations

import zipfile
from pathlib import Path
from unicodedata import normalize

import pytest

import fileset
from tests.support import synthetic
from tests.support.command import Runs

NONE_WANTED = "none of its files is wanted: --exclude leaves all out"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A CT with a Series Description, an MR without, and a file that is not DICOM."""
    for number, modality in enumerate(("CT", "MR")):
        dataset = synthetic.instance(synthetic.CT_IMAGE, number=number + 1)
        dataset.Modality = modality
        dataset.SeriesInstanceUID = f"1.2.3.{number + 1}"
        if modality == "CT":
            dataset.SeriesDescription = "AX T1"
        synthetic.write(dataset, tmp_path / "IN" / modality / "IM1")
    (tmp_path / "IN" / "README.TXT").write_text("hello")
    return tmp_path / "IN"


def modalities(medium: Path) -> list[str]:
    with fileset.Reader(medium) as reader:
        return [series["Modality"] for series in reader.series]


def test_create_and_add_take_only_matching_files(run: Runs, folder: Path, tmp_path: Path) -> None:
    run("create", folder, "-o", tmp_path / "SET", "Modality=MR")
    assert modalities(tmp_path / "SET") == ["MR"]
    run("add", tmp_path / "SET", folder, "Modality=CT")
    assert sorted(modalities(tmp_path / "SET")) == ["CT", "MR"]


def test_keys_that_only_files_have_can_be_asked_for(run: Runs, folder: Path, tmp_path: Path) -> None:
    done = run("create", folder, "-o", tmp_path / "SET", "SeriesDescription=AX*", "-v")
    assert modalities(tmp_path / "SET") == ["CT"]
    assert "FS-SOURCE-LEFT-OUT" in done.stderr
    document = run("create", folder, "-o", tmp_path / "SET2", "SeriesDescription=AX*", "--json").document
    assert "FS-SOURCE-LEFT-OUT" in {row["rule"] for row in document["findings"]}


@pytest.mark.parametrize("word", ["FileID=CT/IM1", "ReferencedFileID=CT\\IM1", "DirectoryRecordType=IMAGE"])
def test_an_attribute_of_records_alone_does_not_choose_files(
    word: str, run: Runs, folder: Path, tmp_path: Path
) -> None:
    run("create", folder, "-o", tmp_path / "SET")
    for words in (["create", folder, "-o", tmp_path / "NEW"], ["add", tmp_path / "SET", folder]):
        assert "is an attribute of a DICOMDIR, and the files to add have none" in run(*words, word, code=2).stderr


def test_text_alone_is_one_pattern(folder: Path, tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "SET") as creator:
        creator.add(folder, exclude="CT/*")
    with fileset.Updater(tmp_path / "SET") as updater:
        updater.add(folder, exclude="*.TXT")
    assert sorted(modalities(tmp_path / "SET")) == ["CT", "MR"]


def test_excluded_files_and_folders_stay_out(run: Runs, folder: Path, tmp_path: Path) -> None:
    run("create", folder, "-o", tmp_path / "SET", "--exclude", "ct")
    assert modalities(tmp_path / "SET") == ["MR"]
    run("create", folder, "-o", tmp_path / "BOTH", "--exclude", "*.txt", "--exclude", "nothing/*")
    assert sorted(modalities(tmp_path / "BOTH")) == ["CT", "MR"]


def test_a_pattern_matches_however_the_system_encodes_accents(run: Runs, folder: Path, tmp_path: Path) -> None:
    (folder / "MR").rename(folder / normalize("NFD", "Schädel"))  # as macOS does
    run("create", folder, "-o", tmp_path / "SET", "--exclude", normalize("NFC", "schädel"))
    assert modalities(tmp_path / "SET") == ["CT"]


def test_a_file_set_and_an_archive_are_chosen_from(run: Runs, folder: Path, tmp_path: Path) -> None:
    run("create", folder, "-o", tmp_path / "SET")
    run("create", "--from-medium", tmp_path / "SET", "-o", tmp_path / "MR", "Modality=MR")
    assert modalities(tmp_path / "MR") == ["MR"]
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for path in folder.rglob("IM1"):
            archive.write(path, path.relative_to(folder))
    run("create", tmp_path / "in.zip", "-o", tmp_path / "CT", "Modality=CT")
    assert modalities(tmp_path / "CT") == ["CT"]


def test_a_choice_that_nothing_matches_is_not_done(run: Runs, folder: Path, tmp_path: Path) -> None:
    run("create", folder, "-o", tmp_path / "SET", "Modality=US", code=3)
    run("create", folder, "-o", tmp_path / "SET", "NoSuchKey=US", code=2)


def test_a_source_whose_name_looks_like_a_key_is_a_source(
    run: Runs, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder.rename(tmp_path / "Modality=CT")
    run("create", "Modality=CT", "-o", tmp_path / "SET")
    assert sorted(modalities(tmp_path / "SET")) == ["CT", "MR"]


@pytest.mark.skipif(not hasattr(Path, "symlink_to"), reason="no symbolic links here")
def test_links_inside_the_source_are_followed_and_links_that_lead_out_are_named(
    run: Runs, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "OUTSIDE").write_bytes(synthetic.ct(5))
    (folder / "out").symlink_to(tmp_path / "OUTSIDE")
    (folder / "CT" / "IM1").rename(folder / "stored")
    (folder / "CT" / "IM1").symlink_to(folder / "stored")
    document = run("create", folder, "-o", tmp_path / "SET", "--json", code=3).document
    assert sorted(modalities(tmp_path / "SET")) == ["CT", "MR"]
    assert ("out", "FS-FILE-LINK") in {(row["source"], row["rule"]) for row in document["skipped"]}
    run("create", folder / "out", "-o", tmp_path / "NAMED")
    assert modalities(tmp_path / "NAMED") == ["CT"]


@pytest.mark.parametrize("pattern", ["MR/OLD", "mr/old/", "./MR/OLD", "MR\\OLD", "MR/O*"])
def test_the_path_of_a_folder_leaves_out_what_is_below_it(
    pattern: str, run: Runs, folder: Path, tmp_path: Path
) -> None:
    (folder / "MR" / "OLD").mkdir()
    (folder / "MR" / "IM1").rename(folder / "MR" / "OLD" / "IM1")
    run("create", folder, "-o", tmp_path / "SET", "--exclude", pattern)
    assert modalities(tmp_path / "SET") == ["CT"]
    with zipfile.ZipFile(tmp_path / "IN.zip", "w") as archive:
        archive.write(folder / "MR" / "OLD" / "IM1", "MR/OLD/IM1")
        archive.write(folder / "CT" / "IM1", "CT/IM1")
    run("create", tmp_path / "IN.zip", "-o", tmp_path / "ZIPPED", "--exclude", pattern)
    assert modalities(tmp_path / "ZIPPED") == ["CT"]


@pytest.mark.parametrize("pattern", ["IN/MR", "MP", ""])
def test_a_pattern_that_matches_nothing_is_named(pattern: str, run: Runs, folder: Path, tmp_path: Path) -> None:
    said = run("create", folder, "-o", tmp_path / "SET", "--exclude", pattern).stderr
    assert f"no file or folder matches {pattern!r}" in said
    with fileset.Creator(tmp_path / "NEW") as creator:
        creator.add(folder, exclude=[pattern])
    assert "FS-SOURCE-PATTERN" in {finding.rule for finding in creator.report.findings}
    said = run("add", tmp_path / "SET", folder, "--exclude", pattern, "--exclude", "ct").stderr
    assert f"no file or folder matches {pattern!r}" in said
    assert "'ct'" not in said


def test_the_choice_holds_for_files_that_are_on_the_medium_already(run: Runs, folder: Path, tmp_path: Path) -> None:
    run("create", folder, "-o", tmp_path / "SET", "Modality=CT")
    (tmp_path / "SET" / "MORE").mkdir()
    (tmp_path / "SET" / "MORE" / "IM1").write_bytes((folder / "MR" / "IM1").read_bytes())
    for words, reason in ((["Modality=CT"], "nothing matches Modality=CT"), (["--exclude", "IM1"], NONE_WANTED)):
        assert reason in run("add", tmp_path / "SET", tmp_path / "SET" / "MORE", *words, code=3).stderr
        assert modalities(tmp_path / "SET") == ["CT"]
    run("add", tmp_path / "SET", tmp_path / "SET" / "MORE", "Modality=MR")
    assert sorted(modalities(tmp_path / "SET")) == ["CT", "MR"]


@pytest.mark.parametrize("verb", ["create", "add"])
def test_a_choice_that_takes_nothing_is_no_success(verb: str, run: Runs, folder: Path, tmp_path: Path) -> None:
    run("create", folder, "-o", tmp_path / "SET")
    words = (folder, "-o", tmp_path / "NEW") if verb == "create" else (tmp_path / "SET", folder)
    assert NONE_WANTED in run(verb, *words, "Modality=CT", "--exclude", "*", code=3).stderr
    (tmp_path / "EMPTY").mkdir()
    words = (tmp_path / "EMPTY", "-o", tmp_path / "NEW") if verb == "create" else (tmp_path / "SET", tmp_path / "EMPTY")
    assert "no files were found there" in run(verb, *words, code=3).stderr


@pytest.mark.parametrize("damaged", [[], ["DAMAGED.dcm"]])
@pytest.mark.parametrize("option", [[], ["--dry-run"], ["--exclude", "*.TXT"], ["-q"], ["-v"]])
@pytest.mark.parametrize("verb", ["create", "add"])
def test_conditions_that_no_source_meets_are_named_as_by_list(
    verb: str, option: list[str], damaged: list[str], run: Runs, folder: Path, tmp_path: Path
) -> None:
    """A file that is not DICOM, damaged or not, is not the reason."""
    run("create", folder, "-o", tmp_path / "SET")
    for name in damaged:
        (folder / name).write_text("none")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for sources in ([folder], paths):
        words = (*sources, "-o", tmp_path / "NEW") if verb == "create" else (tmp_path / "SET", *sources)
        said = run(verb, *words, "PatientID=NOBODY", "Modality=CT", *option, code=3).stderr
        was = "would be" if option == ["--dry-run"] else "was"
        done = "written" if verb == "create" else "added"
        assert f"nothing {was} {done}: nothing matches PatientID=NOBODY, Modality=CT [FS-NOTHING-ADDED]" in said
        assert "FS-SOURCE-EMPTY" not in said
        assert "0 instances " + ("would be " if was == "would be" else "") + done in said
    assert not (tmp_path / "NEW").exists()


def test_a_source_that_meets_the_conditions_and_is_refused_is_the_reason(
    run: Runs, folder: Path, tmp_path: Path
) -> None:
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    del dataset.StudyInstanceUID
    synthetic.write(dataset, folder / "BAD")
    words = (f"SOPInstanceUID={dataset.SOPInstanceUID}", "--missing", "refuse", "--exclude", "IM1")
    done = run("create", folder, "-o", tmp_path / "NEW", *words, code=3)
    assert "nothing was written: there is no file that a DICOMDIR can list" in done.stderr
