"""Burning: never over a disc that holds data, and never without comparing the disc with the image."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from fileset.burn import _letter, programs, readable_device
from fileset.burn.programs import PROGRAMS, program_for
from fileset.errors import RuleError
from tests.support.command import Runs
from tests.support.judges import need_tool

NO_SCRIPTS = pytest.mark.skipif(sys.platform == "win32", reason="the program in place of a burner is a shell script")
BURNERS = {
    "good": 'for word; do last=$word; case $word in dev=*) disc=${word#dev=stdio:};; esac; done; cat "$last" - >"$disc" </dev/zero &'
    "\nsleep 0.2; kill $!",
    "bad": 'for word; do last=$word; case $word in dev=*) disc=${word#dev=stdio:};; esac; done; cp "$last" "$disc"\n'
    'printf XX | dd of="$disc" bs=1 seek=200000 conv=notrunc 2>/dev/null',
    "failing": "echo Beginning to write; echo Sense key: medium error; exit 254",
}


@pytest.fixture
def xorriso() -> str:
    return need_tool("xorriso")


@pytest.fixture
def burner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of a program called wodim, the only one that is installed."""
    path = tmp_path / "bin" / "wodim"
    path.parent.mkdir()
    monkeypatch.setattr(programs, "which", lambda name: str(path) if name == "wodim" else None)
    monkeypatch.setenv("PATH", str(path.parent), prepend=os.pathsep)
    return path


def install(burner: Path, kind: str) -> None:
    burner.write_text(f"#!/bin/sh\n{BURNERS[kind]}\n", encoding="ascii")
    burner.chmod(0o755)


@pytest.mark.judges
@pytest.mark.usefixtures("xorriso")
def test_a_burned_disc_is_as_the_image_and_is_checked(run: Runs, image: Path, tmp_path: Path) -> None:
    disc = tmp_path / "burned"
    burned = run("burn", image, "--device", f"stdio:{disc}", "--json").document
    assert burned["comparison"]["same"]
    assert burned["comparison"]["sectors"] == image.stat().st_size // 2048
    assert burned["check"]["errors"] == 0
    assert disc.read_bytes()[: image.stat().st_size] == image.read_bytes()
    assert run("list", disc, "--paths").stdout.count("\n") == 12


@pytest.mark.judges
@pytest.mark.usefixtures("xorriso")
def test_a_disc_that_is_not_blank_is_refused_and_keeps_its_bytes(run: Runs, image: Path, tmp_path: Path) -> None:
    disc = tmp_path / "burned"
    disc.write_bytes(b"patient data" * 10_000)
    before = disc.read_bytes()
    refused = run("burn", image, "--device", f"stdio:{disc}", code=6)
    assert "not blank" in refused.stderr
    assert disc.read_bytes() == before
    run("burn", image, "--device", f"stdio:{disc}", "--blank")
    assert disc.read_bytes()[: image.stat().st_size] == image.read_bytes()


@pytest.mark.judges
@pytest.mark.usefixtures("xorriso")
def test_a_disc_that_only_the_burning_program_knows_to_be_written_is_refused(tmp_path: Path) -> None:
    disc = tmp_path / "burned"
    disc.write_bytes(bytes(1 << 20))
    assert program_for("xorriso").disc_state(f"stdio:{disc}").blank
    disc.write_bytes(bytes(32768) + b"\1CD001\1" + bytes(1 << 20))  # enough for the program, nonsense for a reader
    assert not program_for("xorriso").disc_state(f"stdio:{disc}").blank


@pytest.mark.judges
@pytest.mark.usefixtures("xorriso")
def test_a_drive_that_the_program_cannot_use_spoils_no_disc(run: Runs, image: Path, tmp_path: Path) -> None:
    said = run("burn", image, "--device", f"stdio:{tmp_path}/nowhere/disc", code=5).stderr
    assert "xorriso cannot use this drive: " in said
    assert programs.DISC_MAY_BE_SPOILED not in said


