"""The shells of Windows: their wild cards, quotes, drives, and output to a file."""

from __future__ import annotations

import ntpath
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import fileset
from fileset.cli import main
from fileset.cli.shell import for_windows, refuse_glued, shown, with_files
from fileset.cli.signals import ending_as_interrupted
from fileset.cli.verbs.index import _beside
from fileset.errors import RuleError
from fileset.media.system.files import not_found, upwards
from tests.support import synthetic
from tests.support.command import Runs, environment

WINDOWS = pytest.mark.skipif(sys.platform != "win32", reason="only Windows has letters for drives, and such shells")
ABSENT = "Q:\\"
ODD = ("AUX", "NUL.dcm", "COM1", "IM1.", "IM2 ", "L" * 250)


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("D:\\OUT", "D:\\OUT"),
        ("Bilder für Dr.Öz", '"Bilder für Dr.Öz"'),
        ("D:\\A & B", '"D:\\A & B"'),
        ("D:\\A B\\", '"D:\\A B\\\\"'),
        ("", '""'),
    ],
)
def test_a_word_is_quoted_as_windows_takes_it(word: str, quoted: str) -> None:
    assert for_windows(word) == quoted


def test_a_command_is_shown_as_the_shell_of_this_system_takes_it(tmp_path: Path) -> None:
    script = "import sys; print(ascii(sys.argv[1:]))"
    words = ["A & B", "D:\\A B\\", "$HOME", "it's"]
    line = shown([sys.executable, "-c", script, *words])
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=True, cwd=tmp_path)  # noqa: S602  # that is the test
    assert done.stdout.strip() == ascii(words)


def test_wild_cards_become_the_files_that_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.dcm", "a.dcm", "c [1].dcm", "c.txt"):
        Path(name).touch()
    kept = ["-o", "O?", "PatientName=a*", "--template=*.dcm", "--exclude", "*.dcm"]
    found = ["a.dcm", "b.dcm", "c [1].dcm", "c [1].dcm"]
    assert list(with_files(["create", "*.dcm", "c [1].*", *kept])) == ["create", *found, *kept]


def test_a_path_whose_closing_mark_became_a_part_of_it_is_corrected() -> None:
    # What Windows makes of: fileset create "D:\\A B\\" -o "OUT\\"
    words = ['D:\\A B"', 'OUT"', 'PatientName="', 'a"b']
    assert list(with_files(words)) == ["D:\\A B", "OUT", 'PatientName="', 'a"b']


@pytest.mark.parametrize("word", ['D:\\A B" -o X', 'in" -o', '\\\\server\\share\\in" -o D:\\out"'])
def test_a_path_that_swallowed_the_words_after_it_is_explained(word: str) -> None:
    refuse_glued(
        [
            "create",
            'PatientName=a" b',
            "--institution",
            'Praxis "Dr. X" GmbH',
            'Authorization: Digest realm="x" y',
            "D:\\A B",
        ]
    )
    with pytest.raises(RuleError, match="without one at the end"):
        refuse_glued(["create", word])


def test_the_search_upwards_ends_at_a_missing_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.dirname", ntpath.dirname)
    assert list(upwards("Q:\\A\\B")) == ["Q:\\A\\B", "Q:\\A", "Q:\\"]
    assert list(upwards("A\\B")) == ["A\\B", "A"]


def test_a_network_folder_that_cannot_be_reached_is_not_called_a_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.splitdrive", ntpath.splitdrive)
    assert "no such network folder, or it cannot be reached" in str(not_found("\\\\server\\share\\DISC"))
    assert "no such drive, or no disc in it" in str(not_found("Q:\\DISC"))


@WINDOWS
@pytest.mark.parametrize("path", [ABSENT, ABSENT + "DISC", ABSENT + "DISC.iso"])
@pytest.mark.parametrize("verb", ["list", "info", "check", "repair", "index", "extract", "create", "create -o"])
def test_a_drive_without_a_disc_is_an_error(verb: str, path: str, run: Runs, tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "IN", 1, 1, 1, 1)
    arguments: dict[str, tuple[str | Path, ...]] = {
        "extract": (path, "-o", tmp_path / "X"),
        "create": (path, "-o", tmp_path / "X"),
    }
    arguments["create -o"] = (tmp_path / "IN", "-o", path)
    said = run(verb.removesuffix(" -o"), *arguments.get(verb, (path,)), code=2).stderr
    assert "there is no such drive, or no disc in it" in said


@WINDOWS
def test_paths_over_260_characters_are_written_and_read(indexed: Path, run: Runs, tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*("L" * 60 for _ in range(4)))
    run("create", indexed, "-o", deep / "OUT")
    assert run("list", deep / "OUT", "--paths").stdout.count("\n") == 12
    run("check", deep / "OUT")
    run("create", deep / "OUT", "-o", deep / "D.iso")
    run("extract", deep / "D.iso", "-o", deep / "COPIES")
    with fileset.Updater(deep / "OUT") as updater:
        updater.remove(PatientID=next(iter(fileset.Reader(indexed).patients)).get("PatientID"))
    run("check", deep / "OUT", deep / "D.iso")


@WINDOWS
def test_a_file_set_copied_from_a_disc_can_be_changed_although_it_is_read_only(
    indexed: Path, run: Runs, tmp_path: Path
) -> None:
    def make_read_only() -> None:
        for path in tmp_path.rglob("*"):
            path.chmod(stat.S_IREAD)

    run("create", indexed, "-o", tmp_path / "OUT")
    run("create", indexed, "-o", tmp_path / "D.iso")
    for medium in (tmp_path / "OUT", tmp_path / "D.iso"):
        make_read_only()
        run("remove", medium, "InstanceNumber=1")
        make_read_only()
        run("add", medium, indexed)
        make_read_only()
        run("refresh", medium)
        run("create", indexed, "-o", medium, "--replace")
        assert "0 errors" in run("check", medium).stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["D.iso", "OUT"]


