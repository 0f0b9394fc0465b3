"""Files beside the file-set: on every medium, under their names, and never in its way (PS3.10 8.1)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import fileset
from fileset.cli import main
from fileset.errors import MediumError, RefusedError, RuleError
from tests.media.conftest import below, contents, uids
from tests.support.judges import judge_file_set, run_tool

LONG = {
    "Autorun.inf": b"[autorun]",
    "INDEX.HTM": b"<html>",
    "viewer/Some long name, with blanks.txt": b"text",
    "viewer/Some long name, with blanks and more.txt": b"more text",
    "viewer/lib/empty": b"",
    "README.TXT": b"read me",
}
SHORT = {name: data for name, data in LONG.items() if not name.startswith("viewer/Some")}
NOT_WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
MEDIA = {
    "folder": ("DISC", (), LONG),
    "plain": ("DISC.iso", (), SHORT),
    "joliet": ("DISC.iso", ("joliet",), LONG),
    "udf": ("DISC.iso", ("udf",), LONG),
    "all": ("DISC.iso", ("joliet", "udf"), LONG),
}


NOT_ON_WINDOWS = [
    pytest.param(name, marks=NOT_WINDOWS)
    for name in ("a\\b", "col:on", "what?", "end.", "CON", "viewer/aux.txt", "nul/a", "Com1.tar.gz", "ret\rurn")
]


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def create(sources: Path, path: Path, *include: Path, options: tuple[str, ...] = (), replace: bool = False) -> Path:
    creator = fileset.Creator(path, medium_options=options, replace=replace)
    creator.add(sources)
    creator.include(*include)
    creator.commit()
    return path


@pytest.mark.parametrize(("name", "options", "files"), MEDIA.values(), ids=MEDIA)
def test_included_files_are_beside_the_file_set(
    sources: Path, tmp_path: Path, name: str, options: tuple[str, ...], files: dict[str, bytes]
) -> None:
    medium = create(sources, tmp_path / name, written(tmp_path / "include", files), options=options)
    plain = create(sources, tmp_path / "plain")
    found = contents(medium)
    beside = {path.upper(): below(tmp_path / "include")[path] for path in files}
    assert {path.upper(): found[path] for path in found if path.upper() in beside} == beside
    assert len(found) == len(contents(plain)) + len(files)
    if options:
        assert set(files) <= set(found), "long names are kept"
    with fileset.Reader(medium) as reader:
        assert {record.sop_instance_uid for record in reader.instances} == uids()


def test_an_included_file_that_is_also_a_source_is_not_left_out(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written(sources, {"VIEWER/RUN.EXE": b"program", "VIEWER/LIB/A.TXT": b"text", "OTHER.TXT": b"text"})
    monkeypatch.chdir(sources)
    options = ["--include", "VIEWER", "--include", "./VIEWER/../OTHER.TXT", "--strict-sources", "-v"]
    assert main(["create", str(sources), "-o", str(tmp_path / "OUT"), *options]) == 0
    assert "left out" not in capsys.readouterr().err
    assert {"RUN.EXE", "LIB/A.TXT", "OTHER.TXT"} <= below(tmp_path / "OUT").keys()
    assert main(["create", str(sources), "-o", str(tmp_path / "OUT2"), *options[:2], "-v"]) == 0
    assert "1 file that is not DICOM, left out:\n  OTHER.TXT\n" in capsys.readouterr().err


@pytest.mark.judges
@pytest.mark.parametrize(("options", "tree"), [(("joliet",), "Iso"), (("udf",), "Udf")])
def test_others_find_the_long_names(sources: Path, tmp_path: Path, options: tuple[str, ...], tree: str) -> None:
    image = create(sources, tmp_path / "X.iso", written(tmp_path / "include", LONG), options=options)
    assert run_tool("7zz", "x", "-y", f"-t{tree}", f"-o{tmp_path / 'out'}", image).code == 0
    assert {name: data for name, data in below(tmp_path / "out").items() if name in LONG} == below(tmp_path / "include")
    judge_file_set(tmp_path / "out", uids())


@pytest.mark.judges
def test_the_primary_hierarchy_keeps_to_level_1(sources: Path, tmp_path: Path) -> None:
    image = create(sources, tmp_path / "X.iso", written(tmp_path / "include", LONG), options=("joliet",))
    names = run_tool("isoinfo", "-f", "-i", image).stdout.splitlines()
    assert {"/AUTORUN.INF;1", "/README.TXT;1", "/VIEWER/SOME_LON.TXT;1", "/VIEWER/SOME_LO1.TXT;1"} <= set(names)


def test_long_names_need_joliet(sources: Path, tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="use --joliet"):
        create(sources, tmp_path / "X.iso", written(tmp_path / "include", LONG))
    assert not list(tmp_path.glob("X.iso*"))


def test_long_names_survive_an_update(sources: Path, tmp_path: Path) -> None:
    image = create(sources, tmp_path / "X.iso", written(tmp_path / "include", LONG), options=("joliet", "udf"))
    before = contents(image)
    with fileset.Updater(image) as updater:
        assert updater.remove(PatientID="P2") == 20
    after = contents(image)
    assert {name: after[name] for name in LONG} == {name: before[name] for name in LONG}
    assert len(after) == len(before) - 20


def test_a_file_goes_under_its_own_name_to_the_root(sources: Path, tmp_path: Path) -> None:
    written(tmp_path / "far" / "away", {"README.TXT": b"1"})
    create(sources, tmp_path / "DISC", tmp_path / "far" / "away" / "README.TXT")
    assert (tmp_path / "DISC" / "README.TXT").read_bytes() == b"1"


@pytest.mark.judges
def test_instances_get_other_names_than_included_files(sources: Path, tmp_path: Path) -> None:
    medium = create(sources, tmp_path / "DISC", written(tmp_path / "include", {"PT000000": b"mine"}))
    assert (medium / "PT000000").read_bytes() == b"mine"
    judge_file_set(medium, uids())


def test_the_same_file_again_is_fine_another_is_refused(sources: Path, tmp_path: Path) -> None:
    include = written(tmp_path / "include", {"README.TXT": b"1"})
    medium = create(sources, tmp_path / "DISC", include)
    create(sources, medium, include, replace=True)
    written(include, {"README.TXT": b"2"})
    with pytest.raises(RefusedError, match=r"README\.TXT: another file on .* has this name"):
        create(sources, medium, include, replace=True)
    assert (medium / "README.TXT").read_bytes() == b"1"


@pytest.mark.parametrize("name", ["DICOMDIR", "dicomdir", *NOT_ON_WINDOWS, " blank"])
def test_names_that_a_medium_cannot_have_are_refused(sources: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(RuleError, match="cannot be included"):
        create(sources, tmp_path / "DISC", written(tmp_path / "include", {name: b""}))
    assert not (tmp_path / "DISC").exists()


def test_two_files_of_one_name_are_refused(sources: Path, tmp_path: Path) -> None:
    one, two = (written(tmp_path / name, {"README.TXT": b""}) for name in ("one", "two"))
    with pytest.raises(RuleError, match="included twice"):
        create(sources, tmp_path / "DISC", one, two)


def test_two_names_that_differ_only_in_case_are_refused(sources: Path, tmp_path: Path) -> None:
    one = written(tmp_path / "one", {"README.TXT": b"1"})
    two = written(tmp_path / "two", {"Readme.txt": b"2"})
    with pytest.raises(RuleError, match=r"Readme\.txt: included twice, as .*one.*README\.TXT and .*two.*Readme\.txt"):
        create(sources, tmp_path / "DISC.zip", one, two)


@NOT_WINDOWS
@pytest.mark.parametrize("target", ["DISC", "DISC.iso", "DISC.zip", "-"])
def test_the_message_about_a_name_that_windows_cannot_open_says_so(
    sources: Path, tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    include = written(tmp_path / "include", {"viewer/AUX.TXT": b""})
    output = target if target == "-" else str(tmp_path / target)
    assert main(["create", str(sources), "-o", output, "--include", str(include)]) == 2
    reason = "viewer/AUX.TXT: cannot be included: Windows cannot open a file of this name. Rename it, or leave it out"
    assert capsys.readouterr().err == f"fileset: error: {reason}\n"


def test_a_missing_source_is_a_medium_error(sources: Path, tmp_path: Path) -> None:
    with pytest.raises(MediumError, match="no such file"):
        create(sources, tmp_path / "DISC", tmp_path / "nowhere")


def test_the_command_line_includes_too(sources: Path, tmp_path: Path) -> None:
    include = written(tmp_path / "include", {"README.TXT": b"1", "VIEWER/RUN.EXE": b"2"})
    done = main(
        ["create", str(sources), "--include", str(include), "-o", str(tmp_path / "X.iso"), "--udf", "--joliet", "-q"]
    )
    assert done == 0
    assert {"README.TXT", "VIEWER/RUN.EXE"} <= set(contents(tmp_path / "X.iso"))