@pytest.mark.parametrize(
    ("state", "blank", "code", "message"),
    [
        ("Media status : is not present\n", True, 5, "there is no disc in the drive. Insert a blank disc"),
        ("Media status : is not recognizable\n", False, 6, "the disc is not blank"),
        (
            "Media status : is written , is closed\nMedia blocks : 9 readable , 0 writable , 9 overall",
            False,
            6,
            "not blank",
        ),
        (
            "Media status : is blank\nMedia blocks : 0 readable , 9 writable , 9 overall",
            False,
            5,
            "room for only 9; nothing",
        ),
        (
            "Media status : is blank\nMedia blocks : 0 readable , 9 writable , 9 overall",
            True,
            5,
            "room for only 9; nothing",
        ),
        ("Media status : is blank\nMedia blocks : 0 readable , 99999 writable , 99999 overall", False, 0, ""),
        ("Media status : is blank\nMedia blocks : 0 readable , 0 writable , 0 overall", False, 0, ""),
        ("Media status : is written , is closed\nMedia blocks : 9 readable , 0 writable , 9 overall", True, 0, ""),
        ("Drive is in use by another program\n", False, 5, "xorriso cannot use this drive: Drive is in use"),
    ],
)
def test_the_disc_in_the_drive_is_looked_at_before_it_is_burned(
    state: str,
    blank: bool,  # noqa: FBT001  # a table of cases
    code: int,
    message: str,
    run: Runs,
    image: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "which", lambda name: name if name == "xorriso" else None)
    monkeypatch.setattr(programs, "_ended", lambda _: (0, state))
    more = ("--blank",) if blank else ()
    assert (
        message in run("burn", image, "--device", f"stdio:{tmp_path / 'BURNED'}", "--dry-run", *more, code=code).stderr
    )


@pytest.fixture
def faulty(image: Path) -> Path:
    """An image whose DICOMDIR lists a file that is no DICOM file."""
    data = image.read_bytes()
    at = data.rindex(bytes(128) + b"DICM")
    image.write_bytes(data[: at + 128] + b"XXXX" + data[at + 132 :])
    return image


@pytest.mark.usefixtures("burner")
def test_an_image_with_errors_is_burned_only_if_that_is_asked_for(run: Runs, faulty: Path, tmp_path: Path) -> None:
    refused = run("burn", faulty, "--device", f"stdio:{tmp_path / 'burned'}", "--dry-run", code=6)
    assert "in the image; nothing was burned. `fileset check` names them; --force burns" in refused.stderr
    assert "would run" in run("burn", faulty, "--device", f"stdio:{tmp_path / 'burned'}", "--dry-run", "--force").stdout


@pytest.mark.usefixtures("burner")
def test_an_image_without_a_file_set_is_not_burned(run: Runs, image: Path, tmp_path: Path) -> None:
    image.write_bytes(image.read_bytes().replace(b"DICOMDIR", b"DICOMDIX"))
    run("burn", image, "--device", f"stdio:{tmp_path / 'burned'}", "--dry-run", code=4)


def test_an_image_is_not_burned_over_itself(run: Runs, image: Path) -> None:
    before = image.read_bytes()
    assert "is the image itself" in run("burn", image, "--device", f"stdio:{image}", "--blank", code=6).stderr
    assert image.read_bytes() == before


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows has letters for drives")
@pytest.mark.parametrize("drive", ["d:", "d:\\", "d:/", "\\\\.\\d:"])
def test_a_drive_of_windows_has_one_name_in_all_its_forms(drive: str) -> None:
    assert readable_device(drive) == "\\\\.\\d:"
    isoburn = next(program for program in PROGRAMS if program.name == "isoburn")
    assert isoburn.command(_letter(drive), "A.iso", blank=False, speed=None)[-2:] == ["d:", "A.iso"]


@NO_SCRIPTS
def test_padding_after_the_image_is_no_difference(run: Runs, image: Path, burner: Path, tmp_path: Path) -> None:
    install(burner, "good")
    run("burn", image, "--device", f"stdio:{tmp_path / 'burned'}")
    assert (tmp_path / "burned").stat().st_size > image.stat().st_size