@WINDOWS
def test_a_file_set_that_another_program_has_open_stays_and_can_be_changed_afterwards(
    indexed: Path, run: Runs, tmp_path: Path
) -> None:
    run("create", indexed, "-o", tmp_path / "OUT")
    with (tmp_path / "OUT" / "DICOMDIR").open("rb"):
        said = run("remove", tmp_path / "OUT", "InstanceNumber=1", code=5).stderr
    assert "Another program may have it open" in said
    assert len(run("list", tmp_path / "OUT", "--paths").stdout.splitlines()) == 12
    run("remove", tmp_path / "OUT", "InstanceNumber=1")
    assert run("check", tmp_path / "OUT").stdout.endswith("0 errors\n")


@WINDOWS
def test_a_file_that_a_scanner_has_open_for_a_moment_is_removed_all_the_same(
    indexed: Path, run: Runs, tmp_path: Path
) -> None:
    run("create", indexed, "-o", tmp_path / "OUT")
    victim = tmp_path / "OUT" / run("list", tmp_path / "OUT", "InstanceNumber=1", "--paths").stdout.splitlines()[0]
    scanner = victim.open("rb")
    threading.Timer(0.3, scanner.close).start()
    run("remove", tmp_path / "OUT", "InstanceNumber=1")
    assert not victim.exists()
    assert "0 errors" in run("check", tmp_path / "OUT").stdout


@WINDOWS
def test_new_files_get_the_permissions_of_their_folder(
    indexed: Path, run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir, modes = os.mkdir, []

    def noted(path: str, mode: int = 0o777) -> None:
        modes.append(mode)
        mkdir(path, mode)

    monkeypatch.setattr(os, "mkdir", noted)
    run("create", indexed, "-o", tmp_path / "OUT")
    assert set(modes) == {0o777}  # a folder of 0o700 shuts out other users, and files that move out of it keep that


@WINDOWS
def test_files_of_a_disc_with_names_that_windows_keeps_for_itself_are_read(
    indexed: Path, run: Runs, tmp_path: Path
) -> None:
    shutil.copytree(indexed, tmp_path / "IN")
    for path, name in zip(sorted(path for path in (tmp_path / "IN").rglob("I*") if path.is_file()), ODD, strict=False):
        os.rename(path, f"\\\\?\\{path.with_name(name)}")
    run("create", tmp_path / "IN", "-o", tmp_path / "OUT")
    assert run("list", tmp_path / "OUT", "--paths").stdout.count("\n") == 12
    run("index", tmp_path / "IN", "--replace", code=3)  # these are no File IDs, or it leaves them out
    run("extract", tmp_path / "IN", "-o", tmp_path / "COPIES", "--scan")
    assert sum(path.is_file() for path in (tmp_path / "COPIES").rglob("*")) == 12


@WINDOWS
def test_the_ends_of_paths_may_have_either_slash(indexed: Path, run: Runs, tmp_path: Path) -> None:
    for number, end in enumerate(("/", "\\")):
        run("create", indexed, "-o", f"{tmp_path}\\OUT{number}{end}", "--volume-size", "1MB")
        assert (tmp_path / f"OUT{number}_1" / "DICOMDIR").exists()
    assert _beside("OUT/") == "OUT_NEW"
    assert _beside(ABSENT) == "_NEW"


@WINDOWS
def test_spaces_after_a_path_and_the_name_of_a_device_are_no_trap(indexed: Path, run: Runs, tmp_path: Path) -> None:
    run("create", indexed, "-o", f"{tmp_path}\\OUT  ")
    assert run("list", tmp_path / "OUT", "--paths").stdout.count("\n") == 12
    assert main(["create", str(indexed), "-o", str(tmp_path / "X"), "--manifest", "CON"]) in (5, 6)


@WINDOWS
def test_a_report_on_another_drive_is_an_error_only_if_its_folder_is_missing(
    indexed: Path, run: Runs, tmp_path: Path
) -> None:
    said = run("create", indexed, "-o", tmp_path / "OUT", "--manifest", ABSENT + "A\\SUMS", code=5).stderr
    assert "there is no folder" in said


@WINDOWS
def test_ctrl_break_undoes_a_change_as_ctrl_c_does() -> None:
    with pytest.raises(KeyboardInterrupt, match="SIGBREAK"), ending_as_interrupted():
        signal.raise_signal(signal.Signals["SIGBREAK"])


@WINDOWS
def test_wild_cards_and_names_of_all_patients_reach_other_programs(tmp_path: Path) -> None:
    dataset = synthetic.instance(synthetic.CT_IMAGE, charset="ISO_IR 192")
    dataset.PatientName = "山田^太郎"
    synthetic.write(dataset, tmp_path / "IN" / "IM1")

    def output(*words: str) -> str:
        command = [sys.executable, "-m", "fileset", *words]
        return subprocess.run(
            command, env=environment() | {"PYTHONUTF8": "0"}, cwd=tmp_path, capture_output=True, check=True
        ).stdout.decode("utf-8")

    output("create", "I?", "-o", "OUT")
    assert "山田^太郎" in output("list", "OUT")
    assert "山田^太郎" in output("list", "O*", "--csv", "--level", "PATIENT")
