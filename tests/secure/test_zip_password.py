"""ZIP archives with a password: written with AES-256, read with AES and with ZipCrypto."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import pyzipper

import fileset
from fileset.errors import FilesetError, RuleError
from fileset.media.zip import encryption
from tests.secure.conftest import PASSWORD, Identity
from tests.secure.test_file_sets import PLAIN_NAME, contents
from tests.support import synthetic
from tests.support.command import Runs, command, environment

SEVEN_ZIP = shutil.which("7zz") or shutil.which("7z")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "IN"
    synthetic.ct_series(folder, patients=1, studies=1, series=1, instances=3)
    return folder


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password.txt"
    path.write_text(PASSWORD, encoding="ascii")
    return path


@pytest.fixture
def locked(sources: Path, tmp_path: Path) -> Path:
    path = tmp_path / "LOCKED.zip"
    with fileset.Creator(path, security=fileset.Security(zip_password=PASSWORD)) as creator:
        creator.add(sources)
    return path


@pytest.mark.parametrize("compress", [(), ("--compress",)], ids=["stored", "deflated"])
def test_an_archive_with_a_password_is_read_again(
    compress: tuple[str, ...], run: Runs, sources: Path, password_file: Path, tmp_path: Path
) -> None:
    out, access = tmp_path / "OUT.zip", ("--zip-password-file", password_file)
    run("create", sources, "-o", out, *access, *compress)
    assert PLAIN_NAME not in out.read_bytes()
    assert "3 IMAGE" in run("list", out, *access).stdout
    assert "0 errors" in run("check", out, *access).stdout
    run("extract", out, "-o", tmp_path / "COPIES", *access)
    assert contents(tmp_path / "COPIES") == contents(sources)
    with pyzipper.AESZipFile(out) as archive:
        assert {one.wz_aes_version for one in archive.infolist()} == {2}
        assert {one.wz_aes_strength for one in archive.infolist()} == {3}
        assert {one.CRC for one in archive.infolist()} == {0}


@pytest.mark.skipif(SEVEN_ZIP is None, reason="7-Zip is not installed")
@pytest.mark.judges
@pytest.mark.parametrize("compress", [(), ("--compress",)], ids=["stored", "deflated"])
def test_7_zip_opens_the_archive_with_the_password_and_without_it_does_not(
    compress: tuple[str, ...], run: Runs, sources: Path, password_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "OUT.zip"
    run("create", sources, "-o", out, "--zip-password-file", password_file, *compress)

    def seven_zip(*arguments: str) -> int:
        command = [str(SEVEN_ZIP), *arguments, str(out)]
        return subprocess.run(command, capture_output=True, cwd=tmp_path, check=False).returncode

    assert seven_zip("x", f"-p{PASSWORD}", f"-o{tmp_path / 'X'}") == 0
    assert contents(tmp_path / "X") > contents(sources)
    assert seven_zip("t", "-pwrong") != 0


@pytest.mark.skipif(SEVEN_ZIP is None, reason="7-Zip is not installed")
@pytest.mark.judges
@pytest.mark.parametrize("kind", ["AES128", "AES192", "AES256", "ZipCrypto"])
def test_archives_of_7_zip_are_read(kind: str, run: Runs, disc: Path, password_file: Path, tmp_path: Path) -> None:
    out, access = tmp_path / "OUT.zip", ("--zip-password-file", password_file)
    command = [str(SEVEN_ZIP), "a", "-tzip", f"-mem={kind}", f"-p{PASSWORD}", str(out), "."]
    subprocess.run(command, capture_output=True, cwd=disc, check=True)
    found = run("check", out, *access, "--json").document["findings"]
    assert [one["rule"] for one in found] == (["FS-ZIP-WEAK"] if kind == "ZipCrypto" else [])
    run("extract", out, "-o", tmp_path / "COPIES", *access)
    assert len(contents(tmp_path / "COPIES")) == 12


def test_without_the_password_a_command_names_the_option_for_it(run: Runs, locked: Path, tmp_path: Path) -> None:
    for verb in (("list",), ("check",), ("extract", "-o", tmp_path / "X"), ("remove", "PatientID=*")):
        assert "--zip-password-file" in run(verb[0], locked, *verb[1:], code=4).stderr
    (tmp_path / "wrong").write_text("wrong", encoding="ascii")
    done = run("list", locked, "--zip-password-file", tmp_path / "wrong", code=4)
    assert "password of the archive is wrong" in done.stderr
    done = run("create", locked, "-o", tmp_path / "Y", "--zip-password-file", tmp_path / "wrong", "--json", code=3)
    assert {one["rule"] for one in done.document["skipped"]} >= {"FS-ZIP-PASSWORD"}


def test_the_reason_of_a_locked_member_names_no_option_of_the_command_in_python(
    run: Runs, locked: Path, tmp_path: Path
) -> None:
    with fileset.Creator(tmp_path / "PYTHON") as creator:
        creator.add(locked)
    assert creator.report.skipped
    assert not any("--zip" in one.reason for one in creator.report.skipped)
    assert "Give a file with the password of the archive with --zip-password-file" in (
        run("create", locked, "-o", tmp_path / "COMMAND", code=3).stderr
    )
    with pytest.raises(fileset.FormatError, match=r"Security\(zip_password=") as raised:
        fileset.Reader(locked)
    assert "--zip" not in str(raised.value)


def test_a_changed_member_is_named_and_not_given_out(
    run: Runs, locked: Path, password_file: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(locked) as archive:
        victim = archive.infolist()[0]
    data = bytearray(locked.read_bytes())
    data[victim.header_offset + 500] ^= 1
    locked.write_bytes(data)
    access = ("--zip-password-file", password_file)
    found = run("check", locked, *access, "--json", code=1).document["findings"]
    assert [(one["rule"], one["where"]["file"]) for one in found] == [("FS-ZIP-CHANGED", victim.filename)]
    run("extract", locked, "-o", tmp_path / "X", *access, code=3)
    assert len(contents(tmp_path / "X")) == 2


def test_a_large_member_is_decrypted_as_far_as_it_is_read(
    locked: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encryption, "IN_MEMORY", 10)
    monkeypatch.setattr(encryption, "PIECE", 100)
    with fileset.Reader(locked, security=fileset.Security(zip_password=PASSWORD)) as reader:
        found = set()
        for record in reader.instances:
            with record.open() as file:
                data = file.read()
                for at, size in ((700, 50), (3, 400), (0, 10), (len(data) - 5, 100)):
                    file.seek(at)
                    assert file.read(size) == data[at : at + size]
            found.add(data)
    assert found == contents(sources)


def test_an_update_keeps_the_archive_encrypted(run: Runs, locked: Path, password_file: Path, tmp_path: Path) -> None:
    (tmp_path / "NEW").write_bytes(synthetic.ct(patient=3))
    access = ("--zip-password-file", password_file)
    run("add", locked, tmp_path / "NEW", *access)
    assert "4 IMAGE" in run("list", locked, *access).stdout
    assert PLAIN_NAME not in locked.read_bytes()
    run("create", tmp_path / "NEW", "-o", locked, "--replace", *access)
    assert "1 IMAGE" in run("list", locked, *access).stdout


def test_an_encrypted_archive_is_a_source(
    run: Runs, locked: Path, sources: Path, password_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "FOLDER").mkdir()
    shutil.copy(locked, tmp_path / "FOLDER" / "INNER.zip")
    for source in (locked, tmp_path / "FOLDER"):
        out = tmp_path / f"OUT_{source.stem}"
        run("create", source, "-o", out, "--zip-password-file", password_file)
        assert contents(out) > contents(sources)


def test_a_password_that_would_encrypt_nothing_is_refused(
    run: Runs, sources: Path, password_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "OUT"
    done = run("create", sources, "-o", out, "--zip-password-file", password_file, code=2)
    assert "nothing would be encrypted" in done.stderr
    assert not out.exists()


def test_a_password_of_an_archive_does_not_open_a_folder(
    run: Runs, sources: Path, password_file: Path, tmp_path: Path
) -> None:
    run("create", sources, "-o", tmp_path / "OUT")
    done = run("list", tmp_path / "OUT", "--zip-password-file", password_file, code=4)
    assert "is a folder, not" in done.stderr


def test_both_encryptions_can_be_used_together(
    run: Runs, sources: Path, password_file: Path, alice: Identity, tmp_path: Path
) -> None:
    out, zipped = tmp_path / "OUT.zip", ("--zip-password-file", password_file)
    run("create", sources, "-o", out, *zipped, "--encrypt-to", alice.certificate)
    assert "0 errors" in run("check", out, *zipped, "--key", alice.key).stdout
    assert "without a key" in run("list", out, *zipped, code=4).stderr


def test_volumes_have_the_password_too(run: Runs, sources: Path, password_file: Path, tmp_path: Path) -> None:
    padding = b"\xfc\xff\xfc\xffOB\0\0" + (400_000).to_bytes(4, "little") + bytes(400_000)
    for path in filter(Path.is_file, sources.rglob("*")):
        path.write_bytes(path.read_bytes() + padding)
    access = ("--zip-password-file", password_file)
    run("create", sources, "-o", tmp_path / "V.zip", "--volume-size", "1MB", *access)
    volumes = sorted(tmp_path.glob("V_*.zip"))
    assert len(volumes) == 2
    assert all("0 errors" in run("check", volume, *access).stdout for volume in volumes)


def test_standard_output_takes_an_encrypted_archive(sources: Path, password_file: Path, tmp_path: Path) -> None:
    words = command("create", sources, "-o", "-", "--zip-password-file", password_file)
    done = subprocess.run(words, capture_output=True, env=environment(), check=True)
    (tmp_path / "OUT.zip").write_bytes(done.stdout)
    with fileset.Reader(tmp_path / "OUT.zip", security=fileset.Security(zip_password=PASSWORD)) as reader:
        assert len(reader.instances) == 3


def test_a_password_of_an_archive_is_refused_for_another_medium(tmp_path: Path) -> None:
    security = fileset.Security(zip_password=PASSWORD)
    with pytest.raises(RuleError, match="no password of an archive"):
        fileset.Creator(tmp_path / "OUT.iso", security=security)
    with pytest.raises(RuleError, match="empty"):
        fileset.Security(zip_password="")
    with pytest.raises(FilesetError):
        fileset.Reader(tmp_path, security=security)


def test_no_password_of_an_archive_is_shown(locked: Path) -> None:
    security = fileset.Security(zip_password=PASSWORD)
    with fileset.Reader(locked, security=security) as reader:
        assert PASSWORD not in f"{security!r} {reader!r} {reader.medium!r}"


def test_without_the_extra_the_command_names_it(
    run: Runs, sources: Path, password_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyzipper", None)
    done = run("create", sources, "-o", tmp_path / "OUT.zip", "--zip-password-file", password_file, code=2)
    assert 'pip install "dicom-fileset[secure]"' in done.stderr