@NO_SCRIPTS
def test_an_encrypted_disc_that_equals_its_image_is_a_success_with_its_limits_named(
    run: Runs, disc: Path, burner: Path, tmp_path: Path
) -> None:
    install(burner, "good")
    (tmp_path / "password").write_text("secret123")
    sealed, burned = tmp_path / "SEALED.iso", tmp_path / "burned"
    run("create", disc, "-o", sealed, "--password-file", tmp_path / "password")
    said = run("burn", sealed, "--device", f"stdio:{burned}").stdout
    assert "0 errors\nencrypted: without a key, only the names and envelopes of the files were checked" in said
    assert f"`fileset check {burned}` with --key or --password-file checks all\n" in said
    quiet = run("burn", sealed, "--device", f"stdio:{burned}", "--blank", "-q").stdout
    assert "\nencrypted: without a key, only the names and envelopes of the files were checked" in quiet
    again = run("burn", sealed, "--device", f"stdio:{burned}", "--blank", "--json").document
    assert again["check"] == {"errors": 0, "warnings": 0, "sealed": True}
    run("check", burned, "--password-file", tmp_path / "password")


@pytest.mark.usefixtures("burner")
def test_a_damaged_envelope_in_the_image_is_refused_without_a_key(run: Runs, disc: Path, tmp_path: Path) -> None:
    pytest.importorskip("asn1crypto", reason="encryption needs the extra secure")
    (tmp_path / "password").write_text("secret123")
    sealed = tmp_path / "SEALED.iso"
    run("create", disc, "-o", sealed, "--password-file", tmp_path / "password")
    content, none = bytes.fromhex("06092a864886f70d010705"), bytes.fromhex("04092a864886f70d010705")
    sealed.write_bytes(sealed.read_bytes().replace(content, none, 1))
    said = run("burn", sealed, "--device", f"stdio:{tmp_path / 'burned'}", "--dry-run", code=6).stderr
    assert "a check finds 1 error in the image; nothing was burned" in said


@NO_SCRIPTS
def test_a_disc_that_differs_gives_exit_code_5_and_names_the_sector(
    run: Runs, image: Path, burner: Path, tmp_path: Path
) -> None:
    install(burner, "bad")
    ended = run("burn", image, "--device", f"stdio:{tmp_path / 'burned'}", code=5)
    assert f"sector {200_000 // 2048}: different" in ended.stdout


@NO_SCRIPTS
def test_a_burning_program_that_fails_gives_exit_code_5_and_its_last_words(
    run: Runs, image: Path, burner: Path, tmp_path: Path
) -> None:
    install(burner, "failing")
    ended = run("burn", image, "--device", f"stdio:{tmp_path / 'burned'}", code=5)
    assert "exit code 254" in ended.stderr
    assert "Sense key: medium error" in ended.stderr


@NO_SCRIPTS
def test_a_dry_run_burns_nothing(run: Runs, image: Path, burner: Path, tmp_path: Path) -> None:
    install(burner, "failing")
    ended = run("burn", image, "--device", f"stdio:{tmp_path / 'burned'}", "--dry-run")
    assert f"wodim -v dev=stdio:{tmp_path / 'burned'} -sao" in ended.stdout
    assert not (tmp_path / "burned").exists()


def test_an_image_that_was_cut_off_is_refused(run: Runs, image: Path, tmp_path: Path) -> None:
    os.truncate(image, image.stat().st_size - 4096)
    assert "cut off" in run("burn", image, "--device", f"stdio:{tmp_path / 'burned'}", code=4).stderr


def test_a_folder_is_no_image(run: Runs, tmp_path: Path) -> None:
    said = run("burn", tmp_path, "--device", f"stdio:{tmp_path / 'burned'}", "--dry-run", code=2).stderr
    assert f"{tmp_path}: is a folder, not an ISO image. `fileset create FOLDER -o NAME.iso` makes an image" in said


def test_a_file_that_is_no_image_is_named_as_the_user_named_it(
    run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("text")
    said = run("burn", "notes.txt", "--device", "stdio:burned", "--dry-run", code=4).stderr
    assert said.startswith("fileset: error: notes.txt: not an image of a disc")


def test_a_drive_that_does_not_exist_is_a_wrong_argument(run: Runs, image: Path, tmp_path: Path) -> None:
    assert "no such drive" in run("burn", image, "--device", tmp_path / "sr9", code=2).stderr
    said = run("burn", image, "--device", "X:", code=2).stderr
    assert "error: X: there is no such drive. Name the drive, such as /dev/sr0, or D: on Windows\n" in said


@pytest.mark.parametrize("content", [b"", b"patient data"])
def test_a_file_is_no_drive_and_keeps_its_bytes(content: bytes, run: Runs, image: Path, tmp_path: Path) -> None:
    file = tmp_path / "FILE"
    file.write_bytes(content)
    for more in ((), ("--blank",)):
        said = run("burn", image, "--device", file, *more, code=2).stderr
        assert "is a file, not a drive. Name the drive, such as /dev/sr0" in said
    assert file.read_bytes() == content


@pytest.mark.parametrize("prefix", ["", "stdio:"])
def test_a_folder_is_no_drive(prefix: str, run: Runs, image: Path, tmp_path: Path) -> None:
    said = run("burn", image, "--device", f"{prefix}{tmp_path}", code=2).stderr
    assert "is a folder, not a drive. Name the drive, such as /dev/sr0" in said


def test_an_image_that_does_not_exist_is_a_wrong_argument(run: Runs, image: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent.iso"
    assert "no such file" in run("burn", absent, "--device", f"stdio:{tmp_path / 'burned'}", code=2).stderr
    assert "no such file" in run("check", image, "--against", absent, code=2).stderr


def test_without_a_burning_program_its_names_are_given(
    run: Runs, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "which", lambda _: None)
    assert "xorriso" in run("burn", image, "--device", f"stdio:{tmp_path / 'BURNED'}", code=2).stderr


def test_an_unknown_burning_program_is_answered_with_the_known_ones() -> None:
    with pytest.raises(RuleError, match="Use one of xorriso"):
        program_for("nero")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_every_program_gets_device_and_image_and_burns_in_one_session(program: programs.BurningProgram) -> None:
    words = program.command("DRIVE", "A.iso", blank=False, speed=None)
    assert words[0] == program.name
    assert words[-1] == "A.iso"
    assert (
        any(word.endswith("DRIVE") for word in words) or program.name == "hdiutil"
    )  # which finds the burner by itself
    assert not any("multi" in word or "tao" in word for word in words)
    assert not set(program.blank) & set(words)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_an_option_that_the_program_lacks_is_an_error(program: programs.BurningProgram) -> None:
    for wanted, able in (
        ({"blank": True, "speed": None}, program.blank),
        ({"blank": False, "speed": 8}, program.speed),
    ):
        if able:
            assert len(program.command("D", "I", **wanted)) == len(program.burn) + len(able)
        else:
            with pytest.raises(RuleError, match="choose another program"):
                program.command("D", "I", **wanted)


def test_hdiutil_finds_the_burner_by_itself_since_it_takes_no_device_file(
    run: Runs, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(programs, "which", lambda name: name if name == "hdiutil" else None)
    monkeypatch.setattr("fileset.burn._SHOWS_EMPTY_DRIVES", False)
    shown = run("burn", image, "--device", tmp_path / "disk9", "--dry-run").stdout
    assert f"hdiutil burn -noverifyburn -noeject {image}" in shown
    said = run("burn", image, "--device", tmp_path / "disk9", "--blank", "--dry-run", code=2).stderr
    assert "hdiutil cannot erase a disc" in said  # with two burners it could be the other disc
    disc = shutil.copy(image, tmp_path / "BURNED")
    said = run("burn", image, "--device", f"stdio:{disc}", code=6).stderr
    assert said.endswith("the disc is not blank. Insert a blank disc\n")
